"""Looking after an installation: people, keys, backups, checks. One use case a command of `./waymark`."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, make_url

from bot import demonstration
from bot.cases.auditor import look_at_watch
from bot.conversations import service as conversations
from bot.kernel import audit, officers
from bot.kernel.access import Role
from bot.kernel.clock import SystemClock
from bot.kernel.crypto import Vault, data_keys
from bot.kernel.database import Database, open_database
from bot.kernel.migrations import current, head, migrate
from bot.kernel.settings import MASTER_KEY_FILE, Settings, master_key_bytes, old_master_key_bytes
from directory import service as directory

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[1]


class CannotDo(Exception):
    """Why not, and what to do instead, as a sentence."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    well: bool
    says: str


@asynccontextmanager
async def _installation(settings: Settings) -> AsyncIterator[tuple[Database, Vault]]:
    """The database, migrated, and its vault. May run beside a server."""
    vault = Vault(master_key_bytes(settings))
    database = open_database(settings.database_url)
    try:
        await migrate(database)
        await database.write(lambda tx: vault.prepare(tx, SystemClock().now()))
        yield database, vault
    finally:
        await database.close()


async def _write(settings: Settings, work: Callable[[Connection, Vault], T]) -> T:
    async with _installation(settings) as (database, vault):
        return await database.write(lambda tx: work(tx, vault))


# --- people ---


async def add_user(
    settings: Settings, name: str, sign_in_name: str, roles: Sequence[str], languages: Sequence[str]
) -> str:
    """Make an account. Raises CannotDo for unknown roles and taken names."""
    unknown = sorted(set(roles) - {role.value for role in Role})
    if unknown:
        known = ", ".join(role.value for role in Role)
        raise CannotDo(f"there is no role {', '.join(unknown)}. There are: {known}")
    at = SystemClock().now()

    def work(tx: Connection, vault: Vault) -> str:
        made = officers.add_officer(
            tx,
            vault,
            name=name,
            sign_in_name=sign_in_name,
            roles=[Role(role) for role in roles],
            languages=languages,
            at=at,
        )
        audit.append(tx, vault, at=at, actor="system:command", act="officer.added", object=f"officer:{made.id}")
        return officers.make_link(tx, made.id, at)

    try:
        token = await _write(settings, work)
    except officers.SignInNameTaken:
        raise CannotDo(f"somebody signs in as {sign_in_name} already; choose another name with --as") from None
    return _link_said(settings, token)


async def make_sign_in_link(settings: Settings, sign_in_name: str) -> str:
    """A fresh one-time link. Raises CannotDo for unknown or disabled people."""
    at = SystemClock().now()

    def work(tx: Connection, vault: Vault) -> str:
        found = _known(tx, sign_in_name)
        if not found.active:
            raise CannotDo(f"{sign_in_name} is disabled")
        audit.append(tx, vault, at=at, actor="system:command", act="officer.link_made", object=f"officer:{found.id}")
        return officers.make_link(tx, found.id, at)

    return _link_said(settings, await _write(settings, work))


async def list_users(settings: Settings) -> list[str]:
    async with _installation(settings) as (database, _vault):
        people = await database.read(officers.list_officers)
    return [
        f"{person.sign_in_name:<20} {'' if person.active else 'disabled '}{', '.join(sorted(person.roles))}"
        f"{'  (demonstration)' if person.demo else ''}"
        for person in people
    ]


async def disable_user(settings: Settings, sign_in_name: str) -> str:
    """End every way in. A case they hold goes back to the queue at the next audit, within a minute."""
    at = SystemClock().now()

    def work(tx: Connection, vault: Vault) -> None:
        found = _known(tx, sign_in_name)
        officers.disable_officer(tx, found.id, at)
        audit.append(tx, vault, at=at, actor="system:command", act="officer.disabled", object=f"officer:{found.id}")

    await _write(settings, work)
    return f"{sign_in_name} can no longer sign in; every session and link has ended."


def _known(tx: Connection, sign_in_name: str) -> officers.Officer:
    found = officers.find_officer(tx, sign_in_name)
    if found is None:
        raise CannotDo(f"nobody signs in as {sign_in_name}; see: ./waymark user list")
    return found


def _link_said(settings: Settings, token: str) -> str:
    return f"Sign in once, within 15 minutes: {settings.public_url}{link_path(token)}"


# --- the demonstration, the record, the key ---


async def remove_demonstration(settings: Settings) -> str:
    return await _write(settings, lambda tx, vault: demonstration.remove(tx, vault, SystemClock()))


async def verify_audit(settings: Settings, known_head: str | None) -> Finding:
    """Walk the whole chain; see `bot.kernel.audit.verify`."""
    async with _installation(settings) as (database, vault):
        report = await database.read(lambda tx: audit.verify(tx, vault, expected_head=known_head))
    if report.ok:
        return Finding(True, f"The record is whole: {report.rows} acts. Keep this head elsewhere: {report.head}")
    if report.first_wrong is None:
        return Finding(False, "The record was cut: the head you gave is no longer in it.")
    return Finding(False, f"The record was changed: act {report.first_wrong} does not fit what comes before it.")


async def rotate_master_key(settings: Settings) -> str:
    """Wrap every data key under WAYMARK_MASTER_KEY; WAYMARK_OLD_MASTER_KEY still opens them. One transaction."""
    old_key, new_key = old_master_key_bytes(settings), master_key_bytes(settings)
    if old_key is None:
        raise CannotDo(
            "set WAYMARK_OLD_MASTER_KEY to the key in use and WAYMARK_MASTER_KEY to the new one "
            "(make it with: openssl rand -base64 32), then run this again"
        )
    if old_key == new_key:
        raise CannotDo("the old and the new master key are the same")
    database = open_database(settings.database_url)
    try:
        count = await database.write(lambda tx: Vault(new_key).rewrap_from(tx, Vault(old_key)))
    finally:
        await database.close()
    return (
        f"{count} keys are wrapped under the new master key. Restart the server with it, keep the old key apart for "
        "as long as backups made before today are kept, then destroy it."
    )


# --- backups ---


async def back_up(settings: Settings, to: Path) -> str:
    """A consistent copy of an embedded database, taken while it is in use."""
    source = _embedded(settings)
    if to.exists():
        raise CannotDo(f"{to} is there already; a backup never overwrites")
    await asyncio.to_thread(_copy, source, to)
    size = to.stat().st_size
    return f"{to}: {size / 1_000_000:.1f} MB, checked. It is useless without the master key; keep that elsewhere."


def _copy(source: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    to.touch(0o600)
    with closing(sqlite3.connect(source)) as from_, closing(sqlite3.connect(to)) as into:
        from_.backup(into)
        _must_be_whole(into, to)


def _must_be_whole(connection: sqlite3.Connection, path: Path) -> None:
    answer = connection.execute("PRAGMA integrity_check").fetchone()[0]
    if answer != "ok":
        raise CannotDo(f"{path} is damaged: {answer}")


async def restore(settings: Settings, source: Path, *, replace: bool) -> str:
    """Put a backup in place. What was erased after it was made is erased again before anyone can read it."""
    from bot.app import alone_on

    target = _embedded(settings)
    if not source.exists():
        raise CannotDo(f"{source} is not there")
    with alone_on(settings.database_url):
        erased = _erased_keys(target) if target.exists() else []
        if target.exists() and not replace:
            raise CannotDo(f"{target} is there already; to put the backup in its place add --replace")
        with closing(sqlite3.connect(source)) as connection:
            _must_be_whole(connection, source)
        for name in (target, Path(f"{target}-wal"), Path(f"{target}-shm")):
            if name.exists():
                name.rename(f"{name}.before-restore")
        await asyncio.to_thread(_copy, source, target)
        async with _installation(settings) as (database, vault):
            again = await database.write(lambda tx: _erase_again(tx, vault, erased))
            report = await database.read(lambda tx: audit.verify(tx, vault))
    if not report.ok:
        raise CannotDo("the backup is in place, but its record of acts is not whole; do not serve it")
    return (
        f"Restored, and the record of {report.rows} acts is whole. Erased again: {again}. What was there before is "
        "beside it as *.before-restore; delete that when you are sure."
    )


def _erased_keys(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT id FROM data_keys WHERE wrapped IS NULL").fetchall()
    return [row[0] for row in rows]


def _erase_again(tx: Connection, vault: Vault, key_ids: Sequence[str]) -> int:
    at = SystemClock().now()
    alive = sa.select(data_keys.c.id).where(data_keys.c.wrapped.is_not(None))
    still_there = set(tx.execute(alive).scalars()) & set(key_ids)
    for key_id in still_there:
        vault.destroy(tx, key_id, at)
    return len(still_there)


def _embedded(settings: Settings) -> Path:
    url = make_url(settings.database_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        raise CannotDo("this database is PostgreSQL: use pg_dump and pg_restore, and keep the master key apart")
    return Path(url.database)


# --- looking whether all is well ---


async def examine(settings: Settings) -> list[Finding]:
    """`./waymark doctor`: everything that can be looked at from outside, each as a sentence."""
    found = [Finding(True, f"settings: {settings.public_url}, data in {settings.data_dir}")]
    database = open_database(settings.database_url)
    try:
        revision = await database.read(current)
        if revision is None:
            return [*found, Finding(True, "database: empty; ./waymark up will fill it")]
        found.append(Finding(revision == head(), f"database: revision {revision}, this release needs {head()}"))
        vault = Vault(master_key_bytes(settings))
        at = SystemClock().now()
        await database.write(lambda tx: vault.prepare(tx, at))
        found.append(Finding(True, "master key: opens this database"))
        report = await database.read(lambda tx: audit.verify(tx, vault))
        found.append(Finding(report.ok, f"record of acts: {report.rows} rows, {'whole' if report.ok else 'CHANGED'}"))
        broken = await database.read(lambda tx: conversations.check_invariants(tx, at))
        found.extend(Finding(False, f"message path: {sentence}") for sentence in broken)
        if not broken:
            found.append(Finding(True, "message path: nothing lost, nothing stuck"))
        watch = await database.read(lambda tx: look_at_watch(tx, at=at))
        found.append(Finding(watch.alive, f"alarms: {'watched' if watch.alive else 'nobody watches; is a server up?'}"))
        people = await database.read(lambda tx: officers.list_officers(tx, active_only=True))
        found.append(Finding(bool(people), f"desk: {len(people)} people can sign in"))
    finally:
        await database.close()
    return [*found, _about_key_file(settings)]


def _about_key_file(settings: Settings) -> Finding:
    path = settings.data_dir / MASTER_KEY_FILE
    if not path.exists():
        return Finding(True, "master key: given by the environment")
    private = path.stat().st_mode & 0o077 == 0
    return Finding(private, f"master key: in {path}{'' if private else ', which others can read: chmod 600'}")


async def verify_directory(settings: Settings) -> list[str]:
    """Which services somebody should call again, the longest unchecked first."""
    at = SystemClock().now()
    async with _installation(settings) as (database, _vault):
        due = await database.read(lambda tx: directory.due_for_verification(tx, at=at))
    lines = [f"{service.id}  {service.name}" for service in due]
    return [*lines, f"{len(due)} services wait to be checked again."]


def check_procedures() -> list[str]:
    """What is wrong with the procedures, a line each."""
    from dialogues.knowledge.check import check

    return [str(problem) for problem in check(ROOT / "dialogues" / "procedures")]
