"""The file of a case over HTTP, as a browser without scripts uses it."""

from __future__ import annotations

import re

import pytest

from bot.cases.record import service as record
from bot.kernel.access import Role

CONSENT = {
    "named": "The night shelter", "purpose": "referral", "text": "May I tell them <your> age?", "items": "age",
    "giver": "child", "age": "15", "capacity": "understands", "way": "chat", "language": "ar", "kind": "consent",
}  # fmt: skip


async def save(browser, page, section, **fields):
    """The section's form, with the versions it was made from."""
    forms = re.findall(r"<form.*?</form>", browser.page, re.S)
    form = next(one for one in forms if f'name="section" value="{section}"' in one)
    hidden = dict(re.findall(r'<input type="hidden" name="([\w-]+)" value="([^"]*)"', form))
    return await browser.post(f"{page}/file", **hidden, **{f"f-{name}": value for name, value in fields.items()})


async def test_a_section_is_filled_in_and_shown_again(world, at_desk, amira, page):
    browser = await at_desk(amira)
    await browser.go(page)
    assert f'href="{page}/file"' in browser.page
    await browser.go(f"{page}/file")

    await save(browser, page, "person", name="Ali <b>", age="15", sex="male")

    assert "Saved." in browser.page
    assert 'value="Ali &lt;b&gt;"' in browser.page
    assert "Ali &lt;b&gt;" in await browser.go(f"{page}/print")


async def test_a_stale_section_shows_both_and_writes_over_nothing(world, at_desk, amira, page):
    first, second = await at_desk(amira), await at_desk(amira)
    await first.go(f"{page}/file")
    await second.go(f"{page}/file")
    await save(first, page, "safety", location="Bari")

    await save(second, page, "safety", location="Rome")

    assert second.status == 409
    assert "Both are shown" in second.page
    assert "Rome</textarea>" in second.page
    assert re.search(r"Now it says:.*Bari", second.page)


async def test_a_wrong_value_is_said_and_what_was_typed_stays(world, at_desk, amira, page):
    browser = await at_desk(amira)
    await browser.go(f"{page}/file")

    await save(browser, page, "person", name="Ali", age="old")

    assert browser.status == 409
    assert 'value="old" aria-invalid="true"' in browser.page
    assert 'value="Ali"' in browser.page


async def test_whoever_coordinates_does_not_see_what_is_restricted(world, at_desk, amira, page):
    hers = await at_desk(amira)
    await hers.go(f"{page}/file")
    await save(hers, page, "person", name="Ali")
    said, case_id = {"religion": ("kept-to-herself",)}, page.rpartition("/")[2]
    await world.database.write(lambda tx: record.write_fields(tx, world.hand(amira), case_id, said, seen={}))
    ines = await at_desk(await world.officer("ines", Role.COORDINATOR))

    for view in (f"{page}/file", f"{page}/print"):
        shown = await ines.go(view)
        assert "Ali" in shown
        assert "kept-to-herself" not in shown
        assert "not shown to you" in shown
    for other in (await world.officer("omar"), await world.officer("root", Role.ADMIN)):
        browser = await at_desk(other)
        for view in ("file", "print", "seen-by"):
            await browser.go(f"{page}/{view}")
            assert browser.status == 404


async def test_a_look_whose_day_was_taken_away_is_overtaken_and_not_done(world, at_desk, amira, page):
    case_id, hand = page.rpartition("/")[2], world.hand(amira)

    def prepare(tx):
        record.write_fields(tx, hand, case_id, {"bi_review": ("2026-12-24",)}, seen={})
        version = record.open_record(tx, hand, case_id).facts["bi_review"].id
        record.write_fields(tx, hand, case_id, {"bi_review": ()}, seen={"bi_review": version})

    await world.database.write(prepare)
    browser = await at_desk(amira)

    assert "overtaken" in await browser.go(f"{page}/file")
    assert "done by" not in browser.page
    printed = await browser.go(f"{page}/print")
    assert "✓" not in printed
    assert "overtaken" in printed


@pytest.mark.on_both
async def test_risk_tasks_and_a_checklist_before_closing(world, at_desk, amira, page):
    browser, ines = await at_desk(amira), await at_desk(await world.officer("ines", Role.COORDINATOR))
    await browser.go(f"{page}/file")
    await browser.send(f"{page}/risk", level="high", why="He is outside.")
    assert "See the child" in browser.page
    await browser.send(f"{page}/risk", level="low", why="He is gone.")
    assert "a supervisor signs" in browser.page
    assert "See the child" in await browser.go("/desk/mine")

    await browser.go(page)
    await browser.send(f"{page}/close", closing="helped", check=["safe", "told", "next"])
    assert browser.status == 409
    assert "A task is still open." in browser.page
    assert 'name="closing" value="helped" required checked' in browser.page
    await ines.go(f"{page}/file")
    await ines.send(f"{page}/risk/sign", risk=re.search(r'name="risk" value="([^"]+)"', ines.page)[1])
    await browser.go(f"{page}/file")
    for task in re.findall(r'name="task" value="([^"]+)"', browser.page):
        await browser.send(f"{page}/tasks/done", task=task)
    await browser.go(page)
    await browser.send(f"{page}/close", closing="helped", check=["safe", "told"])
    assert "Whoever goes on with it has what they need." in browser.page
    await browser.send(f"{page}/close", closing="helped", check=["safe", "told", "next"])
    assert browser.path == "/desk/queue"


async def test_a_consent_is_recorded_word_for_word_and_taken_back(world, at_desk, amira, page):
    browser = await at_desk(amira)
    await browser.go(f"{page}/file")
    await browser.send(f"{page}/consents", **{**CONSENT, "items": []})
    assert "Choose what may be shared." in browser.page
    assert "May I tell them &lt;your&gt; age?" in browser.page  # nothing typed is lost

    await browser.go(f"{page}/file")
    await browser.send(f"{page}/consents", **CONSENT)
    assert "May I tell them &lt;your&gt; age?" in browser.page
    assert "in force" in browser.page
    row = re.search(r'name="consent" value="([^"]+)"', browser.page)[1]
    await browser.send(f"{page}/consents/withdraw", consent=row)

    assert "taken back" in browser.page


async def test_one_sees_who_has_seen_the_file(world, at_desk, amira, page):
    ines = await at_desk(await world.officer("ines", Role.COORDINATOR))
    await ines.go(page)
    browser = await at_desk(amira)

    seen = await browser.go(f"{page}/seen-by")

    assert "<bdi>ines</bdi>" in seen
    assert "amira</bdi> <span" not in seen  # she has not opened it yet


async def test_a_note_says_whether_it_may_go_along(world, at_desk, amira, page):
    browser = await at_desk(amira)
    await browser.go(page)
    await browser.send(f"{page}/notes", text="for us alone")
    assert '<span class="chip chip-p2">may go along</span>' not in browser.page

    await browser.send(f"{page}/notes", text="for whoever helps next", kind="shared")

    assert browser.page.count("may go along</span>") == 1
