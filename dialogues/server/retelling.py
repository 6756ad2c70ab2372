"""A conversation written down as one of Rasa's test stories, to be kept in `tests/test_*.yml`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from dialogues.runtime.annotations import annotated
from dialogues.runtime.model import Event
from dialogues.runtime.tracker import LISTEN, SESSION_START

_UNSAID = {LISTEN, SESSION_START, "action_unlikely_intent"}


class _Words(str):
    """What a person wrote: in a block of its own, so that nothing in it has to be escaped."""


class _Version(str):
    """In quotes, or it would be read as a number."""


class _Writer(yaml.SafeDumper):
    """Writes as Rasa does: nothing shortened, words in blocks."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def as_test_stories(name: str, events: Sequence[Event], *, every_session: bool) -> str:
    """The last session as a test story, or every session as one of its own."""
    sessions = [*_sessions(events)]
    if not every_session:
        sessions = sessions[-1:]
    names = [name] if len(sessions) == 1 else [f"{name}, story {number}" for number in range(1, len(sessions) + 1)]
    stories = [
        {"story": story, "steps": [*_steps(session)]} for story, session in zip(names, sessions, strict=True) if session
    ]
    told = {"version": _Version("3.1"), **({"stories": stories} if stories else {})}
    return yaml.dump(told, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=4096)


def _sessions(events: Sequence[Event]) -> Iterator[list[Event]]:
    session: list[Event] = []
    for event in events:
        if event.get("event") == "action" and event.get("name") == SESSION_START:
            if session:
                yield session
            session = []
        session.append(event)
    if session:
        yield session


def _steps(events: Sequence[Event]) -> Iterator[dict[str, Any]]:
    for event in events:
        kind, name = event.get("event"), event.get("name")
        if kind == "user":
            yield _said(event.get("parse_data") or {}, str(event.get("text") or ""))
        elif kind == "action" and name and name not in _UNSAID:
            yield {"action": name}
        elif kind == "slot":
            yield {"slot_was_set": [{name: event.get("value")}]}
        elif kind == "active_loop":
            yield {"active_loop": name}


def _said(parse: dict[str, Any], text: str) -> dict[str, Any]:
    intent = parse.get("intent") or {}
    name = intent.get("full_retrieval_intent_name") or intent.get("name")
    words = annotated(text, parse.get("entities") or ())
    return {**({"intent": name} if name else {}), **({"user": _Words(words)} if words else {})}


_Writer.add_representer(
    _Words, lambda dumper, words: dumper.represent_scalar("tag:yaml.org,2002:str", words, style="|")
)
_Writer.add_representer(
    _Version, lambda dumper, number: dumper.represent_scalar("tag:yaml.org,2002:str", number, style='"')
)
