"""What becomes of a reply when the network, the provider or we fail."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.channels.model import ChannelBusy, DeliveryUncertain, MessageRefused, PersonUnreachable
from bot.conversations import service, stuck
from bot.conversations.model import MessageClass, OutboxState
from bot.conversations.store import LeaseLost, claim_replies, deliveries, outbox
from tests.integration.conversations.world import World


async def said(world: World, cls: MessageClass, text: str = "hello") -> str:
    conversation_id = await world.database.write(
        lambda tx: service.open_conversation(
            tx, world.vault, channel="paper", account="main", address="+1", language="en", at=world.clock.now()
        )
    )
    await world.database.write(
        lambda tx: service.say(
            tx, world.vault, conversation_id, text=text, cls=cls, template=None, at=world.clock.now()
        )
    )
    return conversation_id


async def outcomes(world: World) -> list[tuple[str, str | None]]:
    query = sa.select(deliveries.c.outcome, deliveries.c.cause).order_by(deliveries.c.started_at, deliveries.c.attempt)
    return [(row.outcome, row.cause) for row in await world.rows(query)]


async def states(world: World) -> list[str]:
    return [row.state for row in await world.rows(sa.select(outbox.c.state).order_by(outbox.c.seq))]


async def test_a_busy_channel_is_tried_again_and_keeps_the_order(world: World):
    await said(world, MessageClass.ROUTINE, "one")
    await said(world, MessageClass.ROUTINE, "two")
    world.channel.faults.append(ChannelBusy("paper", "http_502"))

    await world.settle()
    assert world.channel.texts == []
    await world.later(timedelta(seconds=2))

    assert world.channel.texts == ["one", "two"]
    assert await outcomes(world) == [("busy", "http_502"), ("sent", None), ("sent", None)]


async def test_a_channel_that_asks_for_patience_gets_it_for_that_person_only(world: World):
    world.channel.faults.append(ChannelBusy("paper", "retry_after", retry_after=90))
    await world.write("a", who="+1")
    await world.settle()
    await world.write("b", who="+2")  # only now: of two people at once, nothing says whose answer goes first
    await world.settle()

    assert world.channel.texts == ["echo b"]
    await world.later(timedelta(seconds=89))
    assert world.channel.texts == ["echo b"]
    await world.later(timedelta(seconds=1))
    assert world.channel.texts == ["echo b", "echo a"]


@pytest.mark.parametrize(
    ("cls", "copies", "state"),
    [
        (MessageClass.SAFETY, 5, "sent"),
        (MessageClass.OFFICER, 5, "sent"),
        (MessageClass.ROUTINE, 2, "uncertain"),
        (MessageClass.SECRET, 1, "uncertain"),
    ],
)
async def test_the_class_decides_whether_an_uncertain_send_is_repeated(
    world: World, cls: MessageClass, copies: int, state: str
):
    await said(world, cls)
    world.channel.arrives_all_the_same = True
    world.channel.faults.extend([DeliveryUncertain("paper", "timeout")] * 4)

    for _ in range(8):
        await world.later(timedelta(minutes=1))

    assert len(world.channel.sent) == copies
    assert await states(world) == [state]
    assert [outcome for outcome, _ in await outcomes(world)].count("uncertain") == min(copies, 4)


@pytest.mark.parametrize(
    ("error", "cause"),
    [(PersonUnreachable("paper", "blocked"), "blocked"), (MessageRefused("paper", "too_long"), "too_long")],
)
async def test_what_cannot_arrive_is_given_up_at_once_shown_and_does_not_hold_up_the_next(
    world: World, error: Exception, cause: str
):
    await said(world, MessageClass.OFFICER, "one")
    await said(world, MessageClass.OFFICER, "two")
    world.channel.faults.append(error)

    await world.settle()

    assert world.channel.texts == ["two"]
    (letter,) = await world.database.read(stuck.dead_letters)
    assert (letter.state, letter.cause, letter.attempts) == (OutboxState.DEAD, cause, 1)


async def test_what_an_officer_wrote_goes_out_when_whoever_blocked_us_writes_again(world: World):
    conversation_id = await said(world, MessageClass.ROUTINE, "how it waits")

    async def answered(text: str) -> None:
        await world.database.write(
            lambda tx: service.answer(
                tx, world.vault, conversation_id, officer_id="amira", text=text, language="en", at=world.clock.now()
            )
        )
        world.channel.faults.extend([PersonUnreachable("paper", "blocked")])
        await world.settle()

    await world.database.write(lambda tx: service.hand_to_human(tx, conversation_id, world.clock.now()))
    world.channel.faults.append(PersonUnreachable("paper", "blocked"))
    await world.settle()
    await answered("come at noon")
    await world.later(timedelta(hours=20))
    await answered("I am here")
    await world.later(timedelta(hours=5))
    assert world.channel.texts == []

    await world.write("are you there?")
    await world.settle()

    assert world.channel.texts == ["I am here"]  # what is older than a day has lost its moment
    lines = await world.database.read(lambda tx: service.transcript(tx, world.vault, conversation_id))
    assert [(line.text, line.cause) for line in lines if line.cause] == [
        ("how it waits", "blocked"),
        ("come at noon", "blocked"),
    ]
    await world.write("hello?")
    await world.settle()
    assert world.channel.texts == ["I am here"]


async def test_after_a_day_a_reply_is_given_up_and_an_officer_can_try_it_again(world: World):
    await said(world, MessageClass.ROUTINE)
    world.channel.faults.extend([ChannelBusy("paper", "http_503")] * 100)

    for _ in range(30):
        await world.later(timedelta(hours=1))
    (letter,) = await world.database.read(stuck.dead_letters)
    assert letter.cause == "http_503"
    world.channel.faults.clear()
    assert await world.database.write(lambda tx: stuck.retry_delivery(tx, letter.id, world.clock.now()))
    await world.settle()

    assert world.channel.texts == ["hello"]
    assert await world.database.read(stuck.dead_letters) == []


async def test_a_one_time_link_is_never_sent_again_even_by_hand(world: World):
    await said(world, MessageClass.SECRET)
    world.channel.faults.append(DeliveryUncertain("paper", "timeout"))
    await world.settle()

    (letter,) = await world.database.read(stuck.dead_letters)
    assert not await world.database.write(lambda tx: stuck.retry_delivery(tx, letter.id, world.clock.now()))


async def test_a_reply_whose_sender_died_is_sent_again_with_the_cause_written_down(world: World):
    await said(world, MessageClass.SAFETY)
    (died,) = await world.database.write(
        lambda tx: claim_replies(tx, world.vault, "paper", most=4, at=world.clock.now())
    )

    await world.later(timedelta(seconds=29))
    assert world.channel.sent == []
    await world.later(timedelta(seconds=2))
    await world.later(timedelta(seconds=6))

    assert world.channel.texts == ["hello"]
    assert await outcomes(world) == [("uncertain", "crashed_while_sending"), ("sent", None)]
    assert died.claim.attempt == 1


async def test_a_sender_that_comes_back_late_cannot_write_over_what_happened_since(world: World):
    from bot.conversations.model import DeliveryOutcome
    from bot.conversations.outbox import _Result

    await said(world, MessageClass.SAFETY)
    (stale,) = await world.database.write(
        lambda tx: claim_replies(tx, world.vault, "paper", most=4, at=world.clock.now())
    )
    await world.later(timedelta(seconds=31))
    await world.later(timedelta(seconds=6))
    result = _Result(DeliveryOutcome.REFUSED, "late")

    with pytest.raises(LeaseLost):
        await world.database.write(
            lambda tx: world.sender._write_result(tx, claim=stale.claim, result=result, draw=0.0, at=world.clock.now())
        )

    assert await states(world) == ["sent"]


async def test_at_most_four_at_once_on_a_channel_and_one_a_conversation(world: World):
    import asyncio

    for n in range(40):
        await world.write(f"{n}", who=f"+{n % 8}")
    await world.worker.drain()
    now, most, busy = 0, 0, set()

    async def slow(message):  # type: ignore[no-untyped-def]
        nonlocal now, most
        assert message.address not in busy
        busy.add(message.address)
        now += 1
        most = max(most, now)
        for _ in range(5):
            await asyncio.sleep(0)
        now -= 1
        busy.discard(message.address)
        world.channel.sent.append(message)
        return "id"

    world.channel.send = slow  # type: ignore[method-assign]
    await world.sender.drain()

    assert most == 4
    for who in range(8):
        said_to = [sent.text for sent in world.channel.sent if sent.address == f"+{who}"]
        assert said_to == [f"echo {n}" for n in range(40) if n % 8 == who]


async def test_words_about_danger_go_before_others(world: World):
    for n in range(8):
        await world.write(f"{n}", who=f"+{n}")
    await world.write("he has a knife", who="+99")
    await world.worker.drain()
    await world.sender.drain()

    assert world.channel.texts.index("echo he has a knife") < 4


async def test_a_channel_that_breaks_its_promise_counts_as_uncertain(world: World):
    await said(world, MessageClass.ROUTINE)
    world.channel.faults.append(KeyError("result"))
    await world.settle()

    assert await outcomes(world) == [("uncertain", "KeyError")]
    await world.later(timedelta(minutes=1))
    assert await states(world) == ["sent"]
