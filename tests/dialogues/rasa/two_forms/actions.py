from rasa_sdk import Action, FormValidationAction
from rasa_sdk.events import ActiveLoop, FollowupAction, SlotSet


class AskE(Action):
    def name(self):
        return "action_ask_e"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text=f"e? {tracker.get_slot('requested_slot')}")
        return [SlotSet("extra", "asked")]


class OwnForm(Action):
    def name(self):
        return "own_form"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="own form")
        return [ActiveLoop("own_form" if not tracker.get_slot("a") else None)]


class Jump(Action):
    def name(self):
        return "action_jump"

    def run(self, dispatcher, tracker, domain):
        return [ActiveLoop(None), SlotSet("requested_slot", None), FollowupAction("two_form")]


class ValidateTwoForm(FormValidationAction):
    def name(self):
        return "validate_two_form"

    async def required_slots(self, domain_slots, dispatcher, tracker, domain):
        if tracker.get_slot("d") == "3":
            return ["extra", *domain_slots]
        if tracker.get_slot("d") == "4":
            return []
        return domain_slots

    def validate_d(self, value, dispatcher, tracker, domain):
        if value == "1":
            return {"d": None}
        if value == "2":
            return {"d": 2, "requested_slot": None}
        if value == "6":
            return {"d": value, "e": "six", "f": "F"}
        if value == "7":
            return {"e": "only e"}
        if value == "8":
            dispatcher.utter_message(text="eight!")
            return {"d": value, "requested_slot": "extra"}
        return {"d": value}

    async def extract_extra(self, dispatcher, tracker, domain):
        if tracker.get_slot("requested_slot") != "extra":
            return {}
        return {"extra": "E:" + str(tracker.latest_message.get("text"))}
