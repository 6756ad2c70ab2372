"""Whoever comes back: the number given to them, what it opens on another phone, and who decides that."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.cases import answering, consent, handover, receipt_store, receipts, service, store
from bot.cases.model import CaseNotFound, CaseStatus, NotAllowedNow, NotReadyToClose
from bot.cases.own import (
    A_PERSON_LOOKS,
    NOT_FOUND,
    PERSON_GIVES_CODE,
)
from bot.cases.record import service as record
from bot.conversations import service as conversations
from bot.conversations import store as conversation_store
from bot.kernel.access import Role
from bot.kernel.officers import list_officers
from bot.upkeep import erasing
from dialogues.understanding.model import Priority
from tests.integration.cases.phone import Phone, shared, switched_on

DANGER = "he has a knife"


@pytest.fixture
async def phone(database, vault, clock, signals) -> AsyncIterator[Phone]:
    async with switched_on(database, vault, clock, signals) as phone:
        yield phone


@pytest.mark.on_both
async def test_who_asks_for_a_person_gets_a_code_that_is_kept_as_a_keyed_hash(phone: Phone, clock):
    code = await phone.asks_for_a_person()

    assert receipts.is_whole(code)
    assert receipts.grouped(code) in (await phone.on_phone())[-1]
    shown_to_officers = [line.text for line in await phone.talk.transcript()]
    assert not any(code[:4] in text for text in shown_to_officers)
    rows = await phone.talk.rows(sa.select(receipt_store.receipts))
    assert code not in str(rows[0])
    assert len(rows) == 1

    clock.advance(conversations.SECRETS_KEPT)
    covered = await phone.talk.database.write(
        lambda tx: conversations.forget_secrets(tx, phone.talk.vault, clock.now())
    )
    assert covered == 1
    assert not any(code[:4] in text for text in await phone.on_phone())


async def test_nobody_in_danger_is_pushed_a_number_and_who_wants_one_gets_it_when_they_ask(phone: Phone):
    answers = await phone.say(DANGER)
    case = await phone.case()
    await phone.claimed(await phone.officer("Amira"))
    assert not any(re.search(r"\d{4} \d{4}", text) for text in [*answers, *await phone.on_phone()])
    offered = (await phone.talk.transcript())[-1].buttons
    assert [(button.title, button.payload) for button in offered] == [("Number to come back", receipts.ASK_CODE)]

    code = re.sub(r"\D", "", (await phone.say(receipts.ASK_CODE))[-1])

    assert receipts.is_whole(code)
    assert await phone.say(code, who="+2") == [A_PERSON_LOOKS]
    assert "came_back" in await phone.acts(case)


async def test_a_second_number_of_a_case_that_danger_opened_is_an_officers_to_give(phone: Phone):
    await phone.say(DANGER)
    await phone.claimed(await phone.officer("Amira"))
    first = re.sub(r"\D", "", (await phone.say(receipts.ASK_CODE))[-1])

    assert await phone.say(receipts.ASK_CODE) == [PERSON_GIVES_CODE]
    assert await phone.say(first, who="+2") == [A_PERSON_LOOKS]
    new = await phone.case("+2")
    amira = next(o for o in await phone.talk.database.read(list_officers) if o.id == new.owner_id)
    await phone.talk.database.write(lambda tx: receipts.refuse(tx, phone.hand(amira), new.id))

    assert await phone.say(receipts.ASK_CODE) == [PERSON_GIVES_CODE]


async def test_no_number_is_given_where_somebody_else_may_hold_the_phone(phone: Phone):
    await phone.say(DANGER)
    case = await phone.claimed(await phone.officer("Amira"))
    begin = conversation_store.begin_watch
    await phone.talk.database.write(lambda tx: begin(tx, case.conversation_id, shown_from=1, at=phone.talk.clock.now()))

    answers = await phone.say(receipts.ASK_CODE)

    assert not any(re.search(r"\d{4}", text) for text in answers)
    assert "receipt_given" not in await phone.acts(case)


async def test_the_code_opens_nothing_until_the_officer_agrees(phone: Phone):
    code = await phone.asks_for_a_person()
    await phone.say("my uncle hides the papers in Ventimiglia")
    amira = await phone.officer("Amira")
    case = await phone.claimed(amira)

    answers = await phone.say(f"my number is {code}", who="+2")

    assert answers == [A_PERSON_LOOKS]
    assert await phone.on_phone("+2") == ["•••", A_PERSON_LOOKS]
    assert not any("Ventimiglia" in line.text for line in await phone.talk.transcript("+2"))
    new = await phone.case("+2")
    assert (new.owner_id, new.status) == (amira.id, CaseStatus.CLAIMED)
    assert "came_back" in await phone.acts(case)
    assert "came_back" in await phone.acts(new)
    assert (await phone.case("+1")).conversation_id == case.conversation_id


async def test_when_the_officer_agrees_the_same_case_goes_on_on_the_new_phone(phone: Phone):
    code = await phone.asks_for_a_person()
    await phone.say("my uncle hides the papers in Ventimiglia")
    amira = await phone.officer("Amira")
    case = await phone.claimed(amira)
    of_new_phone = await phone.asks_for_a_person("+2")
    await phone.say(code, who="+2")
    new = await phone.case("+2")

    going_on = await phone.talk.database.write(lambda tx: receipts.agree(tx, phone.hand(amira), new.id))
    await phone.talk.settle()

    assert (going_on.id, going_on.conversation_id) == (case.id, await phone.talk.conversation("+2"))
    assert (await phone.case("+2")).id == case.id
    assert await phone.on_phone("+1") == []
    assert not any("Ventimiglia" in text for text in await phone.on_phone("+2"))
    found = await phone.talk.database.read(lambda tx: receipts.of_case(tx, going_on))
    assert found.earlier == [case.conversation_id]
    fresh = re.sub(r"\D", "", (await phone.on_phone("+2"))[-1])
    assert receipts.is_whole(fresh)
    assert fresh != code
    assert await phone.say(code, who="+3") == [NOT_FOUND]
    await phone.say("where is my file", who="+1")
    assert (await phone.talk.database.write(lambda tx: store.open_case_of(tx, case.conversation_id))) is None
    # What they were given on the new phone before is a way back to the same case.
    assert await phone.say(of_new_phone, who="+4") == [A_PERSON_LOOKS]
    last = await phone.case("+4")
    assert (await phone.talk.database.read(lambda tx: receipts.of_case(tx, last).comes_from)).case_id == case.id


async def test_what_was_grave_or_agreed_to_on_the_new_phone_is_not_lost_when_the_two_become_one(phone: Phone):
    code = await phone.asks_for_a_person()
    amira, omar, ines = (
        await phone.officer("Amira"),
        await phone.officer("Omar"),
        await phone.officer("Ines", Role.COORDINATOR),
    )
    known = await phone.claimed(amira)
    await phone.talk.database.write(
        lambda tx: answering.answer_person(tx, phone.hand(amira), known.id, text="I am here", once="")
    )
    phone.talk.clock.advance(timedelta(minutes=1))
    await phone.say(DANGER, who="+2")
    await phone.say(code, who="+2")
    new, hand = await phone.case("+2"), phone.hand(amira)
    assert (new.owner_id, new.priority, known.priority) == (amira.id, Priority.P0, Priority.P2)
    await shared(phone, amira, new)

    def work(tx):
        return record.add_task(tx, hand, new.id, what="Call the shelter", why="She asks", due_at=hand.at)

    task = await phone.talk.database.write(work)
    with pytest.raises(NotReadyToClose):
        await phone.talk.database.write(lambda tx: receipts.agree(tx, hand, new.id))
    await phone.talk.database.write(lambda tx: record.finish_task(tx, hand, new.id, task))

    going_on = await phone.talk.database.write(lambda tx: receipts.agree(tx, hand, new.id))
    await phone.talk.settle()

    assert (going_on.id, going_on.priority, going_on.person_waits) == (known.id, Priority.P0, True)
    fresh = re.sub(r"\D", "", (await phone.on_phone("+2"))[-1])
    await phone.say("who has my file?", who="+2")
    assert "Casa Marina" in " ".join(await phone.say(fresh, who="+2"))
    await phone.talk.database.write(
        lambda tx: handover.hand_over_all(tx, phone.hand(ines), amira.id, to=omar.id, note="")
    )
    ledger = await phone.talk.database.write(lambda tx: consent.ledger(tx, phone.hand(omar), new.id))
    assert [row.agreement.named for row in ledger] == ["Casa Marina"]


async def test_erasing_reaches_every_phone_that_was_left(phone: Phone):
    amira, code = await phone.officer("Amira"), await phone.asks_for_a_person()
    for earlier, later in (("+1", "+2"), ("+2", "+3")):
        await phone.say(f"my uncle hides the papers, says {earlier}", who=earlier)
        if earlier == "+1":
            await phone.claimed(amira)
        await phone.say(code, who=later)
        new = await phone.case(later)
        await phone.talk.database.write(lambda tx, new=new: receipts.agree(tx, phone.hand(amira), new.id))
        await phone.talk.settle()
        code = re.sub(r"\D", "", (await phone.on_phone(later))[-1])

    last = await phone.talk.conversation("+3")
    await phone.talk.database.write(
        lambda tx: erasing.erase_person(tx, phone.talk.vault, last, at=phone.talk.clock.now())
    )

    kept = conversation_store.messages.c
    assert await phone.talk.rows(sa.select(kept.id).where(kept.body_sealed.is_not(None))) == []


async def test_somebody_else_with_the_code_learns_nothing_and_the_code_dies(phone: Phone):
    code = await phone.asks_for_a_person()
    amira = await phone.officer("Amira")
    case = await phone.claimed(amira)
    await phone.say(code, who="+2")
    new = await phone.case("+2")

    await phone.talk.database.write(lambda tx: receipts.refuse(tx, phone.hand(amira), new.id))

    assert await phone.say(code, who="+2") == [NOT_FOUND]
    assert await phone.say(code, who="+3") == [NOT_FOUND]
    assert (await phone.case("+1")).id == case.id


async def test_only_who_holds_both_cases_decides(phone: Phone):
    code = await phone.asks_for_a_person()
    amira, boris = await phone.officer("Amira"), await phone.officer("Boris")
    await phone.say(code, who="+2")
    new = await phone.claimed(boris, "+2")

    with pytest.raises((CaseNotFound, NotAllowedNow)):
        await phone.talk.database.write(lambda tx: receipts.agree(tx, phone.hand(boris), new.id))
    with pytest.raises((CaseNotFound, NotAllowedNow)):
        await phone.talk.database.write(lambda tx: receipts.agree(tx, phone.hand(amira), new.id))


async def test_wrong_and_unknown_are_answered_alike_and_who_comes_back_to_a_closed_case_reaches_a_human(phone: Phone):
    code = await phone.asks_for_a_person()
    amira, boris = await phone.officer("Amira"), await phone.officer("Boris")
    mistyped = code[:-1] + str((int(code[-1]) + 1) % 10)

    assert await phone.say(mistyped, who="+2") == [NOT_FOUND]
    assert await phone.say(receipts.new_code(), who="+2") == [NOT_FOUND]
    case = await phone.claimed(amira)
    await phone.talk.database.write(lambda tx: service.close_case(tx, phone.hand(amira), case.id, closing="helped"))
    await phone.talk.settle()

    for who in ("+2", "+1"):  # from another phone, and from the one they had
        assert await phone.say(code, who=who) == [A_PERSON_LOOKS]
        again = await phone.case(who)
        assert (again.status, again.reason, again.priority) == (CaseStatus.NEW, "came_back", Priority.P2)
    new = await phone.claimed(boris, "+2")
    [from_there] = [await phone.talk.database.read(lambda tx: receipts.of_case(tx, new).comes_from)]
    assert (from_there.number, from_there.status) == (case.number, "closed")
    assert "came_back" in await phone.acts(case)


async def test_who_tries_too_often_is_told_the_same_even_with_the_right_code(phone: Phone, clock):
    code = await phone.asks_for_a_person()

    for _ in range(receipts.TRIES_OF_ONE):
        assert await phone.say(receipts.new_code(), who="+2") == [NOT_FOUND]
    assert await phone.say(code, who="+2") == [NOT_FOUND]

    clock.advance(receipts.TRIES_COUNT_FOR + timedelta(minutes=1))
    assert await phone.say(code, who="+2") == [A_PERSON_LOOKS]
