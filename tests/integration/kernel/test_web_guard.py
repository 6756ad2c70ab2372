"""Who gets in, and what another site cannot make a browser do."""

from __future__ import annotations

from datetime import timedelta

import aiohttp
import msgspec
import pytest
from aiohttp import web

from bot.kernel import officers, sessions
from bot.kernel.access import Role
from bot.kernel.settings import load_settings
from bot.kernel.web import (
    FORM_CAP,
    PUBLIC,
    WEBHOOK_CAP,
    Routes,
    RouteWithoutRule,
    WebParts,
    build_web,
    client_address,
    web_runner,
)
from tests.integration.kernel.conftest import FROM_OUR_PAGE, Sample, SampleCase, Served, sample_routes, serving


async def nothing(request: web.Request) -> web.Response:
    return web.Response()


def test_a_route_without_a_rule_is_refused(parts: WebParts):
    routes = Routes()
    routes.add("GET", "/open", nothing, name="open", allow=None)  # type: ignore[arg-type]

    with pytest.raises(RouteWithoutRule, match="GET /open"):
        build_web(parts, routes)


def test_a_rule_cannot_be_left_out():
    with pytest.raises(TypeError, match="allow"):
        Routes().get("/open", name="open")  # type: ignore[call-arg]


@pytest.mark.parametrize("way", ["route", "static", "subapp"])
async def test_a_route_added_behind_the_routers_back_keeps_the_server_from_starting(
    parts: WebParts, way: str, tmp_path
):
    app = build_web(parts, sample_routes(Sample()))
    if way == "route":
        app.router.add_get("/secret", nothing)
    elif way == "static":
        app.router.add_static("/files", tmp_path)
    else:
        inner = web.Application()
        inner.router.add_get("/secret", nothing)
        app.add_subapp("/inner", inner)

    with pytest.raises(RouteWithoutRule):
        await web_runner(app).setup()


async def test_a_page_without_a_session_leads_to_the_sign_in(served: Served):
    async with served.browser() as browser:
        page = await browser.get("/desk/queue")
        sent = await browser.post("/desk/cases/1/answer")
        stream = await browser.get("/desk/events", Accept="text/event-stream")

    assert (page.status, page.headers["Location"]) == (303, "/desk/sign-in")
    assert (sent.status, stream.status) == (401, 401)


async def test_a_page_for_another_role_is_not_found(served: Served):
    admin = await served.officer(Role.ADMIN)
    async with served.browser(admin) as browser:
        assert (await browser.get("/desk/queue")).status == 404
        assert (await browser.get("/desk/officers")).status == 200


async def test_a_case_of_another_officer_and_no_case_at_all_look_the_same(served: Served):
    mine, other = await served.officer(), await served.officer()
    served.sample.cases["theirs"] = SampleCase("theirs", other.id)
    async with served.browser(mine) as browser:
        theirs, none = await browser.get("/desk/cases/theirs"), await browser.get("/desk/cases/none")
        first, second = await theirs.text(), await none.text()

    assert theirs.status == none.status == 404
    assert first.replace(theirs.headers["X-Request-Id"], "") == second.replace(none.headers["X-Request-Id"], "")


async def test_a_webhook_without_proof_is_refused_before_its_body_counts(served: Served):
    async with served.browser() as browser:
        forged = await browser.client.post("/hook", data=b"{}", headers={"X-Secret": "guess"})
        real = await browser.client.post("/hook", data=b"{}", headers={"X-Secret": "s3cret"})

    assert (forged.status, real.status) == (403, 200)
    assert served.sample.received == [b"{}"]


@pytest.mark.parametrize("chunked", [False, True])
async def test_bodies_are_capped_however_they_are_sent(served: Served, chunked: bool):
    async def pieces(size: int):
        for _ in range(0, size, 8192):
            yield b"x" * 8192

    async with served.browser() as browser:
        large = pieces(WEBHOOK_CAP + 8192) if chunked else b"x" * (WEBHOOK_CAP + 1)
        fits = pieces(WEBHOOK_CAP - 8192) if chunked else b"x" * (WEBHOOK_CAP - 1)
        proof = {"X-Secret": "s3cret"}
        refused = await browser.client.post("/hook", data=large, headers=proof)
        kept = await browser.client.post("/hook", data=fits, headers=proof)
        form_fields = pieces(FORM_CAP * 2) if chunked else b"x" * (FORM_CAP + 1)
        kind = {"Content-Type": "application/x-www-form-urlencoded", **FROM_OUR_PAGE}
        long_form = await browser.client.post("/say", data=form_fields, headers=kind)

    assert (refused.status, kept.status, long_form.status) == (413, 200, 413)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost:8080"}, 403),
        ({"Origin": "http://localhost:8080"}, 303),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 403),
    ],
)
async def test_a_form_of_an_officer_comes_from_our_own_page(served: Served, headers: dict[str, str], status: int):
    officer = await served.officer()
    served.sample.cases["mine"] = SampleCase("mine", officer.id)
    async with served.browser(officer) as browser:
        answer = await browser.post("/desk/cases/mine/answer", headers=headers)

    assert answer.status == status


@pytest.mark.parametrize("csrf", ["", "wrong", "0" * 64, "é"])
async def test_a_form_of_an_officer_carries_the_token_of_the_session(served: Served, csrf: str):
    officer = await served.officer()
    served.sample.cases["mine"] = SampleCase("mine", officer.id)
    async with served.browser(officer) as browser, served.browser(officer) as another:
        wrong = await browser.post("/desk/cases/mine/answer", {"csrf": csrf})
        of_another_session = await browser.post("/desk/cases/mine/answer", {"csrf": another.csrf})
        right = await browser.post("/desk/cases/mine/answer")

    assert (wrong.status, of_another_session.status, right.status) == (403, 403, 303)


async def test_an_old_phone_without_origin_can_write_and_another_site_cannot_make_it_write(served: Served):
    async with served.browser() as browser:
        old_phone = await browser.post("/say", {"text": "hello"}, headers={})
        foreign = await browser.post("/say", {"text": "boo"}, headers={"Origin": "https://evil.example"})

    assert (old_phone.status, foreign.status) == (303, 403)
    assert served.sample.said == ["hello"]


async def test_an_officer_who_is_signed_in_can_also_use_the_public_forms(served: Served):
    officer = await served.officer()
    async with served.browser(officer) as browser:
        ours = await browser.post("/say", {"text": "hello"}, csrf=False)
        foreign = await browser.post("/say", {"text": "boo"}, headers={"Sec-Fetch-Site": "cross-site"}, csrf=False)

    assert (ours.status, foreign.status) == (303, 403)


async def test_form_fields_arrive_without_control_and_bidirectional_characters(served: Served):
    async with served.browser() as browser:
        await browser.post("/say", {"text": "a\x00b\u202ec\r\nd\te\u2067"})

    assert served.sample.said == ["abc\nd\te"]


async def test_a_broken_form_is_a_bad_request(served: Served):
    async with served.browser() as browser:
        kind = {**FROM_OUR_PAGE, "Content-Type": "application/x-www-form-urlencoded; charset=no-such"}
        unknown = await browser.client.post("/say", data=b"text=x", headers=kind)
        kind = {**FROM_OUR_PAGE, "Content-Type": "multipart/form-data; boundary=x"}
        cut = await browser.client.post("/say", data=b"--x\r\nContent-Disp", headers=kind)
        upload = aiohttp.FormData()
        upload.add_field("text", b"a file", filename="a.txt")
        file = await browser.client.post("/say", data=upload, headers=FROM_OUR_PAGE, allow_redirects=False)

    assert (unknown.status, cut.status, file.status) == (400, 400, 400)


async def test_signing_in_gives_a_strict_cookie_and_ends_the_session_there_was(served: Served):
    officer = await served.officer()
    async with served.browser(officer) as browser:
        before = browser.token
        answer = await browser.post(f"/desk/enter/{officer.id}")
        cookie = answer.cookies["waymark_session"]

        assert cookie.value not in ("", before)
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")
        gone = await served.database.read(lambda tx: sessions.get(tx, before, served.clock.now()))
        assert gone is None
        assert (await browser.get("/desk/queue")).status == 200


async def test_a_cookie_planted_before_the_sign_in_is_worth_nothing_after_it(served: Served):
    officer = await served.officer()
    async with served.browser() as browser, served.browser() as attacker:
        browser.take_cookie("planted", served.base)
        attacker.take_cookie("planted", served.base)
        await browser.client.post(f"/desk/enter/{officer.id}", headers=FROM_OUR_PAGE)

        assert (await attacker.get("/desk/queue")).status == 303


async def test_leaving_ends_the_session_on_the_server(served: Served):
    officer = await served.officer()
    async with served.browser(officer) as browser, served.browser() as copy:
        copy.take_cookie(browser.token, served.base)
        answer = await browser.post("/desk/leave")

        assert answer.headers["Clear-Site-Data"] == '"cache", "cookies", "storage"'
        assert (await copy.get("/desk/queue")).status == 303


async def test_a_session_ends_after_half_an_hour_unused_and_after_twelve_hours_anyway(served: Served):
    officer = await served.officer()
    async with served.browser(officer) as browser:
        for _ in range(24):  # in use all the time
            served.clock.advance(timedelta(minutes=29))
            assert (await browser.get("/desk/queue")).status == 200
        served.clock.advance(timedelta(minutes=29))
        assert (await browser.get("/desk/queue")).status == 303
    async with served.browser(officer) as browser:
        served.clock.advance(timedelta(minutes=30))
        assert (await browser.get("/desk/queue")).status == 303


async def test_a_stream_that_reconnects_by_itself_does_not_keep_a_session_alive(served: Served):
    officer = await served.officer()
    async with served.browser(officer) as browser:
        for _ in range(3):
            served.clock.advance(timedelta(minutes=9))
            async with browser.client.get("/desk/events", headers={"Accept": "text/event-stream"}) as stream:
                assert stream.status == 200
        served.clock.advance(timedelta(minutes=4))

        assert (await browser.get("/desk/queue")).status == 303


@pytest.mark.parametrize("change", ["disabled", "roles", "password", "revoked"])
async def test_a_session_ends_at_once_when_the_account_changes(served: Served, change: str):
    officer = await served.officer()
    at = served.clock.now()
    async with served.browser(officer) as browser:
        assert (await browser.get("/desk/queue")).status == 200
        await served.database.write(
            lambda tx: {
                "disabled": lambda: officers.disable_officer(tx, officer.id, at),
                "roles": lambda: officers.change_officer(tx, officer.id, roles=[Role.ADMIN]),
                "password": lambda: officers.set_password(tx, officer.id, "hash"),
                "revoked": lambda: sessions.revoke_all(tx, officer.id, at),
            }[change]()
        )

        assert (await browser.get("/desk/queue")).status == 303


async def test_a_page_escapes_what_it_is_given_and_speaks_the_language_asked_for(served: Served):
    async with served.browser() as browser:
        page = await (await browser.get("/?lang=fr")).text()
        negotiated = await (await browser.get("/", **{"Accept-Language": "de, es;q=0.5"})).text()

    assert '<html lang="fr" dir="ltr">' in page
    assert "&lt;b&gt;Amina&lt;/b&gt;" in page
    assert "donner le numéro &lt;i&gt;" in page
    assert "donner le numéro &lt;b&gt;Amina&lt;/b&gt;" in page
    assert "<bdi>12</bdi>" in page
    assert '<time datetime="2026-11-23T12:00:00Z"' in page
    assert '<html lang="es"' in negotiated


async def test_nothing_is_left_on_the_phone_of_a_child(served: Served):
    async with served.browser() as browser:
        answer = await browser.get("/?lang=fr")

    assert "Set-Cookie" not in answer.headers


async def test_an_officers_choice_of_language_is_remembered(served: Served):
    officer = await served.officer()
    async with served.browser(officer) as browser:
        await browser.get("/desk/queue?lang=es")
        answer = await browser.get("/desk/queue")

    assert answer.headers["Content-Language"] == "es"


async def test_static_files_may_be_kept_for_ever_under_the_hash_of_their_room(served: Served):
    async with served.browser() as browser:
        page = await (await browser.get("/")).text()
        address = page.split('href="')[1].split('"')[0]
        fresh = await browser.get(address)
        old = await browser.get("/static/sample/0000/a.css")
        outside = await browser.get("/static/sample/0000/..%2f..%2fetc%2fpasswd")

    assert fresh.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert fresh.headers["Content-Type"] == "text/css; charset=utf-8"
    assert fresh.headers["Content-Encoding"] == "gzip"
    assert (old.headers["Cache-Control"], old.status, outside.status) == ("no-cache", 200, 404)


async def test_names_of_routes_do_not_collide_by_method(parts: WebParts):
    routes = Routes()
    routes.add("GET", "/a", nothing, name="a", allow=PUBLIC)
    routes.add("GET", "/b", nothing, name="b", allow=PUBLIC)
    routes.add("POST", "/a", nothing, name="a", allow=PUBLIC)

    app = build_web(parts, routes)

    assert str(app.router["a"].url_for()) == "/a"


@pytest.mark.parametrize(
    ("trusted", "forwarded", "seen"),
    [
        ("", "203.0.113.5", "127.0.0.1"),  # nobody is believed unless they are named
        ("127.0.0.0/8", "203.0.113.5", "203.0.113.5"),
        ("127.0.0.0/8", "9.9.9.9, 203.0.113.5", "203.0.113.5"),  # what the client put there itself stays to the left
        ("127.0.0.0/8,203.0.113.5", "9.9.9.9, 203.0.113.5", "9.9.9.9"),
        ("127.0.0.0/8", "nonsense", "nonsense"),
        ("10.0.0.0/8", "203.0.113.5", "127.0.0.1"),
        ("127.0.0.0/8", "", "127.0.0.1"),
    ],
)
async def test_forwarded_addresses_are_believed_from_named_proxies_only(
    parts: WebParts, trusted: str, forwarded: str, seen: str
):
    routes = Routes()

    @routes.get("/who", name="who", allow=PUBLIC)
    async def who(request: web.Request) -> web.Response:
        return web.Response(text=client_address(request))

    settings = load_settings({"WAYMARK_TRUSTED_PROXIES": trusted})
    app = build_web(msgspec.structs.replace(parts, settings=settings), routes)
    async with serving(app) as base, aiohttp.ClientSession(base) as client:
        answer = await client.get("/who", headers={"X-Forwarded-For": forwarded} if forwarded else {})

        assert await answer.text() == seen


async def test_what_cannot_be_read_as_a_language_is_no_error(served: Served):
    async with served.browser() as browser:
        answer = await browser.get("/?lang=%3Cscript%3E", **{"Accept-Language": ";;;q=,,\u00e9"})

    assert (answer.status, answer.headers["Content-Language"]) == (200, "en")
