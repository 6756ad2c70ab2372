"""The inbox: what a channel received is committed here before the channel says thank you."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.channels.model import Channel, RawMessage
from bot.conversations import store
from bot.conversations.model import Allowance, ConversationKind, Lane
from bot.conversations.ports import WordScreen
from bot.conversations.store import Received, received_row, text_of
from bot.kernel.clock import Clock
from bot.kernel.crypto import DataKey, Vault, seal_rows
from bot.kernel.database import Database, DatabaseUnavailable, moment_to_int
from bot.kernel.failpoints import failpoint
from bot.kernel.live import Signals

#: At most so many messages share one commit.
LARGEST_GROUP = 128
#: Conversations whose key and allowance are remembered between messages.
REMEMBERED = 10_000

T = TypeVar("T")
Address = tuple[str, str, str]  # channel, account, address


class _Home(Struct, frozen=True):
    """Where messages from one address go."""

    conversation_id: str
    key: DataKey


class _Arrival(Struct):
    """One message on its way into the database."""

    raw: RawMessage
    address: Address
    at: datetime
    due_at: datetime
    lane: Lane
    kept: asyncio.Future[bool]


class Inbox:
    """Takes messages from every channel. What comes in while one group commits is the next group."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        clock: Clock,
        signals: Signals,
        *,
        channels: Mapping[str, Channel],
        screen: WordScreen,
        allowance: Allowance | None = None,
        meets_demo: Callable[[Connection], bool] = lambda _tx: False,
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._signals = signals
        self._channels = channels
        self._screen = screen
        self._allowance = allowance or Allowance()
        self._meets_demo = meets_demo
        self._homes: OrderedDict[Address, _Home] = OrderedDict()
        self._full_at: OrderedDict[Address, datetime] = OrderedDict()
        self._arrivals: list[_Arrival] = []
        self._keeping: asyncio.Task[None] | None = None
        self._closed = False

    async def accept(self, raw: RawMessage) -> bool:
        """Keep a message for good. True: it is new; False: it was kept before, so it may be acknowledged again.

        Raises DatabaseUnavailable when it was not kept: the channel must not acknowledge it. One who writes very
        much is answered later, never less; words of danger are answered at once all the same.
        """
        if self._closed:
            raise DatabaseUnavailable("stopping")
        at, address = self._clock.now(), (raw.channel, raw.account, raw.address)
        due_at, lane = self._when(raw, address, at)
        arrival = _Arrival(raw, address, at, due_at, lane, asyncio.get_running_loop().create_future())
        self._arrivals.append(arrival)
        if self._keeping is None:
            self._keeping = asyncio.create_task(self._keep_all(), name="inbox")
        new = False
        try:
            new = await arrival.kept
        finally:
            if not new:
                self._give_back(arrival.address)
        return new

    async def close(self) -> None:
        """Take nothing more in, and finish what is under way."""
        self._closed = True
        if self._keeping is not None:
            await self._keeping

    def _when(self, raw: RawMessage, address: Address, at: datetime) -> tuple[datetime, Lane]:
        full_at, due_at = self._allowance.take(self._full_at.get(address), at)
        _remember(self._full_at, address, full_at)
        if due_at > at and self._speaks_of_danger(raw):
            return at, Lane.URGENT
        return due_at, Lane.ROUTINE

    def _speaks_of_danger(self, raw: RawMessage) -> bool:
        """Asked only of messages that would have to wait. Whatever cannot be read waits like the others."""
        try:
            return self._screen(self._channels[raw.channel].read(raw.payload).text) is not None
        except Exception:
            return False

    def _give_back(self, address: Address) -> None:
        """A provider that repeats itself does not use up the person's allowance."""
        if address in self._full_at:
            self._full_at[address] = self._allowance.give_back(self._full_at[address])

    async def _keep_all(self) -> None:
        try:
            while self._arrivals:
                group, self._arrivals = self._arrivals[:LARGEST_GROUP], self._arrivals[LARGEST_GROUP:]
                await self._keep(group)
        finally:
            self._keeping = None

    async def _keep(self, group: list[_Arrival]) -> None:
        try:
            fresh, homes = await self._database.write(self._work(group))
        except DatabaseUnavailable as error:
            _fail(group, error)
        except Exception as error:
            if len(group) == 1:
                _fail(group, error)
                return
            for arrival in group:  # one of them is at fault: each for itself
                await self._keep([arrival])
        else:
            failpoint("inbox.after_commit")
            for address, home in homes.items():
                _remember(self._homes, address, home)
            if any(fresh):
                self._signals.wake("inbox")
            for arrival, new in zip(group, fresh, strict=True):
                if not arrival.kept.done():
                    arrival.kept.set_result(new)

    def _work(self, group: list[_Arrival]) -> Callable[[Connection], tuple[list[bool], dict[Address, _Home]]]:
        # Looked up here, in the event loop's thread, because the transaction runs in another.
        known = {arrival.address: home for arrival in group if (home := self._homes.get(arrival.address))}
        return lambda tx: self._insert(tx, group, dict(known))  # a copy: the work may run a second time

    def _insert(
        self, tx: Connection, group: list[_Arrival], homes: dict[Address, _Home]
    ) -> tuple[list[bool], dict[Address, _Home]]:
        failpoint("inbox.before_insert")
        found = self._homes_of(tx, group, homes)
        homes.update(found)
        fresh = store.insert_received(tx, _received(group, homes))
        for place, arrival in enumerate(group):
            if not fresh[place]:
                fresh[place] = self._insert_after_erasure(tx, arrival, homes, found)
        failpoint("inbox.before_commit")
        return fresh, found

    def _insert_after_erasure(
        self, tx: Connection, arrival: _Arrival, homes: dict[Address, _Home], found: dict[Address, _Home]
    ) -> bool:
        """Not kept at the first go: known already, or sealed for a conversation that is no more."""
        raw = arrival.raw
        if store.was_received(tx, raw.channel, raw.account, raw.provider_id):
            return False
        homes[arrival.address] = found[arrival.address] = self._home(tx, arrival)
        if not store.insert_received(tx, _received([arrival], homes))[0]:
            raise DatabaseUnavailable("the conversation is being erased")
        return True

    def _homes_of(self, tx: Connection, group: list[_Arrival], homes: Mapping[Address, _Home]) -> dict[Address, _Home]:
        """Where the messages of those go who are not in `homes`. They are asked for, and opened, together."""
        strangers = {arrival.address: arrival for arrival in reversed(group) if arrival.address not in homes}
        if not strangers:
            return {}
        # In one order everywhere: two replicas that open the same ones must not wait for each other.
        wanted = [store.Opening(*address, strangers[address].at) for address in sorted(strangers)]
        demo = self._meets_demo(tx)
        opened = store.find_or_open_all(tx, self._vault, wanted, kind=ConversationKind.PERSON, demo=demo)
        return {address: _Home(*home) for address, home in zip(sorted(strangers), opened, strict=True)}

    def _home(self, tx: Connection, arrival: _Arrival) -> _Home:
        conversation_id, key = store.find_or_open(
            tx,
            self._vault,
            kind=ConversationKind.PERSON,
            channel=arrival.raw.channel,
            account=arrival.raw.account,
            address=arrival.raw.address,
            language=None,
            at=arrival.at,
            demo=self._meets_demo(tx),
        )
        return _Home(conversation_id, key)


def _received(group: Sequence[_Arrival], homes: Mapping[Address, _Home]) -> list[Received]:
    """A group as rows, each sealed for the conversation it goes to."""
    names = [(arrival.raw, homes[arrival.address]) for arrival in group]
    sealed = seal_rows(
        [
            (home.key, received_row(raw.channel, raw.account, raw.provider_id), text_of(raw.payload).encode())
            for raw, home in names
        ],
        table="inbox",
        field="payload",
    )
    rows = []
    for (raw, home), arrival, payload in zip(names, group, sealed, strict=True):
        at = moment_to_int(arrival.at)
        due_at = at if arrival.due_at is arrival.at else moment_to_int(arrival.due_at)
        rows.append(Received(*raw[:3], home.conversation_id, at, due_at, int(arrival.lane), payload))
    return rows


def _remember(remembered: OrderedDict[Address, T], address: Address, value: T) -> None:
    remembered[address] = value
    remembered.move_to_end(address)
    if len(remembered) > REMEMBERED:
        remembered.popitem(last=False)


def _fail(group: list[_Arrival], error: Exception) -> None:
    for arrival in group:
        if not arrival.kept.done():
            arrival.kept.set_exception(error)
