"""A record as a Primero v2 case, and back: what the map of fields makes of it. Knows no database."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from msgspec import Struct, convert, field

from bot.cases.record.fields import FIELDS, WrongValue, checked

MAP = Path(__file__).with_name("fields.yml")
#: Never sent, whatever the map says: where a person is may be a safe place, and how they are reached is theirs.
LOCKED = frozenset({"location", "safe_contact", "do_not_contact"})
LONGEST_FILE = 1024 * 1024
MOST_RECORDS = 20
MOST_FIELDS = 400


class CannotRead(ValueError):
    """This is no file of Primero cases. `code` says what is wrong with it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Mapped(Struct, frozen=True, forbid_unknown_fields=True):
    """How one field of ours is called there."""

    name: str
    kind: Literal["text", "number", "flag", "list"] = "text"
    values: Mapping[str, str] = field(default_factory=dict)
    only_in: bool = False
    joined: bool = False

    @property
    def place(self) -> tuple[str, str]:
        """The subform and the name in it; "" for a field of the case itself."""
        subform, _, name = self.name.rpartition(".")
        return subform, name


class FieldMap(Struct, frozen=True, forbid_unknown_fields=True):
    """The file."""

    fields: Mapping[str, Mapped]
    numbers: Sequence[str] = ()

    def sendable(self) -> frozenset[str]:
        """The fields of ours that may be sent at all."""
        return frozenset(code for code, one in self.fields.items() if not one.only_in) - LOCKED


class Taken(Struct, frozen=True):
    """What was understood of one record, and what was not."""

    facts: Mapping[str, tuple[str, ...]]
    left: Mapping[str, str]  # by their name: it goes into a note, so that nothing is lost
    number: str


def load_map(file: Path = MAP) -> FieldMap:
    """Raises msgspec.ValidationError for what is no map, and ValueError for a field that we do not have."""
    found = convert(yaml.safe_load(file.read_text(encoding="utf-8")), FieldMap)
    if unknown := sorted(found.fields.keys() - FIELDS.keys()):
        raise ValueError(f"{file}: there is no field {', '.join(unknown)}")
    return found


def map_of(data_dir: Path) -> FieldMap:
    """The map of this installation: `primero.yml` in its data folder, or the one that came with the program."""
    own = data_dir / "primero.yml"
    return load_map(own if own.is_file() else MAP)


def as_primero(facts: Mapping[str, Sequence[str]], fields: FieldMap) -> dict[str, Any]:
    """The `data` of a case there. What has no name or no value there is left out."""
    data: dict[str, Any] = {}
    for code in [code for code in fields.fields if code in facts.keys() & fields.sendable()]:
        one = fields.fields[code]
        said = [one.values.get(value) if one.values else value for value in facts[code]]
        values = [value for value in said if value]
        if not values:
            continue
        subform, name = one.place
        there = data.setdefault(subform, [{}])[0] if subform else data
        if one.joined:
            told = f"{FIELDS[code].title}: {values[0]}"
            there[name] = f"{there[name]}\n{told}" if name in there else told
        else:
            there[name] = _theirs(values, one)
    return data


def holds(data: Mapping[str, Any], one: Mapped) -> bool:
    """Whether this field of theirs is in what `as_primero` made."""
    subform, name = one.place
    return name in (data.get(subform, [{}])[0] if subform else data)


def _theirs(values: Sequence[str], one: Mapped) -> Any:
    if one.kind == "list":
        return list(values)
    if one.kind == "number":
        return int(values[0])
    return values[0] == "yes" if one.kind == "flag" else values[0]


def written(record_id: str, data: Mapping[str, Any]) -> bytes:
    """The file, as Primero's own exporter writes it: a list of records."""
    return json.dumps([{"id": record_id, "data": data}], ensure_ascii=False, indent=2).encode()


def read(content: bytes) -> list[dict[str, Any]]:
    """The `data` of each record in a file. Raises CannotRead."""
    if len(content) > LONGEST_FILE:
        raise CannotRead("too_large")
    try:
        found = json.loads(content.decode("utf-8-sig"))
        json.dumps(found, ensure_ascii=False).encode()  # half of a pair, written as an escape, is no text
    except (ValueError, RecursionError):
        raise CannotRead("no_json") from None
    records = found if isinstance(found, list) else [found]
    if not 1 <= len(records) <= MOST_RECORDS:
        raise CannotRead("how_many")
    told = [record.get("data", record) if isinstance(record, dict) else None for record in records]
    if not all(isinstance(data, dict) and data and len(data) <= MOST_FIELDS for data in told):
        raise CannotRead("no_cases")
    return [data for data in told if data is not None]


def taken(data: Mapping[str, Any], fields: FieldMap) -> Taken:
    """What of a record fits into ours. What does not fit is not bent: it is left, as text."""
    facts: dict[str, tuple[str, ...]] = {}
    told = _unfolded(data, {one.place[0] for one in fields.fields.values()} - {""})
    left = {str(name): _text(value) for name, value in told.items() if value not in (None, "", [], {})}
    for code, one in fields.fields.items():
        if one.name not in left or one.joined:
            continue
        values, whole = _ours(told[one.name], one)
        try:
            kept = checked(FIELDS[code], values)
        except WrongValue:
            continue
        if kept:
            facts[code] = kept
        if whole and kept:
            del left[one.name]
    number = next((str(data[name])[:40] for name in fields.numbers if data.get(name)), "")
    return Taken(facts, left, number)


def _unfolded(data: Mapping[str, Any], subforms: Collection[str]) -> dict[str, Any]:
    """The fields of a subform that has one entry, each by its own name; one with several stays whole."""
    told: dict[str, Any] = {}
    for name, value in data.items():
        one_entry = name in subforms and isinstance(value, list) and len(value) == 1
        if one_entry and isinstance(value[0], dict) and value[0]:
            told |= {f"{name}.{inner}": each for inner, each in value[0].items()}
        else:
            told[name] = value
    return told


def _ours(value: Any, one: Mapped) -> tuple[list[str], bool]:
    """A value of theirs in our words, and whether that is all of it."""
    if one.kind == "flag":
        return (["yes" if value else "no"], True) if isinstance(value, bool) else ([], False)
    said = [_text(each) for each in value] if isinstance(value, list) else [_text(value)]
    back = {theirs: ours for ours, theirs in one.values.items()}
    known = [back.get(each, "") if back else each for each in said]
    values = [each for each in known if each]
    return values, len(values) == len(said) and (len(values) == 1 or one.kind == "list")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    return json.dumps(value, ensure_ascii=False)
