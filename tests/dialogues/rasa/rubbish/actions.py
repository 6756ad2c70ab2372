from rasa_sdk import Action
from rasa_sdk.events import ActionExecutionRejected, ActionReverted, SlotSet, UserUttered

EVENTS = {
    "unknown": [SlotSet("n", 1), {"event": "nosuch", "a": 1}],
    "missing": [{"event": "slot", "name": "n"}, SlotSet("x", "after")],
    "noname": [{"event": "slot", "value": 3}],
    "user": [
        UserUttered(
            "hi", {"intent": {"name": "hi", "confidence": 1.0}, "entities": [{"entity": "x", "value": "from event"}]}
        )
    ],
    # These two Rasa never ends: no conversation of a record has them.
    "undo": [ActionReverted()],
    "refuse_another": [ActionExecutionRejected("utter_hi")],
}


class Go(Action):
    def name(self):
        return "action_go"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="go")
        return EVENTS.get(tracker.get_slot("what"), [])
