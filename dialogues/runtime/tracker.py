"""The tracker: a conversation as a fold over its events."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dialogues.runtime.domain import Domain
from dialogues.runtime.model import DialogueState, Event
from dialogues.runtime.slots import REQUESTED_SLOT, Feature, LoopNow

LISTEN = "action_listen"

#: How many messages of the person stay as events; what is older lives on in slots and loop only.
KEPT_MESSAGES = 3


@dataclass(frozen=True, slots=True)
class Moment:
    """What rules see where an action is about to be chosen."""

    previous: str | None
    intent: str | None
    entities: tuple[str, ...]
    slots: Mapping[str, Feature]
    loop: str | None

    @property
    def empty(self) -> bool:
        return self.previous is None and self.intent is None and not self.slots and self.loop is None


class Tracker:
    """Where a conversation stands after its events.

    `watched` are the slots whose values rules compare; the others are not looked at when a moment is taken.
    """

    def __init__(self, domain: Domain, events: Iterable[Event] = (), *, watched: frozenset[str] = frozenset()) -> None:
        self._domain = domain
        self._watched = tuple(slot for name in sorted(watched) if (slot := domain.slots.get(name)))
        self.events: list[Event] = []  # those that still count: nothing undone, nothing before the session
        self._clear()
        for event in events:
            self.apply(event)

    def _clear(self) -> None:
        self.slots: dict[str, Any] = {slot.name: copy.copy(slot.initial_value) for slot in self._domain.slots.values()}
        self.slots[REQUESTED_SLOT] = None
        self.latest_message: dict[str, Any] = {}
        self.latest_action: str | None = None
        self.loop: dict[str, Any] = {}
        self.paused = False
        self.followup: str | None = None
        self.moments: list[Moment] = []

    @property
    def loop_name(self) -> str | None:
        return self.loop.get("name")

    @property
    def loop_rejected(self) -> bool:
        return bool(self.loop.get("rejected"))

    @property
    def intent(self) -> str | None:
        return (self.latest_message.get("intent") or {}).get("name")

    def loop_now(self) -> LoopNow:
        form = self._domain.forms.get(self.loop_name or "")
        return LoopNow(form, self.slots.get(REQUESTED_SLOT), self.loop_rejected)

    def now(self) -> Moment:
        """What rules see at this point."""
        slots: dict[str, Feature] = {}
        for slot in self._watched:
            feature = slot.feature(self.slots.get(slot.name))
            if feature is not None and any(feature):
                slots[slot.name] = feature
        if self.slots.get(REQUESTED_SLOT) is not None:
            slots[REQUESTED_SLOT] = (1.0,)
        name = self.intent
        entities = [entity["entity"] for entity in self.latest_message.get("entities", ())]
        known = self._domain.intents.get(name or "")
        return Moment(self.latest_action, name, known.seen(entities) if known else (), slots, self.loop_name)

    def apply(self, event: Event) -> None:
        """Take one event in. Kinds that change nothing here (`bot`, `reminder`) are only remembered."""
        kind = event.get("event")
        if kind == "rewind":
            self._undo_to("user")
        elif kind == "undo":
            self._undo_to("action")
        elif kind in ("restart", "session_started"):
            self.events.clear()
            self._clear()
            if kind == "restart":
                self.followup = "action_session_start"
        else:
            self.events.append(event)
            fold = _FOLDS.get(str(kind))
            if fold is not None:
                fold(self, event)

    def _undo_to(self, kind: str) -> None:
        """Forget everything since the last event of a kind, and that event. Nothing, where there is none."""
        place = next((i for i in range(len(self.events) - 1, -1, -1) if self.events[i].get("event") == kind), None)
        if place is None:
            return
        kept = self.events[:place]
        self.events = []
        self._clear()
        for event in kept:
            self.apply(event)

    def to_state(self) -> DialogueState:
        """The state to keep: recent events, and before them what older ones left behind."""
        users = [i for i, event in enumerate(self.events) if event.get("event") == "user"]
        recent = self.events if len(users) <= KEPT_MESSAGES else self._shortened(users[-KEPT_MESSAGES])
        kept = tuple(event for event in recent if event.get("event") != "bot")
        slots = {name: value for name, value in self.slots.items() if value is not None}
        return DialogueState(slots=slots, active_loop=dict(self.loop), events=kept)

    def _shortened(self, cut: int) -> list[Event]:
        before = Tracker(self._domain, self.events[:cut])
        prefix: list[Event] = [{"event": "action", "name": "action_session_start"}]
        for name, value in before.slots.items():
            initial = self._domain.slots[name].initial_value if name in self._domain.slots else None
            if value != initial:
                prefix.append({"event": "slot", "name": name, "value": value})
        if before.loop_name:
            prefix.append({"event": "active_loop", "name": before.loop_name})
        prefix.append({"event": "action", "name": LISTEN})
        if before.loop_rejected:
            prefix.append({"event": "action_execution_rejected", "name": before.loop_name})
        if before.paused:
            prefix.append({"event": "pause"})
        return prefix + self.events[cut:]

    def copy(self) -> Tracker:
        twin = copy.copy(self)
        twin.events = list(self.events)
        twin.slots = dict(self.slots)
        twin.loop = dict(self.loop)
        twin.moments = list(self.moments)
        return twin


def _user(tracker: Tracker, event: Event) -> None:
    tracker.latest_message = event.get("parse_data") or {}
    tracker.followup = None


def _action(tracker: Tracker, event: Event) -> None:
    tracker.moments.append(tracker.now())
    tracker.latest_action = event.get("name")
    tracker.followup = None
    if tracker.loop:
        tracker.loop = {**tracker.loop, "is_interrupted": False}
        if event.get("name") == tracker.loop_name:
            tracker.loop["rejected"] = False


def _slot(tracker: Tracker, event: Event) -> None:
    name = event.get("name")
    if isinstance(name, str) and name in tracker.slots:  # a slot nobody declared is not remembered
        tracker.slots[name] = event.get("value")


def _reset_slots(tracker: Tracker, _event: Event) -> None:
    for slot in tracker._domain.slots.values():
        tracker.slots[slot.name] = copy.copy(slot.initial_value)
    tracker.slots[REQUESTED_SLOT] = None


def _active_loop(tracker: Tracker, event: Event) -> None:
    name = event.get("name")
    tracker.loop = {"name": name, "is_interrupted": False, "rejected": False} if name else {}


def _interrupted(tracker: Tracker, event: Event) -> None:
    if tracker.loop:
        tracker.loop = {**tracker.loop, "is_interrupted": bool(event.get("is_interrupted", True))}


def _rejected(tracker: Tracker, event: Event) -> None:
    if tracker.loop_name == event.get("name") and tracker.loop:
        tracker.loop = {**tracker.loop, "rejected": True}


def _followup(tracker: Tracker, event: Event) -> None:
    tracker.followup = event.get("name")


def _pause(tracker: Tracker, _event: Event) -> None:
    tracker.paused = True


def _resume(tracker: Tracker, _event: Event) -> None:
    tracker.paused = False


_FOLDS = {
    "user": _user,
    "action": _action,
    "slot": _slot,
    "reset_slots": _reset_slots,
    "active_loop": _active_loop,
    "loop_interrupted": _interrupted,
    "action_execution_rejected": _rejected,
    "followup": _followup,
    "pause": _pause,
    "resume": _resume,
}
