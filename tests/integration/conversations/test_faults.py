"""Broken messages, stale workers, stopping, full disks, erasing: what must hold when things go wrong."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.conversations import service, stuck
from bot.conversations.model import LEASE, InboxState
from bot.conversations.store import LeaseLost, claim_turns, conversations, inbox
from bot.kernel.database import Database, DatabaseUnavailable, metadata
from tests.integration.conversations.world import World, called, calls


async def test_a_poisoned_message_is_parked_after_five_tries_shown_and_its_conversation_goes_on(world: World):
    await world.write("", broken=True)
    await world.write("after it")

    for _ in range(4):
        await world.later(timedelta(seconds=16))
        assert world.channel.sent == []  # the order is kept while there is hope
    await world.later(timedelta(seconds=16))

    assert world.channel.texts == [
        "I could not read your message. A person will read it and answer you here.\nDanger now? Call 112.",
        "echo after it",
    ]
    (shown,) = await world.database.read(stuck.parked)
    assert (shown.attempts, shown.failures, shown.error_code) == (5, 5, "RuntimeError")
    assert await world.calls() == [("understanding_failed", "P1")]


async def test_a_parked_message_is_shown_even_if_no_case_can_be_opened(world: World):
    world.cases.broken = True
    await world.write("", broken=True)
    for _ in range(5):
        await world.later(timedelta(seconds=16))

    assert len(await world.database.read(stuck.parked)) == 1
    assert len(world.channel.sent) == 1


async def test_a_parked_message_can_be_tried_again_after_a_repair(world: World):
    world.worker = world.new_worker(screen=world.screen)
    world.cases.broken = True
    await world.write("he has a knife")
    for _ in range(5):
        await world.later(timedelta(seconds=16))
    (shown,) = await world.database.read(stuck.parked)
    assert world.channel.texts == ["Call 112 now if you are in danger. A person will read this and answer you here."]

    world.cases.broken = False
    assert await world.database.write(lambda tx: stuck.retry_parked(tx, shown.seq, world.clock.now()))
    await world.settle()

    assert world.channel.texts[-1] == "echo he has a knife"
    assert await world.calls() == [("weapon_present", "P0")]


async def test_a_poisoned_message_blocks_only_its_own_conversation(world: World):
    await world.write("", who="+1", broken=True)
    await world.write("hello", who="+2")

    await world.settle()

    assert world.channel.texts == ["echo hello"]


async def test_a_message_that_kills_us_again_and_again_is_parked_too(world: World):
    world.worker = world.new_worker(screen=world.screen)
    await world.write("deadly")
    for _ in range(10):  # claimed, and never heard of again
        claimed = await world.database.write(lambda tx: claim_turns(tx, world.vault, most=8, at=world.clock.now()))
        assert len(claimed) == 1
        world.clock.advance(LEASE)

    await world.settle()

    (shown,) = await world.database.read(stuck.parked)
    assert shown.error_code == "crashed"
    assert world.screened == []  # what kills us is not looked at once more


async def test_nobody_else_takes_a_conversation_while_its_lease_runs(world: World):
    await world.write("one")
    await world.write("two")
    claim = lambda: world.database.write(lambda tx: claim_turns(tx, world.vault, most=8, at=world.clock.now()))  # noqa: E731

    assert len(await claim()) == 1
    assert await claim() == []
    world.clock.advance(LEASE)
    assert len(await claim()) == 1


async def test_a_stale_workers_late_write_is_refused_and_the_message_has_one_effect(world: World):
    await world.write("hello")
    (stale,) = await world.database.write(lambda tx: claim_turns(tx, world.vault, most=8, at=world.clock.now()))
    outcome, code = await world.worker._deciding.decide(stale)
    world.clock.advance(LEASE + timedelta(seconds=1))
    await world.settle()

    with pytest.raises(LeaseLost):
        await world.worker._commit(stale, outcome, code, go_on=True)
    await world.settle()

    assert world.channel.texts == ["echo hello"]
    assert len(await world.transcript()) == 2


async def test_two_workers_and_two_senders_share_the_work_without_doubling_any(world: World):
    workers = [world.worker, world.new_worker(), world.new_worker()]
    senders = [world.sender, world.new_sender()]
    for n in range(60):
        await world.write(f"{n}", who=f"+{n % 6}")

    for _ in range(3):
        await asyncio.gather(*[worker.drain() for worker in workers])
        await asyncio.gather(*[sender.drain() for sender in senders])

    for who in range(6):
        texts = [sent.text for sent in world.channel.sent if sent.address == f"+{who}"]
        assert texts == [f"echo {n}" for n in range(60) if n % 6 == who]


async def test_an_effect_and_its_message_are_undone_together(world: World):
    world.cases.broken = True
    await world.write("he has a knife")
    await world.settle()
    assert (await world.transcript(), world.channel.sent, await world.calls()) == ([], [], [])

    world.cases.broken = False
    await world.later(timedelta(seconds=2))

    assert await world.calls() == [("weapon_present", "P0")]
    assert world.channel.texts == ["echo he has a knife"]


async def test_a_graceful_stop_finishes_what_is_under_way_and_takes_nothing_new(world: World):
    gate = asyncio.Event()
    turn = world.engine.turn

    async def slow(state, message):  # type: ignore[no-untyped-def]
        await gate.wait()
        return await turn(state, message)

    world.engine.turn = slow  # type: ignore[method-assign]
    running = [asyncio.create_task(world.worker.run()), asyncio.create_task(world.sender.run())]
    for n in range(20):
        await world.write(f"{n}", who=f"+{n}")
    while len(world.worker._held) < 8:
        await asyncio.sleep(0)
    stopping = asyncio.create_task(world.worker.stop())
    await world.inbox.close()
    with pytest.raises(DatabaseUnavailable):
        await world.write("too late")
    gate.set()
    await stopping
    await world.sender.stop()
    await asyncio.gather(*running)

    done = {row.state for row in await world.rows(sa.select(inbox.c.state))}
    assert done == {"done", "waiting"}
    assert await world.rows(sa.select(conversations.c.id).where(conversations.c.lease_until.is_not(None))) == []
    world.worker, world.sender = world.new_worker(), world.new_sender()
    world.engine.turn = turn  # type: ignore[method-assign]
    await world.settle()
    assert sorted(world.channel.texts) == sorted(f"echo {n}" for n in range(20))


async def test_a_turn_that_does_not_end_in_time_is_given_back_untouched(world: World):
    async def never(state, message):  # type: ignore[no-untyped-def]
        await asyncio.Event().wait()

    world.engine.turn = never  # type: ignore[method-assign]
    await world.write("hello")
    await world.worker._start_due()
    await world.worker.stop(within=0)

    (row,) = await world.rows(sa.select(inbox.c.state, inbox.c.attempts))
    assert (row.state, row.attempts) == ("waiting", 0)


async def test_what_cannot_be_kept_is_not_acknowledged(sqlite_database: Database, tmp_path: Path, clock, signals):  # type: ignore[no-untyped-def]
    """The disk is full: SQLite may not grow its file. Nothing is said to be kept, and nothing breaks."""
    from bot.kernel.crypto import Vault

    vault = Vault(bytes(32))
    await sqlite_database.write(lambda tx: vault.prepare(tx, clock.now()))
    await sqlite_database.write(calls.create_all)
    world = World(sqlite_database, vault, clock, signals)
    pages = await sqlite_database.read(lambda tx: tx.exec_driver_sql("PRAGMA page_count").scalar_one())
    await sqlite_database.write(lambda tx: tx.exec_driver_sql(f"PRAGMA max_page_count = {pages + 8}").scalar_one())

    kept, refused = [], []
    for n in range(60):
        try:
            await world.write(f"{n} " + "x" * 500, who="+1")
            kept.append(n)
        except DatabaseUnavailable:
            refused.append(n)
    await sqlite_database.write(lambda tx: tx.exec_driver_sql("PRAGMA max_page_count = 1000000").scalar_one())
    for n in refused:
        await world.write(f"{n} " + "x" * 500, who="+1")
    await world.settle()

    assert kept
    assert refused
    assert len(world.channel.sent) == 60
    assert await sqlite_database.read(lambda tx: tx.exec_driver_sql("PRAGMA integrity_check").scalar_one()) == "ok"


CANARIES = [f"canary{n:02d}Zürich-sakīna" for n in range(40)]


async def test_after_an_erase_no_word_of_the_person_is_anywhere(world: World, tmp_path: Path, capfd, caplog):  # type: ignore[no-untyped-def]
    """Forty canaries through every field that takes free text: nothing in the file, its log, or our own logs."""
    from dialogues.runtime.model import Choice, Reply

    caplog.set_level("DEBUG")
    left = iter(CANARIES)
    for _ in range(6):
        await world.write(next(left), who=CANARIES[-1])
    world.engine.replies = (Reply(next(left), (Choice(next(left), "/affirm"),), "utter_x"),)
    await world.write(next(left), who=CANARIES[-1])
    await world.settle()
    world.engine.broken = True
    await world.write(next(left), who=CANARIES[-1])
    await world.write(next(left), who=CANARIES[-1], kind="tap", payload="/inform" + '{"place": "' + next(left) + '"}')
    await world.write(next(left), who=CANARIES[-1], kind="attachment", attachment="voice")
    await world.settle()
    world.engine.broken = False
    conversation_id = await world.conversation(CANARIES[-1])
    at = world.clock.now()
    for text in left:
        await world.database.write(
            lambda tx, text=text: service.answer(
                tx, world.vault, conversation_id, officer_id="o1", text=text, language="en", at=at
            )
        )
        await world.database.write(
            lambda tx, text=text: service.note(tx, world.vault, conversation_id, text=text, at=at)
        )
    await world.write("", who=CANARIES[-1], broken=CANARIES[0])  # will stay in the inbox
    await world.settle()
    await world.write(CANARIES[1], who=CANARIES[-1])
    assert len(await world.transcript(CANARIES[-1])) > 40

    await service.erase_conversation(world.database, world.vault, conversation_id, at)

    assert await world.database.read(lambda tx: service.transcript(tx, world.vault, conversation_id)) == []
    stored = [path.read_bytes() for path in tmp_path.iterdir() if path.is_file()]
    if world.database.dialect == "postgresql":
        every = metadata.sorted_tables
        stored = [repr(await world.rows(sa.select(table))).encode() for table in every]
    logs = (caplog.text + "".join(capfd.readouterr())).encode()
    for canary in CANARIES:
        forms = (canary.encode(), canary.encode("utf-16-le"), canary.encode("latin-1", "replace"), canary[:8].encode())
        assert not any(form in data for form in forms for data in (*stored, logs)), canary
    await world.later(timedelta(hours=1))
    assert await world.problems() == []


async def test_one_who_writes_again_after_an_erase_is_a_new_person(world: World):
    await world.write("hello")
    await world.settle()
    before = await world.conversation()
    await service.erase_conversation(world.database, world.vault, before, world.clock.now())

    await world.write("hello again")  # the inbox still remembers the old conversation's key
    await world.settle()

    assert await world.conversation() != before
    assert world.channel.texts[-1] == "echo hello again"
    assert world.engine.states[-1].slots.get("count") is None


async def test_erasing_twice_or_nothing_is_harmless(world: World):
    await world.write("hello")
    await world.settle()
    conversation_id = await world.conversation()
    for _ in range(2):
        await service.erase_conversation(world.database, world.vault, conversation_id, world.clock.now())
    await service.erase_conversation(world.database, world.vault, "no-such-id", world.clock.now())

    card = await world.database.read(lambda tx: service.card(tx, conversation_id))
    assert card is not None
    assert card.erased_at == world.clock.now()
    with pytest.raises(service.NoConversation):
        await world.database.write(
            lambda tx: service.answer(
                tx, world.vault, conversation_id, officer_id="o", text="x", language="en", at=world.clock.now()
            )
        )


async def test_old_receipts_are_forgotten_and_others_stay(world: World):
    await world.write("hello")
    await world.settle()
    await world.write("waiting")

    assert await world.database.write(lambda tx: stuck.forget_old_receipts(tx, world.clock.now())) == 0
    world.clock.advance(timedelta(days=31))
    assert await world.database.write(lambda tx: stuck.forget_old_receipts(tx, world.clock.now())) == 1
    left = await world.rows(sa.select(inbox.c.state))
    assert [row.state for row in left] == [InboxState.WAITING.value]
    await world.settle()


async def test_a_start_after_a_crash_waits_for_no_lease(world: World):
    await world.write("hello")
    await world.database.write(lambda tx: claim_turns(tx, world.vault, most=8, at=world.clock.now()))

    await world.database.write(lambda tx: service.end_leases(tx, at=world.clock.now()))
    await world.settle()

    assert world.channel.texts == ["echo hello"]
    assert await world.rows(sa.select(called)) == []
