from datetime import datetime, timedelta, timezone

from rasa_sdk import Action
from rasa_sdk.events import ReminderCancelled, ReminderScheduled, SlotSet


def soon(seconds):
    return datetime.now(timezone.utc) + timedelta(seconds=seconds)  # noqa: UP017  a real Rasa runs on Python 3.10


class Remind(Action):
    def name(self):
        return "action_remind"

    def run(self, dispatcher, tracker, domain):
        what = tracker.get_slot("what")
        if what == "two":
            return [
                ReminderScheduled("ring", soon(0.8), {"x": "first"}, name="a", kill_on_user_message=False),
                ReminderScheduled("chime", soon(1.2), {"x": "second"}, name="b", kill_on_user_message=False),
            ]
        if what == "same name":
            return [
                ReminderScheduled("ring", soon(0.6), {"x": "first"}, name="a", kill_on_user_message=False),
                ReminderScheduled("ring", soon(1.0), {"x": "second"}, name="a", kill_on_user_message=False),
            ]
        if what == "late":
            return [ReminderScheduled("ring", soon(-5), {"x": "late"}, name="late", kill_on_user_message=False)]
        if what == "unknown":
            return [ReminderScheduled("nosuch", soon(0.6), None, name="u", kill_on_user_message=False)]
        if what == "list":
            return [ReminderScheduled("chime", soon(0.6), [{"entity": "x", "value": "l"}], kill_on_user_message=False)]
        return [ReminderScheduled("chime", soon(0.8), {"x": "plain"}, name="p"), SlotSet("what", None)]


class Cancel(Action):
    def name(self):
        return "action_cancel"

    def run(self, dispatcher, tracker, domain):
        what = tracker.get_slot("what")
        if what == "name":
            return [ReminderCancelled(name="a")]
        if what == "intent":
            return [ReminderCancelled(intent_name="ring")]
        if what == "entities":
            return [ReminderCancelled(entities={"x": "second"})]
        if what == "wrong":
            return [ReminderCancelled(name="a", intent_name="chime")]
        return [ReminderCancelled()]


class Ring(Action):
    def name(self):
        return "action_ring"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text=f"rang {tracker.latest_message.get('text')}")
        return [SlotSet("y", tracker.latest_message["intent"]["name"])]
