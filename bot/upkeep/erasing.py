"""What goes for ever: words that somebody asked to erase, what retention no longer allows, the demonstration."""

from __future__ import annotations

import asyncio
from datetime import datetime
from functools import partial

import sqlalchemy as sa
from sqlalchemy.engine import Connection

import bot.offices  # noqa: F401 - with the tables of the exchange: an erasure empties every table that is declared
from bot import demonstration, retention
from bot.cases import store as case_store
from bot.conversations import service as conversations
from bot.erasing import erase_person
from bot.foreground import CannotDo
from bot.kernel.clock import SystemClock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database, metadata
from bot.kernel.settings import Settings
from bot.upkeep.installation import installation
from directory.schema import metadata as directory_tables


async def erase(settings: Settings, name: str, *, sure: bool) -> str:
    """Destroy what one person wrote and was told, and the words of their cases. Facts, numbers and times stay.

    `name` is the number of a case, or the id of a case or a conversation. Unless `sure`, only says what would go.
    May run beside the server. Raises CannotDo when there is nothing by that name.
    """
    at = SystemClock().now()
    async with installation(settings) as (database, vault):
        conversation_id, lines = await database.read(lambda tx: _to_erase(tx, vault, name))
        if not sure:
            return f"This would erase {lines} lines of conversation {conversation_id} for ever. To do it add --yes."
        count = await database.write(lambda tx: erase_person(tx, vault, conversation_id, at=at))
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


async def show_retention(settings: Settings, *, most: int = 50) -> str:
    """What the housekeeping of a running server would erase next, by `retention.yml`. Changes nothing."""
    at, rules = SystemClock().now(), await asyncio.to_thread(retention.decided, settings)
    async with installation(settings) as (database, _vault):
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
        erase_person(tx, vault, one.conversation_id, at=at, why="retention")
        return True

    count = 0
    for one in await database.read(lambda tx: retention.due(tx, rules, at)):
        count += await database.write(partial(erase_one, one=one))
    await database.write(lambda tx: retention.delete_old_rows(tx, rules, tables(), at))
    if count:
        await database.clear_log()
    return count


async def remove_demonstration(settings: Settings) -> str:
    """Take it away for good, its words out of the database's log too. May run beside the server."""
    async with installation(settings) as (database, vault):
        if not await database.read(demonstration.is_there):
            return "There is no demonstration here; nothing was changed."
        done = await database.write(lambda tx: demonstration.remove(tx, vault, SystemClock()))
        await database.clear_log()
    return f"{done} Restart the server if its pages still speak of a demonstration in a minute."
