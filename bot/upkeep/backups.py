"""Copies of an embedded database, and the way back to one."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa
from msgspec import structs
from sqlalchemy.engine import Connection, make_url

from bot.conversations import service as conversations
from bot.erasing import erase_person
from bot.exchange.post import service as post
from bot.foreground import CannotDo
from bot.kernel import audit
from bot.kernel.clock import SystemClock
from bot.kernel.crypto import Vault, data_keys
from bot.kernel.master_key import master_key_bytes
from bot.kernel.settings import Settings
from bot.upkeep.installation import installation


async def back_up(settings: Settings, to: Path) -> str:
    """A consistent copy of an embedded database, taken while it is in use."""
    size = await asyncio.to_thread(_back_up, embedded_file(settings), to)
    return f"{to}: {size / 1_000_000:.1f} MB, checked. It is useless without the master key; keep that elsewhere."


def _back_up(source: Path, to: Path) -> int:
    if to.exists():
        raise CannotDo(f"{to} is there already; a backup never overwrites")
    _copy(source, to)
    return to.stat().st_size


def _copy(source: Path, to: Path) -> None:
    if not source.exists():
        raise CannotDo(f"{source} is not there: nothing was ever kept in it")
    to.parent.mkdir(parents=True, exist_ok=True)
    to.touch(0o600)
    try:
        with closing(sqlite3.connect(source)) as from_, closing(sqlite3.connect(to)) as into:
            from_.backup(into)
            into.execute("PRAGMA journal_mode=DELETE")  # one file, with nothing beside it
        _must_be_whole(to)
    except sqlite3.Error as error:
        to.unlink()
        raise CannotDo(f"{source} could not be copied: {error}") from None
    except CannotDo:
        to.unlink()
        raise


def _must_be_whole(path: Path) -> None:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            answer = connection.execute("PRAGMA integrity_check").fetchone()[0]
    except sqlite3.DatabaseError as error:
        answer = str(error)
    if answer != "ok":
        raise CannotDo(f"{path} is not a whole database: {answer}")


async def restore(settings: Settings, source: Path, *, replace: bool) -> str:
    """Put a backup in place. What was erased after it was made is erased again before anyone can read it.

    All of that is done to a draft beside the database, which takes its place at the very end.
    """
    from bot.alone import alone_on

    target = embedded_file(settings)
    with alone_on(settings.database_url):
        _must_be_possible(source, target, replace=replace)
        erased = _erased_keys(target)
        draft = target.with_name(f"{target.name}.restoring")
        try:
            await asyncio.to_thread(_copy, source, draft)
            again, acts = await _make_ready(structs.replace(settings, database_url=f"sqlite:///{draft}"), erased)
            _put_in_place(draft, target)
        finally:
            _remove(draft)
    return (
        f"Restored, and the record of {acts} acts is whole. Erased again: {again}. What was there before is "
        "beside it as *.before-restore; delete that when you are sure."
    )


def _must_be_possible(source: Path, target: Path, *, replace: bool) -> None:
    if not source.is_file():
        raise CannotDo(f"{source} is not there")
    if target.exists() and not replace:
        raise CannotDo(f"{target} is there already; to put the backup in its place add --replace")


def _put_in_place(draft: Path, target: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        if (old := Path(f"{target}{ending}")).exists():
            old.rename(f"{old}.before-restore")
    draft.rename(target)


async def _make_ready(draft: Settings, erased: Sequence[str]) -> tuple[int, int]:
    """Migrate, check and erase. Raises what says why this backup cannot be served."""
    Vault(master_key_bytes(draft, may_make=False))
    async with installation(draft) as (database, vault):
        report = await database.read(lambda tx: audit.verify(tx, vault))
        if not report.ok:
            raise CannotDo(f"the record of acts in this backup is not whole from act {report.first_wrong} on")
        again = await database.write(lambda tx: _erase_again(tx, vault, erased))
        await database.write(post.after_restore)
        await database.clear_log()
    return again, report.rows


def _remove(path: Path) -> None:
    for ending in ("", "-wal", "-shm", "-journal"):
        Path(f"{path}{ending}").unlink(missing_ok=True)


def _erased_keys(path: Path) -> list[str]:
    """The keys that were destroyed in the database that is about to be replaced, if there is one."""
    if not path.exists():
        return []
    try:
        with closing(sqlite3.connect(path)) as connection:
            rows = connection.execute("SELECT id FROM data_keys WHERE wrapped IS NULL").fetchall()
    except sqlite3.DatabaseError as error:
        raise CannotDo(
            f"{path} cannot be read ({error}), so nobody knows what was erased since the backup. "
            "If that must be, move it away yourself and run this again"
        ) from None
    return [row[0] for row in rows]


def _erase_again(tx: Connection, vault: Vault, key_ids: Sequence[str]) -> int:
    at = SystemClock().now()
    alive = set(tx.execute(sa.select(data_keys.c.id).where(data_keys.c.wrapped.is_not(None))).scalars())
    gone = alive & set(key_ids)
    for conversation_id in conversations.sealed_with(tx, gone):
        erase_person(tx, vault, conversation_id, at=at, why="restored")
    for key_id in gone:
        vault.destroy(tx, key_id, at)
    return len(gone)


def embedded_file(settings: Settings) -> Path:
    url = make_url(settings.database_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        raise CannotDo("this database is PostgreSQL: use pg_dump and pg_restore, and keep the master key apart")
    return Path(url.database)
