"""The texts people get: the shipped files with the approved edits over them, kept up with the database."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType

from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.kernel.database import Database, DatabaseUnavailable
from bot.kernel.live import Signals
from bot.kernel.logs import get_log
from bot.texts import service, store
from bot.texts.model import EditState, Gap, TextEdit
from dialogues.knowledge import Procedures
from dialogues.knowledge.check import check_read
from dialogues.knowledge.loading import ReadTexts, read_all, read_folder, read_overlays, stamped_overlay
from dialogues.knowledge.model import INTERNATIONAL, LANGUAGES, ORIGINAL_LANGUAGE, Audience, Problem, Withdrawal
from dialogues.knowledge.overlays import Overlay
from dialogues.knowledge.reading import OVERLAYS_FOLDER, LoadedText, name_of

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
        self._seen: tuple[int, datetime | None] | None = (0, None)
        self._unreadable: tuple[Problem, ...] = ()
        self._read_at: tuple[tuple[int, datetime | None], ReadTexts] | None = None
        self._lock = asyncio.Lock()

    @property
    def procedures(self) -> Procedures:
        """The texts that people get now."""
        return self._procedures

    def all_readable(self) -> bool:
        """Whether everything that was approved here reaches people."""
        return not self._unreadable

    async def begin(self) -> None:
        """Bring in what was approved before anybody is answered. What was withdrawn here is not shown even once: where
        that cannot be known, nothing is shown until it can, and a person answers."""
        try:
            await self.refresh()
        except Exception:
            log.exception("texts.not_refreshed")
            self._procedures.replace_texts((), ())
            self._seen = None

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
        """Bring in what was approved. What cannot be read is out of force, with what rests on it; the rest holds."""
        async with self._lock:
            seen = await self._database.read(store.approved_since)
            if seen == self._seen:
                return
            read = await self.read()
            if read.unreadable:
                log.error("texts.not_readable", count=len(read.unreadable))
            self._procedures.replace_texts((text.procedure for text in read.texts), read.overlays)
            self._seen, self._unreadable = seen, read.unreadable

    async def read(self) -> ReadTexts:
        """Every text as it holds now, see `read_approved`. Read anew only when another edit holds."""
        seen = await self._database.read(store.approved_since)
        if self._read_at is None or self._read_at[0] != seen:
            edits = await self._database.read(service.approved_edits)
            self._read_at = seen, await asyncio.to_thread(read_approved, self._folder, edits)
        return self._read_at[1]

    async def read_with(self, edits: Mapping[str, str]) -> ReadTexts:
        """Everything as it would be with these edits, by their files."""
        approved = await self._database.read(service.approved_texts)
        return await asyncio.to_thread(read_all, self._folder, {**approved, **edits})

    async def stamped_overlay(self, file: str, content: str) -> str:
        """An overlay whose translations were read against its English; as it is, where it cannot be read."""
        read = await self.read_with({file: content})
        overlay = next((each for each in read.overlays if overlay_file(each.jurisdiction) == file), None)
        return content if overlay is None else stamped_overlay(content, overlay)

    async def waiting_below(self, file: str) -> dict[str, str]:
        """Of what a text rests on, the files that nobody gets yet and that wait for an approver.

        So a new text, its child's version and their translations can be written before any of them is decided on.
        """
        files = rests_on(file)

        def gather(tx: Connection) -> dict[str, str]:
            approved = service.approved_texts(tx)
            new = [below for below in files if self.content_of(below, approved) is None]
            waiting = {below: store.edit_in(tx, below, EditState.DRAFT) for below in new}
            return {below: edit.content for below, edit in waiting.items() if edit is not None}

        return await self._database.read(gather) if files else {}

    async def problems_of(
        self, file: str, content: str, on: date, below: Mapping[str, str] = MappingProxyType({})
    ) -> list[Problem]:
        """What an editor must mend in `file` before it may wait for an approver, and what it would break elsewhere.

        `below`: what it rests on that waits, too. An approver has to let that out first.
        """
        approved = {**await self._database.read(service.approved_texts), **below}
        return await asyncio.to_thread(self._problems_of, file, content, approved, on)

    def _problems_of(self, file: str, content: str, approved: Mapping[str, str], on: date) -> list[Problem]:
        read = read_all(self._folder, {**approved, file: content})
        wrong = [problem for problem in check_read(read, on=on, only=file) if problem.blocking]
        # What rests on a file that cannot be read cannot be read either: that is said once, of the file itself.
        own = [problem for problem in wrong if problem.file == file]
        if own or not wrong:
            return own
        # A text or an overlay elsewhere that could no longer be read would be taken from everybody. What cannot be
        # read as it is keeps nobody from mending something else.
        before = read_all(self._folder, approved).unreadable
        return [problem for problem in wrong if problem in read.unreadable and problem not in before]

    def content_of(self, file: str, edits: Mapping[str, str]) -> str | None:
        """The file as it holds now, None when there is no such file."""
        path = self._folder / file
        if file in edits:
            return edits[file]
        return path.read_text(encoding="utf-8") if path.is_file() else None

    def shipped(self, file: str) -> str | None:
        """The file as it was released, None when it was first written at the desk."""
        return self.content_of(file, {})


def overlay_file(jurisdiction: str) -> str:
    return f"{OVERLAYS_FOLDER}/{jurisdiction}.yml"


def rests_on(file: str) -> list[str]:
    """The files without which this text cannot be: the English of a translation, the workers' of a child's version."""
    key, _, _ = file.partition("/")
    found, text = list[str](), name_of(file)
    while text is not None and (text := text.rests_on()) is not None:
        childs = "child." if text.audience is Audience.CHILD else ""
        country = "" if text.jurisdiction == INTERNATIONAL else f"{text.jurisdiction}."
        found.append(f"{key}/{childs}{country}{text.language}.md")
    return found


def original_file(file: str, language: str) -> str:
    """The English of which `file`, in `language`, is a translation."""
    return file.removesuffix(f"{language}.md") + f"{ORIGINAL_LANGUAGE}.md"


def read_approved(folder: Path, edits: Mapping[str, TextEdit]) -> ReadTexts:
    """The files with the approved edits over them, and where each text stands.

    A text that cannot be read stands among them as it was released, and out of force: the edit may be there to take
    the released words away. An overlay that cannot be read is not among them.
    """
    contents = {file: edit.content for file, edit in edits.items()}
    loaded, problems = read_folder(folder, contents)
    texts = [_as_approved(text, edits) for text in loaded]
    if broken := {problem.file for problem in problems}:
        texts += [_out_of_force(text) for text in read_folder(folder)[0] if text.file in broken]
    overlays, unread = read_overlays(folder, [text.procedure for text in texts], contents)
    laid = (_lines_as_approved(overlay, edits) for overlay in overlays)
    return ReadTexts(tuple(texts), tuple(laid), (*problems, *unread))


def answers(procedures: Procedures, gap: Gap, on: date) -> bool:
    """Whether those who asked in vain, in their language and country, would get a text now."""
    language = gap.language if gap.language in LANGUAGES else ORIGINAL_LANGUAGE
    audience = Audience.CHILD if gap.audience == Audience.CHILD else Audience.WORKER
    return procedures.get(gap.procedure, language, on, gap.country or None, audience=audience) is not None


def _out_of_force(text: LoadedText) -> LoadedText:
    withdrawn = Withdrawal(text.procedure.valid_from, "What was approved in its place cannot be read.")
    return replace(text, procedure=replace(text.procedure, withdrawn=withdrawn))


def _lines_as_approved(overlay: Overlay, edits: Mapping[str, TextEdit]) -> Overlay:
    if overlay_file(overlay.jurisdiction) not in edits:
        return overlay
    return replace(overlay, variations=tuple(replace(line, approved=True) for line in overlay.variations))


def _as_approved(text: LoadedText, edits: Mapping[str, TextEdit]) -> LoadedText:
    """What was approved here says so; a translation is outdated from the day its newer English was approved."""
    if text.file in edits:
        text = replace(text, procedure=replace(text.procedure, approved=True))
    newer = edits.get(original_file(text.file, text.procedure.language))
    if text.procedure.newer_since is None or newer is None or newer.decided_at is None:
        return text
    return replace(text, procedure=replace(text.procedure, newer_since=newer.decided_at.date()))
