"""A question that had no answer: told to the host without anybody's name, and whoever asked may be told later."""

from __future__ import annotations

from typing import Any

from rasa_sdk.events import SlotSet

from dialogues.actions.reading import button, country_asked_about, language_of
from dialogues.actions.shelf import audience_of
from dialogues.runtime.payload import payload
from dialogues.runtime.responses import Translate

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
