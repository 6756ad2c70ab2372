"""Letting an interpreter into a talk, over HTTP: the officer's page, and the guest's without an account."""

from __future__ import annotations

import re

import pytest
from aiohttp import CookieJar
from aiohttp.test_utils import TestClient

from bot.exchange.holds import service as holds
from bot.kernel import audit
from tests.integration.desk.browser import Browser

INVITED = {
    "name": "Ana Prado", "role": "interpreter", "since": "now", "hours": "2",
    "giver": "child", "capacity": "understands", "agreed": "yes",
}  # fmt: skip


@pytest.fixture
async def anyone(desk):
    """A browser that is signed in nowhere."""
    client = TestClient(desk, cookie_jar=CookieJar(unsafe=True))
    yield Browser(client)
    await client.close()


async def invited(browser, page) -> tuple[str, str]:
    """The way behind the link, and the code."""
    await browser.go(f"{page}/guests")
    await browser.send(f"{page}/guests", **INVITED)
    token = re.search(r"/guest\?token=([\w-]+)", browser.page)
    code = re.search(r"spoken\" dir=\"ltr\">(\d{6})<", browser.page)
    assert token is not None
    assert code is not None
    return f"/guest?token={token[1]}", code[1]


async def test_an_interpreter_reads_along_translates_and_the_officer_sees_whose_words_they_are(
    at_desk, amira, page, anyone
):
    browser = await at_desk(amira)
    link, code = await invited(browser, page)
    await browser.go(page)
    await browser.send(f"{page}/answer", text="Are you safe? <b>")

    await anyone.go(link)
    await anyone.send("/guest", code="nothing")
    assert anyone.status == 403
    await anyone.send("/guest", code=code)
    assert "Are you safe? &lt;b&gt;" in anyone.page
    assert "amira" not in anyone.page
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', anyone.page))
    await anyone.post("/guest/write", reply=hidden["reply"], about=hidden["about"], text="¿Estás a salvo?", once="1")

    assert "¿Estás a salvo?" in anyone.page
    shown = await browser.go(page)
    assert re.search(r"¿Estás a salvo\?.*Translation by the interpreter <bdi>Ana Prado</bdi>", shown, re.S)


@pytest.mark.on_both
async def test_a_guest_who_is_shown_out_sees_nothing_more(at_desk, amira, page, anyone):
    browser = await at_desk(amira)
    link, code = await invited(browser, page)
    await anyone.go(link)
    await anyone.send("/guest", code=code)
    opened = anyone.page
    await browser.go(f"{page}/guests")
    await browser.send(f"{page}/guests/withdraw")
    assert "They are let in no more" in browser.page

    reply = re.search(r'name="reply" value="([\w-]+)"', opened)
    assert reply is not None
    for path in ("/guest/talk", "/guest/write"):
        await anyone.post(path, reply=reply[1], text="let me")
        assert anyone.status == 404
    await anyone.go(link)
    assert anyone.status == 404


async def test_the_page_says_that_the_child_is_told_before_a_guardian_reads_along(at_desk, amira, page, anyone):
    browser = await at_desk(amira)
    await browser.go(f"{page}/guests")
    await browser.send(f"{page}/guests", **{**INVITED, "role": "guardian", "giver": "guardian"})
    link = re.search(r"/guest\?token=[\w-]+", browser.page)

    assert "First say whether the child was told. Until then the link does not open." in browser.page
    assert f'href="{page}/file#told"' in browser.page
    assert link is not None
    await anyone.go(link[0])
    assert anyone.status == 404


async def test_what_was_typed_too_long_is_given_back(at_desk, amira, page, anyone):
    link, code = await invited(await at_desk(amira), page)
    await anyone.go(link)
    await anyone.send("/guest", code=code)
    reply = re.search(r'name="reply" value="([\w-]+)"', anyone.page)
    assert reply is not None

    await anyone.post("/guest/write", reply=reply[1], text="long " * 1000)

    assert anyone.status == 422
    assert "This was not kept" in anyone.page
    assert "long long" in anyone.page


async def test_a_form_that_lacks_something_invites_nobody_and_keeps_what_was_typed(at_desk, amira, page):
    browser = await at_desk(amira)
    await browser.go(f"{page}/guests")
    for spoiled in (
        {"hours": "999"},
        {"role": "uncle"},
        {"since": ""},
        {"agreed": ""},
        {"giver": "neighbour"},
        {"capacity": "cannot"},
    ):
        await browser.send(f"{page}/guests", **{**INVITED, **spoiled})
        assert browser.status == 409
        assert 'value="Ana Prado"' in browser.page
    assert "Nobody." in browser.page


async def test_an_adult_in_doubt_is_named_and_not_let_in_and_the_try_is_recorded(world, at_desk, amira, page):
    case_id, hand = page.rpartition("/")[2], world.hand(amira)
    await world.database.write(
        lambda tx: holds.open_dossier(tx, hand, case_id, name="Sami Trabelsi", claimed="uncle_aunt", once="")
    )
    browser = await at_desk(amira)
    assert "Sami Trabelsi" in await browser.go(f"{page}/guests")

    await browser.send(f"{page}/guests", **{**INVITED, "name": "sami trabelsi", "compared": "yes"})

    assert browser.status == 409
    assert "may not go with the child" in browser.page
    acts = [row.act for row in await world.database.read(lambda tx: audit.read_log(tx, object=f"case:{case_id}"))]
    assert "guest.refused" in acts


async def test_a_colleague_finds_no_page_there(world, at_desk, page):
    browser = await at_desk(await world.officer("omar"))
    await browser.go(f"{page}/guests")
    assert browser.status == 404
