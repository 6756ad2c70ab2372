"""A list of services as an organisation keeps it, and its way in."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from bot.kernel.clock import SetClock
from bot.kernel.database import Database
from directory import store
from directory.files.commands import import_file
from directory.files.importing import ImportReport
from directory.model import Service

TITLES = ["Nom", "organisme", "Besoins", "Pays", "Ville", "adresse", "lat", "lon", "Téléphone", "horaires", "time zone"]
ROW = ["Foyer", "Asso", "shelter; food", "FR", "Calais", "1 rue X", "50.95", "1.85", "+33 1 99 00", "mo-fr 09:00-17:00",
       "Europe/Paris"]  # fmt: skip


async def bring(database: Database, path: Path, clock: SetClock, **how: Any) -> ImportReport:
    return await import_file(database, path, by="ana", at=clock.now(), **how)


async def records(database: Database) -> list[Service]:
    return await database.read(lambda tx: store.get_services(tx, store.list_ids(tx)))


def sheet(
    path: Path, *rows: list[str], titles: list[str] = TITLES, delimiter: str = ",", encoding: str = "utf-8"
) -> Path:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows([titles, *rows])
    path.write_bytes(text.getvalue().encode(encoding))
    return path
