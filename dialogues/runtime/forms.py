"""Forms: ask until every required slot is filled, believing only what the validator lets through."""

from __future__ import annotations

from typing import Any, Protocol

from dialogues.runtime.custom_actions import ActionRejected
from dialogues.runtime.domain import Domain
from dialogues.runtime.model import Event, Reply
from dialogues.runtime.project import ask_names
from dialogues.runtime.slots import REQUESTED_SLOT, Form
from dialogues.runtime.tracker import LISTEN, Tracker


class Outcome:
    """What an action led to, before it counts."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.replies: list[Reply] = []

    def say(self, reply: Reply) -> None:
        self.replies.append(reply)
        self.events.append(bot_event(reply))

    def slot(self, name: str, value: Any) -> None:
        self.events.append({"event": "slot", "name": name, "value": value})

    def loop(self, name: str | None) -> None:
        self.events.append({"event": "active_loop", "name": name})

    def take(self, other: Outcome) -> None:
        self.events.extend(other.events)
        self.replies.extend(other.replies)

    @property
    def rejected(self) -> bool:
        return any(event.get("event") == "action_execution_rejected" for event in self.events)

    @property
    def loop_ended(self) -> bool:
        return not self.rejected and any(
            (event.get("event") == "active_loop" and not event.get("name"))
            or (event.get("event") == "slot" and event.get("name") == REQUESTED_SLOT and event.get("value") is None)
            for event in self.events
        )


def bot_event(reply: Reply) -> Event:
    """The reply as Rasa's tracker notes it."""
    buttons = [
        {key: value for key, value in (("title", c.title), ("payload", c.payload), ("url", c.url)) if value}
        for c in reply.choices
    ]
    data = {key: value for key, value in (("buttons", buttons), ("custom", dict(reply.custom))) if value}
    return {
        "event": "bot",
        "text": reply.text or None,
        "data": data,
        "metadata": {"utter_action": reply.response} if reply.response else {},
    }


class Acting(Protocol):
    """What a form needs of the engine."""

    async def perform(self, name: str, tracker: Tracker) -> Outcome:
        """Do a response or a custom action; nothing counts yet."""
        ...

    async def extract_slots(self, tracker: Tracker) -> Outcome:
        """Read slots from the latest message, validated by action_validate_slot_mappings if there is one."""
        ...

    def has_custom(self, name: str) -> bool:
        """Whether a custom action of that name exists."""
        ...


async def run_form(form: Form, tracker: Tracker, domain: Domain, acting: Acting) -> Outcome:
    """One run of a form: activate, validate, ask for the next slot, end. Raises ActionRejected.

    `tracker` is not changed; the outcome's events say what to change.
    """
    outcome = Outcome()
    if tracker.loop_name != form.name:
        outcome.loop(form.name)
        outcome.take(await _activate(form, tracker, acting))
    if not outcome.loop_ended:
        outcome.take(await _ask(form, tracker, domain, acting, outcome))
    if outcome.loop_ended:
        outcome.loop(None)
    return outcome


async def _activate(form: Form, tracker: Tracker, acting: Acting) -> Outcome:
    """Read the message again now that the form is active, and validate what is filled already."""
    inside = tracker.copy()
    inside.apply({"event": "active_loop", "name": form.name})
    outcome = await acting.extract_slots(inside)
    for event in outcome.events:
        inside.apply(event)
    filled = {name: inside.slots[name] for name in form.required_slots if inside.slots.get(name) is not None}
    if filled:
        outcome.take(await _validate(form, filled, inside, acting))
    return outcome


async def _ask(form: Form, tracker: Tracker, domain: Domain, acting: Acting, so_far: Outcome) -> Outcome:
    outcome = Outcome()
    answering = tracker.loop_name == form.name and tracker.latest_action == LISTEN
    if answering and not tracker.loop.get("is_interrupted"):
        outcome.take(await _hear_answer(form, tracker, acting))
        if outcome.rejected:
            return outcome
    if outcome.loop_ended:
        outcome.slot(REQUESTED_SLOT, None)
        return outcome
    after = tracker.copy()
    for event in [*so_far.events, *outcome.events]:
        after.apply(event)
    wanted = _asked_for_by_validator([*so_far.events, *outcome.events])
    if wanted is None:
        wanted = next((name for name in form.required_slots if after.slots.get(name) is None), None)
        outcome.slot(REQUESTED_SLOT, wanted)
        after.apply(outcome.events[-1])
    if wanted is None:
        return outcome
    for ask in ask_names(form.name, wanted):
        if acting.has_custom(ask) or ask in domain.responses:
            outcome.take(await acting.perform(ask, after))
            break
    return outcome


def _asked_for_by_validator(events: list[Event]) -> Any:
    return next(
        (e["value"] for e in events if e.get("event") == "slot" and e.get("name") == REQUESTED_SLOT and e.get("value")),
        None,
    )


async def _hear_answer(form: Form, tracker: Tracker, acting: Acting) -> Outcome:
    given = _slots_of_this_message(form, tracker)
    outcome = await _validate(form, given, tracker, acting)
    kept = any(e.get("event") == "slot" and e.get("name") != REQUESTED_SLOT for e in outcome.events)
    if tracker.slots.get(REQUESTED_SLOT) and not given and not kept and not outcome.rejected:
        raise ActionRejected(form.name)
    return outcome


def _slots_of_this_message(form: Form, tracker: Tracker) -> dict[str, Any]:
    wanted = {*form.required_slots, tracker.slots.get(REQUESTED_SLOT)}
    found: dict[str, Any] = {}
    for event in reversed(tracker.events):
        if event.get("event") == "user":
            break
        if event.get("event") == "slot" and event.get("name") in wanted:
            found.setdefault(str(event["name"]), event.get("value"))
    return dict(reversed(found.items()))


async def _validate(form: Form, given: dict[str, Any], tracker: Tracker, acting: Acting) -> Outcome:
    """The candidates as `validate_<form>` leaves them; as they are, where there is no validator."""
    outcome = Outcome()
    for name, value in given.items():
        outcome.slot(name, value)
    if not acting.has_custom(f"validate_{form.name}"):
        return outcome
    asked = tracker.copy()
    asked.events = [*_up_to_the_message(tracker), {"event": "action", "name": form.name}, *outcome.events]
    for event in outcome.events:
        asked.slots[event["name"]] = event["value"]
    return await acting.perform(f"validate_{form.name}", asked)


def _up_to_the_message(tracker: Tracker) -> list[Event]:
    """The events without the slots this message filled: rasa-sdk takes trailing slot events for candidates."""
    events = list(tracker.events)
    while events and events[-1].get("event") == "slot":
        events.pop()
    return events
