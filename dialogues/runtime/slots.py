"""Slots: what they hold, what a rule sees of them, and how a message fills them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

REQUESTED_SLOT = "requested_slot"
Feature = tuple[float, ...]

SLOT_TYPES = ("text", "bool", "categorical", "float", "list", "any")
MAPPING_TYPES = ("from_entity", "from_text", "from_intent", "from_trigger_intent", "custom")


@dataclass(frozen=True, slots=True)
class MappingCondition:
    """Where a mapping holds. `active_loop` None: only while no loop is active."""

    active_loop: str | None
    requested_slot: str | None = None


@dataclass(frozen=True, slots=True)
class SlotMapping:
    """One way a message fills a slot."""

    type: str
    entity: str | None = None
    role: str | None = None
    group: str | None = None
    value: Any = None
    intents: frozenset[str] = frozenset()
    not_intents: frozenset[str] = frozenset()
    conditions: tuple[MappingCondition, ...] = ()
    action: str | None = None

    @property
    def entity_key(self) -> tuple[str | None, str | None, str | None]:
        return (self.entity, self.role, self.group)


@dataclass(frozen=True, slots=True)
class Slot:
    """A thing the conversation remembers."""

    name: str
    type: str
    initial_value: Any = None
    influences: bool = True
    values: tuple[str, ...] = ()
    minimum: float = 0.0
    maximum: float = 1.0
    mappings: tuple[SlotMapping, ...] = ()

    def feature(self, value: Any) -> Feature | None:
        """What a rule compares: None when the slot counts as not set. Text only counts as set or not."""
        if value is None or not self.influences or self.type == "any":
            return None
        return _FEATURES[self.type](self, value)


def _text(_slot: Slot, _value: Any) -> Feature | None:
    return (1.0,)


def _bool(_slot: Slot, value: Any) -> Feature | None:
    if isinstance(value, str):
        word = value.strip().lower()
        if word in {"true", "yes", "y", "1", "t", "on"}:
            return (1.0, 1.0)
        return (1.0, 0.0) if word in {"false", "no", "n", "0", "f", "off"} else None
    if isinstance(value, bool | int | float):
        return (1.0, float(bool(value)))
    return None


def _float(slot: Slot, value: Any) -> Feature | None:
    try:
        capped = max(slot.minimum, min(slot.maximum, float(value)))
    except (TypeError, ValueError):
        return None
    width = slot.maximum - slot.minimum
    return (1.0, (capped - slot.minimum) / width if width > 0 else 0.0)


def _list(_slot: Slot, value: Any) -> Feature | None:
    return (1.0,) if isinstance(value, list | tuple) and value else None


def _categorical(slot: Slot, value: Any) -> Feature | None:
    known = str(value).lower()
    places = [*slot.values, "__other__"]
    place = places.index(known) if known in places else len(places) - 1
    return tuple(float(index == place) for index in range(len(places)))


_FEATURES = {
    "text": _text,
    "bool": _bool,
    "float": _float,
    "list": _list,
    "categorical": _categorical,
}


@dataclass(frozen=True, slots=True)
class Form:
    """A loop that asks until its required slots are filled."""

    name: str
    required_slots: tuple[str, ...]
    ignored_intents: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LoopNow:
    """The active loop while slots are read from a message."""

    form: Form | None
    requested_slot: str | None = None
    rejected: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """The message slots are read from."""

    text: str
    intent: str | None
    entities: tuple[Mapping[str, Any], ...] = field(default_factory=tuple)


def extract(slots: Mapping[str, Slot], current: Mapping[str, Any], heard: Heard, loop: LoopNow) -> dict[str, Any]:
    """The slots this message fills, in the order of the domain. The first mapping that gives a value wins."""
    found: dict[str, Any] = {}
    for slot in slots.values():
        for mapping in slot.mappings:
            if not _intent_wanted(mapping, heard, loop) or not _conditions_hold(slot.name, mapping, loop):
                continue
            if _belongs_to_another_slot(slot.name, mapping, slots, loop):
                continue
            values = _values(mapping, heard, loop)
            if not values:
                continue
            value = values if slot.type == "list" else values[-1]
            if value is not None or current.get(slot.name) is not None:
                found[slot.name] = value
                break
    return found


def _intent_wanted(mapping: SlotMapping, heard: Heard, loop: LoopNow) -> bool:
    ignored: frozenset[str] = frozenset()
    if loop.form is not None:
        here = [condition.active_loop == loop.form.name for condition in mapping.conditions]
        if not here or any(here):
            ignored = loop.form.ignored_intents
    if mapping.intents:
        return heard.intent in mapping.intents
    return heard.intent not in mapping.not_intents | ignored


def _conditions_hold(slot: str, mapping: SlotMapping, loop: LoopNow) -> bool:
    if not mapping.conditions:
        return True
    name = loop.form.name if loop.form else None
    if mapping.type == "from_trigger_intent":
        return any(condition.active_loop == name for condition in mapping.conditions)
    if loop.rejected and loop.requested_slot == slot:
        return False
    for condition in mapping.conditions:
        if condition.active_loop != name:
            continue
        if name is None or condition.requested_slot in (None, loop.requested_slot):
            return True
    return False


def _belongs_to_another_slot(slot: str, mapping: SlotMapping, slots: Mapping[str, Slot], loop: LoopNow) -> bool:
    """Several slots of a form read the same entity: then only the one being asked for takes it."""
    if mapping.type != "from_entity" or loop.form is None or loop.requested_slot == slot:
        return False
    if slot not in loop.form.required_slots:
        return False
    readers = {
        name
        for name in loop.form.required_slots
        for other in slots[name].mappings
        if other.type == "from_entity" and other.entity_key == mapping.entity_key
    }
    return len(readers) > 1


def _values(mapping: SlotMapping, heard: Heard, loop: LoopNow) -> list[Any]:
    match mapping.type:
        case "from_entity":
            return _entity_values(mapping, heard)
        case "from_text":
            return [heard.text] if heard.text else []
        case "from_intent":
            return [mapping.value]
        case "from_trigger_intent" if loop.form is not None:
            return [mapping.value]
    return []


def _entity_values(mapping: SlotMapping, heard: Heard) -> list[Any]:
    values: list[Any] = []
    for entity in heard.entities:
        if entity.get("entity") != mapping.entity:
            continue
        if mapping.role is not None and entity.get("role") != mapping.role:
            continue
        if mapping.group is not None and entity.get("group") != mapping.group:
            continue
        value = entity.get("value")
        values.extend(value if isinstance(value, list) else [value])
    return values
