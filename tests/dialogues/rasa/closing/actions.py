from rasa_sdk import Action
from rasa_sdk.events import SlotSet


class NoteQuit(Action):
    def name(self):
        return "action_note_quit"

    def run(self, dispatcher, tracker, domain):
        quits = tracker.get_slot("quits") + 1
        dispatcher.utter_message(text=f"quit {quits}")
        return [SlotSet("quits", quits), SlotSet("sure", None)]
