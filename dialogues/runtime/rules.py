"""Rules: what is done next, given what just happened.

A rule becomes steps `(moments seen so far -> action)`, as Rasa's RulePolicy compiles it: its events are folded like a
conversation's, and every action in it is a consequence of the moments before. A step fits when each of its moments fits
the conversation's latest ones; of several fitting steps the most specific is taken.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice, product
from typing import Any

from msgspec import Struct, field

from dialogues.runtime.annotations import read_annotations
from dialogues.runtime.domain import Domain
from dialogues.runtime.files import Block, Problem, meant, plain
from dialogues.runtime.model import Event
from dialogues.runtime.slots import REQUESTED_SLOT
from dialogues.runtime.tracker import ANYTHING_BEFORE, LISTEN, NOT_SET, Fold, Moment, Tracker

#: Alternatives multiply; more ways through one rule or through all stories than this are not followed.
MOST_WAYS = 2000
_RULE_KEYS = frozenset({"rule", "condition", "steps", "wait_for_user_input", "conversation_start", "metadata"})
_STEPS = frozenset({"intent", "action", "slot_was_set", "active_loop", "or", "checkpoint", "user", "bot"})
_OLD_STEPS = {"form": "active_loop", "slot": "slot_was_set", "slots": "slot_was_set"}


class Step(Struct, frozen=True):
    """One consequence: after these moments, this action."""

    rule: str
    moments: tuple[Moment, ...]
    action: str
    key: str

    @property
    def inside_a_loop(self) -> bool:
        return self.moments[-1].loop not in (None, NOT_SET)

    def fits(self, before: Sequence[Moment], now: Moment) -> bool:
        if not self.moments[-1].fits(now):
            return False
        for back, wanted in enumerate(reversed(self.moments[:-1]), start=1):
            if back > len(before) or not wanted.fits(before[-back]):
                return False
        return True


class Rule(Struct, frozen=True):
    """A rule as written. Its name is a sentence one can disagree with."""

    name: str
    file: str
    line: int
    steps: tuple[Step, ...]
    intents: frozenset[str] = frozenset()
    events: tuple[tuple[Event, ...], ...] = ()  # each way through the rule


class UnhappyPath(Struct, frozen=True):
    """What rules and stories say of a loop when something else was said in between."""

    interrupted: bool = False  # the loop goes on without believing the message was an answer
    stay_away: bool = False  # the loop does not go on by itself


class Rules(Struct):
    """All rules of a project, ready to be asked. `interruptions` are learnt from rules and stories alike."""

    rules: tuple[Rule, ...]
    interruptions: tuple[tuple[tuple[Moment, ...], bool], ...] = ()
    watched: frozenset[str] = frozenset()  # the slots any rule compares
    _steps: dict[tuple[str | None, str | None], list[Step]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for step in self.all_steps():
            last = step.moments[-1]
            self._steps[(last.previous, last.intent)].append(step)
        moments = [moment for step in self.all_steps() for moment in step.moments]
        moments += [moment for moments_, _ in self.interruptions for moment in moments_]
        self.watched = frozenset(name for moment in moments for name in moment.slots)

    def all_steps(self) -> Iterator[Step]:
        for rule in self.rules:
            yield from rule.steps

    def next(self, before: Sequence[Moment], now: Moment) -> Step | None:
        """The most specific step that fits."""
        found = [
            step
            for place in {(now.previous, now.intent), (now.previous, None)}
            for step in self._steps.get(place, ())
            if step.fits(before, now)
        ]
        return max(found, key=lambda step: (len(step.key), step.key), default=None)

    def unhappy_path(self, before: Sequence[Moment], now: Moment) -> UnhappyPath:
        """What is said of the loop that is active now."""
        said = {
            interrupted
            for moments, interrupted in self.interruptions
            if moments[-1].fits(now) and (len(moments) == 1 or (bool(before) and moments[0].fits(before[-1])))
        }
        return UnhappyPath(interrupted=True in said, stay_away=False in said)


class RulesReader:
    """Reads rule files against a domain, and gathers every problem."""

    def __init__(self, domain: Domain, *, restricted: bool = True) -> None:
        """`restricted`: a rule may have one message of the person (RulePolicy's `restrict_rules`)."""
        self.problems: list[Problem] = []
        self.domain = domain
        self._restricted = restricted
        self._rules: list[Rule] = []

    def add(self, block: Block) -> None:
        """Take in the rules of one file."""
        rules = block.get("rules") or []
        if not isinstance(rules, list):
            self.problem(block, "rules", "`rules` must be a list")
            return
        for item in rules:
            if not isinstance(item, Block) or not isinstance(item.get("rule"), str):
                line = item.line if isinstance(item, Block) else block.line_of("rules")
                self.problems.append(Problem(block.file, line, "a rule needs a name: `- rule: what it makes sure of`"))
                continue
            try:
                self._rule(item)
            except (TypeError, ValueError, AttributeError, KeyError) as error:
                text = f"rule “{item['rule']}” cannot be read: {error}"
                self.problems.append(Problem(item.file, item.line, text))

    def finish(self, stories: Iterable[Sequence[Event]] = ()) -> Rules:
        """The rules. `stories` are the events of each story: they too tell how a loop is interrupted."""
        self._contradictions()
        told: dict[str, tuple[tuple[Moment, ...], bool]] = {}
        for rule in self._rules:
            for events in rule.events:
                _interruptions(self.domain, events, told, as_rule=True)
        for story in stories:
            _interruptions(self.domain, story, told, as_rule=False)
        return Rules(tuple(self._rules), tuple(told.values()))

    def problem(self, block: Block, key: str, text: str, fatal: bool = True) -> None:
        self.problems.append(Problem(block.file, block.line_of(key), text, fatal))

    def _rule(self, item: Block) -> None:
        name = str(item["rule"])
        for key in item:
            if key not in _RULE_KEYS:
                self.problem(item, key, f"rule “{name}”: `{key}` is not part of a rule{meant(key, _RULE_KEYS)}", False)
        if any(rule.name == name and rule.file == item.file for rule in self._rules):
            self.problem(item, "rule", f"two rules are called “{name}”", False)
        if not isinstance(item.get("wait_for_user_input", True), bool):
            text = f"rule “{name}”: `wait_for_user_input` is true or false. Rasa would refuse it"
            self.problem(item, "wait_for_user_input", text, False)
        steps = item.get("steps")
        if steps is None:  # Rasa passes it over
            self.problem(item, "steps", f"rule “{name}” has no steps: it is left out", False)
            return
        if not isinstance(steps, list) or not steps or not all(isinstance(step, Block) for step in steps):
            self.problem(item, "steps", f"rule “{name}” has no steps: `- intent: …`, then `- action: …`")
            return
        condition = item.get("condition") or []
        if not isinstance(condition, list) or not all(isinstance(part, Block) for part in condition):
            text = f"the condition of rule “{name}” must be a list: `- active_loop: …` or `- slot_was_set: …`"
            self.problem(item, "condition", text)
            return
        for step in steps:
            if step.get("or") is not None and not isinstance(step["or"], list):
                self.problem(step, "or", f"rule “{name}”: `or` must be a list of steps")
                return
        if (written := end_to_end(steps)) is not None:
            self.problem(
                written, next(iter(written)), f"rule “{name}” is left out: written words are not played here", False
            )
            return
        users = sum("intent" in step or "user" in step or _asks_or(step) for step in steps)
        if users > 1 and self._restricted:
            self.problem(item, "steps", f"rule “{name}” has {users} messages of the person; a rule may have one")
            return
        writer = EventsOf(self.domain, self.problem, f"rule “{name}”", as_rule=True)
        ways = [tuple(writer.rule(item, way)) for way in every_way(steps)]
        made = {step.key: step for events in ways for step in _steps(name, self.domain, events)}
        self._rules.append(
            Rule(name, item.file, item.line, tuple(made.values()), frozenset(writer.intents), tuple(ways))
        )

    def _contradictions(self) -> None:
        said: dict[str, tuple[Rule, Step]] = {}
        for rule in self._rules:
            for step in rule.steps:
                other = said.setdefault(step.key, (rule, step))
                if other[1].action != step.action:
                    text = (
                        f"rule “{rule.name}” says {step.action} where “{other[0].name}” "
                        f"({other[0].file}:{other[0].line}) says {other[1].action}"
                    )
                    self.problems.append(Problem(rule.file, rule.line, text))


def end_to_end(steps: Sequence[Block]) -> Block | None:
    """A step that stands for written words and not for an intent or an action, if there is one."""
    return next((step for step in steps if "bot" in step or ("user" in step and "intent" not in step)), None)


def _asks_or(step: Block) -> bool:
    return any("intent" in item for item in step.get("or") or () if isinstance(item, Block))


def every_way(steps: Sequence[Block]) -> Iterator[list[Block]]:
    """Each way through steps with alternatives (`or:`)."""
    choices = ([i for i in step["or"] if isinstance(i, Block)] if step.get("or") else [step] for step in steps)
    for way in islice(product(*choices), MOST_WAYS):
        yield list(way)


class EventsOf:
    """Writes the steps of a rule or story as the events they stand for."""

    def __init__(
        self, domain: Domain, problem: Callable[[Block, str, str, bool], None], what: str, *, as_rule: bool = False
    ) -> None:
        self.intents: set[str] = set()
        self._domain = domain
        self._problem = problem
        self._what = what
        self._as_rule = as_rule
        self._events: list[Event] = []

    def rule(self, item: Block, steps: Sequence[Block]) -> list[Event]:
        """One way through a rule, with everything that a rule leaves unsaid."""
        self._events = []
        for condition in item.get("condition") or ():
            if isinstance(condition, Block):
                self._step(condition)
        if not item.get("conversation_start"):
            self._act(ANYTHING_BEFORE)
        for step in steps:
            self._step(step)
        if item.get("wait_for_user_input") is False:
            self._act(ANYTHING_BEFORE)
        self._listen()
        return self._events

    def story(self, steps: Sequence[Block], *, ends: bool = True) -> list[Event]:
        """One way through a story. `ends` False: a checkpoint follows."""
        self._events = []
        for step in steps:
            self._step(step)
        if ends:
            self._listen()
        return self._events

    def _act(self, action: str) -> None:
        self._events.append({"event": "action", "name": action})

    def _listen(self) -> None:
        if not self._events or self._events[-1] != {"event": "action", "name": LISTEN}:
            self._act(LISTEN)

    def _step(self, step: Block) -> None:
        if "intent" in step:
            self._user(step)
        elif "action" in step:
            self._action(step)
        elif "slot_was_set" in step:
            self._slots(step)
        elif "active_loop" in step:
            self._loop(step)
        elif "metadata" not in step and "checkpoint" not in step:
            key = next(iter(step), "steps")
            instead = _OLD_STEPS.get(key)
            advice = f"; since Rasa 2 it is `{instead}`" if instead else meant(key, _STEPS)
            self._problem(step, key, f"{self._what}: `{key}` is not played here{advice}", True)

    def _user(self, step: Block) -> None:
        intent = str(step["intent"]).strip().removeprefix("/").partition("/")[0]
        self.intents.add(intent)
        if intent not in self._domain.intents:
            text = f"{self._what} waits for `{intent}`, which is no intent{meant(intent, self._domain.intents)}"
            self._problem(step, "intent", text, False)
        entities = entities_of(step)
        for entity in entities:
            if entity["entity"] not in self._domain.entities:
                self._problem(step, "entities", f"{self._what} names `{entity['entity']}`, which is no entity", False)
        self._listen()
        self._events.append({"event": "user", "parse_data": {"intent": {"name": intent}, "entities": entities}})
        self._events.extend(slots_of_entities(self._domain, entities))

    def _action(self, step: Block) -> None:
        action = str(step["action"])
        if not self._domain.knows_action(action):
            text = (
                f"{self._what} calls `{action}`, which is not in the domain{meant(action, self._domain.action_names)}"
            )
            self._problem(step, "action", text, True)
        self._act(action)

    def _loop(self, step: Block) -> None:
        loop = step["active_loop"]
        if loop is not None and not self._domain.knows_loop(str(loop)):
            text = f"{self._what} names `{loop}`, which is no form{meant(str(loop), self._domain.forms)}"
            self._problem(step, "active_loop", text, True)
        name = str(loop) if loop is not None else (NOT_SET if self._as_rule else None)
        self._events.append({"event": "active_loop", "name": name})

    def _slots(self, step: Block) -> None:
        listed = step.get("slot_was_set") or ()
        if not isinstance(listed, list | tuple):
            text = f"the `slot_was_set` of {self._what} must be a list: `- name: value`. Rasa would refuse it"
            self._problem(step, "slot_was_set", text, False)
        for item in listed if isinstance(listed, list) else [listed]:
            if not isinstance(item, Block):
                self._slot(step, str(item), self._default(str(item)))
                continue
            for name, value in item.items():
                self._slot(item, name, plain(value))

    def _default(self, name: str) -> Any:
        """What a slot that is only named is taken to hold."""
        slot = self._domain.slots.get(name)
        return {"text": "filled", "list": ["filled"], "bool": True}.get(slot.type) if slot else "filled"

    def _slot(self, block: Block, name: str, value: Any) -> None:
        slot = self._domain.slots.get(name)
        if slot is None and name != REQUESTED_SLOT:
            text = f"{self._what} looks at `{name}`, which is no slot{meant(name, self._domain.slots)}"
            self._problem(block, name, text, False)
            return
        if value is None and self._as_rule:
            value = NOT_SET
        self._events.append({"event": "slot", "name": name, "value": value})


def entities_of(step: Block) -> list[dict[str, Any]]:
    """What a step says is in the message: marked in its words, or listed."""
    if "user" in step:
        marks = read_annotations(str(step["user"]))[1]
        named = ({"entity": m.entity, "value": m.value, "role": m.role, "group": m.group} for m in marks)
        return [{key: value for key, value in entity.items() if value is not None} for entity in named]
    listed = step.get("entities") or []
    return [_entity(item) for item in (listed if isinstance(listed, list) else [listed])]


def _entity(item: Any) -> dict[str, Any]:
    if not isinstance(item, dict):
        return {"entity": str(item), "value": ""}
    found: dict[str, Any] = {}
    for key, value in item.items():
        if key in ("role", "group"):
            found[key] = value
        else:
            found.update(entity=key, value=plain(value))
    return {"entity": "", "value": None, **found}


def slots_of_entities(domain: Domain, entities: Sequence[dict[str, Any]]) -> Iterator[Event]:
    """The slots that a message with these entities fills, as far as a rule can know."""
    for slot in domain.slots.values():
        values = [
            entity.get("value")
            for mapping in slot.mappings
            if mapping.type == "from_entity"
            and not (mapping.conditions and mapping.conditions[0].active_loop is not None)
            for entity in entities
            if (entity.get("entity"), entity.get("role"), entity.get("group"))
            == (mapping.entity, mapping.role, mapping.group)
        ]
        if values:
            yield {"event": "slot", "name": slot.name, "value": values if slot.type == "list" else values[-1]}


def examples(domain: Domain, events: Sequence[Event], *, as_rule: bool) -> Iterator[tuple[tuple[Moment, ...], str]]:
    """Every action of a rule or story, with all the moments before it.

    In stories Rasa counts a form that goes on without trouble among the moments, but not among the actions. So a story
    says what follows a form while the form is still active. We follow, or other stories would be remembered.
    """
    tracker = Tracker(domain, events, as_rule=as_rule)
    moments = tracker.moments()[0] if as_rule else _all_moments(domain, events)
    actions = [str(event["name"]) for event in tracker.applied if event.get("event") == "action"]
    unforeseen = _unforeseen(tracker.applied)
    for number, action in enumerate(actions):
        if number != unforeseen:
            yield tuple(moments[: number + 1]), action


def _all_moments(domain: Domain, events: Sequence[Event]) -> list[Moment]:
    fold = Fold(domain, None)
    moments: list[Moment] = []
    for event in events:
        if event.get("event") == "action":
            moments.append(fold.moment())
        fold.take(event)
    return moments


def _unforeseen(events: Sequence[Event]) -> int | None:
    """Which action, by number, nothing leads to: the first, where no message comes before it."""
    kinds = [event.get("event") for event in events if event.get("event") in ("user", "action")]
    first = next((i for i, e in enumerate(events) if e.get("event") == "action"), None)
    if not kinds or first is None or kinds[0] != "action":
        return None
    listens_for_a_message = events[first].get("name") == LISTEN and kinds[1:2] == ["user"]
    return None if listens_for_a_message else 0


def _since_anything(moments: Sequence[Moment]) -> tuple[Moment, ...]:
    """The moments of a rule that matter: those behind its beginning."""
    for back in range(len(moments) - 1, -1, -1):
        if moments[back].previous == ANYTHING_BEFORE:
            return tuple(moments[back + 1 :])
    return tuple(moments)


def key_of(moments: Sequence[Moment]) -> str:
    return json.dumps([moment.key() for moment in moments], sort_keys=True)


def _steps(name: str, domain: Domain, events: Sequence[Event]) -> Iterator[Step]:
    for moments, action in examples(domain, events, as_rule=True):
        wanted = _since_anything(moments)
        if wanted and action != ANYTHING_BEFORE:
            yield Step(name, wanted, action, key_of(wanted))


def _interruptions(
    domain: Domain, events: Sequence[Event], told: dict[str, tuple[tuple[Moment, ...], bool]], *, as_rule: bool
) -> None:
    for moments, action in examples(domain, events, as_rule=as_rule):
        last = moments[-1]
        if last.loop in (None, NOT_SET):
            continue
        pair = [last]
        if len(moments) > 1 and moments[-2].previous:
            pair = [Moment(previous=moments[-2].previous), last]
        wanted = _since_anything(pair)
        if not wanted:
            continue
        if last.previous == LISTEN and action == last.loop:
            told[key_of(wanted)] = (wanted, True)
        elif last.previous != LISTEN and action != last.loop:
            told[key_of(wanted)] = (wanted, False)


def unheard_intents(domain: Domain, rules: Rules) -> list[str]:
    """Intents no rule and no form listens to: their messages fall back."""
    heard = {intent for rule in rules.rules for intent in rule.intents}
    mapped = {name for slot in domain.slots.values() for mapping in slot.mappings for name in mapping.intents}
    return sorted(set(domain.intents) - heard - mapped - {"restart", "back", "session_start"})
