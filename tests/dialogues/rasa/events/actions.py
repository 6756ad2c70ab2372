from rasa_sdk import Action
from rasa_sdk.events import (
    ActionExecuted,
    ActiveLoop,
    AllSlotsReset,
    BotUttered,
    ConversationPaused,
    ConversationResumed,
    FollowupAction,
    Restarted,
    SessionStarted,
    SlotSet,
    UserUtteranceReverted,
    UserUttered,
)

EVENTS = {
    "undeclared": [SlotSet("nosuch", 1), SlotSet("n", 2)],
    "listenuser": [
        ActionExecuted("action_listen"),
        UserUttered("hi", {"intent": {"name": "hi", "confidence": 1.0}, "entities": []}),
    ],
    "bot": [BotUttered("said by event", {"custom": None}), SlotSet("n", 4)],
    "acted": [ActionExecuted("utter_then"), SlotSet("n", 5)],
    "pauseresume": [ConversationPaused(), ConversationResumed(), SlotSet("n", 6)],
    "resetset": [AllSlotsReset(), SlotSet("n", 7)],
    "setreset": [SlotSet("n", 8), AllSlotsReset()],
    "followform": [FollowupAction("x_form")],
    "followlisten": [FollowupAction("action_listen")],
    "followutter": [FollowupAction("utter_then")],
    "followself": [SlotSet("what", "bot"), FollowupAction("action_go")],
    "restartset": [Restarted(), SlotSet("n", 9)],
    "restartfollow": [Restarted(), FollowupAction("utter_then")],
    "session": [SlotSet("n", 10), SessionStarted()],
    "sessionlisten": [SlotSet("n", 10), SessionStarted(), ActionExecuted("action_listen")],
    "loop": [ActiveLoop("x_form"), SlotSet("requested_slot", "x")],
    "loopfollow": [ActiveLoop("x_form"), SlotSet("requested_slot", "x"), FollowupAction("x_form")],
    "rewind": [UserUtteranceReverted()],
    "rewind2": [UserUtteranceReverted(), UserUtteranceReverted()],
    "rewindset": [UserUtteranceReverted(), SlotSet("n", 11)],
    "list": [SlotSet("l", "single")],
    "listtuple": [SlotSet("l", [1, [2]])],
    "interrupted": [{"event": "loop_interrupted", "is_interrupted": True}],
    "story": [{"event": "export"}],
    "agent": [{"event": "agent", "text": "agent words"}],
    "entities": [{"event": "entities", "entities": [{"entity": "x", "value": "added"}]}],
    "feat": [{"event": "user_featurization", "use_text_for_featurization": False}],
    "formold": [{"event": "form", "name": "x_form"}],
    "oldval": [{"event": "form_validation", "validate": False}],
    "ts": [{"event": "slot", "name": "n", "value": 13, "timestamp": 5.0}],
    "reqset": [SlotSet("requested_slot", "n")],
    "session_meta": [SlotSet("session_started_metadata", {"a": 1})],
}


class Go(Action):
    def name(self):
        return "action_go"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="go")
        return EVENTS.get(tracker.get_slot("what"), [])
