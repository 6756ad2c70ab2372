"""Where two rooms meet that do not know each other: each class here fits what one has to what the other asks for."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import asdict, replace
from sqlalchemy.engine import Connection

from bot.channels.model import Button, Channel, DeliveryId, InboundMessage, OutboundMessage
from bot.conversations import marks
from bot.conversations import service as conversations
from bot.conversations.attachments import service as attachments
from bot.conversations.attachments.service import NoFile, Readable
from bot.conversations.marks import Marks
from bot.conversations.model import Author, Direction
from bot.conversations.ports import LONG
from bot.kernel.clock import Clock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database
from bot.kernel.logs import get_log
from dialogues.actions.ports import NO_WISHES, FoundPlace, FoundService, Wishes
from dialogues.context import in_context
from dialogues.runtime.engine import Engine
from dialogues.runtime.model import DialogueState, Turn, UserMessage
from dialogues.understanding import learnt_folder
from dialogues.understanding.model import Reading, Risk
from dialogues.understanding.together import THREADS, ReadTogether
from directory.asking import Directory
from directory.model import FoundPlace as DirectoryPlace
from directory.model import Gender
from directory.told import FoundService as DirectoryService
from directory.wishes import Wishes as DirectoryWishes

if TYPE_CHECKING:
    from dialogues.understanding.reading import Understanding

log = get_log("understanding")

#: Below it a procedure is not offered to somebody who searches.
LEAST_CHANCE = 0.1


#: What takes longer than this is more than loading.
LOADED_IN_SECONDS = 5


class ReadingRoom:
    """Understanding, off the event loop. It loads while the web is already up; a message waits for it."""

    def __init__(self, project: Path, own: Path, backend: str) -> None:
        """What was learnt is kept in the environment, and in the folder `own` where that may not be written to."""
        self._project = project
        self._own = own
        self._backend = backend
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="reading")
        self._long_ones = ThreadPoolExecutor(1, thread_name_prefix="reading_long")
        self._together: ReadTogether | None = None
        self._loading: asyncio.Future[Understanding] | None = None

    def start(self) -> None:
        """Begin to load. On new training data the heads are learnt first, which takes about a minute.

        In a thread that nothing waits for: a server that is told to stop in that minute stops.
        """
        loop = asyncio.get_running_loop()
        self._loading = loop.create_future()
        self._loading.add_done_callback(_hear_of_failure)
        threading.Thread(target=self._load, args=(loop, self._loading), name="loading", daemon=True).start()

    def _load(self, loop: asyncio.AbstractEventLoop, loading: asyncio.Future[Understanding]) -> None:
        outcome: Callable[[], None]
        try:
            understanding = self._learnt(learnt_folder(self._own))
            outcome = partial(_settle, loading, understanding, None)
        except Exception as error:
            outcome = partial(_settle, loading, None, error)
        with contextlib.suppress(RuntimeError):  # the server stopped meanwhile
            loop.call_soon_threadsafe(outcome)

    def _learnt(self, folder: Path) -> Understanding:
        from dialogues.understanding.reading import Understanding

        try:
            return Understanding.load(self._project, folder, self._backend)
        except OSError:
            # An environment of somebody else, in which other examples were learnt than are there now.
            if folder == self._own:
                raise
            return Understanding.load(self._project, self._own, self._backend)

    async def loaded(self) -> Understanding:
        """The loaded understanding; raises what loading raised."""
        if self._loading is None:
            self.start()
        assert self._loading is not None
        return await asyncio.shield(self._loading)

    async def learn_first(self, stopping: asyncio.Event) -> None:
        """Where nothing may be kept in the environment, the launcher has not learnt what changed among the examples.
        Until that is learnt no message is answered, so nothing is to be served either."""
        if os.access(sys.prefix, os.W_OK):
            return
        either = [asyncio.ensure_future(self.loaded()), asyncio.ensure_future(stopping.wait())]
        done, _ = await asyncio.wait(either, timeout=LOADED_IN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            print(
                "Learning what messages mean from the examples in dialogues/ (one to three minutes)…", file=sys.stderr
            )
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        for each in either:
            each.cancel()
        await asyncio.gather(*either, return_exceptions=True)  # what cannot be loaded is said elsewhere

    def is_ready(self) -> bool:
        """Whether messages are read by now."""
        return self._loading is not None and self._loading.done() and self._loading.exception() is None

    async def read(self, text: str, *, language: str | None, hint: str | None = None) -> Reading:
        """Understand one message. `hint` is what the person's app says, used until they have written enough.

        Long ones are read one after another, beside the others: whoever sends many makes nobody in danger wait. One
        that nobody waits for any more is not begun.
        """
        understanding = await self.loaded()
        known = language or (hint or "").split("-")[0].lower() or None
        if len(text) >= LONG:
            reading = partial(understanding.read, text, language=known)
            return await asyncio.get_running_loop().run_in_executor(self._long_ones, reading)
        if self._together is None:
            self._together = ReadTogether(understanding, self._threads)
        return await self._together.read(text, language=known)

    async def procedures_meant(self, words: str, language: str) -> list[str]:
        """The keys of procedures that words may mean, likeliest first; none while nothing is loaded."""
        if not self.is_ready():
            return []
        ranking = (await self.read(words, language=language)).ranking
        named = (name.partition("/") for name, chance in ranking if chance >= LEAST_CHANCE)
        return [key for intent, _, key in named if intent == "procedure" and key]

    def screen(self, text: str) -> Risk | None:
        """The quick look at the words alone. Sees nothing before loading is done: such messages are due anyway."""
        if not self.is_ready() or self._loading is None:
            return None
        return self._loading.result().word_screen(text)

    def close(self) -> None:
        for threads in (self._threads, self._long_ones):
            threads.shutdown(wait=False, cancel_futures=True)


def _settle(loading: asyncio.Future[Understanding], loaded: Understanding | None, error: Exception | None) -> None:
    if loading.done():
        return
    if loaded is not None:
        loading.set_result(loaded)
    elif error is not None:
        loading.set_exception(error)


def _hear_of_failure(loading: asyncio.Future[Understanding]) -> None:
    """Whoever reads a message will be told as well."""
    if not loading.cancelled() and (error := loading.exception()) is not None:
        log.error("understanding_not_loaded", exc_info=error)


class DialogueRoom:
    """The dialogue engine, told what the message path knows beside the words: the time, and who is speaking."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def turn(self, state: DialogueState, message: UserMessage) -> Turn:
        slots = {**message.metadata.get("slots", {}), "reporter": bool(message.metadata.get("reporter"))}
        told = replace(message, metadata={**message.metadata, "slots": slots})
        return await self._engine.turn(state, in_context(told, state), at=self._clock.now().timestamp())


class DirectoryDesk:
    """The directory, as the dialogue's actions ask for it."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def resolve_place(self, words: str, *, country: str | None, language: str) -> list[FoundPlace]:
        found = await self._directory.resolve_place(words, country=country, language=language)
        return [FoundPlace(place.name, place.country, place.latitude, place.longitude, place.near) for place in found]

    async def place_at(self, latitude: float, longitude: float) -> FoundPlace | None:
        place = await self._directory.place_at(latitude, longitude)
        return None if place is None else FoundPlace(place.name, place.country, place.latitude, place.longitude)

    async def near(
        self,
        need: str,
        place: FoundPlace,
        *,
        language: str,
        limit: int = 3,
        wishes: Wishes = NO_WISHES,
    ) -> list[FoundService]:
        found = await self._directory.near(
            need,
            DirectoryPlace(place.name, place.country, place.latitude, place.longitude),
            language=language,
            limit=limit,
            wishes=_wishes(wishes),
        )
        return [_service(service) for service in found]

    async def in_country(
        self,
        need: str,
        country: str,
        *,
        language: str,
        limit: int = 3,
        wishes: Wishes = NO_WISHES,
    ) -> list[FoundService]:
        found = await self._directory.in_country(
            need,
            country,
            language=language,
            limit=limit,
            wishes=_wishes(wishes),
        )
        return [_service(service) for service in found]

    async def service(self, service_id: str, *, language: str, place_id: str = "") -> FoundService | None:
        found = await self._directory.service(service_id, language=language, place_id=place_id)
        return None if found is None else _service(found)

    async def helplines(self, country: str | None, *, language: str, limit: int = 3) -> list[FoundService]:
        return [_service(s) for s in await self._directory.helplines(country, language=language, limit=limit)]

    async def emergency_number(self, country: str | None) -> str:
        return await self._directory.emergency_number(country)


def _wishes(wishes: Wishes) -> DirectoryWishes:
    gender = Gender(wishes.gender) if wishes.gender else None
    return DirectoryWishes(**asdict(wishes) | {"gender": gender})


def _service(found: DirectoryService) -> FoundService:
    """The directory's own description has the same fields and more. Why it is offered is said by its facts:
    distance, hours and the last check have fields of their own."""
    same = {name: getattr(found, name) for name in FoundService.__struct_fields__ if name != "why"}
    return FoundService(**same, why=(*found.suits, *found.facts))


#: What goes out may be marked as a demonstration: a text and its language in, the text people see out.
Mark = Callable[[str, str], str]
SHOWN_WITHOUT_WORDS = {"location": "📍", "attachment": "📎"}


class MarkedChannel:
    """A channel whose every message is marked."""

    def __init__(self, channel: Channel, mark: Mark) -> None:
        self.name = channel.name
        self._channel = channel
        self._mark = mark

    def read(self, payload: bytes) -> InboundMessage:
        return self._channel.read(payload)

    async def send(self, message: OutboundMessage) -> DeliveryId:
        return await self._channel.send(replace(message, text=self._mark(message.text, message.language)))

    async def acknowledge(self, message: InboundMessage) -> None:
        await self._channel.acknowledge(message)


class SaidLine(Struct, frozen=True):
    """One line of a conversation as the person in it may see it."""

    seq: int
    author: str
    text: str
    buttons: tuple[Button, ...]
    language: str
    file: str
    wordless: str


class OpenedFile(Struct, frozen=True):
    """A file that an officer sent, as the person it was sent to reads it."""

    readable: Readable
    database: Database
    vault: Vault

    @property
    def name(self) -> str:
        return self.readable.name

    @property
    def type(self) -> str:
        return self.readable.type

    @property
    def size(self) -> int:
        return self.readable.size

    async def read(self, offset: int, length: int) -> bytes:
        return await self.database.read(lambda tx: self.readable.read(tx, self.vault, offset, length))


class Talk(Struct, frozen=True):
    """A conversation as its page must know it before it listens."""

    topic: str
    officer_writes: str
    marks: str
    shown_from: int
    last_seq: int


class ChannelTalks:
    """The conversations of one channel's account, for a page or a terminal that reads them itself."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        channel: str,
        account: str,
        mark: Mark | None = None,
        *,
        clock: Clock,
    ) -> None:
        self._clock = clock
        self._database = database
        self._vault = vault
        self._mark = mark
        self._channel = channel
        self._account = account

    async def lines(self, address: str, after: int) -> Sequence[SaidLine]:
        conversation_id = await self._conversation(address)
        if conversation_id is None:
            return []
        at = self._clock.now()
        lines = await self._database.read(
            lambda tx: conversations.seen_by_person(tx, self._vault, conversation_id, after=after, at=at)
        )
        return [self._said(line) for line in lines]

    async def topic(self, address: str) -> str | None:
        conversation_id = await self._conversation(address)
        return None if conversation_id is None else f"conversation:{conversation_id}"

    async def talk(self, address: str) -> Talk | None:
        def read(tx: Connection) -> Talk | None:
            found = self._find(tx, address)
            if found is None:
                return None
            shown_from, last_seq = conversations.shown_from(tx, found), conversations.last_seq(tx, found)
            shown = marks.marks_of(tx, found)
            return Talk(f"conversation:{found}", marks.officer_writes(found), shown, shown_from, last_seq)

        return await self._database.read(read)

    async def person_writes(self, address: str) -> str | None:
        def read(tx: Connection) -> str | None:
            found = self._find(tx, address)
            if found is None or marks.marks_of(tx, found) is not Marks.SHOWN:
                return None
            return marks.person_writes(found)

        return await self._database.read(read)

    async def has_read(self, address: str, seq: int) -> str | None:
        def write(tx: Connection) -> str | None:
            found = self._find(tx, address)
            return f"conversation:{found}" if found and marks.note_read(tx, found, seq) else None

        return await self._database.write(write)

    async def choose_marks(self, address: str, *, hidden: bool) -> str | None:
        def write(tx: Connection) -> str | None:
            found = self._find(tx, address)
            if found is None:
                return None
            marks.choose(tx, found, hidden=hidden)
            return f"conversation:{found}"

        return await self._database.write(write)

    async def waiting(self, address: str) -> bool:
        conversation_id = await self._conversation(address)
        if conversation_id is None:
            return False
        return await self._database.read(lambda tx: conversations.owes_answer(tx, conversation_id))

    async def choose_language(self, address: str, language: str) -> None:
        conversation_id = await self._conversation(address)
        if conversation_id is not None:
            await self._database.write(lambda tx: conversations.choose_language(tx, conversation_id, language))

    async def open_file(self, address: str, seq: int) -> OpenedFile | None:
        """The file of a line, if this person may see that line and an officer sent it."""
        conversation_id = await self._conversation(address)
        if conversation_id is None:
            return None
        at = self._clock.now()

        def read(tx: Connection) -> Readable | None:
            seen = conversations.seen_by_person(tx, self._vault, conversation_id, after=seq - 1, at=at)
            line = next((line for line in seen if line.seq == seq), None)
            if line is None or line.file is None or line.direction is not Direction.OUT:
                return None
            try:
                return attachments.sent(tx, self._vault, line.file["id"])
            except NoFile:
                return None

        readable = await self._database.read(read)
        return None if readable is None else OpenedFile(readable, self._database, self._vault)

    async def _conversation(self, address: str) -> str | None:
        return await self._database.read(lambda tx: self._find(tx, address))

    def _find(self, tx: Connection, address: str) -> str | None:
        return conversations.find_conversation(
            tx, self._vault, channel=self._channel, account=self._account, address=address
        )

    def _said(self, line: conversations.Line) -> SaidLine:
        author = line.author.value if line.author is not Author.SYSTEM else Author.BOT.value
        text = line.text or SHOWN_WITHOUT_WORDS.get(line.kind, "")
        language = line.language or "en"
        if line.direction is Direction.OUT and self._mark is not None:
            text = self._mark(text, language)
        file = line.file["kind"] if line.file is not None else ""
        wordless = line.kind if not line.text and line.kind in SHOWN_WITHOUT_WORDS else ""
        return SaidLine(line.seq, author, text, line.buttons, language, file, wordless)
