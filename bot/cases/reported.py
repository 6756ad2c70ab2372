"""What a worker reported, question by question, in the record of the case: an officer reads it where they work with it.

It is written as it was said, and never over what an officer wrote. What fits no choice of a field stands in the words
beside it. Nobody assesses anything here: alone is what somebody saw, "unaccompanied" is for an officer to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy.engine import Connection

from bot.cases.hand import SYSTEM, write_down
from bot.cases.model import Case
from bot.cases.record import store as record_store
from bot.cases.record.fields import FIELDS, LONGEST_LONG, LONGEST_TEXT, Kind, WrongValue, checked
from bot.kernel.crypto import DataKey, Erased, Vault
from bot.kernel.ids import new_id

#: Which field of the record holds the answer to which question of the form (`dialogues/actions/report.py`).
FIELD_OF: Mapping[str, str] = MappingProxyType(
    {
        "report_now": "urgent",
        "report_place": "location",
        "report_child": "reported_seen",
        "report_children": "reported_children",
        "report_age": "reported_age",
        "report_with": "reported_with",
        "report_adult": "reported_adult",
        "report_need": "reported_need",
        "report_wish": "wishes",
        "report_reach": "reported_reach",
    }
)
#: Where the words go that fit no choice.
OTHERWISE = "reported_else"


def take_in(tx: Connection, vault: Vault, case: Case, report: Mapping[str, str], *, at: datetime) -> list[str]:
    """Write the answers into the record of an open case. Returns the fields that were written.

    A field that says something already is left as it is, unless the report itself wrote it: an answer given again is
    the newer one. Erased words stay erased.
    """
    try:
        key = vault.key(tx, case.key_id)
    except Erased:
        return []
    present = {row.field: row for row in record_store.present_facts(tx, case.id, lock=True)}
    written = []
    for code, value in _values(report).items():
        row = present.get(code)
        if row is not None and row.officer_id != SYSTEM:
            continue
        before = () if row is None else _said(key, row)
        after = _joined(before, value) if code == OTHERWISE else value
        if after == before:
            continue
        _put(tx, key, case, code, after, None if row is None else row.id, at)
        written.append(code)
    if written:
        write_down(tx, vault, case, "reported", officer_id=None, at=at, facts={"fields": str(len(written))})
    return written


def _values(report: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Each answer under its field; those that a field does not take, as they were said, under `OTHERWISE`."""
    found: dict[str, tuple[str, ...]] = {}
    for question, code in FIELD_OF.items():
        said = report.get(question, "").strip()
        if not said:
            continue
        field = FIELDS[code]
        try:
            value = checked(field, [said[:LONGEST_TEXT] if field.kind is Kind.TEXT else said])
        except WrongValue:
            code, value = OTHERWISE, _joined(found.get(OTHERWISE, ()), (said,))
        found[code] = value
    return found


def _joined(before: tuple[str, ...], after: tuple[str, ...]) -> tuple[str, ...]:
    """Two answers in words, one line each and none twice."""
    lines = [line for said in (*before, *after) for line in said.splitlines()]
    return ("\n".join(dict.fromkeys(lines))[:LONGEST_LONG],)


def _said(key: DataKey, row: Any) -> tuple[str, ...]:
    if row.value_sealed is None:
        return ()
    return tuple(key.open_json(row.value_sealed, table="case_facts", row=row.id, field="value"))


def _put(
    tx: Connection, key: DataKey, case: Case, code: str, value: tuple[str, ...], before: str | None, at: datetime
) -> None:
    fact_id = new_id()
    sealed = key.seal_json(list(value), table="case_facts", row=fact_id, field="value")
    values = {"id": fact_id, "case_id": case.id, "field": code, "value_sealed": sealed, "officer_id": SYSTEM, "at": at}
    record_store.replace_fact(tx, before, values)
