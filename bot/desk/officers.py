"""The accounts of the desk: who has which role; add, switch off, let in by a one-time link."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from sqlalchemy.engine import Connection

from bot.cases import handover
from bot.cases import store as cases
from bot.cases.spoken import SPOKEN
from bot.cases.spoken import set_languages as set_spoken
from bot.desk.adults import bodies
from bot.desk.frame import go_to, hand_of, show
from bot.kernel import audit, officers, sessions
from bot.kernel.access import Permission, Role, allows
from bot.kernel.officers import Officer
from bot.kernel.pages import route_url
from bot.kernel.web import Routes, form, require
from bot.kernel.web_keys import CLOCK, DATABASE, OFFICER, SETTINGS, SIGNALS, VAULT, WORDS
from bot.kernel.words import N_

routes = Routes()

ROLE_NAMES = {
    Role.OFFICER: N_("Officer: answers people"),
    Role.COORDINATOR: N_("Coordinator: sees every case, takes over"),
    Role.ADMIN: N_("Admin: accounts and services, no cases"),
    Role.AUTHOR: N_("Author: writes texts"),
    Role.APPROVER: N_("Approver: writes texts and decides what people get"),
}


@routes.get("/desk/officers", name="officers", allow=Permission.OFFICERS_READ)
async def show_officers(request: web.Request) -> web.StreamResponse:
    return await _screen(request)


async def _screen(request: web.Request, *, link: str | None = None, link_for: str | None = None) -> web.Response:
    def read(tx: Connection) -> dict[str, Any]:
        team = officers.list_officers(tx)
        return {
            "team": team,
            "held": {each.id: cases.held_count(tx, each.id) for each in team},
            "role_names": ROLE_NAMES,
            "spoken": SPOKEN,
            "editable": {each.id for each in team if allows(request[OFFICER], Permission.OFFICERS_EDIT, each)},
            "bodies": bodies(tx, [each.id for each in team]),
            "link": link,
            "link_for": link_for,
        }

    return await show(request, "desk/officers.html", read, here="officers")


@routes.post("/desk/officers", name="officers", allow=Permission.OFFICERS_EDIT)
async def add(request: web.Request) -> web.StreamResponse:
    """Add an account. It can be entered by a one-time link, which is made next."""
    fields, vault, now = await form(request), request.app[VAULT], request.app[CLOCK].now()
    name, sign_in_name = fields.get("name", "").strip()[:120], fields.get("sign_in_name", "").strip()[:120]
    roles = [role for role in Role if role.value in fields.getall("roles", [])]
    languages = [code for code in SPOKEN if code in fields.getall("languages", [])]
    if not name or not sign_in_name or not roles:
        return go_to(request, "officers", notice="incomplete")

    def make(tx: Connection) -> None:
        made = officers.add_officer(
            tx,
            vault,
            name=name,
            sign_in_name=sign_in_name,
            roles=roles,
            at=now,
            languages=languages or ["en"],
        )
        _audit(tx, request, "officer.add", made.id, {"roles": [role.value for role in roles]})

    try:
        await request.app[DATABASE].write(make)
    except officers.SignInNameTaken:
        return go_to(request, "officers", notice="name_taken")
    return go_to(request, "officers", notice="added")


@routes.post("/desk/officers/{id}/link", name="make_link", allow=Permission.OFFICERS_EDIT)
async def make_link(request: web.Request) -> web.StreamResponse:
    """Make a one-time sign-in link and show it, once."""
    target, now = await _target(request), request.app[CLOCK].now()

    def make(tx: Connection) -> str:
        _audit(tx, request, "officer.link", target.id)
        return officers.make_link(tx, target.id, now)

    token = await request.app[DATABASE].write(make)
    link = f"{request.app[SETTINGS].public_url}{route_url(request, 'link', {'token': token})}"
    return await _screen(request, link=link, link_for=target.name)


@routes.post("/desk/officers/{id}/disable", name="disable_officer", allow=Permission.OFFICERS_EDIT)
async def disable(request: web.Request) -> web.StreamResponse:
    """Switch an account off. Whatever it holds goes back to the queue in the same step."""
    target, now = await _target(request), request.app[CLOCK].now()

    def switch_off(tx: Connection) -> list[str]:
        topics = sessions.revoke_all(tx, target.id, now)
        officers.disable_officer(tx, target.id, now)
        handover.give_back_all(tx, request.app[VAULT], request.app[WORDS], target.id, at=now)
        _audit(tx, request, "officer.disable", target.id)
        return topics

    topics = await request.app[DATABASE].write(switch_off)
    request.app[SIGNALS].wake(*topics, "queue", "pages", "outbox")
    return go_to(request, "officers", notice="disabled")


@routes.post("/desk/officers/{id}/enable", name="enable_officer", allow=Permission.OFFICERS_EDIT)
async def enable(request: web.Request) -> web.StreamResponse:
    target = await _target(request)

    def switch_on(tx: Connection) -> None:
        officers.enable_officer(tx, target.id)
        _audit(tx, request, "officer.enable", target.id)

    await request.app[DATABASE].write(switch_on)
    return go_to(request, "officers", notice="enabled")


@routes.post("/desk/officers/{id}/languages", name="set_officer_languages", allow=Permission.OFFICERS_EDIT)
async def set_languages(request: web.Request) -> web.StreamResponse:
    """Which languages somebody answers in."""
    target, hand, chosen = await _target(request), hand_of(request), (await form(request)).getall("languages", [])
    try:
        await request.app[DATABASE].write(lambda tx: set_spoken(tx, hand, target.id, chosen))
    except ValueError:
        return go_to(request, "officers", notice="incomplete")
    request.app[SIGNALS].wake("queue")
    return go_to(request, "officers", notice="saved")


async def _target(request: web.Request) -> Officer:
    found = await request.app[DATABASE].read(lambda tx: officers.get_officer(tx, request.match_info["id"]))
    if found is None:
        raise web.HTTPNotFound
    require(request, Permission.OFFICERS_EDIT, found)
    return found


def _audit(
    tx: Connection, request: web.Request, act: str, officer_id: str, facts: dict[str, list[str]] | None = None
) -> None:
    actor, now, whose = request[OFFICER].id, request.app[CLOCK].now(), f"officer:{officer_id}"
    audit.append(tx, request.app[VAULT], at=now, actor=actor, act=act, object=whose, facts=dict(facts or {}))
