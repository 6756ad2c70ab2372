"""What is restricted in a file opens for a while, to who holds the case and has shown again who they are."""

from __future__ import annotations

import re
from datetime import timedelta

import pyotp
import pytest
import sqlalchemy as sa

from bot.cases import service as cases
from bot.cases import store
from bot.cases.record import service as record
from bot.cases.record import unlocking
from bot.cases.record.unlocking import LASTS
from bot.kernel import audit, officers
from bot.kernel.access import Role
from tests.conftest import NOON

FAITH, PASSWORD = "kept-to-herself", "a heron over the river"


def csrf_of(browser):
    found = re.search(r'name="csrf" value="([^"]+)"', browser.page)
    assert found is not None
    return found[1]


@pytest.fixture
async def case_id(world, amira):
    """A case Amira holds, with a restricted field."""
    case_id = (await world.escalate()).case_id

    def fill(tx: sa.Connection) -> None:
        hand = world.hand(amira)
        cases.claim_case(tx, hand, case_id)
        record.write_fields(tx, hand, case_id, {"name": ("Ali",), "religion": (FAITH,)}, seen={})

    await world.database.write(fill)
    return case_id


@pytest.fixture
def page(case_id):
    return f"/desk/cases/{case_id}/file"


@pytest.fixture
async def secret(world, amira, clock):
    """Amira's authenticator."""

    def set_up(tx: sa.Connection) -> str:
        secret = officers.begin_totp(tx, world.vault, amira.id)
        code = pyotp.TOTP(secret).at(clock.now() - timedelta(minutes=1))
        assert not officers.confirm_totp(tx, world.vault, amira.id, code, clock.now())
        code = pyotp.TOTP(secret).at(clock.now() - timedelta(seconds=30))
        assert officers.confirm_totp(tx, world.vault, amira.id, code, clock.now())
        return secret

    return await world.database.write(set_up)


async def test_a_code_and_a_reason_open_it_for_a_quarter_of_an_hour(world, at_desk, amira, page, secret, clock):
    browser = await at_desk(amira)
    assert FAITH not in await browser.go(page)
    assert "Ali" in browser.page

    await browser.send(f"{page}/unlock", why="safety", proof=pyotp.TOTP(secret).at(clock.now()))
    assert FAITH in browser.page
    assert FAITH in await browser.go(page.replace("/file", "/print"))

    clock.advance(LASTS)
    assert FAITH not in await browser.go(page)


async def test_the_same_code_does_not_open_it_twice(at_desk, amira, page, secret, clock):
    browser = await at_desk(amira)
    await browser.go(page)
    code = pyotp.TOTP(secret).at(clock.now())
    await browser.send(f"{page}/unlock", why="safety", proof=code)
    await browser.send(f"{page}/lock")
    assert FAITH not in browser.page

    await browser.send(f"{page}/unlock", why="safety", proof=code)

    assert browser.status == 409
    assert FAITH not in browser.page


async def test_without_an_authenticator_the_password_does(world, at_desk, amira, page):
    hashed = officers.hash_password(PASSWORD)
    await world.database.write(lambda tx: officers.set_password(tx, amira.id, hashed))
    browser = await at_desk(amira)
    await browser.go(page)

    await browser.send(f"{page}/unlock", why="safety", proof="another heron")
    assert "That is not right" in browser.page
    assert FAITH not in browser.page

    await browser.send(f"{page}/unlock", why="safety", proof=PASSWORD)
    assert FAITH in browser.page


async def test_with_neither_nothing_opens_and_the_page_says_what_to_do(at_desk, amira, page):
    browser = await at_desk(amira)
    await browser.go(page)

    assert "Set up an authenticator or a password first" in browser.page
    await browser.post(f"{page}/unlock", why="safety", proof="", csrf=csrf_of(browser))
    assert browser.status == 409
    assert FAITH not in browser.page


async def test_without_a_reason_nothing_opens_and_no_code_is_spent(at_desk, amira, page, secret, clock):
    browser = await at_desk(amira)
    await browser.go(page)
    code = pyotp.TOTP(secret).at(clock.now())

    await browser.send(f"{page}/unlock", why="", proof=code)
    assert "Say why" in browser.page
    assert FAITH not in browser.page

    await browser.send(f"{page}/unlock", why="safety", proof=code)
    assert FAITH in browser.page


async def test_whoever_guesses_has_to_wait(at_desk, amira, page, secret, clock):
    browser = await at_desk(amira)
    await browser.go(page)
    for _ in range(6):
        await browser.send(f"{page}/unlock", why="safety", proof="000000")

    await browser.send(f"{page}/unlock", why="safety", proof=pyotp.TOTP(secret).at(clock.now()))

    assert "Too many tries" in browser.page
    assert FAITH not in browser.page


async def test_whoever_coordinates_sees_who_opened_it_and_why_and_nobody_reads_what_it_says(
    world, at_desk, amira, page, case_id, secret, clock
):
    browser = await at_desk(amira)
    await browser.go(page)
    await browser.send(f"{page}/unlock", why="identity", proof=pyotp.TOTP(secret).at(clock.now()))
    ines = await at_desk(await world.officer("ines", Role.COORDINATOR))

    shown = await ines.go("/desk/supervision")

    assert "To establish who they are" in shown
    assert "amira" in shown
    assert FAITH not in await ines.go(page)
    log = await world.database.read(lambda tx: audit.read_log(tx, object=f"case:{case_id}", limit=100))
    assert "case.restricted_opened" in [row.act for row in log]


async def test_only_who_holds_the_case_gets_as_far_as_a_code(world, at_desk, page, amira, case_id):
    for officer in (await world.officer("omar"), await world.officer("ines", Role.COORDINATOR, Role.OFFICER)):
        browser = await at_desk(officer)
        await browser.go("/desk/account")
        await browser.post(f"{page}/unlock", why="safety", proof="000000", csrf=csrf_of(browser))
        assert browser.status == 404


async def test_what_was_typed_while_it_was_open_is_kept_after_it_closed(world, at_desk, amira, page, secret, clock):
    browser = await at_desk(amira)
    await browser.go(page)
    await browser.send(f"{page}/unlock", why="write", proof=pyotp.TOTP(secret).at(clock.now()))
    clock.advance(LASTS)

    typed = {"f-ethnicity": "as she said", "v-ethnicity": ""}
    await browser.post(page, csrf=csrf_of(browser), section="person", **typed)

    assert browser.status == 200
    facts = await world.database.write(lambda tx: record.open_record(tx, world.hand(amira), page.split("/")[3]).facts)
    assert facts["ethnicity"].values == ("as she said",)


async def test_a_hand_over_closes_it_for_who_had_it(world, amira, case_id, clock):
    hand = world.hand(amira)

    def give_away(tx: sa.Connection) -> None:
        unlocking.unlock(tx, hand, case_id, why="safety")
        cases.release_case(tx, hand, case_id)

    await world.database.write(give_away)
    omar = await world.officer("omar")
    await world.database.write(lambda tx: cases.claim_case(tx, world.hand(omar), case_id))

    found = await world.database.write(lambda tx: record.show_record(tx, world.hand(omar), case_id))
    assert found.locked
    assert "religion" not in found.facts


async def test_what_a_field_said_before_is_shown_as_far_as_the_field_itself_is(world, at_desk, amira, case_id, page):
    def change(tx):
        hand = world.hand(amira)
        name = record.open_record(tx, hand, case_id).facts["name"]
        record.write_fields(tx, hand, case_id, {"name": ("Omar",), "sex": ("female",)}, seen={"name": name.id})

    await world.database.write(change)
    browser = await at_desk(amira)

    shown = await browser.go(f"{page}/history")

    assert "<del>Ali</del>" in shown
    assert "<ins>Omar</ins>" in shown
    assert "<ins>Female</ins>" in shown.replace("female", "Female")
    assert FAITH not in shown
    assert "Restricted fields are shown here once they are opened" in shown
    await world.database.write(lambda tx: unlocking.unlock(tx, world.hand(amira), case_id, why="safety"))
    assert FAITH in await browser.go(f"{page}/history")
    bruno = await at_desk(await world.officer("bruno"))
    await bruno.go(f"{page}/history")
    assert bruno.status == 404
    await world.database.write(lambda tx: cases.erase_words(tx, world.vault, conversation_of(tx, case_id), at=NOON))
    assert "Omar" not in await browser.go(f"{page}/history")


def conversation_of(tx, case_id):
    sealed = store.get_case(tx, case_id)
    assert sealed is not None
    return sealed.case.conversation_id
