from rasa_sdk import Action


class Say(Action):
    def name(self):
        return "action_say"

    def run(self, dispatcher, tracker, domain):
        what = tracker.get_slot("what")
        if what == "kwargs":
            dispatcher.utter_message(response="utter_unknown", who="you", t="T", image="http://k/{t}")
        elif what == "own":
            dispatcher.utter_message(
                text="own {t}\n\nsecond",
                image="http://o",
                attachment="http://file",
                json_message={"j": [1, {"k": "{t}"}]},
                elements=[{"title": "E", "subtitle": "S", "buttons": []}],
                buttons=[],
            )
        elif what == "buttons and response":
            four = {"title": "four", "payload": "/plain"}
            dispatcher.utter_message(response="utter_buttons", buttons=[four], text="")
        elif what == "response and text":
            dispatcher.utter_message(response="utter_plain", text="instead", json_message={"x": 2})
        elif what == "missing":
            dispatcher.utter_message(response="utter_missing")
            dispatcher.utter_message(text="said after it")
        elif what == "nothing":
            dispatcher.utter_message()
            dispatcher.utter_message(text="")
            dispatcher.utter_message(text="  padded  ")
        elif what == "extra":
            dispatcher.utter_message(text="with extra", parse_mode="markdown", n=1)
        else:
            dispatcher.utter_message(response=what, n=7 if what == "utter_number" else None)
        return []
