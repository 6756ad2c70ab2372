"""Saying hello, changing the language, admitting what was not understood."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from rasa_sdk import Action
from rasa_sdk.events import SlotSet

from dialogues.actions.about import say_about
from dialogues.actions.answering import Answering
from dialogues.actions.calling import call_officer
from dialogues.actions.gaps import (
    ShowNoQuestion,
    ShowQuestion,
    note_gap,
    offer_to_show,
    offer_to_tell,
    words_to_show,
)
from dialogues.actions.officer import OfficerAction
from dialogues.actions.ports import Services
from dialogues.actions.procedures import ask_whether, text_in_sight
from dialogues.actions.reading import entity, language_of
from dialogues.actions.shelf import Shelf
from dialogues.knowledge import Procedure, Procedures
from dialogues.runtime.responses import Translate
from dialogues.understanding.model import LANGUAGES

#: From how likely a meaning on, or how well words fit a text, what nobody understood is put down to that text. Below
#: it is only known that something was asked: of chickens and speed limits a text about papers was the nearest, too.
NAMED_FROM = 0.25
NAMED_BY_WORDS_FROM = 0.5

#: So many messages in a row we made nothing of: a person reads them, asked for or not.
PERSON_AFTER = 3
MOST_LIKELY = 3
#: Not at once: somebody who is understood with other words need not be asked anything.
ASKED_TO_SHOW = 2


def talk_actions(
    procedures: Procedures,
    services: Services,
    answering: Answering,
    translate: Translate,
    today: Callable[[], date],
    default_country: str | None,
) -> list[Action]:
    shelf = Shelf(procedures, today, default_country)
    return [
        SayHello(services, answering, default_country),
        ChangeLanguage(),
        NoneOfThese(services, answering, default_country, translate),
        NotUnderstood(services, answering, default_country, shelf, translate),
        ShowQuestion(translate),
        ShowNoQuestion(),
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


class NoneOfThese(OfficerAction):
    """Nothing that was offered is what they meant: it is noted, and a person is one tap away."""

    def __init__(
        self, services: Services, answering: Answering, default_country: str | None, translate: Translate
    ) -> None:
        super().__init__(services, answering, default_country)
        self._translate = translate

    def name(self) -> str:
        return "action_none_of_these"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        await self.say(dispatcher, tracker, "utter_none_of_these")
        noted = note_gap(dispatcher, tracker, "", "not_understood", self._default_country)
        if words := tracker.get_slot("asked_in_vain"):
            return [*noted, *offer_to_show(dispatcher, language_of(tracker), words, self._translate)]
        return noted


class NotUnderstood(OfficerAction):
    """Say so, offer what the words may mean, and bring a person before somebody gives up."""

    def __init__(
        self,
        services: Services,
        answering: Answering,
        default_country: str | None,
        shelf: Shelf,
        translate: Translate,
    ) -> None:
        super().__init__(services, answering, default_country)
        self._shelf = shelf
        self._translate = translate

    def name(self) -> str:
        return "action_not_understood"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        shown = await text_in_sight(self._shelf, self._services, tracker, "", self._default_country)
        if shown is not None:
            others = [text for text in self._likely(tracker) if text.key != shown.key]
            if say_about(dispatcher, tracker, shown, others[:2], self._translate):
                return [SlotSet("misunderstood", None)]
        times = int(tracker.get_slot("misunderstood") or 0) + 1
        if times >= PERSON_AFTER:
            await self.say(dispatcher, tracker, "utter_person_called")
            call_officer(dispatcher, "understanding_failed", "P2")
            key, noted = self._note(dispatcher, tracker)
            language = language_of(tracker)
            offer = offer_to_tell(dispatcher, key, "not_understood", language, self._translate) if key else []
            return [
                *noted,
                *offer,
                SlotSet("misunderstood", None),
                SlotSet("safety_question", True),
                SlotSet("asked_by_text", None),
                SlotSet("asked_in_vain", None),
                SlotSet("speaks_for_child", False),
            ]
        remembered = await self._say_so(dispatcher, tracker, times, shown)
        _, noted = self._note(dispatcher, tracker)
        return [*remembered, *noted, *self._keep_words(dispatcher, tracker, times), SlotSet("misunderstood", times)]

    def _keep_words(self, dispatcher: Any, tracker: Any, times: int) -> list[dict[str, Any]]:
        """Remember what authors may be shown of it; the second time, ask whether they may be. Once asked, the words
        that were read stay the ones that are shown."""
        words = max(words_to_show(tracker), str(tracker.get_slot("asked_in_vain") or ""), key=len)
        offered: list[dict[str, Any]] = []
        if words and times == ASKED_TO_SHOW:
            offered = offer_to_show(dispatcher, language_of(tracker), words, self._translate)
        return [SlotSet("asked_in_vain", words or None), *offered]

    async def _say_so(self, dispatcher: Any, tracker: Any, times: int, shown: Procedure | None) -> list[dict[str, Any]]:
        """Ask whether one of the likeliest was meant, where any is likely: the text in sight before all others. Returns
        what is to be remembered."""
        likely = self._likely(tracker) if tracker.latest_message["intent"]["name"] == "nlu_fallback" else []
        if likely and shown is not None:
            likely = [shown, *(text for text in likely if text.key != shown.key)][:MOST_LIKELY]
        if likely:
            return ask_whether(dispatcher, tracker, likely, self._translate)
        if times > 1:
            await self.say(dispatcher, tracker, "utter_not_understood_again")
        else:
            dispatcher.utter_message(response="utter_default")
        return []

    def _note(self, dispatcher: Any, tracker: Any) -> tuple[str, list[dict[str, Any]]]:
        """Tell the gap register, the first time already: whoever is not understood once may not write again. Returns
        the text it was near to, "" for none, and what is to be remembered."""
        words = str(tracker.latest_message.get("text") or "")
        if not words or words.startswith("/"):
            return "", []
        key = "" if tracker.latest_message["intent"]["name"] == "out_of_scope" else self._near_to(words, tracker)
        return key, note_gap(dispatcher, tracker, key, "not_understood", self._default_country)

    def _near_to(self, words: str, tracker: Any) -> str:
        meant = self._shelf.nearest(tracker, NAMED_FROM)
        found = meant or self._shelf.search(words, tracker, 1, least=NAMED_BY_WORDS_FROM)
        return found[0].key if found else ""

    def _likely(self, tracker: Any) -> list[Procedure]:
        """The procedures nearest to what was not certain, and those that share its words, misspelt or not."""
        words = str(tracker.latest_message.get("text") or "")
        found = [*self._shelf.nearest(tracker)[:2], *self._shelf.search(words, tracker, MOST_LIKELY)]
        return list({text.key: text for text in found}.values())[:MOST_LIKELY]
