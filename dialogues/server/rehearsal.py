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
from collections.abc import Iterator
from dataclasses import dataclass, field
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
    found = {(entity.get("entity"), str(entity.get("value"))) for entity in parse.get("entities") or ()}
    for annotation in marked:
        if (annotation.entity, str(annotation.value)) not in found:
            yield f"the entity {annotation.entity} = {annotation.value} was not found, but {sorted(map(str, found))}"


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
