from rasa_sdk import Action, FormValidationAction
from rasa_sdk.events import ActiveLoop, FollowupAction, SlotSet


class Validate(FormValidationAction):
    def name(self):
        return "validate_abc_form"

    async def required_slots(self, domain_slots, dispatcher, tracker, domain):
        if tracker.get_slot("mode") == "short":
            return ["c"]
        if tracker.get_slot("mode") == "long":
            return ["d", *domain_slots]
        return domain_slots

    async def extract_d(self, dispatcher, tracker, domain):
        if tracker.get_slot("requested_slot") == "d":
            return {"d": tracker.latest_message.get("text")}
        return {}

    def validate_a(self, value, dispatcher, tracker, domain):
        if value == "close":
            return {"a": None, "b": "closed", "c": True}
        return {"a": value}

    def validate_b(self, value, dispatcher, tracker, domain):
        return {"b": value.upper() if isinstance(value, str) else None}


def simple(action_name, *events, said=None):
    class Simple(Action):
        def name(self):
            return action_name

        def run(self, dispatcher, tracker, domain):
            if said:
                dispatcher.utter_message(text=said)
            return list(events)

    Simple.__name__ = action_name
    return Simple


Change = simple("action_change", SlotSet("a", None), said="changed")
Leave = simple("action_leave", ActiveLoop(None), said="leaving")
StartForm = simple("action_start_form", FollowupAction("abc_form"), said="starting")
SetTwo = simple("action_set_two", SlotSet("a", "one"), SlotSet("b", "two"))
Opt = simple("action_opt", SlotSet("mode", "short"))
Cut = simple("action_cut", ActiveLoop(None), SlotSet("requested_slot", None), SlotSet("mode", "long"))
