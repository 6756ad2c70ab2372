from rasa_sdk import Action


class Nothing(Action):
    def name(self):
        return "action_nothing"

    def run(self, dispatcher, tracker, domain):
        return []
