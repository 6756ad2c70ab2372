from rasa_sdk import Action
from rasa_sdk.events import Restarted, UserUtteranceReverted


def simple(action_name, *events, said=None, buttons=None):
    class Simple(Action):
        def name(self):
            return action_name

        def run(self, dispatcher, tracker, domain):
            ranking = tracker.latest_message.get("intent_ranking") or []
            dispatcher.utter_message(text=f"{said} {len(ranking)}", buttons=buttons)
            return list(events)

    Simple.__name__ = action_name
    return Simple


Fallback = simple("action_default_fallback", UserUtteranceReverted(), said="my fallback")
Affirm = simple("action_default_ask_affirmation", said="did you", buttons=[{"title": "order", "payload": "/order"}])
Rephrase = simple("action_default_ask_rephrase", said="again please")
Restart = simple("action_restart", Restarted(), said="my restart")
Back = simple("action_back", UserUtteranceReverted(), UserUtteranceReverted(), said="my back")
