"""A provider confirms or corrects its own record, by a link that works once."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

from msgspec.structs import replace

from bot.kernel.access import Role
from directory import store
from directory.model import LocationKind, Method, RecordState, Translation
from directory.service import Wrong, propose_change, report_wrong
from tests.integration.desk.test_service_edit import filled_in
from tests.integration.desk.test_services_desk import csrf, current, stored


async def link_for(world, at_desk, record, name: str = "ana") -> tuple[str, object]:
    """The path of a link that an admin made, and a browser in which nobody is signed in."""
    ana = await at_desk(await world.officer(name, Role.ADMIN))
    await ana.go(f"/desk/services/{record.id}")
    shown = await ana.post(f"/desk/services/{record.id}/link", csrf=csrf(ana.page))
    found = re.search(r"(/provider\?token=[\w-]+)", unescape(shown))
    assert found is not None
    return found[1], ana


async def test_a_provider_says_that_everything_is_right_and_that_is_a_check(world, clock, at_desk):
    record = await stored(world, clock, checked_days_ago=80, names=(Translation("ar", "بيت الميناء"),))
    link, browser = await link_for(world, at_desk, record)
    token = link.split("=")[1]

    shown = await browser.go(link)
    assert "Is this still right?" in shown
    assert "بيت الميناء" in await browser.go(f"{link}&lang=ar")  # what they cannot read they cannot confirm
    await browser.go(f"{link}&lang=en")  # looking does not spend it
    assert "Thank you" in await browser.post("/provider", token=token, answer="right")

    checked = (await current(world, record)).verification
    assert checked is not None
    assert (checked.method, checked.at) == (Method.PROVIDER, clock.now())
    assert "does not work any more" in await browser.post("/provider", token=token, answer="right")
    assert browser.status == 404


async def test_a_correction_waits_for_review_and_needs_a_call_on_the_old_number(world, clock, at_desk):
    record = await stored(world, clock)
    link, browser = await link_for(world, at_desk, record)
    fields = filled_in(await browser.go(link)) | {
        "phone0.number": "+44 1632 960777",
        "hours.5": "9h-12h30 14h-18h",
        "note": "new phone",
        "answer": "different",
    }

    assert "Thank you" in await browser.post("/provider", **fields)

    assert (await current(world, record)).phones == record.phones
    [draft_id] = (await world.database.read(lambda tx: store.update_ids(tx, [record.id], list(RecordState)))).values()
    shown = await browser.go(f"/desk/services/{draft_id}")
    assert "14:00–18:00" in shown
    assert "Call the old contact first" in shown
    shown = await browser.post(f"/desk/services/{draft_id}/move", csrf=csrf(shown), to="current", call_back="called")
    assert "A colleague who did not write it" in shown  # whoever made the link may have filled it in

    colleague = await at_desk(await world.officer("Zoé", Role.ADMIN))
    shown = await colleague.go(f"/desk/services/{draft_id}")
    shown = await colleague.post(f"/desk/services/{draft_id}/move", csrf=csrf(shown), to="current")
    assert "note who said what" in shown


async def test_what_people_reported_is_not_made_right_by_the_word_of_the_provider(world, clock, at_desk):
    record = await stored(world, clock)
    link, browser = await link_for(world, at_desk, record)
    for person in ("one", "two"):
        await world.database.write(
            lambda tx, person=person: report_wrong(tx, record.id, Wrong.REFUSED, reporter=person, at=clock.now())
        )

    assert "Thank you" in await browser.post("/provider", token=link.split("=")[1], answer="right")

    assert (await current(world, record)).verification is None
    assert "still open" in await browser.go(f"/desk/services/{record.id}")


async def test_a_link_that_is_too_old_or_made_up_says_nothing_of_the_record(world, clock, at_desk):
    record = await stored(world, clock)
    link, browser = await link_for(world, at_desk, record)
    newer, _ = await link_for(world, at_desk, record, "ben")

    for wrong in (link, "/provider?token=made-up", "/provider"):  # a newer link closes the one before
        assert record.name not in await browser.go(wrong)
        assert browser.status == 404
    clock.advance(timedelta(days=15))
    assert record.name not in await browser.go(newer)


async def test_a_correction_does_not_write_over_the_work_of_an_editor(world, clock, at_desk):
    record = await stored(world, clock)
    link, browser = await link_for(world, at_desk, record)
    fields = filled_in(await browser.go(link)) | {
        "phone0.number": "999",
        "note": "typed for long",
        "answer": "different",
    }
    draft = await world.database.write(
        lambda tx: propose_change(tx, replace(record, summary="hers"), by="ana", at=clock.now())
    )

    shown = await browser.post("/provider", **fields)

    assert browser.status == 409
    assert "your link still works" in shown
    assert "typed for long" in shown
    kept = await world.database.read(lambda tx: store.get_service(tx, draft.id))
    assert kept is not None
    assert kept.summary == "hers"


async def test_hours_that_cannot_be_read_are_named_and_the_link_stays_open(world, clock, at_desk):
    record = await stored(world, clock)
    link, browser = await link_for(world, at_desk, record)
    fields = filled_in(await browser.go(link)) | {"hours.0": "always", "answer": "different"}

    assert "Mend this first" in await browser.post("/provider", **fields)
    assert browser.status == 422
    assert "Is this still right?" in await browser.go(link)


async def test_nobody_is_asked_to_write_where_a_safe_place_is_and_what_is_written_all_the_same_is_not_kept(
    world, clock, at_desk
):
    house = await stored(world, clock)
    gates = tuple(replace(gate, address="", postal_code="", directions="", latitude=None, longitude=None,
                          kind=LocationKind.FRONT_GATE) for gate in house.locations)  # fmt: skip
    house = replace(house, confidential=True, locations=gates)
    await world.database.write(lambda tx: store.put_service(tx, house, at=clock.now()))
    link, browser = await link_for(world, at_desk, house)
    fields = filled_in(await browser.go(link)) | {"answer": "different", "note": "We are at 12 Elm Street now"}
    assert "Do not write here where the house is" in browser.page
    assert 'name="note"' not in browser.page

    assert "Thank you" in await browser.post("/provider", **(fields | {"phone0.number": "+44 1632 960777"}))

    [draft_id] = (await world.database.read(lambda tx: store.update_ids(tx, [house.id], list(RecordState)))).values()
    for page in (f"/desk/services/{draft_id}", f"/desk/services/{house.id}"):
        assert "Elm Street" not in await browser.go(page)
    assert browser.status == 200
