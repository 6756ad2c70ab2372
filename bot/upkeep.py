"""Looking after an installation: people, keys, erasure, backups, checks. One use case a command of `./waymark`."""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from msgspec import Struct, structs
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import DBAPIError

import bot.offices  # noqa: F401 - with the tables of the exchange: an erasure empties every table that is declared
from bot import demonstration, retention
from bot.cases import receipt_store
from bot.cases import service as cases
from bot.cases import store as case_store
from bot.cases.auditor import look_at_watch
from bot.conversations import service as conversations
from bot.exchange.post import service as post
from bot.exchange.post.watch import look_at_exchange
from bot.foreground import CannotDo
from bot.kernel import audit, officers
from bot.kernel.access import Role
from bot.kernel.clock import SystemClock
from bot.kernel.crypto import Vault, WrongMasterKey, data_keys
from bot.kernel.database import Database, DatabaseUnavailable, metadata, open_database
from bot.kernel.master_key import MASTER_KEY_FILE, master_key_bytes, old_master_key_bytes
from bot.kernel.migrations import current, head, migrate
from bot.kernel.settings import Settings
from bot.texts import service as texts
from bot.texts import store as text_store
from directory import service as directory
from directory.schema import metadata as directory_tables

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[1]

#: Who did it, where nobody is signed in: whoever can run commands on this machine.
COMMAND = "system:command"
LONGEST_NAME = 120


class Finding(Struct, frozen=True):
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


installation = _installation  # for the rooms whose commands stand in files of their own


async def _write(settings: Settings, work: Callable[[Connection, Vault], T]) -> T:
    async with _installation(settings) as (database, vault):
        return await database.write(lambda tx: work(tx, vault))


# --- people ---


async def add_user(
    settings: Settings, name: str, sign_in_name: str, roles: Sequence[str], languages: Sequence[str]
) -> str:
    """Make an account. Raises CannotDo for unknown roles, taken names and names nobody can use."""
    _must_be_usable(name, sign_in_name, roles, languages)
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
        audit.append(tx, vault, at=at, actor=COMMAND, act="officer.added", object=f"officer:{made.id}")
        return officers.make_link(tx, made.id, at)

    try:
        token = await _write(settings, work)
    except officers.SignInNameTaken:
        raise CannotDo(f"somebody signs in as {sign_in_name} already; choose another name with --as") from None
    return _link_said(settings, token)


def _must_be_usable(name: str, sign_in_name: str, roles: Sequence[str], languages: Sequence[str]) -> None:
    unknown = sorted(set(roles) - {role.value for role in Role})
    if unknown:
        known = ", ".join(role.value for role in Role)
        raise CannotDo(f"there is no role {', '.join(unknown)}. There are: {known}")
    for what, given in (("name", name), ("name to sign in with", sign_in_name)):
        if not 1 <= len(given.strip()) <= LONGEST_NAME or not given.isprintable():
            raise CannotDo(f"the {what} needs 1 to {LONGEST_NAME} letters, on one line")
    for language in languages:
        if not re.fullmatch(r"[a-z]{2,3}", language):
            raise CannotDo(f"{language!r} is not the code of a language; give one like en, fr, es, ar or ti")


async def make_sign_in_link(settings: Settings, sign_in_name: str) -> str:
    """A fresh one-time link. Raises CannotDo for unknown or disabled people."""
    at = SystemClock().now()

    def work(tx: Connection, vault: Vault) -> str:
        found = _known(tx, sign_in_name)
        if not found.active:
            raise CannotDo(f"{sign_in_name} is disabled")
        audit.append(tx, vault, at=at, actor=COMMAND, act="officer.link_made", object=f"officer:{found.id}")
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
        audit.append(tx, vault, at=at, actor=COMMAND, act="officer.disabled", object=f"officer:{found.id}")

    await _write(settings, work)
    return f"{sign_in_name} can no longer sign in; every session and link has ended."


def _known(tx: Connection, sign_in_name: str) -> officers.Officer:
    found = officers.find_officer(tx, sign_in_name)
    if found is None:
        raise CannotDo(f"nobody signs in as {sign_in_name}; see: ./waymark user list")
    return found


def _link_said(settings: Settings, token: str) -> str:
    return f"Sign in once, within 15 minutes: {settings.public_url}{officers.link_path(token)}"


# --- the demonstration, the record, the key ---


async def remove_demonstration(settings: Settings) -> str:
    """Take it away for good, its words out of the database's log too. May run beside the server."""
    async with _installation(settings) as (database, vault):
        if not await database.read(demonstration.is_there):
            return "There is no demonstration here; nothing was changed."
        done = await database.write(lambda tx: demonstration.remove(tx, vault, SystemClock()))
        await database.clear_log()
    return f"{done} Restart the server, so that its pages no longer speak of a demonstration."


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
    """Wrap every data key under WAYMARK_MASTER_KEY; WAYMARK_OLD_MASTER_KEY still opens them. One transaction.

    No server may run meanwhile: it would go on wrapping new keys under the old master key.
    """
    from bot.app import alone_on

    path = settings.data_dir / MASTER_KEY_FILE
    old_key, new_key = old_master_key_bytes(settings), settings.master_key.value
    if old_key is None or not new_key:
        kept = f"WAYMARK_OLD_MASTER_KEY_FILE={path}" if path.exists() else "WAYMARK_OLD_MASTER_KEY to the key in use"
        raise CannotDo(
            "make a new key with: openssl rand -base64 32 > new.key; then run this again with "
            f"{kept} and WAYMARK_MASTER_KEY_FILE=new.key"
        )
    if old_key == master_key_bytes(settings):
        raise CannotDo("the old and the new master key are the same")
    with alone_on(settings.database_url):
        database = open_database(settings.database_url)
        try:
            count = await _wrap_anew(database, Vault(old_key), Vault(master_key_bytes(settings)))
        finally:
            await database.close()
    put = f"Put it into {path} (nobody else may read that file). " if path.exists() else ""
    return (
        f"{count} keys are wrapped under the new master key. {put}Start the server with it, keep the old key apart "
        "for as long as backups made before today are kept, then destroy it."
    )


async def _wrap_anew(database: Database, old: Vault, new: Vault) -> int:
    at = SystemClock().now()

    def work(tx: Connection) -> int:
        if current(tx) is None:
            raise CannotDo("this database is empty: there is nothing to wrap anew")
        if database.dialect != "sqlite" and look_at_watch(tx, at=at).alive:
            raise CannotDo("a server is running on this database: stop every one, and run this three minutes later")
        count = new.rewrap_from(tx, old)
        new.prepare(tx, at)
        audit.append(tx, new, at=at, actor=COMMAND, act="keys.rotated", object="keys", facts={"keys": count})
        return count

    return await database.write(work)


# --- erasing ---


async def erase(settings: Settings, name: str, *, sure: bool) -> str:
    """Destroy what one person wrote and was told, and the words of their cases. Facts, numbers and times stay.

    `name` is the number of a case, or the id of a case or a conversation. Unless `sure`, only says what would go.
    May run beside the server. Raises CannotDo when there is nothing by that name.
    """
    at = SystemClock().now()
    async with _installation(settings) as (database, vault):
        conversation_id, lines = await database.read(lambda tx: _to_erase(tx, vault, name))
        if not sure:
            return f"This would erase {lines} lines of conversation {conversation_id} for ever. To do it add --yes."
        count = await database.write(lambda tx: _erase(tx, vault, conversation_id, at=at))
        await database.clear_log()
    return (
        f"Erased: {lines} lines, and the words of {count} cases. They cannot be read again by anyone here. "
        "Backups made before now still hold them: `restore` erases them again where this database is still there."
    )


def _to_erase(tx: Connection, vault: Vault, name: str) -> tuple[str, int]:
    case_id = case_store.id_of_number(tx, name.strip().upper()) or name.strip()
    found = case_store.get_case(tx, case_id)
    conversation_id = found.case.conversation_id if found else name.strip()
    card = conversations.card(tx, conversation_id)
    if card is None:
        raise CannotDo(f"there is no case and no conversation {name}; the desk shows the number of each case")
    if card.erased_at is not None:
        raise CannotDo(f"{name} was erased on {card.erased_at:%Y-%m-%d}")
    return conversation_id, len(conversations.transcript(tx, vault, conversation_id))


def _erase(tx: Connection, vault: Vault, conversation_id: str, *, at: datetime, why: str = "asked") -> int:
    """Erase what a person wrote, on this phone and on those they left. Returns how many cases lost their words."""
    count = 0
    for phone in (conversation_id, *receipt_store.phones_left_for(tx, conversation_id)):
        count += cases.erase_words(tx, vault, phone, at=at)
        conversations.erase(tx, vault, phone, at)
        text_store.forget_askers_of(tx, vault, phone, at=at)
    whose = f"conversation:{conversation_id}"
    facts: dict[str, audit.Fact] = {"cases": count, "why": why}
    audit.append(tx, vault, at=at, actor=COMMAND, act="conversation.erased", object=whose, facts=facts)
    return count


# --- retention ---


async def show_retention(settings: Settings, *, most: int = 50) -> str:
    """What the housekeeping of a running server would erase next, by `retention.yml`. Changes nothing."""
    at, rules = SystemClock().now(), await asyncio.to_thread(retention.decided, settings)
    async with _installation(settings) as (database, _vault):
        going = await database.read(lambda tx: retention.due(tx, rules, at, limit=most + 1))
        rows = await database.read(lambda tx: retention.old_rows(tx, rules, tables(), at))
    told = [
        f"{one.conversation_id}: words, {'with cases' if one.had_case else 'no case'}, due since {one.since:%Y-%m-%d}"
        for one in going[:most]
    ]
    told += ["and more"] if len(going) > most else []
    told += [f"{name}: {count} rows that are no use any more" for name, count in sorted(rows.items())]
    kept = (
        f"Words go {rules.erase.talk} days after the last message, {rules.erase.case} days after the last case closed."
    )
    return "\n".join([kept, *(told or ["Nothing is due."])])


def tables() -> list[sa.Table]:
    """Every table of the program."""
    return [*metadata.tables.values(), *directory_tables.tables.values()]


async def keep_to_retention(database: Database, vault: Vault, rules: retention.Retention, at: datetime) -> int:
    """Erase what is due, some at a time, and delete rows that are no use. Returns how many people's words went."""

    def erase_one(tx: Connection, one: retention.Due) -> bool:
        if one not in retention.due(tx, rules, at):  # they wrote in this very moment
            return False
        _erase(tx, vault, one.conversation_id, at=at, why="retention")
        return True

    count = 0
    for one in await database.read(lambda tx: retention.due(tx, rules, at)):
        count += await database.write(partial(erase_one, one=one))
    await database.write(lambda tx: retention.delete_old_rows(tx, rules, tables(), at))
    if count:
        await database.clear_log()
    return count


# --- backups ---


async def back_up(settings: Settings, to: Path) -> str:
    """A consistent copy of an embedded database, taken while it is in use."""
    size = await asyncio.to_thread(_back_up, _embedded(settings), to)
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
    from bot.app import alone_on

    target = _embedded(settings)
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
    async with _installation(draft) as (database, vault):
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
        _erase(tx, vault, conversation_id, at=at, why="restored")
    for key_id in gone:
        vault.destroy(tx, key_id, at)
    return len(gone)


def _embedded(settings: Settings) -> Path:
    url = make_url(settings.database_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        raise CannotDo("this database is PostgreSQL: use pg_dump and pg_restore, and keep the master key apart")
    return Path(url.database)


# --- looking whether all is well ---


async def examine(settings: Settings) -> list[Finding]:
    """`./waymark doctor`: everything that can be looked at from outside, each as a sentence. Changes nothing."""
    found = [_about_folder(settings), *_about_key_file(settings)]
    if make_url(settings.database_url).get_backend_name() == "sqlite" and not _embedded(settings).exists():
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
    broken = await database.read(lambda tx: conversations.check_invariants(tx, at))
    found.extend(Finding(False, f"message path: {sentence}") for sentence in broken)
    if not broken:
        found.append(Finding(True, "message path: nothing lost, nothing stuck"))
    watch = await database.read(lambda tx: look_at_watch(tx, at=at))
    found.append(Finding(watch.alive, f"alarms: {'watched' if watch.alive else 'nobody watches; is a server up?'}"))
    wanting = await database.read(lambda tx: look_at_exchange(tx, vault, at))
    found.extend(Finding(False, f"partners: {sentence}") for sentence in wanting)
    people = await database.read(lambda tx: officers.list_officers(tx, active_only=True))
    how = "" if people else "; add one with: ./waymark user add"
    return [*found, Finding(bool(people), f"desk: {len(people)} people can sign in{how}")]


def _about_folder(settings: Settings) -> Finding:
    folder = settings.data_dir.absolute()
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if not nearest.is_dir():
        return Finding(False, f"data folder: {nearest} is not a folder")
    if not os.access(nearest, os.W_OK | os.X_OK):
        return Finding(False, f"data folder: nothing can be written into {nearest}")
    return Finding(True, f"settings: {settings.public_url}, data in {settings.data_dir}")


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


async def verify_directory(settings: Settings) -> list[str]:
    """Which services somebody should call again, the longest unchecked first."""
    at = SystemClock().now()
    async with _installation(settings) as (database, _vault):
        due = await database.read(lambda tx: directory.due_for_verification(tx, at=at))
    lines = [f"{service.id}  {service.name}" for service in due]
    return [*lines, f"{len(due)} services wait to be checked again."]


async def export_texts(settings: Settings, folder: Path) -> list[str]:
    """Write every approved edit under `folder` as the file it takes the place of. Returns the names of the files."""
    async with _installation(settings) as (database, _vault):
        approved = await database.read(texts.approved_texts)
    for file, content in approved.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return sorted(approved)


async def import_services(
    settings: Settings, file: Path, *, by: str, rehearse: bool, columns: Sequence[str], report_to: Path | None
) -> int:
    """Bring a file of services in as drafts, and tell of it. Returns the exit code."""
    from directory.files.telling import tell_import

    async with _installation(settings) as (database, _vault):
        return await tell_import(database, file, by=by, rehearse=rehearse, columns=columns, report_to=report_to)


async def export_services(settings: Settings, file: Path) -> int:
    """Write every published service to a file, and tell of it. Returns the exit code."""
    from directory.files.telling import tell_export

    async with _installation(settings) as (database, _vault):
        return await tell_export(database, file)


async def rebuild_search(settings: Settings) -> int:
    """Write the table that searches read anew. Returns how many services are in force."""
    from directory import store

    async with _installation(settings) as (database, _vault):
        return await database.write(store.rebuild_search)


async def look_for_duplicates(settings: Settings) -> int | None:
    """Compare all records of the directory. Returns how many pairs wait for a person; None when somebody is at it."""
    from directory import duplicates, store

    now = SystemClock().now
    async with _installation(settings) as (database, _vault):
        await database.write(lambda tx: store.ask_for_look(tx, at=now()))
        return await duplicates.look_if_due(database, now=now)


def check_procedures() -> tuple[str, list[str], list[str]]:
    """How much there is, what is wrong with it, a line each, and what is only worth knowing."""
    from dialogues.knowledge.check import check_read
    from dialogues.knowledge.loading import read_all

    read = read_all(ROOT / "dialogues" / "procedures")
    found = check_read(read, on=SystemClock().now().date())
    texts = [text.procedure for text in read.texts]
    workers = sum(text.audience == "worker" for text in texts)
    there = (
        f"{workers} texts for workers and {len(texts) - workers} for children, of {len({t.key for t in texts})} "
        f"procedures; {len(read.overlays)} overlays"
    )
    wrong = [str(problem) for problem in found if problem.blocking]
    return there, wrong, [str(problem) for problem in found if not problem.blocking]
