from rasa_sdk import Action
from rasa_sdk.events import SlotSet


class SetW(Action):
    def name(self):
        return "action_w"

    def run(self, dispatcher, tracker, domain):
        return [SlotSet("w", "set")]
