from rasa_sdk import Action, ActionExecutionRejection
from rasa_sdk.events import SlotSet


class Fail(Action):
    def name(self):
        return "action_fail"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="lost words")
        raise RuntimeError("broken")


class Refuse(Action):
    def name(self):
        return "action_refuse"

    def run(self, dispatcher, tracker, domain):
        raise ActionExecutionRejection(self.name(), "not now")


class Validate(Action):
    def name(self):
        return "validate_item_form"

    def run(self, dispatcher, tracker, domain):
        given = (
            tracker.slots_to_validate() if hasattr(tracker, "slots_to_validate") else tracker.form_slots_to_validate()
        )
        if given.get("item") == "refuse":
            raise ActionExecutionRejection(self.name(), "refused")
        if given.get("item") == "nothing":
            return []
        if given.get("item") == "elsewhere":
            return [SlotSet("word", "from elsewhere")]
        if given.get("item") == "word first":
            return [SlotSet("item", None), SlotSet("requested_slot", "word")]
        return [SlotSet(name, value) for name, value in given.items()]
