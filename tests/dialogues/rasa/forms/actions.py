from rasa_sdk import Action, FormValidationAction


class ValidateBookForm(FormValidationAction):
    def name(self):
        return "validate_book_form"

    async def required_slots(self, domain_slots, dispatcher, tracker, domain):
        extra = ["meal"] if tracker.slots.get("people") == 9 else []
        return [*domain_slots, *extra]

    def validate_town(self, value, dispatcher, tracker, domain):
        if value == "nowhere":
            dispatcher.utter_message(text="there is no such town")
            return {"town": None}
        if value == "end":
            return {"town": "end", "requested_slot": None}
        return {"town": str(value).title()}

    def validate_people(self, value, dispatcher, tracker, domain):
        if value == 0:
            return {"people": None}
        return {"people": value, "quiet": True} if value == 3 else {"people": value}


class AskQuiet(Action):
    def name(self):
        return "action_ask_quiet"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text=f"quiet? (asked: {tracker.get_slot('requested_slot')})")
        return []
