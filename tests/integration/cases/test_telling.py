"""A child is told first; where not, somebody says why, and nothing is passed on before."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from bot.cases import consent, service, telling, telling_store
from bot.cases import store as cases
from bot.cases.consent import Kind
from bot.cases.model import CaseNotFound, NotAllowedNow, NotToldFirst
from bot.cases.referrals import service as referrals
from bot.cases.referrals.model import Urgency
from bot.cases.telling import REPORT, Said
from bot.conversations import service as conversations
from bot.conversations import store as conversation_store
from bot.conversations.service import Watched
from bot.kernel.access import Role
from dialogues.understanding.model import Priority
from tests.conftest import NOON
from tests.integration.cases.test_consent import AGREED
from tests.integration.cases.test_referrals import ADULTS

TOLD = Said(
    REPORT, "Youth office", told_ago=timedelta(hours=1), words="I must tell the youth office. I tell you first."
)
NOT_TOLD = Said(REPORT, "Police", why_not="danger", words="He reads her phone.")
BY_GUARDIAN = replace(AGREED, giver="guardian", items=("age",), withheld=())


@pytest.fixture
async def held(world):
    """Amira and a case she holds."""
    amira = await world.officer("amira")
    case_id = (await world.escalate()).case_id
    await world.database.write(lambda tx: service.claim_case(tx, world.hand(amira), case_id))
    return amira, case_id


async def do(world, officer, work, *args, at=NOON, **named):
    return await world.database.write(lambda tx: work(tx, world.hand(officer, at), *args, **named))


async def told_in(world, officer, case_id):
    def read(tx):
        return telling.of_case(tx, world.vault, service.open_file(tx, world.hand(officer), case_id).case)

    return await world.database.write(read)


def untold(tx, hand, case_id):
    """What the file asks about, still: whether the child was told."""
    return telling.open_for(tx, case_id, consent.ledger(tx, hand, case_id))


async def refer(world, officer, case_id, consent_id):
    return await do(
        world, officer, referrals.send, case_id, consent_id,
        urgency=Urgency.URGENT, items=("age",), ask="A bed tonight?", with_adult=None, adults=ADULTS,
    )  # fmt: skip


async def test_what_was_said_is_kept_with_who_and_when_and_stands_in_the_history(world, held):
    amira, case_id = held

    assert await do(world, amira, telling.record, case_id, TOLD, once="form-1")
    assert not await do(world, amira, telling.record, case_id, TOLD, once="form-1")
    await do(world, amira, telling.record, case_id, NOT_TOLD, once="form-2")

    told, not_told = await told_in(world, amira, case_id)
    assert (told.whom, told.words, told.officer_id) == (TOLD.whom, TOLD.words, amira.id)
    assert (told.at, told.told_at, told.why_not) == (NOON, NOON - timedelta(hours=1), None)
    assert (not_told.told_at, not_told.why_not, not_told.words) == (None, "danger", "He reads her phone.")
    events = await world.database.read(lambda tx: cases.events_of(tx, case_id))
    assert [(event.act, event.officer_id) for event in events][-2:] == [
        ("told_first", amira.id),
        ("not_told_first", amira.id),
    ]
    raw = await world.database.read(lambda tx: repr(tx.execute(sa.select(telling_store.case_tellings)).all()))
    assert "youth office" not in raw.lower()


@pytest.mark.parametrize(
    "wrong",
    [
        replace(TOLD, words="  "),
        replace(TOLD, whom=""),
        replace(NOT_TOLD, why_not="no time"),
        replace(TOLD, about="a consent of another case"),
        replace(TOLD, words="x" * (telling.LONGEST_WORDS + 1)),
    ],
)
async def test_half_an_answer_is_none(world, held, wrong):
    amira, case_id = held

    with pytest.raises(NotAllowedNow):
        await do(world, amira, telling.record, case_id, wrong, once="")
    assert await told_in(world, amira, case_id) == []


async def test_only_who_holds_the_case_answers(world, held):
    _, case_id = held
    bruno = await world.officer("bruno")

    with pytest.raises(CaseNotFound):
        await do(world, bruno, telling.record, case_id, TOLD, once="")


async def test_nothing_is_shared_without_consent_before_somebody_says_whether_the_child_was_told(world, held):
    amira, case_id = held
    ines = await world.officer("ines", Role.COORDINATOR)
    wanted = replace(AGREED, kind=Kind.OVERRIDE, reason="abuse", why="Now.", items=("age",), withheld=())
    row = await do(world, amira, consent.record, case_id, wanted)
    with pytest.raises(NotToldFirst):
        await do(world, ines, consent.second, case_id, row.id)

    await do(world, amira, telling.record, case_id, replace(NOT_TOLD, about=row.id, whom=""), once="")
    await do(world, ines, consent.second, case_id, row.id)

    assert (await refer(world, amira, case_id, row.id)).referral.consent_id == row.id


async def test_what_a_guardian_agreed_to_waits_for_the_answer_and_what_the_child_agreed_to_does_not(world, held):
    amira, case_id = held
    by_guardian = await do(world, amira, consent.record, case_id, BY_GUARDIAN)
    by_child = await do(world, amira, consent.record, case_id, replace(AGREED, items=("age",), withheld=()))
    still_asked = await do(world, amira, untold, case_id)

    with pytest.raises(NotToldFirst):
        await refer(world, amira, case_id, by_guardian.id)
    assert await refer(world, amira, case_id, by_child.id)

    assert [row.id for row in still_asked] == [by_guardian.id]
    await do(world, amira, telling.record, case_id, replace(TOLD, about=by_guardian.id), once="")
    assert await refer(world, amira, case_id, by_guardian.id)
    assert await do(world, amira, untold, case_id) == []


async def test_the_ready_words_go_to_the_child_in_their_language_and_are_what_is_kept(world, held):
    amira, case_id = held
    case = (await do(world, amira, service.open_file, case_id)).case
    words, language = await world.database.read(lambda tx: telling.ready_words(tx, world.words, case, REPORT))
    assert language == "ar"
    assert words.startswith("عليّ أن أخبر")

    assert await do(world, amira, telling.tell, case_id, replace(TOLD, words=words), once="form-1")
    assert not await do(world, amira, telling.tell, case_id, replace(TOLD, words=words), once="form-1")

    [told] = await told_in(world, amira, case_id)
    assert (told.words, told.told_at) == (words, NOON)
    lines = await world.database.read(lambda tx: conversations.transcript(tx, world.vault, case.conversation_id))
    assert [line.text for line in lines].count(words) == 1


async def test_a_child_whom_the_words_never_reached_was_not_told(world, held):
    amira, case_id = held
    row = await do(world, amira, consent.record, case_id, BY_GUARDIAN)
    await do(world, amira, telling.tell, case_id, replace(TOLD, about=row.id), once="")
    assert await do(world, amira, untold, case_id) == []

    await world.database.write(
        lambda tx: tx.execute(conversation_store.outbox.update().values(state="dead", cause="blocked"))
    )

    [told] = await told_in(world, amira, case_id)
    assert told.undelivered
    assert [each.id for each in await do(world, amira, untold, case_id)] == [row.id]
    with pytest.raises(NotToldFirst):
        await refer(world, amira, case_id, row.id)
    await do(world, amira, telling.record, case_id, replace(TOLD, about=row.id), once="")  # by phone
    assert await refer(world, amira, case_id, row.id)
    assert [each.undelivered for each in await told_in(world, amira, case_id)].count(True) == 1


async def test_on_a_watched_phone_nothing_is_sent_and_nothing_is_kept(world, held):
    amira, case_id = held
    case = (await do(world, amira, service.open_file, case_id)).case
    await world.database.write(
        lambda tx: conversation_store.begin_watch(tx, case.conversation_id, shown_from=1, at=NOON)
    )

    with pytest.raises(Watched):
        await do(world, amira, telling.tell, case_id, TOLD, once="")

    assert await told_in(world, amira, case_id) == []


@pytest.mark.parametrize(
    ("reason", "concerns", "reminded"),
    [
        ("sexual_abuse", (), True),
        ("asked_for_person", ("neglect",), True),
        ("asked_for_person", ("migrant",), False),
    ],
)
def test_where_a_duty_to_report_is_likely_the_officer_is_reminded(reason, concerns, reminded):
    assert telling.may_have_to_be_reported(reason, concerns) is reminded


async def test_what_was_told_first_stays_a_duty_when_something_graver_comes(world, held):
    amira, _ = held
    person = await world.person()
    first = await world.escalate(person, reason="sexual_abuse", priority=Priority.P1)
    await world.database.write(lambda tx: service.claim_case(tx, world.hand(amira), first.case_id))
    await world.escalate(person, reason="immediate_danger", priority=Priority.P0)

    def is_open(tx):
        return telling.report_is_open(tx, service.open_file(tx, world.hand(amira), first.case_id).case)

    assert await world.database.write(is_open)
