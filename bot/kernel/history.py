"""What happened to things of one kind, each in a table of its own: ids and codes only, in the order it happened."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.kernel.database import insert_or_nothing
from bot.kernel.ids import new_id


class Happened(Struct, frozen=True):
    """One thing that happened."""

    at: datetime
    act: str
    officer_id: str | None  # None: the program
    facts: Mapping[str, Any]


class History:
    """A table of what happened, with `id`, `at`, `act`, `officer_id`, `facts`, `once` and a column `of`: to what."""

    def __init__(self, table: sa.Table, *, of: str) -> None:
        self._table = table
        self._of = table.c[of]

    def add(
        self,
        tx: Connection,
        of: str,
        act: str,
        *,
        officer_id: str | None,
        at: datetime,
        facts: Mapping[str, Any] | None = None,
        once: str | None = None,
    ) -> bool:
        """Write down what happened. False when `once` was used before: then it has happened already."""
        values = {
            "id": new_id(),
            self._of.name: of,
            "at": at,
            "act": act,
            "officer_id": officer_id,
            "facts": json.dumps(dict(facts or {})),
            "once": once,
        }
        return insert_or_nothing(tx, self._table, values)

    def all_of(self, tx: Connection, of: str) -> list[Happened]:
        """The first of it first."""
        rows = tx.execute(sa.select(self._table).where(self._of == of).order_by(self._table.c.at, self._table.c.id))
        return [Happened(row.at, row.act, row.officer_id, json.loads(row.facts)) for row in rows]

    def has(self, tx: Connection, of: str, act: str) -> bool:
        """Whether this ever happened to it."""
        this = sa.select(self._table.c.id).where(self._of == of, self._table.c.act == act)
        return tx.execute(this.limit(1)).first() is not None
