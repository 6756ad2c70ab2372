"""Rules: what is done next, given what just happened.

A rule becomes steps `(moments seen so far -> action)`, exactly as Rasa's RulePolicy compiles it. A step fits when
each of its moments fits the conversation's latest ones; of several fitting steps the most specific is taken.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from dialogues.runtime.domain import NOT_PLAYED, Domain
from dialogues.runtime.files import Block, Problem
from dialogues.runtime.slots import REQUESTED_SLOT, Feature
from dialogues.runtime.tracker import LISTEN, Moment

NOT_SET = "should_not_be_set"


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a rule wants of one moment. None: it does not say. Empty and `at_start`: the very beginning."""

    previous: str | None = None
    intent: str | None = None
    entities: tuple[str, ...] | None = None
    slots: tuple[tuple[str, Feature | None], ...] = ()  # a feature of None: must not be set
    loop: str | None = None  # NOT_SET: no loop may be active
    at_start: bool = False

    def fits(self, moment: Moment) -> bool:
        if self.at_start:
            return moment.empty
        if self.previous is not None and moment.previous != self.previous:
            return False
        if self.intent is not None and moment.intent != self.intent:
            return False
        if self.entities is not None and moment.entities != self.entities:
            return False
        if self.loop is not None and moment.loop != (None if self.loop == NOT_SET else self.loop):
            return False
        return all(moment.slots.get(name) == feature for name, feature in self.slots)

    def key(self) -> dict[str, Any]:
        user: dict[str, Any] = {}
        if self.intent is not None:
            user["intent"] = self.intent
        if self.entities is not None:
            user["entities"] = list(self.entities)
        return {
            **({"prev_action": {"action_name": self.previous}} if self.previous else {}),
            **({"user": user} if user else {}),
            **({"slots": {name: feature or NOT_SET for name, feature in self.slots}} if self.slots else {}),
            **({"active_loop": {"name": self.loop}} if self.loop else {}),
        }


@dataclass(frozen=True, slots=True)
class Step:
    """One consequence: after these moments, this action."""

    rule: str
    patterns: tuple[Pattern, ...]
    action: str
    key: str

    @property
    def inside_a_loop(self) -> bool:
        return self.patterns[-1].loop not in (None, NOT_SET)

    def fits(self, moments: Sequence[Moment], now: Moment) -> bool:
        if not self.patterns[-1].fits(now):
            return False
        for back, pattern in enumerate(reversed(self.patterns[:-1]), start=1):
            if back > len(moments) or not pattern.fits(moments[-back]):
                return False
        return True


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as written. Its name is a sentence one can disagree with."""

    name: str
    file: str
    line: int
    steps: tuple[Step, ...]
    intents: frozenset[str] = frozenset()


@dataclass(slots=True)
class Rules:
    """All rules of a project, ready to be asked."""

    rules: tuple[Rule, ...]
    watched: frozenset[str] = frozenset()  # the slots any rule compares
    _steps: dict[tuple[str | None, str | None], list[Step]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for rule in self.rules:
            for step in rule.steps:
                last = step.patterns[-1]
                self._steps[(last.previous, last.intent)].append(step)
        self.watched = frozenset(
            name for rule in self.rules for step in rule.steps for pattern in step.patterns for name, _ in pattern.slots
        )

    def next(self, moments: Sequence[Moment], now: Moment) -> Step | None:
        """The most specific step that fits."""
        found = [
            step
            for place in ((now.previous, now.intent), (now.previous, None))
            for step in self._steps.get(place, ())
            if step.fits(moments, now)
        ]
        return max(found, key=lambda step: (len(step.key), step.key), default=None)


class RulesReader:
    """Reads rule files against a domain, and gathers every problem."""

    def __init__(self, domain: Domain) -> None:
        self.problems: list[Problem] = []
        self._domain = domain
        self._rules: list[Rule] = []

    def add(self, block: Block) -> None:
        """Take in the rules of one file."""
        rules = block.get("rules")
        if not isinstance(rules, list):
            self.problems.append(Problem(block.file, block.line_of("rules"), "`rules` must be a list"))
            return
        for item in rules:
            if not isinstance(item, Block) or not isinstance(item.get("rule"), str):
                line = item.line if isinstance(item, Block) else block.line_of("rules")
                self.problems.append(Problem(block.file, line, "a rule needs a name: `- rule: what it makes sure of`"))
                continue
            self._rule(item)

    def finish(self) -> Rules:
        self._contradictions()
        return Rules(tuple(self._rules))

    def _problem(self, block: Block, key: str, text: str) -> None:
        self.problems.append(Problem(block.file, block.line_of(key), text))

    def _rule(self, item: Block) -> None:
        name = str(item["rule"])
        for key in item:
            if key not in {"rule", "condition", "steps", "wait_for_user_input", "conversation_start", "metadata"}:
                self._problem(item, key, f"rule “{name}”: `{key}` is not part of a rule")
        if any(rule.name == name for rule in self._rules):
            self._problem(item, "rule", f"two rules are called “{name}”")
        raw = item.get("steps")
        if not isinstance(raw, list) or not raw or not all(isinstance(step, Block) for step in raw):
            self._problem(item, "steps", f"rule “{name}” has no steps")
            return
        users = sum("intent" in step or "or" in step for step in raw)
        if users > 1:
            self._problem(item, "steps", f"rule “{name}” has {users} messages of the person; a rule may have one")
            return
        intents: set[str] = set()
        steps: list[Step] = []
        alternatives = [step.get("or", [step]) for step in raw]
        for path in product(*alternatives):
            made = _Path(self, name, item)
            made.walk(list(path))
            steps.extend(made.steps)
            intents |= made.intents
        self._rules.append(Rule(name, item.file, item.line, tuple(steps), frozenset(intents)))

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


class _Path:
    """One way through a rule, walked step by step."""

    def __init__(self, reader: RulesReader, name: str, rule: Block) -> None:
        self._reader = reader
        self._domain = reader._domain
        self._name = name
        self._rule = rule
        self.steps: list[Step] = []
        self.intents: set[str] = set()
        self._patterns: list[Pattern] = []
        self._previous: str | None = None
        self._intent: str | None = None
        self._entities: tuple[str, ...] | None = None
        self._slots: dict[str, Feature | None] = {}
        self._loop: str | None = None
        if rule.get("conversation_start"):
            self._patterns.append(Pattern(at_start=True))

    def walk(self, steps: list[Block]) -> None:
        for condition in self._rule.get("condition") or ():
            if isinstance(condition, Block):
                self._circumstance(condition)
        for step in steps:
            self._step(step)
        if self._rule.get("wait_for_user_input", True):
            self._then(LISTEN)

    def _step(self, step: Block) -> None:
        if "intent" in step:
            self._user(step)
        elif "action" in step:
            self._action(step)
        elif "slot_was_set" in step or "active_loop" in step:
            self._circumstance(step)
        else:
            key = next(iter(step), "steps")
            self._reader._problem(step, key, f"rule “{self._name}”: `{key}` is not played here")

    def _user(self, step: Block) -> None:
        intent = str(step["intent"])
        self.intents.add(intent)
        if intent.split("/")[0] not in self._domain.intents:
            self._reader._problem(step, "intent", f"rule “{self._name}” waits for `{intent}`, which is no intent")
        self._previous = LISTEN
        self._intent = intent
        named = step.get("entities")
        if named is not None:
            names = {next(iter(item)) if isinstance(item, dict) else str(item) for item in named}
            for entity in sorted(names - self._domain.entities):
                self._reader._problem(step, "entities", f"rule “{self._name}” names `{entity}`, which is no entity")
            self._entities = tuple(sorted(names))

    def _action(self, step: Block) -> None:
        action = str(step["action"])
        if action in NOT_PLAYED:
            self._reader._problem(step, "action", f"rule “{self._name}”: `{action}` is not played here")
        elif not self._domain.knows_action(action):
            self._reader._problem(step, "action", f"rule “{self._name}” calls `{action}`, which is not in the domain")
        if self._previous is not None:
            self._then(action)
        self._previous = action

    def _then(self, action: str) -> None:
        pattern = Pattern(
            previous=self._previous,
            intent=self._intent,
            entities=self._entities,
            slots=tuple(sorted(self._slots.items())),
            loop=self._loop,
        )
        self._patterns.append(pattern)
        keys = [pattern.key() for pattern in self._patterns]
        key = json.dumps(keys, sort_keys=True).replace('"', "")
        self.steps.append(Step(self._name, tuple(self._patterns), action, key))

    def _circumstance(self, block: Block) -> None:
        if "active_loop" in block:
            loop = block["active_loop"]
            if loop is not None and loop not in self._domain.forms:
                self._reader._problem(block, "active_loop", f"rule “{self._name}” names `{loop}`, which is no form")
            self._loop = NOT_SET if loop is None else str(loop)
        for item in block.get("slot_was_set") or ():
            if not isinstance(item, Block):
                self._slot(block, str(item), True)
                continue
            for name, value in item.items():
                self._slot(item, name, value)

    def _slot(self, block: Block, name: str, value: Any) -> None:
        if name == REQUESTED_SLOT:
            self._slots[name] = None if value is None else (1.0,)
            return
        slot = self._domain.slots.get(name)
        if slot is None:
            self._reader._problem(block, name, f"rule “{self._name}” looks at `{name}`, which is no slot")
            return
        if not slot.influences or slot.type == "any":
            self._reader._problem(block, name, f"rule “{self._name}” looks at `{name}`, which does not influence")
            return
        if value is None:
            self._slots[name] = None
            return
        feature = slot.feature(value)
        if feature is None:
            self._reader._problem(block, name, f"rule “{self._name}”: `{name}` can never hold {value!r}")
            return
        self._slots[name] = feature


def unheard_intents(domain: Domain, rules: Rules) -> list[str]:
    """Intents no rule and no form listens to: their messages fall back."""
    heard = {intent.split("/")[0] for rule in rules.rules for intent in rule.intents}
    mapped = {name for slot in domain.slots.values() for mapping in slot.mappings for name in mapping.intents}
    return sorted(set(domain.intents) - heard - mapped - {"restart", "back", "session_start"})
