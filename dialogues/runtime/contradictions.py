"""Rules and stories that contradict each other, as Rasa finds them when it learns: it would refuse to.

Each is played as if it were a conversation. Where the rules choose another action than the one that is written, whoever
wrote the two rules meant something else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from dialogues.runtime.files import Problem
from dialogues.runtime.model import Event
from dialogues.runtime.project import Project
from dialogues.runtime.rules import Rules
from dialogues.runtime.tracker import ANYTHING_BEFORE, LISTEN, NOT_SET, Moment, Tracker


class _Written(Struct, frozen=True):
    """One way through a rule or a story."""

    what: str
    name: str
    file: str
    line: int
    events: tuple[Event, ...]

    @property
    def is_rule(self) -> bool:
        return self.what == "rule"


#: Instead of the key of a rule's step.
_BY_THE_LOOP = ""


class _Chosen(Struct, frozen=True):
    """What the rules choose where something is written. `key` says which of their steps does."""

    written: str
    action: str
    key: str


def contradictions(project: Project) -> Iterator[Problem]:
    """Every rule and story that does not go as it is written, because of another rule."""
    rules = [_Written("rule", r.name, r.file, r.line, way) for r in project.rules.rules for way in r.events]
    stories = [_Written("story", s.name, s.file, s.line, s.events) for s in project.stories]
    chosen = [(one, list(_played(project, one))) for one in (*rules, *stories)]
    sources: dict[str, list[tuple[_Written, str]]] = defaultdict(list)
    for one, choices in chosen:
        for choice in choices if one.is_rule else ():
            if choice.key != _BY_THE_LOOP:
                sources[choice.key].append((one, choice.written))
    for one, choices in chosen:
        for choice in choices:
            if choice.action == choice.written or (not one.is_rule and _gives_way(project.rules, choice)):
                continue
            others = [other for other, written in sources[choice.key] if written != choice.written]
            if choice.key == _BY_THE_LOOP or others:
                yield Problem(one.file, one.line, _said(one, choice, others), fatal=False)


def _said(one: _Written, choice: _Chosen, others: list[_Written]) -> str:
    says = f"{one.what} “{one.name}” says {choice.written}"
    if not others:
        return (
            f"{says} where its form has just run and waits for an answer. Rasa would refuse it: say it before the form"
        )
    return (
        f"{says} where rule “{others[0].name}” ({others[0].file}:{others[0].line}) says {choice.action}. Rasa would "
        "refuse it: give one of them a condition that the other excludes"
    )


def _played(project: Project, one: _Written) -> Iterator[_Chosen]:
    """What the rules choose before each action that follows from something."""
    running = Tracker(project.domain, as_rule=one.is_rule)
    follows = False
    for event in Tracker(project.domain, one.events, as_rule=one.is_rule).applied:
        if event.get("event") == "action":
            action = str(event["name"])
            if follows and action != ANYTHING_BEFORE and (chosen := _choice(project.rules, running, action)):
                yield chosen
            follows = action != ANYTHING_BEFORE  # nothing leads to what comes right after it
        running.apply(event)


def _choice(rules: Rules, tracker: Tracker, written: str) -> _Chosen | None:
    """What the rules choose now. A loop that is not written here is taken to have refused the message."""
    loop = tracker.loop_name
    if loop is not None and not tracker.loop_rejected:
        if tracker.latest_action == loop:
            return _Chosen(written, LISTEN, _BY_THE_LOOP)
        if written == loop:
            return None
        tracker.apply({"event": "action_execution_rejected", "name": loop})
    before, now = tracker.moments()
    seen, now = [_with_no_loop(moment) for moment in before], _with_no_loop(now)
    step = rules.next(seen, now)
    if step is None:
        return None
    if loop is not None and step.action == LISTEN and not step.inside_a_loop:
        return None if rules.unhappy_path(seen, now).stay_away else _Chosen(written, loop, step.key)
    return _Chosen(written, step.action, step.key)


def _with_no_loop(moment: Moment) -> Moment:
    """In a rule that is played, a loop that must not be active is none."""
    return replace(moment, loop=None) if moment.loop == NOT_SET else moment


def _gives_way(rules: Rules, choice: _Chosen) -> bool:
    """Whether Rasa forgets the step instead: one that only ends what a rule begins with, where a story goes on."""
    beginning = choice.key[:-2]
    if choice.action != LISTEN or choice.key.count("prev_action") > 1:
        return False
    return any(step.key.startswith(beginning) and step.key != choice.key for step in rules.all_steps())
