from rasa_sdk import Action
from rasa_sdk.events import (
    ActionExecuted,
    ActionReverted,
    AllSlotsReset,
    ConversationPaused,
    ConversationResumed,
    FollowupAction,
    Restarted,
    SessionStarted,
    SlotSet,
    UserUtteranceReverted,
)


def simple(action_name, *events, said=None):
    class Simple(Action):
        def name(self):
            return action_name

        def run(self, dispatcher, tracker, domain):
            if said:
                dispatcher.utter_message(text=said)
            return [event() if callable(event) else event for event in events]

    Simple.__name__ = action_name
    return Simple


class Session(Action):
    def name(self):
        return "action_session_start"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="a session begins")
        count = (tracker.get_slot("count") or 0) + 1
        return [SessionStarted(), SlotSet("count", count), ActionExecuted("action_listen")]


Pause = simple("action_pause", ConversationPaused, said="pausing")
Resume = simple("action_resume", ConversationResumed, said="resuming")
Follow = simple("action_follow", lambda: FollowupAction("utter_followed"))
FollowTwo = simple("action_follow_two", lambda: FollowupAction("utter_hello"), lambda: FollowupAction("utter_followed"))
FollowBad = simple("action_follow_bad", lambda: FollowupAction("utter_nosuch"))
Undo = simple("action_undo", ActionReverted, said="undoing")
Reset = simple("action_reset", AllSlotsReset)
Rewind = simple("action_rewind", UserUtteranceReverted, said="rewinding")
RestartMe = simple("action_restart_me", Restarted, said="restarting")
Nothing = simple("action_nothing")
