from rasa_sdk import Action


class Nothing(Action):
    def name(self):
        return "action_nothing"

    def run(self, dispatcher, tracker, domain):
        told = {key: domain[key] for key in ("intents", "entities", "actions") if key in domain}
        in_order = {key: names if key == "intents" else sorted(names) for key, names in told.items()}
        dispatcher.utter_message(text=str(in_order))
        return []
