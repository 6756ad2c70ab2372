"""How the columns of a partner's spreadsheet are read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from directory.store.rows import upsert
from directory.store.tables import column_mappings


def get_mapping(tx: Connection, mapping_id: str) -> dict[str, str] | None:
    row = tx.execute(sa.select(column_mappings.c.mapping).where(column_mappings.c.id == mapping_id)).first()
    return None if row is None else dict(json.loads(row.mapping))


def put_mapping(
    tx: Connection, mapping_id: str, *, titles: Sequence[str], mapping: Mapping[str, str], by: str, at: datetime
) -> None:
    upsert(
        tx,
        column_mappings,
        {
            "id": mapping_id,
            "titles": json.dumps(list(titles), ensure_ascii=False),
            "mapping": json.dumps(dict(mapping), ensure_ascii=False),
            "by": by,
            "modified_at": at,
        },
    )
