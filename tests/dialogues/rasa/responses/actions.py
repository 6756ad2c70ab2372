from rasa_sdk import Action
from rasa_sdk.events import SlotSet


class Speak(Action):
    def name(self):
        return "action_speak"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="hello {name}", buttons=[{"title": "t", "payload": "/plain"}])
        dispatcher.utter_message(response="utter_with_args", place="Oslo")
        dispatcher.utter_message(response="utter_butt", buttons=[{"title": "more", "payload": "/cond"}])
        dispatcher.utter_message(response="utter_nosuch")
        dispatcher.utter_message(response="utter_own")
        dispatcher.utter_message(response="utter_plain", text="other words")
        dispatcher.utter_message(response="utter_cond")
        dispatcher.utter_message(image="https://example.org/i.png")
        dispatcher.utter_message(json_message={"k": [1, 2]})
        dispatcher.utter_message(attachment="file.pdf")
        dispatcher.utter_message(text="para one\n\npara two")
        return [SlotSet("mood", "good")]
