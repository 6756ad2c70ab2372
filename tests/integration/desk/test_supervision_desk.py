"""Supervision over HTTP, as a browser without scripts uses it."""

from __future__ import annotations

import pytest

from bot.cases import service as cases
from bot.cases.supervision import GLASS_LASTS, QUESTIONS
from bot.kernel.access import Role

WHY = "she is at the hospital and her officer is on a flight"


@pytest.fixture
async def held(world):
    amira = await world.officer("amira")
    case_id = (await world.escalate(words="only for amira")).case_id
    return await world.database.write(lambda tx: cases.claim_case(tx, world.hand(amira), case_id))


async def test_from_the_broken_glass_to_the_coordinator_who_looked_at_it(world, at_desk, clock, held):
    omar = await world.officer("omar")
    browser = await at_desk(omar)
    page = f"/desk/cases/{held.id}"
    await browser.go(page)
    assert browser.status == 404

    await browser.go("/desk/glass")
    await browser.send("/desk/glass", number=held.number.lower(), why=WHY)

    assert browser.path == page
    assert "only for amira" in browser.page
    assert "You may read this case for an hour." in browser.page
    assert f'action="{page}/answer"' not in browser.page
    assert f'action="{page}/release"' not in browser.page
    assert f'action="{page}/notes"' not in browser.page
    assert f'href="{page}/review"' in browser.page  # nobody who coordinates is here yet
    await browser.go(f"{page}/file")
    assert browser.status == 200

    ines = await at_desk(await world.officer("ines", Role.COORDINATOR))
    await ines.go("/desk/supervision")
    assert WHY in ines.page
    assert "omar" in ines.page
    assert f'href="{page}/review"' not in await browser.go(page)
    await ines.send("/desk/supervision/glass")
    assert WHY not in ines.page
    await ines.go(f"{page}/seen-by")
    assert WHY in ines.page
    assert "Looked at by" in ines.page

    clock.advance(GLASS_LASTS)
    later = await at_desk(omar)
    await later.go(page)
    assert later.status == 404


async def test_a_wrong_number_and_a_missing_reason_are_said_and_what_was_typed_stays(world, at_desk, held):
    browser = await at_desk(await world.officer("omar"))
    await browser.go("/desk/glass")

    await browser.send("/desk/glass", number=held.number, why="urgent")
    assert (browser.status, "Say why, in a sentence." in browser.page) == (409, True)
    assert held.number in browser.page

    await browser.send("/desk/glass", number="XXX-XXX", why=WHY)
    assert (browser.status, "No case has this number." in browser.page) == (409, True)
    assert WHY in browser.page


async def test_an_urgent_case_is_reviewed_by_who_did_not_hold_it(world, at_desk, held):
    ines = await at_desk(await world.officer("ines", Role.COORDINATOR))
    await ines.go("/desk/supervision")
    page = f"/desk/cases/{held.id}/review"
    assert page in ines.page

    await ines.go(page)
    await ines.send(page, **dict.fromkeys(QUESTIONS, "no"))
    assert ines.status == 409
    assert "Where something went wrong, say what." in ines.page

    await ines.send(page, **dict.fromkeys(QUESTIONS, "no"), note="nobody was <there>")
    assert ines.path == "/desk/supervision"
    assert "Every urgent case was looked at again." in ines.page
    await ines.go(page)
    assert "nobody was &lt;there&gt;" in ines.page


@pytest.mark.parametrize("path", ["/desk/supervision", "/desk/cases/{}/review"])
async def test_for_who_does_not_coordinate_there_is_no_supervision(world, at_desk, held, path):
    browser = await at_desk(await world.officer("omar"))

    await browser.go(path.format(held.id))

    assert browser.status == 404
    assert "/desk/supervision" not in await browser.go("/desk/queue")
