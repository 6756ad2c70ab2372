"""An officer's own account: sessions, password, authenticator, and the phone they are paged on."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web
from multidict import MultiDict
from sqlalchemy.engine import Connection

from bot.cases.pairing import make_pairing_code
from bot.cases.spoken import SPOKEN
from bot.cases.spoken import set_languages as set_spoken
from bot.desk.frame import go_to, hand_of, show
from bot.desk.ports import TelegramName
from bot.desk.proving import NOT_PROVEN, may_set_the_first, must_show_the_old, prove, proves_by
from bot.desk.qr import qr_path
from bot.kernel import audit, officers, sessions
from bot.kernel.access import Permission
from bot.kernel.logs import get_log
from bot.kernel.web import Routes, begin_session, form
from bot.kernel.web_keys import CLOCK, DATABASE, OFFICER, SESSION, SIGNALS, VAULT

log = get_log("desk")

routes = Routes()

#: How long the page may wait for Telegram to say the bot's name.
NAME_SECONDS = 5


@routes.get("/desk/account", name="account", allow=Permission.ACCOUNT_OWN)
async def show_account(request: web.Request) -> web.StreamResponse:
    return await _screen(request)


async def _screen(request: web.Request, *, wrong: str | None = None, **more: Any) -> web.Response:
    officer, now = request[OFFICER], request.app[CLOCK].now()

    def read(tx: Connection) -> dict[str, Any]:
        return {
            "sessions": sessions.list_sessions(tx, officer.id, now),
            "this_session": request[SESSION].hash,
            "account": officers.get_officer(tx, officer.id),
            "spoken": SPOKEN,
            "languages_at": request.app.router["account"].url_for(),  # this may be the answer to a form
            "must_show_the_old": must_show_the_old(tx, officer, now),
            "proves_by": proves_by(officer),
            "totp": None,
            "pairing": None,
            "problem": NOT_PROVEN[wrong] if wrong else None,
            **more,
        }

    return await show(request, "desk/account.html", read, here="account", status=409 if wrong else 200)


async def _not_the_owner(request: web.Request, fields: MultiDict[str]) -> str | None:
    """None where whoever wants another password or authenticator has shown the one before, or need not: a stolen
    session does not make its thief the owner. Else what is wrong; for the first ones a session of just now is asked."""
    officer, now = request[OFFICER], request.app[CLOCK].now()
    if await request.app[DATABASE].read(lambda tx: must_show_the_old(tx, officer, now)):
        return await prove(request, fields)
    return None if may_set_the_first(officer, request[SESSION].created_at, now) else "first"


@routes.post("/desk/account/sessions/end", name="end_session", allow=Permission.ACCOUNT_OWN)
async def end_one(request: web.Request) -> web.StreamResponse:
    """End one session of one's own, or all the others."""
    fields, officer, now = await form(request), request[OFFICER], request.app[CLOCK].now()
    wanted, this = fields.get("session", ""), request[SESSION].hash

    def end(tx: Connection) -> list[str]:
        own = [session.hash for session in sessions.list_sessions(tx, officer.id, now)]
        ended = [each for each in own if each == wanted or (wanted == "others" and each != this)]
        for each in ended:
            sessions.revoke(tx, each, now)
        if ended:
            _audit(tx, request, "session.end", {"n": len(ended)})
        return ended

    ended = await request.app[DATABASE].write(end)
    request.app[SIGNALS].wake(*(f"session:{each}" for each in ended))
    return go_to(request, "account", notice="session_ended", part="sessions")


@routes.post("/desk/account/languages", name="set_languages", allow=Permission.ACCOUNT_OWN)
async def set_languages(request: web.Request) -> web.StreamResponse:
    """Which languages one answers in: the next cases are chosen by them."""
    hand, chosen = hand_of(request), (await form(request)).getall("languages", [])
    try:
        await request.app[DATABASE].write(lambda tx: set_spoken(tx, hand, hand.officer.id, chosen))
    except ValueError:
        return go_to(request, "account", notice="incomplete", part="languages")
    request.app[SIGNALS].wake("queue")
    return go_to(request, "account", notice="saved", part="languages")


@routes.post("/desk/account/password", name="set_password", allow=Permission.ACCOUNT_OWN)
async def set_password(request: web.Request) -> web.StreamResponse:
    """A new password ends every session that was opened with the old one, except by starting this one anew."""
    officer, fields = request[OFFICER], await form(request)
    try:
        hashed = await asyncio.to_thread(officers.hash_password, fields.get("password", ""))
    except officers.PasswordTooWeak:
        return go_to(request, "account", notice="weak_password", part="password")
    if wrong := await _not_the_owner(request, fields):
        return await _screen(request, wrong=wrong)

    def store(tx: Connection) -> None:
        officers.set_password(tx, officer.id, hashed)
        _audit(tx, request, "officer.password")

    await request.app[DATABASE].write(store)
    response = go_to(request, "account", notice="saved", part="password")
    await begin_session(request, response, officer.id)
    return response


@routes.post("/desk/account/codes", name="begin_totp", allow=Permission.ACCOUNT_OWN)
async def begin_totp(request: web.Request) -> web.StreamResponse:
    """Show a fresh secret, once, as a QR code and in letters. It counts when a code from it was typed in."""
    officer, vault = request[OFFICER], request.app[VAULT]
    if wrong := await _not_the_owner(request, await form(request)):
        return await _screen(request, wrong=wrong)
    secret = await request.app[DATABASE].write(lambda tx: officers.begin_totp(tx, vault, officer.id))
    size, path = qr_path(officers.totp_address(secret, officer))
    letters = " ".join(secret[n : n + 4] for n in range(0, len(secret), 4))
    return await _screen(request, totp={"secret": letters, "size": size, "path": path})


@routes.post("/desk/account/codes/confirm", name="confirm_totp", allow=Permission.ACCOUNT_OWN)
async def confirm_totp(request: web.Request) -> web.StreamResponse:
    officer, vault, now = request[OFFICER], request.app[VAULT], request.app[CLOCK].now()
    code = (await form(request)).get("code", "")

    def confirm(tx: Connection) -> bool:
        if not officers.confirm_totp(tx, vault, officer.id, code, now):
            return False
        _audit(tx, request, "officer.codes_on")
        return True

    right = await request.app[DATABASE].write(confirm)
    return go_to(request, "account", notice="codes_on" if right else "wrong_code", part="codes")


@routes.post("/desk/account/pairing/end", name="end_pairing", allow=Permission.ACCOUNT_OWN)
async def end_pairing(request: web.Request) -> web.StreamResponse:
    officer = request[OFFICER]

    def end(tx: Connection) -> None:
        officers.set_page_conversation(tx, officer.id, None)
        _audit(tx, request, "officer.unpaired")

    await request.app[DATABASE].write(end)
    return go_to(request, "account", notice="unpaired", part="pages")


def account_routes(telegram: TelegramName | None) -> Routes:
    """The routes of the account page, with the one that needs to know the bot's name in Telegram."""
    account = Routes()
    account.table.extend(routes.table)

    @account.post("/desk/account/pairing", name="pairing", allow=Permission.ACCOUNT_OWN)
    async def begin_pairing(request: web.Request) -> web.StreamResponse:
        """A one-time code to send to the bot from one's own phone."""
        officer, now = request[OFFICER], request.app[CLOCK].now()

        def make(tx: Connection) -> str:
            _audit(tx, request, "officer.pairing_code")
            return make_pairing_code(tx, officer.id, at=now)

        code = await request.app[DATABASE].write(make)
        return await _screen(request, pairing={"code": code, **await _link(telegram, code)})

    return account


async def _link(telegram: TelegramName | None, code: str) -> dict[str, Any]:
    """The link that opens the bot with the code, also as a QR code. Without an answer the code alone has to do."""
    if telegram is None:
        return {"link": None}
    try:
        async with asyncio.timeout(NAME_SECONDS):
            name = await telegram.username()
    except Exception as error:
        log.warning("bot_name_unknown", exc_info=error)
        return {"link": None}
    link = f"https://t.me/{name}?start={code}"
    size, path = qr_path(link)
    return {"link": link, "size": size, "path": path}


def _audit(tx: Connection, request: web.Request, act: str, facts: dict[str, int] | None = None) -> None:
    officer, now = request[OFFICER], request.app[CLOCK].now()
    who = f"officer:{officer.id}"
    audit.append(tx, request.app[VAULT], at=now, actor=officer.id, act=act, object=who, facts=dict(facts or {}))
