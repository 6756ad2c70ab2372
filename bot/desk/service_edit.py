"""A record of the directory written or changed on the desk: one form; what is in force is changed by a draft."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from aiohttp import web
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.desk.frame import go_to, show
from bot.desk.languages import all_languages
from bot.desk.maps import with_map
from bot.kernel import audit
from bot.kernel.access import Permission
from bot.kernel.ids import new_id
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import CLOCK, DATABASE, LANGUAGE, OFFICER, VAULT, WORDS
from bot.kernel.words import N_
from directory import service as directory
from directory import store
from directory.differences import differences
from directory.editing import (
    LANGUAGES,
    NEW_PLACE,
    changed,
    form_of,
    languages_of,
    phone_rows,
    place_prefix,
    single_places,
)
from directory.misplaced import middle_of, misplacement
from directory.model import (
    ACCESSIBILITY,
    DOCUMENTS,
    LEGAL_STATUS,
    MACHINE,
    NEEDS,
    NO_POINT,
    REPORTS_TO,
    STAFF,
    NotAllowedNow,
    Organization,
    RecordState,
    Service,
    WrongRecord,
)
from directory.moment import moment_to_int
from directory.values import BY_MACHINE, GENDERS, PHONE_KINDS, STALE, STATUSES, Tongue
from directory.words import Because, because

CHOICES = {
    "documents": DOCUMENTS,
    "phone_kinds": PHONE_KINDS,
    "needs": NEEDS,
    "genders": GENDERS,
    "statuses": STATUSES,
    "legal_status": LEGAL_STATUS,
    "staff": STAFF,
    "reports_to": REPORTS_TO,
    "accessibility": ACCESSIBILITY,
}
POINT_PUT = N_(
    "The point is in the middle of {town} for now. Move it to the door on the map, or save again as it is: people are "
    "then told the town, and shown no map."
)
OPEN_STATES = (RecordState.DRAFT, RecordState.IN_REVIEW)


def service_edit_routes() -> Routes:
    """The form of one record, and of one that is new."""
    routes = Routes()

    @routes.get("/desk/organizations/{id}/new-service", name="new_service", allow=Permission.SERVICES_EDIT)
    async def show_new(request: web.Request) -> web.StreamResponse:
        safe = request.query.get("safe") == "yes"

        def read(tx: Connection) -> Mapping[str, Any]:
            return {**_new_page(_owner(tx, request), _blank(request, new_id(), safe=safe)), **_around(request)}

        return await show(request, "desk/service_edit.html", read, here="services")

    @routes.post("/desk/organizations/{id}/new-service", name="new_service", allow=Permission.SERVICES_EDIT)
    async def add(request: web.Request) -> web.StreamResponse:
        """Keep a new record as a draft. The same form sent twice makes one record."""
        filled = dict(await form(request))
        await request.app[DATABASE].read(lambda tx: _owner(tx, request))
        safe, language = filled.get("confidential") == "yes", filled.get("language")
        blank = _blank(request, _uuid(filled), safe=safe, language=language)
        try:
            await request.app[DATABASE].write(lambda tx: _add(tx, request, blank, filled))
        except WrongRecord as error:
            shown, problems = (filled, error.problems) if safe else _with_towns(filled, error.problems, places=0)

            def again(tx: Connection) -> Mapping[str, Any]:
                page = _new_page(_owner(tx, request), blank, filled=shown, problems=problems)
                return {**page, **_around(request)}

            return await show(request, "desk/service_edit.html", again, here="services", status=422)
        return go_to(request, "service", notice="saved", id=blank.id)

    @routes.get("/desk/services/{id}/edit", name="edit_service_form", allow=Permission.SERVICES_EDIT)
    async def show_form(request: web.Request) -> web.StreamResponse:
        service_id = request.match_info["id"]
        pending = await request.app[DATABASE].read(lambda tx: store.update_ids(tx, [service_id], OPEN_STATES))
        if service_id in pending:  # go on with the change that is open, so that nobody's work is lost
            return go_to(request, "service", id=pending[service_id])

        def read(tx: Connection) -> Mapping[str, Any]:
            return {**_page(_record(tx, service_id)), **_around(request)}

        return await show(request, "desk/service_edit.html", read, here="services")

    @routes.post("/desk/services/{id}/edit", name="edit_service", allow=Permission.SERVICES_EDIT)
    async def edit(request: web.Request) -> web.StreamResponse:
        fields = await form(request)
        filled, service_id = dict(fields), request.match_info["id"]
        try:
            kept = await request.app[DATABASE].write(lambda tx: _keep(tx, request, service_id, filled))
        except WrongRecord as error:
            problems = error.problems

            def again(tx: Connection) -> Mapping[str, Any]:
                record = _record(tx, service_id)
                put: tuple[Mapping[str, str], list[str]] = (filled, problems)
                if not record.confidential:
                    put = _with_towns(filled, problems, places=len(record.locations))
                return {**_page(record, filled=put[0], problems=put[1]), **_around(request)}

            return await show(request, "desk/service_edit.html", again, here="services", status=422)
        except NotAllowedNow:

            def moved(tx: Connection) -> Mapping[str, Any]:
                return {**_moved_page(tx, request, service_id, filled), **_around(request)}

            return await show(request, "desk/service_edit.html", moved, here="services", status=409)
        return go_to(request, "service", notice="saved", id=kept)

    return routes


def _owner(tx: Connection, request: web.Request) -> Organization:
    organization_id = request.match_info["id"]
    try:
        return store.get_organizations(tx, [organization_id])[organization_id]
    except KeyError:
        raise web.HTTPNotFound from None


def _with_towns(filled: Mapping[str, str], problems: list[str], *, places: int) -> tuple[Mapping[str, str], list[str]]:
    """What was filled in, with the middle of its town for each place without a point: whoever knows the street need not
    know degrees. They look at it once before it is kept."""
    put, said = dict(filled), []
    for prefix in (*(place_prefix(number) for number in range(places)), NEW_PLACE):
        town, country = filled.get(f"{prefix}city", "").strip(), filled.get(f"{prefix}country", "").strip().upper()
        if any(filled.get(f"{prefix}{name}", "").strip() for name in ("latitude", "longitude")):
            continue
        if (point := middle_of(town, country)) is not None:
            put |= {f"{prefix}latitude": str(point[0]), f"{prefix}longitude": str(point[1])}
            said.append(because(POINT_PUT, town=town))
    if not said:
        return filled, problems
    kept = [why for why in problems if not (isinstance(why, Because) and why.msgid == NO_POINT)]
    return put, said + kept


def _uuid(filled: Mapping[str, str]) -> str:
    """The id that the form was given when it was shown."""
    try:
        return str(uuid.UUID(filled.get("id", "")))
    except ValueError:
        raise web.HTTPBadRequest from None


def _blank(request: web.Request, service_id: str, *, safe: bool, language: str | None = None) -> Service:
    """A record in which nothing is written yet."""
    known = {code for code, _ in all_languages("en")}
    own = language if language in known else request[LANGUAGE] if request[LANGUAGE] in LANGUAGES else LANGUAGES[0]
    return Service(service_id, request.match_info["id"], "", "", (), language=own, confidential=safe)


def _add(tx: Connection, request: web.Request, blank: Service, filled: Mapping[str, str]) -> None:
    """Keep a new record, unless this form made one already. Raises WrongRecord."""
    owner, at, by = _owner(tx, request), request.app[CLOCK].now(), request[OFFICER].id
    if store.get_service(tx, blank.id) is not None:
        return
    wanted = replace(_checked(blank, filled, at=at), demo=owner.demo)
    draft = directory.save_draft(tx, wanted, by=by, at=at, why=_why(filled))
    audit.append(tx, request.app[VAULT], at=at, actor=by, act="service.add", object=f"service:{draft.id}", facts={})


def _checked(record: Service, filled: Mapping[str, str], *, at: datetime) -> Service:
    """The record as the form says. Raises WrongRecord, also for a place that is not where its town is."""
    wanted = changed(record, filled, at=at)
    moved = [place for place in wanted.locations if place not in record.locations]
    if misplaced := [why for place in moved if (why := misplacement(place))]:
        raise WrongRecord(misplaced)
    return wanted


def _why(filled: Mapping[str, str]) -> str:
    return filled.get("why", "").strip()[:2000]


def _new_page(
    owner: Organization,
    blank: Service,
    *,
    filled: Mapping[str, str] | None = None,
    problems: list[str] | None = None,
) -> dict[str, Any]:
    return {**_page(blank, filled=filled, problems=problems), "name": owner.name, "owner": owner.id}


def _record(tx: Connection, service_id: str) -> Service:
    record = store.get_service(tx, service_id)
    if record is None:
        raise web.HTTPNotFound
    return record


def _page(
    record: Service, *, filled: Mapping[str, str] | None = None, problems: list[str] | None = None
) -> dict[str, Any]:
    shown = form_of(record) if filled is None else {"language": record.language, **filled}
    return {
        **CHOICES,
        "id": record.id,
        "name": record.name,
        "in_force": record.state is RecordState.CURRENT,
        "confidential": record.confidential,
        "owner": None,
        "places": [place_prefix(number) for number in range(len(record.locations))],
        "another": NEW_PLACE,
        "languages": languages_of(record),
        "doubts": _doubts(record),
        "seen": _seen(record) if filled is None else filled.get("seen", ""),
        "form": shown,
        "phone_rows": phone_rows(shown),
        "single": single_places(record, shown),
        "problems": problems or [],
        "moved": False,
    }


def _around(request: web.Request) -> Mapping[str, Any]:
    """What the form needs that is the same for every record."""
    return {**with_map(request), "others": all_languages(request[LANGUAGE])}


def _doubts(record: Service) -> dict[str, list[str]]:
    """Why somebody should read what the record says in a language, by the language."""
    found: dict[str, dict[str, None]] = {}
    for text in record.every_translation():
        whys = {BY_MACHINE: text.source == MACHINE, STALE: text.stale}
        for why in (why for why, holds in whys.items() if holds):
            found.setdefault(text.language, {})[why] = None
    return {language: list(whys) for language, whys in found.items()}


def _moved_page(tx: Connection, request: web.Request, service_id: str, filled: Mapping[str, str]) -> Mapping[str, Any]:
    """What was typed over a record that has changed since, beside what it says now. Sent once more it counts.

    Where somebody proposed a change meanwhile, it goes on with that one, as the form does that is opened now.
    """
    open_change = store.update_ids(tx, [service_id], OPEN_STATES).get(service_id)
    record = _record(tx, open_change or service_id)
    page = _page(record, filled=filled) | {"seen": _seen(record), "moved": True, "meanwhile": [], "waits": open_change}
    if record.state is RecordState.IN_REVIEW:
        return page
    with suppress(WrongRecord):  # said when it is sent
        typed = changed(record, filled, at=request.app[CLOCK].now())
        page["meanwhile"] = differences(record, typed, Tongue(request.app[WORDS], request[LANGUAGE]))
    return page


def _seen(record: Service) -> str:
    """By which a form knows that nobody has changed the record since it was shown."""
    return str(moment_to_int(record.modified_at)) if record.modified_at is not None else ""


def _keep(tx: Connection, request: web.Request, service_id: str, filled: Mapping[str, str]) -> str:
    """Keep what was filled in. Returns the id of the draft it became. Raises WrongRecord, NotAllowedNow."""
    record, at, by = _record(tx, service_id), request.app[CLOCK].now(), request[OFFICER].id
    if filled.get("seen") != _seen(record) or store.update_ids(tx, [service_id], OPEN_STATES):
        raise NotAllowedNow("somebody changed the record meanwhile")
    wanted = _checked(record, filled, at=at)
    if problems := directory.shared_location_problems(tx, wanted):
        raise WrongRecord(problems)
    why = _why(filled)
    in_force = record.state is RecordState.CURRENT
    keep = directory.propose_change if in_force else directory.save_draft
    draft = keep(tx, wanted, by=by, at=at, why=why)
    audit.append(tx, request.app[VAULT], at=at, actor=by, act="service.edit", object=f"service:{draft.id}", facts={})
    return draft.id
