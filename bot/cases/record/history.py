"""What a record said before: who changed which field, when, and from what."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases.hand import Hand
from bot.cases.record import service, store
from bot.cases.record.service import Record


class Change(Struct, frozen=True):
    """One field, changed once. Values are codes where the field has choices; () is nothing, or erased."""

    field: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    officer_id: str
    at: datetime
    is_first: bool  # nothing was ever written there before


def changes(tx: Connection, hand: Hand, case_id: str) -> tuple[Record, list[Change]]:
    """Every change of the fields this officer sees in the record at this moment, the newest first.

    A field that is hidden in the record has no history either. Raises CaseNotFound, NotAllowedNow; the reading is in
    the audit log.
    """
    record = service.show_record(tx, hand, case_id)
    said: dict[str, tuple[str, ...]] = {}
    found = []
    for row in store.all_facts(tx, case_id):
        if row.field in record.hidden:
            continue
        after = service.values_of(tx, hand.vault, record.case, row)
        first = row.field not in said
        found.append(Change(row.field, said.get(row.field, ()), after, row.officer_id, row.at, first))
        said[row.field] = after
    return record, found[::-1]
