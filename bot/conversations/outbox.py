"""The outbox: replies are sent with nothing locked, and what happened to each attempt is written down.

No channel can be asked whether a message arrived when its answer was lost. So the class of a reply decides: words
about danger and an officer's words are sent again, because a copy is better than silence; a question of the bot is
sent again once; a one-time link never is. Every copy a person may have seen has its cause in `deliveries`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.channels.model import (
    Channel,
    ChannelBusy,
    ChannelError,
    DeliveryUncertain,
    MessageRefused,
    OutboundFile,
    OutboundMessage,
    PersonUnreachable,
)
from bot.conversations import store
from bot.conversations.attachments import service as attachments
from bot.conversations.model import (
    CRASHED_WHILE_SENDING,
    SEND_LIMIT,
    DeliveryOutcome,
    after_attempt,
    buttons_of,
)
from bot.conversations.store import LeaseLost, Letter, ReplyClaim
from bot.kernel.clock import Clock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database, DatabaseUnavailable
from bot.kernel.failpoints import failpoint
from bot.kernel.live import Signals
from bot.kernel.logs import get_log

log = get_log("conversations")

IN_FLIGHT_PER_CHANNEL = 4
IDLE_SECONDS = 1.0
STOP_SECONDS = 20.0
#: How often replies whose sender died are looked for.
SEARCH_FOR_DROPPED = timedelta(seconds=5)
LONGEST_CAUSE = 64
#: How often, a second apart, the end of an attempt is written again while the database is away.
TRIES_TO_RECORD = 8


class _Result(Struct, frozen=True):
    """How one attempt ended."""

    outcome: DeliveryOutcome
    cause: str | None = None
    delivery_id: str | None = None
    retry_after: float | None = None


class Sender:
    """Sends what is in the outbox: in order within a conversation, few at once on a channel."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        clock: Clock,
        signals: Signals,
        *,
        channels: Mapping[str, Channel],
        draw: Callable[[], float] = random.random,
        in_flight: int = IN_FLIGHT_PER_CHANNEL,
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._signals = signals
        self._channels = channels
        self._draw = draw
        self._most = in_flight
        self._stopping = False
        self._claiming = asyncio.Lock()
        self._asked = 0
        self._running: dict[str, set[asyncio.Task[None]]] = {name: set() for name in channels}
        self._searched_at: datetime | None = None

    async def run(self) -> None:
        """Work until `stop`."""
        with self._signals.watching("outbox") as watch:
            while not self._stopping:
                try:
                    more = await self._start_due() == self._asked
                except DatabaseUnavailable:
                    log.error("outbox.database_unavailable")
                    more = False
                if not more or self._asked == 0:
                    await watch.next(IDLE_SECONDS)

    async def stop(self, within: float = STOP_SECONDS) -> None:
        """Start nothing more, and wait for the answers to what was sent: a cut send would be an uncertain one."""
        self._stopping = True
        self._signals.wake("outbox")
        async with self._claiming:  # what is being claimed now is still sent
            tasks = self._tasks()
        if tasks:
            await asyncio.wait(tasks, timeout=within)

    async def drain(self) -> None:
        """Send everything that is due now, then return."""
        while await self._start_due() or self._tasks():
            if tasks := self._tasks():
                await asyncio.wait(tasks)

    async def _start_due(self) -> int:
        """Claim what is due, as far as the channels have room, and begin to send it. Returns how many."""
        async with self._claiming:
            return await self._claim_and_start()

    async def _claim_and_start(self) -> int:
        wanted = {name: self._most - len(tasks) for name, tasks in self._running.items() if len(tasks) < self._most}
        self._asked = sum(wanted.values())
        if not wanted or self._stopping:
            return 0
        await self._give_up_dropped()
        at = self._clock.now()
        letters = await self._database.write(lambda tx: self._claim(tx, wanted, at))
        if letters:
            failpoint("outbox.after_claim")
        for channel, letter in letters:
            task = asyncio.create_task(self._deliver(channel, letter), name="send")
            self._running[channel].add(task)
            task.add_done_callback(self._running[channel].discard)
            task.add_done_callback(self._ended)
        return len(letters)

    def _claim(self, tx: Connection, wanted: Mapping[str, int], at: datetime) -> list[tuple[str, Letter]]:
        return [
            (channel, letter)
            for channel, free in wanted.items()
            for letter in store.claim_replies(tx, self._vault, channel, most=free, at=at)
        ]

    def _tasks(self) -> set[asyncio.Task[None]]:
        return set().union(*self._running.values())

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._signals.wake("outbox")
        if not task.cancelled() and task.exception() is not None:
            log.error("outbox.failed", error=type(task.exception()).__name__)

    async def _deliver(self, channel: str, letter: Letter) -> None:
        result = await self._send(self._channels[channel], letter)
        failpoint("outbox.after_send")
        await self._record(letter.claim, result)
        failpoint("outbox.after_record")
        self._signals.wake(f"conversation:{letter.claim.conversation_id}")

    async def _send(self, channel: Channel, letter: Letter) -> _Result:
        body = letter.body
        try:
            file = await self._file(body["file"]["id"]) if "file" in body else None
        except attachments.NoFile:  # erased between the claim and now
            return _Result(DeliveryOutcome.REFUSED, "no_file")
        except DatabaseUnavailable:
            return _Result(DeliveryOutcome.BUSY, "database_unavailable")
        message = OutboundMessage(
            id=letter.claim.id,
            address=letter.address,
            text=body.get("text", ""),
            language=letter.language,
            buttons=buttons_of(body),
            latitude=body.get("latitude"),
            longitude=body.get("longitude"),
            file=file,
        )
        try:
            async with asyncio.timeout(SEND_LIMIT.total_seconds()):
                return _Result(DeliveryOutcome.SENT, delivery_id=str(await channel.send(message)))
        except PersonUnreachable as error:
            return _Result(DeliveryOutcome.UNREACHABLE, error.cause)
        except MessageRefused as error:
            return _Result(DeliveryOutcome.REFUSED, error.cause)
        except ChannelBusy as error:
            return _Result(DeliveryOutcome.BUSY, error.cause, retry_after=error.retry_after)
        except (DeliveryUncertain, ChannelError) as error:
            return _Result(DeliveryOutcome.UNCERTAIN, error.cause)
        except TimeoutError:
            return _Result(DeliveryOutcome.UNCERTAIN, "timeout")
        except Exception as error:  # a channel that breaks its promise: we cannot know
            log.error("outbox.channel_failed", outbox_id=letter.claim.id, error=type(error).__name__)
            return _Result(DeliveryOutcome.UNCERTAIN, type(error).__name__)

    async def _file(self, attachment_id: str) -> OutboundFile:
        """The copy that goes out, whole: officers' files are small. Raises NoFile."""
        from bot.conversations.attachments.images import may_be_sent_as_picture  # what a start does not need

        found, content = await self._database.read(lambda tx: attachments.whole(tx, self._vault, attachment_id))
        return OutboundFile(found.name, found.type, may_be_sent_as_picture(found.type, content), content)

    async def _record(self, claim: ReplyClaim, result: _Result) -> None:
        """Write it down, stubbornly: what is forgotten here may be sent twice."""
        failpoint("outbox.before_record")
        draw = self._draw()
        for _ in range(TRIES_TO_RECORD):
            at = self._clock.now()
            try:
                await self._database.write(partial(self._write_result, claim=claim, result=result, draw=draw, at=at))
            except LeaseLost:
                log.info("outbox.lease_lost", outbox_id=claim.id)
            except DatabaseUnavailable:
                log.error("outbox.not_recorded", outbox_id=claim.id)
                await asyncio.sleep(1)
                continue
            return

    @staticmethod
    def _write_result(tx: Connection, *, claim: ReplyClaim, result: _Result, draw: float, at: datetime) -> None:
        step = after_attempt(
            result.outcome,
            claim.cls,
            attempt=claim.attempt,
            repeats=claim.repeats,
            age=at - claim.created_at,
            retry_after=result.retry_after,
            draw=draw,
        )
        store.record_attempt(
            tx,
            claim,
            step,
            result.outcome,
            cause=None if result.cause is None else result.cause[:LONGEST_CAUSE],
            delivery_id=result.delivery_id,
            at=at,
        )

    async def _give_up_dropped(self) -> None:
        """Replies somebody claimed and never reported on: perhaps they arrived."""
        at = self._clock.now()
        if self._searched_at is not None and at - self._searched_at < SEARCH_FOR_DROPPED:
            return
        self._searched_at = at
        await self._database.write(lambda tx: self._write_dropped(tx, at))

    def _write_dropped(self, tx: Connection, at: datetime) -> None:
        lost = _Result(DeliveryOutcome.UNCERTAIN, CRASHED_WHILE_SENDING, retry_after=0)  # it has waited long enough
        for channel in self._channels:
            for claim in store.dropped_replies(tx, channel, at=at):
                self._write_result(tx, claim=claim, result=lost, draw=0.0, at=at)
