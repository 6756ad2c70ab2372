from rasa_sdk import Action
from rasa_sdk.events import UserUtteranceReverted


class Fallback(Action):
    def name(self):
        return "action_my_fallback"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="my own words")
        return [UserUtteranceReverted()]
