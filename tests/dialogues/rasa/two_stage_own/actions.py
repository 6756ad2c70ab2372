from rasa_sdk import Action


class AskAffirmation(Action):
    def name(self):
        return "action_default_ask_affirmation"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(
            text="did you mean hi?",
            buttons=[{"title": "yes", "payload": "/hi"}, {"title": "no", "payload": "/out_of_scope"}],
        )
        return []
