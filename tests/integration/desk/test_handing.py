"""Handing over and people at the door, over HTTP, as a browser without scripts uses it."""

from __future__ import annotations

import re

import pytest

from bot.cases import service as cases
from bot.cases import store
from bot.kernel.access import Role
from dialogues.understanding.model import Priority


async def owner_of(world, case_id):
    return (await world.database.read(lambda tx: store.get_case(tx, case_id))).case.owner_id


async def claimed(world, officer, **what):
    case_id = (await world.escalate(**what)).case_id
    await world.database.write(lambda tx: cases.claim_case(tx, world.hand(officer), case_id))
    return case_id


def csrf(browser):
    return re.search(r'name="csrf" value="(\w+)"', browser.page)[1]


async def test_a_case_goes_from_hand_to_hand_with_a_word(world, at_desk):
    amira, omar = await world.officer("amira"), await world.officer("omar")
    case_id = await claimed(world, amira)
    hers, his = await at_desk(amira), await at_desk(omar)
    page = f"/desk/cases/{case_id}"

    await hers.go(page)
    await hers.send(f"{page}/offer", to=omar.id, note="She <b>writes</b> at night.")
    assert "Your colleague is asked." in hers.page
    assert "She &lt;b&gt;writes&lt;/b&gt; at night." in hers.page

    assert "A colleague offers you a case." in await his.go("/desk/queue")
    assert "She &lt;b&gt;writes&lt;/b&gt; at night." in await his.go("/desk/mine")
    await his.go(page)
    await his.send(f"{page}/accept")

    assert await owner_of(world, case_id) == omar.id
    assert "accepted" in await hers.go("/desk/mine")
    await hers.go(page)
    assert hers.status == 404


async def test_an_officer_says_that_it_is_more_urgent_and_why(world, at_desk):
    amira = await world.officer("amira")
    case_id = await claimed(world, amira, priority=Priority.P2)
    hers, page = await at_desk(amira), f"/desk/cases/{case_id}"

    assert "a coordinator says." in await hers.go(page)
    await hers.send(f"{page}/urgency", priority="P3", why="Nothing happens.")
    assert (hers.status, "Nothing happens." in hers.page) == (409, True)
    assert "The case has moved on." in hers.page
    await hers.send(f"{page}/urgency", priority="P0", why=" ")
    assert "Something is missing." in hers.page
    await hers.send(f"{page}/urgency", priority="P9", why="<b>He</b> is there.")
    assert hers.status == 409
    await hers.send(f"{page}/urgency", priority="P0", why="<b>He</b> is there.")

    assert "says that it is more urgent: <bdi>P0</bdi>" in hers.page
    assert "&lt;b&gt;He&lt;/b&gt; is there." in hers.page
    assert "How urgent" not in hers.page


async def test_a_colleague_is_asked_reads_says_what_they_think_and_reads_no_more(world, at_desk):
    amira, omar = await world.officer("amira"), await world.officer("omar")
    case_id = await claimed(world, amira)
    hers, his = await at_desk(amira), await at_desk(omar)
    page = f"/desk/cases/{case_id}"

    await hers.go(page)
    await hers.send(f"{page}/ask", of=omar.id, note="Is she <b>sixteen</b>?")
    assert "omar</bdi> is asked for their view" in hers.page

    assert "Is she &lt;b&gt;sixteen&lt;/b&gt;?" in await his.go("/desk/mine")
    assert "amira</bdi> asks for your view" in await his.go(page)
    assert 'value="shared"' not in his.page
    await his.send(f"{page}/notes", text="Fourteen.")
    assert "Fourteen." in await hers.go(page)
    await his.go(page)
    await his.send(f"{page}/ask/answered")
    assert "You do not read the case any more." in his.page

    await his.go(page)
    assert his.status == 404
    assert await owner_of(world, case_id) == amira.id


async def test_a_question_to_nobody_keeps_the_case_as_it_is(world, at_desk):
    amira = await world.officer("amira")
    case_id = await claimed(world, amira)
    hers = await at_desk(amira)
    page = f"/desk/cases/{case_id}"
    await hers.go(page)

    await hers.send(f"{page}/ask", of="nobody", note="you?")
    assert (hers.status, "Choose another." in hers.page) == (409, True)
    await hers.send(f"{page}/ask", of=amira.id, note=" ")
    assert (hers.status, "Something is missing." in hers.page) == (409, True)


async def test_the_back_button_accepts_nothing_twice(world, at_desk):
    amira, omar = await world.officer("amira"), await world.officer("omar")
    case_id = await claimed(world, amira)
    hers, his = await at_desk(amira), await at_desk(omar)
    page = f"/desk/cases/{case_id}"
    await hers.go(page)
    await hers.send(f"{page}/offer", to=omar.id, note="please")
    offered = await his.go(page)
    await his.send(f"{page}/accept")
    await his.send(f"{page}/release")

    his.page = offered
    await his.send(f"{page}/accept")

    assert his.status == 409
    assert await owner_of(world, case_id) is None


async def test_one_foreign_id_among_those_ticked_and_nothing_happens(world, at_desk):
    amira, omar = await world.officer("amira"), await world.officer("omar")
    own, foreign = [await claimed(world, amira) for _ in range(2)], await claimed(world, omar)
    browser = await at_desk(amira)
    await browser.go("/desk/mine")

    await browser.post("/desk/mine/several", csrf=csrf(browser), case=[*own, foreign])
    assert "Nothing was changed." in browser.page
    assert [await owner_of(world, one) for one in own] == [amira.id, amira.id]

    await browser.go("/desk/mine")
    await browser.post("/desk/mine/several", csrf=csrf(browser), case=own)
    assert [await owner_of(world, one) for one in own] == [None, None]


async def test_whoever_coordinates_empties_the_hands_of_an_absent_officer(world, at_desk):
    amira, omar = await world.officer("amira"), await world.officer("omar")
    case_ids = [await claimed(world, amira) for _ in range(2)]
    browser = await at_desk(await world.officer("ines", Role.COORDINATOR))

    await browser.go("/desk/officers")
    assert f"/desk/absent/{amira.id}" in browser.page
    await browser.go(f"/desk/absent/{amira.id}")
    assert "knife" not in browser.page
    await browser.send(f"/desk/absent/{amira.id}/hand-over", to=omar.id, note="Amira is ill.")

    assert "Everything was handed over." in browser.page
    assert [await owner_of(world, one) for one in case_ids] == [omar.id, omar.id]


async def test_an_officer_who_is_switched_off_holds_nothing_from_that_moment(world, at_desk):
    amira = await world.officer("amira")
    case_id = await claimed(world, amira)
    admin = await at_desk(await world.officer("root", Role.ADMIN))
    await admin.go("/desk/officers")

    await admin.send(f"/desk/officers/{amira.id}/disable")

    assert await owner_of(world, case_id) is None


@pytest.mark.on_both
async def test_a_full_officer_reads_why_there_is_no_next_one(world, at_desk):
    amira, ines = await world.officer("amira"), await at_desk(await world.officer("ines", Role.COORDINATOR))
    await ines.go(f"/desk/absent/{amira.id}")
    await ines.send(f"/desk/absent/{amira.id}/profile", capacity="1", skills="law")
    await claimed(world, amira, priority=Priority.P2)
    await world.escalate(priority=Priority.P2)
    browser = await at_desk(amira)
    await browser.go("/desk/queue")

    await browser.send("/desk/queue/next")

    assert "You hold as many cases as you can." in browser.page


async def test_somebody_at_the_door_is_looked_for_then_typed_in(world, at_desk):
    browser = await at_desk(await world.officer("amira"))
    await browser.go("/desk/arrivals")
    assert "Then: a new case" not in browser.page

    await browser.send("/desk/arrivals/search", name="Ali Hassan", phone="", born="")
    assert "No case fits." in browser.page
    await browser.send(
        "/desk/arrivals", reason="homeless_tonight", priority="P1", words="No bed.", language="ar", then="mine"
    )

    assert browser.path.startswith("/desk/cases/")
    assert "No bed." in browser.page
    page = browser.path
    await browser.send(f"{page}/contact", text="Gave her the number of the shelter.")
    assert "Gave her the number of the shelter." in browser.page

    other = await at_desk(await world.officer("omar"))
    await other.go("/desk/arrivals")
    found = await other.send("/desk/arrivals/search", name="hassan ALI", phone="", born="")
    assert "with <bdi>amira</bdi>" in found
    assert "No bed." not in found
    listed = found.split("What we found")[1].split("</ul>")[0]  # of a colleague's case neither what it is about nor P1
    assert "No bed tonight" not in listed
    assert "P1" not in listed
    seen = await browser.go(f"{page}/seen-by")
    assert "<bdi>omar</bdi>" in seen.split("<h2>Looked for the person and found this case</h2>")[1]
    await browser.go("/desk/arrivals")
    own = await browser.send("/desk/arrivals/search", name="Hassan", phone="", born="")
    assert "No bed tonight" in own.split("What we found")[1].split("</ul>")[0]
    await other.send("/desk/arrivals", reason="homeless_tonight", priority="P1", words="Again.", language="ar")
    assert other.status == 409
    assert "Somebody like this has an open case." in other.page
    assert "Again." in other.page  # nothing typed is lost
    await other.send(
        "/desk/arrivals", reason="homeless_tonight", priority="P1", words="Again.", language="ar", another="1"
    )
    assert other.path.startswith("/desk/cases/")


async def test_a_name_never_stands_in_an_address(world, at_desk):
    browser = await at_desk(await world.officer("amira"))

    await browser.go("/desk/arrivals?name=Ali&searched=1")

    assert "Ali" not in browser.page
    assert "Then: a new case" not in browser.page


async def test_bad_input_is_told_what_to_do(world, at_desk):
    browser = await at_desk(await world.officer("amira"))
    await browser.go("/desk/arrivals")
    await browser.send("/desk/arrivals/search", name=" ", phone="1", born="")
    assert "Write a name, a phone number or a date of birth." in browser.page

    await browser.post("/desk/arrivals", csrf=csrf(browser), name="Ali", reason="x", words="y", proof="forged")
    assert browser.status == 409
    assert "Look for the person first." in browser.page

    await browser.go("/desk/arrivals")
    await browser.send("/desk/arrivals/search", name="Ali", phone="", born="")
    await browser.send("/desk/arrivals", reason="understood nothing", priority="P9", words="y", language="ar")
    assert browser.status == 409
    assert "Something is missing." in browser.page
