"""Answering a search in the texts with all that fits, each with where it comes from."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from rasa_sdk import Action

from dialogues.actions.answer import choose_button, person_button, source_line
from dialogues.actions.answering import Answering
from dialogues.actions.gaps import note_gap
from dialogues.actions.ports import Services
from dialogues.actions.procedures import ProcedureAction
from dialogues.actions.reading import language_of
from dialogues.actions.shelf import Shelf
from dialogues.context.looking_up import words_to_look_up
from dialogues.knowledge import Audience, Procedure, Procedures
from dialogues.knowledge.search import merged
from dialogues.runtime.responses import Translate

MOST_FOUND = 5

#: Measured on 32 words of no subject of ours (pizza, chickens, "zzqx plumbus") and 33 of ours, in four languages. A
#: text that words are less near to is not found by their meaning.
NEAR = 0.25
#: How well the words of a text must fit where nothing says that it is meant, and where nothing of ours seems meant.
BY_WORDS = 0.5
BY_WORDS_WHEN_FAR = 0.6
#: "search:" sounds like somebody who searches for their family: that alone does not find this text.
SOUNDS_LIKE_SEARCHING = "family_tracing"


def look_up_actions(
    procedures: Procedures,
    services: Services,
    answering: Answering,
    translate: Translate,
    today: Callable[[], date],
    default_country: str | None,
) -> list[Action]:
    return [LookUp(Shelf(procedures, today, default_country), services, answering, translate, default_country)]


class LookUp(ProcedureAction):
    """Every text the words may mean, by meaning and by the words themselves, each with where it comes from."""

    def name(self) -> str:
        return "action_look_up"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        words = words_to_look_up(str(tracker.latest_message.get("text") or ""))
        found = self._found(words, tracker)
        if not found:  # somebody should write what was looked for in vain
            noted = note_gap(dispatcher, tracker, "", "not_understood", self._default_country)
            dispatcher.utter_message(text=self._translate(language_of(tracker), "I found no text with these words."))
            return [*noted, *self.offer_usual(dispatcher, tracker)]
        language = language_of(tracker)
        said = [self._shown(text, language) for text in found]
        heading = self._translate(language, "This is what I found:")
        dispatcher.utter_message(
            text="\n\n".join((heading, *said)),
            buttons=[*(choose_button(text) for text in found), person_button(self._translate, language)],
        )
        return []

    def _shown(self, text: Procedure, language: str) -> str:
        """Its title with where it comes from; a child reads no law."""
        if text.audience is Audience.CHILD:
            return text.title
        return f"{text.title}\n{source_line(text, language, self._translate)}"

    def _found(self, words: str, tracker: Any) -> list[Procedure]:
        """Texts the words mean and texts that have the words, the likeliest first. Where neither is near, none: what is
        looked for in vain must be seen to be."""
        guesses = {
            str(guess["name"]): guess["confidence"] for guess in tracker.latest_message.get("intent_ranking") or ()
        }
        nothing_of_ours = guesses.get("out_of_scope", 0.0)
        far = bool(guesses) and nothing_of_ours >= max(guesses.values())
        having = self._shelf.search(words, tracker, MOST_FOUND)
        certain = {
            text.key
            for text in self._shelf.search(words, tracker, MOST_FOUND, least=BY_WORDS_WHEN_FAR if far else BY_WORDS)
        }
        some = {text.key for text in having}
        by_meaning = [
            text
            for text in self._shelf.nearest(tracker, max(NEAR, nothing_of_ours))
            if text.key != SOUNDS_LIKE_SEARCHING or text.key in some
        ]
        meant = {text.key for text in self._shelf.nearest(tracker)} if not far else set()
        by_words = [text for text in having if text.key in certain or text.key in meant]
        texts = {text.key: text for text in (*by_meaning, *by_words)}
        best = merged([text.key for text in by_words], [text.key for text in by_meaning])
        return [texts[key] for key in best[:MOST_FOUND]]
