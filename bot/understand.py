"""`./waymark understand`: messages in, decisions out, by the code a live message takes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any, TextIO

from msgspec.structs import replace

from bot.alone import CannotStart
from bot.app import DIALOGUES
from bot.bridges import ReadingRoom
from bot.kernel.settings import Settings
from dialogues.actions.wishes import need_beside
from dialogues.context.asking_for_a_person import INTENT as ASK_HUMAN
from dialogues.context.asking_for_a_person import asks_for_a_person
from dialogues.knowledge.evaluation import Heard, Question
from dialogues.understanding.decision import decide
from dialogues.understanding.embedder import EmbedderMissing
from dialogues.understanding.model import Reading
from dialogues.understanding.towns import shipped_places
from directory.countries import country_in_english
from directory.gazetteer import GAZETTEER, Gazetteer
from directory.places import Places


class NotAMessage(Exception):
    """A line that does not say what to understand."""


async def understand_lines(settings: Settings, source: TextIO, target: TextIO) -> None:
    """Read JSON lines until the end; write one decision a line, in order, each as soon as it is made.

    A line that is not a message gets `{"id": …, "error": "…"}` and the next one is read.
    """
    reading = ReadingRoom(DIALOGUES, settings.data_dir / "understanding", settings.understanding)
    places = Places(shipped_places())
    gazetteer = Gazetteer.open(settings.data_dir / GAZETTEER)
    try:
        try:
            await reading.loaded()
        except EmbedderMissing as error:
            raise CannotStart(
                f"the language model does not run here ({error}); use WAYMARK_UNDERSTANDING=auto"
            ) from None
        while line := await asyncio.to_thread(source.readline):
            if line.strip():
                target.write(json.dumps(await _answer(line, reading, places, gazetteer), ensure_ascii=False) + "\n")
                target.flush()
    finally:
        reading.close()
        if gazetteer is not None:
            gazetteer.close()


async def _answer(line: str, reading: ReadingRoom, places: Places, gazetteer: Gazetteer | None) -> dict[str, Any]:
    message_id: object = None
    try:
        asked = _parsed(line)
        message_id = asked.get("id")
        text, language, country = _asked(asked)
    except NotAMessage as error:
        return {"id": message_id, "error": str(error)}

    read = _as_heard(await reading.read(text, language=language))

    def place(words: str) -> str | None:
        found = places.resolve(words, country=country, beyond=gazetteer, language=read.language)
        return found[0].english if found else country_in_english(words)

    decision = decide(read, place)
    if need := decision["need"]:  # who looks for a doctor who speaks their language is shown doctors
        meant = need_beside(need, text)
        decision |= {
            "need": meant,
            "alternatives": [need if each == meant else each for each in decision["alternatives"]],
        }
    return {"id": message_id, **decision}


def _as_heard(read: Reading) -> Reading:
    """The reading as a live message is heard: who asks for a person gets one, whatever else the words ask."""
    needs = {str(entity.value) for entity in read.entities if entity.name == "need"}
    if read.risk is not None or not asks_for_a_person(read.text, needs):
        return read
    return replace(read, intent=ASK_HUMAN, confidence=1.0)


def _parsed(line: str) -> dict[str, Any]:
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict):
        raise NotAMessage('each line must be a JSON object with "id" and "text"')
    return asked


def _asked(asked: dict[str, Any]) -> tuple[str, str | None, str | None]:
    if asked.get("id") is None or not isinstance(asked["id"], (str, int)):
        raise NotAMessage('"id" must be a string or a number')
    if not isinstance(asked.get("text"), str):
        raise NotAMessage('"text" must be a string')
    for name in ("lang", "audience", "country"):
        if not isinstance(asked.get(name), (str, type(None))):
            raise NotAMessage(f'"{name}" must be a string')
    return asked["text"], asked.get("lang") or None, (asked.get("country") or "").upper() or None


async def hear_questions(settings: Settings, questions: Sequence[Question]) -> list[Heard]:
    """What a live message of these words would be taken for, as `understand_lines` decides it."""
    reading = ReadingRoom(DIALOGUES, settings.data_dir / "understanding", settings.understanding)
    heard = []
    try:
        await reading.loaded()
        for question in questions:
            read = _as_heard(await reading.read(question.words, language=question.language))
            decision = decide(read)
            keys = (decision["key"], *decision["alternatives"])
            named = tuple(key for key in dict.fromkeys(keys) if key)
            asked_about = bool(decision["key"]) and read.intent == "nlu_fallback"
            heard.append(Heard(question, named, decision["type"] == "escalate", asked_about))
    finally:
        reading.close()
    return heard
