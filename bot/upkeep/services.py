"""The directory from the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bot.kernel.clock import SystemClock
from bot.kernel.settings import Settings
from bot.upkeep.installation import installation
from directory import service as directory


async def verify_directory(settings: Settings) -> list[str]:
    """Which services somebody should call again, the longest unchecked first."""
    at = SystemClock().now()
    async with installation(settings) as (database, _vault):
        due = await database.read(lambda tx: directory.due_for_verification(tx, at=at))
    lines = [f"{service.id}  {service.name}" for service in due]
    return [*lines, f"{len(due)} services wait to be checked again."]


async def import_services(
    settings: Settings,
    file: Path,
    *,
    by: str,
    rehearse: bool,
    columns: Sequence[str],
    report_to: Path | None,
    letters: str | None = None,
) -> int:
    """Bring a file of services in as drafts, and tell of it. Returns the exit code."""
    from directory.files.telling import tell_import

    async with installation(settings) as (database, _vault):
        return await tell_import(
            database, file, by=by, rehearse=rehearse, columns=columns, report_to=report_to, letters=letters
        )


async def export_services(settings: Settings, file: Path) -> int:
    """Write every published service to a file, and tell of it. Returns the exit code."""
    from directory.files.telling import tell_export

    async with installation(settings) as (database, _vault):
        return await tell_export(database, file)


async def rebuild_search(settings: Settings) -> int:
    """Write the table that searches read anew. Returns how many services are in force."""
    from directory import store

    async with installation(settings) as (database, _vault):
        return await database.write(store.rebuild_search)


async def look_for_duplicates(settings: Settings) -> int | None:
    """Compare all records of the directory. Returns how many pairs wait for a person; None when somebody is at it."""
    from directory import duplicates, store

    now = SystemClock().now
    async with installation(settings) as (database, _vault):
        await database.write(lambda tx: store.ask_for_look(tx, at=now()))
        return await duplicates.look_if_due(database, now=now)
