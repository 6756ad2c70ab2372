"""Signing in and out: a one-time link, or name, password and code."""

from __future__ import annotations

from aiohttp import web

from bot.desk.frame import context_of, go_to
from bot.kernel import audit, officers, sessions
from bot.kernel.access import Permission
from bot.kernel.pages import render
from bot.kernel.web import PUBLIC, Routes, begin_session, client_address, end_session, form
from bot.kernel.web_keys import CLOCK, DATABASE, OFFICER, VAULT

routes = Routes()


@routes.get("/desk/sign-in", name="sign_in", allow=PUBLIC)
async def show_sign_in(request: web.Request) -> web.StreamResponse:
    return _form(request)


def _form(request: web.Request, *, sign_in_name: str = "", wait: int = 0, status: int = 200) -> web.Response:
    context = {**context_of(request), "wrong": status == 403, "wait": wait, "sign_in_name": sign_in_name}
    return render(request, "desk/sign_in.html", context, status=status)


@routes.post("/desk/sign-in", name="sign_in", allow=PUBLIC)
async def sign_in(request: web.Request) -> web.StreamResponse:
    """Name, password and code. What was wrong is not said."""
    fields = await form(request)
    app, sign_in_name = request.app, fields.get("sign_in_name", "")[:120]
    tried = await sessions.sign_in_with_password(
        app[DATABASE],
        app[VAULT],
        app[CLOCK],
        sign_in_name=sign_in_name,
        password=fields.get("password", ""),
        code=fields.get("code", ""),
        address=client_address(request),
    )
    if tried.officer is None:
        return _form(
            request,
            sign_in_name=sign_in_name,
            wait=tried.wait_seconds,
            status=429 if tried.wait_seconds else 403,
        )
    return await _let_in(request, tried.officer.id, "session.password")


@routes.get(officers.LINK_PATH, name="link", allow=PUBLIC)
async def show_link(request: web.Request) -> web.StreamResponse:
    """Looking at a link does not spend it: mail scanners look at everything. The button does."""
    token, now = request.query.get("token", ""), request.app[CLOCK].now()
    is_open = await request.app[DATABASE].read(lambda tx: officers.link_is_open(tx, token, now))
    return _button(request, token if is_open else None)


def _button(request: web.Request, token: str | None) -> web.Response:
    context = {**context_of(request), "token": token, "is_open": token is not None}
    return render(request, "desk/link.html", context, status=200 if token else 404)


@routes.post(officers.LINK_PATH, name="link", allow=PUBLIC)
async def spend_link(request: web.Request) -> web.StreamResponse:
    token, now = (await form(request)).get("token", ""), request.app[CLOCK].now()
    officer = await request.app[DATABASE].write(lambda tx: officers.spend_link(tx, token, now))
    if officer is None:
        return _button(request, None)
    return await _let_in(request, officer.id, "session.link")


async def _let_in(request: web.Request, officer_id: str, act: str) -> web.Response:
    vault, now = request.app[VAULT], request.app[CLOCK].now()
    entry = f"officer:{officer_id}"
    await request.app[DATABASE].write(
        lambda tx: audit.append(tx, vault, at=now, actor=officer_id, act=act, object=entry)
    )
    response = go_to(request, "desk")
    await begin_session(request, response, officer_id)
    return response


@routes.post("/desk/sign-out", name="sign_out", allow=Permission.ACCOUNT_OWN)
async def sign_out(request: web.Request) -> web.StreamResponse:
    response = go_to(request, "sign_in")
    await end_session(request, response)
    return response


@routes.get("/desk/here", name="here", allow=Permission.ACCOUNT_OWN)
async def here(request: web.Request) -> web.StreamResponse:
    """An officer is at the desk: the session counts as used. Asked by the desk's script after a key or a click."""
    return web.json_response({"officer": request[OFFICER].id})
