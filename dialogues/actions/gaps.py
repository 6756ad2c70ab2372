"""A question that had no answer: told to the host without anybody's name, and whoever asked may be told later."""

from __future__ import annotations

import hashlib
from typing import Any

from rasa_sdk import Action
from rasa_sdk.events import SlotSet

from dialogues.actions.reading import button, country_asked_about, entity, language_of
from dialogues.actions.shelf import audience_of, is_the_child
from dialogues.runtime.payload import payload
from dialogues.runtime.responses import Translate
from dialogues.vocabulary import without_identity

#: Why there was no answer, as a button carries it: Telegram gives a button 64 bytes.
SHORT = {"no_text": "no", "out_of_date": "old", "not_understood": "what"}


def note_gap(dispatcher: Any, tracker: Any, key: str, why: str, default_country: str | None) -> list[dict[str, Any]]:
    """Tell the host that a question had no answer. It carries no words and nobody's name, only what was looked for.

    A conversation counts once for each subject. It remembers that itself, so that nobody else need know who asked.
    """
    noted = list(tracker.get_slot("gaps_noted") or ())
    if (subject := f"{why}/{key}") in noted:
        return []
    dispatcher.utter_message(
        json_message={
            "waymark": "gap",
            "procedure": key,
            "why": why,
            "language": language_of(tracker),
            "country": country_asked_about(tracker, default_country) or "",
            "audience": audience_of(tracker).value,
        }
    )
    return [SlotSet("gaps_noted", [*noted, subject])]


def offer_to_tell(dispatcher: Any, key: str, why: str, language: str, translate: Translate) -> None:
    """Ask whether they want to be written to when there is an answer."""
    dispatcher.utter_message(
        response="utter_offer_to_tell",
        buttons=[
            button(translate(language, "Yes, write to me"), payload("tell_answer", procedure=key, why=SHORT[why])),
            button(translate(language, "No"), payload("tell_nothing")),
        ],
    )


def words_to_show(tracker: Any) -> str:
    """What authors may see of the question that was just asked in vain, if its writer agrees; "" for nothing.

    A child is not asked for it, and nobody who told of danger.
    """
    words = str(tracker.latest_message.get("text") or "")
    if words.startswith("/") or is_the_child(tracker) or tracker.get_slot("danger_reason"):
        return ""
    return without_identity(words, language_of(tracker))


def mark_of(words: str) -> str:
    """Tells in a button which words it is about: Telegram gives a button 64 bytes."""
    return hashlib.blake2b(words.encode(), digest_size=6).hexdigest()


def offer_to_show(dispatcher: Any, language: str, words: str, translate: Translate) -> None:
    """Ask whether those who write the texts may read these very words."""
    dispatcher.utter_message(
        response="utter_offer_to_show",
        words=words,
        buttons=[
            button(translate(language, "Yes, show these words"), payload("show_question", of=mark_of(words))),
            button(translate(language, "No"), payload("show_no_question")),
        ],
    )


class ShowQuestion(Action):  # type: ignore[misc]
    """They agree: the host keeps the words they saw, and nothing of who they are."""

    def name(self) -> str:
        return "action_show_question"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        words = str(tracker.get_slot("asked_in_vain") or "")
        if not words or entity(tracker, "of") != mark_of(words):  # tapped again, or what was asked since is another
            dispatcher.utter_message(response="utter_question_gone")
            return []
        dispatcher.utter_message(json_message={"waymark": "question", "words": words, "language": language_of(tracker)})
        dispatcher.utter_message(response="utter_question_shown")
        return [SlotSet("asked_in_vain", None)]


class ShowNoQuestion(Action):  # type: ignore[misc]
    """They do not agree: nothing is kept."""

    def name(self) -> str:
        return "action_show_no_question"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        dispatcher.utter_message(response="utter_question_not_shown")
        return [SlotSet("asked_in_vain", None)]
