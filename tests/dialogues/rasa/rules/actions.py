from rasa_sdk import Action
from rasa_sdk.events import AllSlotsReset, SlotSet


class Know(Action):
    def name(self):
        return "action_know"

    def run(self, dispatcher, tracker, domain):
        return [SlotSet("known", True)]


class Mood(Action):
    def name(self):
        return "action_mood"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(response="utter_more")
        return [SlotSet("mood", "bad")]


class Forget(Action):
    def name(self):
        return "action_forget"

    def run(self, dispatcher, tracker, domain):
        return [AllSlotsReset()]
