"""The message path against a simple model of it: whatever happens in whatever order, the promises hold."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import Counter, defaultdict
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.channels.model import ChannelBusy, DeliveryUncertain, RawMessage
from bot.conversations import service, stuck
from bot.conversations.model import Author, Direction
from bot.conversations.store import claim_replies, claim_turns, deliveries
from bot.kernel.clock import SetClock
from bot.kernel.crypto import Vault
from bot.kernel.database import metadata, open_database
from bot.kernel.live import Signals
from tests.conftest import NOON
from tests.integration.conversations.world import World, called, calls

PEOPLE = st.sampled_from(["+1", "+2", "+3"])


class MessagePath(RuleBasedStateMachine):
    """People write, providers repeat themselves, workers and senders die, channels fail, time passes."""

    @initialize()
    def open(self) -> None:
        memory = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
        self.loop = asyncio.new_event_loop()
        self.raws: list[RawMessage] = []
        self.loop.run_until_complete(self._open())

    async def _open(self) -> None:
        database, vault, clock = open_database(f"sqlite:///{self.folder / 'w.db'}"), Vault(bytes(32)), SetClock(NOON)
        await database.write(metadata.create_all)
        await database.write(calls.create_all)
        await database.write(lambda tx: vault.prepare(tx, NOON))
        self.world = World(database, vault, clock, Signals())

    def do(self, work):  # type: ignore[no-untyped-def]
        return self.loop.run_until_complete(work)

    @rule(who=PEOPLE, danger=st.booleans())
    def a_person_writes(self, who: str, danger: bool) -> None:
        raw = self.world.raw(f"{'knife' if danger else 'm'}{len(self.raws)}", who=who)
        self.raws.append(raw)
        assert self.do(self.world.inbox.accept(raw)) is True

    @precondition(lambda self: self.raws)
    @rule(data=st.data())
    def a_provider_repeats_itself(self, data: st.DataObject) -> None:
        raw = data.draw(st.sampled_from(self.raws))
        assert self.do(self.world.inbox.accept(raw)) is False

    @rule()
    def what_is_due_is_answered(self) -> None:
        self.do(self.world.worker.drain())

    @rule(faults=st.lists(st.sampled_from(["busy", "patience", "lost", "arrived", None]), max_size=3))
    def what_is_due_is_sent(self, faults: list[str | None]) -> None:
        made = {
            "busy": ChannelBusy("paper", "http_502"),
            "patience": ChannelBusy("paper", "retry_after", retry_after=5),
            "lost": DeliveryUncertain("paper", "timeout"),
            "arrived": DeliveryUncertain("paper", "timeout"),
            None: None,
        }
        self.world.channel.arrives_all_the_same = "arrived" in faults
        self.world.channel.faults.clear()
        # When lost sends arrive all the same, busy ones must not: one kind at a time.
        self.world.channel.faults.extend(
            made[fault] for fault in faults if "arrived" not in faults or fault in {"arrived", None}
        )
        self.do(self.world.sender.drain())
        self.world.channel.faults.clear()

    @rule()
    def a_worker_dies_holding_messages(self) -> None:
        world = self.world
        self.do(world.database.write(lambda tx: claim_turns(tx, world.vault, most=2, at=world.clock.now())))

    @rule()
    def a_sender_dies_holding_replies(self) -> None:
        world = self.world
        self.do(world.database.write(lambda tx: claim_replies(tx, world.vault, "paper", most=2, at=world.clock.now())))

    @rule()
    def the_only_server_starts_again(self) -> None:
        world = self.world
        self.do(world.database.write(lambda tx: service.end_leases(tx, at=world.clock.now())))
        world.inbox, world.worker, world.sender = world.new_inbox(), world.new_worker(), world.new_sender()

    @rule(seconds=st.sampled_from([1, 6, 31, 120]))
    def time_passes(self, seconds: int) -> None:
        self.world.clock.advance(timedelta(seconds=seconds))

    @invariant()
    def nothing_is_broken(self) -> None:
        found = [line for line in self.do(self.world.problems()) if "worked on" not in line and "come back" not in line]
        assert found == []

    def teardown(self) -> None:
        if hasattr(self, "world"):
            try:
                self.do(self._end())
            finally:
                self.do(self.world.database.close())
                self.loop.close()
                shutil.rmtree(self.folder)

    async def _end(self) -> None:
        """Everything comes to rest, an officer releases what is held, and then all must be there, once, in order."""
        world = self.world
        for _ in range(40):
            await world.later(timedelta(seconds=40))
        held = {letter.id for letter in await world.database.read(stuck.dead_letters)}
        for reply in held:
            await world.database.write(lambda tx, reply=reply: stuck.retry_delivery(tx, reply, world.clock.now()))
        await world.later(timedelta(seconds=40))
        uncertain = Counter(
            row.outbox_id
            for row in await world.rows(sa.select(deliveries.c.outbox_id).where(deliveries.c.outcome == "uncertain"))
        )
        arrived = Counter(message.id for message in world.channel.sent)
        wrote = defaultdict(list)
        for raw in self.raws:
            wrote[raw.address].append(world.channel.read(raw.payload).text)
        for who, texts in wrote.items():
            lines = await world.transcript(who)
            assert [line.text for line in lines if line.author is Author.PERSON] == texts
            replies = [line for line in lines if line.direction is Direction.OUT]
            assert [line.text for line in replies] == [f"echo {text}" for text in texts]
            for line in replies:
                assert 1 <= arrived[line.id] <= 1 + uncertain[line.id]
            order = [message.id for message in world.channel.sent if message.address == who and message.id not in held]
            assert list(dict.fromkeys(order)) == [line.id for line in replies if line.id not in held]
        danger = sum(text.startswith("knife") for texts in wrote.values() for text in texts)
        assert len(await world.rows(sa.select(called.c.number))) == danger
        assert await world.problems() == []


MessagePath.TestCase.settings = settings(
    max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
test_the_message_path_keeps_its_promises = MessagePath.TestCase
