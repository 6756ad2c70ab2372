"""Texts at the desk: written, checked, approved, sent back; what was asked in vain becomes work for authors."""

from __future__ import annotations

import re
from html import unescape

import pytest

from bot.kernel.access import Role
from bot.texts import service, store
from bot.texts.model import LEAST_ASKERS, EditState, OwnEdit
from dialogues.knowledge.model import TranslationState

PAGE = "/desk/texts/missing_child/en"


def file_on(page: str) -> str:
    """What stands in the editor."""
    found = re.search(r"<textarea name=\"content\".*?>(.*?)</textarea>", page, re.S)
    assert found is not None
    return unescape(found[1])


async def test_an_author_writes_an_approver_decides_and_the_next_question_gets_it(
    world,
    at_desk,
    shelf,
    procedures,
    clock,
):
    author = await at_desk(await world.officer("leo", Role.AUTHOR))
    approver = await at_desk(await world.officer("ines", Role.APPROVER))
    on = clock.now().date()
    before = procedures.get("missing_child", "en", on)
    assert before is not None

    written = file_on(await author.go(PAGE)).replace(before.first_answer, "Look now. Call the police at once.")
    await author.send(PAGE, content=written)
    assert "waits for an approver" in author.page
    assert f"{PAGE}/approve" not in author.page
    await shelf.refresh()
    unchanged = procedures.get("missing_child", "en", on)
    assert unchanged is not None
    assert unchanged.first_answer == before.first_answer

    await approver.go(PAGE)
    assert "Look now. Call the police at once." in approver.page
    await approver.send(f"{PAGE}/approve")
    assert "The next question gets this text." in approver.page
    await shelf.refresh()

    after = procedures.get("missing_child", "en", on)
    french = procedures.get("missing_child", "fr", on)
    assert after is not None
    assert french is not None
    assert after.first_answer == "Look now. Call the police at once."
    assert french.translation_state is TranslationState.OUTDATED
    assert "outdated translation" in await author.go("/desk/texts?language=fr")


async def test_a_translation_that_was_read_again_is_no_longer_outdated(world, at_desk, shelf, procedures, clock):
    browser = await at_desk(await world.officer("leo", Role.AUTHOR))
    approver = await at_desk(await world.officer("ines", Role.APPROVER))
    page = "/desk/texts/missing_child/fr"
    written = file_on(await browser.go(PAGE))
    await browser.send(
        PAGE, content=written.replace("\n## Never\n", "\n## Never\n\n", 1).replace("Look ", "Look well ", 1)
    )
    await approver.go(PAGE)
    await approver.send(f"{PAGE}/approve")
    assert "outdated translation" in await browser.go(page)

    await browser.send(page, content=file_on(browser.page), read_against="1")
    await approver.go(page)
    await approver.send(f"{page}/approve")
    await shelf.refresh()

    french = procedures.get("missing_child", "fr", clock.now().date())
    assert french is not None
    assert french.translation_state is TranslationState.MACHINE_DRAFTED


async def test_what_must_not_be_released_is_named_and_nothing_typed_is_lost(world, at_desk):
    browser = await at_desk(await world.officer("leo", Role.AUTHOR))
    written = file_on(await browser.go(PAGE)).replace("## Never\n", "## Never\nWe promise it. <b>Really</b>.\n")

    await browser.send(PAGE, content=written)

    assert browser.status == 409
    assert "Mend this first" in browser.page
    assert "is markup" in unescape(browser.page)
    assert "We promise it." in file_on(browser.page)
    assert "waits for an approver" not in browser.page


async def test_an_edit_that_is_sent_back_says_why_and_people_keep_their_text(world, at_desk, shelf, procedures):
    author = await at_desk(await world.officer("leo", Role.AUTHOR))
    approver = await at_desk(await world.officer("ines", Role.APPROVER))
    written = file_on(await author.go(PAGE)).replace("Look ", "Look well ", 1)
    await author.send(PAGE, content=written)

    await approver.go(PAGE)
    late = approver.page
    await approver.send(f"{PAGE}/send-back", note="Say where to look.")
    assert "Say where to look." in await author.go(PAGE)

    approver.page = late
    await approver.send(f"{PAGE}/approve")
    assert "Somebody else decided first." in approver.page
    assert await world.database.read(service.approved_texts) == {}


async def test_nobody_approves_their_own_edit_however_they_ask(world, at_desk, shelf, procedures, clock):
    ines = await world.officer("ines", Role.APPROVER)
    browser = await at_desk(ines)
    before = procedures.get("missing_child", "en", clock.now().date())
    written = file_on(await browser.go(PAGE)).replace("Look ", "Look well ", 1)
    await browser.send(PAGE, content=written)

    assert f'action="{PAGE}/approve"' not in browser.page
    assert "Another approver has to look at it" in browser.page
    assert "There is no other approver here yet." in browser.page
    edit = await world.database.read(lambda tx: store.edit_in(tx, "missing_child/en.md", EditState.DRAFT))
    csrf = re.findall(r'name="csrf" value="([^"]*)"', browser.page)[0]
    await browser.post(f"{PAGE}/approve", csrf=csrf, edit=edit.id)

    assert browser.status == 403
    assert "You wrote this edit, so somebody else has to approve it." in browser.page
    with pytest.raises(OwnEdit):
        await world.database.write(
            lambda tx: service.approve(tx, world.vault, ines, edit.id, "missing_child/en.md", at=clock.now())
        )
    await shelf.refresh()
    assert procedures.get("missing_child", "en", clock.now().date()) == before

    await world.officer("noor", Role.APPROVER)
    assert "There is no other approver here yet." not in await browser.go(PAGE)


async def test_an_author_cannot_approve_and_an_officer_cannot_write(world, at_desk):
    author = await at_desk(await world.officer("leo", Role.AUTHOR))
    await author.send(PAGE, content=file_on(await author.go(PAGE)).replace("Look ", "Look well ", 1))
    await author.post(f"{PAGE}/approve", csrf=re.findall(r'name="csrf" value="([^"]*)"', author.page)[0], edit="x")
    assert author.status == 404

    officer = await at_desk(await world.officer("amira", Role.OFFICER))
    assert "<textarea" not in await officer.go(PAGE)
    await officer.post(PAGE, csrf=re.findall(r'name="csrf" value="([^"]*)"', officer.page)[0], content="x")
    assert officer.status == 404


async def test_no_address_leads_to_a_file_that_is_no_text(world, at_desk):
    browser = await at_desk(await world.officer("leo", Role.AUTHOR))

    for path in ("/desk/texts/overlays/IT", "/desk/texts/..%2F..%2Fpyproject/toml", "/desk/texts/missing_child/de"):
        await browser.go(path)
        assert browser.status == 404


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
    author = await at_desk(await world.officer("leo", Role.AUTHOR))

    page = await author.go("/desk/texts")
    assert "12 people asked" in page
    assert "Mexico" in page
    assert "a few people asked" in page
    await author.send("/desk/texts/gaps")
    assert "12 people asked" not in author.page
    assert "a few people asked" in author.page

    await asked(world, clock, 1)
    assert "13 people asked" in await author.go("/desk/texts")
