"""Fetching files from where the channel keeps them, after the message is stored: what is interrupted begins anew."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.channels.model import ChannelBusy, ChannelError, FileGone, FileSource, FileTooLarge
from bot.conversations.attachments import service, store
from bot.conversations.attachments.model import (
    GIVE_UP_AFTER,
    LARGEST,
    LEASE,
    MOST_ATTEMPTS,
    MOST_CRASHES,
    PART,
    Kind,
    State,
)
from bot.conversations.attachments.service import About, Kept, NoFile, TooMuch
from bot.conversations.model import retry_delay
from bot.kernel.clock import Clock
from bot.kernel.crypto import DataKey, Vault
from bot.kernel.database import Database, DatabaseUnavailable
from bot.kernel.failpoints import failpoint
from bot.kernel.live import Signals
from bot.kernel.logs import get_log

log = get_log("conversations")

#: How many are fetched at once: a long film must not keep a short voice note waiting.
AT_ONCE = 2
IDLE_SECONDS = 5.0


class _Claim(Struct, frozen=True):
    """One file held by one fetcher. The attempt's number is its fence."""

    id: str
    conversation_id: str
    seq: int
    channel: str
    attempt: int
    crashes: int
    kind: Kind
    created_at: datetime
    about: About
    key: DataKey


class _Overtaken(Exception):
    """Somebody else has it now, or it was erased."""


class Fetcher:
    """Fetches what is expected, the oldest first, and tries again what did not come."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        clock: Clock,
        signals: Signals,
        *,
        sources: Mapping[str, FileSource],
        has_room: Callable[[], bool] = lambda: True,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._signals = signals
        self._sources = sources
        self._has_room = has_room
        self._draw = draw

    async def run(self) -> None:
        """Fetch until cancelled. What is cut off is fetched again after its lease."""
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._fetch_for_ever())

    async def _fetch_for_ever(self) -> None:
        with self._signals.watching("attachments") as watch:
            while True:
                try:
                    more = await self.fetch_next()
                except DatabaseUnavailable:
                    log.error("attachments.database_unavailable")
                    more = False
                except Exception as error:  # the file waits for the end of its lease; the others do not
                    log.error("attachments.failed", error=type(error).__name__)
                    more = False
                if not more:
                    await watch.next(IDLE_SECONDS)

    async def drain(self) -> None:
        """Fetch everything that is due now, then return."""
        while await self.fetch_next():
            pass

    async def fetch_next(self) -> bool:
        """Fetch the file that waited longest. False when none is due."""
        at = self._clock.now()
        claim = await self._database.write(lambda tx: self._claim(tx, at))
        if claim is None:
            return False
        failpoint("attachments.after_claim")
        try:
            await self._fetch(claim)
        except (_Overtaken, NoFile):
            log.info("attachments.overtaken", attachment_id=claim.id)
        except (FileGone, FileTooLarge, TooMuch) as error:
            state = State.LOST if isinstance(error, FileGone) else State.REFUSED
            cause = {FileGone: "gone", FileTooLarge: "too_large", TooMuch: "too_many"}[type(error)]
            await self._settle(claim, state, cause)
        except ChannelError as error:
            await self._try_later(claim, error)
        self._signals.wake(f"conversation:{claim.conversation_id}")
        return True

    def _claim(self, tx: Connection, at: datetime) -> _Claim | None:
        row = store.claim(tx, at=at, lease_until=at + LEASE)
        if row is None:
            return None
        key = self._vault.key(tx, row.key_id)
        return _Claim(
            row.id,
            row.conversation_id,
            row.seq,
            row.channel,
            row.attempts + 1,
            row.attempts - row.failures,
            Kind(row.kind),
            row.created_at,
            service.about(key, row),
            key,
        )

    async def _fetch(self, claim: _Claim) -> None:
        source = self._sources.get(claim.channel)
        if source is None or claim.crashes >= MOST_CRASHES:  # no bot any more, or it never came as far as failing
            raise FileGone(claim.channel, "no_source")
        if not self._has_room():
            raise ChannelBusy(claim.channel, "no_room")
        at = self._clock.now()
        await self._database.read(lambda tx: service.require_room(tx, claim.conversation_id, at=at, before=claim.seq))
        hashing, held, size, number = hashlib.sha256(), bytearray(), 0, 0
        async for chunk in source.fetch(claim.about.source, most=LARGEST):
            hashing.update(chunk)
            held += chunk
            size += len(chunk)
            while len(held) >= PART:
                await self._add_part(claim, number, bytes(held[:PART]))
                del held[:PART]
                number += 1
        if held:
            await self._add_part(claim, number, bytes(held))
        if not size:
            raise FileGone(claim.channel, "empty")
        failpoint("attachments.before_keep")
        examined = await service.look_at(
            self._database, claim.key, claim.id, size, declared=claim.about.declared, kind=claim.kind
        )
        kept = Kept(hashing.hexdigest(), examined)
        await self._keep(claim, kept, size)

    async def _add_part(self, claim: _Claim, number: int, content: bytes) -> None:
        until = self._clock.now() + LEASE

        def add(tx: Connection) -> None:
            if not store.change(tx, claim.id, State.WAITING, claim.attempt, due_at=until):
                raise _Overtaken
            service.add_part(tx, claim.key, claim.id, number, content)

        await self._database.write(add)
        failpoint("attachments.after_part")

    async def _keep(self, claim: _Claim, kept: Kept, size: int) -> None:
        at = self._clock.now()

        def keep(tx: Connection) -> bool:
            return service.keep(
                tx,
                self._vault,
                claim.key,
                claim.id,
                kept,
                size=size,
                state=State.WAITING,
                attempt=claim.attempt,
                at=at,
            )

        if not await self._database.write(keep):
            raise _Overtaken

    async def _try_later(self, claim: _Claim, error: ChannelError) -> None:
        at = self._clock.now()
        log.warning("attachments.not_fetched", attachment_id=claim.id, cause=error.cause, attempts=claim.attempt)
        if at - claim.created_at >= GIVE_UP_AFTER or claim.attempt >= MOST_ATTEMPTS:
            await self._settle(claim, State.LOST, "not_fetched")
            return
        said = getattr(error, "retry_after", None)
        wait = retry_delay(claim.attempt, self._draw()) if said is None else timedelta(seconds=said)

        def later(tx: Connection) -> None:
            store.change(
                tx, claim.id, State.WAITING, claim.attempt, due_at=at + wait, failures=store.attachments.c.failures + 1
            )

        await self._database.write(later)

    async def _settle(self, claim: _Claim, state: State, cause: str) -> None:
        at = self._clock.now()

        def settle(tx: Connection) -> None:
            values = {"state": state.value, "cause": cause, "due_at": None, "settled_at": at}
            if store.change(tx, claim.id, State.WAITING, claim.attempt, **values):
                store.drop_parts(tx, claim.id)

        await self._database.write(settle)
