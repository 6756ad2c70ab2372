"""Bringing a database to the schema this release needs. One history, `deploy/migrations`, for both databases.

Alembic is imported only when there is something to do: it costs 0.4 s, and a start with nothing to migrate
should not pay it.
"""

from __future__ import annotations

import re
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.kernel.database import Database

MIGRATIONS = Path(__file__).resolve().parents[2] / "deploy" / "migrations"
BASE = "base"
FILE_NAME = re.compile(r"^(\d{4})_\w+\.py$")


class NewerDatabase(Exception):
    """The database was migrated by a newer release of Waymark than this one."""


def head() -> str:
    """The newest revision this release knows: the highest number in `deploy/migrations/versions`."""
    found = [match[1] for path in (MIGRATIONS / "versions").iterdir() if (match := FILE_NAME.match(path.name))]
    return max(found)


def current(tx: Connection) -> str | None:
    """The revision of this database, or None when it is empty."""
    if not sa.inspect(tx).has_table("alembic_version"):
        return None
    revision: str | None = tx.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return revision


async def migrate(database: Database, *, to: str | None = None) -> bool:
    """Bring the database to `to`, by default the newest; "base" is before the first. True if there was work to do.

    All of it happens in one transaction: after a crash half-way the database is as it was before.
    Raises NewerDatabase rather than guess.
    """
    wanted = to or head()
    found = await database.read(current)
    if found == wanted:
        return False
    if to is None and found is not None and found > wanted:
        raise NewerDatabase(
            f"the database is at revision {found}, this release knows only up to {wanted}: install the newer release"
        )
    down = found is not None and (wanted == BASE or found > wanted)
    await database.write(lambda tx: _run(tx, wanted, down=down))
    return True


def _run(tx: Connection, wanted: str, *, down: bool) -> None:
    from alembic import command
    from alembic.config import Config

    if tx.dialect.name == "postgresql":
        tx.execute(sa.text("SELECT pg_advisory_xact_lock(7729341)"))  # replicas that start together take turns
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = tx
    (command.downgrade if down else command.upgrade)(config, wanted)
