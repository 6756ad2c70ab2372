from datetime import datetime, timedelta, timezone

from rasa_sdk import Action
from rasa_sdk.events import ReminderCancelled, ReminderScheduled


class Remind(Action):
    def name(self):
        return "action_remind"

    def run(self, dispatcher, tracker, domain):
        when = datetime.now(timezone.utc) + timedelta(seconds=0.5)  # noqa: UP017  a real Rasa runs on Python 3.10
        kill = tracker.get_slot("x") != "anyway"
        return [ReminderScheduled("alarm", when, entities={"x": "from the alarm"}, name="r", kill_on_user_message=kill)]


class Forget(Action):
    def name(self):
        return "action_forget"

    def run(self, dispatcher, tracker, domain):
        return [ReminderCancelled(name="r")]


class Look(Action):
    def name(self):
        return "action_look"

    def run(self, dispatcher, tracker, domain):
        told = [event for event in tracker.events if event["event"] in ("restart", "session_started", "user")]
        dispatcher.utter_message(text=" ".join(event.get("text") or event["event"] for event in told))
        return []
