"""Officers' languages over HTTP: ticked once, and seen where they matter."""

from __future__ import annotations

from datetime import timedelta

from bot.cases import store
from bot.cases.auditor import Auditor
from bot.kernel.access import Role
from dialogues.understanding.model import Priority


async def test_a_language_that_nobody_speaks_is_seen_on_the_rota_and_in_the_case(world, at_desk, clock, signals):
    omar = await world.officer("omar", language="fr")
    amira = await world.officer("amira")
    case = await world.escalate(priority=Priority.P1)  # in Arabic
    ines = await at_desk(await world.officer("ines", Role.COORDINATOR))
    await ines.go("/desk/rota")
    assert "Nobody who answers here speaks: <bdi>Arabic and Spanish</bdi>." in ines.page
    shift = {"officer": omar.id, "days": [str(day) for day in range(1, 8)], "zone": "UTC"}
    await ines.send("/desk/rota/shifts", **shift, start=["00:00", ""], end=["00:00", ""], first="2026-11-01")

    hers = await at_desk(amira)
    await hers.go("/desk/account")
    await hers.send("/desk/account/languages", languages=["en", "ar"])
    assert "Saved." in hers.page
    await hers.go("/desk/account")
    await hers.send("/desk/account/languages")
    assert "Something is missing." in hers.page

    page = await ines.go("/desk/rota")
    assert "nobody speaks <bdi>English and Arabic</bdi>" in page
    his = await at_desk(omar)
    await his.go("/desk/queue?lang=en")
    page = " ".join((await his.go(f"/desk/cases/{case.case_id}")).split())
    assert "Nobody on duty speaks <bdi>Arabic</bdi>. Colleagues who do: <bdi>amira</bdi>." in page
    assert "Do not let the person wait for that" in page
    await his.send(f"/desk/cases/{case.case_id}/claim")
    page = await his.go(f"/desk/cases/{case.case_id}")
    assert f'href="/desk/cases/{case.case_id}/guests">Interpreter' in page
    assert "amira · Arabic</option>" in page

    clock.advance(timedelta(minutes=1))
    await Auditor(world.database, clock, signals, world.vault, world.words).look()
    assert '<span>Rota</span><bdi class="num">1</bdi>' in await his.go("/desk/queue")


async def test_the_desk_shows_what_the_person_writes_and_in_what_they_are_answered(world, at_desk):
    case = await world.escalate(priority=Priority.P1)  # answered in Arabic
    await world.database.write(lambda tx: store.set_language(tx, case.case_id, "ti"))
    hers = await at_desk(await world.officer("amira"))

    assert "Tigrinya" in await hers.go("/desk/queue")
    page = " ".join((await hers.go(f"/desk/cases/{case.case_id}")).split())
    assert '<span class="chip">Tigrinya</span>' in page
    assert "Waymark answers in <bdi>Arabic</bdi>." in page
    assert "Nobody who answers here speaks <bdi>Tigrinya</bdi>." in page


async def test_an_admin_says_it_for_somebody_and_a_coordinator_does_not(world, at_desk):
    omar = await world.officer("omar")
    boss = await at_desk(await world.officer("boss", Role.ADMIN))
    await boss.go("/desk/officers")
    await boss.send(f"/desk/officers/{omar.id}/languages", languages=["dyu", "fr"])
    assert "French, Dyula" in boss.page

    ines = await at_desk(await world.officer("ines", Role.COORDINATOR))
    await ines.go("/desk/officers")
    csrf = ines.page.split('name="csrf" value="')[1].split('"')[0]
    await ines.post(f"/desk/officers/{omar.id}/languages", csrf=csrf, languages="es")
    assert ines.status == 404


async def test_a_language_without_a_locale_of_its_own_breaks_no_page(world, at_desk):
    amira = await at_desk(await world.officer("amira"))
    await amira.go("/desk/account")
    await amira.send("/desk/account/languages", languages=["en", "dyu"])

    assert (amira.status, "Dyula" in amira.page) == (200, True)
