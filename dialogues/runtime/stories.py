"""Stories: played exactly when a conversation goes as one of them (Rasa's memoization policies).

What Rasa learns from stories beyond that (its TED policy) is not played here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from dialogues.runtime.domain import Domain
from dialogues.runtime.files import Block, Problem
from dialogues.runtime.model import Event
from dialogues.runtime.rules import MOST_WAYS, EventsOf, Rules, end_to_end, every_way, examples, key_of
from dialogues.runtime.tracker import LISTEN, NOT_SET, Fold, Moment, Tracker


class Story(Struct, frozen=True):
    """One way through the stories, from a beginning to an end."""

    name: str
    file: str
    line: int
    events: tuple[Event, ...]


class StoriesReader:
    """Reads story files against a domain, and gathers every problem."""

    def __init__(self, domain: Domain) -> None:
        self.problems: list[Problem] = []
        self._domain = domain
        self._parts: list[tuple[Block, str | None, list[Block], str | None]] = []
        self._patience = 20 * MOST_WAYS

    def add(self, block: Block) -> None:
        """Take in the stories of one file."""
        stories = block.get("stories") or []
        if not isinstance(stories, list):
            self.problems.append(Problem(block.file, block.line_of("stories"), "`stories` must be a list"))
            return
        for item in stories:
            if isinstance(item, Block) and isinstance(item.get("story"), str) and item.get("steps") is None:
                text = f"story “{item['story']}” has no steps: it is left out"
                self.problems.append(Problem(block.file, item.line, text, fatal=False))
                continue
            steps = item.get("steps") if isinstance(item, Block) else None
            if not isinstance(item, Block) or not isinstance(item.get("story"), str) or not isinstance(steps, list):
                line = item.line if isinstance(item, Block) else block.line_of("stories")
                self.problems.append(Problem(block.file, line, "a story needs a name and steps"))
            elif (written := end_to_end([step for step in steps if isinstance(step, Block)])) is not None:
                text = f"story “{item['story']}” is left out: written words are not played here"
                self.problems.append(Problem(block.file, written.line, text, fatal=False))
            else:
                self._cut(item, [step for step in steps if isinstance(step, Block)])

    def _cut(self, item: Block, steps: list[Block]) -> None:
        """Cut a story at its checkpoints."""
        start: str | None = None
        part: list[Block] = []
        for step in steps:
            if "checkpoint" not in step:
                part.append(step)
                continue
            name = str(step["checkpoint"])
            if part:
                self._parts.append((item, start, part, name))
                part = []
            start = name
        if part:
            self._parts.append((item, start, part, None))

    def finish(self) -> list[Story]:
        """Every way from a beginning to an end."""
        self._loose_checkpoints()
        found: list[Story] = []
        for item, steps in self._ways(None, (), ()):
            writer = EventsOf(self._domain, self._problem, f"story “{item['story']}”")
            try:
                ways = [tuple(writer.story(way)) for way in every_way(steps)]
            except (TypeError, ValueError, AttributeError, KeyError) as error:
                text = f"story “{item['story']}” cannot be read: {error}"
                self.problems.append(Problem(item.file, item.line, text))
                continue
            found += [Story(str(item["story"]), item.file, item.line, way) for way in ways]
            if len(found) >= MOST_WAYS:
                break
        return found

    def _loose_checkpoints(self) -> None:
        """Checkpoints that stand on one side only: what lies beyond them is never played."""
        begun = {start for _, start, _, _ in self._parts}
        reached = {end for _, _, _, end in self._parts}
        for item, start, _, end in self._parts:
            if start is not None and start not in reached:
                text = f"story “{item['story']}” begins at checkpoint `{start}`, to which no story leads"
                self.problems.append(Problem(item.file, item.line, text, fatal=False))
            if end is not None and end not in begun:
                text = f"story “{item['story']}” ends at checkpoint `{end}`, from which no story goes on"
                self.problems.append(Problem(item.file, item.line, text, fatal=False))

    def _ways(
        self, checkpoint: str | None, taken: tuple[int, ...], so_far: tuple[Block, ...]
    ) -> Iterator[tuple[Block, tuple[Block, ...]]]:
        for number, (item, start, steps, end) in enumerate(self._parts):
            if start != checkpoint or number in taken or self._patience <= 0:
                continue
            self._patience -= 1
            if end is None:
                yield item, (*so_far, *steps)
            else:
                yield from self._ways(end, (*taken, number), (*so_far, *steps))

    def _problem(self, block: Block, key: str, text: str, fatal: bool) -> None:
        self.problems.append(Problem(block.file, block.line_of(key), text, fatal))


class Memory:
    """Stories by heart. Where two of them disagree, neither is remembered."""

    def __init__(
        self,
        domain: Domain,
        stories: Sequence[Story],
        rules: Rules,
        *,
        max_history: int | None = None,
        augmented: bool = False,
    ) -> None:
        self._domain = domain
        self._max_history = max_history
        self._augmented = augmented
        self._known: dict[str, str | None] = {}
        self.loops: set[str] = set()
        slots: set[str] = set()
        used: set[str] = set()
        for story in stories:
            for moments, action in examples(domain, story.events, as_rule=False):
                key = key_of(self._sliced(moments))
                self._known[key] = action if self._known.get(key, action) == action else None
                slots.update(name for moment in moments for name in moment.slots)
                self.loops.update(moment.loop for moment in moments if moment.loop)
                step = rules.next(moments[:-1], moments[-1])
                if step is not None and step.action == action:
                    used.add(step.key)
        self.rules_in_stories = frozenset(used)
        ruled = [moment for step in rules.all_steps() for moment in step.moments]
        self._rule_only_slots = {name for moment in ruled for name in moment.slots} - slots
        self._rule_only_loops = {moment.loop for moment in ruled if moment.loop} - self.loops - {NOT_SET}

    def recall(self, tracker: Tracker) -> str | None:
        """What the stories do at this point, None when none of them goes like this conversation."""
        events: Sequence[Event] = tracker.applied
        moments = self._moments(events)
        found = self._known.get(key_of(moments))
        if found is not None or not self._augmented:
            return found
        events = _from_action(_last_actions(events, self._max_history), 0)
        while events:
            shorter = self._moments(events)
            found = self._known.get(key_of(shorter)) if shorter != moments else None
            if found is not None:
                return found
            moments = shorter
            events = _from_action(events, 1)
        return None

    def _sliced(self, moments: Sequence[Moment]) -> Sequence[Moment]:
        return moments[-self._max_history :] if self._max_history else moments

    def _moments(self, events: Sequence[Event]) -> Sequence[Moment]:
        """The conversation as stories see it: without the turns that only rules know."""
        fold = Fold(self._domain, None)
        seen: list[Moment] = []
        last_told: str | None = None
        hidden = False
        for event in [*events, {"event": "action", "name": ""}]:
            if event.get("event") == "action":
                if not hidden:
                    last_told = fold.latest_action
                if not fold.followup and fold.latest_action != fold.loop_name:
                    hidden = bool(event.get("hide_rule_turn"))
                if not hidden:
                    seen.append(self._as_told(fold.moment(), seen[-1] if seen else None, last_told))
            fold.take(event)
        return self._sliced(seen)

    def _as_told(self, moment: Moment, earlier: Moment | None, last_told: str | None) -> Moment:
        slots: Mapping[str, tuple[float, ...] | None] = {
            name: feature for name, feature in moment.slots.items() if name not in self._rule_only_slots
        }
        told = replace(moment, slots=slots, loop=None if moment.loop in self._rule_only_loops else moment.loop)
        if earlier is not None and moment.previous != LISTEN:
            told = replace(told, intent=earlier.intent, entities=earlier.entities)
        return replace(told, previous=last_told) if last_told else told


def _last_actions(events: Sequence[Event], most: int | None) -> Sequence[Event]:
    """The events that `most` actions lead back to, beginning with a listening."""
    if not most:
        return events
    actions = 0
    for back, event in enumerate(reversed(events), start=1):
        if event.get("event") == "action":
            actions += 1
            if actions > most and event.get("name") == LISTEN:
                return events[len(events) - back :]
    return events


def _from_action(events: Sequence[Event], number: int) -> Sequence[Event]:
    """The events from an action on; nothing, where there are not so many."""
    places = [i for i, event in enumerate(events) if event.get("event") == "action"]
    return events[places[number] :] if len(places) > number else ()
