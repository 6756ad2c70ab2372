"""The database and the vault of an installation, for a command."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from sqlalchemy.engine import Connection

from bot.kernel import audit
from bot.kernel.clock import SystemClock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database, open_database
from bot.kernel.master_key import master_key_bytes
from bot.kernel.migrations import migrate
from bot.kernel.settings import Settings

T = TypeVar("T")
#: Who did it, where nobody is signed in: whoever can run commands on this machine.
COMMAND = audit.COMMAND


@asynccontextmanager
async def installation(settings: Settings) -> AsyncIterator[tuple[Database, Vault]]:
    """The database, migrated, and its vault. May run beside a server."""
    vault = Vault(master_key_bytes(settings))
    database = open_database(settings.database_url)
    try:
        await migrate(database)
        await database.write(lambda tx: vault.prepare(tx, SystemClock().now()))
        yield database, vault
    finally:
        await database.close()


async def write(settings: Settings, work: Callable[[Connection, Vault], T]) -> T:
    async with installation(settings) as (database, vault):
        return await database.write(lambda tx: work(tx, vault))
