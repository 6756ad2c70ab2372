"""Texts at the desk: written, checked, approved, sent back."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from html import unescape

import pytest

from bot.kernel.access import Role
from bot.texts import service, store
from bot.texts.model import EditState, OwnEdit
from dialogues.knowledge.model import Audience, TranslationState
from tests.integration.desk.text_pages import PAGE, file_on, released


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


async def test_an_edit_that_takes_a_text_out_of_force_says_so_before_and_after_it_is_approved(
    world, at_desk, shelf, procedures, clock
):
    author = await at_desk(await world.officer("leo", Role.AUTHOR))
    approver = await at_desk(await world.officer("ines", Role.APPROVER))
    on = clock.now().date()
    ended = f"\nvalid_to: {on - timedelta(days=1)}\nreview_due:"
    written = file_on(await author.go(PAGE)).replace("\nreview_due:", ended)
    await author.send(PAGE, content=written)
    await approver.go(PAGE)
    await approver.send(f"{PAGE}/send-back", note="Are you sure?")
    await author.go(PAGE)
    await author.send(PAGE, content=written)

    await approver.go(PAGE)
    assert "people do not get this while it is not in force" in approver.page
    assert "people get this from now on" not in approver.page
    await approver.send(f"{PAGE}/approve")

    assert "It is not in force: whoever asks is told so" in approver.page
    assert "The next question gets this text." not in approver.page
    assert "The last edit was sent back" not in approver.page
    versions = await approver.go(f"{PAGE}?view=versions")
    assert "approved, not in force" in versions
    assert "people get it" not in versions
    await shelf.refresh()
    assert procedures.get("missing_child", "en", on) is None


async def test_an_edit_from_an_older_page_replaces_nothing_unseen(world, at_desk):
    """A withdrawal waited, somebody saved the page they had opened before, and the withdrawal was gone."""
    leo = await at_desk(await world.officer("leo", Role.AUTHOR))
    ines = await at_desk(await world.officer("ines", Role.APPROVER))
    older = file_on(await ines.go(PAGE))
    withdrawn = "withdrawn: {on: 2026-11-20, why: wrong number}\naudience:"
    await leo.send(PAGE, content=file_on(await leo.go(PAGE)).replace("audience:", withdrawn, 1))

    await ines.send(PAGE, content=older.replace("Look ", "Look well ", 1))

    assert ines.status == 409
    assert "Somebody else changed this text since you opened it." in ines.page
    assert "wrong number" in ines.page.partition('id="waiting"')[2].partition("</section>")[0]
    assert "well" in ines.page.partition('id="yours"')[2].partition("</section>")[0]
    assert "Look well " in file_on(ines.page)
    waiting = await world.database.read(lambda tx: store.edit_in(tx, "missing_child/en.md", EditState.DRAFT))
    assert "wrong number" in waiting.content

    both = file_on(ines.page).replace("audience:", withdrawn, 1)
    await ines.send(PAGE, content=both)  # having seen the other, as one who means it
    waiting = await world.database.read(lambda tx: store.edit_in(tx, "missing_child/en.md", EditState.DRAFT))
    assert waiting.content.count("wrong number") == waiting.content.count("Look well ") == 1


async def test_an_edit_of_a_text_that_was_approved_meanwhile_is_looked_at_again(world, at_desk):
    leo = await at_desk(await world.officer("leo", Role.AUTHOR))
    ines = await at_desk(await world.officer("ines", Role.APPROVER))
    older = await leo.go(PAGE)
    other = await at_desk(await world.officer("noor", Role.AUTHOR))
    await other.send(PAGE, content=file_on(await other.go(PAGE)).replace("Look ", "Look well ", 1))
    await ines.go(PAGE)
    await ines.send(f"{PAGE}/approve")

    leo.page = older
    await leo.send(PAGE, content=file_on(older).replace("Look ", "Look soon ", 1))

    assert leo.status == 409
    assert await world.database.read(lambda tx: store.edit_in(tx, "missing_child/en.md", EditState.DRAFT)) is None


async def test_what_is_sent_back_says_why(world, at_desk):
    author = await at_desk(await world.officer("leo", Role.AUTHOR))
    approver = await at_desk(await world.officer("ines", Role.APPROVER))
    await author.send(PAGE, content=file_on(await author.go(PAGE)).replace("Look ", "Look well ", 1))

    await approver.go(PAGE)
    await approver.send(f"{PAGE}/send-back", note="  ")

    assert "Say what is to be mended. Nothing was changed." in approver.page
    assert await world.database.read(lambda tx: store.edit_in(tx, "missing_child/en.md", EditState.DRAFT)) is not None


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

    for path in (
        "/desk/texts/overlays/XX",
        "/desk/texts/overlays/..",
        "/desk/texts/..%2F..%2Fpyproject/toml",
        "/desk/texts/missing_child/de",
    ):
        await browser.go(path)
        assert browser.status == 404


async def test_a_text_is_seen_as_telegram_and_as_the_web_chat_will_show_it_before_it_is_approved(world, at_desk):
    author = await at_desk(await world.officer("leo", Role.AUTHOR))
    content = file_on(await author.go(PAGE)).replace("Look ", "Look well ", 1)
    await author.send(PAGE, content=content.replace("1. Look around", "1. Look well around"))

    page = unescape(await author.go(f"{PAGE}?view=seen"))
    telegram, chat = page[page.index("as-telegram") : page.index("as-chat")], page[page.index("as-chat") :]

    for shown in (telegram, chat):
        assert "Look well around" in shown
        assert "Convention on the Rights of the Child" in shown
        assert "Step by step" in shown
        assert "{emergency_number}" not in shown
    assert "<ol" in chat
    assert "1. Look well around" in telegram
    present = await author.go(f"{PAGE}?view=seen&of=present")
    assert "Look well around" not in present[present.index("as-telegram") :]

    in_italy = unescape(await author.go("/desk/texts/trafficking_indicators/en?view=seen&in=IT"))
    assert "Department for Equal Opportunities" in in_italy


@pytest.mark.on_both
async def test_the_difference_between_two_versions_is_shown_and_who_wrote_and_decided(world, at_desk):
    author = await at_desk(await world.officer("leo", Role.AUTHOR))
    approver = await at_desk(await world.officer("ines", Role.APPROVER))
    await released(author, approver, PAGE, ("Look ", "Look well "))
    await released(author, approver, PAGE, ("Look well ", "Look hard "))

    page = unescape(await author.go(f"{PAGE}?view=versions"))
    assert re.search(r"<del[^>]*>[^<]*Look <mark>well</mark> ", page)
    assert re.search(r"<ins[^>]*>[^<]*Look <mark>hard</mark> ", page)
    assert "people get it" in page
    assert "decided by ines" in page.lower()

    newest = re.search(r'<select name="to">.*?value="([^"]+)"', page, re.S)[1]
    page = unescape(await author.go(f"{PAGE}?view=versions&from=shipped&to={newest}"))
    assert "Look well" not in page.split("<h2>Versions</h2>")[0]
    assert "They say the same." in await author.go(f"{PAGE}?view=versions&from=shipped&to=shipped")


async def test_two_languages_stand_side_by_side(world, at_desk):
    browser = await at_desk(await world.officer("leo", Role.AUTHOR))

    page = await browser.go("/desk/texts/missing_child/fr?beside=ar")

    columns = re.findall(r'<div class="text-column" lang="(\w+)" dir="(\w+)">', page)
    assert columns == [("ar", "rtl"), ("fr", "ltr")]


async def test_a_text_leads_on_to_others_like_it_in_its_language_and_for_its_readers(world, at_desk):
    browser = await at_desk(await world.officer("leo", Role.AUTHOR))

    for name in ("fr", "child.fr"):
        page = await browser.go(f"/desk/texts/guardian_appointment/{name}")
        on = re.findall(rf'<li><a href="(/desk/texts/\w+/{re.escape(name)})"', page.partition("More like this")[2])

        assert len(on) > 1
        assert await browser.go(on[0])


async def test_the_list_finds_typos_and_spelling_variants_and_says_what_is_due(world, at_desk, clock):
    leo = await world.officer("leo", Role.AUTHOR)
    browser = await at_desk(leo)

    def first_row(page: str) -> str:
        return re.search(r'<th scope="row"[^>]*><a href="/desk/texts/([^"]+)"', page)[1]

    assert first_row(await browser.go("/desk/texts?language=en&q=girl+dissapeared+from+shelter")) == "missing_child/en"
    assert first_row(await browser.go("/desk/texts?language=ar&q=طفل+هرب+من+الماوى")) == "missing_child/ar"
    # Whoever looks at the English list may search in their own language.
    assert first_row(await browser.go("/desk/texts?language=en&q=المدرسه")) == "school_enrolment/en"
    assert first_row(await browser.go("/desk/texts?language=en&q=tuteure")) == "guardian_appointment/en"

    assert 'scope="row"' not in await browser.go("/desk/texts?view=due")
    clock.advance(timedelta(days=140))
    page = await (await at_desk(leo)).go("/desk/texts?view=due")
    assert first_row(page)
    assert "2027-05-01" in page


async def test_a_source_year_that_nobody_has_seen_is_marked_for_editors(world, at_desk):
    browser = await at_desk(await world.officer("leo", Role.AUTHOR))

    page = await browser.go("/desk/texts/disability_needs/en")

    assert "the year 2006 needs verification, not shown to people" in page
    assert "Nobody has read a source of this text" not in page
    page = await browser.go("/desk/texts/child_labour/en")
    assert "named by the domain pack, read by nobody yet" in page
    assert "Nobody has read a source of this text in the place it is cited for." in page


async def test_the_watch_over_the_texts_outlives_a_look_that_fails(shelf, signals, procedures, monkeypatch):
    looks: list[int] = []
    looked = asyncio.Event()

    async def fails_once() -> None:
        looks.append(len(looks))
        if len(looks) == 1:
            raise RuntimeError("a disk that is full")
        looked.set()

    monkeypatch.setattr(shelf, "refresh", fails_once)
    watch = asyncio.create_task(shelf.run())
    async with asyncio.timeout(10):
        while not looks:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        signals.wake("texts")
        await looked.wait()

    assert not watch.done()
    watch.cancel()


async def test_an_edit_that_cannot_be_read_takes_its_own_text_away_and_nothing_else(world, shelf, procedures, clock):
    leo, ines = await world.officer("leo", Role.AUTHOR), await world.officer("ines", Role.APPROVER)
    before, overlays = procedures.texts(), procedures.overlays.all()

    def past_the_desk(tx):
        edit = service.write_edit(
            tx, world.vault, leo, "missing_child/en.md", "---\ntitle: [\n---\n", read="shipped", at=clock.now()
        )
        service.approve(tx, world.vault, ines, edit.id, edit.file, at=clock.now())

    await world.database.write(past_the_desk)
    await shelf.refresh()

    def others(texts):
        return {text for text in texts if text.key != "missing_child"}

    assert others(procedures.texts()) == others(before)
    assert not any(text.in_force(clock.now().date()) for text in procedures.texts() if text.key == "missing_child")
    assert procedures.overlays.all() == overlays


async def test_an_approved_edit_that_can_no_longer_be_read_is_out_of_force_alone_and_is_mended_at_the_desk(
    world, at_desk, shelf, procedures, clock
):
    author = await at_desk(await world.officer("leo", Role.AUTHOR))
    approver = await at_desk(await world.officer("ines", Role.APPROVER))
    on = clock.now().date()
    await released(author, approver, "/desk/texts/age_assessment/en", ("## Never\n", "## Never\nAlone? "))
    await released(author, approver, PAGE, ("## Never\n", "## Never\nNot at night. "))
    # As after an upgrade whose loader is stricter than the one that let it through.
    edit = await world.database.read(lambda tx: store.edit_in(tx, "missing_child/en.md", EditState.APPROVED))
    broken = edit.content.replace("## Never\n", "## Nothing\n")
    later = edit.decided_at + timedelta(seconds=1)
    change = store.text_edits.update().where(store.text_edits.c.id == edit.id)
    await world.database.write(lambda tx: tx.execute(change.values(content=broken, decided_at=later)))

    await shelf.refresh()

    assert "Alone?" in procedures.get("age_assessment", "en", on).never
    for language in ("en", "fr", "es", "ar"):  # its translations rest on it
        assert procedures.get("missing_child", language, on) is None
        assert procedures.has("missing_child", language)
    assert procedures.get("missing_child", "en", on, audience=Audience.CHILD) is None
    assert not shelf.all_readable()

    assert "cannot be read" in await author.go("/desk/texts")
    page = unescape(await author.go(PAGE))
    assert "nobody gets it" in page
    assert "## Nothing" in file_on(page)
    assert "missing_child/en.md:" in page
    await author.send(PAGE, released="1")
    await approver.go(PAGE)
    await approver.send(f"{PAGE}/approve")
    await shelf.refresh()
    assert procedures.get("missing_child", "fr", on) is not None
    assert shelf.all_readable()
