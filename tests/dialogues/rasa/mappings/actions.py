from rasa_sdk import Action, FormValidationAction, ValidationAction
from rasa_sdk.events import FollowupAction, SlotSet


class Mappings(ValidationAction):
    def name(self):
        return "action_validate_slot_mappings"

    def validate_word(self, value, dispatcher, tracker, domain):
        if value == "bad":
            dispatcher.utter_message(text="a bad word")
            return {"word": None}
        return {"word": str(value).upper()}

    def validate_other(self, value, dispatcher, tracker, domain):
        return {"other": value, "third": "by the way"} if value == "three" else {"other": value}


class Measure(Action):
    def name(self):
        return "action_measure"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="never heard")
        text = tracker.latest_message.get("text") or ""
        return [SlotSet("length", len(text)), SlotSet("both", True), FollowupAction("utter_hello")]


class Inside(Action):
    def name(self):
        return "action_inside"

    def run(self, dispatcher, tracker, domain):
        return [SlotSet("inside", (tracker.get_slot("inside") or 0) + 1)]


class Form(FormValidationAction):
    def name(self):
        return "validate_word_form"

    def validate_word(self, value, dispatcher, tracker, domain):
        dispatcher.utter_message(text=f"form sees {value}")
        return {"word": value}

    async def extract_third(self, dispatcher, tracker, domain):
        text = tracker.latest_message.get("text") or ""
        return {"third": text} if text.startswith("third") else {}
