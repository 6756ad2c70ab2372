"""Who waits and speaks of danger goes first, and nobody's own words change their order."""

from __future__ import annotations

from datetime import timedelta

from bot.conversations.model import Allowance
from tests.integration.conversations.world import World


async def test_a_knife_does_not_wait_behind_five_hundred_questions(world: World):
    for number in range(300):
        await world.write(f"question {number}", who=f"+{number}")
    await world.write("hello", who="+in-danger")
    await world.write("he has a knife", who="+in-danger")
    triage = world.new_triage()

    while await triage.look():
        pass
    await world.worker.drain()

    heard = [message.text for message in world.engine.heard]
    assert heard.index("hello") < heard.index("he has a knife") < 20  # beside what the other hands took up
    assert len(heard) == 302
    assert await world.problems() == []


async def test_the_queue_is_sorted_only_when_more_wait_than_there_are_hands(world: World):
    worker = world.new_worker(workers=2, triage=world.new_triage())
    await world.write("one", who="+1")
    await worker.drain()
    assert world.screened == []

    for number in range(5):
        await world.write(f"more {number}", who=f"+{number}")
    await worker.drain()
    await worker.stop()

    assert len(world.engine.heard) == 6


async def test_each_message_of_the_queue_is_looked_at_once(world: World):
    for number in range(250):
        await world.write(f"question {number}", who=f"+{number}")
    triage = world.new_triage()

    looks = [await triage.look() for _ in range(4)]

    assert looks == [True, True, False, False]
    assert len(world.screened) == 250


async def test_words_that_wait_for_the_persons_own_allowance_do_not_hold_danger_up(world: World):
    world.inbox = world.new_inbox(Allowance(burst=2, per_minute=1))
    for number in range(4):
        await world.write(f"flood {number}")
    await world.write("he has a knife")
    await world.new_triage().look()

    await world.worker.drain()
    assert "he has a knife" in [message.text for message in world.engine.heard]

    await world.later(timedelta(hours=1))
    assert len(world.engine.heard) == 5


async def test_what_cannot_be_read_waits_like_the_others(world: World):
    await world.write("hello", broken=True)
    await world.write("he has a knife", who="+2")

    assert await world.new_triage().look() is False
    await world.worker.drain()

    assert [message.text for message in world.engine.heard] == ["he has a knife"]
