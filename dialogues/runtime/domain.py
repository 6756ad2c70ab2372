"""The domain of a Rasa project: what there is to understand, remember, ask and say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dialogues.runtime.files import Block, Problem, plain
from dialogues.runtime.responses import Button, Variation
from dialogues.runtime.slots import MAPPING_TYPES, SLOT_TYPES, Form, MappingCondition, Slot, SlotMapping

DEFAULT_INTENTS = ("restart", "back", "session_start", "nlu_fallback", "out_of_scope")
DEFAULT_ACTIONS = frozenset(
    {
        "action_listen",
        "action_restart",
        "action_session_start",
        "action_default_fallback",
        "action_deactivate_loop",
        "action_revert_fallback_events",
        "action_back",
        "action_extract_slots",
    }
)
#: Rasa has these, this runtime does not play them: better told at start than missed by a child.
NOT_PLAYED = frozenset(
    {
        "action_two_stage_fallback",
        "action_default_ask_affirmation",
        "action_default_ask_rephrase",
        "action_unlikely_intent",
    }
)
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
    }
)


@dataclass(frozen=True, slots=True)
class Intent:
    """An intent, and which entities rules see in its messages (None: all)."""

    name: str
    use_entities: frozenset[str] | None = None
    ignore_entities: frozenset[str] = frozenset()

    def seen(self, entities: Iterable[str]) -> tuple[str, ...]:
        wanted = (name for name in entities if self.use_entities is None or name in self.use_entities)
        return tuple(sorted({name for name in wanted if name not in self.ignore_entities}))


@dataclass(frozen=True)
class Domain:
    """Everything the domain files say. `raw` is what custom actions receive."""

    intents: Mapping[str, Intent]
    entities: frozenset[str]
    slots: Mapping[str, Slot]
    responses: Mapping[str, tuple[Variation, ...]]
    forms: Mapping[str, Form]
    actions: frozenset[str]
    session_expiration_minutes: float
    carry_over_slots: bool
    raw: Mapping[str, Any]

    def knows_action(self, name: str) -> bool:
        return name in self.actions or name in self.responses or name in self.forms or name in DEFAULT_ACTIONS


class DomainReader:
    """Gathers a domain from its files, and every problem in them."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._intents: dict[str, Intent] = {name: Intent(name) for name in DEFAULT_INTENTS}
        self._entities: set[str] = set()
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
                self._problem(block, key, f"`{key}` is not part of a domain")
        for key, kind in (("intents", list), ("entities", list), ("actions", list)):
            if not isinstance(block.get(key, []), kind):
                self._problem(block, key, f"`{key}` must be a list")
                return
        for key in ("slots", "responses", "forms", "session_config"):
            if not isinstance(block.get(key, Block(block.file, 0)), Block):
                self._problem(block, key, f"`{key}` must hold names and their settings")
                return
        if block.get("e2e_actions"):
            self._problem(block, "e2e_actions", "end-to-end actions are not played here")
        for item in block.get("intents", []):
            self._intent(block, item)
        self._entities |= {
            next(iter(item)) if isinstance(item, dict) else str(item) for item in block.get("entities", [])
        }
        self._actions |= {
            next(iter(item)) if isinstance(item, dict) else str(item) for item in block.get("actions", [])
        }
        for name, settings in block.get("slots", {}).items():
            self._slot(block["slots"], name, settings)
        for name, variations in block.get("responses", {}).items():
            self._response(block["responses"], name, variations)
        for name, settings in block.get("forms", {}).items():
            self._form(block["forms"], name, settings)
        session = block.get("session_config", {})
        self._minutes = float(session.get("session_expiration_time", self._minutes))
        self._carry_over = bool(session.get("carry_over_slots_to_new_session", self._carry_over))
        self._keep_raw(block)

    def finish(self) -> Domain:
        """The domain. Look at `problems` before using it."""
        for name in sorted(self._actions & NOT_PLAYED):
            self.problems.append(Problem("domain", 1, f"`{name}` is not played here"))
        return Domain(
            intents=self._intents,
            entities=frozenset(self._entities),
            slots=self._slots,
            responses=self._responses,
            forms=self._forms,
            actions=frozenset(self._actions),
            session_expiration_minutes=self._minutes,
            carry_over_slots=self._carry_over,
            raw=self._raw,
        )

    def _problem(self, block: Block, key: str, text: str) -> None:
        self.problems.append(Problem(block.file, block.line_of(key), text))

    def _keep_raw(self, block: Block) -> None:
        for key in ("intents", "entities", "actions"):
            self._raw[key].extend(plain(block.get(key, [])))
        for key in ("slots", "responses", "forms", "session_config"):
            self._raw[key].update(plain(block.get(key, {})))

    def _intent(self, block: Block, item: Any) -> None:
        if not isinstance(item, Block):
            name, settings = str(item), None
        else:
            name, settings = next(iter(item)), item[next(iter(item))]
        if name in self._intents and name not in DEFAULT_INTENTS:
            self._problem(block, "intents", f"intent `{name}` is declared twice")
        if not isinstance(settings, Block):
            self._intents[name] = Intent(name)
            return
        use = settings.get("use_entities", True)
        self._intents[name] = Intent(
            name,
            frozenset(use) if isinstance(use, list) else (None if use else frozenset()),
            frozenset(settings.get("ignore_entities") or ()),
        )

    def _slot(self, block: Block, name: str, settings: Any) -> None:
        if name in self._slots:
            self._problem(block, name, f"slot `{name}` is declared twice")
        if not isinstance(settings, Block) or settings.get("type") not in SLOT_TYPES:
            self._problem(block, name, f"slot `{name}` needs a type: one of {', '.join(SLOT_TYPES)}")
            return
        mappings = [self._mapping(settings, name, item) for item in settings.get("mappings") or ()]
        if not mappings:
            self._problem(block, name, f"slot `{name}` has no mappings (use `type: custom` when only actions set it)")
        self._slots[name] = Slot(
            name=name,
            type=settings["type"],
            initial_value=plain(settings.get("initial_value")),
            influences=bool(settings.get("influence_conversation", True)),
            values=tuple(str(value).lower() for value in settings.get("values") or ()),
            minimum=float(settings.get("min_value", 0.0)),
            maximum=float(settings.get("max_value", 1.0)),
            mappings=tuple(mapping for mapping in mappings if mapping is not None),
        )

    def _mapping(self, slot: Block, name: str, item: Any) -> SlotMapping | None:
        if not isinstance(item, Block) or item.get("type") not in MAPPING_TYPES:
            self._problem(slot, "mappings", f"a mapping of `{name}` needs a type: one of {', '.join(MAPPING_TYPES)}")
            return None
        if item["type"] == "from_entity" and not item.get("entity"):
            self._problem(item, "type", f"the mapping of `{name}` does not say which entity")
        if item["type"] in {"from_intent", "from_trigger_intent"} and "value" not in item:
            self._problem(item, "type", f"the mapping of `{name}` does not say which value")
        if item.get("action"):
            self._problem(
                item, "action", "a mapping's own `action` is not played here: use action_validate_slot_mappings"
            )
        conditions = item.get("conditions") or ()
        if item["type"] == "from_text" and not conditions:
            self._problem(item, "type", f"`{name}` would take every message: give its from_text mapping conditions")
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
        )

    def _response(self, block: Block, name: str, variations: Any) -> None:
        if name in self._responses:
            self._problem(block, name, f"response `{name}` is written twice")
        if not name.startswith("utter_"):
            self._problem(block, name, f"the name of response `{name}` must begin with utter_")
        if not isinstance(variations, list) or not variations:
            self._problem(block, name, f"response `{name}` says nothing")
            return
        read = [self._variation(block, name, item) for item in variations]
        self._responses[name] = tuple(variation for variation in read if variation is not None)

    def _variation(self, block: Block, name: str, item: Any) -> Variation | None:
        if not isinstance(item, Block) or not any(key in item for key in ("text", "custom", "buttons")):
            self._problem(block, name, f"a variation of `{name}` has neither text nor custom")
            return None
        for key in item:
            if key not in {"text", "buttons", "custom", "channel", "condition", "metadata", "id"}:
                self._problem(item, key, f"`{key}` in a response is not played here")
        buttons = []
        for button in item.get("buttons") or ():
            if not isinstance(button, Block) or not isinstance(button.get("title"), str):
                self._problem(item, "buttons", f"a button of `{name}` has no title")
                continue
            buttons.append(Button(button["title"], str(button.get("payload") or ""), str(button.get("url") or "")))
        conditions = []
        for condition in item.get("condition") or ():
            if not isinstance(condition, Block) or condition.get("type") != "slot" or "name" not in condition:
                self._problem(item, "condition", f"a condition of `{name}` must have `type: slot`, a name and a value")
                continue
            conditions.append((str(condition["name"]), plain(condition.get("value"))))
        return Variation(
            text=str(item.get("text") or "").strip(),
            buttons=tuple(buttons),
            custom=plain(item.get("custom") or {}),
            channel=item.get("channel"),
            conditions=tuple(conditions),
        )

    def _form(self, block: Block, name: str, settings: Any) -> None:
        if name in self._forms:
            self._problem(block, name, f"form `{name}` is declared twice")
        if not isinstance(settings, Block) or not isinstance(settings.get("required_slots"), list):
            self._problem(block, name, f"form `{name}` needs required_slots (a list, possibly empty)")
            return
        self._forms[name] = Form(
            name,
            tuple(str(slot) for slot in settings["required_slots"]),
            _names(settings.get("ignored_intents")),
        )


def _names(value: Any) -> frozenset[str]:
    if value is None:
        return frozenset()
    return frozenset(value) if isinstance(value, list) else frozenset({str(value)})
