from rasa_sdk import Action, FormValidationAction
from rasa_sdk.events import SlotSet, UserUtteranceReverted


class OwnFallback(Action):
    def name(self):
        return "action_own_fallback"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text=f"fell back after {tracker.latest_action_name}")
        return [UserUtteranceReverted()]


class Echo(Action):
    def name(self):
        return "action_echo"

    def run(self, dispatcher, tracker, domain):
        entities = [(e["entity"], e.get("value"), e.get("role")) for e in tracker.latest_message["entities"]]
        dispatcher.utter_message(
            text=f"{entities} {tracker.get_intent_of_latest_message()} {tracker.slots.get('price')}"
        )
        dispatcher.utter_message(text=str(sorted(domain.get("forms", {}))))
        return [SlotSet("price", 7)]


class ValidateTrip(FormValidationAction):
    def name(self):
        return "validate_trip_form"

    def validate_city(self, value, dispatcher, tracker, domain):
        return {"city": value if value != "Rome" else None, "quiet": value == "Oslo"}

    async def extract_night(self, dispatcher, tracker, domain):
        if tracker.latest_message.get("text") == "any":
            return {"night": "tuesday"}
        return {}
