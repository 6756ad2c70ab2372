"""A case that changes hands, on the desk of both sides, as a browser without scripts uses it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.cases import store as case_store
from bot.cases.answering import answer_person
from bot.cases.record import service as record
from bot.exchange.holds import claimants
from bot.exchange.requests import drafting, service, store
from bot.exchange.requests.model import NotNow, RequestNotFound
from bot.exchange.requests.transfer import acts
from bot.exchange.requests.transfer import service as transfer
from bot.exchange.requests.transfer import store as transfers
from tests.integration.exchange.transfers import a_preview
from tests.integration.exchange.two_countries import Country, a_draft, hand_over, put_partner

FILE: dict[str, Any] = {
    "number": "AAA-BBB", "language": "ar", "country": "IT", "reason": "non_parent_adult", "priority": "P1",
    "opened_at": "2026-11-20T10:00:00+00:00", "facts": {"name": ["Amina <b>"]}, "risk": None, "tasks": [], "notes": [],
    "situation": {"fears": [], "asylum": False, "origins": []},
    "adults": [{"name": "Sami", "claimed": "uncle_aunt", "tie": "unverified", "marks": {}, "evidence": [],
                "hold": "3" * 36}],
}  # fmt: skip


@pytest.fixture
async def here(world, clock) -> Country:
    made = Country(world, clock, "TN")
    await made.prepare()
    made.others["IT"] = await world.database.write(lambda tx: put_partner(tx, world.vault, country="IT", name="Roma"))
    return made


async def came(here: Country, officer: Any, request_id: str) -> str:
    """A case that was offered, accepted on the desk, and whose file has come. Returns its id."""
    preview = a_preview(request_id, hold=True)
    await hand_over(here, "IT", "request_preview", preview, request_type="case_transfer")
    shown = await officer.go(f"/desk/requests/{request_id}")
    assert "A case is offered to you." in shown
    assert "An adult may not be with this child." in shown
    assert "12 to 15 years old" in shown
    await officer.send(f"/desk/requests/{request_id}/accept")
    fields = {"birth_year": "2012", "names": "Amina", "summary": "Needs a bed", "receiver": "Ines"}
    body = {
        "request": request_id, "fields": {**fields, "arrival": "2026-12-24"}, "decision": "She goes to her aunt",
        "language": "en", "assent": "agrees", "file": FILE,
    }  # fmt: skip
    await hand_over(here, "IT", "request_body", body, request_type="case_transfer")
    found = await here.see(lambda tx: transfers.get(tx, request_id))
    assert found is not None
    return str(found.case_id)


async def test_a_case_that_came_is_opened_with_its_hold_and_its_arrival_is_said(here, at_desk):
    officer, request_id = await at_desk(here.officer), "4" * 36
    case_id = await came(here, officer, request_id)

    page = await officer.go(f"/desk/cases/{case_id}")
    assert "Hold: do not place or move this child with this adult." in page
    assert "This case came from" in page
    assert "Roma" in page
    assert "Amina &lt;b&gt;" in await officer.go(f"/desk/cases/{case_id}/file")
    await officer.go(f"/desk/requests/{request_id}")
    await officer.send(f"/desk/requests/{request_id}/transfer/arrived")
    assert "keeps nothing more" in officer.page
    assert "the child has arrived" in officer.page
    assert "/transfer/arrived" not in officer.page  # once


async def test_a_stranger_says_nothing_of_an_arrival(here, at_desk):
    officer, request_id = await at_desk(here.officer), "4" * 36
    await came(here, officer, request_id)
    stranger = await here.world.officer("stranger")

    for act in (acts.child_arrived, acts.child_missed):
        with pytest.raises(RequestNotFound):
            await here.do(act, request_id, by=stranger)


@pytest.mark.on_both
async def test_siblings_are_named_by_number_and_travel_together(here, at_desk):
    first, second = await here.case(), await here.case()
    number = await here.see(lambda tx: case_store.get_case(tx, second).case.number)
    officer, coordinator = await at_desk(here.officer), await at_desk(here.coordinator)
    page = f"/desk/cases/{first}/exchange"

    await officer.go(page)
    await officer.send(f"/desk/cases/{first}/siblings", number="XXX-XXX")
    assert "There is no case of yours with this number." in officer.page
    await officer.go(page)
    await officer.send(f"/desk/cases/{first}/siblings", number=number.lower())
    assert number in officer.page
    request_id = await here.do(drafting.draft, first, a_draft(here.others["IT"], "case_transfer"))
    await here.do(service.approve, request_id, by=here.coordinator)
    await officer.go(f"/desk/requests/{request_id}")
    await officer.send(f"/desk/requests/{request_id}/send")
    assert "Brothers and sisters travel together." in officer.page
    await officer.go(page)
    assert "/siblings/part" not in officer.page  # whoever coordinates parts them
    with pytest.raises(NotNow, match="not_yours"):
        await here.do(acts.part_siblings, first)
    await coordinator.go(page)
    await coordinator.send(f"/desk/cases/{first}/siblings/part")
    await officer.go(f"/desk/requests/{request_id}")
    await officer.send(f"/desk/requests/{request_id}/send")
    assert "Offered. The case is yours" in officer.page


async def test_who_is_asked_for_a_file_comes_to_a_draft_that_is_filled_in(here, at_desk):
    case_id = await here.case()
    number = await here.see(lambda tx: case_store.get_case(tx, case_id).case.number)
    asked = "5" * 36
    due_at = (here.clock.now() + timedelta(days=30)).isoformat()
    preview = {"request": asked, "number": "XAAA-BBB", "type": "info_child", "asks": ["hand_over"], "limit": "usual",
               "due_at": due_at, "language": "fr"}  # fmt: skip
    await hand_over(here, "IT", "request_preview", preview, request_type="info_child")
    officer = await at_desk(here.officer)
    await officer.go(f"/desk/requests/{asked}")
    assert "They ask for the child" not in officer.page
    await officer.send(f"/desk/requests/{asked}/accept")
    body = {"request": asked, "fields": {"birth_year": "2010", "names": "Amina", "parents": "X"},
            "decision": "Où est son dossier ?", "language": "fr", "assent": "agrees"}  # fmt: skip
    await hand_over(here, "IT", "request_body", body, request_type="info_child")

    assert "They ask for the child" in await officer.go(f"/desk/requests/{asked}")
    await officer.send(f"/desk/requests/{asked}/transfer/offer", number=number)
    assert officer.path.startswith(f"/desk/cases/{case_id}/requests/new")
    assert f'name="wanted_by" value="{asked}"' in officer.page
    assert await here.see(lambda tx: store.of_case(tx, case_id)) == []  # nothing is drafted by itself


async def test_the_holder_of_a_case_that_has_moved_reads_where_it_is(here, at_desk):
    case_id = await here.case()
    await here.do(record.write_fields, case_id, {"name": ["Omar"]}, seen={})
    request_id = await here.asked(case_id, a_draft(here.others["IT"], "case_transfer"))
    for kind in ("request_accepted", "case_taken", "case_arrived"):
        await hand_over(here, "IT", kind, {"request": request_id}, request_type="case_transfer")
    officer = await at_desk(here.officer)
    assert "this case closes by itself" in await officer.go(f"/desk/cases/{case_id}")  # their words had no answer yet
    await here.do(answer_person, case_id, text="You are with Ines now.", once="")
    await here.database.write(lambda tx: transfer.finish(tx, here.vault, case_id, at=here.clock.now()))

    page = await officer.go(f"/desk/cases/{case_id}")
    assert "Nothing of it is kept here." in page
    assert "Closed: another country has the case now" in page
    assert "Omar" not in await officer.go(f"/desk/cases/{case_id}/file")
    assert await here.see(lambda tx: claimants.standing_holds(tx, case_id)) == []
