"""Somebody at the door or on the phone: searched for first, one open case a person."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from bot.cases import answering, intake, searches, service, store
from bot.cases.intake import AlreadyOpen, Arrival, SearchFirst, Wanted
from bot.cases.model import CaseStatus, NotAllowedNow
from bot.cases.pager import Pager
from bot.cases.record import arriving
from bot.cases.record import service as record
from bot.conversations import service as conversations
from bot.kernel import audit
from bot.kernel.access import Role
from bot.kernel.live import Signals
from dialogues.understanding.model import Priority
from tests.conftest import NOON
from tests.integration.cases.world import FixedNumbers

ALI = Wanted(name="Ali Hassan", phone="+39 333 1234567", born="2011-03-05")
ARRIVAL = Arrival(ALI, "homeless_tonight", Priority.P1, "He came with his sister. No bed tonight.", "ar", "IT", "Bari")


async def opened(world, officer, arrival=ARRIVAL, **changes):
    hand = world.hand(officer)
    proof = intake.searched(hand, arrival.wanted)
    arrival = replace(arrival, **changes)
    return await world.database.write(lambda tx: intake.open_case(tx, hand, arrival, proof=proof))


async def found(world, officer, wanted):
    return await world.database.write(lambda tx: intake.search(tx, world.hand(officer), wanted))


async def test_a_case_typed_at_the_desk_is_a_case_like_any_other(world):
    amira = await world.officer("amira")

    case = await opened(world, amira)

    file = await world.database.write(lambda tx: service.open_file(tx, world.hand(amira), case.id))
    assert (file.case.status, file.case.owner_id, file.case.source) == (CaseStatus.CLAIMED, amira.id, "walk_in")
    assert (file.words, file.place) == (ARRIVAL.words, "Bari")
    assert not file.alarm.climbing


async def test_what_was_typed_of_the_person_stands_in_the_record_and_their_number_in_a_note(world):
    amira, omar = await world.officer("amira"), await world.officer("omar")

    def opened_for(wanted, held):
        arrival = replace(ARRIVAL, wanted=wanted, held=held)
        hand = world.hand(amira)
        return lambda tx: arriving.open_case(tx, hand, arrival, proof=intake.searched(hand, wanted))

    case = await world.database.write(opened_for(ALI, held=False))
    about = await world.database.write(opened_for(replace(ALI, born="about 2011", phone=""), held=True))

    await world.database.write(lambda tx: service.claim_case(tx, world.hand(omar), case.id))
    shown = await world.database.write(lambda tx: record.open_record(tx, world.hand(omar), case.id))
    assert (shown.facts["name"].values, shown.facts["born"].values) == (("Ali Hassan",), ("2011-03-05",))
    [note] = (await world.database.write(lambda tx: service.open_file(tx, world.hand(omar), case.id))).notes
    assert "+39 333 1234567" in note.text
    doubtful = await world.database.write(lambda tx: record.open_record(tx, world.hand(amira), about.id))
    assert doubtful.facts["name"].values == ("Ali Hassan",)
    assert "born" not in doubtful.facts


async def test_one_left_to_others_waits_in_the_queue_and_rings(world):
    amira = await world.officer("amira")

    case = await opened(world, amira, held=False, by_phone=True)

    alarm = await world.database.read(lambda tx: store.get_alarm(tx, case.id, lock=False))
    assert (case.status, case.source, alarm.climbing) == (CaseStatus.NEW, "phone", True)


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(name="HASSAN  ali"),
        Wanted(name="Àli Hássan"),
        Wanted(phone="0333 123 45 67".replace("0333", "333")),
        Wanted(phone="٣٣٣١٢٣٤٥٦٧"),
        Wanted(born="2011-03-05"),
        Wanted(name="Ali"),
    ],
)
async def test_the_same_person_is_found_however_they_are_written(world, wanted):
    amira, omar = await world.officer("amira"), await world.officer("omar")
    case = await opened(world, amira)

    assert [one.case.id for one in await found(world, omar, wanted)] == [case.id]


async def test_nobody_else_is_found(world):
    amira = await world.officer("amira")
    await opened(world, amira)

    for wanted in (Wanted(name="Omar"), Wanted(phone="+39 333 7654321"), Wanted(born="2012-03-05"), Wanted(phone="12")):
        assert await found(world, amira, wanted) == []


async def test_what_was_looked_for_is_nowhere_in_clear_and_the_search_is_written_down(world):
    amira = await world.officer("amira")
    await opened(world, amira)
    await found(world, amira, ALI)

    def everything(tx):
        tables = (store.cases, store.case_fingerprints, store.case_events, audit.audit_log)
        return repr([tx.execute(sa.select(table)).all() for table in tables]).casefold()

    stored = await world.database.read(everything)
    assert "hassan" not in stored
    assert "1234567" not in stored
    assert "2011-03-05" not in stored
    assert (await world.database.read(audit.read_log))[0].act == "case.search"


async def test_a_list_of_names_cannot_be_tried_and_whoever_coordinates_sees_who_looks(world):
    amira, omar = await world.officer("amira"), await world.officer("omar")
    ines = await world.officer("ines", Role.COORDINATOR)
    theirs, own = await opened(world, amira), await opened(world, omar, another_person=True)
    samira = replace(ARRIVAL, wanted=Wanted(name="Samira"))
    await opened(world, amira, samira)
    with pytest.raises(AlreadyOpen):
        await opened(world, omar, samira)

    for _ in range(searches.MOST):
        assert {one.case.id for one in await found(world, omar, ALI)} == {theirs.id, own.id}

    assert [one.case.id for one in await found(world, omar, ALI)] == [own.id]
    await opened(world, omar, samira)  # whoever stands before them is not sent away
    an_hour_on = NOON + searches.COUNTED_FOR + timedelta(minutes=1)
    assert not await world.database.read(lambda tx: searches.is_limited(tx, world.hand(omar, an_hour_on)))
    [seen] = await world.database.read(lambda tx: searches.lately(tx, world.hand(ines)))
    assert (seen.officer_id, seen.times, seen.not_theirs, seen.too_many) == (
        omar.id,
        searches.MOST + 1,
        searches.MOST,
        True,
    )
    assert await world.database.read(lambda tx: searches.lately(tx, world.hand(amira))) == []
    [who] = await world.database.read(lambda tx: record.found_by(tx, world.hand(amira), theirs.id))
    assert (who.officer_id, who.times) == (omar.id, searches.MOST)


async def test_nobody_opens_a_case_without_having_looked_for_the_person(world):
    amira, omar = await world.officer("amira"), await world.officer("omar")
    of_another = intake.searched(world.hand(omar), ALI)
    for_another = intake.searched(world.hand(amira), Wanted(name="Somebody"))

    for proof in ("", of_another, for_another, "é"):
        with pytest.raises(SearchFirst):
            await world.database.write(
                lambda tx, proof=proof: intake.open_case(tx, world.hand(amira), ARRIVAL, proof=proof)
            )
    with pytest.raises(SearchFirst):
        await opened(world, amira, replace(ARRIVAL, wanted=Wanted()))


async def test_a_second_open_case_of_the_same_person_needs_an_officer_who_says_it_is_another(world):
    amira, omar = await world.officer("amira"), await world.officer("omar")
    first = await opened(world, amira)

    with pytest.raises(AlreadyOpen, match=first.number):
        await opened(world, omar)
    second = await opened(world, omar, another_person=True)
    assert second.id != first.id


async def test_a_closed_case_does_not_stand_in_the_way(world):
    amira = await world.officer("amira")
    first = await opened(world, amira)
    await world.database.write(lambda tx: service.close_case(tx, world.hand(amira), first.id, closing="helped"))

    assert (await opened(world, amira)).id != first.id


async def test_an_admin_types_no_case(world):
    root = await world.officer("root", Role.ADMIN)

    with pytest.raises(NotAllowedNow):
        await opened(world, root)


async def test_nothing_is_sent_to_somebody_who_does_not_write_to_us(world, clock):
    amira = await world.officer("amira")
    case = await opened(world, amira, held=False, priority=Priority.P0)
    pager = Pager(world.database, clock, Signals(), world.paging, FixedNumbers())
    clock.advance(timedelta(minutes=11))
    await pager.look()
    hand = world.hand(amira, clock.now())

    await world.database.write(lambda tx: service.claim_case(tx, hand, case.id))
    with pytest.raises(NotAllowedNow):
        await world.database.write(lambda tx: answering.answer_person(tx, hand, case.id, text="hello", once="1"))
    await world.database.write(lambda tx: service.close_case(tx, hand, case.id, closing="helped"))

    rows = await world.database.read(lambda tx: tx.execute(sa.select(conversations.store.outbox)).all())
    assert rows == []


async def test_what_was_said_is_written_down_once_and_counts_as_an_answer(world):
    amira = await world.officer("amira")
    case = await opened(world, amira)
    later = world.hand(amira, NOON + timedelta(minutes=5))

    def write(tx):
        return intake.write_contact(tx, later, case.id, text="Called back: she is safe.", once="form-1")

    assert await world.database.write(write)
    assert await world.database.write(write) is None

    lines = await world.database.read(lambda tx: conversations.transcript(tx, world.vault, case.conversation_id))
    assert [line.text for line in lines] == [ARRIVAL.words, "Called back: she is safe."]
    kept = (await world.database.read(lambda tx: store.get_case(tx, case.id))).case
    assert not kept.person_waits


async def test_an_erased_case_is_found_no_more(world):
    amira = await world.officer("amira")
    case = await opened(world, amira)

    await world.database.write(lambda tx: service.erase_words(tx, world.vault, case.conversation_id, at=NOON))

    assert await found(world, amira, ALI) == []
