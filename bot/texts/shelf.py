"""The texts people get: the shipped files with the approved edits over them, kept up with the database."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

from bot.kernel.database import Database, DatabaseUnavailable
from bot.kernel.live import Signals
from bot.kernel.logs import get_log
from bot.texts import service, store
from dialogues.knowledge import Procedures
from dialogues.knowledge.check import check
from dialogues.knowledge.loading import LoadedText, read_folder
from dialogues.knowledge.model import Problem

log = get_log("texts")

#: Another replica may have approved something.
LOOK_SECONDS = 5.0


class TextShelf:
    """Holds the one `Procedures` that the dialogue reads, and puts new texts into it when they are approved."""

    def __init__(self, folder: Path, procedures: Procedures, database: Database, signals: Signals) -> None:
        self._folder = folder
        self._procedures = procedures
        self._database = database
        self._signals = signals
        self._seen: tuple[int, datetime | None] = (0, None)
        self._lock = asyncio.Lock()

    async def run(self) -> None:
        """Keep up until cancelled."""
        with self._signals.watching("texts") as watch:
            while True:
                try:
                    await self.refresh()
                except DatabaseUnavailable:
                    log.error("texts.database_unavailable")
                except Exception:  # whatever it was, a text that is withdrawn later must still be taken away
                    log.exception("texts.not_refreshed")
                await watch.next(LOOK_SECONDS)

    async def refresh(self) -> None:
        """Bring in what was approved. A text that cannot be read leaves everything as it is."""
        async with self._lock:
            seen = await self._database.read(store.approved_since)
            if seen == self._seen:
                return
            edits = await self._database.read(service.approved_texts)
            loaded, problems = await asyncio.to_thread(read_folder, self._folder, edits)
            if problems:
                log.error("texts.not_readable", count=len(problems))
            else:
                self._procedures.replace_texts(text.procedure for text in loaded)
            self._seen = seen

    async def problems_of(self, file: str, content: str, on: date) -> list[Problem]:
        """What an editor must mend in `file` before it may wait for an approver."""
        edits = await self._database.read(service.approved_texts)
        found = await asyncio.to_thread(lambda: check(self._folder, on=on, edits={**edits, file: content}))
        return [problem for problem in found if problem.file == file and problem.blocking]

    async def texts(self) -> list[LoadedText]:
        """Every text as it holds now, with where it stands."""
        edits = await self._database.read(service.approved_texts)
        loaded, _ = await asyncio.to_thread(read_folder, self._folder, edits)
        return loaded

    def content_of(self, file: str, edits: Mapping[str, str]) -> str | None:
        """The file as it holds now, None when there is no such file."""
        path = self._folder / file
        if file in edits:
            return edits[file]
        return path.read_text(encoding="utf-8") if path.is_file() else None
