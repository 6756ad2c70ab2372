"""Rasa's test stories (`tests/test_*.yml`), played through the whole project.

- story: a question inside a form
  steps:
    - user: |
        a table in [Calais](town)
      intent: book
    - action: book_form
    - active_loop: book_form
    - slot_was_set: [{town: Calais}]
    - bot: How many are you?

Unlike `rasa test` the custom actions are run, so that nobody has to write down what they set.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any

from dialogues.runtime.annotations import read_annotations
from dialogues.runtime.files import Block, Problem, ProjectWrong, plain, read_yaml
from dialogues.runtime.model import Event
from dialogues.runtime.rules import entities_of, every_way
from dialogues.runtime.tracker import LISTEN, SESSION_START
from dialogues.server.host import Host

_PLACES = ("tests/**/test_*.y*ml", "test_*.y*ml", "data/**/test_*.y*ml")
_STEP_KEYS = {"user", "intent", "entities", "action", "bot", "slot_was_set", "active_loop", "checkpoint", "or"}


@dataclass(frozen=True)
class TestStory:
    """A conversation, and what must happen in it."""

    __test__ = False

    name: str
    file: str
    line: int
    steps: tuple[Block, ...] = field(repr=False)


def read_test_stories(root: Path) -> list[TestStory]:
    """Every test story of a project, with alternatives (`or:`) one for each way through it. Raises ProjectWrong."""
    found: list[TestStory] = []
    problems: list[Problem] = []
    for path in sorted({path for pattern in _PLACES for path in root.glob(pattern)}):
        try:
            block = read_yaml(path, root)
        except ProjectWrong as error:
            problems.extend(error.problems)
            continue
        stories = (block.get("stories") if block else None) or []
        if block is not None and not isinstance(stories, list):
            problems.append(Problem(str(path.relative_to(root)), block.line_of("stories"), "`stories` must be a list"))
            continue
        for item in stories:
            steps = item.get("steps") if isinstance(item, Block) else None
            name = str(path.relative_to(root))
            if not isinstance(steps, list) or not all(isinstance(step, Block) for step in steps):
                line = item.line if isinstance(item, Block) else 1
                problems.append(Problem(name, line, "a test story needs a name and steps"))
                continue
            unread = [(step, key) for step in steps for key in step if key not in _STEP_KEYS]
            if unread:
                text = f"is not part of a step of a test; they are {', '.join(sorted(_STEP_KEYS))}"
                problems += [Problem(name, step.line_of(key), f"`{key}` {text}") for step, key in unread]
                continue
            if any(step.get("or") is not None and not isinstance(step["or"], list) for step in steps):
                problems.append(Problem(name, item.line, "`or` must be a list of steps"))
                continue
            ways = (tuple(way) for way in every_way(steps))
            found.extend(TestStory(str(item.get("story")), name, item.line, way) for way in ways)
    if problems:
        raise ProjectWrong(problems)
    return found


async def rehearse(story: TestStory, host: Host) -> list[Problem]:
    """Play a story to its end. What did not go as written; nothing when all did."""
    rehearsal = _Rehearsal(story, host)
    for step in story.steps:
        await rehearsal.play(step)
    left = (f"{action} ran at the end, and nobody expected it" for action in _actions(rehearsal.events))
    return rehearsal.problems + [Problem(story.file, story.line, text) for text in left]


def as_failed(root: Path, problems: Sequence[Problem]) -> str:
    """The stories with these problems as they were written, and behind each step what happened there."""
    told: dict[str, dict[int, list[str]]] = {}
    for problem in problems:
        told.setdefault(problem.file, {}).setdefault(problem.line, []).append(" ".join(problem.text.split()))
    written = ['version: "3.1"', "stories:"]
    for file, happened in told.items():
        for first, lines in _stories_of((root / file).read_text(encoding="utf-8").splitlines()):
            places = range(first, first + len(lines))
            if not any(place in happened for place in places):
                continue
            for place, line in zip(places, lines, strict=True):
                said = dict.fromkeys(happened.get(place, ()))
                written.append(line + (f"  # {'; '.join(said)}" if said else ""))
    return "\n".join(written) + "\n"


def _stories_of(lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Each story of a file: the number of its first line, and its lines, moved to the margin."""
    starts = [place for place, line in enumerate(lines) if re.match(r"\s*- +story:", line)]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        margin = len(lines[start]) - len(lines[start].lstrip())
        moved = (line[margin:] for line in lines[start:end])
        yield start + 1, [*takewhile(lambda line: not line or line[0] in "- ", moved)]


class _Rehearsal:
    """One test story, while it is played."""

    def __init__(self, story: TestStory, host: Host) -> None:
        self._name = story.name
        self._host = host
        self._tracker: dict[str, Any] = {}
        self._said: list[str] = []
        self._turn: list[Event] = []  # all of the turn that the last message began
        self.events: list[Event] = []  # what of it no step has spoken of yet
        self.problems: list[Problem] = []

    async def play(self, step: Block) -> None:
        if "user" in step or "intent" in step:
            await self._hear(step)
        elif "action" in step:
            self._expect_action(step)
        elif "bot" in step:
            self._expect_words(step)
        elif "slot_was_set" in step:
            for text in _slots(step, self._tracker, self._turn):
                self._wrong(step, text)
        elif "active_loop" in step:
            self._expect_loop(step)

    def _wrong(self, step: Block, text: str) -> None:
        self.problems.append(Problem(step.file, step.line, text))

    async def _hear(self, step: Block) -> None:
        for left in _actions(self.events):
            self._wrong(step, f"{left} ran before this message, and nobody expected it")
        before = len(self._tracker.get("events") or ())
        self._said = [str(message.get("text") or "") for message in await self._say(step)]
        self._tracker = await self._host.tracker(self._name)
        events = self._tracker["events"]
        self.events = self._turn = events[before:] if len(events) > before else events  # fewer: it was restarted
        for text in _misheard(step, self._tracker, self.events):
            self._wrong(step, text)

    async def _say(self, step: Block) -> list[dict[str, Any]]:
        if "user" in step:
            return await self._host.hear(self._name, read_annotations(str(step["user"]).strip())[0])
        entities, intent = entities_of(step), str(step["intent"])
        if any("role" in entity or "group" in entity for entity in entities):
            return await self._host.trigger(self._name, intent, entities)  # no payload can say these
        values: dict[str, list[Any]] = {}
        for entity in entities:
            values.setdefault(str(entity["entity"]), []).append(entity["value"])
        named = {name: found if len(found) > 1 else found[0] for name, found in values.items()}
        return await self._host.hear(self._name, f"/{intent}" + (json.dumps(named, default=str) if named else ""))

    def _expect_action(self, step: Block) -> None:
        ran = next(_actions(self.events), LISTEN)
        if ran != step["action"]:
            self._wrong(step, f"{ran} ran, not {step['action']}")
        self.events = _after(self.events, ran)

    def _expect_words(self, step: Block) -> None:
        words = str(step["bot"]).strip()
        if words not in self._said:
            self._wrong(step, f"“{words}” was not said, but {self._said}")

    def _expect_loop(self, step: Block) -> None:
        loop = (self._tracker.get("active_loop") or {}).get("name")
        began = {event.get("name") for event in self._turn if event.get("event") == "active_loop"}
        if step["active_loop"] not in {loop, *began}:
            self._wrong(step, f"the active loop is {loop}, not {step['active_loop']}")


def _misheard(step: Block, tracker: dict[str, Any], events: list[Event]) -> Iterator[str]:
    heard = next((event for event in reversed(events) if event.get("event") == "user"), None)
    parse = (heard or {}).get("parse_data") or tracker.get("latest_message") or {}
    intent = parse.get("intent") or {}
    wanted = str(step.get("intent") or "").removeprefix("/")
    full = intent.get("full_retrieval_intent_name")
    meant = wanted if full else wanted.partition("/")[0]  # no selector says which response of a retrieval intent fits
    if heard is not None and wanted and meant not in (intent.get("name"), full):
        yield f"understood as {intent.get('name')}, not {wanted}"
    if heard is None or "user" not in step:
        return
    marked = read_annotations(str(step["user"]).strip())[1]
    found = [
        _told_entity(e.get("entity"), e.get("value"), e.get("role"), e.get("group"))
        for e in parse.get("entities") or ()
    ]
    for annotation in marked:
        wanted = _told_entity(annotation.entity, annotation.value, annotation.role, annotation.group)
        if wanted not in found:
            yield f"the entity {wanted} was not found, but {', '.join(found) or 'none'}"


def _told_entity(entity: Any, value: Any, role: Any, group: Any) -> str:
    labels = "".join(f", {key} {label}" for key, label in (("role", role), ("group", group)) if label is not None)
    return f"{entity} = {value}" + (f" ({labels[2:]})" if labels else "")


def _actions(events: list[Event]) -> Iterator[str]:
    """The actions that ran, but those that every turn has."""
    for event in events:
        if event.get("event") == "action" and event.get("name") not in (LISTEN, SESSION_START):
            yield str(event["name"])


def _after(events: list[Event], action: str) -> list[Event]:
    for place, event in enumerate(events):
        if event.get("event") == "action" and event.get("name") == action:
            return events[place + 1 :]
    return events


def _slots(step: Block, tracker: dict[str, Any], happened: list[Event]) -> Iterator[str]:
    """What a slot does not hold, neither after the turn nor, for a moment, within it."""
    for item in step["slot_was_set"] or ():
        for name, value in item.items() if isinstance(item, Block) else [(str(item), ...)]:
            holds = (tracker.get("slots") or {}).get(name)
            held = [e.get("value") for e in happened if e.get("event") == "slot" and e.get("name") == name]
            if (holds is None) if value is ... else (plain(value) not in [holds, *held]):
                yield f"slot {name} holds {holds!r}" + ("" if value is ... else f", not {plain(value)!r}")
