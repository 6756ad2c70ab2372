"""Stories: played exactly when a conversation goes as one of them (Rasa's memoization policies).

What Rasa learns from stories beyond that (its TED policy) is not played here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from dialogues.runtime.domain import Domain
from dialogues.runtime.files import Block, Problem, plain
from dialogues.runtime.model import Event
from dialogues.runtime.rules import MOST_WAYS, EventsOf, Rules, end_to_end, every_way, examples, key_of
from dialogues.runtime.tracker import LISTEN, NOT_SET, Fold, Moment, Tracker


class Story(Struct, frozen=True):
    """One way through the stories, from a beginning to an end."""

    name: str
    file: str
    line: int
    events: tuple[Event, ...]


class _Part(Struct, frozen=True):
    """A story between two checkpoints. `gate`: the checkpoint it begins at, with the slots it asks for."""

    item: Block
    gate: Block | None
    steps: tuple[Block, ...]
    end: str | None

    @property
    def start(self) -> str | None:
        return None if self.gate is None else str(self.gate["checkpoint"])


class StoriesReader:
    """Reads story files against a domain, and gathers every problem."""

    def __init__(self, domain: Domain) -> None:
        self.problems: list[Problem] = []
        self._domain = domain
        self._parts: list[_Part] = []
        self._patience = 20 * MOST_WAYS
        self._met: dict[int, tuple[Block, bool]] = {}  # checkpoints that ask for slots, and whether a story passes them

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
        """Cut a story at its checkpoints. Several that follow one another are as many ways."""
        gates: list[Block] = []
        part: list[Block] = []
        ends: list[Block] = []
        for step in steps:
            if "checkpoint" in step:
                if part:
                    ends.append(self._without_slots(item, step))
                elif self._asks_for_slots(item, step):
                    gates.append(step)
                continue
            if ends:
                self._keep(item, gates, part, ends)
                gates, part, ends = ends, [], []
            part.append(step)
        if part:
            self._keep(item, gates, part, ends)

    def _keep(self, item: Block, gates: list[Block], part: list[Block], ends: list[Block]) -> None:
        begins: Sequence[Block | None] = gates or [None]
        goes_on: Sequence[Block | None] = ends or [None]
        for gate in begins:
            for end in goes_on:
                name = None if end is None else str(end["checkpoint"])
                self._parts.append(_Part(item, gate, tuple(part), name))

    def _asks_for_slots(self, item: Block, step: Block) -> bool:
        """Whether what a checkpoint asks for can be read. Rasa passes it over otherwise: the story begins anywhere."""
        asked = step.get("slot_was_set") or []
        readable = isinstance(asked, list) and all(isinstance(slot, Block) for slot in asked)
        if not readable:
            text = (
                f"story “{item['story']}”: checkpoint `{step['checkpoint']}` is passed over, "
                "for it names a slot without a value: `slot_was_set: [{town: Calais}]`"
            )
            self._problem(step, "slot_was_set", text, False)
        return readable

    def _without_slots(self, item: Block, step: Block) -> Block:
        if step.get("slot_was_set"):
            text = (
                f"story “{item['story']}”: what checkpoint `{step['checkpoint']}` asks for does not count here; "
                "it does where a story begins at it"
            )
            self._problem(step, "slot_was_set", text, False)
        end = Block(step.file, step.line)
        end["checkpoint"] = step["checkpoint"]
        return end

    def finish(self) -> list[Story]:
        """Every way from a beginning to an end."""
        self._loose_checkpoints()
        found: list[Story] = []
        for item, steps in self._ways(None, (), ()):
            writer = EventsOf(self._domain, self._problem, f"story “{item['story']}”")
            try:
                ways = [self._written(writer, way) for way in every_way(steps) if self._passes(writer, way)]
            except (TypeError, ValueError, AttributeError, KeyError) as error:
                text = f"story “{item['story']}” cannot be read: {error}"
                self.problems.append(Problem(item.file, item.line, text))
                continue
            found += [Story(str(item["story"]), item.file, item.line, way) for way in ways]
            if len(found) >= MOST_WAYS:
                return found
        self._shut_checkpoints()
        return found

    @staticmethod
    def _written(writer: EventsOf, way: Sequence[Block]) -> tuple[Event, ...]:
        return tuple(writer.story([step for step in way if "checkpoint" not in step]))

    def _passes(self, writer: EventsOf, way: Sequence[Block]) -> bool:
        """Whether at each checkpoint the slots hold what it asks for."""
        for place, step in enumerate(way):
            if "checkpoint" not in step:
                continue
            fold = Fold(self._domain, None)
            for event in self._written(writer, way[:place]):
                fold.take(event)
            asked = [(name, value) for slot in step["slot_was_set"] for name, value in slot.items()]
            passed = all(fold.slots.get(name) == plain(value) for name, value in asked)
            self._met[id(step)] = (step, passed or self._met.get(id(step), (step, False))[1])
            if not passed:
                return False
        return True

    def _shut_checkpoints(self) -> None:
        """Checkpoints that ask for slots which no story brings: what lies beyond them is never played."""
        for step, passed in self._met.values():
            if not passed:
                text = (
                    f"no story comes to checkpoint `{step['checkpoint']}` with these slots: what follows is not played"
                )
                self._problem(step, "slot_was_set", text, False)

    def _loose_checkpoints(self) -> None:
        """Checkpoints that stand on one side only: what lies beyond them is never played."""
        begun = {part.start for part in self._parts}
        reached = {part.end for part in self._parts}
        for part in self._parts:
            item, start, end = part.item, part.start, part.end
            if start is not None and start not in reached:
                text = f"story “{item['story']}” begins at checkpoint `{start}`, to which no story leads"
                self.problems.append(Problem(item.file, item.line, text, fatal=False))
            if end is not None and end not in begun:
                text = f"story “{item['story']}” ends at checkpoint `{end}`, from which no story goes on"
                self.problems.append(Problem(item.file, item.line, text, fatal=False))

    def _ways(
        self, checkpoint: str | None, taken: tuple[int, ...], so_far: tuple[Block, ...]
    ) -> Iterator[tuple[Block, tuple[Block, ...]]]:
        for number, part in enumerate(self._parts):
            if part.start != checkpoint or number in taken or self._patience <= 0:
                continue
            self._patience -= 1
            gate = (part.gate,) if part.gate is not None and part.gate.get("slot_was_set") else ()
            way = (*so_far, *gate, *part.steps)
            if part.end is None:
                yield part.item, way
            else:
                yield from self._ways(part.end, (*taken, number), way)

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
