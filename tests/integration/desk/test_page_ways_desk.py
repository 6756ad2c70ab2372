"""The screen on which officers say where they are paged, over HTTP with a real mail server and push service."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.kernel.access import Role
from tests.integration.app.program import Desk, Helpline, Person, serving, settings_for, until
from tests.peers.push import FakePush, running_push
from tests.peers.smtp import MailServer

PUSH_KEY = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="


@pytest.fixture
async def mails() -> AsyncIterator[MailServer]:
    async with MailServer() as server:
        yield server


@pytest.fixture
async def push() -> AsyncIterator[FakePush]:
    async with running_push() as service:
        yield service


@pytest.fixture
async def helpline(tmp_path: Path, mails: MailServer, push: FakePush) -> AsyncIterator[Helpline]:
    settings = settings_for(
        tmp_path, demo="off", smtp_url=mails.url, mail_from="desk@help.example", push_key=PUSH_KEY,
        push_services=push.url,
    )  # fmt: skip
    async with serving(settings) as program:
        yield program


@pytest.fixture
async def desk(helpline: Helpline) -> Desk:
    return await helpline.at_desk(await helpline.officer(Role.OFFICER))


def key_on(page: str) -> str:
    found = re.search(r'data-connect data-key="([\w-]+)"', page)
    assert found is not None
    return found[1]


async def danger(helpline: Helpline) -> None:
    """Somebody writes in the web chat that they are in danger."""
    async with Person(helpline) as person:
        await person.write("he has a knife, he is outside")


async def test_an_officer_connects_an_address_and_a_browser_and_both_are_paged(
    helpline: Helpline, desk: Desk, mails: MailServer, push: FakePush
):
    status, page = await desk.post("/desk/account/pages/email", address="amira@help.example")
    assert status == 200
    assert "amira@help.example" in page
    code = re.search(r"\d{6}", mails.mails[0].get_content())
    assert code is not None
    _, page = await desk.post("/desk/account/pages/email/confirm", code=code[0])
    browser = push.subscribe(key_on(page))
    status, said = await desk.post("/desk/account/pages/browser", subscription=browser.to_text())
    assert (status, said) == (200, '{"paged": true}')

    await danger(helpline)

    async def both() -> bool:
        return len(mails.mails) >= 2 and len(push.ledger) >= 1

    await until(both)
    assert "knife" not in str(mails.mails) + str(push.ledger)
    assert push.refused == []


@pytest.mark.parametrize("address", ["no address", "a@b.c\r\nBcc: x@y.example"])
async def test_what_is_no_address_is_given_back_with_a_word_about_it(desk: Desk, mails: MailServer, address: str):
    status, page = await desk.post("/desk/account/pages/email", address=address)

    assert status == 400
    assert "This is no e-mail address" in page
    assert mails.mails == []


async def test_a_mail_server_that_does_not_take_the_code_leaves_nothing_behind(desk: Desk, mails: MailServer):
    mails.answers = [450]

    status, page = await desk.post("/desk/account/pages/email", address="amira@help.example")

    assert status == 502
    assert "did not take the code" in page
    assert "Confirm the address" not in page


async def test_nobodys_mailbox_is_filled_from_the_desk(desk: Desk, mails: MailServer):
    answers = [(await desk.post("/desk/account/pages/email", address="victim@else.example"))[0] for _ in range(6)]

    assert 429 in answers
    assert len(mails.mails) < 6


async def test_a_browser_of_a_push_service_nobody_knows_is_not_called(desk: Desk, push: FakePush):
    _, page = await desk.get("/desk/account/pages")
    browser = push.subscribe(key_on(page))
    elsewhere = browser.to_text().replace(push.url, "https://169.254.169.254")

    assert (await desk.post("/desk/account/pages/browser", subscription=elsewhere))[0] == 400
    assert (await desk.post("/desk/account/pages/browser", subscription="{"))[0] == 400


async def test_where_nothing_is_set_up_the_page_says_so_and_takes_nothing(tmp_path: Path):
    async with serving(settings_for(tmp_path, demo="off")) as helpline:
        desk = await helpline.at_desk(await helpline.officer(Role.OFFICER))
        _, page = await desk.get("/desk/account/pages")

        assert page.count("Not set up here") == 2
        assert (await desk.post("/desk/account/pages/email", address="amira@help.example"))[0] == 404
        assert (await desk.post("/desk/account/pages/browser", subscription="{}"))[0] == 404
