"""Which action is next: default actions, the active loop, rules, stories, and the fallback, in Rasa's order."""

from __future__ import annotations

from msgspec import Struct, field

from dialogues.runtime.domain import Domain
from dialogues.runtime.rules import Rules
from dialogues.runtime.stories import Memory
from dialogues.runtime.tracker import LISTEN, SESSION_START, Tracker

FALLBACK = "action_default_fallback"
DEFAULT_INTENTS = {"restart": "action_restart", "back": "action_back", "session_start": SESSION_START}


class PolicySettings(Struct, frozen=True):
    """What `config.yml` says under `policies`."""

    rules: bool = True
    fallback: str = FALLBACK
    falls_back: bool = True
    memoizes: bool = True
    augmented: bool = False
    max_history: int | None = None


class Prediction(Struct, frozen=True):
    """An action, and what the tracker must know of why it was chosen."""

    action: str | None
    interrupted: bool = False  # the loop comes back from another question: the message was no answer
    hidden: bool = False  # stories know nothing of this turn


NOTHING = Prediction(None)


class Policy(Struct, frozen=True):
    """The policies of a project."""

    domain: Domain
    rules: Rules
    memory: Memory | None = None
    settings: PolicySettings = field(default_factory=PolicySettings)

    def next(self, tracker: Tracker, *, dead_end_reverts: bool = True) -> tuple[str, Prediction]:
        """The next action. One that was just refused is not chosen again; then it is the others' turn."""
        if not self.settings.rules:
            action = self.memory.recall(tracker) if self.memory else None
            return action or LISTEN, NOTHING
        loop = self._loop(tracker)
        if loop.action is not None:
            return loop.action, loop
        refused = _refused(tracker)
        ruled = self._rule(tracker)
        if ruled.action is not None and ruled.action != refused:
            return ruled.action, ruled
        if self.memory is not None and (action := self.memory.recall(tracker)) not in (None, refused):
            return str(action), Prediction(action, ruled.interrupted)
        dead_end = tracker.latest_action != LISTEN and not dead_end_reverts
        if not self.settings.falls_back or self.settings.fallback == refused or dead_end:
            return LISTEN, NOTHING
        return self.settings.fallback, ruled

    def _loop(self, tracker: Tracker) -> Prediction:
        """The loop goes on, and listens after it has run. Only the default intents come before it."""
        if _default_action(tracker) is not None or tracker.loop_name is None or tracker.loop_rejected:
            return NOTHING
        hidden = self.memory is not None and tracker.loop_name not in self.memory.loops
        if tracker.latest_action == tracker.loop_name:
            return Prediction(LISTEN, hidden=hidden)
        return Prediction(tracker.loop_name, hidden=hidden) if tracker.latest_action else NOTHING

    def _rule(self, tracker: Tracker) -> Prediction:
        default = _default_action(tracker)
        if default is not None:
            return Prediction(default, hidden=True)
        before, now = tracker.moments()
        step = self.rules.next(before, now)
        hidden = step is not None and self.memory is not None and step.key not in self.memory.rules_in_stories
        action = step.action if step else None
        loop = tracker.loop_name
        if loop is None:
            return Prediction(action, hidden=hidden)
        path = self.rules.unhappy_path(before, now)
        if step is not None and action == LISTEN and not step.inside_a_loop:
            if not path.stay_away:
                return Prediction(loop, hidden=hidden)  # the question was answered; the form asks again
            action = None
        return Prediction(action, interrupted=path.interrupted, hidden=hidden)


def _default_action(tracker: Tracker) -> str | None:
    return DEFAULT_INTENTS.get(tracker.intent or "") if tracker.latest_action == LISTEN else None


def _refused(tracker: Tracker) -> str | None:
    """The action that refused to run, if nothing has run since."""
    for event in reversed(tracker.events):
        if event.get("event") in ("action", "action_execution_rejected"):
            return event.get("name") if event.get("event") == "action_execution_rejected" else None
    return None
