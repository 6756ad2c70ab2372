from rasa_sdk import Action
from rasa_sdk.events import SlotSet


class Raise(Action):
    def name(self):
        return "action_raise"

    def run(self, dispatcher, tracker, domain):
        raise RuntimeError("broken")


class ValidateTown(Action):
    def name(self):
        return "validate_town_form"

    def run(self, dispatcher, tracker, domain):
        return [SlotSet(name, value) for name, value in tracker.slots_to_validate().items()]
