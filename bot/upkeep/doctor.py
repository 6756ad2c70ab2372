"""Looking whether all is well."""

from __future__ import annotations

import asyncio
import os
import resource

from msgspec import Struct
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from bot.cases.auditor import look_at_watch
from bot.conversations import stuck
from bot.exchange.post.watch import look_at_exchange
from bot.kernel import audit, officers
from bot.kernel.clock import SystemClock
from bot.kernel.crypto import Vault, WrongMasterKey
from bot.kernel.database import Database, DatabaseUnavailable, open_database, what_may_lose_commits
from bot.kernel.master_key import MASTER_KEY_FILE, master_key_bytes
from bot.kernel.migrations import current, head
from bot.kernel.settings import Settings
from bot.kernel.streams import MOST_STRANGERS, MOST_STREAMS
from bot.texts import service as texts
from bot.texts.shelf import read_approved
from bot.upkeep.backups import embedded_file
from bot.upkeep.installation import installation
from bot.upkeep.procedures import PROCEDURES

#: Open chats and desks, at the most that are let in (`bot.kernel.streams`), and what the program holds open itself.
FILES_WANTED = MOST_STREAMS + MOST_STRANGERS + 96


class Finding(Struct, frozen=True):
    """One thing that was looked at."""

    well: bool
    says: str


async def examine(settings: Settings) -> list[Finding]:
    """`./waymark doctor`: everything that can be looked at from outside, each as a sentence. Changes nothing."""
    found = [_about_folder(settings), *_about_key_file(settings), *_about_open_files()]
    if make_url(settings.database_url).get_backend_name() == "sqlite" and not embedded_file(settings).exists():
        return [*found, Finding(True, "database: not there yet; ./waymark up will make it")]
    database = open_database(settings.database_url)
    try:
        return [*found, *await _examine_database(settings, database)]
    except (DatabaseUnavailable, DBAPIError, OSError) as error:
        said = str(getattr(error, "orig", None) or error).splitlines()
        return [*found, Finding(False, f"database: cannot be used ({said[0] if said else type(error).__name__})")]
    finally:
        await database.close()


async def _examine_database(settings: Settings, database: Database) -> list[Finding]:
    at = SystemClock().now()
    revision = await database.read(current)
    if revision is None:
        return [Finding(True, "database: empty; ./waymark up will fill it")]
    found = [_about_revision(revision)]
    if database.dialect == "sqlite":
        whole = await database.read(lambda tx: tx.exec_driver_sql("PRAGMA quick_check(1)").scalar_one())
        found.append(Finding(whole == "ok", f"database file: {'whole' if whole == 'ok' else whole}"))
    loose = await database.read(what_may_lose_commits)
    found.extend(Finding(False, f"database server: {name} is off; a power cut can lose messages") for name in loose)
    if revision != head():
        return found
    try:
        vault = Vault(master_key_bytes(settings, may_make=False))
        await database.write(lambda tx: vault.prepare(tx, at))
    except WrongMasterKey as error:
        return [*found, Finding(False, f"master key: {error}")]
    found.append(Finding(True, "master key: opens this database"))
    report = await database.read(lambda tx: audit.verify(tx, vault))
    whole_record = "whole" if report.ok else f"changed at act {report.first_wrong}"
    found.append(Finding(report.ok, f"record of acts: {report.rows} rows, {whole_record}"))
    broken = await database.read(lambda tx: stuck.check_invariants(tx, at))
    found.extend(Finding(False, f"message path: {sentence}") for sentence in broken)
    if not broken:
        found.append(Finding(True, "message path: nothing lost, nothing stuck"))
    found.extend(await _about_texts(database))
    watch = await database.read(lambda tx: look_at_watch(tx, at=at))
    found.append(Finding(watch.alive, f"alarms: {'watched' if watch.alive else 'nobody watches; is a server up?'}"))
    wanting = await database.read(lambda tx: look_at_exchange(tx, vault, at))
    found.extend(Finding(False, f"partners: {sentence}") for sentence in wanting)
    people = await database.read(lambda tx: officers.list_officers(tx, active_only=True))
    how = "" if people else "; add one with: ./waymark user add"
    return [*found, Finding(bool(people), f"desk: {len(people)} people can sign in{how}")]


async def _about_texts(database: Database) -> list[Finding]:
    """Whether what was approved at the desk reaches people. The files themselves are read at every start."""
    approved = await database.read(texts.approved_edits)
    if not approved:
        return []
    read = await asyncio.to_thread(read_approved, PROCEDURES, approved)
    if not read.unreadable:
        return [Finding(True, f"texts: {len(approved)} approved at the desk, all can be read")]
    return [Finding(False, f"texts: {problem}") for problem in read.unreadable]


def _about_folder(settings: Settings) -> Finding:
    folder = settings.data_dir.absolute()
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if not nearest.is_dir():
        return Finding(False, f"data folder: {nearest} is not a folder")
    if not os.access(nearest, os.W_OK | os.X_OK):
        return Finding(False, f"data folder: nothing can be written into {nearest}")
    return Finding(True, f"settings: {settings.public_url}, data in {settings.data_dir}")


def _about_open_files() -> list[Finding]:
    """Of this account and shell; a server that was started elsewhere may have another limit."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard == resource.RLIM_INFINITY or hard >= FILES_WANTED:
        return []
    how = f"every open chat and desk is one, and {FILES_WANTED} are wanted: ulimit -Hn, or LimitNOFILE= of systemd"
    return [Finding(False, f"open files: at most {hard}; {how}")]


def _about_revision(revision: str) -> Finding:
    if revision == head():
        return Finding(True, f"database: revision {revision}, as this release needs")
    todo = "./waymark up migrates it" if revision < head() else "install the newer release of Waymark"
    return Finding(False, f"database: revision {revision}, this release needs {head()}; {todo}")


def _about_key_file(settings: Settings) -> list[Finding]:
    path = settings.data_dir / MASTER_KEY_FILE
    if settings.master_key.value:
        return [Finding(True, "master key: given by the environment")]
    if not path.exists():
        return []
    private = path.stat().st_mode & 0o077 == 0
    return [Finding(private, f"master key: in {path}{'' if private else ', which others can read: chmod 600'}")]


async def verify_audit(settings: Settings, known_head: str | None) -> Finding:
    """Walk the whole chain; see `bot.kernel.audit.verify`."""
    async with installation(settings) as (database, vault):
        report = await database.read(lambda tx: audit.verify(tx, vault, expected_head=known_head))
    if report.ok:
        return Finding(True, f"The record is whole: {report.rows} acts. Keep this head elsewhere: {report.head}")
    if report.first_wrong is None:
        return Finding(False, "The record was cut: the head you gave is no longer in it.")
    return Finding(False, f"The record was changed: act {report.first_wrong} does not fit what comes before it.")
