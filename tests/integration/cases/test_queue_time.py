"""Whoever waits for a person reads how long it will probably take, and it comes from the queue itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import time, timedelta

import pytest
from msgspec.structs import replace

from bot.cases import service
from bot.cases.queue_time import (
    FEWEST_WAITS,
    LONGER_THAN_MOST,
    NOBODY_CALLED,
    NOBODY_SPEAKS,
    NOBODY_THERE,
    NOBODY_WORKS_HERE,
    REMEMBERED,
)
from bot.cases.rota import service as rota
from bot.cases.rota.model import Part, Shift
from bot.conversations import service as conversations
from bot.conversations.sentences import NEUTRAL, NEUTRAL_AGAIN
from bot.kernel import sessions
from bot.kernel.access import Role
from dialogues.understanding.model import Priority
from tests.integration.cases.phone import ECHO, PERSON_COMES, Phone, switched_on


@pytest.fixture
async def phone(database, vault, clock, signals) -> AsyncIterator[Phone]:
    async with switched_on(database, vault, clock, signals, told=True) as phone:
        yield phone


async def time_told(phone: Phone, who: str, text: str = "I want a person") -> str:
    """Ask for a person; what is said of the time."""
    phone.talk.engine.replies = (PERSON_COMES,)
    answers = await phone.say(text, who)
    phone.talk.engine.replies = (ECHO,)
    return answers[1]


async def somebody_waited(phone: Phone, who: str, officer, wait: timedelta) -> None:
    await time_told(phone, who)
    phone.talk.clock.advance(wait)
    await phone.claimed(officer, who)


async def test_who_asks_for_a_person_reads_what_others_waited_and_how_many_are_before_them(phone: Phone):
    amira = await phone.officer("Amira")
    first = await time_told(phone, "+1")
    assert first == "I do not know yet how long it takes. We try to be here within 4 hours."
    await phone.claimed(amira, "+1")
    for number in range(2, 2 + FEWEST_WAITS):
        await somebody_waited(phone, f"+{number}", amira, timedelta(minutes=9 if number % 4 == 0 else 4))
    phone.talk.clock.advance(REMEMBERED)

    assert await time_told(phone, "+20") == "It will probably take 5 minutes to 10 minutes until a person reads this."
    later = await time_told(phone, "+21")

    assert later.endswith("People who wait before you: 1.")
    assert await phone.say("how long?", "+21") == [later]


async def test_in_a_rush_the_minutes_that_others_have_waited_so_far_are_nobodys_wait(phone: Phone):
    await phone.officer("Amira")
    for number in range(FEWEST_WAITS + 2):
        await time_told(phone, f"+1{number}")
        phone.talk.clock.advance(timedelta(seconds=20))
    phone.talk.clock.advance(REMEMBERED)

    assert (await time_told(phone, "+1")).startswith("I do not know yet how long it takes.")


async def test_who_asks_how_long_and_waits_longer_than_others_is_told_the_truth(phone: Phone):
    amira = await phone.officer("Amira")
    for number in range(FEWEST_WAITS):
        await somebody_waited(phone, f"+1{number}", amira, timedelta(minutes=4))
    await time_told(phone, "+1")
    phone.talk.clock.advance(timedelta(minutes=30))

    assert await phone.say("¿Cuánto falta?") == [LONGER_THAN_MOST]


async def test_who_was_given_back_to_the_queue_waits_since_then_and_not_since_they_came(phone: Phone):
    amira = await phone.officer("Amira")
    for number in range(FEWEST_WAITS):
        await somebody_waited(phone, f"+1{number}", amira, timedelta(minutes=4))
    await time_told(phone, "+1")
    case = await phone.claimed(amira)
    phone.talk.clock.advance(timedelta(hours=1))
    await phone.talk.database.write(lambda tx: service.release_case(tx, phone.hand(amira), case.id))
    await phone.talk.settle()
    phone.talk.clock.advance(timedelta(minutes=2))

    assert await phone.say("how long?") == ["It will probably take up to 5 minutes until a person reads this."]


async def signed_in(phone: Phone, name: str) -> None:
    officer = await phone.officer(name)
    at = phone.talk.clock.now()
    await phone.talk.database.write(lambda tx: sessions.start(tx, officer.id, at))


async def test_in_danger_the_number_comes_before_the_time(phone: Phone):
    await signed_in(phone, "Amira")
    phone.talk.engine.replies = (ECHO,)
    answers = await phone.say("he has a knife")
    assert answers[0] == "echo"
    assert answers[1].startswith("I do not know yet how long it takes. We try to be here within 2 minutes.")

    assert (await phone.say("is anyone coming?"))[0].startswith("In danger? Call 112 first.\n")


async def test_nobody_is_told_of_minutes_that_cannot_be_kept_for_them(phone: Phone):
    await signed_in(phone, "Amira")
    first, behind, quiet = "+1", "+2", "+3"
    phone.talk.engine.replies = (ECHO,)
    assert "We try to be here within 2 minutes." in (await phone.say("he has a knife", first))[1]

    # One person at the desk, and somebody in danger is before them.
    told = (await phone.say("he has a knife", behind))[1]
    assert told == "I do not know yet how long it takes. I am asking for a person.\nPeople who wait before you: 1."
    assert "We try to be here within 4 hours." in await time_told(phone, quiet)
    phone.talk.clock.advance(timedelta(minutes=3))
    assert "within" not in (await phone.say("how long?", quiet))[0]  # both before them are late


async def test_minutes_are_told_to_nobody_in_danger_while_nobody_is_signed_in(phone: Phone):
    amira = await phone.officer("Amira")
    phone.talk.engine.replies = (ECHO,)
    assert (await phone.say("he has a knife", "+1"))[1] == NOBODY_THERE
    assert "We try to be here within 4 hours." in await time_told(phone, "+2")

    at = phone.talk.clock.now()
    await phone.talk.database.write(lambda tx: sessions.start(tx, amira.id, at))
    phone.talk.engine.replies = (ECHO,)
    assert (await phone.say("how long?", "+1"))[0].endswith("We try to be here within 2 minutes.")
    await phone.talk.database.write(lambda tx: sessions.revoke_all(tx, amira.id, at))
    assert (await phone.say("how long?", "+1"))[0].endswith(NOBODY_THERE)


async def test_where_nobody_works_yet_the_child_is_told_so_and_not_that_somebody_is_called(phone: Phone):
    assert await time_told(phone, "+1") == NOBODY_WORKS_HERE
    await phone.officer("Petra", Role.COORDINATOR)
    phone.talk.clock.advance(REMEMBERED)
    assert await phone.say("how long?") == [NOBODY_WORKS_HERE]


async def test_with_nobody_on_duty_that_is_said_and_no_figure(phone: Phone):
    amira, planner = await phone.officer("Amira"), await phone.officer("Petra", Role.COORDINATOR)
    day = phone.talk.clock.now().date()
    night = Shift("", amira.id, "UTC", frozenset(range(1, 8)), (Part(time(22), time(6)),), day - timedelta(days=9))
    await phone.talk.database.write(lambda tx: rota.add_shift(tx, phone.hand(planner), night))

    assert await time_told(phone, "+1") == NOBODY_THERE


async def test_where_nobody_speaks_the_language_that_is_said_in_it(phone: Phone):
    await phone.officer("Amira")  # she speaks English
    phone.talk.understanding.language = "fr"

    assert (await time_told(phone, "+1")).splitlines()[1] == phone.words.text("fr", NOBODY_SPEAKS)


async def test_who_has_come_answers_for_themselves_and_before_anybody_was_called_it_is_an_ordinary_question(
    phone: Phone,
):
    phone.talk.engine.replies = (ECHO,)
    assert await phone.say("how long?") == ["echo"]
    await time_told(phone, "+1")
    amira = await phone.officer("Amira")
    case = await phone.claimed(amira)

    assert await phone.say("how long?") == []
    await phone.talk.database.write(lambda tx: service.close_case(tx, phone.hand(amira), case.id, closing="helped"))
    await phone.talk.settle()
    assert await phone.say("how long?") == [NOBODY_CALLED]
    assert await phone.say("how long?") == ["echo"]  # it may be about a paper by now


@pytest.mark.parametrize("asked", ["safety_question", "form"])
async def test_what_may_be_the_answer_to_a_question_of_ours_is_heard_as_the_answer(phone: Phone, asked: str):
    class Asking(type(phone.talk.engine)):  # type: ignore[misc]
        async def turn(self, state, message):  # type: ignore[no-untyped-def]
            turn = await super().turn(state, message)
            loop = {"name": "report_form"} if asked == "form" else {}
            slots = {**turn.state.slots, "safety_question": True if asked != "form" else None}
            return replace(turn, state=replace(turn.state, slots=slots, active_loop=loop))

    phone.talk.engine.__class__ = Asking
    await phone.officer("Amira")
    await time_told(phone, "+1")

    assert await phone.say("¿alguien viene?") == ["echo"]
    assert (await phone.say("how long?"))[0] != "echo"


async def test_on_a_watched_phone_nobody_is_told_that_a_person_comes(phone: Phone):
    await time_told(phone, "+1")
    conversation_id = await phone.talk.conversation("+1")
    await phone.talk.database.write(
        lambda tx: conversations.agree_on_duress_word(tx, phone.talk.vault, conversation_id, "lighthouse")
    )

    assert await phone.say("we saw the lighthouse") == [NEUTRAL]
    assert await phone.say("how long?") == [NEUTRAL_AGAIN]
    assert (await phone.case()).priority is Priority.P0
