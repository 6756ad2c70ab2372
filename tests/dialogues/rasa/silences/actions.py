from rasa_sdk import Action
from rasa_sdk.events import ConversationPaused, ConversationResumed, FollowupAction, SlotSet


class Circle(Action):
    def name(self):
        return "action_circle"

    def run(self, dispatcher, tracker, domain):
        return [FollowupAction("action_circle")]


class Pause(Action):
    def name(self):
        return "action_pause"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="a person answers now")
        return [ConversationPaused()]


class Resume(Action):
    def name(self):
        return "action_resume"

    def run(self, dispatcher, tracker, domain):
        return [ConversationResumed()]


class Half(Action):
    def name(self):
        return "action_half"

    def run(self, dispatcher, tracker, domain):
        raise ValueError("half way")


class ValidateItem(Action):
    def name(self):
        return "validate_item_form"

    def run(self, dispatcher, tracker, domain):
        given = tracker.slots_to_validate()
        if given.get("item") == "boom":
            raise ValueError("boom")
        return [SlotSet(name, value) for name, value in given.items()]


class ValidateBroken(Action):
    def name(self):
        return "validate_broken_form"

    def run(self, dispatcher, tracker, domain):
        raise ValueError("never works")
