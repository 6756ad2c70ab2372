from datetime import datetime, timedelta, timezone

from rasa_sdk import Action
from rasa_sdk.events import ReminderScheduled

MANY = [
    {"entity": "x", "value": "a", "role": "from"},
    {"entity": "x", "value": "b", "group": "1"},
    {"entity": "x", "value": "c", "group": "1"},
]


class Remind(Action):
    def name(self):
        return "action_remind"

    def run(self, dispatcher, tracker, domain):
        when = datetime.now(timezone.utc) + timedelta(seconds=1)  # noqa: UP017  a real Rasa runs on Python 3.10
        return [
            ReminderScheduled(
                "alarm",
                when,
                entities=MANY if tracker.get_slot("x") == "many" else {"x": "by reminder"},
                name="rem",
                kill_on_user_message=tracker.get_slot("x") != "keep",
            )
        ]
