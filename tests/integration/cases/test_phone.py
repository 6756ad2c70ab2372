"""Whoever holds the phone: the word for danger, and who is told what has left the file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.cases import answering, consent, erasure, receipts, service, spoken, store
from bot.cases.model import CaseStatus, NotAllowedNow, NotReadyToClose
from bot.cases.own import (
    A_PERSON_LOOKS,
    KEPT_FOR_PERSON,
    PERSON_CAN_ERASE,
    PERSON_ERASES,
    WRITE_CODE,
)
from bot.cases.queue_time import NOBODY_THERE, NOBODY_WORKS_HERE
from bot.conversations import service as conversations
from bot.conversations import store as conversation_store
from bot.conversations import stuck
from bot.conversations.duress import TOO_COMMON
from bot.conversations.sentences import NEUTRAL, NEUTRAL_AGAIN
from bot.conversations.service import Watched
from bot.erasing import PersonEraser
from bot.exchange.holds import service as holds
from bot.exchange.holds.model import Mark
from bot.kernel import audit, sessions
from bot.kernel.access import Role
from dialogues.understanding.model import Priority
from tests.integration.cases.phone import Phone, shared, switched_on

DANGER = "he has a knife"


@pytest.fixture
async def phone(database, vault, clock, signals) -> AsyncIterator[Phone]:
    async with switched_on(database, vault, clock, signals) as phone:
        yield phone


# The agreed word --------------------------------------------------------------------------------------------------


async def test_the_agreed_word_makes_the_bot_harmless_and_calls_a_human_at_once(phone: Phone):
    await phone.asks_for_a_person()
    await phone.say("my secret word is Blue Umbrella")
    await phone.say("I am in Ventimiglia")
    amira = await phone.officer("Amira")
    case = await phone.claimed(amira)
    await phone.talk.settle()

    answers = await phone.say("did you see my BLUE  umbrélla, friend?")

    assert answers == [NEUTRAL]
    raised = await phone.case()
    assert (raised.id, raised.priority, raised.reason) == (case.id, Priority.P0, "duress")
    ringing = await phone.talk.database.read(lambda tx: store.get_alarm(tx, case.id, lock=False))
    assert ringing is not None
    assert ringing.climbing
    assert await phone.on_phone() == ["did you see my BLUE  umbrélla, friend?", NEUTRAL]
    for probe in ("where do I go tomorrow?", "who has my file?", "I want a person", receipts.new_code()):
        assert await phone.say(probe) == [NEUTRAL_AGAIN]


async def test_of_a_message_that_cannot_be_worked_on_nothing_is_told_to_whoever_may_hold_the_phone(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
):
    await phone.asks_for_a_person()
    await phone.say("my secret word is blue umbrella")

    async def in_vain(text: str = "", **more: Any) -> list[str]:
        before = len(phone.talk.channel.sent)
        await phone.talk.write(text, **more)
        for _ in range(5):
            await phone.talk.later(timedelta(seconds=16))
        return [message.text for message in phone.talk.channel.sent[before:]]

    number = "The number for emergencies here is 112."
    assert await in_vain(broken=True) == [f"{NEUTRAL} {number}"]  # the word may have stood in it

    monkeypatch.setattr(phone.talk.worker._effects, "write", lambda *_, **__: 1 / 0)
    assert await in_vain("blue umbrella, he has a knife") == [f"{NEUTRAL} {number}"]
    assert await phone.on_phone() == [f"{NEUTRAL} {number}"]
    raised = await phone.case()
    assert (raised.priority, raised.reason) == (Priority.P0, "duress")
    monkeypatch.setattr(
        "bot.conversations.duress.is_in", lambda *_: 1 / 0
    )  # what a message fails for, it fails for again
    assert await in_vain("a knife") == [f"{NEUTRAL_AGAIN} {number}"]


@pytest.mark.on_both
async def test_the_word_is_kept_as_a_hash_and_stands_in_no_talk(phone: Phone):
    await phone.say("my secret word is blue umbrella")

    assert not any("umbrella" in line.text for line in await phone.talk.transcript())
    kept = (await phone.talk.rows(sa.select(conversation_store.conversations.c.duress_words)))[0].duress_words
    assert kept
    assert "umbrella" not in kept


async def test_nothing_is_sent_to_a_watched_phone_unless_the_officer_says_so(phone: Phone):
    await phone.asks_for_a_person()
    await phone.say("my secret word is blue umbrella")
    amira = await phone.officer("Amira")
    case = await phone.claimed(amira)
    await phone.talk.settle()
    await phone.say("blue umbrella")

    def answer(although: bool):
        return lambda tx: answering.answer_person(
            tx, phone.hand(amira), case.id, text="Hello", once="", although_watched=although
        )

    with pytest.raises(Watched):
        await phone.talk.database.write(answer(False))
    await phone.talk.database.write(lambda tx: service.release_case(tx, phone.hand(amira), case.id))
    before = len(phone.talk.channel.sent)
    await phone.talk.settle()
    assert phone.talk.channel.sent[before:] == []

    await phone.claimed(amira)
    await phone.talk.database.write(answer(True))
    await phone.talk.settle()
    assert [message.text for message in phone.talk.channel.sent[before:]] == ["Hello"]

    await phone.talk.database.write(lambda tx: answering.end_watch(tx, phone.hand(amira), case.id))
    assert await phone.say("here I am") == []
    assert not any("person" in text for text in await phone.on_phone())


async def test_whoever_writes_on_a_watched_phone_after_the_case_was_closed_still_reaches_a_human(phone: Phone):
    await phone.asks_for_a_person()
    await phone.say("my secret word is blue umbrella")
    amira = await phone.officer("Amira")
    case = await phone.claimed(amira)
    await phone.say("blue umbrella")
    await phone.talk.database.write(lambda tx: service.close_case(tx, phone.hand(amira), case.id, closing="helped"))

    assert await phone.say("hello, can a person help me?") == [NEUTRAL_AGAIN]

    again = await phone.case()
    assert (again.status, again.reason, again.priority) == (CaseStatus.NEW, "duress", Priority.P1)
    ringing = await phone.talk.database.read(lambda tx: store.get_alarm(tx, again.id, lock=False))
    assert ringing is not None
    assert ringing.climbing
    assert await phone.say("hello?") == [NEUTRAL_AGAIN]
    assert (await phone.case()).id == again.id


@pytest.mark.on_both
async def test_a_case_is_in_the_language_its_person_writes_and_not_in_that_of_the_replies(phone: Phone):
    await phone.asks_for_a_person()
    await phone.say("আমার সাহায্য দরকার")
    assert (await phone.case()).language == "en"  # one message may be copied from somewhere

    assert await phone.say("আমি একা, আমার ভয় করছে") == ["echo"]

    case, amira = await phone.case(), await phone.officer("Amira")
    card = await phone.talk.database.read(lambda tx: conversations.card(tx, case.conversation_id))
    assert (case.language, card.language) == ("bn", "en")
    await phone.talk.database.write(lambda tx: spoken.set_languages(tx, phone.hand(amira), amira.id, ["en", "bn"]))
    omar, at = await phone.officer("Omar"), phone.talk.clock.now()
    speak = await phone.talk.database.read(lambda tx: spoken.speakers(tx, omar, case.language, at))
    assert speak.there == (amira.id,)
    assert (await phone.acts(case)).count("language_heard") == 1
    for words in ("I write English now", "please answer in English", "my friend wrote before"):
        await phone.say(words)
    assert (await phone.case()).language == "en"


@pytest.mark.on_both
async def test_what_somebody_writes_while_their_case_is_being_closed_is_read_first(phone: Phone):
    await phone.asks_for_a_person()
    amira = await phone.officer("Amira")
    case = await phone.claimed(amira)
    on_screen = await phone.talk.database.read(lambda tx: conversations.last_of_person(tx, case.conversation_id))

    def close(read_up_to):
        return phone.talk.database.write(
            lambda tx: service.close_case(tx, phone.hand(amira), case.id, closing="helped", read_up_to=read_up_to)
        )

    await phone.say("wait, there is one more thing")
    with pytest.raises(NotReadyToClose):
        await close(on_screen)
    assert (await phone.case()).status is CaseStatus.CLAIMED

    assert (await close(on_screen + 99)).status is CaseStatus.CLOSED


async def test_what_waited_to_be_sent_is_held_back_when_the_word_is_written(phone: Phone):
    await phone.asks_for_a_person()
    await phone.say("my secret word is blue umbrella")
    amira = await phone.officer("Amira")
    case = await phone.claimed(amira)
    await phone.talk.settle()
    await phone.talk.database.write(
        lambda tx: answering.answer_person(tx, phone.hand(amira), case.id, text="We meet at the church", once="")
    )

    await phone.talk.write("blue umbrella")
    await phone.talk.worker.drain()
    await phone.talk.sender.drain()

    assert "We meet at the church" not in phone.talk.channel.texts
    assert await phone.talk.database.read(stuck.dead_letters) == []


async def test_a_new_word_is_one_more_so_whoever_has_the_phone_takes_none_away(phone: Phone):
    await phone.say("my secret word is blue umbrella")
    await phone.say("my secret word is green window")

    assert await phone.say("blue umbrella") == [NEUTRAL]


async def test_words_that_everybody_writes_are_no_words_for_danger(phone: Phone):
    for word in ("ok", *sorted(TOO_COMMON)[:5]):
        answers = await phone.say(f"my secret word is {word}")
        assert "Choose another" in answers[0]


async def test_the_word_goes_along_to_the_new_phone(phone: Phone):
    code = await phone.asks_for_a_person()
    await phone.say("my secret word is blue umbrella")
    amira = await phone.officer("Amira")
    await phone.claimed(amira)
    await phone.say(code, who="+2")
    new = await phone.case("+2")
    await phone.talk.database.write(lambda tx: receipts.agree(tx, phone.hand(amira), new.id))
    await phone.talk.settle()

    assert await phone.say("blue umbrella", who="+2") == [NEUTRAL]


# Who has my file --------------------------------------------------------------------------------------------------


@pytest.mark.on_both
async def test_who_has_my_file_is_told_after_the_code_and_only_where_the_case_is(phone: Phone):
    code = await phone.asks_for_a_person()
    amira = await phone.officer("Amira")
    case = await phone.claimed(amira)
    consent_id = await shared(phone, amira, case)
    await phone.talk.settle()

    assert await phone.say("Who has my file?") == [WRITE_CODE]
    told = await phone.say(code)

    assert "Casa Marina" in told[0]
    assert "November 23, 2026" in told[0]
    assert "told_who_has" in await phone.acts(case)
    assert "Casa Marina" not in "".join(await phone.say("Who has my file?", who="+2"))
    assert "Casa Marina" not in "".join(await phone.say(code, who="+2"))

    await phone.talk.database.write(lambda tx: consent.withdraw(tx, phone.hand(amira), case.id, consent_id, holders=[]))
    await phone.say("Who has my file?")
    assert "We wait until they say that they stopped" in (await phone.say(code))[0]


async def test_the_code_alone_does_not_tell_who_has_the_file(phone: Phone):
    code = await phone.asks_for_a_person()
    amira = await phone.officer("Amira")
    await shared(phone, amira, await phone.claimed(amira))
    await phone.talk.settle()

    assert await phone.say(code) == [A_PERSON_LOOKS]


async def test_that_a_person_does_it_here_is_said_only_where_one_can_answer(database, vault, clock, signals):
    async with switched_on(database, vault, clock, signals, told=True, there=False) as phone:
        assert await phone.say("delete my data") == [PERSON_CAN_ERASE, NOBODY_WORKS_HERE]
        amira, code = await phone.officer("Amira"), await phone.asks_for_a_person("+2")
        assert await phone.say(code, who="+3") == [KEPT_FOR_PERSON, NOBODY_THERE]

        await database.write(lambda tx: sessions.start(tx, amira.id, clock.now()))

        erases, how_long = await phone.say("delete my data")
        assert erases == PERSON_ERASES
        assert "within 4 hours" in how_long
        looks, how_long = await phone.say(code, who="+4")
        assert looks == A_PERSON_LOOKS
        assert "within 15 minutes" in how_long


async def test_wanting_it_erased_reaches_an_officer(phone: Phone):
    await phone.say("Erase everything about me")

    case = await phone.case()
    assert (case.reason, case.status) == ("wants_erasure", CaseStatus.NEW)


@pytest.fixture
async def asked_to_erase(phone: Phone):
    """Somebody was in danger, and now asks to be erased; Amira holds the case."""
    await phone.say("my uncle hides the papers in Ventimiglia. I want to talk to a person")
    await phone.say("Erase everything about me")
    amira, ines = await phone.officer("Amira"), await phone.officer("Ines", Role.COORDINATOR)
    return amira, ines, await phone.claimed(amira)


async def test_two_officers_erase_whoever_asks_for_it_and_neither_does_alone(phone: Phone, asked_to_erase):
    amira, ines, case = asked_to_erase
    write, eraser = phone.talk.database.write, PersonEraser()
    assert (await phone.talk.database.read(lambda tx: erasure.standing(tx, case))).asked

    for officer in (amira, ines):
        with pytest.raises(NotAllowedNow):  # nobody proposed it
            await write(lambda tx, who=officer: erasure.carry_out(tx, phone.hand(who), eraser, case.id))
    await write(lambda tx: erasure.propose(tx, phone.hand(ines), eraser, case.id))
    with pytest.raises(NotAllowedNow):  # one who proposed it
        await write(lambda tx: erasure.carry_out(tx, phone.hand(ines), eraser, case.id))
    await write(lambda tx: erasure.turn_down(tx, phone.hand(ines), case.id))
    await write(lambda tx: erasure.propose(tx, phone.hand(amira), eraser, case.id))
    with pytest.raises(NotAllowedNow):  # one who does not coordinate
        await write(lambda tx: erasure.carry_out(tx, phone.hand(amira), eraser, case.id))
    assert [each.number for each in await phone.talk.database.read(erasure.waiting)] == [case.number]

    assert await write(lambda tx: erasure.carry_out(tx, phone.hand(ines), eraser, case.id)) == 1

    kept = conversation_store.messages.c
    assert await phone.talk.rows(sa.select(kept.id).where(kept.body_sealed.is_not(None))) == []
    closed = await phone.talk.database.read(lambda tx: store.get_case(tx, case.id))
    assert (closed.case.status, closed.case.closing) == (CaseStatus.CLOSED, "erased")
    log = await phone.talk.database.read(lambda tx: audit.read_log(tx, object=f"conversation:{case.conversation_id}"))
    assert [(row.act, row.actor) for row in log if row.act == "conversation.erased"] == [
        ("conversation.erased", ines.id)
    ]
    assert await phone.talk.database.read(erasure.waiting) == []


@pytest.mark.parametrize("reason", ["a hold", "a duty to report", "a watched phone"])
async def test_what_the_law_or_a_danger_keeps_is_not_erased(phone: Phone, asked_to_erase, reason):
    amira, ines, case = asked_to_erase
    write, eraser = phone.talk.database.write, PersonEraser()
    await write(lambda tx: erasure.propose(tx, phone.hand(amira), eraser, case.id))

    if reason == "a hold":

        def hold(tx: sa.Connection) -> None:
            adult = holds.open_dossier(tx, phone.hand(amira), case.id, name="Sami", claimed="uncle_aunt", once="")
            holds.mark(tx, phone.hand(amira), str(adult), {"papers": Mark.RED, "heard_apart": Mark.RED})

        await write(hold)
    elif reason == "a duty to report":
        heard = {"key": "one more", "case_id": case.id, "reason": "sexual_abuse", "priority": Priority.P1}
        await write(lambda tx: store.add_trigger(tx, **heard, at=phone.talk.clock.now()))
    else:
        begin = conversation_store.begin_watch
        await write(lambda tx: begin(tx, case.conversation_id, shown_from=1, at=phone.talk.clock.now()))

    with pytest.raises(erasure.NotErased) as refused:
        await write(lambda tx: erasure.carry_out(tx, phone.hand(ines), eraser, case.id))
    assert len(refused.value.obstacles) == 1
    kept = conversation_store.messages.c
    assert await phone.talk.rows(sa.select(kept.id).where(kept.body_sealed.is_not(None))) != []
