"""Files that are taken in a little at a time, and what would have to be taken back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection, Row

from directory.model import Service
from directory.store.reading import get_service
from directory.store.records import delete_services, put_service
from directory.store.tables import import_pieces, imported, imports, organizations, services

PIECE_BYTES = 512 * 1024


class ImportState(StrEnum):
    """`sent` files wait for somebody's word; only `taking` ones have written records, which `undoing` takes back."""

    SENT = "sent"
    CHECKING = "checking"
    CHECKED = "checked"
    TAKING = "taking"
    UNDOING = "undoing"
    DONE = "done"
    REFUSED = "refused"


class Import(Struct, frozen=True):
    """One file, and how far it is. `told` is what the rehearsal or the import said of its rows."""

    id: str
    name: str
    by: str
    begun_at: datetime
    touched_at: datetime
    state: ImportState
    columns: Mapping[str, str] | None
    told: Mapping[str, Any] | None
    taken: int


def add_import(tx: Connection, import_id: str, *, name: str, by: str, at: datetime, state: ImportState) -> None:
    tx.execute(
        imports.insert().values(
            id=import_id, name=name, by=by, begun_at=at, touched_at=at, state=state.value, columns="", told="", taken=0
        )
    )


def get_import(tx: Connection, import_id: str) -> Import | None:
    row = tx.execute(sa.select(imports).where(imports.c.id == import_id)).first()
    return None if row is None else _import(row)


def list_imports(tx: Connection, *, limit: int) -> list[Import]:
    """The latest first."""
    return [_import(row) for row in tx.execute(sa.select(imports).order_by(imports.c.begun_at.desc()).limit(limit))]


def silent_imports(tx: Connection, states: Sequence[ImportState], *, since: datetime) -> list[str]:
    """Ids of the imports in these states that gave no sign of life since then."""
    query = sa.select(imports.c.id).where(imports.c.state.in_([state.value for state in states]))
    return list(tx.execute(query.where(imports.c.touched_at < since)).scalars())


def move_import(
    tx: Connection, import_id: str, *, before: Sequence[ImportState], state: ImportState, at: datetime, **also: Any
) -> bool:
    """Go on to `state`; False, and nothing done, when the import is in none of the states `before`."""
    here = imports.c.state.in_([one.value for one in before])
    values = {
        name: json.dumps(value, ensure_ascii=False) if name in ("told", "columns") else value
        for name, value in also.items()
    }
    query = imports.update().where(imports.c.id == import_id, here)
    return tx.execute(query.values(state=state.value, touched_at=at, **values)).rowcount == 1


def touch_import(tx: Connection, import_id: str, *, at: datetime, taken: int) -> None:
    tx.execute(imports.update().where(imports.c.id == import_id).values(touched_at=at, taken=taken))


def delete_import(tx: Connection, import_id: str) -> None:
    """Forget the file; what it brought in stays."""
    drop_pieces(tx, import_id)
    tx.execute(imported.delete().where(imported.c.import_id == import_id))
    tx.execute(imports.delete().where(imports.c.id == import_id))


def add_imported(tx: Connection, import_id: str, ids: Iterable[str], *, organization: bool = False) -> None:
    """Note records that the import has made."""
    rows = [{"import_id": import_id, "record_id": i, "organization": organization, "before": ""} for i in ids]
    if rows:
        tx.execute(imported.insert(), rows)


def add_overwritten(tx: Connection, import_id: str, drafts: Mapping[str, Service]) -> None:
    """Note drafts as they were before the import wrote over them."""
    rows = [
        {"import_id": import_id, "record_id": i, "organization": False, "before": msgspec.json.encode(was).decode()}
        for i, was in drafts.items()
    ]
    if rows:
        tx.execute(imported.insert(), rows)


def forget_imported(tx: Connection, import_id: str) -> None:
    """It came to its end: nothing will be taken back."""
    tx.execute(imported.delete().where(imported.c.import_id == import_id))


def undo_imported(tx: Connection, import_id: str, *, at: datetime, limit: int) -> int:
    """Take back some of what an import wrote, its organisations last. Returns how many notes were dealt with.

    What is no draft any more is left: somebody made it theirs.
    """
    query = sa.select(imported).where(imported.c.import_id == import_id)
    rows = tx.execute(query.order_by(imported.c.organization, imported.c.record_id).limit(limit)).all()
    made = [row.record_id for row in rows if not row.organization and not row.before]
    drafts = sa.select(services.c.id).where(services.c.id.in_(made), services.c.state == "draft")
    delete_services(tx, list(tx.execute(drafts).scalars()))
    for row in rows:
        if row.before and (now := get_service(tx, row.record_id)) is not None and now.state == "draft":
            put_service(tx, msgspec.json.decode(row.before, type=Service), at=at)
    owners = [row.record_id for row in rows if row.organization]
    used = sa.exists().where(services.c.organization_id == organizations.c.id)
    tx.execute(organizations.delete().where(organizations.c.id.in_(owners), ~used))
    for row in rows:
        which = imported.c.record_id == row.record_id, imported.c.organization == row.organization
        tx.execute(imported.delete().where(imported.c.import_id == import_id, *which))
    return len(rows)


def put_pieces(tx: Connection, import_id: str, content: bytes) -> None:
    pieces = range(0, len(content), PIECE_BYTES)
    tx.execute(
        import_pieces.insert(),
        [
            {"import_id": import_id, "position": number, "content": content[start : start + PIECE_BYTES]}
            for number, start in enumerate(pieces)
        ],
    )


def get_pieces(tx: Connection, import_id: str) -> bytes:
    query = sa.select(import_pieces.c.content).where(import_pieces.c.import_id == import_id)
    return b"".join(tx.execute(query.order_by(import_pieces.c.position)).scalars())


def drop_pieces(tx: Connection, import_id: str) -> None:
    tx.execute(import_pieces.delete().where(import_pieces.c.import_id == import_id))


def _import(row: Row[Any]) -> Import:
    return Import(
        row.id,
        row.name,
        row.by,
        row.begun_at,
        row.touched_at,
        ImportState(row.state),
        json.loads(row.columns) if row.columns else None,
        json.loads(row.told) if row.told else None,
        row.taken,
    )
