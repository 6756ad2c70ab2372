"""From one officer to another: nobody falls between two colleagues."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.cases import handover, handover_store, service, store
from bot.cases.auditor import audit_alarms
from bot.cases.handover import NobodyThere, OfferState
from bot.cases.model import CaseNotFound, CaseStatus, NotAllowedNow
from bot.cases.offer_pages import OFFERED
from bot.cases.pager import Pager
from bot.cases.rota import service as rota
from bot.conversations import service as conversations
from bot.desk.frame import look
from bot.kernel.access import Role
from bot.kernel.live import Signals
from bot.kernel.officers import disable_officer
from dialogues.understanding.model import Priority
from tests.conftest import NOON
from tests.integration.cases.world import FixedNumbers

NOTE = "She only writes at night. Do not name the uncle."


async def held_by(world, officer, **what):
    case_id = (await world.escalate(**what)).case_id
    await world.database.write(lambda tx: service.claim_case(tx, world.hand(officer), case_id))
    return case_id


async def case_of(world, case_id):
    return (await world.database.read(lambda tx: store.get_case(tx, case_id))).case


@pytest.fixture
async def offered(world):
    """Amira holds a case and offers it to Omar."""
    amira, omar = await world.officer("amira"), await world.officer("omar")
    case_id = await held_by(world, amira, priority=Priority.P1)
    await world.database.write(lambda tx: handover.offer(tx, world.hand(amira), case_id, to=omar.id, note=NOTE))
    return amira, omar, case_id


async def test_an_offered_case_stays_with_its_owner_until_the_colleague_accepts(world, offered):
    amira, omar, case_id = offered
    assert (await case_of(world, case_id)).owner_id == amira.id

    await world.database.write(lambda tx: handover.accept(tx, world.hand(omar), case_id))

    case = await case_of(world, case_id)
    assert (case.owner_id, case.offered_to, case.status) == (omar.id, None, CaseStatus.CLAIMED)
    with pytest.raises(CaseNotFound):  # and is none of the first one's any more
        await world.database.write(lambda tx: service.open_file(tx, world.hand(amira), case_id))


async def test_both_see_the_note_and_what_became_of_the_offer(world, offered):
    amira, omar, case_id = offered

    [seen] = await world.database.read(lambda tx: handover.offers_to(tx, world.vault, omar))
    await world.database.write(lambda tx: handover.accept(tx, world.hand(omar), case_id))
    [kept] = await world.database.read(lambda tx: handover.offers_from(tx, world.vault, amira, since=NOON))

    assert (seen.note, seen.state) == (NOTE, OfferState.OFFERED)
    assert (kept.note, kept.state) == (NOTE, OfferState.ACCEPTED)
    stored = await world.database.read(lambda tx: repr(tx.execute(sa.select(handover_store.hand_overs)).all()))
    assert "uncle" not in stored


async def test_the_colleague_may_read_the_whole_case_before_deciding_and_nothing_after_declining(world, offered):
    _amira, omar, case_id = offered

    file = await world.database.write(lambda tx: service.open_file(tx, world.hand(omar), case_id))
    assert "knife" in file.words
    with pytest.raises(NotAllowedNow):  # reading is not holding
        await world.database.write(lambda tx: service.close_case(tx, world.hand(omar), case_id, closing="helped"))

    await world.database.write(lambda tx: handover.decline(tx, world.hand(omar), case_id))
    with pytest.raises(CaseNotFound):
        await world.database.write(lambda tx: service.open_file(tx, world.hand(omar), case_id))


async def test_whoever_was_not_asked_cannot_accept(world, offered):
    amira, _omar, case_id = offered
    noor, ines = await world.officer("noor"), await world.officer("ines", Role.COORDINATOR)

    for stranger, refusal in ((noor, CaseNotFound), (ines, NotAllowedNow), (amira, NotAllowedNow)):
        with pytest.raises(refusal):
            await world.database.write(lambda tx, who=stranger: handover.accept(tx, world.hand(who), case_id))


async def test_what_nobody_accepts_in_time_lapses_and_stays_where_it_is(world, offered):
    amira, omar, case_id = offered
    late = NOON + timedelta(minutes=15)

    with pytest.raises(NotAllowedNow):
        await world.database.write(lambda tx: handover.accept(tx, world.hand(omar, late), case_id))
    await world.database.write(lambda tx: audit_alarms(tx, world.vault, world.words, at=late))

    case = await case_of(world, case_id)
    assert (case.owner_id, case.offered_to) == (amira.id, None)
    events = await world.database.read(lambda tx: store.events_of(tx, case_id))
    assert events[-1].act == "offer_lapsed"


async def test_an_offer_to_somebody_who_leaves_ends_with_the_next_audit(world, offered):
    _amira, omar, case_id = offered
    await world.database.write(lambda tx: disable_officer(tx, omar.id, NOON))

    await world.database.write(lambda tx: audit_alarms(tx, world.vault, world.words, at=NOON))

    assert (await case_of(world, case_id)).offered_to is None


@pytest.mark.parametrize("overtaken", ["release", "close", "take over"])
async def test_whatever_else_happens_to_the_case_the_offer_is_over(world, offered, overtaken):
    amira, omar, case_id = offered
    ines = await world.officer("ines", Role.COORDINATOR)
    acts = {
        "release": lambda tx: service.release_case(tx, world.hand(amira), case_id),
        "close": lambda tx: service.close_case(tx, world.hand(amira), case_id, closing="helped"),
        "take over": lambda tx: service.take_over(tx, world.hand(ines), case_id),
    }
    await world.database.write(acts[overtaken])

    with pytest.raises((NotAllowedNow, CaseNotFound)):
        await world.database.write(lambda tx: handover.accept(tx, world.hand(omar), case_id))
    assert await world.database.read(lambda tx: handover_store.open_offer(tx, case_id)) is None


async def test_of_two_who_decide_at_once_one_is_heard(world, offered):
    amira, omar, case_id = offered

    async def attempt(work):
        try:
            await world.database.write(work)
        except (NotAllowedNow, CaseNotFound):
            return False
        return True

    done = await asyncio.gather(
        attempt(lambda tx: handover.accept(tx, world.hand(omar), case_id)),
        attempt(lambda tx: handover.withdraw(tx, world.hand(amira), case_id)),
    )

    assert sorted(done) == [False, True]
    owner = (await case_of(world, case_id)).owner_id
    assert owner == (omar.id if done[0] else amira.id)


async def test_a_case_is_offered_to_somebody_who_is_there_or_to_nobody(world):
    amira, root = await world.officer("amira"), await world.officer("root", Role.ADMIN)
    gone = await world.officer("gone")
    await world.database.write(lambda tx: disable_officer(tx, gone.id, NOON))
    case_id = await held_by(world, amira)

    for to in (amira.id, root.id, gone.id, "missing"):
        with pytest.raises(NobodyThere):
            await world.database.write(
                lambda tx, to=to: handover.offer(tx, world.hand(amira), case_id, to=to, note=NOTE)
            )
    omar = await world.officer("omar")
    with pytest.raises(NotAllowedNow):  # warm means with a word
        await world.database.write(lambda tx: handover.offer(tx, world.hand(amira), case_id, to=omar.id, note=" "))


async def test_nobody_is_given_a_case_who_is_away_today(world):
    amira, omar = await world.officer("amira"), await world.officer("omar")
    ines = await world.officer("ines", Role.COORDINATOR)
    case_id = await held_by(world, amira)
    ill = await world.database.write(
        lambda tx: rota.be_away(tx, world.hand(omar), omar.id, NOON, NOON + timedelta(days=10))
    )

    for work in (
        lambda tx: handover.offer(tx, world.hand(amira), case_id, to=omar.id, note=NOTE),
        lambda tx: handover.hand_over_all(tx, world.hand(ines), amira.id, to=omar.id, note=""),
    ):
        with pytest.raises(NobodyThere):
            await world.database.write(work)
    assert (await case_of(world, case_id)).owner_id == amira.id

    await world.database.write(lambda tx: rota.come_back(tx, world.hand(omar, NOON + timedelta(hours=1)), ill))
    later = world.hand(ines, NOON + timedelta(hours=1))
    assert await world.database.write(lambda tx: handover.hand_over_all(tx, later, amira.id, to=omar.id, note="")) == 1


@pytest.mark.parametrize("noticed_by", ["whoever switched them off", "the auditor"])
async def test_the_person_hears_that_whoever_read_their_words_is_gone(world, noticed_by):
    amira = await world.officer("amira")
    case_id = await held_by(world, amira)

    def leave(tx):
        disable_officer(tx, amira.id, NOON)
        if noticed_by != "the auditor":
            handover.give_back_all(tx, world.vault, world.words, amira.id, at=NOON)

    await world.database.write(leave)
    await world.database.write(lambda tx: audit_alarms(tx, world.vault, world.words, at=NOON))

    case = await case_of(world, case_id)
    lines = await world.database.read(lambda tx: conversations.transcript(tx, world.vault, case.conversation_id))
    left = world.words.text("ar", service.PERSON_LEFT)
    assert (case.status, [line.text for line in lines].count(left)) == (CaseStatus.NEW, 1)


async def test_an_offered_case_that_cannot_wait_pages_the_colleague_once_and_rings_on_their_desk(world, clock):
    amira, omar = await world.officer("amira"), await world.officer("omar", paged=True, language="fr")
    loud, calm = await held_by(world, amira), await held_by(world, amira, priority=Priority.P2)
    for case_id in (loud, calm):
        await world.database.write(
            lambda tx, one=case_id: handover.offer(tx, world.hand(amira), one, to=omar.id, note=NOTE)
        )

    pager = Pager(world.database, clock, Signals(), world.paging, FixedNumbers())
    await pager.look()
    await pager.look()

    number = (await case_of(world, loud)).number
    lines = await world.database.read(
        lambda tx: conversations.transcript(tx, world.vault, str(omar.page_conversation_id))
    )
    url = world.paging.desk_url
    assert [line.text for line in lines] == [world.words.text("fr", OFFERED, priority="P0", number=number, url=url)]
    assert "uncle" not in lines[0].text
    frame = await world.database.read(lambda tx: look(tx, omar, clock.now()))
    assert [case.id for case in frame.offers] == [loud, calm]
    assert frame.rings == (f"offer:{loud}",)
    assert (await world.database.read(lambda tx: look(tx, amira, clock.now()))).rings == ()


async def test_everything_of_an_absent_officer_goes_in_one_step_and_rings_for_the_colleague(world):
    amira, omar = await world.officer("amira"), await world.officer("omar")
    ines = await world.officer("ines", Role.COORDINATOR)
    cases = [await held_by(world, amira) for _ in range(3)]

    moved = await world.database.write(
        lambda tx: handover.hand_over_all(tx, world.hand(ines), amira.id, to=omar.id, note="Amira is ill.")
    )

    assert moved == 3
    for case_id in cases:
        assert (await case_of(world, case_id)).owner_id == omar.id
        alarm = await world.database.read(lambda tx, one=case_id: store.get_alarm(tx, one, lock=False))
        assert alarm.climbing  # what arrives unasked is not yet seen
        file = await world.database.read(
            lambda tx, one=case_id: service.watch_file(tx, world.vault, omar, one, at=NOON)
        )
        assert [note.text for note in file.notes] == ["Amira is ill."]


async def test_or_back_to_the_queue_and_the_people_are_told(world):
    amira, ines = await world.officer("amira"), await world.officer("ines", Role.COORDINATOR)
    cases = [await held_by(world, amira) for _ in range(2)]

    await world.database.write(lambda tx: handover.hand_over_all(tx, world.hand(ines), amira.id, to=None, note=""))

    assert {(await case_of(world, case_id)).status for case_id in cases} == {CaseStatus.NEW}


async def test_only_who_coordinates_empties_a_colleagues_hands(world):
    amira, omar = await world.officer("amira"), await world.officer("omar")
    case_id = await held_by(world, amira)

    with pytest.raises(CaseNotFound):
        await world.database.write(
            lambda tx: handover.hand_over_all(tx, world.hand(omar), amira.id, to=omar.id, note="")
        )
    assert (await case_of(world, case_id)).owner_id == amira.id


async def test_one_foreign_case_among_many_and_nothing_happens(world):
    amira, omar = await world.officer("amira"), await world.officer("omar")
    own = [await held_by(world, amira) for _ in range(2)]
    foreign = await held_by(world, omar)

    for work in (
        lambda tx: handover.release_several(tx, world.hand(amira), [*own, foreign]),
        lambda tx: handover.offer_several(tx, world.hand(amira), [*own, foreign], to=omar.id, note=NOTE),
        lambda tx: handover.release_several(tx, world.hand(amira), [*own, "missing"]),
    ):
        with pytest.raises(CaseNotFound):
            await world.database.write(work)
    for case_id in own:
        case = await case_of(world, case_id)
        assert (case.owner_id, case.offered_to) == (amira.id, None)

    assert await world.database.write(lambda tx: handover.release_several(tx, world.hand(amira), own)) == 2
