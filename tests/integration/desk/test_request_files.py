"""The files of a request on the desk, as a browser without scripts uses them."""

from __future__ import annotations

import re
from html import unescape

import pytest

from bot.exchange.requests import drafting, history_store
from tests.conftest import NOON
from tests.integration.desk.browser import Browser
from tests.integration.exchange.test_attachments import PDF, a_part, files
from tests.integration.exchange.two_countries import Country, a_draft, hand_over, put_partner


@pytest.fixture
async def here(world, clock) -> Country:
    made = Country(world, clock, "IT")
    await made.prepare()
    made.others["TN"] = await world.database.write(lambda tx: put_partner(tx, world.vault, country="TN", name="Amel"))
    return made


async def attach(browser: Browser, address: str, content: bytes, **fields: str) -> str:
    """Send the form that attaches a file, with what is hidden in it."""
    await browser.go(address)
    [form] = re.findall(rf'<form[^>]*action="{address}/files".*?</form>', browser.page, re.S)
    hidden = {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form)}
    return await browser.upload(f"{address}/files", content, **{**hidden, **fields})


async def test_a_file_is_attached_seen_by_whoever_approves_saved_and_taken_off(here, at_desk):
    request_id = await here.do(drafting.draft, await here.case(), a_draft(here.others["TN"]))
    address = f"/desk/requests/{request_id}"
    officer, coordinator = await at_desk(here.officer), await at_desk(here.coordinator)

    await attach(officer, address, PDF, title="Birth <certificate>", data="identity")
    [file] = await files(here, request_id)
    assert "Birth &lt;certificate&gt;" in await coordinator.go(address)
    assert file.sha256 in coordinator.page
    async with coordinator._client.get(f"{address}/files/{file.id}") as answer:
        assert await answer.read() == PDF
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{file.name}"'
        assert answer.headers["Cache-Control"] == "no-store"

    await officer.go(address)
    await officer.send(f"{address}/files/take-off")
    assert await files(here, request_id) == []


async def test_what_cannot_go_along_is_said_and_what_was_typed_stays(here, at_desk):
    request_id = await here.do(drafting.draft, await here.case(), a_draft(here.others["TN"]))
    officer = await at_desk(here.officer)

    await attach(officer, f"/desk/requests/{request_id}", b"<script>alert(1)</script>", title="Her <ID>", data="family")

    assert officer.status == 400
    assert "Something is missing." in officer.page
    assert 'value="Her &lt;ID&gt;"' in officer.page
    assert await files(here, request_id) == []


async def test_a_file_that_came_is_beside_its_line_and_strangers_find_neither(here, at_desk):
    request_id = await here.asked(await here.case(), a_draft(here.others["TN"]))
    about = {"request": request_id}
    await hand_over(here, "TN", "request_accepted", about, request_type="info_child")
    line = "7" * 36
    answer = {"key": "harm", "line": line, "text": "None", "language": "fr", "how": "seen", "confidence": "high"}
    said = {**about, "answers": [answer], "ground": "child_only"}
    await hand_over(here, "TN", "request_answer", said, request_type="info_child")
    await hand_over(
        here, "TN", "request_file", a_part(request_id, PDF, line=line, title="Le registre"), request_type="info_child"
    )
    [file] = await files(here, request_id)
    officer, stranger = await at_desk(here.officer), await at_desk(await here.world.officer("stranger"))

    page = await officer.go(f"/desk/requests/{request_id}")
    assert re.search(r'<a class="chip" href="#files"[^>]*>Le registre</a>', page)
    assert "arrived as it was sent" in page
    await stranger.go(f"/desk/requests/{request_id}/files/{file.id}")
    assert stranger.status == 404
    await officer.go(f"/desk/requests/{request_id}/files/{'0' * 36}")
    assert officer.path == f"/desk/requests/{request_id}"  # it lists what there is
    events = await here.see(lambda tx: history_store.events_of(tx, request_id))
    assert [event.at for event in events if event.act == "file_came"] == [NOON]
