"""Slots: what they hold, what a rule sees of them, and how a message fills them."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

REQUESTED_SLOT = "requested_slot"
Feature = tuple[float, ...]

SLOT_TYPES = ("text", "bool", "categorical", "float", "list", "any")
#: What a categorical slot counts as when its value is none of the declared ones.
OTHER = "__other__"
MAPPING_TYPES = ("from_entity", "from_text", "from_intent", "from_trigger_intent", "custom")


class MappingCondition(Struct, frozen=True):
    """Where a mapping holds. `active_loop` None: only while no loop is active."""

    active_loop: str | None
    requested_slot: str | None = None


class SlotMapping(Struct, frozen=True):
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
    identity: str = ""  # two slots with equal mappings read the same entity

    def may_hold(self, loop: str | None) -> bool:
        """Whether it can give a value, or ask an action, while this loop is active."""
        if self.type == "custom" and not self.action:
            return False
        return not self.conditions or any(condition.active_loop == loop for condition in self.conditions)

    def knows_its_words(self, intents: Container[str], entities: Container[str]) -> bool:
        """Whether what it names is declared; else Rasa passes it over."""
        if self.type == "from_entity":
            return self.entity in entities
        return self.type != "from_intent" or all(intent in intents for intent in self.intents)


class Slot(Struct, frozen=True):
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


def as_kept(slot: Slot, value: Any) -> Any:
    """The value as the slot keeps it: as given, but a list slot keeps lists."""
    return [value] if slot.type == "list" and value and not isinstance(value, list) else value


def _text(_slot: Slot, _value: Any) -> Feature | None:
    return (1.0,)


def _bool(_slot: Slot, value: Any) -> Feature | None:
    if isinstance(value, str):
        word = value.strip().lower()
        if word.isnumeric():
            return (1.0, float(float(word) == 1.0))
        return (1.0, float(word == "true")) if word in {"true", "false"} else None
    if isinstance(value, bool | int | float):
        return (1.0, float(value == 1.0))
    return None


def _float(slot: Slot, value: Any) -> Feature | None:
    try:
        capped = max(slot.minimum, min(slot.maximum, float(value)))
    except (TypeError, ValueError):
        return None
    width = abs(slot.maximum - slot.minimum)
    return (1.0, (capped - slot.minimum) / width if width > 0 else 0.0)


def _list(_slot: Slot, value: Any) -> Feature | None:
    try:
        return (1.0,) if len(value) > 0 else None
    except TypeError:
        return None


def _categorical(slot: Slot, value: Any) -> Feature | None:
    known = str(value).lower()
    places = slot.values if OTHER in slot.values else (*slot.values, OTHER)
    place = places.index(known) if known in places else places.index(OTHER)
    return tuple(float(index == place) for index in range(len(places)))


_FEATURES = {
    "text": _text,
    "bool": _bool,
    "float": _float,
    "list": _list,
    "categorical": _categorical,
}


class Form(Struct, frozen=True):
    """A loop that asks until its required slots are filled."""

    name: str
    required_slots: tuple[str, ...]
    ignored_intents: frozenset[str] = frozenset()


class LoopNow(Struct, frozen=True):
    """The active loop while slots are read from a message. `form` None: a loop that is no form, or none at all."""

    name: str | None = None
    form: Form | None = None
    requested_slot: str | None = None
    rejected: bool = False


class Heard(Struct, frozen=True):
    """The message slots are read from. `text` None: a tapped button, which says no words."""

    text: str | None
    intent: str | None
    entities: tuple[Mapping[str, Any], ...] = field(default_factory=tuple)


class Found(Struct, frozen=True):
    """What a mapping found: a value for a slot, or the name of an action to ask."""

    slot: str
    value: Any = None
    action: str | None = None


#: Slots, each with the mappings of it that come into question.
Mapped = Sequence[tuple[Slot, Sequence[SlotMapping]]]


def extract(
    mapped: Mapped, slots: Mapping[str, Slot], current: Mapping[str, Any], heard: Heard, loop: LoopNow
) -> Iterator[Found]:
    """What this message says about the slots `mapped`, in their order. The first mapping that gives a value wins."""
    for slot, mappings in mapped:
        for mapping in mappings:
            if not _intent_wanted(mapping, heard, loop):
                continue
            if not _conditions_hold(slot.name, mapping, loop) or _belongs_to_another_slot(
                slot.name, mapping, slots, loop
            ):
                continue
            values = _values(mapping, heard, loop)
            if values:
                value = values if slot.type == "list" else values[-1]
                if value is not None or current.get(slot.name) is not None:
                    yield Found(slot.name, value)
                    break
            if mapping.type == "custom" and mapping.action:
                yield Found(slot.name, action=mapping.action)


def _intent_wanted(mapping: SlotMapping, heard: Heard, loop: LoopNow) -> bool:
    if heard.intent in mapping.intents:
        return True
    if mapping.intents or heard.intent in mapping.not_intents:
        return False
    here = [condition.active_loop == loop.name for condition in mapping.conditions]
    ignored = loop.form.ignored_intents if loop.form is not None and (not here or any(here)) else frozenset()
    return heard.intent not in ignored


def _conditions_hold(slot: str, mapping: SlotMapping, loop: LoopNow) -> bool:
    if not mapping.conditions or mapping.type == "from_trigger_intent":
        return True  # the trigger looks at its loops itself
    if loop.rejected and loop.requested_slot == slot:
        return False
    for condition in mapping.conditions:
        if condition.active_loop is None:
            if loop.name is None:
                return True
        elif condition.active_loop == loop.name and condition.requested_slot in (None, loop.requested_slot):
            return True
    return False


def _belongs_to_another_slot(slot: str, mapping: SlotMapping, slots: Mapping[str, Slot], loop: LoopNow) -> bool:
    """Several slots of a form have the same mapping: then only the one being asked for takes the entity."""
    if mapping.type != "from_entity" or loop.form is None or loop.requested_slot == slot:
        return False
    if slot not in loop.form.required_slots:
        return False
    same = [
        other
        for name in loop.form.required_slots
        if name in slots
        for other in slots[name].mappings
        if other.type == "from_entity" and other.identity == mapping.identity
    ]
    return len(same) > 1


def _values(mapping: SlotMapping, heard: Heard, loop: LoopNow) -> list[Any]:
    match mapping.type:
        case "from_entity":
            return _entity_values(mapping, heard)
        case "from_text":
            return [] if heard.text is None else [heard.text]
        case "from_intent":
            return [mapping.value]
        case "from_trigger_intent":
            loops = [condition.active_loop for condition in mapping.conditions]
            return [mapping.value] if loop.name is not None and (not loops or loop.name in loops) else []
    return []


def _entity_values(mapping: SlotMapping, heard: Heard) -> list[Any]:
    """The values of exactly this entity; one with a role is not the one without."""
    wanted = (mapping.entity, mapping.role, mapping.group)
    return [
        entity.get("value")
        for entity in heard.entities
        if (entity.get("entity"), entity.get("role"), entity.get("group")) == wanted
    ]
