"""Whether the child was told first, over HTTP, as a browser without scripts asks and answers it."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from bot.cases import consent, store, telling
from bot.cases.consent import Kind, Purpose
from bot.cases.record import service as record
from bot.conversations import service as conversations
from bot.conversations.store import outbox
from bot.kernel.access import Role
from tests.integration.cases.test_consent import AGREED
from tests.integration.desk.test_handing import claimed


async def test_a_guardian_agreed_so_the_desk_asks_whether_the_child_was_told_and_sends_the_ready_words(world, at_desk):
    amira = await world.officer("amira")
    case_id = await claimed(world, amira, reason="sexual_abuse")

    def prepare(tx):
        record.write_fields(tx, world.hand(amira), case_id, {"age": ("15",)}, seen={})
        agreed = replace(AGREED, giver="guardian", named="Shelter <b>", items=("age",), withheld=())
        return consent.record(tx, world.hand(amira), case_id, agreed).id

    row_id = await world.database.write(prepare)
    browser, page = await at_desk(amira), f"/desk/cases/{case_id}"
    assert "This may have to be reported to an authority." in await browser.go(page)
    await browser.go(f"{page}/refer")
    assert "First say whether they were told." in browser.page
    await browser.send(f"{page}/refer", urgency="urgent", items="age", ask="A bed?", adult="nobody")
    assert browser.status == 409
    assert "Nothing was sent." in browser.page

    await browser.go(f"{page}/file")
    assert "This may have to be reported to an authority." in browser.page
    assert "Was the child told that Shelter &lt;b&gt; gets something?" in re.sub("</?bdi>", "", browser.page)
    words = re.findall(r'name="about" value="([\w-]+)".*?<textarea[^>]* lang="ar"[^>]*>([^<]+)<', browser.page, re.S)
    assert words == [
        (row_id, world.words.text("ar", telling.READY_SHARE)),
        ("report", world.words.text("ar", telling.READY_REPORT)),
    ]
    ready = words[0][1]
    await browser.send(f"{page}/told", how="send", words=ready)
    assert "Was the child told that" not in browser.page
    await browser.send(f"{page}/told", how="not", why_not="danger", more="He reads along.")
    assert browser.status == 409, "to which authority?"
    assert 'value="He reads along."' in browser.page
    await browser.send(f"{page}/told", how="not", why_not="danger", whom="Police", more="He reads along.")

    assert "This may have to be reported" not in browser.page
    assert "Telling them would put somebody in danger" in browser.page
    printed = await browser.go(f"{page}/print")
    assert "He reads along." in printed
    assert ready in printed
    shown = re.sub("</?bdi>", "", await browser.go(page))
    assert "amira told the child first that something is passed on" in shown
    case = await world.database.read(lambda tx: store.get_case(tx, case_id).case)
    lines = await world.database.read(lambda tx: conversations.transcript(tx, world.vault, case.conversation_id))
    assert [line.text for line in lines].count(ready) == 1
    await browser.go(f"{page}/refer")
    await browser.send(f"{page}/refer", urgency="urgent", items="age", ask="A bed?", adult="nobody")
    assert "Sent. For a receiver without an account:" in browser.page


@pytest.mark.on_both
async def test_words_that_never_arrived_told_nobody_and_the_file_asks_again(world, at_desk):
    amira = await world.officer("amira")
    case_id = await claimed(world, amira, reason="sexual_abuse")
    browser, page = await at_desk(amira), f"/desk/cases/{case_id}"
    await browser.go(f"{page}/file")
    await browser.send(f"{page}/told", how="send", whom="Youth office", words="I tell you first.")
    assert "the child was told<" in browser.page
    assert "This may have to be reported" not in browser.page

    await world.database.write(lambda tx: tx.execute(outbox.update().values(state="dead", cause="blocked")))

    for path in (f"{page}/file", f"{page}/print"):
        await browser.go(path)
        assert "not delivered" in browser.page
        assert "the child was told<" not in browser.page
        assert "the child was told ·" not in browser.page
    assert "This may have to be reported" in await browser.go(f"{page}/file")


async def test_the_second_officer_cannot_sign_before_it_is_answered_and_a_foreign_case_is_not_found(world, at_desk):
    amira, ines = await world.officer("amira"), await world.officer("ines", Role.COORDINATOR, Role.OFFICER)
    case_id = await claimed(world, amira)
    page = f"/desk/cases/{case_id}"
    wanted = replace(AGREED, kind=Kind.OVERRIDE, reason="abuse", why="Now.", items=("age",), withheld=())
    row = await world.database.write(lambda tx: consent.record(tx, world.hand(amira), case_id, wanted))
    hers = await at_desk(ines)
    await hers.go(f"{page}/file")

    await hers.send(f"{page}/consents/second", consent=row.id)

    assert hers.status == 409
    assert "First say whether the child was told" in hers.page
    his = await at_desk(await world.officer("bruno"))
    await his.go("/desk/queue")
    csrf = re.search(r'name="csrf" value="(\w+)"', his.page)[1]
    await his.post(f"{page}/told", csrf=csrf, about="report", how="told", whom="Police", words="I tell you first.")
    assert his.status == 404


async def test_numbers_without_names_ask_for_no_telling_and_the_second_officer_signs(world, at_desk):
    amira, ines = await world.officer("amira"), await world.officer("ines", Role.COORDINATOR, Role.OFFICER)
    case_id = await claimed(world, amira)
    numbers = replace(
        AGREED, kind=Kind.OVERRIDE, purpose=Purpose.REPORTING, reason="abuse", why="Now.", items=("age",), withheld=()
    )
    row = await world.database.write(lambda tx: consent.record(tx, world.hand(amira), case_id, numbers))
    hers, page = await at_desk(ines), f"/desk/cases/{case_id}"
    await hers.go(f"{page}/file")
    assert "Was the child told that" not in hers.page

    await hers.send(f"{page}/consents/second", consent=row.id)

    assert hers.status == 200
    assert "First say whether the child was told" not in hers.page
    [signed] = await world.database.read(lambda tx: consent.of_case(tx, case_id))
    assert signed.second_by == ines.id
