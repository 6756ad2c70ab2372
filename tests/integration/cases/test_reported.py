"""What a worker reports stands in the file of the case as it is answered, and never over an officer's words."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from bot.cases import service
from bot.cases.record import service as record
from bot.cases.record.closure import CHECKLIST
from bot.cases.record.store import facts
from bot.cases.reported import ANOTHER, FIELD_OF
from dialogues.runtime.model import Reply
from tests.integration.cases.phone import ECHO, Phone, switched_on

FIRST = {"report_now": "yes", "report_place": "Calais, behind the station", "report_child": "A boy, cold"}
CALL = {"waymark": "call_officer", "reason": "report_case", "priority": "P1"}


@pytest.fixture
async def phone(database, vault, clock, signals) -> AsyncIterator[Phone]:
    async with switched_on(database, vault, clock, signals) as phone:
        yield phone


async def answers(phone: Phone, *customs: dict) -> None:
    """One message, to which the dialogue says this to its host."""
    phone.talk.engine.replies = (ECHO, *(Reply("", custom=custom) for custom in customs))
    assert await phone.say("an answer") == ["echo"]


async def told(phone: Phone, **report: str) -> None:
    await answers(phone, {"waymark": "reported", "report": report})


async def in_file(phone: Phone, amira) -> dict[str, tuple[str, ...]]:
    case = await phone.case()
    shown = await phone.talk.database.write(lambda tx: record.open_record(tx, phone.hand(amira), case.id))
    return {code: fact.values for code, fact in shown.facts.items()}


async def test_each_answer_stands_in_the_file_from_the_moment_it_was_given(phone: Phone):
    await answers(phone, CALL | {"report": FIRST})
    amira = await phone.officer("Amira")
    case = await phone.case()
    assert (case.reason, case.priority.value) == ("report_case", "P1")
    await told(phone, report_age="10-14")
    await told(phone, report_with="with his aunt, she says", report_children="1")
    await told(phone, report_wish="He wants to call his mother")
    await told(phone, report_age="15-17")  # a later word of theirs is the newer one

    await phone.claimed(amira)
    assert await in_file(phone, amira) == {
        "reported_now": ("yes",),
        "location": ("Calais, behind the station",),
        "reported_seen": ("A boy, cold",),
        "reported_age": ("15-17",),
        "reported_else": ("with his aunt, she says",),
        "reported_children": ("1",),
        "wishes": ("He wants to call his mother",),
    }
    assert (await phone.acts(case)).count("reported") == 5


ANOTHER_CHILD = {"report_now": "no", "report_place": "Lille, the park", "report_child": "A girl,\nalone"}


async def test_a_second_report_from_the_same_talk_stands_beside_the_first_and_mixes_with_none_of_it(phone: Phone):
    await answers(phone, CALL | {"report": FIRST})
    await told(phone, report_age="10-14", report_wish="He wants to call his mother")
    await answers(phone, CALL | {"report": ANOTHER_CHILD})
    await told(phone, report_age="0-4", report_with="with her sister")
    amira = await phone.officer("Amira")
    await phone.claimed(amira)

    said = await in_file(phone, amira)
    [beside] = said.pop("reported_else")
    assert said == {
        "reported_now": ("yes",),
        "location": ("Calais, behind the station",),
        "reported_seen": ("A boy, cold",),
        "reported_age": ("10-14",),
        "wishes": ("He wants to call his mother",),
    }
    assert beside.splitlines() == [
        "Another report from the same talk, perhaps about another child:",
        "Was it happening then? No",
        "Where they are: Lille, the park",
        "What was seen: A girl, alone",
        "Age as seen, of the youngest: 0 to 4",
        "Alone, or with whom: with her sister",
    ]


async def test_however_many_reports_come_from_one_talk_the_line_above_the_newest_stands(phone: Phone):
    await answers(phone, CALL | {"report": FIRST})
    for number in range(9):
        long = dict.fromkeys(FIELD_OF, f"{number} {'word ' * 100}")
        await answers(phone, CALL | {"report": long})
    amira = await phone.officer("Amira")
    await phone.claimed(amira)

    said = await in_file(phone, amira)
    heading, *lines = said["reported_else"][0].splitlines()[-len(FIELD_OF) - 1 :]
    assert heading == ANOTHER
    assert all(" 8 word" in line for line in lines)
    assert said["location"] == ("Calais, behind the station",)


async def test_what_a_child_with_a_case_reports_of_a_friend_is_no_word_about_the_child(phone: Phone):
    phone.talk.understanding.language = "fr"
    await phone.asks_for_a_person()
    await answers(phone, CALL | {"report": ANOTHER_CHILD})
    await told(phone, report_wish="Elle veut dormir")
    amira = await phone.officer("Amira")
    await phone.claimed(amira)

    said = await in_file(phone, amira)
    assert said.keys() == {"reported_else"}
    heading, *rest = said["reported_else"][0].splitlines()
    assert heading == phone.words.text("fr", ANOTHER) != ANOTHER
    assert rest[-1].endswith(": Elle veut dormir")


async def test_danger_in_the_middle_of_a_report_is_no_other_report(phone: Phone):
    await answers(phone, CALL | {"report": FIRST})
    await answers(phone, CALL | {"reason": "physical_abuse", "priority": "P0", "report": FIRST})
    amira = await phone.officer("Amira")
    await phone.claimed(amira)

    assert (await in_file(phone, amira)).keys() == {"reported_now", "location", "reported_seen"}


async def test_danger_that_comes_before_the_third_answer_is_the_same_report_and_its_words_are_kept(phone: Phone):
    bleeds = {"report_now": "yes", "report_danger": "she is bleeding"}
    await answers(phone, CALL | {"reason": "medical_emergency", "priority": "P0", "report": bleeds})
    await told(phone, report_place="Calais, behind the station")
    await answers(phone, CALL | {"report": FIRST, "report_goes_on": True})
    worse = {"report_danger": "she does not answer any more", **FIRST}
    await answers(phone, CALL | {"reason": "medical_emergency", "report": worse, "report_goes_on": True})
    await told(phone, report_age="10-14")
    amira = await phone.officer("Amira")
    case = await phone.claimed(amira)

    assert (case.reason, case.priority.value) == ("medical_emergency", "P0")
    assert await in_file(phone, amira) == {
        "reported_now": ("yes",),
        "location": ("Calais, behind the station",),
        "reported_seen": ("A boy, cold",),
        "reported_danger": ("she is bleeding\nshe does not answer any more",),
        "reported_age": ("10-14",),
    }


async def test_danger_in_a_second_report_adds_its_words_to_that_report_once(phone: Phone):
    await answers(phone, CALL | {"report": FIRST})
    heard = {"report_now": "no", "report_danger": "they took her"}
    await answers(phone, CALL | {"report": heard})
    await answers(phone, CALL | {"report": {**ANOTHER_CHILD, **heard}, "report_goes_on": True})
    amira = await phone.officer("Amira")
    await phone.claimed(amira)

    said = await in_file(phone, amira)
    assert said["reported_else"][0].splitlines() == [
        "Another report from the same talk, perhaps about another child:",
        "Was it happening then? No",
        "Words that raised the alarm: they took her",
        "Where they are: Lille, the park",
        "What was seen: A girl, alone",
    ]
    assert "reported_danger" not in said


async def test_a_report_that_goes_on_after_its_case_was_closed_opens_another(phone: Phone):
    await answers(phone, CALL | {"reason": "threats", "priority": "P0", "report": {"report_danger": "they are here"}})
    amira = await phone.officer("Amira")
    first = await phone.claimed(amira)

    def close(tx):
        service.close_case(tx, phone.hand(amira), first.id, closing="helped", checked=CHECKLIST)

    await phone.talk.database.write(close)
    await phone.talk.settle()
    await answers(phone, CALL | {"report": FIRST, "report_goes_on": True})
    second = await phone.claimed(amira)

    assert second.id != first.id
    assert (await in_file(phone, amira)).keys() == {"reported_now", "location", "reported_seen"}


async def test_an_officers_word_is_never_written_over(phone: Phone):
    await answers(phone, CALL | {"report": FIRST})
    amira = await phone.officer("Amira")
    case = await phone.claimed(amira)

    def correct(tx):
        seen = {code: fact.id for code, fact in record.open_record(tx, phone.hand(amira), case.id).facts.items()}
        record.write_fields(tx, phone.hand(amira), case.id, {"location": ("Lille, the hospital",)}, seen=seen)

    await phone.talk.database.write(correct)
    await phone.talk.database.write(
        lambda tx: phone.talk.cases.reported(tx, case.conversation_id, FIRST, at=phone.talk.clock.now())
    )

    assert (await in_file(phone, amira))["location"] == ("Lille, the hospital",)


async def test_answers_of_a_report_that_called_nobody_are_kept_in_the_talk_alone(phone: Phone):
    await told(phone, report_age="10-14")

    conversation_id = await phone.talk.conversation("+1")
    at = phone.talk.clock.now()
    assert (
        await phone.talk.database.write(
            lambda tx: phone.talk.cases.reported(tx, conversation_id, {"report_age": "0-4"}, at=at)
        )
        is None
    )


@pytest.mark.on_both
async def test_what_was_reported_is_sealed(phone: Phone):
    await answers(phone, CALL | {"report": FIRST})

    [row] = await phone.talk.rows(sa.select(facts.c.value_sealed).where(facts.c.field == "reported_seen"))
    assert b"cold" not in row.value_sealed
