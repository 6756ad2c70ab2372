"""When and how a person may be written to: said in the chat, seen by the officer, and kept by what leaves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from bot.cases import answering, receipts, safe_time, service, store, waiting, waiting_store
from bot.cases.model import Case, CaseNotFound, NotAllowedNow, NotReadyToClose, NotSafeNow
from bot.cases.waiting import WaitingAnswer
from bot.conversations import service as conversations
from bot.conversations import store as conversation_store
from bot.conversations.safe_contact import SafeContact
from bot.kernel.officers import Officer
from bot.upkeep import erasing
from tests.integration.cases.test_phone import Phone, phone

__all__ = ["phone"]

EVENING = "safe from 18 to 22"


class Held(Phone):
    """A phone whose case an officer holds."""

    officer_: Officer
    case_: Case

    async def do(self, work):
        return await self.talk.database.write(work)

    async def safe(self) -> SafeContact:
        talk, held_in = self.talk, self.case_.conversation_id
        return await talk.database.read(lambda tx: conversations.safe_contact(tx, talk.vault, held_in))

    async def answers(self, text: str, *, although_unsafe: str = "") -> int | None:
        return await self.do(
            lambda tx: answering.answer_person(
                tx, self.hand(self.officer_), self.case_.id, text=text, once=text, although_unsafe=although_unsafe
            )
        )

    async def answers_when_safe(self, text: str) -> bool:
        return await self.do(
            lambda tx: waiting.answer_when_safe(tx, self.hand(self.officer_), self.case_.id, text=text, once=text)
        )

    async def waits(self) -> list[WaitingAnswer]:
        return await self.talk.database.read(lambda tx: waiting.of_case(tx, self.talk.vault, self.case_))

    async def pager_looks(self) -> list[str]:
        """Send what is due, and what reaches the phone by it."""
        before, at = len(self.talk.channel.sent), self.talk.clock.now()
        for answer_id in await self.talk.database.read(lambda tx: waiting_store.due(tx, at)):
            await self.do(lambda tx, answer_id=answer_id: waiting.send_waiting(tx, self.talk.vault, answer_id, at=at))
        await self.talk.settle()
        return [message.text for message in self.talk.channel.sent[before:]]

    def it_is(self, hour: int, minute: int = 0) -> None:
        """By the clock of the person, who said that they are two hours east of UTC."""
        now = self.talk.clock.now()
        target = datetime(now.year, now.month, now.day, tzinfo=UTC) + timedelta(hours=hour - 2, minutes=minute)
        self.talk.clock.advance((target if target > now else target + timedelta(days=1)) - now)


@pytest.fixture
async def held(phone: Phone) -> Held:
    held = Held(phone.talk, phone.words)
    await held.asks_for_a_person()
    held.officer_ = await held.officer("Amira")
    held.case_ = await held.claimed(held.officer_)
    now = held.talk.clock.now() + timedelta(hours=2)
    await held.say(f"my time is {now:%H:%M}")
    await held.say(EVENING)
    held.it_is(12)
    return held


# Said in the chat -------------------------------------------------------------------------------------------------


async def test_the_bot_asks_with_buttons_and_a_press_is_kept(phone: Phone):
    await phone.say("hello")
    await phone.say("safe time")
    asked = phone.talk.channel.sent[-1]
    assert asked.text == safe_time.ASK_WHEN
    evening = asked.buttons[2]

    await phone.talk.write(evening.title, kind="tap", payload=evening.payload, tap_id="t1")
    await phone.talk.settle()

    assert phone.talk.channel.sent[-1].text.startswith("I will remember it: from 18:00 to 22:00.")
    assert safe_time.ASK_CLOCK in phone.talk.channel.sent[-1].text
    conversation_id = await phone.talk.conversation("+1")
    said = await phone.talk.database.read(lambda tx: conversations.safe_contact(tx, phone.talk.vault, conversation_id))
    assert (said.from_minute, said.until_minute, said.zone) == (18 * 60, 22 * 60, "")


async def test_the_time_alone_is_enough_where_it_was_asked_for(phone: Phone):
    await phone.say("15:20")
    assert phone.talk.channel.sent[-1].text == "echo 15:20"
    await phone.say(EVENING)

    now = phone.talk.clock.now() + timedelta(hours=3)
    [answer] = await phone.say(f"{now:%H:%M}")

    assert answer == f"Thank you. I will remember that it is {now:%H:%M} where you are."


async def test_the_words_about_how_are_kept_sealed_and_forgotten_when_taken_back(held: Held):
    await held.say("my safe way is: my sister's phone, +39 333 1234567")
    assert (await held.safe()).way == "my sister's phone, +39 333 1234567"
    [row] = await held.talk.rows(sa.select(conversation_store.conversations.c.safe_contact_sealed))
    assert b"sister" not in row[0]

    await held.say("any time is safe")

    assert not (await held.safe()).says_something
    [row] = await held.talk.rows(sa.select(conversation_store.conversations.c.safe_contact_sealed))
    assert row[0] is None
    assert await held.answers("Hello") is not None


async def test_hours_that_no_clock_shows_change_nothing(held: Held):
    [answer] = await held.say("safe from 25 to 26")

    assert answer.startswith(safe_time.UNFIT_HOURS)
    assert (await held.safe()).from_minute == 18 * 60


@pytest.mark.on_both
async def test_erasing_takes_it_and_what_waits(held: Held):
    await held.answers_when_safe("the words of the officer")

    conversation_id = held.case_.conversation_id
    await held.do(lambda tx: erasing.erase_person(tx, held.talk.vault, conversation_id, at=held.talk.clock.now()))

    assert not (await held.safe()).says_something
    assert await held.waits() == []
    held.it_is(19)
    assert await held.pager_looks() == []
    kept = waiting_store.waiting_answers.c
    assert await held.talk.rows(sa.select(kept.id).where(kept.text_sealed.is_not(None))) == []


# What leaves ------------------------------------------------------------------------------------------------------


async def test_outside_the_time_nothing_goes_without_a_reason_and_the_reason_is_kept(held: Held):
    with pytest.raises(NotSafeNow):
        await held.answers("Hello")
    with pytest.raises(NotSafeNow):
        await held.answers("Hello", although_unsafe="because")

    assert await held.answers("Hello", although_unsafe="danger") is not None

    assert "sent_though_unsafe" in await held.acts(held.case_)


async def test_inside_the_time_an_answer_goes_at_once(held: Held):
    held.it_is(18)

    assert await held.answers("Hello") is not None
    assert await held.answers_when_safe("And more") is True

    assert await held.waits() == []
    assert "sent_though_unsafe" not in await held.acts(held.case_)


async def test_an_answer_waits_and_arrives_once_when_it_is_safe(held: Held):
    before = len(held.talk.channel.sent)
    assert await held.answers_when_safe("Are you well?") is True
    assert await held.answers_when_safe("Are you well?") is False  # the same form again
    await held.talk.settle()
    assert len(held.talk.channel.sent) == before
    assert [one.text for one in await held.waits()] == ["Are you well?"]

    held.it_is(17, 59)
    assert await held.pager_looks() == []
    held.it_is(18)
    assert await held.pager_looks() == ["Are you well?"]

    assert await held.pager_looks() == []
    assert await held.waits() == []


async def test_while_an_answer_waits_the_bots_word_about_danger_does_not(held: Held):
    await held.answers_when_safe("Are you well?")

    answers = await held.say("he has a knife")

    assert any("112" in answer or "number" in answer for answer in answers), answers


async def test_another_time_said_meanwhile_counts(held: Held):
    await held.answers_when_safe("Are you well?")
    await held.say("safe from 20 to 22")

    held.it_is(19)
    assert await held.pager_looks() == []
    held.it_is(20)
    assert await held.pager_looks() == ["Are you well?"]


async def test_where_somebody_else_may_hold_the_phone_it_waits_for_the_officer(held: Held):
    await held.do(
        lambda tx: conversations.agree_on_duress_word(tx, held.talk.vault, held.case_.conversation_id, "pomegranate")
    )
    await held.answers_when_safe("Are you well?")
    await held.say("pomegranate")

    held.it_is(19)
    assert await held.pager_looks() == []
    [answer] = await held.say("safe time")
    assert "safe" not in answer.lower()  # neutral, whatever is asked
    assert [one.text for one in await held.waits()] == ["Are you well?"]

    await held.do(lambda tx: answering.end_watch(tx, held.hand(held.officer_), held.case_.id))
    assert await held.pager_looks() == ["Are you well?"]


async def test_what_waits_can_be_taken_back_by_whoever_holds_the_case(held: Held):
    await held.answers_when_safe("Are you well?")
    [one] = await held.waits()
    stranger = await held.officer("Omar")
    with pytest.raises(CaseNotFound):
        await held.do(lambda tx: waiting.take_back(tx, held.hand(stranger), held.case_.id, one.id))

    words = await held.do(lambda tx: waiting.take_back(tx, held.hand(held.officer_), held.case_.id, one.id))

    assert words == "Are you well?"
    with pytest.raises(NotAllowedNow):
        await held.do(lambda tx: waiting.take_back(tx, held.hand(held.officer_), held.case_.id, one.id))
    held.it_is(19)
    assert await held.pager_looks() == []


@pytest.mark.on_both
async def test_whoever_is_owed_an_answer_is_owed_it_again_when_it_is_taken_back(held: Held):
    """Nothing was sent: a case that looked answered was reminded of by nobody, and the person waited for ever."""
    await held.talk.write("are you there?")
    await held.talk.settle()

    async def now():
        return (await held.do(lambda tx: store.get_case(tx, held.case_.id))).case

    assert (await now()).person_waits
    await held.answers_when_safe("Are you well?")
    assert not (await now()).person_waits
    [one] = await held.waits()

    await held.do(lambda tx: waiting.take_back(tx, held.hand(held.officer_), held.case_.id, one.id))

    assert (await now()).person_waits
    assert (await now()).answer_is_late(held.talk.clock.now() + timedelta(days=4))


async def test_a_case_is_not_closed_over_an_answer_that_waits_and_closing_says_nothing_at_the_wrong_time(held: Held):
    await held.answers_when_safe("Are you well?")
    with pytest.raises(NotReadyToClose, match=held.case_.number):
        await held.do(lambda tx: service.close_case(tx, held.hand(held.officer_), held.case_.id, closing="helped"))
    [one] = await held.waits()
    await held.do(lambda tx: waiting.take_back(tx, held.hand(held.officer_), held.case_.id, one.id))
    before = len(held.talk.channel.sent)

    await held.do(lambda tx: service.close_case(tx, held.hand(held.officer_), held.case_.id, closing="helped"))
    await held.talk.settle()

    assert len(held.talk.channel.sent) == before


async def test_outside_the_time_a_phone_does_not_light_up_because_a_colleague_takes_the_case(held: Held):
    before = len(held.talk.channel.sent)

    await held.do(lambda tx: service.release_case(tx, held.hand(held.officer_), held.case_.id))
    await held.do(lambda tx: service.claim_case(tx, held.hand(held.officer_), held.case_.id))
    await held.talk.settle()

    assert [message.text for message in held.talk.channel.sent[before:]] == []


async def test_inside_the_time_whoever_waits_hears_who_reads(held: Held):
    held.it_is(19)
    before = len(held.talk.channel.sent)

    await held.do(lambda tx: service.release_case(tx, held.hand(held.officer_), held.case_.id))
    await held.do(lambda tx: service.claim_case(tx, held.hand(held.officer_), held.case_.id))
    await held.talk.settle()

    assert [message.text for message in held.talk.channel.sent[before:]] == [service.PERSON_LEFT, service.PERSON_READS]


async def test_a_code_or_a_question_about_the_time_is_not_sent_outside_it_either(held: Held):
    for work in (receipts.give_again, waiting.ask_safe_time):
        with pytest.raises(NotSafeNow):
            await held.do(lambda tx, work=work: work(tx, held.hand(held.officer_), held.case_.id))


async def test_who_comes_back_on_another_phone_keeps_their_time(held: Held):
    await held.say("any time is safe")
    await held.do(lambda tx: receipts.give_again(tx, held.hand(held.officer_), held.case_.id))
    await held.talk.settle()
    code = "".join(character for character in held.talk.channel.sent[-1].text if character.isdigit())
    await held.say(EVENING)
    await held.say(code, who="+2")
    new = await held.case("+2")

    going_on = await held.do(lambda tx: receipts.agree(tx, held.hand(held.officer_), new.id))

    said = await held.talk.database.read(
        lambda tx: conversations.safe_contact(tx, held.talk.vault, going_on.conversation_id)
    )
    assert said.from_minute == 18 * 60


async def test_without_the_persons_clock_an_answer_cannot_wait(held: Held):
    await held.say("any time is safe")  # forgets the clock as well
    await held.say(EVENING)

    with pytest.raises(NotSafeNow):
        await held.answers_when_safe("Hello")
    assert await held.answers("Hello", although_unsafe="writes_now") is not None
