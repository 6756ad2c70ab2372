from rasa_sdk import Action, ActionExecutionRejection, FormValidationAction
from rasa_sdk.events import (
    ActionReverted,
    ActiveLoop,
    AllSlotsReset,
    FollowupAction,
    SlotSet,
    UserUtteranceReverted,
)

DOES = {
    "set item": lambda: [SlotSet("item", "by action")],
    "set asked": lambda: [SlotSet("requested_slot", "gift")],
    "set gift": lambda: [SlotSet("gift", True), SlotSet("size", "by action")],
    "forget": lambda: [AllSlotsReset()],
    "forget and order": lambda: [AllSlotsReset(), FollowupAction("order_form")],
    "order": lambda: [SlotSet("item", "given"), FollowupAction("order_form")],
    "note": lambda: [FollowupAction("note_form")],
    "loop": lambda: [ActiveLoop("note_form"), SlotSet("requested_slot", "note")],
    "loop and run": lambda: [ActiveLoop("note_form"), FollowupAction("note_form")],
    "unloop": lambda: [ActiveLoop(None), SlotSet("requested_slot", None)],
    "unloop only": lambda: [ActiveLoop(None)],
    "ask again": lambda: [SlotSet("item", None), SlotSet("size", None)],
    "revert": lambda: [UserUtteranceReverted()],
    "revert and order": lambda: [UserUtteranceReverted(), FollowupAction("order_form")],
    "undo": lambda: [ActionReverted(), FollowupAction("action_listen")],
    "after": lambda: [FollowupAction("action_after")],
    "deactivate": lambda: [FollowupAction("action_deactivate_loop")],
    "back": lambda: [FollowupAction("action_back")],
    "restart": lambda: [FollowupAction("action_restart")],
    "default": lambda: [FollowupAction("action_default_fallback")],
    "rephrase": lambda: [FollowupAction("action_default_ask_rephrase")],
    "affirm": lambda: [FollowupAction("action_default_ask_affirmation")],
    "session": lambda: [FollowupAction("action_session_start")],
    "extract": lambda: [SlotSet("item", None), FollowupAction("action_extract_slots")],
    "says": lambda: [FollowupAction("utter_thanks")],
    "listen": lambda: [FollowupAction("action_listen")],
}


class Do(Action):
    def name(self):
        return "action_do"

    def run(self, dispatcher, tracker, domain):
        what = tracker.get_slot("what") or ""
        dispatcher.utter_message(text=f"do {what} in {tracker.active_loop.get('name')}")
        if what == "refuse":
            raise ActionExecutionRejection(self.name())
        return DOES[what]() if what in DOES else []


class Count(Action):
    def name(self):
        return "action_count"

    def run(self, dispatcher, tracker, domain):
        return [SlotSet("turn", (tracker.get_slot("turn") or 0) + 1)]


class After(Action):
    def name(self):
        return "action_after"

    async def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(response="utter_greet", turn="after")
        dispatcher.utter_message(
            text="seen", buttons=[{"title": "{item}", "payload": "/thanks"}], json_message={"item": "{item}"}
        )
        return []


class Chain(Action):
    def name(self):
        return "action_chain"

    def run(self, dispatcher, tracker, domain):
        turn = (tracker.get_slot("turn") or 0) + 1
        if turn % 4:
            return [SlotSet("turn", turn), FollowupAction("action_chain")]
        return [SlotSet("turn", turn), FollowupAction("utter_thanks")]


class ValidateOrderForm(FormValidationAction):
    def name(self):
        return "validate_order_form"

    async def required_slots(self, domain_slots, dispatcher, tracker, domain):
        if tracker.get_slot("item") == "coffee":
            return [slot for slot in domain_slots if slot != "gift"]
        if tracker.get_slot("item") == "tea":
            return [*domain_slots, "turn_asked"] if False else ["gift", *[s for s in domain_slots if s != "gift"]]
        return domain_slots

    def validate_size(self, value, dispatcher, tracker, domain):
        if value == "small":
            dispatcher.utter_message(text="no small ones")
            return {"size": None}
        if value == "both":
            return {"size": "big", "gift": False}
        if value == "restart":
            return {"size": None, "item": None}
        if value == "stop":
            return {"requested_slot": None}
        return {"size": str(value).upper()}
