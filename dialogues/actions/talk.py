"""Saying hello, changing the language, admitting what was not understood."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from rasa_sdk import Action
from rasa_sdk.events import SlotSet

from dialogues.actions.calling import call_officer
from dialogues.actions.officer import OfficerAction
from dialogues.actions.ports import Services
from dialogues.actions.procedures import Shelf, ask_whether, note_gap, offer_to_tell
from dialogues.actions.reading import entity, language_of
from dialogues.knowledge import Procedure, Procedures
from dialogues.runtime.responses import Translate
from dialogues.understanding.model import LANGUAGES

#: So many messages in a row we made nothing of: a person reads them, asked for or not.
PERSON_AFTER = 3
MOST_LIKELY = 3


def talk_actions(
    procedures: Procedures,
    services: Services,
    translate: Translate,
    today: Callable[[], date],
    default_country: str | None,
) -> list[Action]:
    shelf = Shelf(procedures, today, default_country)
    return [
        SayHello(services, default_country),
        ChangeLanguage(),
        NotUnderstood(services, default_country, shelf, translate),
    ]


class SayHello(OfficerAction):
    """What this is, the number for danger, and three ways on."""

    def name(self) -> str:
        return "action_say_hello"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        await self.say(dispatcher, tracker, "utter_hello")
        return [SlotSet("misunderstood", None)]


class ChangeLanguage(Action):  # type: ignore[misc]
    """Write in another language from now on; ask which, when the message does not say."""

    def name(self) -> str:
        return "action_change_language"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        language = str(entity(tracker, "language") or "").lower()
        if language not in LANGUAGES:
            dispatcher.utter_message(response="utter_ask_language")
            return []
        dispatcher.utter_message(response="utter_language_changed")
        return [SlotSet("language", language)]


class NotUnderstood(OfficerAction):
    """Say so, offer what the words may mean, and bring a person before somebody gives up."""

    def __init__(self, services: Services, default_country: str | None, shelf: Shelf, translate: Translate) -> None:
        super().__init__(services, default_country)
        self._shelf = shelf
        self._translate = translate

    def name(self) -> str:
        return "action_not_understood"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        times = int(tracker.get_slot("misunderstood") or 0) + 1
        if times >= PERSON_AFTER:
            await self.say(dispatcher, tracker, "utter_person_called")
            call_officer(dispatcher, "understanding_failed", "P2")
            likely = self._likely(tracker)
            key = likely[0].key if likely else ""
            noted = note_gap(dispatcher, tracker, key, "not_understood", self._default_country)
            if noted and key:
                offer_to_tell(dispatcher, key, "not_understood", language_of(tracker), self._translate)
            return [
                *noted,
                SlotSet("misunderstood", None),
                SlotSet("safety_question", True),
                SlotSet("asked_by_text", None),
                SlotSet("speaks_for_child", False),
            ]
        likely = self._likely(tracker) if tracker.latest_message["intent"]["name"] == "nlu_fallback" else []
        if likely:
            return [SlotSet("misunderstood", times), *ask_whether(dispatcher, tracker, likely, self._translate)]
        if times > 1:
            await self.say(dispatcher, tracker, "utter_not_understood_again")
        else:
            dispatcher.utter_message(response="utter_default")
        return [SlotSet("misunderstood", times)]

    def _likely(self, tracker: Any) -> list[Procedure]:
        """The procedures nearest to what was not certain, and those that share its words, misspelt or not."""
        words = str(tracker.latest_message.get("text") or "")
        found = [*self._shelf.nearest(tracker)[:2], *self._shelf.search(words, tracker, MOST_LIKELY)]
        return list({text.key: text for text in found}.values())[:MOST_LIKELY]
