"""Two cases of one child: one goes on, nothing of the other is lost, and it can be undone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.cases import (
    answering,
    consent,
    erasure,
    handover,
    household,
    receipt_store,
    receipts,
    same_child,
    service,
    store,
)
from bot.cases.erasure import NotErased
from bot.cases.model import CaseNotFound, CaseStatus, NotAllowedNow, NotReadyToClose
from bot.cases.reasons import DUPLICATE
from bot.cases.record import service as record
from bot.cases.service import CaseEscalations
from bot.conversations import service as conversations
from bot.conversations.safe_contact import SafeContact
from bot.conversations.store import change_conversation
from bot.erasing import PersonEraser, erase_person
from bot.kernel import audit
from bot.kernel.access import Role
from dialogues.understanding.model import Priority
from tests.conftest import NOON
from tests.integration.cases.test_consent import AGREED

COORDINATOR = Role.COORDINATOR
WHY = "Same name, same scar, she told both of us of the blue door."
LATER = NOON + timedelta(minutes=5)


def nothing(tx, case, kept):
    return []


async def held(world, officer, **what):
    case_id = (await world.escalate(**what)).case_id
    return await world.database.write(lambda tx: service.claim_case(tx, world.hand(officer), case_id))


async def merge(world, officer, case, kept, *, here=False, why=WHY, ties=nothing):
    hand = world.hand(officer, LATER)
    return await world.database.write(
        lambda tx: same_child.merge(tx, hand, case.id, kept.number, why=why, goes_on_here=here, ties=ties)
    )


async def undo(world, officer, case):
    return await world.database.write(lambda tx: same_child.undo(tx, world.hand(officer, LATER), case.id, why=WHY))


async def now(world, case):
    return (await world.database.read(lambda tx: store.get_case(tx, case.id))).case


async def acts(world, case):
    return [event.act for event in await world.database.read(lambda tx: store.events_of(tx, case.id))]


async def wrote(world, conversation_id, at=LATER):
    return await world.database.write(lambda tx: CaseEscalations(world.vault).person_wrote(tx, conversation_id, at=at))


@pytest.fixture
async def two(world):
    """Amira, the case she knows, and a graver one that came later."""
    amira = await world.officer("amira")
    kept = await held(world, amira, priority=Priority.P2, reason="homeless_tonight")
    return amira, kept, await held(world, amira, priority=Priority.P0)


async def test_one_goes_on_with_the_graver_priority_and_both_keep_their_timeline(world, two):
    amira, kept, case = two
    await world.database.write(
        lambda tx: answering.answer_person(tx, world.hand(amira), kept.id, text="I am here", once="")
    )
    await world.escalate(case.conversation_id)  # it rings again
    before = await acts(world, case)

    going_on = await merge(world, amira, case, kept)

    closed = await now(world, case)
    assert (closed.status, closed.closing, closed.owner_id) == (CaseStatus.CLOSED, DUPLICATE, amira.id)
    assert (going_on.id, going_on.priority, going_on.reason) == (kept.id, Priority.P0, "immediate_danger")
    assert (await now(world, kept)).answer_is_late(LATER + timedelta(minutes=2))  # nobody has answered the child yet
    assert (await acts(world, case))[: len(before)] == before
    assert (await acts(world, kept))[-2:] == ["same_child", "raised"]
    assert not (await world.database.read(lambda tx: store.get_alarm(tx, case.id, lock=False))).climbing
    log = await world.database.read(lambda tx: audit.read_log(tx, object=f"case:{case.id}", limit=3))
    assert log[0].act == "case.close"
    assert log[0].facts["case"] == kept.id
    notes = await world.database.read(lambda tx: service.watch_file(tx, world.vault, amira, kept.id, at=LATER).notes)
    assert [note.text for note in notes] == [WHY]


async def test_what_the_child_writes_in_the_other_talk_leads_to_the_case_that_goes_on(world, two):
    amira, kept, case = two
    await merge(world, amira, case, kept)
    await world.database.write(lambda tx: store.officer_wrote(tx, kept.id, LATER))
    at = LATER + timedelta(minutes=1)

    assert await wrote(world, case.conversation_id, at) == kept.id
    assert await wrote(world, case.conversation_id, at) == kept.id
    again = await world.escalate(case.conversation_id, at=at)

    assert (again.case_id, again.new) == (kept.id, False)
    assert (await now(world, kept)).person_waits
    assert (await acts(world, kept)).count("wrote_elsewhere") == 1
    card = await world.database.read(lambda tx: conversations.card(tx, case.conversation_id))
    assert card.mode.value == "bot"


async def test_the_officer_chooses_where_they_answer_and_can_change_it(world, two):
    amira, kept, case = two
    first = kept.conversation_id

    going_on = await merge(world, amira, case, kept, here=True)
    assert going_on.conversation_id == case.conversation_id
    assert await wrote(world, first) == kept.id
    hand = world.hand(amira, LATER)
    back = await world.database.write(lambda tx: same_child.answer_there(tx, hand, kept.id, first))

    assert back.conversation_id == first
    assert await wrote(world, case.conversation_id) == kept.id
    with pytest.raises(NotAllowedNow):
        await world.database.write(lambda tx: same_child.answer_there(tx, hand, kept.id, first))


async def test_a_word_for_danger_and_a_safe_time_of_one_talk_count_in_both(world, two):
    amira, kept, case = two
    evening = SafeContact(18 * 60, 20 * 60, "+0", "")

    def say(tx):
        conversations.agree_on_duress_word(tx, world.vault, case.conversation_id, "marmalade")
        conversations.keep_safe_contact(tx, world.vault, case.conversation_id, evening)

    await world.database.write(say)
    await merge(world, amira, case, kept)

    def look(tx):
        card = conversations.card(tx, kept.conversation_id)
        return card.has_duress_word, conversations.safe_contact(tx, world.vault, kept.conversation_id)

    assert await world.database.read(look) == (True, evening)
    lines = await world.database.read(lambda tx: conversations.transcript(tx, world.vault, case.conversation_id))
    assert lines[-1].template != "goes_on_there"  # it is not the time that they called safe


async def test_the_number_of_a_duplicate_is_a_way_back_to_the_case_that_goes_on(world, two):
    amira, kept, case = two
    code = receipts.new_code()
    index = world.vault.index("return code", code)
    await world.database.write(lambda tx: receipt_store.put_receipt(tx, case.id, index, NOON))
    await merge(world, amira, case, kept)
    elsewhere = await world.person()

    found = await world.database.write(lambda tx: receipts.case_with(tx, world.vault, code, elsewhere, at=LATER))

    assert found.id == kept.id


@pytest.mark.on_both
async def test_a_supervisor_undoes_it_and_each_child_has_their_own_talk_again(world, two):
    amira, kept, case = two
    ines, first = await world.officer("ines", Role.COORDINATOR), kept.conversation_id
    await merge(world, amira, case, kept, here=True)
    with pytest.raises(NotAllowedNow):
        await undo(world, amira, case)
    with pytest.raises(NotAllowedNow):
        await world.database.write(lambda tx: service.reopen_case(tx, world.hand(ines), case.id))

    opened = await undo(world, ines, case)

    assert (opened.status, opened.owner_id) == (CaseStatus.CLAIMED, ines.id)
    assert (await now(world, kept)).conversation_id == first
    assert await wrote(world, first) == kept.id
    assert await wrote(world, case.conversation_id) == case.id
    assert (await acts(world, kept))[-1] == (await acts(world, case))[-1] == "not_same_child"
    with pytest.raises(NotAllowedNow):
        await undo(world, ines, case)


async def test_undone_the_other_is_as_urgent_as_before_unless_something_happened(world, two):
    amira, kept, case = two
    ines = await world.officer("ines", COORDINATOR)
    await merge(world, amira, case, kept)
    opened = await undo(world, ines, case)
    alone = await now(world, kept)
    assert (alone.priority, alone.reason, opened.priority) == (Priority.P2, "homeless_tonight", Priority.P0)

    other = await held(world, amira, priority=Priority.P3, reason="asked_for_person")
    await merge(world, amira, alone, other)
    await world.escalate(alone.conversation_id, at=LATER + timedelta(minutes=1), priority=Priority.P1, reason="threats")
    opened = await undo(world, ines, alone)
    both = [await now(world, each) for each in (other, opened)]
    assert [(each.priority, each.reason) for each in both] == [(Priority.P1, "threats")] * 2


async def test_a_chain_of_duplicates_leads_to_the_last_and_comes_apart_again(world, two):
    amira, kept, case = two
    ines, third = await world.officer("ines", Role.COORDINATOR), await held(world, two[0])
    await merge(world, amira, case, kept, here=True)
    await merge(world, amira, third, kept)
    await undo(world, ines, case)

    assert await wrote(world, third.conversation_id) == kept.id
    left = await world.database.read(lambda tx: receipt_store.phones_left_for(tx, kept.conversation_id))
    assert left == [third.conversation_id]
    fourth = await held(world, amira)
    await merge(world, amira, kept, fourth)
    assert await wrote(world, third.conversation_id) == fourth.id


async def test_what_would_be_lost_with_the_duplicate_is_ended_first(world, two):
    amira, kept, case = two
    hand = world.hand(amira)
    due = NOON + timedelta(days=1)
    await world.database.write(lambda tx: record.add_task(tx, hand, case.id, what="call", why="asked", due_at=due))

    with pytest.raises(NotReadyToClose) as refused:
        await merge(world, amira, case, kept, ties=lambda tx, case, kept: ["A hold stands."])

    assert refused.value.obstacles == ("A task is still open.", "A hold stands.")
    assert (await now(world, case)).status is CaseStatus.CLAIMED
    assert (await now(world, kept)).priority is Priority.P2


async def test_a_colleagues_case_is_not_found_and_one_that_moved_on_is_left_alone(world, two):
    amira, kept, case = two
    bruno = await world.officer("bruno")
    his = await held(world, bruno)

    for number in (his.number, "ZZZ-ZZZ"):
        with pytest.raises(CaseNotFound):
            await world.database.write(
                lambda tx, number=number: same_child.merge(
                    tx, world.hand(amira), case.id, number, why=WHY, goes_on_here=True, ties=nothing
                )
            )
    for wrong in ({"why": " "}, {"kept": case}):
        with pytest.raises(NotAllowedNow):
            await merge(world, amira, case, **{"kept": kept, **wrong})
    await world.database.write(lambda tx: service.close_case(tx, world.hand(amira), kept.id, closing="helped"))
    with pytest.raises(NotAllowedNow):
        await merge(world, amira, case, kept)
    assert (await now(world, case)).status is CaseStatus.CLAIMED


async def test_whoever_has_the_case_that_goes_on_is_rung_and_reads_the_whole_story(world, two):
    _, _, case = two
    bruno, ines = await world.officer("bruno"), await world.officer("ines", Role.COORDINATOR)
    his = await held(world, bruno)

    await merge(world, ines, case, his)

    assert (await world.database.read(lambda tx: store.get_alarm(tx, his.id, lock=False))).climbing
    assert await world.database.write(lambda tx: service.open_file(tx, world.hand(bruno), case.id).case.id) == case.id
    with pytest.raises(NotAllowedNow):
        await world.database.write(
            lambda tx: service.write_note(tx, world.hand(bruno), case.id, text="and more", once="")
        )
    await undo(world, ines, case)
    with pytest.raises(CaseNotFound):
        await world.database.write(lambda tx: service.open_file(tx, world.hand(bruno), case.id))


async def test_what_the_child_takes_back_is_taken_back_in_the_duplicate_too(world, two):
    """By whoever has the case that goes on now, or a coordinator: who wrote it down may be gone."""
    amira, kept, case = two
    row = await world.database.write(lambda tx: consent.record(tx, world.hand(amira), case.id, AGREED))
    await world.database.write(lambda tx: consent.share(tx, world.hand(amira), case, row, "referral:1", ["age"]))
    await merge(world, amira, case, kept)
    bruno, zoe, ines = (
        await world.officer("bruno"),
        await world.officer("zoe"),
        await world.officer("ines", COORDINATOR),
    )
    await world.database.write(lambda tx: service.take_over(tx, world.hand(ines), kept.id))
    await world.database.write(
        lambda tx: handover.hand_over_all(tx, world.hand(ines), ines.id, to=bruno.id, note="She asks for a woman.")
    )

    def take_back(officer):
        return world.database.write(lambda tx: consent.withdraw(tx, world.hand(officer), case.id, row.id, holders=()))

    with pytest.raises(CaseNotFound):
        await take_back(zoe)
    [share] = await take_back(bruno)

    assert share.waits_for_recipient
    await world.database.write(lambda tx: consent.recipient_stopped(tx, world.hand(ines), case.id, share.id))
    [share] = await world.database.read(lambda tx: consent.shares_of(tx, case.id))
    assert not share.waits_for_recipient


async def test_a_case_nobody_had_goes_on_with_whoever_held_the_other(world, two):
    amira, _, case = two
    waiting = await world.escalate(priority=Priority.P1)
    kept = (await world.database.read(lambda tx: store.get_case(tx, waiting.case_id))).case

    going_on = await merge(world, amira, case, kept)

    assert (going_on.status, going_on.owner_id) == (CaseStatus.CLAIMED, amira.id)
    assert not (await world.database.read(lambda tx: store.get_alarm(tx, kept.id, lock=False))).climbing


async def test_brothers_and_sisters_of_a_duplicate_are_those_of_the_case_that_goes_on(world, two):
    amira, kept, case = two
    brother, hand = await held(world, amira), world.hand(amira)

    def link(tx):
        household.link(tx, hand, case.id, brother.number, kind="siblings", why="Same mother.")
        household.link(tx, hand, case.id, kept.number, kind="siblings", why="Same mother.")

    await world.database.write(link)
    await merge(world, amira, case, kept)

    linked = await world.database.read(lambda tx: household.of_case(tx, world.vault, amira, kept))
    assert [(each.case.id, each.why) for each in linked] == [(brother.id, "Same mother.")]
    assert await world.database.read(lambda tx: household.open_count(tx, brother.id)) == 1


async def test_who_is_erased_is_erased_in_the_duplicate_too(world, two):
    amira, kept, case = two
    await merge(world, amira, case, kept)

    await world.database.write(lambda tx: erase_person(tx, world.vault, kept.conversation_id, at=LATER))

    for each in (kept, case):
        sealed = await world.database.read(lambda tx, each=each: store.get_case(tx, each.id))
        assert sealed.words_sealed is None
    assert await wrote(world, case.conversation_id) is None


async def test_nothing_is_erased_while_somebody_else_may_hold_either_phone(world, two):
    amira, kept, case = two
    await merge(world, amira, case, kept)

    def propose(tx):
        change_conversation(tx, case.conversation_id, watched_since=LATER)
        erasure.propose(tx, world.hand(amira, LATER), PersonEraser(), kept.id)

    with pytest.raises(NotErased) as refused:
        await world.database.write(propose)
    assert erasure.WATCHED in refused.value.obstacles


async def test_cases_with_the_same_name_are_found_without_a_word_of_them(world, two):
    amira, kept, case = two
    bruno = await world.officer("bruno")
    his = await held(world, bruno)

    def remember(tx):
        for each, officer in ((kept, amira), (case, amira), (his, bruno)):
            record.write_fields(tx, world.hand(officer), each.id, {"name": ["Álí Hàssan"]}, seen={})

    await world.database.write(remember)
    found = await world.database.write(lambda tx: same_child.alike(tx, world.hand(amira), case.id))

    assert {(each.case.id, each.may_be_kept) for each in found} == {(kept.id, True), (his.id, False)}
    [who] = await world.database.read(lambda tx: record.found_by(tx, world.hand(bruno), his.id))
    assert who.officer_id == amira.id
