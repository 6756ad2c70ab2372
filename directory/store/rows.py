"""Long lists of ids, a few at a time; a row that is new or changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

T = TypeVar("T")

#: How many ids go into one IN (…): SQLite takes no more than 32,766 variables, PostgreSQL plans long lists slowly.
IDS_AT_A_TIME = 500


def upsert(tx: Connection, table: sa.Table, row: dict[str, Any]) -> None:
    changed = tx.execute(table.update().where(table.c.id == row["id"]).values(row))
    if changed.rowcount == 0:
        tx.execute(table.insert().values(row))


def portions(ids: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(ids), IDS_AT_A_TIME):
        yield ids[start : start + IDS_AT_A_TIME]
