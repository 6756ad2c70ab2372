"""The desk as a server, and officers who sign in to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import CookieJar
from aiohttp.test_utils import TestClient, TestServer

import bot.desk
from bot.cases import service as cases
from bot.cases.guests.service import GuestsLeave
from bot.exchange.requests.consent_ends import WithdrawnConsents
from bot.exchange.requests.kept_from import KeptFrom
from bot.kernel.officers import Officer, make_link
from bot.kernel.settings import load_settings
from bot.kernel.web import WebParts, build_web
from bot.texts.shelf import TextShelf
from dialogues.knowledge import Procedures
from directory.asking import Directory
from tests.integration.cases.world import World
from tests.integration.desk.browser import Browser

PROCEDURES = Path(__file__).parents[3] / "dialogues" / "procedures"


@pytest.fixture(scope="session")
def shipped() -> Procedures:
    """Read once. A test that changes texts works on `procedures`, which are its own."""
    return Procedures.load_shipped()


@pytest.fixture
def procedures(shipped) -> Procedures:
    return Procedures(shipped.texts(), overlays=shipped.overlays)


@pytest.fixture
def shelf(procedures, world, signals) -> TextShelf:
    return TextShelf(PROCEDURES, procedures, world.database, signals)


@pytest.fixture
def world(database, vault) -> World:
    return World(database, vault)


@pytest.fixture
async def desk(world, clock, signals, shelf, tmp_path) -> AsyncIterator[TestServer]:
    directory = Directory(world.database, clock, world.words)
    await directory.refresh_places()  # without the shipped helplines, which took longer than most of these tests
    parts = WebParts(
        settings=load_settings({"WAYMARK_DATA_DIR": str(tmp_path)}),
        database=world.database,
        vault=world.vault,
        clock=clock,
        signals=signals,
        words=world.words,
        templates={"desk": bot.desk.TEMPLATES},
        static={"desk": bot.desk.STATIC},
        error_template="desk/error.html",
    )
    async with TestServer(
        build_web(
            parts,
            *bot.desk.all_routes(
                directory, texts=shelf, holders=[WithdrawnConsents(), GuestsLeave()], companions=KeptFrom()
            ),
        )
    ) as server:
        yield server


@pytest.fixture
async def at_desk(desk, world, clock):
    """Signs an officer in by a one-time link, in a browser of their own."""
    clients = []

    async def sign_in(officer: Officer) -> Browser:
        client = TestClient(desk, cookie_jar=CookieJar(unsafe=True))
        clients.append(client)
        browser = Browser(client)
        token = await world.database.write(lambda tx: make_link(tx, officer.id, clock.now()))
        await browser.go(f"/desk/sign-in/link?token={token}")
        await browser.send("/desk/sign-in/link")
        return browser

    yield sign_in
    for client in clients:
        await client.close()


@pytest.fixture
async def amira(world):
    return await world.officer("amira")


@pytest.fixture
async def case_id(world, amira):
    """A case Amira holds."""
    case_id = (await world.escalate()).case_id
    await world.database.write(lambda tx: cases.claim_case(tx, world.hand(amira), case_id))
    return case_id


@pytest.fixture
def page(case_id):
    return f"/desk/cases/{case_id}"


@pytest.fixture
async def browser(at_desk, amira, page):
    """Amira's, with that page open."""
    browser = await at_desk(amira)
    await browser.go(page)
    return browser
