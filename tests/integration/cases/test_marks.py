"""Who is writing and what was seen: only in a talk with a human, and only where both may know."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.cases import answering, service
from bot.cases.model import NotAllowedNow
from bot.cases.writing import where_writing_shows
from bot.conversations import marks, store
from bot.conversations import service as conversations
from bot.conversations.marks import Marks
from bot.conversations.safe_contact import SafeContact
from tests.conftest import NOON


@pytest.fixture
async def talk(world):
    """A person whose case Amira holds, and the line she wrote to them."""
    amira, person = await world.officer("amira"), await world.person()
    case_id = (await world.escalate(person)).case_id
    await world.database.write(lambda tx: service.claim_case(tx, world.hand(amira), case_id))
    seq = await world.database.write(
        lambda tx: answering.answer_person(tx, world.hand(amira), case_id, text="I am here.", once="1")
    )
    return amira, person, case_id, seq


async def shows(world, officer, case_id, at=NOON):
    return await world.database.read(lambda tx: where_writing_shows(tx, world.hand(officer, at), case_id))


async def test_what_the_page_showed_is_known_to_the_line_and_nothing_else_is_kept(world, talk):
    _, person, _, seq = talk
    assert await world.database.read(lambda tx: marks.read_up_to(tx, person)) == 0

    news = [await world.database.write(lambda tx: marks.note_read(tx, person, 9999)) for _ in range(2)]

    assert news == [True, False]
    assert await world.database.read(lambda tx: marks.read_up_to(tx, person)) == seq
    [row] = await world.database.read(lambda tx: tx.execute(store.reading_marks.select()).all())
    assert tuple(row) == (person, seq, False)


async def test_an_older_page_takes_nothing_back_and_what_is_no_officers_line_is_not_read(world, talk):
    _, person, _, seq = talk

    assert not await world.database.write(lambda tx: marks.note_read(tx, person, seq - 1))
    assert await world.database.write(lambda tx: marks.note_read(tx, person, seq))
    assert not await world.database.write(lambda tx: marks.note_read(tx, person, seq - 1))

    assert await world.database.read(lambda tx: marks.read_up_to(tx, person)) == seq


async def test_while_the_bot_answers_alone_nothing_is_shown_either_way(world, talk):
    amira, person, case_id, seq = talk
    waits = await world.person()
    await world.escalate(waits)
    assert await world.database.read(lambda tx: marks.marks_of(tx, waits)) is Marks.NONE

    await world.database.write(lambda tx: service.release_case(tx, world.hand(amira), case_id))

    await world.database.write(lambda tx: conversations.hand_back(tx, person, NOON))
    assert not await world.database.write(lambda tx: marks.note_read(tx, person, seq))
    with pytest.raises(NotAllowedNow):
        await shows(world, amira, case_id)


async def test_where_somebody_else_may_hold_the_phone_nothing_is_shown_either_way(world, talk):
    amira, person, case_id, seq = talk
    await world.database.write(lambda tx: marks.note_read(tx, person, seq))
    assert await shows(world, amira, case_id) is not None

    await world.database.write(lambda tx: store.begin_watch(tx, person, shown_from=1, at=NOON))

    assert await shows(world, amira, case_id) is None
    assert await world.database.read(lambda tx: marks.marks_of(tx, person)) is Marks.NONE
    assert await world.database.read(lambda tx: marks.read_up_to(tx, person)) == 0


@pytest.mark.on_both
async def test_whoever_hides_it_is_forgotten_and_shows_it_again_when_they_like(world, talk):
    amira, person, case_id, seq = talk
    await world.database.write(lambda tx: marks.note_read(tx, person, seq))

    await world.database.write(lambda tx: marks.choose(tx, person, hidden=True))

    assert await world.database.read(lambda tx: marks.marks_of(tx, person)) is Marks.HIDDEN
    assert await shows(world, amira, case_id) is None
    assert not await world.database.write(lambda tx: marks.note_read(tx, person, seq))
    [row] = await world.database.read(lambda tx: tx.execute(store.reading_marks.select()).all())
    assert tuple(row) == (person, None, True)
    await world.database.write(lambda tx: marks.choose(tx, person, hidden=False))
    assert await world.database.write(lambda tx: marks.note_read(tx, person, seq))


async def test_outside_the_safe_time_no_screen_lights_up_because_an_officer_writes(world, talk):
    amira, person, case_id, _ = talk
    noon = NOON.hour * 60 + NOON.minute
    said = SafeContact((noon + 60) % 1440, (noon + 120) % 1440, "+0")
    await world.database.write(lambda tx: conversations.keep_safe_contact(tx, world.vault, person, said))

    assert await shows(world, amira, case_id) is None
    shown = await shows(world, amira, case_id, at=NOON + timedelta(minutes=90))
    assert shown is not None
    assert (shown.channel, shown.signal) == ("telegram", marks.officer_writes(person))


async def test_on_a_new_phone_the_wish_goes_along_and_an_erased_talk_has_no_marks(world, talk):
    _, old, _, _ = talk
    new = await world.person()
    await world.database.write(lambda tx: marks.choose(tx, old, hidden=True))
    await world.database.write(lambda tx: conversations.hand_to_human(tx, new, NOON))

    await world.database.write(lambda tx: conversations.leave_phone(tx, world.vault, old, to=new, at=NOON))

    assert await world.database.read(lambda tx: marks.marks_of(tx, new)) is Marks.HIDDEN
    [row] = await world.database.read(lambda tx: tx.execute(store.reading_marks.select()).all())
    assert row.conversation_id == new
    await world.database.write(lambda tx: conversations.erase(tx, world.vault, new, NOON))
    assert await world.database.read(lambda tx: tx.execute(store.reading_marks.select()).all()) == []
