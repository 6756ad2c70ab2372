from rasa_sdk import Action
from rasa_sdk.events import ActiveLoop, SlotSet


class Look(Action):
    def name(self):
        return "action_look"

    def run(self, dispatcher, tracker, domain):
        loop = tracker.active_loop.get("name")
        entities = sorted(entity["entity"] for entity in tracker.latest_message.get("entities", []))
        dispatcher.utter_message(text=f"{loop} {tracker.get_slot('requested_slot')} {entities}")
        return []


class AskDish(Action):
    def name(self):
        return "action_ask_cook_form_dish"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="dish, please", buttons=[{"title": "soup", "payload": '/inform{"dish": "soup"}'}])
        return [SlotSet("place", "the kitchen")]


class Deactivate(Action):
    def name(self):
        return "action_deactivate"

    def run(self, dispatcher, tracker, domain):
        return [ActiveLoop(None), SlotSet("requested_slot", None)]
