"""One service of the directory: to look it up while talking, to review, check and retire it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any

from aiohttp import web
from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases.hand import target
from bot.cases.model import Case, CaseError
from bot.desk.frame import country_name, go_to, hand_of, show
from bot.desk.ports import FoundService
from bot.desk.proving import proves_by
from bot.desk.queue import officer_names
from bot.desk.two_people import two_people, two_with
from bot.kernel import audit
from bot.kernel.access import Permission, Role, may_enter
from bot.kernel.crypto import Vault
from bot.kernel.officers import ALONE_AFTER, Officer, is_alone_with
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import CLOCK, DATABASE, LANGUAGE, OFFICER, VAULT, WORDS
from bot.kernel.words import N_
from directory import safe_place_changes, store
from directory import service as directory
from directory.asking import Directory
from directory.contacts import changed_contacts
from directory.coverage import Cover
from directory.differences import FIELDS, Difference, changes_with_differences, differences
from directory.files.secrecy import may_be_safe
from directory.model import (
    NEEDS,
    TRANSITIONS,
    URGENT_NEEDS,
    Method,
    NeedsCallBack,
    NeedsColleague,
    NeedsReason,
    NeedsSecondPerson,
    NotAllowedNow,
    NotTwoYet,
    RecordState,
    Service,
    Two,
    Verification,
    WrongRecord,
)
from directory.safe_places import kept_since
from directory.search import Search, find_near
from directory.values import Tongue, said

NOTHING_TYPED: Mapping[str, str] = MappingProxyType({})
#: So many others are offered where one does not answer, out of so many that are near.
SECOND_CHOICES, LOOKED_THROUGH = 3, 12
MOST_TO_REFER = 20
#: More signs than this hide one another; those where most is missing come first.
MOST_ON_MAP = 300


class Listed(Struct, frozen=True):
    """One service as the desk lists it. Of a safe place, never more than its town."""

    id: str
    name: str
    language: str
    organization: str
    needs: tuple[str, ...]  # their names in English, which are translated where they are shown
    place: str
    state: str
    checked_days_ago: int | None
    stale: bool
    confidential: bool
    phone: str
    demo: bool
    alone: bool  # put in force by one person, and seen by nobody else


def listed_as(
    found: directory.ListedService, places: Directory, language: str, alone: Collection[str] = frozenset()
) -> Listed:
    service = found.service
    name = service.name_in(language)
    towns = [places.place_name(at.city, at.country, language=language) for at in service.locations if at.city]
    return Listed(
        id=service.id,
        name=name.text,
        language=name.language,
        organization=found.organization,
        needs=tuple(NEEDS.get(need, need) for need in service.needs),
        place=", ".join(dict.fromkeys(towns))
        or ", ".join(country_name(code, language) for code in service.countries[:6]),
        state=service.state.value,
        checked_days_ago=found.checked_days_ago,
        stale=found.stale,
        confidential=service.confidential,
        phone=service.phones[0].number if service.phones else "",
        demo=service.demo,
        alone=service.id in alone,
    )


def _like(service: Service) -> Search | None:
    """What one looks for who would have gone there. None where it has no point that may be told, or no need."""
    points = [each for each in service.locations if each.latitude is not None and each.longitude is not None]
    if not points or not service.needs:
        return None
    here = points[0]
    assert here.latitude is not None
    assert here.longitude is not None
    return Search(service.needs[0], here.latitude, here.longitude, here.country, limit=LOOKED_THROUGH)


class PublishedServices:
    """The directory as a referral needs it (`bot.desk.ports.ServiceFinder`)."""

    def __init__(self, places: Directory) -> None:
        self._places = places

    def find(self, tx: Connection, words: str, *, language: str, at: datetime) -> list[FoundService]:
        current = RecordState.CURRENT
        needs = self._places.need_names(language)
        found = directory.list_services(
            tx, at=at, words=words, needs=needs, state=current, limit=MOST_TO_REFER, checked_first=True
        )
        return self._found(tx, found, language)

    def named(self, tx: Connection, service_id: str, *, language: str, at: datetime) -> FoundService | None:
        found = directory.list_services(tx, at=at, only=[service_id])
        current = [each for each in found if each.service.state is RecordState.CURRENT]
        return next(iter(self._found(tx, current[:1], language)), None)

    def instead_of(
        self, tx: Connection, service_id: str, *, besides: Collection[str], language: str, at: datetime
    ) -> list[FoundService]:
        found = directory.list_services(tx, at=at, only=[service_id])
        search = _like(found[0].service) if found else None
        if search is None:
            return []
        near = [service.id for service, _, _ in find_near(tx, search, at=at)]
        others = [each for each in near if each != service_id and each not in besides][:SECOND_CHOICES]
        listed = {each.service.id: each for each in directory.list_services(tx, at=at, only=others)}
        return self._found(tx, [listed[each] for each in others if each in listed], language)

    def hidden(self, tx: Connection, service_ids: Collection[str]) -> dict[str, str]:
        found = store.get_services(tx, sorted(service_ids))
        return {one.id: one.phones[0].number if one.phones else "" for one in found if one.confidential}

    def _found(self, tx: Connection, found: Sequence[directory.ListedService], language: str) -> list[FoundService]:
        alone = store.put_in_force_alone(tx, [one.service.id for one in found])
        listed = [listed_as(one, self._places, language, alone) for one in found]
        return [FoundService(one.id, one.name, one.place, one.stale, one.alone) for one in listed]


class Record(Struct, frozen=True):
    """One record as an editor looks at it: what it says, what it would change, what was done to it."""

    listed: Listed
    fields: list[tuple[str, str]]  # name of the field (a msgid), and what it says
    update_of: str | None
    proposed: list[Difference]
    contacts_change: bool
    pending: str | None  # the id of an open change of this record
    merged_into: str | None  # the id of the record that a person merged it into
    reports: dict[str, int]
    history: list[tuple[store.Change, list[Difference]]]
    next: list[str]  # the states it may go to
    new: bool  # it was never in force, and is no change of what is
    writers: frozenset[str]  # who may not put it in force, if it is new or a way to it changes
    hands: frozenset[str]  # who wrote it or put it in force: their check is no second look
    organization_id: str
    may_be_safe: str  # why somebody should ask whether its address may be told; empty where nothing speaks so


def look_at(tx: Connection, places: Directory, service_id: str, *, tongue: Tongue, at: datetime) -> Record | None:
    """A record with its history. Of a safe place: its front gate, for the record holds no more."""
    found = directory.list_services(tx, at=at, only=[service_id])
    if not found:
        return None
    service = found[0].service
    proposed, contacts = _proposal(tx, service, tongue)
    open_states = (RecordState.DRAFT, RecordState.IN_REVIEW)
    kept = store.kept_as(service)
    return Record(
        listed=listed_as(found[0], places, tongue.language, store.put_in_force_alone(tx, [service_id])),
        fields=[(title, said(field, kept[field], tongue)) for field, title in FIELDS.items()],
        update_of=service.update_of,
        proposed=proposed,
        contacts_change=contacts,
        pending=store.update_ids(tx, [service.id], open_states).get(service.id),
        merged_into=store.merged_into(tx, service.id),
        reports=store.open_reports(tx, [service.id]).get(service.id, {}),
        history=changes_with_differences(store.changes_of(tx, service.id), service, tongue),
        next=sorted(TRANSITIONS[service.state]),
        new=_new(tx, service),
        writers=frozenset(directory.writers_of_new(tx, service) if _new(tx, service) else _writers(tx, service)),
        hands=frozenset(store.authors(tx, service_id) | store.put_in_force_alone_by(tx, service_id)),
        organization_id=service.organization_id,
        may_be_safe="" if service.confidential else may_be_safe(service),
    )


def _new(tx: Connection, service: Service) -> bool:
    waits = service.state in (RecordState.DRAFT, RecordState.IN_REVIEW)
    return waits and service.update_of is None and store.was_in_force(tx, service.id) is None


def _writers(tx: Connection, service: Service) -> set[str]:
    was = store.was_in_force(tx, service.id) if service.update_of is None else None
    return store.authors(tx, service.id, since=was.at if was else None)


def _proposal(tx: Connection, service: Service, tongue: Tongue) -> tuple[list[Difference], bool]:
    if service.state not in (RecordState.DRAFT, RecordState.IN_REVIEW):
        return [], False
    if service.update_of is None:  # it may have been in force once, and come back as something else
        was = store.was_in_force(tx, service.id)
        return (
            ([], False)
            if was is None
            else (differences(was.before, service, tongue), bool(changed_contacts(was.before, service)))
        )
    try:
        current, changed = directory.proposed_record(tx, service)
    except KeyError:
        return [], False
    return differences(current, changed, tongue), bool(changed_contacts(current, changed))


def level(cover: Cover) -> str:
    """How well a town is covered, as the map colours it."""
    if not cover.missing_urgent:
        return "good"
    return "some" if len(cover.missing_urgent) <= len(URGENT_NEEDS) // 2 else "bad"


def for_case(tx: Connection, request: web.Request) -> Case | None:
    """The case for which a service is looked for, where the way here led from its talk. One that is not theirs to refer
    from is not found."""
    case_id = request.query.get("case", "")[:36]
    if not case_id:
        return None
    try:
        return target(tx, hand_of(request), case_id, Permission.REFERRAL_SEND, lock=False)
    except CaseError:
        raise web.HTTPNotFound from None


async def service_screen(
    request: web.Request, places: Directory, *, problems: Sequence[str] = (), typed: Mapping[str, str] = NOTHING_TYPED
) -> web.Response:
    """One record. `problems` say why nothing was done with its secret address, `typed` gives back what may be shown."""
    at, keys, officer = request.app[CLOCK].now(), request.app[VAULT], request[OFFICER]
    tongue = Tongue(request.app[WORDS], request[LANGUAGE])

    def read(tx: Connection) -> dict[str, Any]:
        record = look_at(tx, places, request.match_info["id"], tongue=tongue, at=at)
        if record is None:
            raise web.HTTPNotFound
        secret = secret_address(tx, keys, officer, record.listed.id) if record.listed.confidential else None
        return {
            "record": record,
            "methods": CHECKED_BY,
            "names": officer_names(tx),
            "kinds": REPORTED,
            "secret": secret,
            "proves_by": proves_by(officer),
            "alone": keeps_alone(tx, officer, at),
            "one_hand": any(two_people(tx, officer.id, hand, at) is not Two.YES for hand in record.hands),
            "problems": problems,
            "typed": typed,
            "for_case": for_case(tx, request),
        }

    return await show(request, "desk/service.html", read, here="services", status=409 if problems else 200)


def keeps_alone(tx: Connection, officer: Officer, at: datetime) -> bool:
    """Whether nobody is there who could look at what this person wrote."""
    return is_alone_with(tx, officer.id, Role.ADMIN, since=at - ALONE_AFTER)


class SecretAddress(Struct, frozen=True):
    """What the desk says of an address that it never shows."""

    since: datetime | None  # None: none is kept
    waits: safe_place_changes.Change | None
    changes: Sequence[safe_place_changes.Change]
    why: Mapping[str, str]


def secret_address(tx: Connection, keys: Vault, officer: Officer, service_id: str) -> SecretAddress:
    """Of one record: whether an address is kept, and who did what. What was said on the phone is for the editors."""
    edits = may_enter(officer, Permission.SERVICES_EDIT)
    return SecretAddress(
        kept_since(tx, service_id),
        safe_place_changes.waiting(tx, service_id),
        safe_place_changes.changes_of(tx, keys, service_id, with_notes=edits) if edits else (),
        safe_place_changes.WHY,
    )


def services_routes(places: Directory) -> Routes:
    """The routes of one service."""
    routes = Routes()

    @routes.get("/desk/services/{id}", name="service", allow=Permission.SERVICES_READ)
    async def show_service(request: web.Request) -> web.StreamResponse:
        return await service_screen(request, places)

    @routes.post("/desk/services/{id}/move", name="move_service", allow=Permission.SERVICES_EDIT)
    async def move(request: web.Request) -> web.StreamResponse:
        """Take the record a step on. A change that is put in force leads to the record it changed."""
        fields, service_id, at = await form(request), request.match_info["id"], request.app[CLOCK].now()
        await _require_there(request)
        to, who = fields.get("to", ""), request[OFFICER].id
        if to not in {state.value for state in RecordState}:
            raise web.HTTPBadRequest
        why, call_back = fields.get("why", "").strip()[:2000], fields.get("call_back", "").strip()[:2000]

        def work(tx: Connection) -> str:
            alone = fields.get("alone") == "yes" and keeps_alone(tx, request[OFFICER], at)
            moved = directory.move_service(
                tx,
                service_id,
                RecordState(to),
                by=who,
                at=at,
                why=why,
                call_back=call_back,
                alone=alone,
                two=two_with(tx, who, at),
            )
            moved_on(tx, request, moved, to)
            return moved.id

        answer = await _answer(request, work)
        await forgotten(request, to)
        return answer

    @routes.post("/desk/services/{id}/check", name="check_service", allow=Permission.SERVICES_EDIT)
    async def check(request: web.Request) -> web.StreamResponse:
        """Write down that the record was found to be true."""
        fields, service_id, at = await form(request), request.match_info["id"], request.app[CLOCK].now()
        await _require_there(request)
        method, source = fields.get("method", ""), fields.get("source", "").strip()[:500]
        if method not in {each.value for each in CHECKED_BY}:
            raise web.HTTPBadRequest

        def work(tx: Connection) -> str:
            checked = Verification(at, request[OFFICER].name, Method(method), source)
            directory.verify_service(tx, service_id, checked)
            who = request[OFFICER].id
            directory.second_look(tx, service_id, by=who, at=at, two=two_with(tx, who, at))
            _audit(tx, request, "service.check", service_id)
            return service_id

        return await _answer(request, work)

    async def _require_there(request: web.Request) -> None:
        """What is not there is not found, whatever was sent with it."""
        service_id = request.match_info["id"]
        if await request.app[DATABASE].read(lambda tx: store.get_service(tx, service_id)) is None:
            raise web.HTTPNotFound

    async def _answer(request: web.Request, work: Callable[[Connection], str]) -> web.StreamResponse:
        """Do it, show the record, and say what hindered where something did."""
        notice, shown = "saved", request.match_info["id"]
        try:
            shown = await request.app[DATABASE].write(work)
        except KeyError:
            raise web.HTTPNotFound from None
        except WrongRecord:
            notice = "who_and_where"
        except NotTwoYet:
            notice = "not_two_yet"
        except NeedsColleague:
            notice = "needs_colleague"
        except NeedsSecondPerson:
            notice = "second_person"
        except NeedsReason:
            notice = "who_and_where"
        except NeedsCallBack:
            notice = "call_back"
        except NotAllowedNow:
            notice = "record_moved"
        return go_to(request, "service", notice=notice, id=shown)

    return routes


#: How an editor can have checked a record, and what people can have reported, with their names.
CHECKED_BY = {
    Method.PHONE: N_("by phone"),
    Method.VISIT: N_("by a visit"),
    Method.PROVIDER: N_("the provider confirmed it"),
    Method.PUBLISHED: N_("read in a public source"),
}
REPORTED = {
    "closed": N_("It was closed"),
    "refused_me": N_("They refused somebody"),
    "wrong_number": N_("The number is wrong"),
    "other": N_("Something else is wrong"),
}


#: A record that goes there is offered no more.
OVER = (RecordState.ARCHIVED, RecordState.REJECTED)


async def forgotten(request: web.Request, to: str) -> None:
    """With its key an address is gone from the log of an embedded database too."""
    if to in OVER:
        await request.app[DATABASE].clear_log()


def moved_on(tx: Connection, request: web.Request, moved: Service, to: str) -> None:
    """Write the step down. Of a safe place that is offered no more nothing is kept that could say where it was."""
    _audit(tx, request, f"service.{to}", moved.id)
    if to in OVER:
        vault, at = request.app[VAULT], request.app[CLOCK].now()
        note = partial(audit.append, vault=vault)
        safe_place_changes.forget(tx, vault, note, service_id=moved.id, by=request[OFFICER].id, at=at)


def _audit(tx: Connection, request: web.Request, act: str, service_id: str) -> None:
    actor, now = request[OFFICER].id, request.app[CLOCK].now()
    audit.append(tx, request.app[VAULT], at=now, actor=actor, act=act, object=f"service:{service_id}", facts={})
