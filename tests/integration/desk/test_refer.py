"""Referring over HTTP: the officer without scripts, and a receiver who has no account."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from aiohttp import CookieJar
from aiohttp.test_utils import TestClient
from msgspec.structs import replace

from bot.cases import consent
from bot.cases import service as cases
from bot.cases.record import service as record
from bot.exchange.gate import Situation
from bot.exchange.holds import service as holds
from bot.exchange.requests import situations
from directory import demonstration, store
from directory import store as directory
from tests.integration.cases.test_consent import AGREED
from tests.integration.desk.browser import Browser


@pytest.fixture
async def page(world, amira):
    """A case Amira holds, whose child agreed that the shelter gets their age."""
    case_id = (await world.escalate()).case_id

    def prepare(tx):
        hand = world.hand(amira)
        cases.claim_case(tx, hand, case_id)
        record.write_fields(tx, hand, case_id, {"age": ("15",), "name": ("Ali <i>",)}, seen={})
        consent.record(tx, hand, case_id, replace(AGREED, items=("age", "location"), withheld=()))

    await world.database.write(prepare)
    return f"/desk/cases/{case_id}"


@pytest.fixture
async def stranger(desk):
    async with TestClient(desk, cookie_jar=CookieJar(unsafe=True)) as client:
        yield Browser(client)


async def sent(browser, page, **fields):
    await browser.go(f"{page}/refer")
    form = {"urgency": "emergency", "items": "age", "ask": "A bed <tonight>?", "adult": "nobody", **fields}
    await browser.send(f"{page}/refer", **form)
    link = unescape(re.search(r'<code class="long" dir="ltr">([^<]+)</code>', browser.page)[1])
    code = re.search(r'class="num spoken" dir="ltr">(\d{6})</b>', browser.page)[1]
    return link[link.index("/referral") :], code


async def test_a_referral_abroad_waits_for_what_the_child_fears_and_is_shut_by_it(
    world, at_desk, amira, page, stranger
):
    case_id, hand = page.removeprefix("/desk/cases/"), world.hand(amira)
    abroad = replace(AGREED, items=("age",), withheld=(), country="TN", recipient="agency:1", named="A home in Tunis")
    await world.database.write(lambda tx: consent.record(tx, hand, case_id, abroad))  # the newest, so its form is first

    async def fears(*countries):
        known = Situation(frozenset(countries), False)
        await world.database.write(lambda tx: situations.record_situation(tx, hand, case_id, known))

    browser = await at_desk(amira)
    await browser.go(f"{page}/refer")
    said = {"urgency": "urgent", "items": "age", "ask": "A bed?", "adult": "nobody"}
    await browser.send(f"{page}/refer", **said)
    assert browser.status == 409
    assert "the child may fear it" in " ".join(browser.page.split())
    await fears()
    link, code = await sent(browser, page)
    await fears("TN")

    assert "The link is shut" in await browser.go(f"{page}/refer")
    await stranger.post("/referral", token=link.partition("token=")[2], code=code)
    assert stranger.status == 404


async def test_a_receiver_without_an_account_opens_once_and_answers(world, at_desk, amira, page, stranger):
    browser = await at_desk(amira)
    link, code = await sent(browser, page)

    for _ in range(2):  # looking does not spend it
        assert "They read you a code by phone." in await stranger.go(link)
    await stranger.send("/referral", code=code)
    assert "A bed &lt;tonight&gt;?" in stranger.page
    assert '<dd dir="auto">15</dd>' in stranger.page
    assert "Ali" not in stranger.page
    await stranger.send("/referral/answer", act="accept")
    assert "The officer knows that you take it." in stranger.page
    assert "does not open" in await stranger.go(link)

    assert "accepted" in await browser.go(f"{page}/refer")
    await browser.send(f"{page}/refer/move", act="attend")
    await browser.send(f"{page}/refer/feedback", feedback="good", said="They were <kind>.")
    assert "They were &lt;kind&gt;." in browser.page


async def test_a_wrong_code_opens_nothing_and_five_kill_the_link(world, at_desk, amira, page, stranger):
    link, code = await sent(await at_desk(amira), page)
    await stranger.go(link)
    for _ in range(5):
        await stranger.send("/referral", code="x")
        assert stranger.status == 403
        assert "That is not the code." in stranger.page

    await stranger.send("/referral", code=code)
    assert stranger.status == 404


async def test_no_link_and_a_forged_one_look_the_same(stranger):
    for path in ("/referral", "/referral?token=forged", "/referral?token=" + "x" * 5000):
        await stranger.go(path)
        assert stranger.status == 404
        assert "does not open" in stranger.page


@pytest.mark.on_both
async def test_a_refusal_says_why_and_the_person_is_not_forgotten(world, at_desk, amira, page, stranger):
    browser = await at_desk(amira)
    link, code = await sent(browser, page)
    await stranger.go(link)
    await stranger.send("/referral", code=code)
    reply = re.search(r'name="reply" value="([^"]+)"', stranger.page)[1]
    await stranger.post("/referral/answer", reply=reply, act="decline")
    assert "Say why you cannot." in stranger.page
    await stranger.post("/referral/answer", reply=reply, act="decline", reason="full")

    shown = await browser.go(f"{page}/refer")
    assert "No room" in shown
    assert "They still have nobody. Ask somebody else." in shown


async def test_nothing_is_sent_without_saying_what_and_what_was_typed_stays(world, at_desk, amira, page):
    browser = await at_desk(amira)
    await browser.go(f"{page}/refer")
    await browser.send(f"{page}/refer", urgency="emergency", items=[], ask="A bed <tonight>?", adult="nobody")

    assert browser.status == 409
    assert "A bed &lt;tonight&gt;?</textarea>" in browser.page
    await browser.send(f"{page}/refer", urgency="emergency", items="name", ask="x", adult="nobody")
    assert browser.status == 409
    assert '<code class="long"' not in browser.page


async def test_the_back_button_moves_nothing_twice(world, at_desk, amira, page):
    browser = await at_desk(amira)
    await sent(browser, page)
    before = browser.page
    await browser.send(f"{page}/refer/move", act="withdraw")
    browser.page = before
    await browser.send(f"{page}/refer/move", act="accept")

    assert browser.status == 409
    assert "The referral has moved on." in browser.page


async def test_the_referrals_of_a_foreign_case_are_not_found(world, at_desk, page):
    browser = await at_desk(await world.officer("omar"))

    await browser.go(f"{page}/refer")

    assert browser.status == 404


@pytest.mark.on_both
async def test_a_service_of_the_directory_leads_to_its_consent(world, at_desk, amira, page):
    browser = await at_desk(amira)
    await browser.go(f"{page}/refer?q=zz<b>")
    assert "Nothing found." in browser.page

    await browser.go(f"{page}/file?service=night&named=The%20shelter%20%3Cb%3E")

    assert 'value="The shelter &lt;b&gt;"' in browser.page
    assert '<input type="hidden" name="service" value="night">' in browser.page


async def test_who_goes_with_the_child_is_asked_each_time_and_a_hold_is_on_every_screen(world, at_desk, amira, page):
    browser = await at_desk(amira)
    case_id = page.rsplit("/", 1)[-1]

    def doubt(tx):
        adult = holds.open_dossier(tx, world.hand(amira), case_id, name="Kaboul <Z>", claimed="uncle_aunt", once="")
        holds.place_hold(tx, world.hand(amira), adult)
        return adult

    adult = await world.database.write(doubt)
    for screen in ("", "/refer", "/file", "/print", "/exchange"):
        assert "do not place or move this child with this adult" in await browser.go(page + screen), screen

    form = {"urgency": "emergency", "items": "age", "ask": "A bed?"}
    await browser.go(f"{page}/refer")
    assert "Kaboul &lt;Z&gt;" in browser.page
    for answer, said in ((adult, "The child can go alone."), ("", "Something is missing.")):
        await browser.send(f"{page}/refer", **form, adult=answer)
        assert browser.status == 409
        assert said in browser.page
    await browser.send(f"{page}/refer", **form, adult="nobody")
    assert "Sent. For a receiver without an account:" in browser.page


async def test_at_half_of_the_time_others_for_the_same_are_offered_and_nobody_twice(world, at_desk, amira, clock):
    await world.database.write(lambda tx: demonstration.seed(tx, at=clock.now()))
    case_id = (await world.escalate()).case_id

    def prepare(tx):
        hand = world.hand(amira)
        cases.claim_case(tx, hand, case_id)
        record.write_fields(tx, hand, case_id, {"age": ("15",)}, seen={})
        named = directory.get_services(tx, directory.list_ids(tx, words="Lantern night shelter"))
        [lantern] = [each for each in named if each.name_in("en").text == "Lantern night shelter"]
        agreed = replace(AGREED, recipient=f"service:{lantern.id}", named="Lantern", items=("age",), withheld=())
        consent.record(tx, hand, case_id, agreed)

    await world.database.write(prepare)
    page = f"/desk/cases/{case_id}"
    await sent(await at_desk(amira), page)
    early = await (await at_desk(amira)).go(f"{page}/refer")
    clock.advance(timedelta(hours=12))
    late = await (await at_desk(amira)).go(f"{page}/refer")

    assert "For the same, nearby" not in early
    assert "Half of the time is gone and nobody answered." in late
    offered = late.split("For the same, nearby")[1].split("</ul>")[0]
    assert 1 <= offered.count("Ask consent") <= 3
    assert ">Lantern night shelter<" not in offered
    assert "Ventimiglia" in offered


async def test_from_the_services_of_a_case_to_a_referral_with_this_service_chosen(world, at_desk, amira, page, clock):
    await world.database.write(lambda tx: demonstration.seed(tx, at=clock.now()))
    browser, case_id = await at_desk(amira), page.removeprefix("/desk/cases/")
    talk = await browser.go(page)
    services = unescape(re.search(r'href="(/desk/services\?[^"]*)"', talk)[1])
    assert f"case={case_id}" in services

    listed = await browser.go(f"/desk/services?case={case_id}")
    assert "You look for somebody to help in case" in listed
    [old] = await world.database.read(lambda tx: store.list_ids(tx, words="Old harbour"))
    assert listed.index("Lantern kitchen") < listed.index("Old harbour")  # what was checked comes first
    assert f"service={old}" not in listed  # and the case is urgent: nobody is sent where nobody has looked
    assert "Old harbour" not in await browser.go(f"{page}/refer?q=harbour")
    assert "This case is urgent" in browser.page
    chosen = unescape(re.search(r'href="([^"]*/refer\?service=[^"]*)"', listed)[1])
    service_id = chosen.partition("service=")[2]
    assert f'href="{chosen}">Refer' in unescape(await browser.go(f"/desk/services/{service_id}?case={case_id}"))

    marked = {"at": clock.now(), "by": "ana", "act": store.ALONE, "before": None, "why": "", "row_id": "alone"}
    assert "seen by one person only" not in await browser.go(chosen)
    await world.database.write(lambda tx: store.add_change(tx, service_id, **marked))
    consent_page = await browser.go(chosen)
    assert "seen by one person only: call first" in consent_page
    assert "Ask the person first." in consent_page
    await browser.go(unescape(re.search(r'href="([^"]*/file\?service=[^"]*)#consent"', consent_page)[1]))
    said = {"text": "We tell them your age.", "items": "age", "giver": "child", "age": "15", "days": "30"}
    more = {"capacity": "understands", "language": "ar", "way": "chat", "purpose": "referral", "kind": "consent"}
    name = re.search(r'name="named" dir="auto" required maxlength="200" value="([^"]+)"', browser.page)[1]
    await browser.send(f"{page}/consents", named=unescape(name), **said, **more)

    assert browser.path == f"{page}/refer"
    assert "There is a consent for this service" in browser.page


async def test_nobody_looks_for_services_in_the_name_of_a_case_that_is_not_theirs(world, at_desk, page):
    bruno = await at_desk(await world.officer("bruno"))

    await bruno.go(f"/desk/services?case={page.removeprefix('/desk/cases/')}")

    assert bruno.status == 404
