"""What a directory is made of. Plain values: no SQL, no clock, no words that need translating at run time.

The model is richer than HSDS and HSDS is a view of it (`hsds.py`). What a safe place's address is, is not here
at all: see `safe_places.py`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum

from msgspec import Struct, field
from msgspec.structs import replace

from directory.hidden import hidden_problems, way_problems
from directory.locations import (
    NO_POINT,
    AtPlace,
    Location,
    LocationKind,
    Phone,
    location_problems,
    phone_problems,
)
from directory.opening_hours import ROUND_THE_CLOCK, OpeningHours, overlaps
from directory.translations import HUMAN, MACHINE, Translation, best, best_fresh, left_behind, read_by_a_person
from directory.words import N_, because

#: Ids that must be the same in every installation (needs, shipped helplines, demonstration) are made from this.
NAMESPACE = uuid.UUID("6f1d2a52-6f7a-5e0b-9d83-5a5a3d1f0c11")


def fixed_id(*parts: str) -> str:
    """The same UUID for the same parts, everywhere."""
    return str(uuid.uuid5(NAMESPACE, ":".join(parts)))


#: The minimum package of services: code, and its name in English. The names are msgids.
NEEDS: Mapping[str, str] = {
    "shelter": N_("A safe bed"),
    "food": N_("Food"),
    "nfi": N_("Clothes, blankets, hygiene and baby items"),
    "water_hygiene": N_("Water, toilets and showers"),
    "health": N_("Doctor or nurse"),
    "emergency_health": N_("Emergency medical care"),
    "srh": N_("Pregnancy, contraception and sexual health"),
    "gbv": N_("Care after sexual or physical violence"),
    "mental_health": N_("Someone to talk to, counselling"),
    "nutrition": N_("Food for babies and for people who are too thin"),
    "vaccination": N_("Vaccination"),
    "disability": N_("Support with a disability"),
    "child_protection": N_("Child protection worker"),
    "guardian": N_("Guardian"),
    "legal": N_("Lawyer"),
    "asylum": N_("Asylum information and registration"),
    "documentation": N_("Birth certificate and identity papers"),
    "family_tracing": N_("Finding family"),
    "education": N_("School"),
    "language_class": N_("Language class"),
    "vocational": N_("Training for a job"),
    "interpretation": N_("Interpreter"),
    "phone_internet": N_("Phone, charging and internet"),
    "cash": N_("Money or vouchers"),
    "transport": N_("Transport to a service"),
    "anti_trafficking": N_("Help against trafficking"),
    "mhpss_group": N_("Play, sport and groups"),
    "helpline": N_("Helpline"),
    "return_advice": N_("Advice about going back"),
    "safe_space": N_("Safe space for women, girls and LGBTIQ+ people"),
    "complaint": N_("Complain about a service or a worker"),
}

#: Who searches for these is turned away at night, or worse, by a record that is no longer true.
URGENT_NEEDS = frozenset({"shelter", "emergency_health", "gbv", "child_protection", "anti_trafficking", "safe_space"})

#: After so long without a check a record is stale: it sinks, and is not offered for an urgent need.
STALE_AFTER = timedelta(days=90)

ADULT = 18

#: What somebody said of free places holds so long.
CAPACITY_HOLDS = timedelta(hours=24)

#: Whom a service must or does tell of a child. The names are msgids, as those below.
REPORTS_TO: Mapping[str, str] = {
    "police": N_("They must tell the police"),
    "immigration": N_("They must tell the immigration office"),
    "parents": N_("They tell your parents"),
    "child_protection": N_("They tell child protection, who must keep you safe"),
    "nobody": N_("They tell nobody without asking you"),
}
LEGAL_STATUS: Mapping[str, str] = {
    "asylum_seeker": N_("People who asked for asylum"),
    "refugee": N_("Refugees"),
    "stateless": N_("Stateless people"),
    "trafficking_victim": N_("Victims of trafficking"),
    "resident": N_("People with a residence permit"),
}
STAFF: Mapping[str, str] = {
    "women": N_("You can ask for a woman"),
    "men": N_("You can ask for a man"),
}
ACCESSIBILITY: Mapping[str, str] = {
    "toilet": N_("A toilet for wheelchairs"),
    "hearing": N_("Help for people who hear badly"),
    "sign_language": N_("Sign language"),
    "seeing": N_("Help for people who see badly"),
}


class RecordState(StrEnum):
    """Where a record is in its life. Only CURRENT is ever offered or published."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    CURRENT = "current"
    ARCHIVED = "archived"
    REJECTED = "rejected"


TRANSITIONS: Mapping[RecordState, frozenset[RecordState]] = {
    RecordState.DRAFT: frozenset({RecordState.IN_REVIEW, RecordState.REJECTED}),
    RecordState.IN_REVIEW: frozenset({RecordState.CURRENT, RecordState.REJECTED, RecordState.DRAFT}),
    RecordState.CURRENT: frozenset({RecordState.ARCHIVED}),
    RecordState.ARCHIVED: frozenset({RecordState.DRAFT}),
    RecordState.REJECTED: frozenset({RecordState.DRAFT}),
}


class ServiceStatus(StrEnum):
    """Whether the service works, in HSDS's own words. Not the life of its record."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    DEFUNCT = "defunct"
    TEMPORARILY_CLOSED = "temporarily closed"


class Gender(StrEnum):
    GIRLS = "girls"
    BOYS = "boys"


class Method(StrEnum):
    """How a record was checked."""

    PHONE = "phone"
    VISIT = "visit"
    PROVIDER = "provider"  # the provider confirmed it
    PUBLISHED = "published"  # read in a public source
    INVENTED = "invented"  # a demonstration record: there is nothing to check


class NotAllowedNow(Exception):
    """The record is not in a state in which this may be done."""


class NeedsSecondPerson(NotAllowedNow):
    """Whoever wrote the change of a phone, an address or a link cannot put it in force."""


class NeedsColleague(NeedsSecondPerson):
    """Whoever wrote a record that was never in force cannot put it in force."""


class NotTwoYet(NeedsSecondPerson):
    """Whoever wrote it and whoever decides may be one person with two accounts, where two people are needed."""


class Two(StrEnum):
    """Whether a writer and whoever decides are two people, as far as the host can tell."""

    YES = "yes"
    DOUBTFUL = "doubtful"  # what they put in force together is marked
    NOT_YET = "not yet"  # and where two people are needed, they do not count as two


class NeedsReason(NotAllowedNow):
    """Whoever decides alone says how they know that it is true."""


class NeedsCallBack(NotAllowedNow):
    """Nobody has noted the call on the old contact."""


class WrongRecord(ValueError):
    """The record contradicts itself. `problems` names everything that is wrong, in plain sentences."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


#: The texts of a service that are told in other languages, and the field that keeps their translations.
TRANSLATED: Mapping[str, str] = {
    "name": "names",
    "summary": "summaries",
    "alert": "alerts",
    "how_to_apply": "ways_to_apply",
    "note": "eligibility_notes",
    "cost_note": "cost_notes",
}


class Organization(Struct, frozen=True):
    """Who runs services."""

    id: str
    name: str
    description: str
    website: str = ""
    email: str = ""
    demo: bool = False
    language: str = "en"  # that `description` is in
    descriptions: tuple[Translation, ...] = ()

    def description_in(self, language: str) -> Translation:
        return best_fresh(self.descriptions, language, Translation(self.language, self.description))

    def problems(self) -> list[str]:
        """Everything that must be mended before an editor may keep it."""
        found: list[str] = [] if self.name.strip() else [because("an organisation needs a name")]
        found += way_problems(self.website, self.email)
        texts = [self.description, *(text.text for text in self.descriptions)]
        return found + hidden_problems([("name", self.name), *(("description", text) for text in texts)])


class Eligibility(Struct, frozen=True):
    """Who is taken in. None means nobody has said, which is not the same as no."""

    minimum_age: int | None = None
    maximum_age: int | None = None
    genders: frozenset[Gender] = frozenset(Gender)
    unaccompanied: bool | None = None
    accompanied: bool | None = None
    siblings_together: bool | None = None
    papers_needed: bool | None = None
    note: str = ""
    pregnant: bool | None = None  # pregnant girls and young mothers are cared for
    disability: bool | None = None  # who needs support with a disability is cared for
    nationalities: tuple[str, ...] = ()  # ISO 3166-1 alpha-2; none: nobody is left out for theirs
    status_required: tuple[str, ...] = ()  # codes of LEGAL_STATUS, any of which will do

    def takes(self, *, age: int | None, gender: Gender | None) -> bool:
        """Whether this person may come. An unknown age is taken to be a child's: the safer mistake."""
        if gender is not None and gender not in self.genders:
            return False
        if age is None:
            return self.minimum_age is None or self.minimum_age < ADULT
        if self.minimum_age is not None and age < self.minimum_age:
            return False
        return self.maximum_age is None or age <= self.maximum_age


class Verification(Struct, frozen=True):
    """Somebody found the record to be true, on a day, in a way that can be named."""

    at: datetime
    by: str
    method: Method
    source: str


class Capacity(Struct, frozen=True):
    """How many are free, as somebody said at a moment. After CAPACITY_HOLDS nobody knows any more."""

    available: int
    at: datetime
    maximum: int | None = None

    def known(self, at: datetime) -> bool:
        return self.at <= at < self.at + CAPACITY_HOLDS


class ReferralContact(Struct, frozen=True):
    """Whom a worker of ours calls to refer a child. Never published, exported or told to anybody else."""

    name: str = ""
    phone: str = ""
    email: str = ""
    how: str = ""  # what they need to have, and how long they take

    def __bool__(self) -> bool:
        return any((self.name, self.phone, self.email, self.how))


class Opening(Struct, frozen=True):
    """When the door of a service that works is open, and between which days it is shut."""

    hours: OpeningHours | None = None
    closed_from: date | None = None
    closed_until: date | None = None

    def closed_on(self, day: date) -> bool:
        """Whether it is shut for a while, between two dates."""
        begun = self.closed_from is None or self.closed_from <= day
        over = self.closed_until is not None and day > self.closed_until
        return (self.closed_from is not None or self.closed_until is not None) and begun and not over


class Service(Struct, frozen=True):
    """One service as its editors know it. Its texts are in `language`; other languages are translations."""

    id: str
    organization_id: str
    name: str
    summary: str
    needs: tuple[str, ...]
    language: str = "en"
    state: RecordState = RecordState.DRAFT
    status: ServiceStatus = ServiceStatus.ACTIVE
    eligibility: Eligibility = field(default_factory=Eligibility)
    locations: tuple[Location, ...] = ()
    countries: tuple[str, ...] = ()  # coverage of a service without a place: phone, web, whole country
    hours: OpeningHours | None = None
    phones: tuple[Phone, ...] = ()
    languages: tuple[str, ...] = ()  # spoken by the staff
    interpreters: bool | None = None
    free: bool | None = None
    cost_note: str = ""
    walk_in: bool | None = None  # False: by appointment or referral only
    how_to_apply: str = ""
    documents: tuple[str, ...] = ()  # what they ask to see; codes of DOCUMENTS or a text
    reports_to: tuple[str, ...] = ()  # codes of REPORTS_TO; none: nobody has said
    confidential: bool = False
    website: str = ""
    email: str = ""
    alert: str = ""
    closed_from: date | None = None
    closed_until: date | None = None
    verification: Verification | None = None
    demo: bool = False
    names: tuple[Translation, ...] = ()
    summaries: tuple[Translation, ...] = ()
    update_of: str | None = None
    modified_at: datetime | None = None
    staff_genders: tuple[str, ...] = ()  # women, men: who of them can be asked for
    areas: tuple[str, ...] = ()  # regions or towns that are served, where that is not where it is
    capacity: Capacity | None = None
    referral: ReferralContact = field(default_factory=ReferralContact)
    alerts: tuple[Translation, ...] = ()
    ways_to_apply: tuple[Translation, ...] = ()
    eligibility_notes: tuple[Translation, ...] = ()
    cost_notes: tuple[Translation, ...] = ()
    at_places: tuple[AtPlace, ...] = ()  # in the order of `locations`; a place that is as the others is not in it

    def problems(self) -> list[str]:
        """Everything that must be mended before this record may be kept."""
        found: list[str] = []
        if not self.name.strip():
            found.append(because("a service needs a name"))
        if not self.needs:
            found.append(because("a service answers at least one need"))
        found += [because("unknown need '{need}'", need=need) for need in self.needs if need not in NEEDS]
        if not self.locations and not self.countries:
            found.append(because("a service has a location, or countries that it serves"))
        low, high = self.eligibility.minimum_age, self.eligibility.maximum_age
        if low is not None and high is not None and low > high:
            found.append(because("the lowest age is above the highest"))
        found += [problem for location in self.locations for problem in location_problems(location)]
        if len({location.id for location in self.locations}) < len(self.locations):
            found.append(because("one of its places stands in it twice"))
        gates = [location.kind is LocationKind.FRONT_GATE for location in self.locations]
        if self.confidential and not all(gates):
            found.append(because("a confidential service has front gates only: its address belongs to the safe places"))
        if not self.confidential and any(gates):
            found.append(because("a front gate belongs to a confidential service"))
        found += _unknown("reports_to", self.reports_to, REPORTS_TO)
        if "nobody" in self.reports_to and len(self.reports_to) > 1:
            found.append(because("they tell nobody, or somebody: not both"))
        found += _unknown("status_required", self.eligibility.status_required, LEGAL_STATUS)
        found += _unknown("staff_genders", self.staff_genders, STAFF)
        found += [
            because("'{code}' is not a country code of two capital letters", code=code)
            for code in self.eligibility.nationalities
            if len(code) != 2 or not code.isalpha() or not code.isupper()
        ]
        for place in self.locations:
            found += _unknown("accessibility", place.accessibility, ACCESSIBILITY)
        if self.capacity is not None and not 0 <= self.capacity.available <= (self.capacity.maximum or 1_000_000):
            found.append(because("the free places are from none to as many as there are"))
        if self.confidential and not self.every_phone:
            found.append(because("a confidential service needs a number to call"))
        found += phone_problems(self.every_phone)
        found += way_problems(self.website, self.email)
        found += hidden_problems(self._texts())
        for hours in (self.hours, *(there.hours for there in self.at_places)):
            found += overlaps(hours) if hours is not None else []
        return list(dict.fromkeys(found))

    def _texts(self) -> Iterator[tuple[str, str]]:
        """Everything that somebody wrote and others read, with where it stands."""
        for name in TRANSLATED:
            yield name, self.own_text(name)
            yield from ((name, text.text) for text in self.translations_of(name))
        for place in self.locations:
            yield from ((name, getattr(place, name)) for name in ("name", "address", "city", "region", "directions"))
            yield from (("directions", text.text) for text in place.directions_in)
        yield from (("phones", phone.description) for phone in self.every_phone)
        yield from (("areas", area) for area in self.areas)

    def own_text(self, name: str) -> str:
        """One of TRANSLATED as it was written."""
        text: str = self.eligibility.note if name == "note" else getattr(self, name)
        return text

    def translations_of(self, name: str) -> tuple[Translation, ...]:
        found: tuple[Translation, ...] = getattr(self, TRANSLATED[name])
        return found

    def every_translation(self) -> Iterator[Translation]:
        """Those of its texts, and of the directions to its places."""
        for name in TRANSLATED:
            yield from self.translations_of(name)
        for place in self.locations:
            yield from place.directions_in

    def text_in(self, name: str, language: str) -> Translation:
        """One of TRANSLATED in a language, else as it was written. A translation of what it said before is not shown:
        it may send a child where nobody is taken in."""
        return best_fresh(self.translations_of(name), language, Translation(self.language, self.own_text(name)))

    def name_in(self, language: str) -> Translation:
        """As `text_in`, but a name of before is still what people there call it."""
        return best(self.names, language, Translation(self.language, self.name))

    def summary_in(self, language: str) -> Translation:
        return self.text_in("summary", language)

    def stale(self, at: datetime) -> bool:
        """Nobody has checked for longer than STALE_AFTER, or ever."""
        return self.verification is None or at - self.verification.at > STALE_AFTER

    def closed_on(self, day: date) -> bool:
        """Whether the service is shut for a while, by its status or between two dates."""
        return self.status is not ServiceStatus.ACTIVE or self.opening.closed_on(day)

    @property
    def opening(self) -> Opening:
        return Opening(self.hours, self.closed_from, self.closed_until)

    @property
    def every_phone(self) -> tuple[Phone, ...]:
        """The numbers of the service, then those of its places."""
        return tuple(dict.fromkeys((*self.phones, *(phone for there in self.at_places for phone in there.phones))))

    def only_at(self, location_id: str) -> AtPlace:
        """What is otherwise at one of its places."""
        return next((there for there in self.at_places if there.location_id == location_id), AtPlace(location_id))

    def at(self, place: Location | None) -> Service:
        """The service as it is at one of its places: with the hours and the numbers of that place."""
        if not self.at_places or place is None:
            return self
        there = self.only_at(place.id)
        return replace(self, hours=there.hours or self.hours, phones=there.phones or self.phones)

    def moved(self, new_id: Callable[[Location], str]) -> Service:
        """The service with other ids of its places."""
        new = {place.id: new_id(place) for place in self.locations}
        return replace(
            self,
            locations=tuple(replace(place, id=new[place.id]) for place in self.locations),
            at_places=tuple(
                replace(there, location_id=new[there.location_id])
                for there in self.at_places
                if there.location_id in new
            ),
        )

    def tidied(self) -> Service:
        """Without what is said of places where it is no more, and of those where it is as at the others."""
        told = (self.only_at(place.id) for place in self.locations)
        differs = (
            AtPlace(
                there.location_id,
                None if there.hours == self.hours else there.hours,
                () if there.phones == self.phones else there.phones,
            )
            for there in told
        )
        return replace(self, at_places=tuple(there for there in differs if there.hours or there.phones))


def with_stale(before: Service, after: Service) -> Service:
    """The record with the translations marked that were not changed with the text they were made from."""
    if before.language != after.language:
        return after
    was = {place.id: place for place in before.locations}
    places = tuple(_with_stale_way(was.get(place.id), place) for place in after.locations)
    left = {
        kept: left_behind(before.translations_of(name), after.translations_of(name))
        for name, kept in TRANSLATED.items()
        if before.own_text(name) != after.own_text(name)
    }
    return replace(after, locations=places, **left)


def _with_stale_way(before: Location | None, after: Location) -> Location:
    if before is None or before.directions == after.directions:
        return after
    return replace(after, directions_in=left_behind(before.directions_in, after.directions_in))


def with_read(owner: Organization, languages: set[str]) -> Organization:
    """The organisation where a person said that its texts of some languages say what the original says."""
    return replace(owner, descriptions=read_by_a_person(owner.descriptions, languages))


def with_stale_description(before: Organization, after: Organization) -> Organization:
    if before.language != after.language or before.description == after.description:
        return after
    return replace(after, descriptions=left_behind(before.descriptions, after.descriptions))


def _unknown(what: str, codes: tuple[str, ...], known: Mapping[str, str]) -> list[str]:
    return [
        because("{field}: '{code}' is none of {known}", field=what, code=code, known=", ".join(known))
        for code in codes
        if code not in known
    ]


#: Papers that services ask for. The names are msgids; anything else is shown as it was written.
DOCUMENTS: Mapping[str, str] = {
    "any_id": N_("Any paper with your name, if you have one"),
    "birth_certificate": N_("Birth certificate"),
    "asylum_paper": N_("Asylum paper"),
    "vaccination_card": N_("Vaccination card, if you have one"),
    "school_report": N_("School report, if you have one"),
    "family_photo": N_("A photo or the names of your family"),
}


class FoundPlace(Struct, frozen=True):
    """A place on the map that somebody named, under its canonical English name."""

    name: str
    country: str
    latitude: float
    longitude: float
    near: str = ""  # a town by which it is told from another of its name, where there is one


__all__ = [
    "ADULT",
    "DOCUMENTS",
    "HUMAN",
    "MACHINE",
    "NEEDS",
    "NO_POINT",
    "ROUND_THE_CLOCK",
    "STALE_AFTER",
    "TRANSLATED",
    "URGENT_NEEDS",
    "AtPlace",
    "Capacity",
    "Eligibility",
    "FoundPlace",
    "Gender",
    "Location",
    "LocationKind",
    "Method",
    "NeedsCallBack",
    "NeedsColleague",
    "NeedsSecondPerson",
    "NotAllowedNow",
    "NotTwoYet",
    "Opening",
    "OpeningHours",
    "Organization",
    "Phone",
    "RecordState",
    "ReferralContact",
    "Service",
    "ServiceStatus",
    "Translation",
    "Two",
    "Verification",
    "WrongRecord",
    "fixed_id",
]
