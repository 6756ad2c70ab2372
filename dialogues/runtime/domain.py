"""The domain of a Rasa project: what there is to understand, remember, ask and say."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from msgspec import Struct

from dialogues.runtime.files import Block, Problem, Series, meant, plain
from dialogues.runtime.responses import Button, Variation
from dialogues.runtime.slots import (
    MAPPING_TYPES,
    SLOT_TYPES,
    Form,
    Mapped,
    MappingCondition,
    Slot,
    SlotMapping,
    as_kept,
)

DEFAULT_INTENTS = ("restart", "back", "session_start", "nlu_fallback", "out_of_scope")
#: In Rasa's order.
DEFAULT_ACTIONS = (
    "action_listen",
    "action_restart",
    "action_session_start",
    "action_default_fallback",
    "action_deactivate_loop",
    "action_revert_fallback_events",
    "action_default_ask_affirmation",
    "action_default_ask_rephrase",
    "action_two_stage_fallback",
    "action_unlikely_intent",
    "action_back",
    "action_extract_slots",
)
_LOOPS = frozenset({"action_two_stage_fallback"})
_KEYS = frozenset(
    {
        "version",
        "intents",
        "entities",
        "slots",
        "responses",
        "forms",
        "actions",
        "e2e_actions",
        "session_config",
        "config",
        "nlu",
        "rules",
        "stories",
    }
)


_SLOT_KEYS = frozenset(
    {
        "type",
        "initial_value",
        "influence_conversation",
        "mappings",
        "values",
        "min_value",
        "max_value",
        "value_reset_delay",
        "auto_fill",
    }
)
_INTENT_KEYS = frozenset({"use_entities", "ignore_entities", "is_retrieval_intent"})
_MAPPING_KEYS = frozenset(
    {"type", "entity", "role", "group", "value", "intent", "not_intent", "conditions", "action", "name"}
)
_SAID = frozenset({"text", "custom", "image", "buttons", "attachment", "quick_replies", "elements"})
_VARIATION_KEYS = _SAID | {"channel", "condition", "metadata", "id"}


class EntityKind(Struct, frozen=True):
    """An entity as declared, with the roles and groups it may have."""

    name: str
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    influences: bool = True

    def labels(self) -> frozenset[str]:
        return frozenset(f"{self.name}#{label}" for label in (*self.roles, *self.groups))


class Intent(Struct, frozen=True):
    """An intent, and which entities rules see in its messages (None: all that influence the conversation)."""

    name: str
    use_entities: frozenset[str] | None = None
    ignore_entities: frozenset[str] | None = None

    def seen(self, names: Iterable[str], domain: Domain) -> tuple[str, ...]:
        wanted = domain.wanted_entities(self)
        return tuple(sorted(name for name in set(names) if name in wanted))


@dataclass(frozen=True)
class Domain:
    """Everything the domain files say. `raw` is what custom actions receive."""

    intents: Mapping[str, Intent]
    entities: Mapping[str, EntityKind]
    slots: Mapping[str, Slot]
    responses: Mapping[str, tuple[Variation, ...]]
    forms: Mapping[str, Form]
    actions: frozenset[str]
    session_expiration_minutes: float
    carry_over_slots: bool
    raw: Mapping[str, Any]
    retrieval_intents: frozenset[str] = frozenset()
    _wanted: dict[str, frozenset[str]] = field(default_factory=dict, repr=False, compare=False)
    _mapped: dict[str | None, Mapped] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def mapping_actions(self) -> frozenset[str]:
        """The actions that fill slots: a mapping names them, and they need not be listed."""
        return frozenset(m.action for slot in self.slots.values() for m in slot.mappings if m.action)

    def knows_action(self, name: str) -> bool:
        return (
            name in self.actions
            or name in self.responses
            or name in self.forms
            or name in DEFAULT_ACTIONS
            or self.retrieves(name)
        )

    @cached_property
    def action_names(self) -> tuple[str, ...]:
        """Every action that could be next, in Rasa's order. It counts the beginning of a rule (`...`) as one."""
        custom = sorted(self.actions - self.responses.keys())
        named = (*DEFAULT_ACTIONS[:-1], "...", DEFAULT_ACTIONS[-1], *custom, *sorted(self.responses), *self.forms)
        return tuple(dict.fromkeys(named))

    @property
    def declared_intents(self) -> frozenset[str]:
        """The intents that the files name, without those that every project has."""
        return frozenset(_name_of(item) for item in self.raw.get("intents", ()))

    def knows_loop(self, name: str) -> bool:
        return name in self.forms or name in _LOOPS or name in self.actions

    def retrieves(self, action: str) -> bool:
        """Whether an action answers a retrieval intent: `utter_faq` says the response `utter_faq/…` that fits."""
        return action.removeprefix("utter_") in self.retrieval_intents and action.startswith("utter_")

    def empty_slots(self) -> dict[str, Any]:
        """What slots hold before anything was said; the caller's to change."""
        return {**self._unchanging, **{name: copy.copy(value) for name, value in self._changing.items()}}

    @cached_property
    def _unchanging(self) -> dict[str, Any]:
        return {slot.name: as_kept(slot, slot.initial_value) for slot in self.slots.values()}

    @cached_property
    def _changing(self) -> dict[str, Any]:
        return {name: value for name, value in self._unchanging.items() if isinstance(value, list | dict)}

    def mapped_in(self, loop: str | None) -> Mapped:
        """The slots that a message may fill while this loop is active, in the order of the domain. A mapping that names
        an intent or an entity nobody declared is passed over."""
        found = self._mapped.get(loop)
        if found is None:
            each = ((slot, tuple(m for m in slot.mappings if self._may_fill(m, loop))) for slot in self.slots.values())
            found = tuple((slot, mappings) for slot, mappings in each if mappings)
            if loop is None or self.knows_loop(loop):  # a name from outside may be anything
                self._mapped[loop] = found
        return found

    def _may_fill(self, mapping: SlotMapping, loop: str | None) -> bool:
        return mapping.may_hold(loop) and mapping.knows_its_words(self.intents, self.entities)

    def wanted_entities(self, intent: Intent) -> frozenset[str]:
        """The names of entities, with their roles and groups, that rules see in messages of an intent."""
        if intent.name not in self._wanted:
            silent = {kind.name for kind in self.entities.values() if not kind.influences}
            if intent.use_entities is None:
                used = set(self.entities) - silent
                used.update(*(kind.labels() for kind in self.entities.values()))
            else:
                used = self._with_labels(intent.use_entities)
            ignored = silent if intent.ignore_entities is None else intent.ignore_entities
            self._wanted[intent.name] = frozenset(used - self._with_labels(ignored))
        return self._wanted[intent.name]

    def _with_labels(self, names: Iterable[str]) -> set[str]:
        found = set(names)
        found.update(*(self.entities[name].labels() for name in list(found) if name in self.entities))
        return found


class DomainReader:
    """Gathers a domain from its files, and every problem in them."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._intents: dict[str, Intent] = {name: Intent(name) for name in DEFAULT_INTENTS}
        self._entities: dict[str, EntityKind] = {}
        self._retrieval: set[str] = set()
        self._slots: dict[str, Slot] = {}
        self._responses: dict[str, tuple[Variation, ...]] = {}
        self._forms: dict[str, Form] = {}
        self._actions: set[str] = set()
        self._minutes = 60.0
        self._carry_over = True
        self._raw: dict[str, Any] = {
            "version": "3.1",
            "intents": [],
            "entities": [],
            "slots": {},
            "responses": {},
            "forms": {},
            "actions": [],
            "session_config": {},
        }

    def add(self, block: Block) -> None:
        """Take in one file."""
        for key in block:
            if key not in _KEYS:
                self._problem(block, key, f"`{key}` is not part of a domain{meant(key, _KEYS)}", fatal=False)
        for key, kind in (("intents", list), ("entities", list), ("actions", list)):
            if not isinstance(block.get(key, []), kind):
                self._problem(block, key, f"`{key}` must be a list: one line each, `- name`")
                block[key] = Series()
        for key in ("slots", "responses", "forms", "session_config"):
            if not isinstance(block.get(key, Block(block.file, 0)), Block):
                self._problem(block, key, f"`{key}` must hold names and their settings")
                block[key] = Block(block.file, block.line_of(key))
        if block.get("e2e_actions"):
            self._problem(block, "e2e_actions", "end-to-end actions are not played here", fatal=False)
        here: set[str] = set()
        for line, name, item in self._listed(block, "intents"):
            if name in here:
                self.problems.append(Problem(block.file, line, f"intent `{name}` is declared twice"))
            here.add(name)
            self._intent(block, name, item[name] if isinstance(item, Block) else None)
        entities: set[str] = set()
        for line, name, item in self._listed(block, "entities"):
            if name in entities:
                text = f"entity `{name}` is declared twice. Rasa would refuse it"
                self.problems.append(Problem(block.file, line, text, fatal=False))
            entities.add(name)
            self._entity(item)
        self._actions |= {name for _, name, _ in self._listed(block, "actions")}
        readers = (("slots", self._slot), ("responses", self._response), ("forms", self._form))
        for key, read in readers:
            for name, settings in block.get(key, {}).items():
                try:
                    read(block[key], name, settings)
                except (TypeError, ValueError, AttributeError, KeyError) as error:
                    self._problem(block[key], name, f"`{name}` cannot be read: {error}")
        session = block.get("session_config", {})
        try:
            self._minutes = float(session.get("session_expiration_time", self._minutes))
        except (TypeError, ValueError):
            self._problem(session, "session_expiration_time", "`session_expiration_time` must be a number of minutes")
        if self._minutes < 0:
            text = "`session_expiration_time` is below nothing: 0 means that a session never ends"
            self._problem(session, "session_expiration_time", text, fatal=False)
        self._carry_over = bool(session.get("carry_over_slots_to_new_session", self._carry_over))
        self._keep_raw(block)

    def finish(self) -> Domain:
        """The domain. Look at `problems` before using it."""
        session = self._raw["session_config"]
        session.setdefault("session_expiration_time", 60)
        session.setdefault("carry_over_slots_to_new_session", True)
        return Domain(
            intents=self._intents,
            entities=self._entities,
            slots=self._slots,
            responses=self._responses,
            forms=self._forms,
            actions=frozenset(self._actions),
            session_expiration_minutes=self._minutes,
            carry_over_slots=self._carry_over,
            raw=self._whole(),
            retrieval_intents=frozenset(self._retrieval),
        )

    def hear(self, retrieval_intents: Iterable[str]) -> None:
        """Take in intents that the examples alone name (`faq/opening_hours`), as Rasa does."""
        for name in sorted(set(retrieval_intents)):
            self._raw["actions"].append(f"utter_{name}")
            if name not in self._intents:
                self._intents[name] = Intent(name)
                self._raw["intents"].append({name: {"is_retrieval_intent": True}})

    def _problem(self, block: Block, key: str, text: str, *, fatal: bool = True) -> None:
        self.problems.append(Problem(block.file, block.line_of(key), text, fatal))

    def _listed(self, block: Block, key: str) -> Iterator[tuple[int, str, Any]]:
        """The items of a list of names, some with settings: the line, the name, and the item."""
        items = block.get(key, [])
        lines = items.lines if isinstance(items, Series) else (block.line_of(key),) * len(items)
        for line, item in zip(lines, items, strict=True):
            if isinstance(item, Block) and len(item) == 1:
                yield line, next(iter(item)), item
            elif isinstance(item, Block | list) or item is None:
                text = f"each of `{key}` must be a name, or one name and its settings; this is {plain(item)!r}"
                self.problems.append(Problem(block.file, line, text))
            else:
                yield line, str(item), item

    def _whole(self) -> dict[str, Any]:
        """All files as one, as Rasa tells it: what is listed in several once, intents in the order of their names, and
        nothing of which there is none."""
        listed = {key: {_name_of(item): item for item in self._raw[key]} for key in ("intents", "entities", "actions")}
        listed["intents"] = dict(sorted(listed["intents"].items()))
        whole = {**self._raw, **{key: list(items.values()) for key, items in listed.items()}}
        return {key: value for key, value in whole.items() if value}

    def _keep_raw(self, block: Block) -> None:
        for key in ("intents", "entities", "actions"):
            self._raw[key].extend(plain(block.get(key, [])))
        for key in ("slots", "responses", "forms", "session_config"):
            self._raw[key].update(plain(block.get(key, {})))

    def _intent(self, block: Block, name: str, settings: Any) -> None:
        if not isinstance(settings, Block):
            self._intents[name] = Intent(name)
            return
        if not settings:
            text = f"intent `{name}` has a colon and no settings: take the colon away. Rasa would refuse it"
            self._problem(block, "intents", text, fatal=False)
        for key in settings:
            if key not in _INTENT_KEYS:
                text = f"intent `{name}`: `{key}` is not part of an intent{meant(key, _INTENT_KEYS)}"
                self._problem(settings, key, text, fatal=False)
        use, ignore = settings.get("use_entities", True), settings.get("ignore_entities")
        self._intents[name] = Intent(
            name,
            _names(use) if isinstance(use, list) else (None if use else frozenset()),
            None if ignore is None else _names(ignore),
        )

    def _entity(self, item: Any) -> None:
        if not isinstance(item, Block):
            self._entities[str(item)] = EntityKind(str(item))
            return
        name, settings = next(iter(item.items()))
        settings = settings if isinstance(settings, Block) else {}
        roles, groups = (tuple(str(label) for label in settings.get(key) or ()) for key in ("roles", "groups"))
        self._entities[name] = EntityKind(name, roles, groups, settings.get("influence_conversation") is not False)

    def _slot(self, block: Block, name: str, settings: Any) -> None:
        if name in self._slots and plain(settings) != self._raw["slots"].get(name):
            self._problem(block, name, f"slot `{name}` is declared twice")
        if isinstance(settings, Block) and "." in str(settings.get("type")):
            self._problem(block, name, f"slot `{name}` is of a type of its own: rules do not see it here", fatal=False)
            settings["type"] = "any"
            settings.pop("influence_conversation", None)
        if not isinstance(settings, Block) or settings.get("type") not in SLOT_TYPES:
            self._problem(
                block, name, f"slot `{name}` needs a type: one of {', '.join(SLOT_TYPES)}{_no_type(settings)}"
            )
            self._slots[name] = Slot(name=name, type="any")  # what names it is not wrong
            return
        if settings["type"] == "any" and settings.get("influence_conversation") is True:
            self._problem(
                settings, "influence_conversation", f"slot `{name}` is of type any, which no rule can look at"
            )
        for key in settings:
            if key not in _SLOT_KEYS and settings["type"] != "any":
                text = f"slot `{name}`: `{key}` is not part of a slot{meant(key, _SLOT_KEYS)}"
                self._problem(settings, key, text, fatal=False)
        listed = settings.get("mappings") or []
        if not isinstance(listed, list):
            self._problem(settings, "mappings", f"the mappings of `{name}` must be a list: `- type: from_entity`")
            listed = []
        mappings = [self._mapping(settings, name, item) for item in listed]
        if not mappings:
            self._problem(
                block, name, f"slot `{name}` has no mappings (use `type: custom` when only actions set it)", fatal=False
            )
        if settings["type"] == "categorical" and not settings.get("values"):
            text = f"slot `{name}` has no values: write `values: [one, other]`, or rules see nothing in it"
            self._problem(block, name, text, fatal=False)
        if float(settings.get("min_value", 0.0)) >= float(settings.get("max_value", 1.0)):
            self._problem(block, name, f"slot `{name}` can hold no number: min_value must be below max_value")
        self._slots[name] = Slot(
            name=name,
            type=settings["type"],
            initial_value=plain(settings.get("initial_value")),
            influences=bool(settings.get("influence_conversation", True)) and settings["type"] != "any",
            values=tuple(str(value).lower() for value in settings.get("values") or () if value is not None),
            minimum=float(settings.get("min_value", 0.0)),
            maximum=float(settings.get("max_value", 1.0)),
            mappings=tuple(mapping for mapping in mappings if mapping is not None),
        )

    def _mapping(self, slot: Block, name: str, item: Any) -> SlotMapping | None:
        if not isinstance(item, Block) or item.get("type") not in MAPPING_TYPES:
            written = str(item.get("type")) if isinstance(item, Block) else ""
            known = f"one of {', '.join(MAPPING_TYPES)}{meant(written, MAPPING_TYPES)}"
            self._problem(
                item if isinstance(item, Block) else slot, "type", f"a mapping of `{name}` needs a type: {known}"
            )
            return None
        if item["type"] == "from_entity" and not item.get("entity"):
            self._problem(item, "type", f"the mapping of `{name}` does not say which entity")
        if item["type"] in {"from_intent", "from_trigger_intent"} and item.get("value") is None:
            self._problem(item, "type", f"the mapping of `{name}` does not say which value")
        for key in item:
            if key not in _MAPPING_KEYS:
                text = f"a mapping of `{name}`: `{key}` is not part of a mapping{meant(key, _MAPPING_KEYS)}"
                self._problem(item, key, text, fatal=False)
        conditions = item.get("conditions") or []
        if not isinstance(conditions, list) or not all(isinstance(condition, Block) for condition in conditions):
            self._problem(item, "conditions", f"the conditions of `{name}` must be a list: `- active_loop: some_form`")
            return None
        if item["type"] == "from_text" and not conditions and not item.get("intent"):
            self._problem(
                item, "type", f"`{name}` would take every message: give its from_text mapping conditions", fatal=False
            )
        return SlotMapping(
            type=item["type"],
            entity=item.get("entity"),
            role=item.get("role"),
            group=item.get("group"),
            value=plain(item.get("value")),
            intents=_names(item.get("intent")),
            not_intents=_names(item.get("not_intent")),
            conditions=tuple(
                MappingCondition(condition.get("active_loop"), condition.get("requested_slot"))
                for condition in conditions
            ),
            action=item.get("action"),
            identity=json.dumps(plain(item), sort_keys=True, default=str),
        )

    def _response(self, block: Block, name: str, variations: Any) -> None:
        if name in self._responses and plain(variations) != self._raw["responses"].get(name):
            self._problem(block, name, f"response `{name}` is written twice")
        if not name.startswith("utter_"):
            self._problem(block, name, f"the name of response `{name}` must begin with utter_", fatal=False)
        if not isinstance(variations, list):
            self._problem(block, name, f"response `{name}` must be a list of variations: `- text: …`")
            self._responses[name] = ()  # what says it is not wrong
            return
        if not variations:
            self._problem(block, name, f"response `{name}` says nothing", fatal=False)
        read = [self._variation(block, name, item) for item in variations]
        self._responses[name] = tuple(variation for variation in read if variation is not None)
        if "/" in name:
            self._retrieval.add(name.removeprefix("utter_").partition("/")[0])

    def _variation(self, block: Block, name: str, item: Any) -> Variation | None:
        if not isinstance(item, Block) or _SAID.isdisjoint(item):
            line = item if isinstance(item, Block) else block
            self._problem(line, name, f"a variation of `{name}` has neither text nor custom: `- text: …`")
            return None
        for key in item:
            if key not in _VARIATION_KEYS:
                self._problem(item, key, f"`{key}` is not part of a response{meant(key, _VARIATION_KEYS)}", fatal=False)
        for key in (key for key in ("text", "channel", "id") if not isinstance(item.get(key, ""), str)):
            text = f"`{key}` of `{name}` must be words in quotes. Rasa would refuse it"
            self._problem(item, key, text, fatal=False)
        for key, kind in (("text", dict), ("text", list), ("buttons", dict), ("buttons", str)):
            if isinstance(item.get(key), kind):
                what = "words: put them in quotes" if key == "text" else "a list: `- title: …`"
                self._problem(item, key, f"`{key}` of `{name}` must be {what}")
                return None
        if not isinstance(item.get("channel"), str | None):
            self._problem(item, "channel", f"`channel` of `{name}` must be one name: write a variation for each")
            return None
        buttons = []
        for button in item.get("buttons") or ():
            if not isinstance(button, Block) or button.get("title") is None:
                self._problem(item, "buttons", f"a button of `{name}` has no title", fatal=False)
                continue
            if not isinstance(button.get("payload", ""), str):
                text = f"the payload of the button “{button['title']}” of `{name}` must be words. Rasa would refuse it"
                self._problem(button, "payload", text, fatal=False)
            if button.get("payload") is None and button.get("url") is None:
                text = f"the button “{button['title']}” of `{name}` sends nothing: give it a payload"
                self._problem(button, "title", text, fatal=False)
            buttons.append(Button(str(button["title"]), str(button.get("payload") or ""), str(button.get("url") or "")))
        conditions = []
        if item.get("condition") is not None and not item["condition"]:
            self._problem(
                item, "condition", f"a variation of `{name}` with an empty condition is never said", fatal=False
            )
            return None
        for condition in item.get("condition") or ():
            if not isinstance(condition, Block) or "name" not in condition:
                self._problem(item, "condition", f"a condition of `{name}` must have `type: slot`, a name and a value")
                continue
            if condition.get("type") != "slot":
                self._problem(item, "condition", f"a condition of `{name}` should have `type: slot`", fatal=False)
            conditions.append((str(condition["name"]), plain(condition.get("value"))))
        return Variation(
            text=str(item.get("text") or "").strip(),
            buttons=tuple(buttons),
            custom=plain(item.get("custom") or {}),
            channel=item.get("channel"),
            conditions=tuple(conditions),
            raw=plain(item),
        )

    def _form(self, block: Block, name: str, settings: Any) -> None:
        if name in self._forms and plain(settings) != self._raw["forms"].get(name):
            self._problem(block, name, f"form `{name}` is declared twice")
        required = settings.get("required_slots", []) if isinstance(settings, Block) else None
        if not isinstance(required, list):
            readable = isinstance(settings, Block) and required is None
            text = f"form `{name}` needs required_slots (a list, possibly empty)"
            if isinstance(required, Block):
                text += (
                    ": since Rasa 3 a slot is listed by its name, and what fills it are its `mappings` under `slots`"
                )
            self._problem(block, name, text, fatal=not readable)
            required = []
        for key in settings if isinstance(settings, Block) else ():
            if key not in {"required_slots", "ignored_intents"}:
                self._problem(
                    settings,
                    key,
                    f"form `{name}`: `{key}` is not part of a form; what it asks for are its `required_slots`",
                    fatal=False,
                )
        self._forms[name] = Form(
            name,
            tuple(str(slot) for slot in required),
            _names(settings.get("ignored_intents")) if isinstance(settings, Block) else frozenset(),
        )


def _name_of(item: Any) -> str:
    """The name of an item of a list, with settings or without."""
    return str(next(iter(item), item)) if isinstance(item, dict) else str(item)


def _no_type(settings: Any) -> str:
    written = str(settings.get("type")) if isinstance(settings, Block) else ""
    if written == "unfeaturized":
        return "; since Rasa 2 such a slot is `any`, or has `influence_conversation: false`"
    return meant(written, SLOT_TYPES)


def _names(value: Any) -> frozenset[str]:
    if value is None:
        return frozenset()
    if isinstance(value, list):
        return frozenset(next(iter(item)) if isinstance(item, dict) else str(item) for item in value)
    return frozenset({str(value)})
