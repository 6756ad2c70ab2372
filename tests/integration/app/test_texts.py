"""From the desk to the next question: approved texts, texts out of force, and what was asked in vain."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from urllib.parse import quote

from bot.app import opened
from bot.kernel.access import Role
from bot.kernel.ids import new_id
from bot.texts import service, store
from bot.texts.model import EditState, TextEdit
from bot.upkeep.doctor import examine
from bot.upkeep.procedures import export_texts
from tests.conftest import NOON
from tests.integration.app.program import Desk, Helpline, Person, lay_database, settings_for

PAGE = "/desk/texts/adult_with_child/en"
QUESTION = "how do I check a man who says he is the child's uncle"


async def release(helpline: Helpline, change: tuple[str, str]) -> Desk:
    """An author changes the text of the page, and an approver lets it out. Returns the approver's desk."""
    author = await helpline.at_desk(await helpline.officer(Role.AUTHOR, name="Leo"))
    desk = await helpline.at_desk(await helpline.officer(Role.APPROVER))
    _, page = await desk.get(PAGE)
    found = re.search(r"<textarea name=\"content\".*?>(.*?)</textarea>", page, re.S)
    assert found is not None
    content = unescape(found[1])
    # As whoever looks at a text again writes down: after the day it says, no edit without another one is taken.
    content = re.sub(r"(?m)^review_due: .*$", f"review_due: {datetime.now(UTC).date() + timedelta(days=90)}", content)
    assert change[0] in content
    version = re.search(r'name="read" value="([^"]*)"', page)
    assert version is not None
    await author.post(PAGE, content=content.replace(*change, 1), read=version[1])
    _, page = await desk.get(PAGE)
    edit = re.search(r'name="edit" value="([^"]+)"', page)
    assert edit is not None, page
    await desk.post(f"{PAGE}/approve", edit=edit[1])
    return desk


async def test_an_approver_changes_a_text_and_the_next_question_gets_it(helpline: Helpline):
    async with Person(helpline) as person:
        before = await person.write(QUESTION)
        assert "Ring the night desk first." not in before

        await release(helpline, ("## First answer\n", "## First answer\nRing the night desk first.\n"))

        assert "Ring the night desk first." in await person.write(QUESTION)


async def test_a_text_out_of_force_is_refused_kindly_and_counted_once_for_each_person(helpline: Helpline):
    desk = await release(helpline, ("\nvalid_from:", "\nvalid_to: 2026-11-02\nvalid_from:"))

    async with Person(helpline) as person, Person(helpline) as other:
        page = await person.write(QUESTION)
        assert "it is out of date, so I do not show it" in page
        assert "Talk to the adult and to the child apart" not in page
        await person.write(QUESTION)
        await other.write(QUESTION)

    (work,) = await helpline.database.read(service.work_for_authors)
    assert (work.procedure, work.why, work.askers) == ("adult_with_child", "out_of_date", None)
    assert len(await desk.waiting_cases()) in {0, 2}  # an approver sees no cases; officers have both
    _, texts = await desk.get("/desk/texts")
    assert "The text is out of date." in texts
    assert "a few people asked" in texts


async def test_what_was_approved_can_be_taken_out_as_files(helpline: Helpline, tmp_path: Path):
    await release(helpline, ("## First answer\n", "## First answer\nRing the night desk first.\n"))

    assert await export_texts(helpline.settings, tmp_path / "out") == ["adult_with_child/en.md"]

    assert "Ring the night desk first." in (tmp_path / "out/adult_with_child/en.md").read_text(encoding="utf-8")


async def test_the_desk_finds_a_text_by_meaning_in_every_language(helpline: Helpline):
    desk = await helpline.at_desk(await helpline.officer(Role.AUTHOR))

    for language, words, key in (
        ("en", "bloke swears he is her dad, no documents", "adult_with_child"),
        ("fr", "la petite n'est pas rentrée au foyer cette nuit", "missing_child"),
        ("es", "el muchacho se fue anoche y no aparece", "missing_child"),
        ("ar", "الولد راح من عندنا بالليل وما رجع", "missing_child"),
    ):
        _, page = await desk.get(f"/desk/texts?language={language}&q={quote(words)}")
        rows = re.findall(r'<th scope="row"[^>]*><a href="/desk/texts/(\w+)/', page)
        assert key in list(dict.fromkeys(rows))[:3], (words, rows[:6])


def approved(file: str, content: str) -> TextEdit:
    return TextEdit(new_id(), file, content, EditState.APPROVED, "leo", NOON, "ines", NOON, "")


async def test_a_withdrawn_text_is_gone_before_the_first_message_after_a_start_and_a_broken_edit_beside_it_is_told(
    tmp_path: Path,
):
    settings = settings_for(tmp_path, demo="off")
    lay_database(settings.data_dir)
    file = "adult_with_child/en.md"
    shipped = Path("dialogues/procedures", file).read_text(encoding="utf-8")
    withdrawn = shipped.replace("\nvalid_from:", "\nwithdrawn: {on: 2026-11-02, why: It is wrong.}\nvalid_from:", 1)
    overlay = Path("dialogues/procedures/overlays/IT.yml").read_text(encoding="utf-8")
    gone = overlay.replace("procedure: ", "procedure: gone_", 1)

    async with opened(settings) as waymark:
        for edit in (approved(file, withdrawn), approved("overlays/IT.yml", gone)):
            await waymark.database.write(lambda tx, edit=edit: store.add_edit(tx, edit))
    async with opened(settings) as waymark:
        assert waymark.procedures.get("adult_with_child", "en", NOON.date()) is not None  # as released
        await waymark.start()
        held = waymark.procedures
        told = await waymark.health.attention()

        assert held.get("adult_with_child", "en", NOON.date()) is None
        assert held.get("adult_with_child", "fr", NOON.date()) is None
        assert held.overlays.ask("IT", "en") is None
        assert held.overlays.ask("FR", "en") is not None
        assert told == {"texts_readable": False}
    said = [finding for finding in await examine(settings) if finding.says.startswith("texts:")]
    assert [finding.well for finding in said] == [False], said
    assert "overlays/IT.yml:" in said[0].says
