"""A question that had no answer: told to the host without anybody's name, and whoever asked may be told later."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action
from rasa_sdk.events import SlotSet

from dialogues.actions.reading import button, country_asked_about, entity, language_of, remember_offer
from dialogues.actions.shelf import audience_of, is_the_child
from dialogues.runtime.payload import payload
from dialogues.runtime.responses import Translate
from dialogues.vocabulary import mark_of_words, without_identity

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


def offer_to_tell(dispatcher: Any, key: str, why: str, language: str, translate: Translate) -> list[dict[str, Any]]:
    """Ask whether they want to be written to when there is an answer. Returns what is to be remembered."""
    return _offer_to_tell(dispatcher, language, translate, payload("tell_answer", procedure=key, why=SHORT[why]))


def offer_to_tell_of(dispatcher: Any, words: str, language: str, translate: Translate) -> list[dict[str, Any]]:
    """The same, when the question can be answered whose words they have just shown."""
    return _offer_to_tell(dispatcher, language, translate, payload("tell_answer", of=mark_of_words(words)))


def _offer_to_tell(dispatcher: Any, language: str, translate: Translate, yes: str) -> list[dict[str, Any]]:
    no = payload("tell_nothing")
    buttons = [button(translate(language, "Yes, write to me"), yes), button(translate(language, "No"), no)]
    dispatcher.utter_message(response="utter_offer_to_tell", buttons=buttons)
    return [remember_offer(yes, no)]


def words_to_show(tracker: Any) -> str:
    """What authors may see of the question that was just asked in vain, if its writer agrees; "" for nothing.

    A child is not asked for it, and nobody who told of danger.
    """
    words = str(tracker.latest_message.get("text") or "")
    if words.startswith("/") or is_the_child(tracker) or tracker.get_slot("danger_reason"):
        return ""
    return without_identity(words, language_of(tracker))


def offer_to_show(dispatcher: Any, language: str, words: str, translate: Translate) -> list[dict[str, Any]]:
    """Ask whether those who write the texts may read these very words. Returns what is to be remembered."""
    yes, no = payload("show_question", of=mark_of_words(words)), payload("show_no_question")
    buttons = [button(translate(language, "Yes, show these words"), yes), button(translate(language, "No"), no)]
    dispatcher.utter_message(response="utter_offer_to_show", words=words, buttons=buttons)
    return [remember_offer(yes, no)]


class ShowQuestion(Action):  # type: ignore[misc]
    """They agree: the host keeps the words they saw, and nothing of who they are. They may be told of an answer."""

    def __init__(self, translate: Translate) -> None:
        self._translate = translate

    def name(self) -> str:
        return "action_show_question"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        words = str(tracker.get_slot("asked_in_vain") or "")
        if not words or entity(tracker, "of") != mark_of_words(words):  # tapped again, or another was asked since
            dispatcher.utter_message(response="utter_question_gone")
            return []
        dispatcher.utter_message(json_message={"waymark": "question", "words": words, "language": language_of(tracker)})
        dispatcher.utter_message(response="utter_question_shown")
        offered = offer_to_tell_of(dispatcher, words, language_of(tracker), self._translate)
        return [SlotSet("asked_in_vain", None), *offered]


class ShowNoQuestion(Action):  # type: ignore[misc]
    """They do not agree: nothing is kept."""

    def name(self) -> str:
        return "action_show_no_question"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        dispatcher.utter_message(response="utter_question_not_shown")
        return [SlotSet("asked_in_vain", None)]
