"""A record as the fields of a form, and a filled-in form as a record: for the desk, and for providers themselves.

Every field is a plain text. A form is read by its sections; what lies in other sections stays as it is. An empty
field says that nobody has said; a tick that is not there says no.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from directory.editing_hours import hours_form, hours_in_form, zone_there
from directory.filled import Filled, Form
from directory.misplaced import gate_of, in_the_middle
from directory.model import (
    ACCESSIBILITY,
    DOCUMENTS,
    LEGAL_STATUS,
    NEEDS,
    REPORTS_TO,
    STAFF,
    TRANSLATED,
    AtPlace,
    Capacity,
    Eligibility,
    Gender,
    Location,
    LocationKind,
    OpeningHours,
    Phone,
    ReferralContact,
    Service,
    ServiceStatus,
    WrongRecord,
    with_stale,
)
from directory.store import WORLD
from directory.translations import over_those, read_by_a_person
from directory.words import because

#: The languages that stand side by side, whether or not a record has texts in them.
LANGUAGES = ("en", "fr", "es", "ar")
#: In place of a language: the one that `language.another` names.
ANOTHER = "another"

#: Yes, no, or nobody has said.
SAID = ("free", "walk_in", "interpreters")
SAID_OF_WHOM = (
    "unaccompanied",
    "accompanied",
    "siblings_together",
    "pregnant",
    "disability",
    "papers_needed",
)


class Section(StrEnum):
    """Parts of the form. A provider sees CONTACT and HOURS; the rest is for editors. Where it is, is read before its
    hours, which are of the zone of the place."""

    WORDS = "words"
    CONTACT = "contact"
    PLACE = "place"
    HOURS = "hours"
    WHO = "who"
    HOW = "how"
    REFERRAL = "referral"


def form_of(record: Service) -> dict[str, str]:
    """Every field as a form shows it."""
    who = record.eligibility
    form = {
        "language": record.language,
        "website": record.website,
        "email": record.email,
        "how_to_apply": record.how_to_apply,
        **hours_form(record.hours, ""),
        "closed_from": record.closed_from.isoformat() if record.closed_from else "",
        "closed_until": record.closed_until.isoformat() if record.closed_until else "",
        "status": record.status.value,
        "alert": record.alert,
        "cost_note": record.cost_note,
        "documents": "\n".join(paper for paper in record.documents if paper not in DOCUMENTS),
        "languages": ", ".join(record.languages),
        "countries": ", ".join(record.countries),
        "areas": "\n".join(record.areas),
        "minimum_age": _figure(who.minimum_age),
        "maximum_age": _figure(who.maximum_age),
        "note": who.note,
        "nationalities": ", ".join(who.nationalities),
        "available": _figure(record.capacity.available) if record.capacity else "",
        "maximum": _figure(record.capacity.maximum) if record.capacity else "",
        **{f"referral.{name}": getattr(record.referral, name) for name in ("name", "phone", "email", "how")},
        **{name: _said(getattr(record, name)) for name in SAID},
        **{name: _said(getattr(who, name)) for name in SAID_OF_WHOM},
    }
    for field in TRANSLATED:
        said = {text.language: text.text for text in record.translations_of(field)}
        form |= {f"{field}.{language}": said.get(language, "") for language in languages_of(record)}
    form |= {f"{field}.{record.language}": record.own_text(field) for field in SIDE_BY_SIDE}
    form |= _phones_form(record.phones, "")
    for place in record.locations if len(record.locations) > 1 else ():
        there, prefix = record.only_at(place.id), at_prefix(place.id)
        form |= hours_form(there.hours, prefix) | _phones_form(there.phones, prefix)
    form |= _ticks("need", record.needs, NEEDS) | _ticks("gender", who.genders, Gender)
    form |= _ticks("document", record.documents, DOCUMENTS)
    form |= _ticks("status_required", who.status_required, LEGAL_STATUS)
    form |= _ticks("staff", record.staff_genders, STAFF) | _ticks("reports_to", record.reports_to, REPORTS_TO)
    for number, place in enumerate(record.locations):
        form |= _place_form(place, place_prefix(number))
    return form


def place_prefix(number: int) -> str:
    """What stands before the names of the fields of a place of the record. NEW_PLACE stands before those of another."""
    return f"place{number}." if number else ""


NEW_PLACE = "new."
_PLACE_TEXTS = ("address", "postal_code", "city", "region", "country", "directions")


def _place_form(place: Location, prefix: str) -> dict[str, str]:
    said = {f"directions.{text.language}": text.text for text in place.directions_in}
    fields = said | {name: getattr(place, name) for name in _PLACE_TEXTS}
    fields |= {"latitude": _figure(place.latitude), "longitude": _figure(place.longitude)}
    fields |= {"step_free": _said(place.step_free)} | _ticks("access", place.accessibility, ACCESSIBILITY)
    return {prefix + name: value for name, value in fields.items()}


def changed(record: Service, form: Form, *, at: datetime, sections: Sequence[Section] = tuple(Section)) -> Service:
    """The record as the form says. Raises WrongRecord naming everything that cannot be read."""
    before, filled = record, Filled(form)
    unread: dict[Section, list[str]] = {}
    for section in sections:
        try:
            record = _READ[section](record, filled, at)
        except WrongRecord as error:
            unread[section] = error.problems
    record = _read_by_a_person(with_stale(before, record.tidied()), filled)
    # Where its place could not be read, the record lacks one: that is not said again.
    wrong = record.problems() if Section.PLACE not in unread else []
    if problems := [*(why for whys in unread.values() for why in whys), *wrong]:
        raise WrongRecord(problems)
    return record


# --- sections -----------------------------------------------------------------------------------------------------


#: The texts whose original stands beside their translations. That of the others stands among the fields they are about.
SIDE_BY_SIDE = ("name", "summary")


def languages_of(record: Service) -> tuple[str, ...]:
    """Those that stand side by side: those of everybody, that of the record, and those it is translated into."""
    translated = sorted(text.language for text in record.every_translation())
    return tuple(dict.fromkeys((*LANGUAGES, record.language, *translated)))


def _words(record: Service, form: Filled, at: datetime) -> Service:
    """The texts in every language: that of the record, and translations beside it. One that stays while the text it was
    made from changes is stale, until somebody writes it anew or says that it still holds."""
    another = _another_language(record, form)

    def written(field: str, language: str) -> str:
        here = f"{field}.{language}"
        return form.text(here) or (form.text(f"{field}.{ANOTHER}") if language == another else "")

    own = record.language
    named = replace(
        record,
        **{field: written(field, own) for field in SIDE_BY_SIDE},
        needs=_kept_order(record.needs, form.ticked("need", NEEDS)),
        alert=form.text("alert"),
    )
    shown = [code for code in dict.fromkeys((*languages_of(record), another)) if code and code != own]
    said = {
        TRANSLATED[field]: over_those(
            record.translations_of(field),
            {code: written(field, code) for code in shown if form.has(f"{field}.{code}") or code == another},
        )
        for field in TRANSLATED
    }
    return replace(named, **said)


def _another_language(record: Service, form: Filled) -> str | None:
    """The code of a language that has no column yet, where something was written in one."""
    code = next(iter(form.languages(f"language.{ANOTHER}")), None)
    ways = (f"{place_prefix(number)}directions" for number in range(len(record.locations)))
    if not any(form.text(f"{field}.{ANOTHER}") for field in (*TRANSLATED, *ways)):
        return None
    if code is None:
        raise WrongRecord([because("say in which other language the name and the description are")])
    if any(form.text(f"{field}.{code}") for field in SIDE_BY_SIDE):
        raise WrongRecord([because("there is a text in that language already: change it in its own column")])
    return code


def _read_by_a_person(record: Service, form: Filled) -> Service:
    """The record where somebody said that the texts of a language say what the original says (`fresh.fr`)."""
    read = {code for code in languages_of(record) if form.text(f"fresh.{code}")}
    return replace(
        record,
        **{kept: read_by_a_person(record.translations_of(field), read) for field, kept in TRANSLATED.items()},
        locations=tuple(
            replace(place, directions_in=read_by_a_person(place.directions_in, read)) for place in record.locations
        ),
    )


def _contact(record: Service, form: Filled, at: datetime) -> Service:
    return replace(
        record,
        phones=_phones(record.phones, form, ""),
        at_places=_at_each(record, lambda own, place, prefix: replace(own, phones=_phones(own.phones, form, prefix))),
        website=form.text("website"),
        email=form.text("email"),
        how_to_apply=form.text("how_to_apply"),
    )


#: More numbers of one service are no help to a child.
MOST_PHONES = 30
#: So many numbers can be added at once.
MORE_PHONES = 2


def phone_rows(form: Form, prefix: str = "") -> range:
    """The rows for numbers that a form has, with some that are empty."""
    filled = [number for number in range(MOST_PHONES) if form.get(f"{prefix}phone{number}.number", "").strip()]
    return range(min(MOST_PHONES, (filled[-1] + 1 if filled else 0) + MORE_PHONES))


def _phones_form(phones: Sequence[Phone], prefix: str) -> dict[str, str]:
    form: dict[str, str] = {}
    for number, phone in enumerate(phones):
        said = {"number": phone.number, "kind": phone.kind, "note": phone.description}
        said["languages"] = ", ".join(phone.languages)
        form |= {f"{prefix}phone{number}.{name}": value for name, value in said.items()}
    return form


def _phones(before: tuple[Phone, ...], form: Filled, prefix: str) -> tuple[Phone, ...]:
    """The numbers, row by row: a row without one is none. Kinds and languages of others are kept as they were."""
    if not form.has(f"{prefix}phone0.number"):
        return before
    known = {code for phone in before for code in phone.languages}
    rows = [f"{prefix}phone{number}." for number in range(MOST_PHONES)]
    found = [
        Phone(
            form.figures(f"{row}number"),
            form.text(f"{row}kind") or "voice",
            form.languages(f"{row}languages", besides=tuple(known)),
            form.text(f"{row}note"),
        )
        for row in rows
        if form.text(f"{row}number")
    ]
    return tuple(dict.fromkeys(found))


def _hours(record: Service, form: Filled, at: datetime) -> Service:
    """The hours of the service, and those of its places where they are others."""
    problems: list[str] = []

    def read(before: OpeningHours | None, prefix: str, places: Sequence[Location]) -> OpeningHours | None:
        try:
            return hours_in_form(before, form, prefix, zone_there(places, record.countries))
        except WrongRecord as error:
            problems.extend(error.problems)
            return before

    hours = read(record.hours, "", record.locations)
    there = _at_each(record, lambda own, place, prefix: replace(own, hours=read(own.hours, prefix, [place])))
    if problems:
        raise WrongRecord(list(dict.fromkeys(problems)))
    closed_from, closed_until = form.day("closed_from"), form.day("closed_until")
    if closed_from and closed_until and closed_until < closed_from:
        raise WrongRecord([because("it opens again before it closes")])
    return replace(record, hours=hours, at_places=there, closed_from=closed_from, closed_until=closed_until)


def at_prefix(location_id: str) -> str:
    """What stands before the names of the fields of what is otherwise at a place."""
    return f"at.{location_id}."


class SinglePlace(Struct, frozen=True):
    """A place of a service that has several, as a form shows it. `told`: something is said to be otherwise there."""

    prefix: str
    where: str
    rows: range
    told: bool


def single_places(record: Service, form: Form) -> list[SinglePlace]:
    if len(record.locations) < 2:
        return []
    shown = [(at_prefix(place.id), place.address or place.city or place.name) for place in record.locations]
    filled = (name for name, value in form.items() if value.strip() and not name.endswith(".kind"))
    told = {name.split(".")[1] for name in filled if name.startswith("at.")}
    return [
        SinglePlace(prefix, where, phone_rows(form, prefix), place.id in told)
        for place, (prefix, where) in zip(record.locations, shown, strict=True)
    ]


def _at_each(record: Service, change: Callable[[AtPlace, Location, str], AtPlace]) -> tuple[AtPlace, ...]:
    return tuple(change(record.only_at(place.id), place, at_prefix(place.id)) for place in record.locations)


def _place(record: Service, form: Filled, at: datetime) -> Service:
    """The places, without those that are gone, and with another one where its fields are filled in."""
    places = [
        _way_in_others(record, _told(place, form, place_prefix(number)), form, place_prefix(number))
        for number, place in enumerate(record.locations)
        if not form.text(f"{place_prefix(number)}gone")
    ]
    places += _another(record, form)
    areas = form.lines("areas")
    if record.confidential and not areas and any(place.latitude is None for place in places):
        raise WrongRecord([because("no town of that name is known: name a larger one near, or the areas it serves")])
    return replace(
        record,
        countries=tuple(sorted(form.countries("countries", besides=(WORLD, *record.countries)))),
        areas=areas,
        locations=tuple(places),
    )


#: The point of a place whose town nobody knows.
NOWHERE = (None, None)


def _told(place: Location, form: Filled, prefix: str) -> Location:
    """A place as its fields say. Of a safe place only the town: its address belongs elsewhere."""
    if not form.has(f"{prefix}country"):  # the form was made before the place was
        return place
    town = replace(place, city=form.text(f"{prefix}city"), country=form.country(f"{prefix}country"))
    if place.kind is LocationKind.FRONT_GATE:
        moved = (town.city, town.country) != (place.city, place.country)
        if place.latitude is not None and not moved:
            return town
        latitude, longitude = gate_of(town.city, town.country) or NOWHERE
        return replace(town, latitude=latitude, longitude=longitude)
    latitude, longitude = form.figure(f"{prefix}latitude"), form.figure(f"{prefix}longitude")
    unmoved = (latitude, longitude) == (place.latitude, place.longitude)
    return replace(
        town,
        address=form.text(f"{prefix}address"),
        postal_code=form.text(f"{prefix}postal_code"),
        region=form.text(f"{prefix}region"),
        directions=form.text(f"{prefix}directions"),
        latitude=latitude,
        longitude=longitude,
        approximate=(unmoved and place.approximate) or in_the_middle(town.city, town.country, latitude, longitude),
        step_free=form.said(f"{prefix}step_free"),
        accessibility=_kept_order(place.accessibility, form.ticked(f"{prefix}access", ACCESSIBILITY)),
    )


def _way_in_others(record: Service, place: Location, form: Filled, prefix: str) -> Location:
    """The place with its directions in the languages that stand on the form."""
    said = {}
    for code in languages_of(record):
        if code != record.language and form.has(f"{prefix}directions.{code}"):
            said[code] = form.text(f"{prefix}directions.{code}")
    other = _another_language(record, form)
    if other is not None and other != record.language and form.text(f"{prefix}directions.{ANOTHER}"):
        said[other] = form.text(f"{prefix}directions.{ANOTHER}")
    return replace(place, directions_in=over_those(place.directions_in, said))


def _another(record: Service, form: Filled) -> list[Location]:
    """One more place, if anything is said of it."""
    if not any(form.text(NEW_PLACE + name) for name in (*_PLACE_TEXTS, "latitude", "longitude")):
        return []
    kind = LocationKind.FRONT_GATE if record.confidential else LocationKind.PHYSICAL
    return [_told(Location(str(uuid.uuid4()), kind, record.name, ""), form, NEW_PLACE)]


def _who(record: Service, form: Filled, at: datetime) -> Service:
    genders = frozenset(Gender(code) for code in form.ticked("gender", Gender))
    if not genders:
        raise WrongRecord([because("girls, boys or both are taken in")])
    before = record.eligibility
    who = Eligibility(
        minimum_age=form.whole("minimum_age"),
        maximum_age=form.whole("maximum_age"),
        genders=genders,
        note=form.text("note"),
        nationalities=form.countries("nationalities", besides=before.nationalities),
        status_required=_kept_order(before.status_required, form.ticked("status_required", LEGAL_STATUS)),
        unaccompanied=form.said("unaccompanied"),
        accompanied=form.said("accompanied"),
        siblings_together=form.said("siblings_together"),
        pregnant=form.said("pregnant"),
        disability=form.said("disability"),
        papers_needed=form.said("papers_needed"),
    )
    return replace(record, eligibility=who)


def _how(record: Service, form: Filled, at: datetime) -> Service:
    try:
        status = ServiceStatus(form.text("status"))
    except ValueError:
        raise WrongRecord([because("the service is active, inactive, defunct or temporarily closed")]) from None
    return replace(
        record,
        free=form.said("free"),
        walk_in=form.said("walk_in"),
        interpreters=form.said("interpreters"),
        status=status,
        cost_note=form.text("cost_note"),
        documents=_kept_order(record.documents, (*form.ticked("document", DOCUMENTS), *form.lines("documents"))),
        languages=form.languages("languages", besides=record.languages),
        staff_genders=_kept_order(record.staff_genders, form.ticked("staff", STAFF)),
        reports_to=_kept_order(record.reports_to, form.ticked("reports_to", REPORTS_TO)),
        capacity=_capacity(record, form, at),
    )


def _capacity(record: Service, form: Filled, at: datetime) -> Capacity | None:
    """Free places as said now. The same figures again are not news: they keep the moment at which they were said."""
    available, maximum = form.whole("available"), form.whole("maximum")
    if available is None:
        return None
    before = record.capacity
    if before is not None and (before.available, before.maximum) == (available, maximum):
        return before
    return Capacity(available, at, maximum)


def _referral(record: Service, form: Filled, at: datetime) -> Service:
    told = (form.text(f"referral.{name}") for name in ("name", "phone", "email", "how"))
    return replace(record, referral=ReferralContact(*told))


_READ: Mapping[Section, Callable[[Service, Filled, datetime], Service]] = {
    Section.WORDS: _words,
    Section.CONTACT: _contact,
    Section.HOURS: _hours,
    Section.PLACE: _place,
    Section.WHO: _who,
    Section.HOW: _how,
    Section.REFERRAL: _referral,
}


def _kept_order(before: tuple[str, ...], now: tuple[str, ...]) -> tuple[str, ...]:
    """What stays keeps its order: the first need of a service is what it is known for."""
    return (*(code for code in before if code in now), *(code for code in now if code not in before))


def _figure(value: float | None) -> str:
    return "" if value is None else str(value)


def _said(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "no"


def _ticks(
    group: str, chosen: Sequence[str] | frozenset[Gender], known: Mapping[str, str] | type[Gender]
) -> dict[str, str]:
    return {f"{group}.{code}": "yes" for code in known if code in chosen}
