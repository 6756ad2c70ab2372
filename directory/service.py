"""What one can do with the directory. Each use case is a function of a transaction; `Directory` puts them to work."""

from __future__ import annotations

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import fmean
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from directory import search as searching
from directory import store
from directory.areas import Areas, Here, Regions
from directory.model import (
    NEEDS,
    STALE_AFTER,
    TRANSITIONS,
    URGENT_NEEDS,
    FoundPlace,
    FoundService,
    Gender,
    NeedsCallBack,
    NeedsSecondPerson,
    NotAllowedNow,
    Organization,
    RecordState,
    Service,
    Verification,
    WrongRecord,
    fixed_id,
)
from directory.places import Gazetteer, Place, Places
from directory.search import Search
from directory.seeds import emergency_numbers, put_helplines
from directory.store import Transactions
from directory.words import Translates, because

#: Known to work on mobile networks nearly everywhere, and the number of the whole European Union.
EMERGENCY_ANYWHERE = "112"

#: Towns in which something is offered are read again after so long.
TOWNS_FRESH_FOR = timedelta(minutes=1)

#: A shared location is used to about 100 metres, and not kept more exactly than that.
SHARED_DIGITS = 3


class Clock(Protocol):
    def now(self) -> datetime: ...


# --- use cases --------------------------------------------------------------------------------------------------


def save_organization(tx: Connection, organization: Organization, *, at: datetime) -> None:
    if not organization.name.strip():
        raise WrongRecord([because("an organisation needs a name")])
    store.put_organization(tx, organization, at=at)


def save_draft(tx: Connection, service: Service, *, by: str, at: datetime, why: str = "") -> Service:
    """Keep a new service, or a change to one that is still a draft. Whatever it claims, it is unverified.

    Raises WrongRecord naming everything that is wrong, NotAllowedNow when the record is past being a draft.
    """
    before = may_save_draft(tx, service)
    draft = replace(
        service,
        state=RecordState.DRAFT,
        verification=before.verification if before else None,
        update_of=before.update_of if before else None,
    )
    store.put_service(tx, draft, at=at)
    act = "changed" if before else "drafted"
    store.add_change(tx, draft.id, at=at, by=by, act=act, before=before, why=why, row_id=_new_id())
    return draft


def may_save_draft(tx: Connection, service: Service) -> Service | None:
    """The draft that `save_draft` would write over; it raises what that would raise, and writes nothing."""
    if problems := [*service.problems(), *shared_location_problems(tx, service)]:
        raise WrongRecord(problems)
    before = store.get_service(tx, service.id)
    if before is not None and before.state is not RecordState.DRAFT:
        raise NotAllowedNow(
            because("service {id} is {state}: only a draft can be changed", id=service.id, state=before.state)
        )
    if before is None and not store.get_organizations(tx, [service.organization_id]):
        raise WrongRecord([because("the organisation of the service is not known")])
    return before


def shared_location_problems(tx: Connection, service: Service) -> list[str]:
    """A location of another service as well may be named, but not changed: it would move the other service."""
    known = store.get_locations(tx, [location.id for location in service.locations])
    altered = [location.id for location in service.locations if known.get(location.id, location) != location]
    elsewhere = store.used_elsewhere(tx, altered, service.id) if altered else set()
    return [
        because("location {id} is another service's too, with other content", id=location_id)
        for location_id in sorted(elsewhere)
    ]


def propose_change(tx: Connection, changed: Service, *, by: str, at: datetime, why: str = "") -> Service:
    """Keep a change to a record in force as a draft of its own, which leaves the record as it is. Returns the draft.

    `changed` has the id of the record in force. There is one open change of a record at a time: a second proposal
    replaces the first while that is a draft. Raises KeyError, WrongRecord, NotAllowedNow.
    """
    current = may_propose_change(tx, changed)
    draft_id = change_id(current.id)
    draft = replace(
        changed,
        id=draft_id,
        organization_id=current.organization_id,
        state=RecordState.DRAFT,
        verification=None,
        update_of=current.id,
        locations=tuple(replace(place, id=_draft_location(draft_id, place.id)) for place in changed.locations),
    )
    store.put_service(tx, draft, at=at)
    store.add_change(tx, draft_id, at=at, by=by, act="proposed", before=current, why=why, row_id=_new_id())
    return draft


def may_propose_change(tx: Connection, changed: Service) -> Service:
    """The record in force that `propose_change` would leave as it is; raises what that would raise."""
    current = store.get_service(tx, changed.id)
    if current is None:
        raise KeyError(changed.id)
    if current.state is not RecordState.CURRENT:
        raise NotAllowedNow(
            because(
                "service {id} is {state}: only a record in force is changed by a draft",
                id=changed.id,
                state=current.state,
            )
        )
    if problems := changed.problems():
        raise WrongRecord(problems)
    before = store.get_service(tx, change_id(changed.id))
    if before is not None and before.state is RecordState.IN_REVIEW:
        raise NotAllowedNow(because("a change of service {id} is in review: decide about it first", id=changed.id))
    return current


def change_id(service_id: str) -> str:
    """The id of the one open change of a record."""
    return fixed_id("change of", service_id)


def _draft_location(draft_id: str, location_id: str) -> str:
    """A draft has locations of its own, so that writing it moves nothing that is in force."""
    return fixed_id("location of change", draft_id, location_id)


def proposed_record(tx: Connection, draft: Service) -> tuple[Service, Service]:
    """The record in force, and what it would be with the change. Raises KeyError when it is not there any more."""
    current = store.get_service(tx, draft.update_of or "")
    if current is None:
        raise KeyError(draft.update_of)
    own = {_draft_location(draft.id, place.id): place.id for place in current.locations}
    changed = replace(
        draft,
        id=current.id,
        state=current.state,
        verification=current.verification,
        update_of=None,
        demo=current.demo,
        locations=tuple(replace(place, id=own.get(place.id, place.id)) for place in draft.locations),
        modified_at=current.modified_at,
    )
    return current, changed


def changed_contacts(before: Service, after: Service) -> list[str]:
    """Which of the ways to a service differ: whoever changes one could send a child to somebody else."""

    def ways(record: Service) -> dict[str, object]:
        return {
            "phone": sorted((phone.number, phone.kind) for phone in record.phones),
            "address": sorted(
                (at.kind, at.country, at.city, at.postal_code, at.address, at.directions, at.latitude, at.longitude)
                for at in record.locations
            ),
            "website": record.website,
            "email": record.email,
            "how_to_apply": record.how_to_apply,
        }

    was, is_now = ways(before), ways(after)
    return [name for name in was if repr(was[name]) != repr(is_now[name])]


def move_service(
    tx: Connection, service_id: str, to: RecordState, *, by: str, at: datetime, why: str = "", call_back: str = ""
) -> Service:
    """Take a record one step on in its life. A change that is put in force takes the place of its record.

    A change of a phone, an address or a link is put in force by somebody who did not write it, with a note of the
    call on the old contact (`call_back`). Raises KeyError, NotAllowedNow.
    """
    service = store.get_service(tx, service_id)
    if service is None:
        raise KeyError(service_id)
    if to not in TRANSITIONS[service.state]:
        raise NotAllowedNow(f"service {service_id} cannot go from {service.state} to {to}")
    if to is RecordState.CURRENT and service.update_of is not None:
        return _put_in_force(tx, service, by=by, at=at, why=why, call_back=call_back.strip())
    store.set_state(tx, service_id, to, at=at)
    store.add_change(tx, service_id, at=at, by=by, act=to.value, before=service, why=why, row_id=_new_id())
    return replace(service, state=to)


def _put_in_force(tx: Connection, draft: Service, *, by: str, at: datetime, why: str, call_back: str) -> Service:
    try:
        current, changed = proposed_record(tx, draft)
    except KeyError:
        raise NotAllowedNow(f"the record that {draft.id} changes is not there any more") from None
    if current.state is not RecordState.CURRENT:
        raise NotAllowedNow(f"service {current.id} is {current.state}: a change of it cannot be put in force")
    if contacts := changed_contacts(current, changed):
        if by in store.authors(tx, draft.id):
            raise NeedsSecondPerson(f"{', '.join(contacts)} changed: somebody who did not write it must decide")
        if not call_back:
            raise NeedsCallBack(f"{', '.join(contacts)} changed: note the call on the old contact (call_back)")
        why = f"{why} Call-back on the old contact: {call_back}".strip()
    store.set_state(tx, draft.id, RecordState.ARCHIVED, at=at)
    store.put_service(tx, changed, at=at)
    store.add_change(tx, current.id, at=at, by=by, act="changed", before=current, why=why, row_id=_new_id())
    store.add_change(tx, draft.id, at=at, by=by, act="in force", before=draft, why=why, row_id=_new_id())
    return changed


class Wrong(StrEnum):
    """What somebody who went there can say of a record."""

    CLOSED = "closed"
    REFUSED = "refused_me"
    NUMBER = "wrong_number"
    OTHER = "other"


#: Two people who say one of these are believed at once.
DEMOTING = (Wrong.CLOSED, Wrong.REFUSED)
BELIEVED = 2


def report_wrong(tx: Connection, service_id: str, kind: str, *, reporter: str, at: datetime) -> bool:
    """Keep that somebody found the record to be wrong. True when this demoted it: it is offered to nobody until it is
    checked again, and stands first among those that are due.

    `kind` is one of Wrong, `reporter` a fingerprint of the person, never their name. Raises KeyError, ValueError.
    """
    wrong = Wrong(kind)
    service_id = store.resolve_merged(tx, service_id)
    if store.get_service(tx, service_id) is None:
        raise KeyError(service_id)
    store.add_report(tx, service_id, kind=wrong.value, reporter=reporter, at=at, row_id=_new_id())
    return demote_if_believed(tx, service_id, at=at)


def demote_if_believed(tx: Connection, service_id: str, *, at: datetime) -> bool:
    """Offer the record to nobody until it is checked again, if enough people say so. True when this did it."""
    service = store.get_service(tx, service_id)
    believed = store.reporters(tx, service_id, [each.value for each in DEMOTING]) >= BELIEVED
    if service is None or not believed or service.verification is None:
        return False
    store.clear_verification(tx, service_id, at=at)
    why = f"{BELIEVED} people found it closed or were refused"
    store.add_change(tx, service_id, at=at, by="reports", act="demoted", before=service, why=why, row_id=_new_id())
    return True


def verify_service(tx: Connection, service_id: str, verification: Verification) -> None:
    """Write down that somebody found the record to be true, which answers what was reported of it.

    Raises KeyError, WrongRecord.
    """
    if store.get_service(tx, service_id) is None:
        raise KeyError(service_id)
    if not verification.by.strip() or not verification.source.strip():
        raise WrongRecord([because("a check names who checked, and with whom or where")])
    store.add_verification(tx, service_id, verification, row_id=_new_id())
    store.close_reports(tx, service_id, by=verification.by, at=verification.at)


def reported(tx: Connection) -> list[str]:
    """Ids of services of which somebody found something wrong, and nobody has looked since."""
    return sorted(store.open_reports(tx))


def due_for_verification(tx: Connection, *, at: datetime) -> list[Service]:
    """Current services that nobody has checked for STALE_AFTER, the oldest check first."""
    return store.get_services(tx, store.due_ids(tx, checked_before=at - STALE_AFTER))


class Cover(Struct, frozen=True):
    """How many services there are in a town, and which needs of the minimum package they answer."""

    services: int
    met: tuple[str, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(need for need in NEEDS if need not in self.met)

    @property
    def missing_urgent(self) -> tuple[str, ...]:
        return tuple(need for need in self.missing if need in URGENT_NEEDS)


class Covered(Struct, frozen=True):
    """A town, and what is in force and fresh there.

    `on_map` leaves safe places out, also of the count, for a map is looked at over shoulders; `point` is the middle of
    the others. None where nothing else is there.
    """

    name: str
    country: str
    all: Cover
    on_map: Cover | None = None
    point: tuple[float, float] | None = None


def coverage(tx: Connection, *, at: datetime) -> list[Covered]:
    """Every town with a service in force, those first that most is missing in."""
    by_town: dict[tuple[str, str], list[store.Met]] = defaultdict(list)
    for met in store.needs_met(tx, checked_since=at - STALE_AFTER):
        by_town[met.town, met.country].append(met)
    towns = [_covered(town, country, met) for (town, country), met in by_town.items()]
    return sorted(
        towns, key=lambda town: (-len(town.all.missing_urgent), -len(town.all.missing), town.name, town.country)
    )


def _covered(town: str, country: str, met: list[store.Met]) -> Covered:
    told = [each for each in met if each.point is not None]
    if not told:
        return Covered(town, country, _cover(met))
    points = {each.point for each in told if each.point is not None}
    latitude, longitude = (round(fmean(side), SHARED_DIGITS) for side in zip(*points, strict=True))
    return Covered(town, country, _cover(met), _cover(told), (latitude, longitude))


def _cover(met: list[store.Met]) -> Cover:
    needs = {each.need for each in met}
    return Cover(len({each.service_id for each in met}), tuple(need for need in NEEDS if need in needs))


def _new_id() -> str:
    return str(uuid.uuid4())


class ListedService(Struct, frozen=True):
    """A line of the editors' list."""

    service: Service
    organization: str
    checked_days_ago: int | None
    stale: bool


def list_services(
    tx: Connection,
    *,
    at: datetime,
    state: RecordState | None = None,
    words: str = "",
    limit: int = 200,
    offset: int = 0,
    only: Sequence[str] | None = None,
) -> list[ListedService]:
    """Records in any state, the least recently checked first. `only`: of these ids."""
    ids = store.list_ids(tx, state=state, words=words, limit=limit, offset=offset, only=only)
    found = store.get_services(tx, ids)
    names = store.get_organizations(tx, [service.organization_id for service in found])
    return [
        ListedService(
            service,
            names[service.organization_id].name,
            searching.days_since_check(service, at),
            service.stale(at),
        )
        for service in found
    ]


# --- the directory at work --------------------------------------------------------------------------------------


class Directory:
    """The directory as a dialogue, a desk or a web page uses it. Call `prepare` once before anything is asked."""

    def __init__(
        self,
        database: Transactions,
        clock: Clock,
        words: Translates,
        *,
        places: Places | None = None,
        gazetteer: Gazetteer | None = None,
    ) -> None:
        self.database = database
        self.clock = clock
        self.words = words
        self._supplement = places or Places.load()
        self._places = self._supplement
        self._regions = Regions()
        self._areas: Areas | None = None  # where nothing serves an area, nobody need know in which one is
        self._gazetteer = gazetteer
        self._places_of: tuple[int, int] | None = None
        self._looked_at: datetime | None = None
        self._emergency = emergency_numbers()

    async def prepare(self) -> None:
        """Bring the shipped helplines in, and the table that searches read up to date where it is behind.

        May be called at every start: what is there already stays.
        """
        at = self.clock.now()
        await self.database.write(lambda tx: put_helplines(tx, at=at))
        if await self.database.read(store.search_is_behind):  # after an upgrade that brought the table
            await self.database.write(store.rebuild_search)
        await self.refresh_places()

    async def refresh_places(self) -> None:
        """Learn the towns in which something is offered."""

        def read(tx: Connection) -> tuple[tuple[int, int], list[tuple[str, str, float, float]] | None, bool]:
            change = store.latest_change(tx)
            if change == self._places_of:
                return change, None, False
            return change, store.own_towns(tx), store.areas_are_served(tx)

        change, towns, areas = await self.database.read(read)
        if towns is not None:
            self._places, self._places_of = self._supplement.with_towns(towns), change
            self._areas = Areas(self._places, self._regions) if areas else None
        self._looked_at = self.clock.now()

    async def _fresh_places(self) -> Places:
        now = self.clock.now()
        if self._looked_at is None or now - self._looked_at >= TOWNS_FRESH_FOR:
            await self.refresh_places()
        return self._places

    async def resolve_place(self, words: str, *, country: str | None = None, language: str = "en") -> list[FoundPlace]:
        """Places that `words` may mean, best first; more than one when it would be a guess. Empty: unknown."""
        places = await self._fresh_places()
        found = await asyncio.to_thread(places.resolve, words, country=country, beyond=self._gazetteer)
        return [_found(place) for place in found]

    async def place_at(self, latitude: float, longitude: float) -> FoundPlace | None:
        """The known place nearest to a shared location, at the point that was shared (to about 100 metres)."""
        place = (await self._fresh_places()).nearest(latitude, longitude)
        if place is None:
            return None
        return FoundPlace(place.name, place.country, round(latitude, SHARED_DIGITS), round(longitude, SHARED_DIGITS))

    def place_name(self, name: str, country: str, *, language: str) -> str:
        """How people of a language call a place, given its canonical name."""
        return self._places.name_in(name, country, language)

    async def near(
        self,
        need: str,
        place: FoundPlace,
        *,
        language: str,
        limit: int = 3,
        age: int | None = None,
        gender: Gender | None = None,
        open_now: bool = False,
        open_tonight: bool = False,
        speaks: str | None = None,
        no_papers: bool = False,
        free: bool = False,
        pregnant: bool = False,
        disability: bool = False,
        staff: str | None = None,
        nationality: str | None = None,
    ) -> list[FoundService]:
        """Verified services for a need, near first; then for the whole country; then helplines. Raises KeyError.

        What is wished for (open, a language spoken, no papers, free) must be known to hold; helplines come whatever
        was wished, so that nobody is left without an answer.
        """
        if need not in NEEDS:
            raise KeyError(need)
        here = await self._here(place, language)
        search = Search(
            need,
            place.latitude,
            place.longitude,
            place.country,
            age,
            gender,
            open_now=open_now,
            limit=limit,
            open_tonight=open_tonight,
            speaks=speaks,
            no_papers=no_papers,
            free=free,
            pregnant=pregnant,
            disability=disability,
            staff=staff,
            nationality=nationality,
            here=here,
        )
        at = self.clock.now()

        def read(tx: Connection) -> list[FoundService]:
            found = searching.find_near(tx, search, at=at)
            return _described(tx, found, at=at, language=language, words=self.words, here=here)

        return await self.database.read(read)

    async def in_country(
        self,
        need: str,
        country: str,
        *,
        language: str,
        limit: int = 3,
        age: int | None = None,
        gender: Gender | None = None,
        open_now: bool = False,
        open_tonight: bool = False,
        speaks: str | None = None,
        no_papers: bool = False,
        free: bool = False,
    ) -> list[FoundService]:
        """Verified services for a need anywhere in a country (ISO 3166-1 alpha-2), the lately checked first.

        For somebody who names no town. What is wished for, and who is left without an answer: as in `near`. Raises
        KeyError.
        """
        if need not in NEEDS:
            raise KeyError(need)
        search = Search(
            need,
            country=country,
            age=age,
            gender=gender,
            open_now=open_now,
            limit=limit,
            open_tonight=open_tonight,
            speaks=speaks,
            no_papers=no_papers,
            free=free,
        )
        at = self.clock.now()

        def read(tx: Connection) -> list[FoundService]:
            found = searching.find_in_country(tx, search, at=at)
            return _described(tx, found, at=at, language=language, words=self.words)

        return await self.database.read(read)

    async def _here(self, place: FoundPlace, language: str) -> Here | None:
        """The town, province and region of a place. None where nothing serves an area."""
        await self._fresh_places()
        if self._areas is None:
            return None
        return await asyncio.to_thread(self._areas.here, place, language=language)

    async def helplines(self, country: str | None, *, language: str, limit: int = 3) -> list[FoundService]:
        """Public helplines that serve a country; those that serve the world when it is not known."""
        at = self.clock.now()

        def read(tx: Connection) -> list[FoundService]:
            found = searching.find_helplines(tx, country, age=None, at=at)[:limit]
            return _described(
                tx, [(service, None, None) for service in found], at=at, language=language, words=self.words
            )

        return await self.database.read(read)

    async def emergency_number(self, country: str | None) -> str:
        """The number to dial in danger there: 112 where nothing better is known."""
        return self._emergency.get((country or "").upper(), EMERGENCY_ANYWHERE)

    async def service(self, service_id: str, *, language: str) -> FoundService | None:
        """One service that is offered, also by the id of a record merged into it.

        None when there is none, or it is not (or no longer) for people.
        """
        at = self.clock.now()

        def read(tx: Connection) -> FoundService | None:
            record = store.get_service(tx, store.resolve_merged(tx, service_id))
            if record is None or record.state is not RecordState.CURRENT or record.verification is None:
                return None
            location = record.locations[0] if record.locations else None
            found = _described(tx, [(record, location, None)], at=at, language=language, words=self.words)
            return found[0]

        return await self.database.read(read)

    async def needs(self, language: str) -> list[tuple[str, str]]:
        """Every need code with its name in a language."""
        return [(code, self.words.text(language, name)) for code, name in NEEDS.items()]


def _described(
    tx: Connection,
    found: list[searching.Hit],
    *,
    at: datetime,
    language: str,
    words: Translates,
    here: Here | None = None,
) -> list[FoundService]:
    names = store.get_organizations(tx, [service.organization_id for service, _, _ in found])
    return [
        searching.describe(
            service,
            names.get(service.organization_id),
            location,
            metres,
            at=at,
            language=language,
            words=words,
            here=here,
        )
        for service, location, metres in found
    ]


def _found(place: Place) -> FoundPlace:
    return FoundPlace(place.name, place.country, place.latitude, place.longitude)
