"""Which action is next: default actions, the active loop, rules, stories, and the fallback, in Rasa's order."""

from __future__ import annotations

from msgspec import Struct, field
from msgspec.structs import replace

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
    threshold: float = 0.3  # how sure the fallback is said to be
    memoizes: bool = True
    augmented: bool = False
    max_history: int | None = None


class Prediction(Struct, frozen=True):
    """An action, and what the tracker must know of why it was chosen."""

    action: str | None
    policy: str | None = None  # which policy chose it, by Rasa's name
    confidence: float = 0.0
    interrupted: bool = False  # the loop comes back from another question: the message was no answer
    hidden: bool = False  # stories know nothing of this turn


NOTHING = Prediction(None)
RULES, FOLLOWUP = "RulePolicy", "followup_action"


class Policy(Struct, frozen=True):
    """The policies of a project."""

    domain: Domain
    rules: Rules
    memory: Memory | None = None
    settings: PolicySettings = field(default_factory=PolicySettings)

    def next(self, tracker: Tracker, *, dead_end_reverts: bool = True) -> tuple[str, Prediction]:
        """The next action, and why. One that was just refused is not chosen again; then it is the others' turn."""
        why = self._chosen(tracker, dead_end_reverts)
        return why.action or LISTEN, why

    def _chosen(self, tracker: Tracker, dead_end_reverts: bool) -> Prediction:
        if not self.settings.rules:
            return self._remembered(tracker, NOTHING)
        loop = self._loop(tracker)
        if loop.action is not None:
            return loop
        refused = _refused(tracker)
        ruled = self._rule(tracker)
        if ruled.action is not None and ruled.action != refused:
            return ruled
        remembered = self._remembered(tracker, ruled)
        if remembered.action not in (None, refused):
            return remembered
        dead_end = tracker.latest_action != LISTEN and not dead_end_reverts
        if not self.settings.falls_back or self.settings.fallback == refused or dead_end:
            return NOTHING
        return replace(ruled, action=self.settings.fallback, policy=RULES, confidence=self.settings.threshold)

    def _remembered(self, tracker: Tracker, ruled: Prediction) -> Prediction:
        """What the stories say comes next, by heart."""
        action = self.memory.recall(tracker) if self.memory else None
        if action is None:
            return NOTHING
        name = "AugmentedMemoizationPolicy" if self.settings.augmented else "MemoizationPolicy"
        return Prediction(action, name, 1.0, interrupted=ruled.interrupted)

    def _loop(self, tracker: Tracker) -> Prediction:
        """The loop goes on, and listens after it has run. Only the default intents come before it."""
        if _default_action(tracker) is not None or tracker.loop_name is None or tracker.loop_rejected:
            return NOTHING
        hidden = self.memory is not None and tracker.loop_name not in self.memory.loops
        if tracker.latest_action == tracker.loop_name:
            return _ruled(LISTEN, hidden=hidden)
        return _ruled(tracker.loop_name, hidden=hidden) if tracker.latest_action else NOTHING

    def _rule(self, tracker: Tracker) -> Prediction:
        default = _default_action(tracker)
        if default is not None:
            return _ruled(default, hidden=True)
        before, now = tracker.moments()
        step = self.rules.next(before, now)
        hidden = step is not None and self.memory is not None and step.key not in self.memory.rules_in_stories
        action = step.action if step else None
        loop = tracker.loop_name
        if loop is None:
            return _ruled(action, hidden=hidden)
        path = self.rules.unhappy_path(before, now)
        if step is not None and action == LISTEN and not step.inside_a_loop:
            if not path.stay_away:
                return _ruled(loop, hidden=hidden)  # the question was answered; the form asks again
            action = None
        return _ruled(action, interrupted=path.interrupted, hidden=hidden)


def _ruled(action: str | None, *, interrupted: bool = False, hidden: bool = False) -> Prediction:
    return Prediction(action, RULES, 1.0, interrupted, hidden)


def _default_action(tracker: Tracker) -> str | None:
    return DEFAULT_INTENTS.get(tracker.intent or "") if tracker.latest_action == LISTEN else None


def _refused(tracker: Tracker) -> str | None:
    """The action that refused to run, if nothing has run since."""
    for event in reversed(tracker.events):
        if event.get("event") in ("action", "action_execution_rejected"):
            return event.get("name") if event.get("event") == "action_execution_rejected" else None
    return None
