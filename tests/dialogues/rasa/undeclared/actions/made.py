from rasa_sdk import Action, FormValidationAction


def saying(action: str) -> type[Action]:
    class Says(Action):
        def name(self):
            return action

        def run(self, dispatcher, tracker, domain):
            dispatcher.utter_message(text=f"{action} speaks")
            return []

    return Says


MADE = [saying(name) for name in ("action_made", "action_ask_town", "utter_hello")]


class ValidateBookForm(FormValidationAction):
    def name(self):
        return "validate_book_form"

    def validate_town(self, value, dispatcher, tracker, domain):
        return {"town": None}
