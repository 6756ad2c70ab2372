"""Who runs services: found, added, changed. What people have read of it is changed by a draft, as a service is."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from msgspec.structs import asdict, replace
from sqlalchemy.engine import Connection

from bot.desk.frame import go_to, show
from bot.desk.languages import all_languages
from bot.desk.queue import officer_names
from bot.desk.service_list import page_asked
from bot.desk.services import keeps_alone
from bot.desk.two_people import two_with
from bot.kernel import audit
from bot.kernel.access import Permission
from bot.kernel.ids import new_id
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import CLOCK, DATABASE, LANGUAGE, OFFICER, VAULT, WORDS
from directory import organizations as directory
from directory import store
from directory.contacts import changed_ways_of_owner
from directory.editing import LANGUAGES
from directory.model import (
    TRANSITIONS,
    NeedsCallBack,
    NeedsSecondPerson,
    NotAllowedNow,
    NotTwoYet,
    Organization,
    RecordState,
    WrongRecord,
    with_read,
    with_stale_description,
)
from directory.translations import over_those
from directory.values import Tongue, said

routes = Routes()

MOST = 100
LONGEST = {"name": 300, "description": 4000, "website": 500, "email": 300}


@routes.get("/desk/organizations", name="organizations", allow=Permission.SERVICES_READ)
async def show_organizations(request: web.Request) -> web.StreamResponse:
    """A page of them, and whether there are more. `show=open`: those of which a change waits."""
    words, page = request.query.get("q", "").strip()[:200], page_asked(request.query.get("page", ""))
    waiting = request.query.get("show") == "open"
    kept = {name: value for name, value in (("q", words), ("show", "open" if waiting else "")) if value}

    def read(tx: Connection) -> dict[str, Any]:
        offset = (page - 1) * MOST
        found = store.list_organizations(tx, words=words, waiting=waiting, limit=MOST + 1, offset=offset)
        return {"listed": found[:MOST], "more": len(found) > MOST, "q": words, "page": page, "kept": kept}

    return await show(request, "desk/organizations.html", read, here="services")


@routes.get("/desk/organizations/new", name="new_organization", allow=Permission.SERVICES_EDIT)
async def show_new(request: web.Request) -> web.StreamResponse:
    page = _form(Organization(new_id(), "", ""), new=True)
    return await show(request, "desk/organization_edit.html", lambda _tx: page | _around(request), here="services")


@routes.post("/desk/organizations/new", name="new_organization", allow=Permission.SERVICES_EDIT)
async def add(request: web.Request) -> web.StreamResponse:
    """Keep a new organisation. The same form sent twice makes one."""
    fields = await form(request)
    try:
        wanted = _written(Organization(str(uuid.UUID(fields.get("id", ""))), "", ""), fields)
    except ValueError:
        raise web.HTTPBadRequest from None

    def work(tx: Connection) -> None:
        if wanted.id in store.get_organizations(tx, [wanted.id]):
            return
        directory.save_organization(tx, wanted, by=request[OFFICER].id, at=request.app[CLOCK].now(), why=_why(fields))
        _audit(tx, request, "add", wanted.id)

    try:
        await request.app[DATABASE].write(work)
    except WrongRecord as error:
        return await _again(request, _form(wanted, new=True, fields=fields, problems=error.problems))
    return go_to(request, "organization", notice="saved", id=wanted.id)


@routes.get("/desk/organizations/{id}", name="organization", allow=Permission.SERVICES_READ)
async def show_organization(request: web.Request) -> web.StreamResponse:
    organization_id, me = request.match_info["id"], request[OFFICER].id
    tongue = Tongue(request.app[WORDS], request[LANGUAGE])

    def read(tx: Connection) -> dict[str, Any]:
        current = _there(tx, organization_id)
        waiting = store.get_organization_draft(tx, organization_id)
        return {
            "organization": current,
            "told": store.organization_was_told(tx, organization_id),
            "waiting": waiting,
            "next": sorted(TRANSITIONS[waiting.state]) if waiting else [],
            "ways_change": bool(waiting and changed_ways_of_owner(current, waiting.organization)),
            "mine": me in store.organization_authors(tx, organization_id),
            "services": store.get_services(tx, store.services_of(tx, organization_id, limit=MOST)),
            "history": store.organization_changes_of(tx, organization_id),
            "names": officer_names(tx),
            "texts": lambda shown: said("descriptions", [asdict(text) for text in shown.descriptions], tongue),
            "alone": keeps_alone(tx, request[OFFICER], request.app[CLOCK].now()),
        }

    return await show(request, "desk/organization.html", read, here="services")


@routes.get("/desk/organizations/{id}/edit", name="edit_organization", allow=Permission.SERVICES_EDIT)
async def show_edit(request: web.Request) -> web.StreamResponse:
    """The form, with the change that is open where there is one, so that nobody's work is lost."""

    def read(tx: Connection) -> Mapping[str, Any]:
        current = _there(tx, request.match_info["id"])
        waiting = store.get_organization_draft(tx, current.id)
        if waiting is not None:
            current = waiting.organization
        return _form(current, told=store.organization_was_told(tx, current.id)) | _around(request)

    return await show(request, "desk/organization_edit.html", read, here="services")


@routes.post("/desk/organizations/{id}/edit", name="edit_organization", allow=Permission.SERVICES_EDIT)
async def edit(request: web.Request) -> web.StreamResponse:
    fields, organization_id = await form(request), request.match_info["id"]

    def work(tx: Connection) -> None:
        current = _there(tx, organization_id)
        waiting = store.get_organization_draft(tx, organization_id)
        shown = waiting.organization if waiting else current
        if fields.get("seen") != _seen(shown):
            raise NotAllowedNow("somebody changed it meanwhile")
        wanted, at = _written(current, fields), request.app[CLOCK].now()
        directory.save_organization(tx, wanted, by=request[OFFICER].id, at=at, why=_why(fields))
        _audit(tx, request, "edit", organization_id)

    try:
        await request.app[DATABASE].write(work)
    except WrongRecord as error:
        current = await request.app[DATABASE].read(lambda tx: _there(tx, organization_id))
        return await _again(request, _form(_written(current, fields), fields=fields, problems=error.problems))
    except NotAllowedNow:
        return await _moved(request, fields)
    return go_to(request, "organization", notice="saved", id=organization_id)


async def _moved(request: web.Request, fields: Mapping[str, str]) -> web.StreamResponse:
    """What was typed over an organisation that has changed since, beside what it says now. Sent once more it counts."""

    def read(tx: Connection) -> Mapping[str, Any]:
        current = _there(tx, request.match_info["id"])
        waiting = store.get_organization_draft(tx, current.id)
        now, told = waiting.organization if waiting else current, store.organization_was_told(tx, current.id)
        page = _form(_written(current, fields), told=told, fields=fields)
        return page | {"seen": _seen(now), "says_now": now} | _around(request)

    return await show(request, "desk/organization_edit.html", read, here="services", status=409)


@routes.post("/desk/organizations/{id}/move", name="move_organization", allow=Permission.SERVICES_EDIT)
async def move(request: web.Request) -> web.StreamResponse:
    """Take the open change a step on: give it to review, put it in force, reject it."""
    fields, organization_id, at = await form(request), request.match_info["id"], request.app[CLOCK].now()
    to, call_back = fields.get("to", ""), fields.get("call_back", "").strip()[:2000]
    await request.app[DATABASE].read(lambda tx: _there(tx, organization_id))
    if to not in {state.value for state in RecordState}:
        raise web.HTTPBadRequest

    def work(tx: Connection) -> None:
        by, why = request[OFFICER].id, _why(fields)
        directory.move_organization(
            tx,
            organization_id,
            RecordState(to),
            by=by,
            at=at,
            why=why,
            call_back=call_back,
            two=two_with(tx, by, at),
        )
        _audit(tx, request, to, organization_id)

    notice = "saved"
    try:
        await request.app[DATABASE].write(work)
    except NotTwoYet:
        notice = "not_two_yet"
    except NeedsSecondPerson:
        notice = "second_person"
    except NeedsCallBack:
        notice = "call_back"
    except (KeyError, NotAllowedNow):
        notice = "record_moved"
    return go_to(request, "organization", notice=notice, id=organization_id)


def _there(tx: Connection, organization_id: str) -> Organization:
    try:
        return store.get_organizations(tx, [organization_id])[organization_id]
    except KeyError:
        raise web.HTTPNotFound from None


def _written(current: Organization, fields: Mapping[str, str]) -> Organization:
    written = {name: fields.get(name, "").strip()[:longest] for name, longest in LONGEST.items()}
    own = fields["language"] if fields.get("language") in dict(all_languages("en")) else current.language
    told = {code: fields[f"description.{code}"].strip()[: LONGEST["description"]] for code in _told_in(current, fields)}
    another = fields.get("language.another", "")
    if another in dict(all_languages("en")) and (text := fields.get("description.another", "").strip()):
        told[another] = text[: LONGEST["description"]]
    told.pop(own, None)
    read = {code for code in languages_of(current) if fields.get(f"fresh.{code}")}
    changed = replace(current, **written, language=own, descriptions=over_those(current.descriptions, told))
    return with_read(with_stale_description(current, changed), read)


def _told_in(current: Organization, fields: Mapping[str, str]) -> list[str]:
    return [code for code in languages_of(current) if f"description.{code}" in fields]


def languages_of(shown: Organization) -> tuple[str, ...]:
    """Those that stand side by side, without that of the original."""
    codes = dict.fromkeys((*LANGUAGES, *(text.language for text in shown.descriptions)))
    return tuple(code for code in codes if code != shown.language)


def _form(
    shown: Organization,
    *,
    new: bool = False,
    told: bool = False,
    fields: Mapping[str, str] | None = None,
    problems: list[str] | None = None,
) -> dict[str, Any]:
    return {
        "organization": shown,
        "texts": {text.language: text for text in shown.descriptions},
        "languages": languages_of(shown),
        "another": {} if fields is None else fields,
        "new": new,
        "told": told,
        "seen": _seen(shown) if fields is None else fields.get("seen", ""),
        "why": "" if fields is None else fields.get("why", ""),
        "problems": problems or [],
        "says_now": None,
    }


def _around(request: web.Request) -> dict[str, Any]:
    return {"others": all_languages(request[LANGUAGE])}


def _seen(shown: Organization) -> str:
    """By which a form knows that nobody has changed what it was made from."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, repr(shown)))


def _why(fields: Mapping[str, str]) -> str:
    return fields.get("why", "").strip()[:2000]


async def _again(request: web.Request, page: Mapping[str, Any]) -> web.StreamResponse:
    return await show(
        request, "desk/organization_edit.html", lambda _tx: {**page, **_around(request)}, here="services", status=422
    )


def _audit(tx: Connection, request: web.Request, act: str, organization_id: str) -> None:
    named, at = f"organization:{organization_id}", request.app[CLOCK].now()
    audit.append(
        tx, request.app[VAULT], at=at, actor=request[OFFICER].id, act=f"organization.{act}", object=named, facts={}
    )
