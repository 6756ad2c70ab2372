"""What a partner's letter says, piece by piece: what is not of its form is refused to the machine that wrote it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.exchange.post.model import LetterRefused
from bot.exchange.requests.model import LONGEST_TEXT, Confidence, How, is_one_of
from bot.exchange.requests.thread_store import THEIR_LINE

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_ID = re.compile(r"[0-9a-f-]{36}")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def answer(said: object) -> tuple[str, str, dict[str, str], str, Mapping[str, Any]]:
    """Question, words, facts and language of one answer. Raises LetterRefused."""
    if not isinstance(said, dict):
        raise LetterRefused("bad_body")
    asked = said.get("key")
    if not isinstance(asked, str) or not re.fullmatch(r"[a-z_]{1,30}", asked):
        raise LetterRefused("bad_body")
    how, confidence = said.get("how"), said.get("confidence")
    if not is_one_of(how, set(How)) or not is_one_of(confidence, set(Confidence)):
        raise LetterRefused("no_provenance")
    facts = {"how": str(how), "confidence": str(confidence), **named_line(said)}
    return asked, text(said.get("text"), LONGEST_TEXT), facts, language(said.get("language")), said


def named_line(said: Mapping[str, Any]) -> dict[str, str]:
    """How the partner calls this line of the thread, so that its files are found beside it. Older ones do not say."""
    line = said.get("line")
    return {THEIR_LINE: line} if isinstance(line, str) and _ID.fullmatch(line) else {}


def text(value: object, longest: int) -> str:
    """Words a partner sent, without control characters. Raises LetterRefused if there are none, or too many."""
    if not isinstance(value, str):
        raise LetterRefused("bad_body")
    words = _CONTROLS.sub("", value.replace("\r\n", "\n")).strip()
    if not words or len(words) > longest:
        raise LetterRefused("bad_body")
    return words


def language(value: object) -> str:
    """A language tag. Raises LetterRefused."""
    if not isinstance(value, str) or len(value) > 16 or not _LANGUAGE.fullmatch(value):
        raise LetterRefused("bad_body")
    return value


def identity(value: object) -> str:
    """The id of something. Raises LetterRefused."""
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise LetterRefused("bad_body")
    return value


def moment(value: object) -> datetime:
    """A moment that names its time zone. Raises LetterRefused."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        raise LetterRefused("bad_body") from None
    if found.tzinfo is None:
        raise LetterRefused("bad_body")
    return found
