from rasa_sdk import Action
from rasa_sdk.events import SlotSet


class Say(Action):
    def name(self):
        return "action_say"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(response="utter_tmpl", extra="E")
        more = [{"title": "more", "payload": "/b"}]
        dispatcher.utter_message(response="utter_tmpl", extra="E", text="own text", buttons=more)
        dispatcher.utter_message(response="utter_tmpl")
        dispatcher.utter_message(response="utter_nosuch")
        dispatcher.utter_message(response="utter_tmpl", extra="E", name="given")
        dispatcher.utter_message(
            text="t",
            image="http://i",
            attachment="http://f",
            json_message={"a": 1},
            elements=[{"title": "el", "subtitle": "s", "buttons": []}],
            buttons=[{"title": "x", "payload": "y"}],
        )
        return [SlotSet("name", "set after")]


class SayMore(Action):
    def name(self):
        return "action_say2"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(template="utter_num")
        dispatcher.utter_message(text="a\n\nb", buttons=[{"title": "x", "payload": "y"}])
        dispatcher.utter_message(text="with {name} in it")
        dispatcher.utter_message(json_message={"text": "inner", "deep": {"x": None}})
        dispatcher.utter_message(image="http://only")
        dispatcher.utter_message()
        dispatcher.utter_message(text="kw", foo="bar", button_type="vertical")
        return []
