"""Saying a service so that it can be read out: hours, facts and reasons in the asked language."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.dates import get_day_names
from babel.lists import format_list
from babel.numbers import format_decimal
from msgspec import Struct

from directory import store
from directory.areas import Here
from directory.dates import written
from directory.model import (
    ACCESSIBILITY,
    ADULT,
    DOCUMENTS,
    LEGAL_STATUS,
    REPORTS_TO,
    STAFF,
    Eligibility,
    Gender,
    Location,
    LocationKind,
    Organization,
    Phone,
    Service,
)
from directory.opening_hours import OpeningHours, clock_of
from directory.search import closed_now, is_full, is_open
from directory.words import N_, Translates, locale_of


class FoundService(Struct, frozen=True):
    """A verified service, as much of it as may be told to anyone, in the language that was asked for."""

    id: str
    name: str
    summary: str
    distance_m: int | None  # None: by phone or web, or a place that is not told
    open_now: bool | None
    hours_today: str  # ready for people; "" if unknown
    checked_days_ago: int | None
    phone: str  # the number for whoever speaks that language, where there is one
    address: str  # "" for safe places and where there is none
    latitude: float | None
    longitude: float | None
    confidential: bool
    why: tuple[str, ...] = ()  # short reasons it is offered
    suits: tuple[str, ...] = ()  # those of them that no other field says
    # What follows is more than a dialogue must know.
    language: str = "en"  # the language that name and summary are really in
    organization: str = ""
    city: str = ""
    country: str = ""
    needs: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()  # free, no papers, walk in: short sentences
    documents: tuple[str, ...] = ()  # what to bring
    free: bool | None = None
    walk_in: bool | None = None
    papers_needed: bool | None = None
    speaks: tuple[str, ...] = ()  # BCP 47
    phone_kind: str = "voice"  # voice, sms, whatsapp, text
    website: str = ""
    email: str = ""
    source: str = ""  # for helplines: where the number was read
    demo: bool = False
    place_id: str = ""  # of a service that has several places: the one that is meant


OPEN_ALWAYS = N_("Open day and night")
OPEN_TODAY = N_("Open today {shifts}")
SHIFT = N_("{opens}–{closes}")
WHOLE_DAY = N_("all day")
CLOSED_TODAY = N_("Closed today")
CLOSED_OPENS_ON = N_("Closed today. Opens {day} at {time}")
CLOSED_UNTIL = N_("Closed until {date}")
CLOSED_FOR_NOW = N_("Closed for now")

FREE = N_("Free")
NOT_FREE = N_("You have to pay")
NO_PAPERS = N_("No papers needed")
PAPERS = N_("They ask for papers")
WALK_IN = N_("You can come without an appointment")
BY_APPOINTMENT = N_("Call first, they give an appointment")
GIRLS_ONLY = N_("For girls and women only")
BOYS_ONLY = N_("For boys and men only")
AGES = N_("For ages {low} to {high}")
AGES_UP_TO = N_("For ages up to {high}")
AGES_FROM = N_("For ages {low} and over")
STEP_FREE = N_("No stairs")
PREGNANT = N_("For pregnant girls and young mothers too")
SIBLINGS = N_("Brothers and sisters stay together")
DISABILITY = N_("Support with a disability")
ONLY_WITH_ADULT = N_("Only for children who come with an adult")
ONLY_ALONE = N_("Only for children who are alone")
ONLY_STATUS = N_("Only for some people: {who}")
ONLY_FROM = N_("Only for people from {countries}")
INTERPRETERS = N_("They can call an interpreter")
FULL = N_("No free place, they said today")
NOT_TOLD = N_("They tell you the way on the phone")
DEMONSTRATION = N_("Example only. This service is invented.")

HERE = N_("In this place")
NEAR = N_("{distance} km away")
OPEN_NOW = N_("Open now")
CHECKED_TODAY = N_("Checked today")
CHECKED_YESTERDAY = N_("Checked yesterday")
CHECKED_DAYS_AGO = N_("Checked {days} days ago")
SPEAKS = N_("They speak {language}")
FOR_CHILDREN = N_("For people under 18")
SERVES = N_("Serves {place}")
FOR_AREAS = N_("For people in {areas}")
WHOLE_COUNTRY = N_("For the whole country, by phone or web")
ANYWHERE = N_("From any country, by phone or web")


def hours_today(service: Service, *, at: datetime, language: str, words: Translates) -> str:
    """Today's hours where the service is, as one would say them. Empty when nobody has said."""
    hours = service.hours
    if closed_now(service, at):
        if service.closed_until is None:
            return words.text(language, CLOSED_FOR_NOW)
        until = written(service.closed_until, "d MMMM", str(locale_of(language)))
        return words.text(language, CLOSED_UNTIL, date=until)
    if hours is None or not hours.known_on(hours.local_day(at)):
        return ""
    if hours.always:
        return words.text(language, OPEN_ALWAYS)
    today = hours.local_day(at)
    shifts = hours.on(today)
    if hours.open_at(at) and not _begun(hours, shifts, at):  # the night that began yesterday is still on
        night = [shift for shift in hours.on(today - timedelta(days=1)) if 0 < shift[1] <= shift[0]]
        shifts = list(dict.fromkeys(night + shifts))
    if shifts:
        said = [_shift(shift, language, words) for shift in shifts]
        return words.text(language, OPEN_TODAY, shifts=format_list(said, locale=locale_of(language)))
    opens = hours.next_opening(at)
    if opens is None:
        return words.text(language, CLOSED_TODAY)
    day = get_day_names("wide", locale=locale_of(language))[opens.weekday()]
    return words.text(language, CLOSED_OPENS_ON, day=day, time=f"{opens:%H:%M}")


def _begun(hours: OpeningHours, shifts: list[tuple[int, int]], at: datetime) -> bool:
    local = at.astimezone(ZoneInfo(hours.zone))
    minute = local.hour * 60 + local.minute
    return any(opens <= minute and (minute < closes or closes <= opens) for opens, closes in shifts)


def _shift(shift: tuple[int, int], language: str, words: Translates) -> str:
    if shift == (0, 0):
        return words.text(language, WHOLE_DAY)
    return words.text(language, SHIFT, opens=clock_of(shift[0]), closes=clock_of(shift[1]))


def facts(
    service: Service, location: Location | None, *, at: datetime, language: str, words: Translates
) -> tuple[str, ...]:
    """What a person wants to know before setting out. Nothing is said that nobody has said."""
    who = service.eligibility
    said = [
        {True: FREE, False: NOT_FREE}.get(service.free) if service.free is not None else None,
        {True: PAPERS, False: NO_PAPERS}.get(who.papers_needed) if who.papers_needed is not None else None,
        {True: WALK_IN, False: BY_APPOINTMENT}.get(service.walk_in) if service.walk_in is not None else None,
        STEP_FREE if location is not None and location.step_free else None,
        NOT_TOLD if service.confidential else None,
        INTERPRETERS if service.interpreters and language not in service.languages else None,
    ]
    said += [
        PREGNANT if who.pregnant else None,
        SIBLINGS if who.siblings_together else None,
        DISABILITY if who.disability else None,
        *(STAFF[code] for code in service.staff_genders),
        *(ACCESSIBILITY[code] for code in (location.accessibility if location is not None else ())),
        *(REPORTS_TO[code] for code in service.reports_to),
        FULL if is_full(service, at) else None,
    ]
    found = [*_only(who, language, words), *(words.text(language, msgid) for msgid in said if msgid is not None)]
    if who.genders == {Gender.GIRLS}:
        found.insert(0, words.text(language, GIRLS_ONLY))
    if who.genders == {Gender.BOYS}:
        found.insert(0, words.text(language, BOYS_ONLY))
    if ages := _ages(who.minimum_age or None, who.maximum_age, language, words):
        found.insert(0, ages)
    if alert := words.text(language, DEMONSTRATION) if service.demo else service.text_in("alert", language).text:
        found.insert(0, shortened(alert))
    if location is not None and location.kind is LocationKind.PHYSICAL:
        found.append(shortened(location.way_in(language, own=service.language).text))
    fields = ("note", "how_to_apply", *(("cost_note",) if service.free is False else ()))
    texts = (service.text_in(field, language).text for field in fields)
    return (*filter(None, found), *(shortened(text) for text in texts if text.strip()))


def _only(who: Eligibility, language: str, words: Translates) -> list[str]:
    """Whom they turn away at the door, beside those of another age and sex."""
    found = []
    if who.unaccompanied is False or who.accompanied is False:
        found.append(words.text(language, ONLY_WITH_ADULT if who.unaccompanied is False else ONLY_ALONE))
    locale = locale_of(language)
    if who.status_required:
        theirs = [words.text(language, LEGAL_STATUS[code]) for code in who.status_required]
        found.append(words.text(language, ONLY_STATUS, who=format_list(theirs, "or", locale=locale)))
    if who.nationalities:
        countries = [str(locale.territories.get(code, code)) for code in who.nationalities]
        found.append(words.text(language, ONLY_FROM, countries=format_list(countries, "or", locale=locale)))
    return found


#: So much of a text that an editor wrote is told in a message that a child reads.
LONGEST_TOLD = 200


def shortened(text: str) -> str:
    """On one line, and cut between two words where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_TOLD else f"{line[:LONGEST_TOLD].rpartition(' ')[0] or line[:LONGEST_TOLD]}…"


def _ages(low: int | None, high: int | None, language: str, words: Translates) -> str:
    if low is not None and high is not None:
        return words.text(language, AGES, low=low, high=high)
    if high is not None:
        return words.text(language, AGES_UP_TO, high=high)
    if low is not None:
        return words.text(language, AGES_FROM, low=low)
    return ""


def reasons(
    service: Service,
    metres: float | None,
    *,
    at: datetime,
    language: str,
    words: Translates,
    here: Here | None = None,
    spoken: str | None = None,
) -> tuple[str, ...]:
    """Why this one is offered, the strongest first, at most five."""
    found = _reach(service, language, words, here)
    if metres is not None:
        near = words.text(language, NEAR, distance=_kilometres(round(metres, -2), language))
        found.append(words.text(language, HERE) if metres < 100 else near)
    if is_open(service, at):
        found.append(words.text(language, OPEN_NOW))
    if service.eligibility.maximum_age is not None and service.eligibility.maximum_age < ADULT:
        found.append(words.text(language, FOR_CHILDREN))
    found += _spoken(service, spoken or language, language, words)
    days = days_since_check(service, at)
    if days is not None and not service.stale(at):  # a check of years ago is no reason to go there
        found.append(
            words.text(language, {0: CHECKED_TODAY, 1: CHECKED_YESTERDAY}.get(days, CHECKED_DAYS_AGO), days=days)
        )
    return tuple(found[:5])


@lru_cache(maxsize=4096)
def _kilometres(metres: float, language: str) -> str:
    """The figure as it is written there: 2.3, or 23."""
    return str(format_decimal(metres / 1000, "0.0" if metres < 10_000 else "0", locale=locale_of(language)))


#: So many areas are named: a longer list tells less.
MOST_AREAS = 4


def _reach(service: Service, language: str, words: Translates, here: Here | None) -> list[str]:
    """Which area it serves, or how far one without a place reaches.

    Of a safe place only the town or region that somebody asked about is named, never what its own record says.
    """
    if service.areas:
        served = here.served(service.areas) if here is not None else None
        if served is not None and here is not None:
            return [words.text(language, SERVES, place=here.town if service.confidential else served)]
        if service.confidential:
            return []
        areas = format_list(service.areas[:MOST_AREAS], locale=locale_of(language))
        return [words.text(language, FOR_AREAS, areas=areas)]
    if service.locations:
        return []
    return [words.text(language, ANYWHERE if store.WORLD in service.countries else WHOLE_COUNTRY)]


def _spoken(service: Service, spoken: str, language: str, words: Translates) -> list[str]:
    """That they speak the language that is looked for, where they do."""
    if spoken not in service.languages:
        return []
    return [words.text(language, SPEAKS, language=locale_of(spoken).get_display_name(language) or spoken)]


def days_since_check(service: Service, at: datetime) -> int | None:
    return None if service.verification is None else max(0, (at - service.verification.at).days)


def documents(service: Service, *, language: str, words: Translates) -> tuple[str, ...]:
    """What to bring, in the asked language where the paper is a known one."""
    return tuple(
        words.text(language, DOCUMENTS[document]) if document in DOCUMENTS else document
        for document in service.documents
    )


def describe(
    service: Service,
    organization: Organization | None,
    location: Location | None,
    metres: float | None,
    *,
    at: datetime,
    language: str,
    words: Translates,
    here: Here | None = None,
    speaks: str | None = None,
) -> FoundService:
    """As much of a service as may be told to anyone, as it is at that place. Of a confidential one neither place nor
    distance is said.

    `speaks`: the language that is looked for, where it is not the one in which it is told.
    """
    spoken = speaks or language
    service = service.at(location)
    name, summary = service.name_in(language), service.summary_in(language)
    told = location if location is not None and not service.confidential else None
    shown = told is not None and told.kind is LocationKind.PHYSICAL
    at_the_door = shown and told is not None and not told.approximate
    metres = _as_known(metres, at_the_door=at_the_door)
    phone = _phone(service, spoken)
    return FoundService(
        id=service.id,
        name=name.text,
        summary=summary.text,
        distance_m=None if metres is None or not shown else round(metres),
        open_now=is_open(service, at),
        hours_today=hours_today(service, at=at, language=language, words=words),
        checked_days_ago=days_since_check(service, at),
        phone=phone.number,
        phone_kind=phone.kind,
        address=address_of(told) if told is not None and shown else "",
        latitude=told.latitude if told is not None and at_the_door else None,
        longitude=told.longitude if told is not None and at_the_door else None,
        confidential=service.confidential,
        why=reasons(
            service, metres if shown else None, at=at, language=language, words=words, here=here, spoken=spoken
        ),
        suits=(*_reach(service, language, words, here), *_spoken(service, spoken, language, words)),
        language=summary.language,
        organization=organization.name if organization else "",
        city=location.city if location else "",
        country=location.country if location else "",
        needs=service.needs,
        facts=facts(service, told, at=at, language=language, words=words),
        documents=documents(service, language=language, words=words),
        free=service.free,
        walk_in=service.walk_in,
        papers_needed=service.eligibility.papers_needed,
        speaks=service.languages,
        website=service.website,
        email=service.email,
        source=service.verification.source if service.verification and not service.locations else "",
        demo=service.demo,
        place_id=told.id if told is not None and len(service.locations) > 1 else "",
    )


def _phone(service: Service, language: str) -> Phone:
    """The number where they speak the language, before one of which nobody said so; one to talk before one to write."""

    def apart(phone: Phone) -> tuple[bool, bool, bool]:
        speaks = language in phone.languages
        return (not speaks, bool(phone.languages) and not speaks, phone.kind != "voice")

    return min(service.phones, key=apart, default=Phone(""))


#: Nearer to the middle of its town than this, a service may be anywhere around: how far it is, nobody knows.
AROUND_THE_MIDDLE_M = 3_000


def _as_known(metres: float | None, *, at_the_door: bool) -> float | None:
    """How far it is, as well as that is known: where only the town is, in whole kilometres, and in the town not."""
    if metres is None or at_the_door:
        return metres
    return None if metres < AROUND_THE_MIDDLE_M else float(round(metres, -3))


def address_of(location: Location) -> str:
    """The address on one line, as it would stand on an envelope."""
    town = f"{location.postal_code} {location.city}".strip()
    return ", ".join(part for part in (location.address, town) if part)
