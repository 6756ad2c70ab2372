from rasa_sdk import Action, ActionExecutionRejection
from rasa_sdk.events import FollowupAction, SlotSet


class Extract(Action):
    def name(self):
        return "action_extract_slots"

    def run(self, dispatcher, tracker, domain):
        text = tracker.latest_message.get("text") or ""
        found = [SlotSet("shouted", text.isupper()), SlotSet("count", tracker.get_slot("count") + 1)]
        for entity in tracker.latest_message.get("entities", []):
            if entity["entity"] == "city":
                found.append(SlotSet("city", entity["value"].upper()))
            if entity["entity"] == "size":
                found.append(SlotSet("size", entity["value"]))
        if "loud" in text:
            dispatcher.utter_message(text="heard loud")
        if "greet me" in text:
            found.append(FollowupAction("utter_greet"))
        if "boom" in text:
            raise ValueError("boom")
        if "reject" in text:
            raise ActionExecutionRejection(self.name())
        return found
