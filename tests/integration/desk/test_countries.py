"""By country on the desk: counted from real requests, and opened by nobody."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from bot.exchange.requests import service
from bot.exchange.requests.reminders import Reminders
from bot.kernel import audit, officers
from bot.kernel.access import Role
from bot.kernel.live import Signals
from tests.integration.exchange.two_countries import Country, a_draft, hand_over, put_partner

PASSWORD = "winter birds over the harbour"


@pytest.fixture
async def here(world, clock) -> Country:
    made = Country(world, clock, "IT")
    await made.prepare()
    for code in ("TN", "ML"):
        made.others[code] = await world.database.write(lambda tx, c=code: put_partner(tx, world.vault, country=c))
    return made


async def test_answers_silence_and_what_is_overdue_stand_beside_each_country(here, at_desk):
    case_id = await here.case()
    quick, silent, late = [await here.asked(case_id, a_draft(here.others[code])) for code in ("TN", "ML", "ML")]
    here.clock.advance(timedelta(hours=36))
    await hand_over(here, "TN", "request_accepted", {"request": quick}, request_type="info_child")
    answer = {"key": "harm", "text": "None.", "language": "fr", "how": "seen", "confidence": "high"}
    said = {"request": quick, "answers": [answer], "ground": "child_only"}
    await hand_over(here, "TN", "request_answer", said, request_type="info_child")
    here.clock.advance(timedelta(days=60))
    await Reminders(here.database, here.clock, Signals(), here.vault).look()
    await here.do(service.withdraw, await here.asked(case_id, a_draft(here.others["TN"])))
    officer = await at_desk(here.officer)

    page = await officer.go("/desk/exchange/countries")
    rows = {row.split("</a>")[0].rsplit(">", 1)[-1]: row for row in page.split("<tr>")[2:]}
    assert rows.keys() >= {"Tunisia", "Mali"}
    assert "1.5" in rows["Tunisia"]
    assert "of <bdi>1</bdi>" in rows["Tunisia"]
    assert '<span class="chip chip-p2"><bdi class="num">2</bdi></span>' in rows["Mali"]  # two ran out in silence
    assert "<svg" in page
    assert silent != late

    admin = await at_desk(await here.world.officer("keeps-services", Role.ADMIN))  # reads no request: sees no child
    page = await admin.go("/desk/exchange/countries")
    rows = {row.split("</a>")[0].rsplit(">", 1)[-1]: row for row in page.split("<tr>")[2:]}
    assert '<span class="chip chip-p2"><bdi class="num">1–4</bdi></span>' in rows["Mali"]
    assert "1.5" not in page
    assert not re.search(r'class="num">[1-4]<', page)
    page = await admin.go("/desk/exchange/countries/TN")
    assert "1.5" not in page
    assert not re.search(r'class="num">[1-4]<', page)
    assert 'class="num">1<' in await officer.go("/desk/exchange/countries/TN")


async def test_a_country_says_what_each_due_date_rests_on_and_where_nothing_is_confirmed(here, at_desk):
    officer = await at_desk(here.officer)

    page = await officer.go("/desk/exchange/countries/TN")
    assert "no law is known that sets it for these two countries" in page
    assert "2024/1351" not in page
    assert "protocol 7" in page  # the agreement, with its reference and its last day
    for nonsense in ("XX9", "tn", "%2e%2e"):
        await officer.go(f"/desk/exchange/countries/{nonsense}")
        assert officer.status == 404


async def test_counting_opens_no_request(here, at_desk):
    request_id = await here.asked(await here.case(), a_draft(here.others["TN"]))
    officer = await at_desk(here.officer)
    before = await here.see(lambda tx: audit.read_log(tx, object=f"request:{request_id}", limit=50))
    await officer.go("/desk/exchange/countries")
    await officer.go("/desk/exchange/countries/TN")

    assert await here.see(lambda tx: audit.read_log(tx, object=f"request:{request_id}", limit=50)) == before


async def test_whoever_coordinates_names_whom_to_call_and_an_officer_reads_it_on_the_page_of_a_request(here, at_desk):
    request_id = await here.asked(await here.case(), a_draft(here.others["TN"]))
    hashed = officers.hash_password(PASSWORD)
    await here.database.write(lambda tx: officers.set_password(tx, here.coordinator.id, hashed))
    officer, coordinator = await at_desk(here.officer), await at_desk(here.coordinator)
    assert "/desk/exchange/countries/TN#focal" in await officer.go("/desk/exchange/countries")
    page = await officer.go("/desk/exchange/countries/TN")
    assert "nobody is named" in page
    assert "Name somebody" not in page
    focal = "/desk/exchange/countries/TN/focal"

    await coordinator.go("/desk/exchange/countries/TN")
    await coordinator.send(focal, name="Leila <B.>", phone="no number", proof=PASSWORD)
    leila = {"name": "Leila <B.>", "phone": "+216 71 000 000", "email": "leila@example.org"}
    await coordinator.go("/desk/exchange/countries/TN")
    assert "The password is wrong" in await coordinator.send(focal, **leila, proof="a guess")  # a stolen session
    assert 'value="Leila &lt;B.&gt;"' in coordinator.page
    assert "nobody is named" in await officer.go("/desk/exchange/countries/TN")
    await coordinator.send(focal, **leila, proof=PASSWORD)

    page = await officer.go("/desk/exchange/countries/TN")
    assert "Leila &lt;B.&gt;" in page
    assert "leila@example.org" in page
    assert "/desk/exchange/countries/TN#focal" not in await officer.go("/desk/exchange/countries")
    here.clock.advance(timedelta(days=31))
    await Reminders(here.database, here.clock, Signals(), here.vault).look()
    officer = await at_desk(here.officer)
    assert "+216 71 000 000" in await officer.go(f"/desk/requests/{request_id}")
