"""Talks: conversations written down as YAML, played against the real engine and its real actions.

talk: A boy looks for a bed
language: en
turns:
  - person: a place to sleep in Ventimiglia
    intent: search_service                  # left out: the real understanding reads the words
    entities: {need: shelter, place: Ventimiglia}
    replies:
      - response: utter_services_found      # every line is optional; what is written must hold
        says: [Ventimiglia]
        hides: [Via]
        buttons: [Call]
    slots: {need: null}
    loop: null
    officer: {reason: immediate_danger, priority: P0}
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dialogues.actions.given import GivenServices
from dialogues.actions.ports import FoundPlace, FoundService
from dialogues.context import in_context
from dialogues.context.looking_up import as_look_up
from dialogues.runtime.engine import Engine
from dialogues.runtime.files import Block, Problem, ProjectWrong, read_yaml
from dialogues.runtime.model import DialogueState, Entity, Reply, Turn, UserMessage
from dialogues.runtime.payload import read_payload
from dialogues.understanding.model import Reading

#: Reads words when a turn gives no intent: (text, language) -> Reading.
Read = Callable[[str, str | None], Reading]

_TURN_KEYS = {"person", "tap", "intent", "confidence", "entities", "metadata", "replies", "slots", "loop", "officer"}
_REPLY_KEYS = {"response", "says", "hides", "buttons", "urls", "words_at_most"}


@dataclass(frozen=True)
class Talk:
    """One conversation, and what must hold after each of its turns."""

    name: str
    file: str
    line: int
    slots: Mapping[str, Any]
    turns: tuple[Block, ...] = field(repr=False)

    @property
    def needs_understanding(self) -> bool:
        return any("person" in turn and "intent" not in turn for turn in self.turns)


def read_talks(folder: Path) -> list[Talk]:
    """Every talk in the YAML files of a folder. Raises ProjectWrong."""
    found: list[Talk] = []
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.yml")):
        block = read_yaml(path, folder)
        for item in block.get("talks") or () if block else ():
            turns = item.get("turns")
            if not isinstance(item.get("talk"), str) or not isinstance(turns, list):
                problems.append(Problem(path.name, item.line, "a talk needs a name and turns"))
                continue
            for turn in turns:
                unknown = set(turn) - _TURN_KEYS
                replies = turn.get("replies") or []
                unknown |= {key for reply in replies for key in reply if key not in _REPLY_KEYS}
                if unknown or not ("person" in turn) ^ ("tap" in turn):
                    told = f"not part of a turn: {', '.join(sorted(unknown))}" if unknown else "give `person` or `tap`"
                    problems.append(Problem(path.name, turn.line, told))
            slots = {"language": item.get("language", "en"), **(item.get("slots") or {})}
            found.append(Talk(item["talk"], path.name, item.line, slots, tuple(turns)))
    if problems:
        raise ProjectWrong(problems)
    return found


def read_world(path: Path) -> GivenServices:
    """The places and services a folder of talks plays in (`world.yml`). Nothing, where there is no such file."""
    block = read_yaml(path, path.parent) if path.exists() else None
    if block is None:
        return GivenServices.nothing()
    places = {
        str(words).casefold(): tuple(FoundPlace(**place) for place in meant)
        for words, meant in (block.get("places") or {}).items()
    }
    services = {
        need: tuple(_service({"needs": (need,), **service}) for service in offered)
        for need, offered in (block.get("services") or {}).items()
    }
    numbers = tuple(_service(service) for service in block.get("helplines") or ())
    return GivenServices(places, services, numbers, dict(block.get("emergency") or {}))


def _service(written: Mapping[str, Any]) -> FoundService:
    unknown = {"distance_m": None, "open_now": None, "hours_today": "", "checked_days_ago": None}
    nowhere = {"phone": "", "address": "", "latitude": None, "longitude": None, "confidential": False}
    return FoundService(**{**unknown, **nowhere, "id": str(written["name"]), "summary": "", **written})


async def play(talk: Talk, engine: Engine, read: Read | None = None) -> list[Problem]:
    """Play a talk to its end. Returns what did not go as written; nothing when all did."""
    state = DialogueState(slots=dict(talk.slots))
    problems: list[Problem] = []
    for written in talk.turns:
        turn = await engine.turn(state, _message(written, state, read))
        state = turn.state
        problems += [Problem(talk.file, written.line, f"“{talk.name}”: {wrong}") for wrong in _compare(written, turn)]
    return problems


def _message(written: Block, state: DialogueState, read: Read | None) -> UserMessage:
    metadata = dict(written.get("metadata") or {})
    if "tap" in written:
        tapped = read_payload(str(written["tap"]), metadata=metadata)
        if tapped is None:
            raise ProjectWrong([Problem(written.file, written.line_of("tap"), "nobody can read this payload")])
        return tapped
    text = str(written["person"])
    if "intent" in written:
        given = written.get("entities") or {}
        entities = tuple(Entity(name, value) for name, value in given.items())
        confidence = float(written.get("confidence", 1.0))
        heard = UserMessage(text, str(written["intent"]), confidence, entities=entities, metadata=metadata)
        return in_context(heard, state)
    if read is None:
        raise ProjectWrong([Problem(written.file, written.line, "a turn without an intent needs the understanding")])
    return in_context(message_of(read(text, state.slots.get("language")), metadata), state)


def message_of(reading: Reading, metadata: Mapping[str, Any]) -> UserMessage:
    """A reading as the engine hears it: danger is heard as danger, whatever else the words ask."""
    entities = reading.entities
    intent = reading.intent
    if reading.risk is not None:
        intent = "in_danger"
        danger = (Entity("reason", reading.risk.reason), Entity("priority", reading.risk.priority.value))
        entities = (*(e for e in entities if e.name not in {"reason", "priority"}), *danger)
    facts = {**metadata, "reporter": True} if reading.reporter else metadata
    return as_look_up(UserMessage(reading.text, intent, reading.confidence, reading.ranking, entities, metadata=facts))


def _compare(written: Block, turn: Turn) -> Iterable[str]:
    said = [reply for reply in turn.replies if reply.text]
    expected = written.get("replies")
    if expected is not None:
        if len(said) != len(expected):
            heard = " | ".join(reply.response or reply.text[:40] for reply in said)
            yield f"{len(expected)} replies expected, {len(said)} came: {heard}"
        for number, (wanted, reply) in enumerate(zip(expected, said, strict=False), 1):
            yield from (f"reply {number}: {wrong}" for wrong in _compare_reply(wanted, reply))
    for name, value in (written.get("slots") or {}).items():
        if turn.state.slots.get(name) != value:
            yield f"slot {name} is {turn.state.slots.get(name)!r}, not {value!r}"
    if "loop" in written and turn.state.active_loop.get("name") != written["loop"]:
        yield f"the active loop is {turn.state.active_loop.get('name')!r}, not {written['loop']!r}"
    if "officer" in written:
        calls = [
            {"reason": reply.custom["reason"], "priority": reply.custom["priority"]}
            for reply in turn.replies
            if reply.custom.get("waymark") == "call_officer"
        ]
        wanted_calls = [] if written["officer"] is None else [dict(written["officer"])]
        if calls != wanted_calls:
            yield f"called an officer {calls}, not {wanted_calls}"


def _compare_reply(wanted: Mapping[str, Any], reply: Reply) -> Iterable[str]:
    if "response" in wanted and reply.response != wanted["response"]:
        yield f"{reply.response} was said, not {wanted['response']}"
    for words in wanted.get("says") or ():
        if str(words) not in reply.text:
            yield f"“{words}” is missing in “{reply.text}”"
    for words in wanted.get("hides") or ():
        if str(words) in reply.text or any(str(words) in choice.url for choice in reply.choices):
            yield f"“{words}” must not be told"
    titles = [choice.title for choice in reply.choices]
    for title in wanted.get("buttons") or ():
        if title not in titles:
            yield f"no button “{title}” among {titles}"
    urls = [choice.url for choice in reply.choices if choice.url]
    if "urls" in wanted and urls != list(wanted["urls"]):
        yield f"the links are {urls}, not {list(wanted['urls'])}"
    if "words_at_most" in wanted and len(reply.text.split()) > wanted["words_at_most"]:
        yield f"{len(reply.text.split())} words, more than {wanted['words_at_most']}"
