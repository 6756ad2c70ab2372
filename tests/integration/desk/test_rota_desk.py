"""The rota over HTTP, as a browser without scripts uses it."""

from __future__ import annotations

import re
from datetime import timedelta

from bot.cases.auditor import Auditor
from bot.kernel.access import Role


async def test_from_an_empty_rota_to_who_is_there_now(world, at_desk, clock, signals):
    amira, ines = await world.officer("amira"), await world.officer("ines", Role.COORDINATOR)
    browser = await at_desk(ines)
    assert "No rota is kept" in await browser.go("/desk/rota")

    shift = {"officer": amira.id, "days": [str(day) for day in range(1, 8)], "zone": "Europe/Rome"}
    hours = {"start": ["22:00", ""], "end": ["14:00", ""], "first": "2026-11-01", "last": ""}
    await browser.send("/desk/rota/shifts", **shift, **hours)

    assert "Saved." in browser.page
    assert '<span class="chip chip-ok"><bdi>amira</bdi></span>' in browser.page
    assert "22:00–14:00" in browser.page
    assert "Nobody from" in browser.page

    clock.advance(timedelta(minutes=1))
    await Auditor(world.database, clock, signals, world.vault, world.words).look()
    await world.escalate()
    page = await browser.go("/desk/queue")
    assert "1 on duty" in page
    assert "On duty until" in await (await at_desk(amira)).go("/desk/queue")
    assert page.index("band-ring") < page.index("Nobody is on duty from")  # who waits now is not hidden by it

    clock.advance(timedelta(hours=1))
    await Auditor(world.database, clock, signals, world.vault, world.words).look()
    assert "Nobody is on duty now." in await (await at_desk(ines)).go("/desk/queue")


async def test_what_is_wrong_with_a_shift_is_said_and_nothing_typed_is_lost(world, at_desk):
    amira, browser = await world.officer("amira"), await at_desk(await world.officer("ines", Role.COORDINATOR))
    await browser.go("/desk/rota")
    good = {"officer": amira.id, "days": "1", "zone": "Europe/Rome", "start": "09:00", "end": "17:00"}

    for wrong, said in (
        ({"zone": "Mars/Olympus"}, "Nobody knows that time zone."),
        ({"days": "9"}, "Choose the days"),
        ({"start": "9 o'clock"}, "The hours overlap or are not complete."),
        ({"first": "tomorrow"}, "The first day comes before the last."),
        ({"officer": "missing"}, "That colleague cannot be planned."),
    ):
        await browser.go("/desk/rota")
        await browser.send("/desk/rota/shifts", **{"first": "2026-11-01", **good, **wrong})
        assert browser.status == 409
        assert said in browser.page
    assert 'value="Mars/Olympus"' not in browser.page
    await browser.send("/desk/rota/shifts", **{**good, "zone": "Mars/<b>", "first": "2026-11-01"})
    assert 'value="Mars/&lt;b&gt;"' in browser.page


async def test_a_duty_goes_to_a_colleague_who_agrees(world, at_desk):
    amira, omar = await world.officer("amira"), await world.officer("omar")
    ines = await at_desk(await world.officer("ines", Role.COORDINATOR))
    await ines.go("/desk/rota")
    await ines.send(
        "/desk/rota/shifts", officer=amira.id, days="1", zone="UTC", start="08:00", end="20:00", first="2026-11-01"
    )
    hers, his = await at_desk(amira), await at_desk(omar)

    await hers.go("/desk/rota")
    await hers.send("/desk/rota/swaps", to=omar.id)
    waiting = await his.go("/desk/rota")
    assert "asks you to take" in waiting
    await his.send("/desk/rota/swaps/answer", answer="yes")
    assert '<span class="chip chip-ok"><bdi>omar</bdi></span>' in his.page

    his.page = waiting  # the back button
    await his.send("/desk/rota/swaps/answer", answer="yes")
    assert "Nothing was changed." in his.page


async def test_an_officer_plans_nobody_elses_days(world, at_desk):
    amira, omar = await world.officer("amira"), await world.officer("omar")
    browser = await at_desk(amira)
    page = await browser.go("/desk/rota")
    assert "A new shift" not in page
    csrf = re.search(r'name="csrf" value="(\w+)"', page)[1]

    await browser.post("/desk/rota/shifts", csrf=csrf, officer=omar.id)
    assert browser.status == 404
    away = {"officer": omar.id, "first": "2026-11-24", "last": "2026-11-25"}
    await browser.post("/desk/rota/away", csrf=csrf, zone="UTC", **away)
    assert "Nothing was changed." in browser.page


async def test_one_shift_leaves_a_note_for_the_next(world, at_desk):
    hers, his = await at_desk(await world.officer("amira")), await at_desk(await world.officer("omar"))
    await hers.go("/desk/rota")

    await hers.send("/desk/rota/notes", text="K4T-9QX: the lawyer calls at <nine>.")

    assert "the lawyer calls at &lt;nine&gt;." in await his.go("/desk/rota")
    admin = await at_desk(await world.officer("root", Role.ADMIN))
    assert "lawyer" not in await admin.go("/desk/rota")
