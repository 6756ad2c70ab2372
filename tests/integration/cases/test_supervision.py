"""Looking at the work: reviews within a day, broken glass, and who hears of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.cases import answering, handover, notice, service, store, supervision, supervision_store
from bot.cases.board import Summaries, read_board
from bot.cases.model import CaseNotFound, NotAllowedNow
from bot.cases.record import service as record
from bot.cases.supervision import GLASS_LASTS, QUESTIONS, LeftTo
from bot.conversations import service as conversations
from bot.kernel import audit, officers
from bot.kernel.access import Permission, Role
from dialogues.understanding.model import Priority
from tests.conftest import NOON
from tests.integration.cases.world import World

WHY = "she is at the hospital and her officer is on a flight"
GOOD = dict.fromkeys(QUESTIONS, "yes")


@pytest.fixture
def world(database, vault):
    return World(database, vault)


@pytest.fixture
async def held(world):
    """A case that Amira holds, and Omar who does not."""
    amira, omar = await world.officer("amira"), await world.officer("omar")
    case_id = (await world.escalate(words="only for amira")).case_id
    case = await world.database.write(lambda tx: service.claim_case(tx, world.hand(amira), case_id))
    return amira, omar, case


def broken(world, officer, case, at=NOON, why=WHY):
    return world.database.write(lambda tx: supervision.break_glass(tx, world.hand(officer, at), case.number, why=why))


async def test_the_glass_opens_one_file_for_an_hour_to_read_and_no_more(world, held):
    _, omar, case = held
    during, after = NOON + GLASS_LASTS - timedelta(seconds=1), NOON + GLASS_LASTS
    with pytest.raises(CaseNotFound):
        await world.database.write(lambda tx: service.open_file(tx, world.hand(omar), case.id))

    await broken(world, omar, case)

    file = await world.database.write(lambda tx: service.open_file(tx, world.hand(omar, during), case.id))
    assert file.words == "only for amira"
    seen = await world.database.write(lambda tx: record.open_record(tx, world.hand(omar, during), case.id))
    assert seen.hidden  # what can get a person hurt stays shut
    for act in (
        lambda tx: answering.answer_person(tx, world.hand(omar, during), case.id, text="hello", once=""),
        lambda tx: service.release_case(tx, world.hand(omar, during), case.id),
        lambda tx: service.write_note(tx, world.hand(omar, during), case.id, text="x", once=""),
        lambda tx: record.write_fields(tx, world.hand(omar, during), case.id, {"name": ["x"]}, seen={}),
        lambda tx: record.seen_by(tx, world.hand(omar, during), case.id),
    ):
        with pytest.raises(NotAllowedNow):
            await world.database.write(act)
    with pytest.raises(CaseNotFound):
        await world.database.write(lambda tx: service.open_file(tx, world.hand(omar, after), case.id))


async def test_a_broken_glass_shows_the_case_in_no_list(world, held):
    _, omar, case = held
    await broken(world, omar, case)

    def lists(tx):
        board = read_board(tx, world.vault, NOON, limit=60, watched=[case.id], known=Summaries())
        own = service.look_at_own(tx, world.vault, omar)
        return board.queue_of(omar).waiting, board.own_of(omar), own, board.watched(omar, case.id)

    waiting, shared, own, watched = await world.database.read(lists)
    assert [*waiting, *shared, *own] == []
    assert watched is None


async def test_a_switched_off_officer_reads_nothing_through_the_glass(world, held):
    _, omar, case = held
    await broken(world, omar, case)
    gone = replace(omar, active=False)

    with pytest.raises(CaseNotFound):
        await world.database.read(lambda tx: service.watch_file(tx, world.vault, gone, case.id, at=NOON))


@pytest.mark.parametrize("why", ["", "urgent", "x" * 501])
async def test_without_a_reason_nothing_opens(world, held, why):
    _, omar, case = held

    with pytest.raises(NotAllowedNow):
        await broken(world, omar, case, why=why)
    with pytest.raises(CaseNotFound):
        await world.database.read(lambda tx: service.watch_file(tx, world.vault, omar, case.id, at=NOON))


@pytest.mark.parametrize("role", [Role.ADMIN, Role.AUTHOR, Role.COORDINATOR])
async def test_nobody_but_officers_breaks_the_glass(world, held, role):
    other = await world.officer("other", role)

    with pytest.raises(CaseNotFound):
        await broken(world, other, held[2])


async def test_who_coordinates_is_told_at_once_and_sees_who_and_why_until_somebody_looked(world, held):
    amira, omar, case = held
    ines, rosa = (
        await world.officer("ines", Role.COORDINATOR, paged=True),
        await world.officer("rosa", Role.COORDINATOR),
    )
    await broken(world, omar, case)

    def on_the_phone(tx):
        return [line.text for line in conversations.transcript(tx, world.vault, ines.page_conversation_id)]

    [said] = await world.database.read(on_the_phone)
    assert case.number in said
    assert WHY not in said
    assert "only for amira" not in said
    [glass] = await world.database.read(lambda tx: supervision.unseen_glass(tx, world.hand(rosa)))
    assert (glass.officer_id, glass.why, glass.expires_at) == (omar.id, WHY, NOON + GLASS_LASTS)
    with pytest.raises(CaseNotFound):
        await world.database.read(lambda tx: supervision.unseen_glass(tx, world.hand(amira)))

    await world.database.write(lambda tx: supervision.see_glass(tx, world.hand(rosa), glass.id))

    assert await world.database.read(lambda tx: supervision.unseen_glass(tx, world.hand(rosa))) == []
    with pytest.raises(NotAllowedNow):
        await world.database.write(lambda tx: supervision.see_glass(tx, world.hand(ines), glass.id))
    [kept] = await world.database.read(lambda tx: supervision.glass_of(tx, world.hand(amira), case.id))
    assert (kept.why, kept.seen_by) == (WHY, rosa.id)


async def test_nobody_marks_their_own_opening_as_looked_at(world, held):
    both = await world.officer("both", Role.OFFICER)
    await broken(world, both, held[2])
    promoted = replace(both, roles=frozenset({Role.OFFICER, Role.COORDINATOR}))
    [glass] = await world.database.read(lambda tx: supervision.unseen_glass(tx, world.hand(promoted)))

    with pytest.raises(NotAllowedNow):
        await world.database.write(lambda tx: supervision.see_glass(tx, world.hand(promoted), glass.id))


async def test_the_case_and_the_audit_say_who_broke_the_glass_and_a_wrong_number_is_kept_too(world, held):
    _, omar, case = held
    await broken(world, omar, case)
    nothing = await world.database.write(lambda tx: supervision.break_glass(tx, world.hand(omar), "XXX-XXX", why=WHY))

    assert nothing is None
    events = await world.database.read(lambda tx: store.events_of(tx, case.id))
    assert [event.officer_id for event in events if event.act == "glass_broken"] == [omar.id]
    rows = await world.database.read(lambda tx: audit.read_log(tx, actor=omar.id))
    assert [(row.act, row.object) for row in rows] == [
        (Permission.CASE_BREAK_GLASS, "case:none"),
        ("case.glass_broken", f"case:{case.id}"),
    ]
    assert WHY not in str(rows)


async def test_what_is_open_to_somebody_anyway_is_not_broken(world):
    omar = await world.officer("omar")
    case_id = (await world.escalate()).case_id
    case = (await world.database.read(lambda tx: store.get_case(tx, case_id))).case

    assert await broken(world, omar, case) is not None

    assert "glass_broken" not in [
        each.act for each in await world.database.read(lambda tx: store.events_of(tx, case_id))
    ]


async def test_an_erased_case_cannot_be_opened_and_the_reason_goes_with_the_words(world, held):
    _, omar, case = held
    await broken(world, omar, case)
    await world.database.write(lambda tx: service.erase_words(tx, world.vault, case.conversation_id, at=NOON))

    assert await broken(world, omar, case) is None
    [row] = await world.database.read(lambda tx: supervision_store.glass_of(tx, case.id))
    assert row.why_sealed is None


# --- reviews ---


async def test_every_urgent_case_is_owed_a_review_within_a_day_and_no_other(world):
    ines = await world.officer("ines", Role.COORDINATOR)
    urgent = [(await world.escalate(priority=each)).case_id for each in (Priority.P1, Priority.P0)]
    for each in (Priority.P2, Priority.P3):
        await world.escalate(priority=each)
    person = await world.person()
    await world.escalate(person, priority=Priority.P3, at=NOON)
    worse = await world.escalate(person, priority=Priority.P0, at=NOON + timedelta(hours=5))

    owed = await world.database.read(lambda tx: supervision.owed_reviews(tx, world.hand(ines)))

    day = timedelta(days=1)
    assert {(each.case_id, each.due_at) for each in owed} == {
        *((case_id, NOON + day) for case_id in urgent),
        (worse.case_id, NOON + timedelta(hours=5) + day),
    }
    assert owed[-1].case_id == worse.case_id


async def test_a_review_is_kept_once_audited_and_never_by_who_held_the_case(world, held):
    amira, _, case = held
    ines, both = await world.officer("ines", Role.COORDINATOR), await world.officer("both", Role.COORDINATOR)
    answers = {**GOOD, "in_time": "no"}
    incomplete = dict.fromkeys(list(QUESTIONS)[1:], "yes")
    promoted = replace(amira, roles=frozenset({Role.OFFICER, Role.COORDINATOR}))
    for officer, said, note in (
        (promoted, GOOD, ""),  # they held it
        (amira, GOOD, ""),  # they do not coordinate
        (ines, incomplete, ""),
        (ines, {**GOOD, "in_time": "perhaps"}, ""),
        (ines, answers, ""),  # what went wrong is not said
    ):
        with pytest.raises(NotAllowedNow):
            await world.database.write(
                lambda tx, who=officer, said=said, note=note: supervision.review(
                    tx, world.hand(who), case.id, said, note=note
                )
            )

    await world.database.write(
        lambda tx: supervision.review(tx, world.hand(ines), case.id, answers, note="nobody was at the desk")
    )

    with pytest.raises(NotAllowedNow):
        await world.database.write(lambda tx: supervision.review(tx, world.hand(both), case.id, GOOD, note=""))
    assert await world.database.read(lambda tx: supervision.owed_reviews(tx, world.hand(ines))) == []
    _, said, _ = await world.database.read(lambda tx: supervision.to_review(tx, world.hand(both), case.id))
    assert (said.answers, said.note, said.by) == (answers, "nobody was at the desk", ines.id)
    [row] = [
        row
        for row in await world.database.read(lambda tx: audit.read_log(tx, object=f"case:{case.id}"))
        if row.act == "case.reviewed"
    ]
    assert row.facts == answers


def reviewed(world, officer, case, at=NOON):
    return world.database.write(lambda tx: supervision.review(tx, world.hand(officer, at), case.id, GOOD, note=""))


async def test_whoever_ever_held_a_case_does_not_review_it(world, held):
    amira, omar, case = held
    ines, rosa = await world.officer("ines", Role.COORDINATOR), await world.officer("rosa", Role.COORDINATOR)
    await world.database.write(lambda tx: service.take_over(tx, world.hand(ines), case.id))
    await world.database.write(
        lambda tx: handover.hand_over_all(tx, world.hand(rosa), ines.id, to=omar.id, note="her shift is over")
    )

    with pytest.raises(NotAllowedNow):
        await reviewed(world, ines, case)
    [theirs, hers] = [
        (await world.database.read(lambda tx, who=who: supervision.owed_reviews(tx, world.hand(who))))[0]
        for who in (ines, rosa)
    ]

    assert theirs.held_by == {amira.id, omar.id, ines.id}
    assert (theirs.is_mine, hers.is_mine) == (False, True)
    await reviewed(world, rosa, case)


async def test_where_every_coordinator_held_it_an_officer_who_broke_the_glass_reviews_it(world, held):
    amira, omar, case = held
    ines = await world.officer("ines", Role.COORDINATOR)
    await world.database.write(lambda tx: service.take_over(tx, world.hand(ines), case.id))
    [owed] = await world.database.read(lambda tx: supervision.owed_reviews(tx, world.hand(ines)))
    assert (owed.is_mine, owed.left_to) == (False, LeftTo.COLLEAGUES)
    with pytest.raises(CaseNotFound):
        await reviewed(world, omar, case)  # a case of a colleague is none of theirs
    await broken(world, amira, case)
    for who in (ines, amira):
        with pytest.raises(NotAllowedNow):
            await reviewed(world, who, case)  # they held it, whatever they read it through

    await broken(world, omar, case)
    await reviewed(world, omar, case)

    _, said, _ = await world.database.read(lambda tx: supervision.to_review(tx, world.hand(ines), case.id))
    assert (said.by, said.by_holder) == (omar.id, False)


async def test_whoever_is_left_alone_reviews_their_own_case_and_it_is_marked(world, held):
    amira, omar, case = held
    ines = await world.officer("ines", Role.COORDINATOR)
    await world.database.write(lambda tx: service.take_over(tx, world.hand(ines), case.id))
    for gone in (amira, omar):
        await world.database.write(lambda tx, gone=gone: officers.disable_officer(tx, gone.id, NOON))
    with pytest.raises(NotAllowedNow):
        await reviewed(world, ines, case)  # they were shut out a moment ago

    later = NOON + officers.ALONE_AFTER + timedelta(minutes=1)
    await reviewed(world, ines, case, later)

    [done] = await world.database.read(lambda tx: supervision.done_reviews(tx, world.hand(ines, later)))
    assert done.reviewed_by in done.held_by
    _, said, _ = await world.database.read(lambda tx: supervision.to_review(tx, world.hand(ines, later), case.id))
    assert said.by_holder


async def test_who_does_not_coordinate_sees_no_reviews(world, held):
    with pytest.raises(CaseNotFound):
        await world.database.read(lambda tx: supervision.owed_reviews(tx, world.hand(held[0])))


async def test_a_word_about_the_same_thing_is_said_once(world, held):
    case = held[2]
    await world.officer("ines", Role.COORDINATOR, paged=True)

    def tell(tx):
        return notice.tell_coordinators(
            tx, world.vault, world.words, case, notice.REFERRAL_SILENT, thing="silent:1", at=NOON
        )

    assert [await world.database.write(tell), await world.database.write(tell)] == [1, 0]
