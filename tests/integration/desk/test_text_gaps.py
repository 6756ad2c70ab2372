"""What was asked in vain becomes work for authors, and whoever asked is told."""

from __future__ import annotations

import re

import pytest

from bot.kernel.access import Role
from bot.texts import service, store
from bot.texts.model import LEAST_ASKERS
from dialogues.vocabulary import mark_of_words


async def asked(world, clock, times: int, **facts: str) -> None:
    register = service.GapRegister(world.vault)
    gap = {"procedure": "missing_child", "why": "out_of_date", "language": "es", "country": "MX", "audience": "worker"}
    for _ in range(times):
        await world.database.write(lambda tx: register.note(tx, {**gap, **facts}, at=clock.now()))


async def test_a_small_group_of_askers_is_told_by_its_subject_alone(world, clock):
    await asked(world, clock, LEAST_ASKERS - 1)

    (work,) = await world.database.read(service.work_for_authors)
    assert (work.procedure, work.askers, work.languages, work.countries) == ("missing_child", None, (), ())

    await asked(world, clock, 1, language="ar", country="IT")
    (work,) = await world.database.read(service.work_for_authors)
    assert (work.askers, work.languages, work.countries) == (LEAST_ASKERS, (), ())

    await asked(world, clock, 1)
    (work,) = await world.database.read(service.work_for_authors)
    assert (work.askers, work.languages, work.countries) == (LEAST_ASKERS + 1, ("es",), ("MX",))


async def test_what_was_asked_in_vain_is_work_until_an_author_answers_and_comes_back_when_asked_again(
    world,
    at_desk,
    clock,
):
    await asked(world, clock, 12)
    await asked(world, clock, 1, procedure="", why="not_understood")
    register = service.GapRegister(world.vault)
    shown = {"words": "how do I pay for a … card", "language": "en"}
    await world.database.write(lambda tx: register.show(tx, shown, at=clock.now()))
    author = await at_desk(await world.officer("leo", Role.AUTHOR))

    page = await author.go("/desk/texts")
    assert "12 people asked" in page
    assert "Mexico" in page
    assert "a few people asked" in page
    assert "1 question that its writer agreed to show" in page
    assert "how do I pay for a … card" in page
    await author.send("/desk/texts/gaps")
    assert "12 people asked" not in author.page
    assert "a few people asked" in author.page
    assert "how do I pay for a … card" in author.page
    csrf = re.findall(r'name="csrf" value="([^"]*)"', author.page)[0]
    await author.post("/desk/texts/gaps", csrf=csrf, procedure="", why="not_understood")
    assert await world.database.read(lambda tx: store.questions(tx, limit=9)) == []
    await world.database.write(lambda tx: register.show(tx, shown, at=clock.now()))
    await world.database.write(lambda tx: register.show(tx, {**shown, "words": "when is the bus"}, at=clock.now()))
    assert "how do I pay for a … card" in await author.go("/desk/texts")
    (one,) = [q.id for q in await world.database.read(lambda tx: store.questions(tx, limit=9)) if "card" in q.words]
    for words in ("how do I pay for a … card", "when is the bus"):
        wish = {"about": "shown", "given": mark_of_words(words), "language": "en", "country": "MX"}
        await world.database.write(lambda tx, wish=wish: register.remember(tx, "one", wish, at=clock.now()))
    await author.post("/desk/texts/gaps", csrf=csrf, question=one)
    assert "how do I pay for a … card" not in author.page
    assert "when is the bus" in author.page
    wishes = await world.database.read(lambda tx: store.all_askers(tx, world.vault))
    assert sorted((wish.answered, wish.country) for wish in wishes) == [(False, ""), (True, "")]
    (other,) = await world.database.read(lambda tx: store.questions(tx, limit=9))
    await author.post("/desk/texts/gaps", csrf=csrf, question=other.id, dropped="1")
    assert "when is the bus" not in author.page
    assert [wish.answered for wish in await world.database.read(lambda tx: store.all_askers(tx, world.vault))] == [True]

    await asked(world, clock, 1)
    assert "13 people asked" in await author.go("/desk/texts")


async def test_a_gap_leads_to_its_text_and_is_not_answered_while_nothing_is_in_force(world, at_desk, clock):
    author = await at_desk(await world.officer("leo", Role.AUTHOR))
    await asked(world, clock, 6, procedure="missing_child", why="out_of_date", language="fr", audience="child")
    await asked(world, clock, 6, procedure="gift_aid", why="no_text", language="en")

    page = await author.go("/desk/texts")
    assert 'href="/desk/texts/missing_child/child.fr"' in page
    csrf = re.findall(r'name="csrf" value="([^"]*)"', page)[0]
    await author.post("/desk/texts/gaps", csrf=csrf, procedure="gift_aid", why="no_text")
    assert "Nothing is in force for it yet" in author.page
    assert author.page.count("6 people asked") == 2

    await author.post("/desk/texts/gaps", csrf=csrf, procedure="missing_child", why="out_of_date")
    assert author.page.count("6 people asked") == 1


@pytest.mark.on_both
async def test_a_wish_is_kept_once_marked_when_an_author_answers_and_gone_with_its_conversation(world, at_desk, clock):
    register, at = service.GapRegister(world.vault), clock.now()
    wish = {"procedure": "missing_child", "about": "not_understood", "language": "ar", "country": "IT"}

    async def wishes():
        return await world.database.read(lambda tx: store.all_askers(tx, world.vault))

    for conversation in ("one", "one", "other"):
        await world.database.write(
            lambda tx, conversation=conversation: register.remember(tx, conversation, wish, at=at)
        )
    assert sorted(asker.conversation_id for asker in await wishes()) == ["one", "other"]
    assert not any(asker.answered for asker in await wishes())

    await asked(world, clock, 1, procedure="missing_child", why="not_understood")
    author = await at_desk(await world.officer("leo", Role.AUTHOR))
    await author.go("/desk/texts")
    await author.send("/desk/texts/gaps")
    assert all(asker.answered for asker in await wishes())

    await world.database.write(lambda tx: store.forget_askers_of(tx, world.vault, "one", at=at))
    assert [asker.conversation_id for asker in await wishes()] == ["other"]
