"""The tracker: a conversation as a fold over its events.

Two folds, as in Rasa. The live one takes every event as it comes: it is what actions and slots see. Rules and stories
see the moments of the other, folded from the events that still count: an undone message is not among them, nor are the
answers that a form took without trouble.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from dialogues.runtime.domain import Domain
from dialogues.runtime.model import DialogueState, Event
from dialogues.runtime.slots import REQUESTED_SLOT, Feature, LoopNow, as_kept

LISTEN = "action_listen"
SESSION_START = "action_session_start"
SESSION_METADATA = "session_started_metadata"
#: Written into rules where a slot or loop must be empty.
NOT_SET = "should_not_be_set"
#: A rule begins behind this action: whatever came before does not matter.
ANYTHING_BEFORE = "..."

#: How many messages of the person stay as events; what is older lives on in slots and loop only.
KEPT_MESSAGES = 3


class Moment(Struct, frozen=True):
    """What rules see where an action is about to be chosen, and what a rule wants to see there.

    In a rule, a slot without features and the loop NOT_SET are those that must be empty.
    """

    previous: str | None = None
    intent: str | None = None
    entities: tuple[str, ...] = ()
    slots: Mapping[str, Feature | None] = field(default_factory=dict)
    loop: str | None = None

    def fits(self, moment: Moment) -> bool:
        """Whether a conversation at `moment` is what this rule wants. Where a rule says nothing, anything fits."""
        if self.previous is None or moment.previous is None:
            return self.previous is None and moment.previous is None  # the beginning of the conversation
        if self.previous != moment.previous:
            return False
        if self.intent is not None and self.intent != moment.intent:
            return False
        if self.entities and self.entities != moment.entities:
            return False
        if self.loop is not None and (None if self.loop == NOT_SET else self.loop) != moment.loop:
            return False
        return all(moment.slots.get(name) == feature for name, feature in self.slots.items())

    def key(self) -> dict[str, Any]:
        """As Rasa writes it in its model. The length of the written key says how specific a rule is."""
        user: dict[str, Any] = {}
        if self.intent is not None:
            user["intent"] = self.intent
        if self.entities:
            user["entities"] = list(self.entities)
        slots = {name: NOT_SET if feature is None else list(feature) for name, feature in self.slots.items()}
        return {
            **({"prev_action": {"action_name": self.previous}} if self.previous else {}),
            **({"user": user} if user else {}),
            **({"slots": slots} if slots else {}),
            **({"active_loop": {"name": self.loop}} if self.loop else {}),
        }


#: How many of the latest events an action may change to their depths without harm; older ones only on the surface.
EVENTS_COPIED_DEEP = 40
#: How many actions back the moments can be folded anew without beginning from the first event.
STOPS = 40


class Fold:
    """What events add up to."""

    def __init__(self, domain: Domain, watched: Sequence[str] | None, *, as_rule: bool = False) -> None:
        self.domain = domain
        self._watched = (
            tuple(domain.slots) if watched is None else tuple(name for name in watched if name in domain.slots)
        )
        self._as_rule = as_rule
        self.reset()

    def reset(self) -> None:
        self.reset_slots()
        self.latest_message: dict[str, Any] = {}
        self.latest_action: str | None = None
        self.loop: dict[str, Any] = {}
        self.paused = False
        self.followup: str | None = LISTEN

    def reset_slots(self) -> None:
        self.slots: dict[str, Any] = self.domain.empty_slots()
        if self.domain.forms:
            self.slots.setdefault(REQUESTED_SLOT, None)
        self.slots.setdefault(SESSION_METADATA, None)
        self._said: set[str] = set()  # the slots an event has set; a rule speaks of no others

    def twin(self) -> Fold:
        """The same, to be changed without changing this one."""
        twin = copy.copy(self)
        twin.slots = dict(self.slots)
        twin._said = set(self._said)
        return twin

    def take(self, event: Event) -> None:
        change = _CHANGES.get(str(event.get("event")))
        if change is not None:
            change(self, event)

    @property
    def loop_name(self) -> str | None:
        name = self.loop.get("name")
        return None if name == NOT_SET else name

    @property
    def intent(self) -> str | None:
        return (self.latest_message.get("intent") or {}).get("name")

    def set_slot(self, name: str, value: Any) -> None:
        """A slot nobody declared is not remembered."""
        if name in self.slots:
            if value is not None and (slot := self.domain.slots.get(name)) is not None:
                value = as_kept(slot, value)
            self.slots[name] = value
            self._said.add(name)

    def moment(self) -> Moment:
        """What rules see at this point."""
        slots: dict[str, Feature | None] = {}
        for name in self._watched:
            if self._as_rule and name not in self._said:
                continue
            slot = self.domain.slots[name]
            if not slot.influences:
                continue
            value = self.slots[name]
            if value == NOT_SET:
                slots[name] = None
            elif (feature := slot.feature(value)) is not None:
                slots[name] = feature
        intent = self.intent
        known = self.domain.intents.get(intent or "")
        names = entity_names(self.latest_message.get("entities") or ())
        seen = known.seen(names, self.domain) if known else tuple(sorted(names))
        return Moment(self.latest_action, intent, seen, slots, self.loop.get("name"))


class _Stop(Struct, frozen=True):
    """Where the fold of the applied events stood before one of them."""

    place: int
    moments: int
    fold: Fold


def entity_names(entities: Iterable[Mapping[str, Any]]) -> set[str]:
    """The names rules see: the entity, and the entity with its role and its group."""
    names: set[str] = set()
    for entity in entities:
        name = str(entity.get("entity"))
        names.add(name)
        names.update(f"{name}#{entity[label]}" for label in ("role", "group") if entity.get(label) is not None)
    return names


class Tracker(Fold):
    """Where a conversation stands after its events.

    `watched` are the slots whose values rules compare (None: all); the others are not looked at when a moment is taken.
    """

    def __init__(
        self,
        domain: Domain,
        events: Iterable[Event] = (),
        *,
        watched: Sequence[str] | None = None,
        as_rule: bool = False,
    ) -> None:
        super().__init__(domain, watched, as_rule=as_rule)
        self.events: list[Event] = []  # everything that happened since the last restart
        self.applied: list[Event] = []  # what of it still counts for rules and stories
        self._session = self._turn_in = 0  # where among the events this session began, and that of the running turn
        self._loops: set[str] = set()
        self._moments: list[Moment] = []
        self._folded = 0  # how many of the applied events the moments know
        self._stops: deque[_Stop] = deque(maxlen=STOPS)
        self._shadow: Fold | None = None  # made when somebody asks for the moments
        self._forget_moments()
        for event in events:
            self.apply(event)

    @property
    def loop_rejected(self) -> bool:
        return bool(self.loop.get("rejected"))

    @property
    def loop_interrupted(self) -> bool:
        return bool(self.loop.get("is_interrupted"))

    def loop_now(self) -> LoopNow:
        name = self.loop_name
        return LoopNow(name, self.domain.forms.get(name or ""), self.slots.get(REQUESTED_SLOT), self.loop_rejected)

    def apply(self, event: Event) -> None:
        """Take one event in. Kinds that change nothing here (`bot`, `reminder`) are only remembered."""
        kind = event.get("event")
        if kind == "restart":
            self.events.clear()
            self._session = self._turn_in = 0
        elif kind == "action" and event.get("name") == SESSION_START:
            self._session = len(self.events)
        self.events.append(event)
        if kind == "slot":  # three of four are
            self.applied.append(event)
            self.set_slot(str(event.get("name")), event.get("value"))
        elif kind in ("restart", "session_started"):
            self.applied.clear()
            self._stops.clear()
            self._forget_moments()
            self.reset()
            if kind == "restart":
                self.followup = SESSION_START
        elif kind in ("rewind", "undo"):
            self._undo("user" if kind == "rewind" else "action")
            if kind == "rewind":
                self._undo("action")  # the listening that came before the message
            self._forget_moments(len(self.applied))
            self.reset()
            for kept in self.applied:
                self.take(kept)
        else:
            if kind == "active_loop" and event.get("name"):
                self._loops.add(str(event["name"]))
            if kind == "action" and event.get("name") in self._loops and not self._counts(str(event["name"])):
                self._forget_moments(self._drop_since_last(str(event["name"])))
            else:
                self.applied.append(event)
            self.take(event)

    def begin_turn(self) -> None:
        """Actions are told of this session only. As in Rasa, a turn that begins one tells of the last one too."""
        self._turn_in = self._session

    def moments(self) -> tuple[list[Moment], Moment]:
        """What rules saw before each action that counts, and what they see now."""
        if self._shadow is None:
            self._shadow = Fold(self.domain, self._watched, as_rule=self._as_rule)
        shadow = self._shadow
        for place in range(self._folded, len(self.applied)):
            event = self.applied[place]
            if event.get("event") == "action":
                self._stops.append(_Stop(place, len(self._moments), shadow.twin()))
                self._moments.append(shadow.moment())
            shadow.take(event)
        self._folded = len(self.applied)
        return self._moments, shadow.moment()

    def _forget_moments(self, since: int = 0) -> None:
        """The applied events have changed from a place on: fold anew from the last stop before it."""
        while self._stops and self._stops[-1].place > since:
            self._stops.pop()
        if self._stops:
            stop = self._stops.pop()
            self._folded, self._shadow = stop.place, stop.fold
            del self._moments[stop.moments :]
        else:
            self._folded, self._moments, self._shadow = 0, [], None

    def _undo(self, kind: str) -> None:
        """Drop everything since the last event of a kind, and that event; everything, where there is none."""
        while self.applied and self.applied.pop().get("event") != kind:
            pass

    def _counts(self, loop: str) -> bool:
        """Whether a run of a loop counts: its first, and the one after something else was said in between."""
        later: str | None = None
        for event in reversed(self.applied):
            kind, name = event.get("event"), event.get("name")
            if kind == "active_loop" and not name:
                return True
            if kind == "action_execution_rejected" and name == loop:
                return True
            if kind == "user" and later is not None and later != loop:
                return True
            if kind == "action":
                if name == loop:
                    return False
                later = str(name)
        return True

    def _drop_since_last(self, loop: str) -> int:
        """Drop the answers a loop took since it ran last. From which place on the events have changed."""
        place = next(i for i in range(len(self.applied) - 1, -1, -1) if _is_run(self.applied[i], loop))
        later = [event for event in self.applied[place + 1 :] if event.get("event") not in ("action", "user")]
        self.applied[place + 1 :] = later
        return place + 1

    def last_applied(self, kind: str) -> Event | None:
        return next((event for event in reversed(self.applied) if event.get("event") == kind), None)

    def copy(self) -> Tracker:
        """A tracker that may be changed without changing this one."""
        twin = copy.copy(self)
        twin.events = list(self.events)
        twin.applied = list(self.applied)
        twin.slots = dict(self.slots)
        twin._said = set(self._said)
        twin.loop = dict(self.loop)
        twin._loops = set(self._loops)
        twin._stops = deque(maxlen=STOPS)
        twin._forget_moments()
        return twin

    def as_told_to_actions(self) -> dict[str, Any]:
        """As rasa-sdk receives it. An action may change it."""
        return self.current_state(since=self._turn_in)

    def current_state(self, *, since: int = 0) -> dict[str, Any]:
        """As Rasa's HTTP API shows it, with the events from a place on. Whoever gets it may change it."""
        told = self.events[since:]
        users = [event for event in self.events if event.get("event") == "user"]
        state: dict[str, Any] = copied(
            {
                "slots": self.slots,
                "latest_message": self.latest_message
                or {"intent": {}, "entities": [], "text": None, "message_id": None, "metadata": {}},
                "latest_event_time": self.events[-1].get("timestamp") if self.events else None,
                "followup_action": self.followup,
                "paused": self.paused,
                "events": told[-EVENTS_COPIED_DEEP:],
                "latest_input_channel": users[-1].get("input_channel") if users else None,
                "active_loop": self.loop,
                "latest_action": {"action_name": self.latest_action} if self.latest_action else {},
                "latest_action_name": self.latest_action,
            }
        )
        state["events"] = [*map(dict, told[:-EVENTS_COPIED_DEEP]), *state["events"]]
        return state

    def to_state(self) -> DialogueState:
        """The state to keep: recent events, and before them what older ones left behind."""
        users = [i for i, event in enumerate(self.applied) if event.get("event") == "user"]
        recent = self.applied if len(users) <= KEPT_MESSAGES else self._shortened(users[-KEPT_MESSAGES])
        kept = tuple(event for event in recent if event.get("event") != "bot")
        slots = {name: value for name, value in self.slots.items() if value is not None}
        return DialogueState(slots=slots, active_loop=dict(self.loop), events=kept)

    def _shortened(self, cut: int) -> list[Event]:
        before = Tracker(self.domain, self.applied[:cut], watched=())
        prefix: list[Event] = [{"event": "action", "name": SESSION_START}]
        for name, value in before.slots.items():
            initial = self.domain.slots[name].initial_value if name in self.domain.slots else None
            if value != initial:
                prefix.append({"event": "slot", "name": name, "value": value})
        if before.loop_name:
            prefix.append({"event": "active_loop", "name": before.loop_name})
            prefix.append({"event": "action", "name": before.loop_name})
        prefix.append({"event": "action", "name": LISTEN})
        if before.loop_rejected:
            prefix.append({"event": "action_execution_rejected", "name": before.loop_name})
        if before.paused:
            prefix.append({"event": "pause"})
        return prefix + self.applied[cut:]


def copied(value: Any) -> Any:
    """A deep copy of what JSON can say, a tenth of the time `copy.deepcopy` needs: that one looks out for circles."""
    kind = type(value)
    if kind is dict:
        return {key: item if type(item) in _UNCHANGING else copied(item) for key, item in value.items()}
    if kind is list:
        return [item if type(item) in _UNCHANGING else copied(item) for item in value]
    return value if kind in _UNCHANGING else copy.deepcopy(value)


_UNCHANGING = frozenset({str, int, float, bool, type(None)})


def _is_run(event: Event, action: str) -> bool:
    return event.get("event") == "action" and event.get("name") == action


def _user(fold: Fold, event: Event) -> None:
    fold.latest_message = event.get("parse_data") or {}
    fold.followup = None


def _action(fold: Fold, event: Event) -> None:
    fold.latest_action = event.get("name") or event.get("action_text")
    fold.followup = None
    if fold.loop:
        ran = event.get("name") == fold.loop_name
        fold.loop = {**fold.loop, "is_interrupted": False, "rejected": fold.loop["rejected"] and not ran}


def _slot(fold: Fold, event: Event) -> None:
    fold.set_slot(str(event.get("name")), event.get("value"))


def _reset_slots(fold: Fold, _event: Event) -> None:
    fold.reset_slots()


def _active_loop(fold: Fold, event: Event) -> None:
    name = event.get("name")
    message = fold.latest_message or None
    fold.loop = {"name": name, "is_interrupted": False, "rejected": False, "trigger_message": message} if name else {}


def _interrupted(fold: Fold, event: Event) -> None:
    if fold.loop:
        fold.loop = {**fold.loop, "is_interrupted": bool(event.get("is_interrupted", True))}


def _rejected(fold: Fold, event: Event) -> None:
    if fold.loop and fold.loop_name == event.get("name"):
        fold.loop = {**fold.loop, "rejected": True}


def _followup(fold: Fold, event: Event) -> None:
    fold.followup = event.get("name")


def _pause(fold: Fold, _event: Event) -> None:
    fold.paused = True


def _resume(fold: Fold, _event: Event) -> None:
    fold.paused = False


_CHANGES: dict[str, Callable[[Fold, Event], None]] = {
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
