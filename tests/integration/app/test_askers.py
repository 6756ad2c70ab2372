"""Those who agreed are told, once, that their question has an answer or that a rule they were given has changed."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.conversations import service as conversations
from bot.kernel.access import Role
from bot.texts import service, store
from bot.texts.askers import KEPT, Askers
from bot.texts.model import Asker
from bot.upkeep import erasing
from tests.integration.app.program import Helpline, Person
from tests.integration.app.test_texts import QUESTION, release

ANSWERED = "You asked me something I had no checked answer to. Now there is one"
CHANGED = "A rule I gave you has changed."
UNDERSTOOD = "I did not understand a question of yours. I have learnt since"
NOT_OURS = "what is the price of a new car and of the insurance for it"
ENDED = ("\nvalid_from:", "\nvalid_to: 2026-11-02\nvalid_from:")
HELD_AGAIN = ("\nvalid_to: 2026-11-02\nvalid_from:", "\nvalid_from:")
ANOTHER_LINE = ("## First answer\n", "## First answer\nRing the night desk first.\n")


async def tap(helpline: Helpline, person: Person, title: str) -> str:
    """Press the last button of that name, and read the page."""
    source = await person.source()
    found = re.findall(r'<button[^>]*name="tap"[^>]*value="([^"]+)"[^>]*>\s*([^<]+?)\s*</button>', source)
    value = [value for value, name in found if name == title][-1]
    assert await person.send(tap=value) == 303
    await helpline.settled()
    return await person.page()


async def wishes(helpline: Helpline) -> list[Asker]:
    return await helpline.database.read(lambda tx: store.all_askers(tx, helpline.vault))


async def looked(helpline: Helpline) -> None:
    """Both looks the program takes by itself, now."""
    await helpline.waymark.texts.refresh()
    await helpline.waymark.askers.look()
    await helpline.settled()


async def test_who_asked_in_vain_and_agreed_is_told_once_when_there_is_an_answer(helpline: Helpline):
    await release(helpline, ENDED)
    async with Person(helpline) as agreed, Person(helpline) as declined:
        assert "Shall I write to you here, once" in await agreed.write(QUESTION)
        assert "I will write to you here once" in await agreed.write("Yes")
        await declined.write(QUESTION)
        await tap(helpline, declined, "No")
        await looked(helpline)
        assert ANSWERED not in await agreed.page()
        assert [work.why for work in await helpline.database.read(service.work_for_authors)] == ["out_of_date"]

        await release(helpline, HELD_AGAIN)
        await looked(helpline)
        await looked(helpline)

        assert await helpline.database.read(service.work_for_authors) == []

        assert (await agreed.page()).count(ANSWERED) == 1
        assert ANSWERED not in await declined.page()
        assert await wishes(helpline) == []
        assert "Talk to the adult and to the child apart" in await tap(helpline, agreed, "Show it")


async def test_who_showed_a_question_and_agreed_is_told_once_when_an_author_can_answer_it(helpline: Helpline):
    author = await helpline.at_desk(await helpline.officer(Role.AUTHOR))
    async with Person(helpline) as agreed, Person(helpline) as declined:
        for person, answer in ((agreed, "yes"), (declined, "no")):
            await person.write(NOT_OURS)
            assert "May the people who write my answers see these words" in await person.write(NOT_OURS)
            assert "Shall I write to you here, once" in await person.write("yes")
            await person.write(answer)
        await looked(helpline)
        assert UNDERSTOOD not in await agreed.page()

        _, page = await author.get("/desk/texts")
        for question in re.findall(r'name="question" value="([^"]+)"', page):
            await author.post("/desk/texts/gaps", question=question)
        await looked(helpline)
        await looked(helpline)

        assert (await agreed.page()).count(UNDERSTOOD) == 1
        assert UNDERSTOOD not in await declined.page()
        assert await wishes(helpline) == []


async def test_who_was_given_a_rule_and_agreed_is_told_once_that_it_changed(helpline: Helpline):
    async with Person(helpline) as agreed, Person(helpline) as other:
        await agreed.write(QUESTION)
        await tap(helpline, agreed, "Why and source")
        await tap(helpline, agreed, "Tell me if it changes")
        await other.write(QUESTION)
        await looked(helpline)
        assert CHANGED not in await agreed.page()

        await release(helpline, ANOTHER_LINE)
        await looked(helpline)
        await looked(helpline)

        assert (await agreed.page()).count(CHANGED) == 1
        assert CHANGED not in await other.page()
        assert "Ring the night desk first." in await tap(helpline, agreed, "Show it")


async def test_who_was_given_a_rule_is_told_that_it_no_longer_holds(helpline: Helpline):
    async with Person(helpline) as person:
        await person.write(QUESTION)
        await tap(helpline, person, "Why and source")
        await tap(helpline, person, "Tell me if it changes")

        await release(helpline, ENDED)
        await looked(helpline)

        assert "A text I gave you is no longer in force." in await person.page()


async def test_who_changes_their_mind_is_forgotten_at_once(helpline: Helpline):
    async with Person(helpline) as person:
        await person.write(QUESTION)
        await tap(helpline, person, "Why and source")
        await tap(helpline, person, "Tell me if it changes")
        assert len(await wishes(helpline)) == 1

        assert "I will not write to you about it." in await tap(helpline, person, "Do not write")

        assert await wishes(helpline) == []


async def test_two_servers_that_look_at_once_tell_a_person_once(helpline: Helpline):
    other = Askers(
        helpline.database,
        helpline.vault,
        helpline.waymark.clock,
        helpline.waymark.signals,
        words=helpline.waymark.words,
        procedures=helpline.waymark.procedures,
    )
    async with Person(helpline) as person:
        await person.write(QUESTION)
        await tap(helpline, person, "Why and source")
        await tap(helpline, person, "Tell me if it changes")
        (wish,) = await wishes(helpline)

        await release(helpline, ANOTHER_LINE)
        await helpline.waymark.texts.refresh()
        # The other one had read the wish before this one told it.
        await helpline.waymark.askers.look()
        at = helpline.waymark.clock.now()
        assert not await helpline.database.write(lambda tx: other._settle(tx, wish, at))
        await helpline.settled()

        assert (await person.page()).count(CHANGED) == 1


async def test_while_an_officer_has_the_conversation_the_program_does_not_speak_in_between(helpline: Helpline):
    async with Person(helpline) as person:
        await person.write(QUESTION)
        await tap(helpline, person, "Why and source")
        await tap(helpline, person, "Tell me if it changes")
        (conversation,) = await helpline.conversation_ids()
        at = helpline.waymark.clock.now()
        await helpline.database.write(lambda tx: conversations.hand_to_human(tx, conversation, at))

        await release(helpline, ANOTHER_LINE)
        await looked(helpline)
        assert CHANGED not in await person.page()

        await helpline.database.write(lambda tx: conversations.hand_back(tx, conversation, at))
        await looked(helpline)
        assert CHANGED in await person.page()


@pytest.mark.parametrize("how", ["erased", "old"])
async def test_a_wish_is_forgotten_with_its_conversation_and_after_half_a_year(helpline: Helpline, how: str):
    async with Person(helpline) as person:
        await person.write(QUESTION)
        await tap(helpline, person, "Why and source")
        await tap(helpline, person, "Tell me if it changes")
        (conversation,) = await helpline.conversation_ids()
        at = helpline.waymark.clock.now()

        if how == "erased":
            await helpline.database.write(lambda tx: erasing.erase_person(tx, helpline.vault, conversation, at=at))
        else:
            (wish,) = await wishes(helpline)
            late = at + KEPT + timedelta(days=1)
            await helpline.database.write(lambda tx: helpline.waymark.askers._settle(tx, wish, late))

        assert await wishes(helpline) == []
        assert CHANGED not in await person.page()


async def test_neither_the_register_nor_the_wishes_lead_to_anybody(helpline: Helpline, tmp_path: Path):
    await release(helpline, ENDED)
    async with Person(helpline) as person:
        await person.write(QUESTION)
        await tap(helpline, person, "Yes, write to me")
    (conversation,) = await helpline.conversation_ids()

    rows = await helpline.database.read(
        lambda tx: [tuple(row) for table in (store.gaps, store.askers) for row in tx.execute(sa.select(table))]
    )

    assert len(rows) == 2
    assert conversation not in repr(rows)
    assert conversation.encode() not in b"".join(cell for row in rows for cell in row if isinstance(cell, bytes))
    assert [wish.conversation_id for wish in await wishes(helpline)] == [conversation]
