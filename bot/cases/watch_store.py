"""The only SQL about those who watch over the alarms: when each was seen alive, and whether what it saw was well."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases.store import watch
from bot.kernel.database import insert_or_nothing

PAGER = "pager"


class Beat(Struct, frozen=True):
    """The last sign of life of one of those who watch."""

    at: datetime
    ok: bool
    facts: Mapping[str, Any]


def put_beat(tx: Connection, name: str, *, at: datetime, ok: bool, facts: Mapping[str, Any]) -> None:
    values = {"at": at, "ok": ok, "facts": json.dumps(dict(facts))}
    if not insert_or_nothing(tx, watch, values | {"name": name}):
        tx.execute(watch.update().where(watch.c.name == name).values(**values))


def beats(tx: Connection) -> dict[str, Beat]:
    return {row.name: Beat(row.at, row.ok, json.loads(row.facts)) for row in tx.execute(sa.select(watch))}
