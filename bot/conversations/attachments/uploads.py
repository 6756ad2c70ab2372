"""Files that are sent to us directly, by the form of the web chat: stored part by part while they come in."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from sqlalchemy.engine import Connection

from bot.channels.model import NoRoom, TooLarge
from bot.conversations.attachments import service, store
from bot.conversations.attachments.model import LARGEST, PART, Kind, State
from bot.conversations.attachments.service import Kept, NoFile, TooMuch
from bot.conversations.model import ConversationKind
from bot.conversations.store import find_or_open
from bot.kernel.clock import Clock
from bot.kernel.crypto import DataKey, Vault
from bot.kernel.database import Database

#: How many may come in at once. Each holds one part in memory.
AT_ONCE = 16


class Uploads:
    """Takes in the files of one channel's account."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        clock: Clock,
        *,
        channel: str,
        account: str,
        meets_demo: Callable[[Connection], bool] = lambda _tx: False,
        has_room: Callable[[], bool] = lambda: True,
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._channel = channel
        self._account = account
        self._meets_demo = meets_demo
        self._has_room = has_room
        self._open = 0

    async def begin(self, address: str, *, language: str, declared: str) -> Upload:
        """A file begins to come from this address. Raises NoRoom: they can try later, or write instead."""
        if self._open >= AT_ONCE or not self._has_room():
            raise NoRoom
        at = self._clock.now()

        def begin(tx: Connection) -> tuple[str, DataKey]:
            conversation_id, key = find_or_open(
                tx,
                self._vault,
                kind=ConversationKind.PERSON,
                channel=self._channel,
                account=self._account,
                address=address,
                language=language,
                at=at,
                demo=self._meets_demo(tx),
            )
            return service.begin(tx, key, conversation_id, declared=declared, at=at), key

        try:
            attachment_id, key = await self._database.write(begin)
        except TooMuch:
            raise NoRoom from None
        self._open += 1
        return Upload(self._database, self._vault, self._clock, attachment_id, key, declared, self._close)

    def _close(self) -> None:
        self._open -= 1


class Upload:
    """One file on its way in. It is `finish`ed or `give_up`ed, whatever happens."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        clock: Clock,
        attachment_id: str,
        key: DataKey,
        declared: str,
        closed: Callable[[], None],
    ) -> None:
        self.id = attachment_id
        self._database = database
        self._vault = vault
        self._clock = clock
        self._key = key
        self._declared = declared
        self._closed = closed
        self._hashing = hashlib.sha256()
        self._held = bytearray()
        self._size = 0
        self._number = 0

    async def write(self, chunk: bytes) -> None:
        """The next bytes. Raises TooLarge."""
        self._size += len(chunk)
        if self._size > LARGEST:
            raise TooLarge
        self._hashing.update(chunk)
        self._held += chunk
        while len(self._held) >= PART:
            await self._store(bytes(self._held[:PART]))
            del self._held[:PART]

    async def finish(self) -> Kind | None:
        """All of it is here: keep it. What a person would call it; None where nothing came or it was erased."""
        if self._held:
            await self._store(bytes(self._held))
        if not self._size:
            await self.give_up()
            return None
        try:
            examined = await service.look_at(self._database, self._key, self.id, self._size, declared=self._declared)
        except NoFile:
            self._end()
            return None
        kept, at = Kept(self._hashing.hexdigest(), examined), self._clock.now()

        def keep(tx: Connection) -> bool:
            return service.keep(
                tx, self._vault, self._key, self.id, kept, size=self._size, state=State.ARRIVING, attempt=0, at=at
            )

        done = await self._database.write(keep)
        self._end()
        return examined.kind if done else None

    async def give_up(self) -> None:
        """It broke off, or is too large: leave nothing of it."""
        self._end()
        await self._database.write(lambda tx: store.forget(tx, self.id))

    def _end(self) -> None:
        self._closed()
        self._closed = _nothing

    async def _store(self, content: bytes) -> None:
        number, self._number = self._number, self._number + 1

        def add(tx: Connection) -> None:
            if not store.change(tx, self.id, State.ARRIVING, 0, size=number * PART + len(content)):
                raise NoRoom  # it was erased, or took so long that it was given up
            service.add_part(tx, self._key, self.id, number, content)

        await self._database.write(add)


def _nothing() -> None:
    return
