"""The desk over HTTP, as a browser without scripts uses it."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from urllib.parse import urlencode

import pyotp
import pytest
from aiohttp import CookieJar
from aiohttp.test_utils import TestClient

from bot.cases import service as cases
from bot.cases.auditor import Auditor
from bot.cases.pager import Pager
from bot.conversations import service as conversations
from bot.conversations.model import Author, Direction
from bot.conversations.store import NewLine, add_lines
from bot.desk.proving import ANEW
from bot.kernel import audit, officers
from bot.kernel.access import Role
from bot.kernel.officers import disable_officer, make_link
from tests.conftest import NOON
from tests.integration.cases.world import FixedNumbers
from tests.integration.desk.browser import Browser


async def test_looking_at_a_sign_in_link_does_not_spend_it_and_using_it_does(desk, world, clock, at_desk):
    amira = await world.officer("amira")
    token = await world.database.write(lambda tx: make_link(tx, amira.id, clock.now()))
    async with TestClient(desk, cookie_jar=CookieJar(unsafe=True)) as client:
        browser = Browser(client)
        for _ in range(3):
            assert "This link works once" in await browser.go(f"/desk/sign-in/link?token={token}")

        await browser.send("/desk/sign-in/link")

        assert browser.path == "/desk/queue"
        assert "does not work any more" in await browser.go(f"/desk/sign-in/link?token={token}")


async def test_a_case_is_found_by_its_number_as_far_as_it_is_theirs_to_see(world, at_desk):
    amira, omar = await world.officer("amira"), await world.officer("omar")
    waits, held = await world.escalate(), await world.escalate()
    await world.database.write(lambda tx: cases.claim_case(tx, world.hand(omar), held.case_id))
    browser = await at_desk(amira)
    assert 'action="/desk/find"' in browser.page

    for typed in (waits.number, f" {waits.number.lower()} ", waits.number.replace("-", "")):
        await browser.go("/desk/find?" + urlencode({"number": typed}))
        assert browser.path == f"/desk/cases/{waits.case_id}"

    said = []
    for typed in (held.number, "222-222", "'; --", "x" * 3000):
        said.append(await browser.go("/desk/find?" + urlencode({"number": typed})))
        assert (browser.status, browser.path) == (404, "/desk/find")
        assert "There is no case with this number that you may see." in said[-1]
    assert held.number not in said[0]  # a case of somebody else looks like none
    await browser.go("/desk/find?number=")
    assert browser.path == "/desk/queue"


async def test_from_the_queue_to_a_closed_case_without_a_script(world, at_desk):
    browser = await at_desk(await world.officer("amira"))
    person = await world.person()
    case_id = (await world.escalate(person, words="he has a knife <b>outside</b>")).case_id
    page = f"/desk/cases/{case_id}"

    queue = await browser.go("/desk/queue")
    assert "In danger now" in queue
    assert "he has a knife &lt;b&gt;outside&lt;/b&gt;" in queue

    await browser.go(page)
    await browser.send(f"{page}/claim")
    assert browser.path == page
    await browser.send(f"{page}/answer", text="I am here.\r\nStay where you are.")
    assert "I am here.\nStay where you are." in browser.page
    read = re.search(r'name="read_up_to" form="close-case" value="(\d+)"', browser.page)
    assert read is not None
    late = NewLine(Direction.IN, Author.PERSON, "text", {"text": "one more thing"}, "en")
    await world.database.write(lambda tx: add_lines(tx, world.vault, person, [late], at=NOON))
    await browser.send(f"{page}/close", closing="helped", read_up_to=read[1])
    assert (browser.status, "one more thing" in browser.page) == (409, True)
    assert "They have just written. Read it first" in browser.page
    read = re.search(r'name="read_up_to" form="close-case" value="(\d+)"', browser.page)
    assert read is not None
    await browser.send(f"{page}/close", closing="helped", read_up_to=read[1])

    assert browser.path == "/desk/queue"
    lines = await world.database.read(lambda tx: conversations.transcript(tx, world.vault, person))
    assert [line.text for line in lines if line.author is Author.OFFICER] == ["I am here.\nStay where you are."]
    assert "Nobody is waiting." in browser.page


async def test_the_back_button_does_not_send_an_answer_twice(world, at_desk):
    browser = await at_desk(await world.officer("amira"))
    person = await world.person()
    page = f"/desk/cases/{(await world.escalate(person)).case_id}"
    await browser.go(page)
    form = await browser.send(f"{page}/claim")

    await browser.send(f"{page}/answer", text="hello")
    browser.page = form  # as it was before
    await browser.send(f"{page}/answer", text="hello")

    lines = await world.database.read(lambda tx: conversations.transcript(tx, world.vault, person))
    assert [line.text for line in lines if line.author is Author.OFFICER] == ["hello"]


async def test_whoever_comes_second_sees_the_queue_and_that_the_case_is_gone(world, at_desk):
    first = await at_desk(await world.officer("amira"))
    second = await at_desk(await world.officer("omar"))
    page = f"/desk/cases/{(await world.escalate()).case_id}"
    await first.go(page)
    await second.go(page)

    await first.send(f"{page}/claim")
    await second.send(f"{page}/claim")

    assert second.status == 404
    assert "A colleague may have been quicker" in second.page
    await second.go(page)
    assert second.status == 404
    assert "knife" not in second.page


async def test_a_stale_form_changes_nothing_and_shows_the_case_as_it_is(world, at_desk):
    browser = await at_desk(await world.officer("amira"))
    page = f"/desk/cases/{(await world.escalate()).case_id}"
    await browser.go(page)
    held = await browser.send(f"{page}/claim")
    await browser.send(f"{page}/close", closing="helped")

    browser.page = held
    await browser.send(f"{page}/release")

    assert browser.status == 409
    assert "The case has moved on" in browser.page


@pytest.mark.parametrize(
    "path", ["/claim", "/answer", "/seen", "/release", "/take-over", "/close", "/reopen", "/notes", "", "/live"]
)
async def test_a_case_of_a_colleague_is_nowhere_to_be_found(world, at_desk, path):
    owner, other = await world.officer("amira"), await at_desk(await world.officer("omar"))
    case_id = (await world.escalate()).case_id
    await world.database.write(lambda tx: cases.claim_case(tx, world.hand(owner), case_id))
    await other.go("/desk/queue")
    csrf = re.search(r'name="csrf" value="(\w+)"', other.page)[1]

    if path in ("", "/live"):
        await other.go(f"/desk/cases/{case_id}{path}")
    else:
        fields = {"csrf": csrf, "text": "x", "once": "y", "closing": "helped"}
        await other.post(f"/desk/cases/{case_id}{path}", **fields)

    assert other.status == 404


async def test_an_admin_has_no_queue_and_an_officer_no_audit_log(world, at_desk):
    admin = await at_desk(await world.officer("root", Role.ADMIN))
    officer = await at_desk(await world.officer("amira"))

    for path in ("/desk/queue", "/desk/mine"):
        await admin.go(path)
        assert admin.status == 404
    for path in ("/desk/audit", "/desk/officers"):
        await officer.go(path)
        assert officer.status == 404


async def test_opening_a_case_is_in_the_audit_log_with_who_and_when(world, at_desk, clock):
    amira = await world.officer("amira")
    browser = await at_desk(amira)
    opened = await world.escalate()

    await browser.go(f"/desk/cases/{opened.case_id}")

    rows = await world.database.read(lambda tx: audit.read_log(tx, object=f"case:{opened.case_id}"))
    assert (rows[0].act, rows[0].actor, rows[0].at) == ("case.read", amira.id, clock.now())
    coordinator = await at_desk(await world.officer("ines", Role.COORDINATOR))
    log = await coordinator.go(f"/desk/audit?case={opened.number}&check=1")
    assert "case.read" in log
    assert "The chain is whole" in log


async def test_a_dead_watch_is_a_red_banner_on_every_screen(world, at_desk, clock, signals):
    browser = await at_desk(await world.officer("amira"))
    banner = "Nobody watches over the alarms."
    assert banner in await browser.go("/desk/queue")

    await Pager(world.database, clock, signals, world.paging, FixedNumbers()).look()
    await Auditor(world.database, clock, signals, world.vault, world.words).look()

    assert banner not in await browser.go("/desk/queue")


async def test_password_and_code_let_in_together_and_neither_alone(desk, world, at_desk, clock):
    browser = await at_desk(await world.officer("amira"))
    await browser.go("/desk/account")
    await browser.send("/desk/account/password", password="winter birds over the harbour")
    await browser.go("/desk/account")
    shown = await browser.send("/desk/account/codes", proof="winter birds over the harbour")
    secret = re.search(r"<code dir=\"ltr\">([A-Z2-7 ]+)</code>", shown)[1].replace(" ", "")
    await browser.send("/desk/account/codes/confirm", code=pyotp.TOTP(secret).at(clock.now()))
    assert "Codes are on." in browser.page
    clock.advance(timedelta(minutes=1))
    code = pyotp.TOTP(secret).at(clock.now())

    async with TestClient(desk, cookie_jar=CookieJar(unsafe=True)) as client:
        stranger = Browser(client)
        await stranger.go("/desk/sign-in")
        wrong = {"sign_in_name": "amira", "password": "winter birds over the harbour", "code": "000000"}
        assert "That did not fit" in await stranger.send("/desk/sign-in", **wrong)
        await stranger.send("/desk/sign-in", **{**wrong, "code": code})
        assert stranger.path == "/desk/queue"


async def test_whoever_stole_a_session_sets_no_password_and_no_authenticator_of_their_own(world, at_desk, clock):
    boss = await at_desk(await world.officer("boss", Role.ADMIN))
    first, other = "winter birds over the harbour", "summer frogs under the bridge"
    for _ in range(2):  # without the rest that would end the session
        clock.advance(ANEW / 2)
        await boss.go("/desk/account")
    for act in ({"password": other}, {}):  # who has none of both was let in by a link, long ago: it may be a thief
        asked = await boss.send(f"/desk/account/{'password' if act else 'codes'}", **act)
        assert "is set within half an hour of signing in" in asked

    amira = await world.officer("amira", Role.ADMIN)
    browser = await at_desk(amira)
    await browser.go("/desk/account")
    await browser.send("/desk/account/password", password=first)

    async def password_is(said: str) -> bool:
        found = await world.database.read(lambda tx: officers.password_hash_of(tx, "amira"))
        return officers.password_fits(found[1], said)

    await browser.go("/desk/account")
    assert "The password is wrong" in await browser.send("/desk/account/password", password=other, proof="a guess")
    await browser.go("/desk/account")
    assert "The password is wrong" in await browser.send("/desk/account/codes", proof="a guess")
    await browser.go("/desk/account")
    await browser.send("/desk/account/password", password=other, proof="")
    assert await password_is(first)

    await boss.go("/desk/officers")
    await boss.send(f"/desk/officers/{amira.id}/link")  # she has forgotten it, and somebody knows that it is she
    link = re.search(r"token=([\w-]+)", boss.page)[1]
    await browser.go(f"/desk/sign-in/link?token={link}")
    await browser.send("/desk/sign-in/link")
    await browser.go("/desk/account")
    await browser.send("/desk/account/password", password=other)
    assert await password_is(other)


async def test_ending_the_other_sessions_leaves_this_one(world, at_desk):
    amira = await world.officer("amira")
    here, elsewhere = await at_desk(amira), await at_desk(amira)
    await here.go("/desk/account")

    await here.post(
        "/desk/account/sessions/end",
        session="others",
        csrf=re.search(r'name="csrf" value="(\w+)"', here.page)[1],
    )

    assert here.path == "/desk/account"
    await elsewhere.go("/desk/queue")
    assert elsewhere.path == "/desk/sign-in"


async def test_an_admin_adds_an_officer_and_gives_them_a_link_that_lets_in(world, at_desk):
    admin = await at_desk(await world.officer("root", Role.ADMIN))
    await admin.go("/desk/officers")
    await admin.send("/desk/officers", name="Inès", sign_in_name="ines", roles="officer", languages="fr")
    assert "Inès" in admin.page
    action = re.findall(r'action="(/desk/officers/[^"]+/link)"', admin.page)[0]

    shown = await admin.send(action)

    link = unescape(re.search(r'<code class="long" dir="ltr">([^<]+)</code>', shown)[1])
    assert "/desk/sign-in/link?token=" in link


async def test_nobody_switches_off_their_own_account(world, at_desk):
    root = await world.officer("root", Role.ADMIN)
    admin = await at_desk(root)
    await admin.go("/desk/officers")
    csrf = re.search(r'name="csrf" value="(\w+)"', admin.page)[1]

    await admin.post(f"/desk/officers/{root.id}/disable", csrf=csrf)

    assert admin.status == 404


async def test_an_officer_who_was_switched_off_is_out_at_once(world, at_desk, clock):
    amira = await world.officer("amira")
    browser = await at_desk(amira)
    await world.database.write(lambda tx: disable_officer(tx, amira.id, clock.now()))

    await browser.go("/desk/queue")

    assert browser.path == "/desk/sign-in"


async def test_a_message_that_did_not_arrive_is_shown_and_can_be_tried_again(world, at_desk, clock):
    browser = await at_desk(await world.officer("ines", Role.COORDINATOR, Role.OFFICER))
    person = await world.person()
    outbox = conversations.store.outbox

    def fail(tx):
        conversations.answer(tx, world.vault, person, officer_id="o", text="canary", language="en", at=clock.now())
        tx.execute(outbox.update().values(state="dead", cause="blocked", settled_at=clock.now()))

    await world.database.write(fail)

    page = await browser.go("/desk/deliveries")
    assert "They have blocked this chat." in page
    assert "canary" not in page
    assert "Cette personne a bloqué la conversation." in await browser.go("/desk/deliveries?lang=fr")
    await browser.go("/desk/deliveries?lang=en")
    await browser.send("/desk/deliveries/retry")

    assert "It is being tried again." in browser.page
    assert "Everything was delivered." in browser.page


@pytest.mark.parametrize("language", ["en", "fr", "es", "ar"])
async def test_every_screen_is_whole_in_every_language(world, at_desk, language):
    ines = await world.officer("ines", *Role)
    browser = await at_desk(ines)
    case_id = (await world.escalate(words="الرجل يقول إنه عمي")).case_id
    await world.database.write(lambda tx: cases.claim_next(tx, world.hand(ines)))
    direction = "rtl" if language == "ar" else "ltr"
    other = (await world.escalate(words="words of another")).case_id
    screens = (
        "queue", "mine", f"cases/{case_id}", "services", "deliveries", "officers", "audit?check=1", "account",
        "supervision", "glass", f"cases/{other}/review",
    )  # fmt: skip

    for screen in screens:
        page = await browser.go(f"/desk/{screen}{'&' if '?' in screen else '?'}lang={language}")
        assert browser.status == 200
        assert f'<html lang="{language}" dir="{direction}">' in page
        assert " style=" not in page
        assert "onclick" not in page
        assert not re.search(r"<script(?![^>]+src=)", page)
