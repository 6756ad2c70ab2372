"""Forms: ask until every required slot is filled, believing only what the validator lets through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from dialogues.runtime.custom_actions import ActionRejected
from dialogues.runtime.model import Event
from dialogues.runtime.slots import REQUESTED_SLOT, Form
from dialogues.runtime.tracker import LISTEN, Tracker


def slot_event(name: str, value: Any) -> Event:
    return {"event": "slot", "name": name, "value": value}


def loop_event(name: str | None) -> Event:
    return {"event": "active_loop", "name": name}


def action_event(name: str) -> Event:
    return {"event": "action", "name": name}


class Acting(Protocol):
    """What a loop needs of the engine."""

    async def perform(self, name: str, tracker: Tracker) -> list[Event]:
        """Do a response or a custom action; nothing counts yet. Raises ActionRejected or ActionFailed."""
        ...

    async def extract_slots(self, tracker: Tracker) -> list[Event]:
        """Read slots from the latest message, validated by action_validate_slot_mappings if there is one."""
        ...

    def can(self, name: str) -> bool:
        """Whether the domain names an action or a response so. One that is only written in Python is never called."""
        ...


def ask_names(form: str, slot: str) -> tuple[str, str, str, str]:
    """How a form may ask for a slot, first choice first."""
    return (f"action_ask_{form}_{slot}", f"utter_ask_{form}_{slot}", f"action_ask_{slot}", f"utter_ask_{slot}")


def refuses(events: Sequence[Event]) -> bool:
    """Whether an action refused to run by an event of its own."""
    return any(event.get("event") == "action_execution_rejected" for event in events)


def ends_loop(events: Sequence[Event]) -> bool:
    """Whether the last word on the requested slot, or on the loop, is that there is none."""
    if refuses(events):
        return False
    slots = [e for e in events if e.get("event") == "slot" and e.get("name") == REQUESTED_SLOT]
    loops = [e for e in events if e.get("event") == "active_loop"]
    return (bool(slots) and slots[-1].get("value") is None) or (bool(loops) and not loops[-1].get("name"))


async def run_form(form: Form, tracker: Tracker, acting: Acting) -> list[Event]:
    """One run of a form: activate, validate, ask for the next slot, end. Raises ActionRejected or ActionFailed.

    `tracker` is not changed; the events say what to change.
    """
    run = _Run(form, tracker, acting)
    events: list[Event] = []
    if tracker.loop_name != form.name:
        events.append(loop_event(form.name))
        events += await run.activate()
    if not ends_loop(events):
        events += await run.go_on(events)
    if ends_loop(events):
        events.append(loop_event(None))
    return events


class _Run:
    def __init__(self, form: Form, tracker: Tracker, acting: Acting) -> None:
        self._form = form
        self._tracker = tracker
        self._acting = acting
        self._validator = f"validate_{form.name}"
        # what another form asked for does not concern this one
        self._asked = tracker.slots.get(REQUESTED_SLOT) if tracker.loop_name == form.name else None

    async def activate(self) -> list[Event]:
        """Read the message again now that the form is active, and validate what is filled already."""
        inside = self._tracker.copy()
        inside.apply(loop_event(self._form.name))
        extracted = await self._acting.extract_slots(inside)
        for event in extracted:
            inside.apply(event)
        slots = [event for event in extracted if event.get("event") == "slot"]
        if not self._acting.can(self._validator):
            return slots
        filled = {name: inside.slots[name] for name in self._form.required_slots if inside.slots.get(name) is not None}
        asked = inside.slots.get(REQUESTED_SLOT)
        validated = await self._validate(filled, inside, asked)
        answered = {event.get("name") for event in validated if event.get("event") == "slot"}
        return validated + [event for event in slots if event.get("name") not in answered]

    async def go_on(self, so_far: list[Event]) -> list[Event]:
        """Hear the answer, unless activation has done so, and ask the next question."""
        events: list[Event] = []
        if all(event.get("event") == "active_loop" for event in so_far):
            events = await self._hear_answer()
        if refuses(events):
            return events
        return events + await self._ask([*so_far, *events])

    async def _hear_answer(self) -> list[Event]:
        tracker = self._tracker
        if tracker.loop and (tracker.latest_action != LISTEN or tracker.loop_interrupted):
            return await self._validate({}, tracker, self._asked)  # which slots it asks for may have changed
        given = self._slots_of_this_message()
        events = await self._validate(given, tracker, self._asked)
        kept = any(event.get("event") == "slot" and event.get("name") != REQUESTED_SLOT for event in events)
        if self._asked and not given and not kept and not refuses(events):
            raise ActionRejected(self._form.name)
        return events

    def _slots_of_this_message(self) -> dict[str, Any]:
        wanted = {*self._form.required_slots, self._asked}
        since: list[Event] = []
        for event in reversed(self._tracker.events):
            if event.get("event") == "restart" or (
                event.get("event") == "user" and event.get("parse_data") == self._tracker.latest_message
            ):
                break
            since.append(event)
        return {
            str(event.get("name")): event.get("value")
            for event in reversed(since)
            if event.get("event") == "slot" and event.get("name") in wanted
        }

    async def _validate(self, given: dict[str, Any], tracker: Tracker, asked: Any) -> list[Event]:
        """What the validator makes of the candidates. Nothing without one: they are in the tracker already."""
        if not self._acting.can(self._validator):
            return []
        candidates = [slot_event(name, value) for name, value in given.items()]
        return await self._acting.perform(self._validator, self._as_if_run(tracker, asked, candidates))

    def _as_if_run(self, tracker: Tracker, asked: Any, events: Sequence[Event]) -> Tracker:
        """The tracker with the form's run noted, so that an action can tell what is new behind it."""
        inside = tracker.copy()
        for event in (slot_event(REQUESTED_SLOT, asked), action_event(self._form.name), *events):
            inside.apply(event)
        return inside

    async def _ask(self, so_far: list[Event]) -> list[Event]:
        if ends_loop(so_far):
            return [slot_event(REQUESTED_SLOT, None)]
        wanted = next(
            (e.get("value") for e in so_far if e.get("event") == "slot" and e.get("name") == REQUESTED_SLOT), None
        )
        inside = self._as_if_run(self._tracker, self._asked, so_far)
        events: list[Event] = []
        if not wanted:
            wanted = next((name for name in self._form.required_slots if inside.slots.get(name) is None), None)
            events.append(slot_event(REQUESTED_SLOT, wanted))
        if wanted:
            ask = next((name for name in ask_names(self._form.name, wanted) if self._acting.can(name)), None)
            if ask is not None:
                events += await self._acting.perform(ask, inside)
        return events
