"""The directory as HSDS 3.1/3.2 sees it: a view for reading, made from an allow-list of public fields.

Nothing is null (absent keys are left out), every id is a UUID, and what HSDS has no word for is an `attribute` with a
taxonomy of ours. Translations ride along as `translations`, which HSDS allows as a term of one's own. A front gate is
published as a virtual location: a name and a country, no address and no coordinates.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from directory.model import (
    ACCESSIBILITY,
    CAPACITY_HOLDS,
    HUMAN,
    NEEDS,
    Location,
    LocationKind,
    Organization,
    Phone,
    Service,
    Translation,
    fixed_id,
)
from directory.opening_hours import DAYS, OpeningHours, Shift, clock_of

Json = dict[str, Any]

VERSION = "3.2"

TAXONOMY_ID = fixed_id("taxonomy", "needs")
TAXONOMY: Json = {
    "id": TAXONOMY_ID,
    "name": "Minimum package of services",
    "description": "What a child on the move may need, as the needs that Waymark searches by.",
    "version": "1",
}


def term_id(need: str) -> str:
    return fixed_id("need", need)


#: Id of a taxonomy term to the need it stands for.
NEED_OF_TERM = {term_id(need): need for need in NEEDS}


def taxonomy_term(need: str) -> Json:
    return {
        "id": term_id(need),
        "code": need,
        "name": NEEDS[need],
        "description": NEEDS[need],
        "taxonomy": TAXONOMY["name"],
        "taxonomy_detail": TAXONOMY,
        "language": "en",
        "taxonomy_id": TAXONOMY_ID,
    }


def _present(**fields: Any) -> Json:
    """Without what is not known: in HSDS nothing is null, and an empty link is not a link."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], ())}


def organization(record: Organization, *, language: str | None = None) -> Json:
    """`language`: its description in it, where there is a translation."""
    said = record.description_in(record.language if language is None else language)
    return _present(id=record.id, website=_link(record.website), email=record.email if "@" in record.email else "") | {
        "name": record.name,
        "description": said.text or record.name,
        **_present(
            text_language=record.language if record.language != "en" else "",
            translations=_translated([("description", record.descriptions)], record.language),
        ),
    }


def _link(address: str) -> str:
    return address if address.startswith(("https://", "http://")) else ""


def service(record: Service, *, language: str | None = None) -> Json:
    """A service with its one-to-one fields. `language`: its texts in it, where there is a translation."""
    said = record.language if language is None else language
    who = record.eligibility
    return {"id": record.id, "name": record.name_in(said).text, "status": record.status.value} | _present(
        description=record.text_in("summary", said).text,
        url=_link(record.website),
        email=record.email if "@" in record.email else "",
        application_process=record.text_in("how_to_apply", said).text or said_of_coming(record.walk_in),
        fees_description=record.text_in("cost_note", said).text or said_of_cost(record.free),
        interpretation_services="Interpreters can be called." if record.interpreters else "",
        eligibility_description=record.text_in("note", said).text,
        minimum_age=who.minimum_age,
        maximum_age=who.maximum_age,
        assured_date=record.verification.at.date().isoformat() if record.verification else "",
        alert=_alert(record, said),
        last_modified=_moment(record.modified_at),
    )


def _alert(record: Service, language: str) -> str:
    """What a reader must know first. HSDS cannot say that a service is closed between two days, so it is said here."""
    return f"{said_closed(record.closed_from, record.closed_until)} {record.text_in('alert', language).text}".strip()


def said_closed(first: date | None, last: date | None) -> str:
    """That it is closed between two days; empty when it is not."""
    if first is not None and last is not None:
        return f"Closed from {first} to {last}."
    if first is not None:
        return f"Closed from {first}."
    return "" if last is None else f"Closed until {last}."


def _moment(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def said_of_coming(walk_in: bool | None) -> str:
    """How one comes, where nobody has written more about it."""
    return "" if walk_in is None else "Walk in." if walk_in else "Call first."


def said_of_cost(free: bool | None) -> str:
    """What it costs, where nobody has written more about it."""
    return "" if free is None else "Free." if free else "There is a fee."


def withdrawn_service(record: Service) -> Json:
    """Of what was published and is no more: that it is gone, and nothing that it said. HSDS asks for a name."""
    return {"id": record.id, "name": "Withdrawn", "status": "defunct", "last_modified": _moment(record.modified_at)}


def withdrawn_service_at_location(link: str, record: Service, location_id: str, *, stays: Json | None = None) -> Json:
    """The same of a service at a location: nothing of where it was. `stays`: the service, where it is not there any
    more and goes on elsewhere."""
    gone = {"id": location_id, "location_type": "virtual", "name": "Withdrawn"}
    told = stays or withdrawn_service(record)
    return {"id": link, "service_id": record.id, "location_id": location_id, "service": told, "location": gone}


def withdrawn_organization(organization_id: str) -> Json:
    """The same of an organisation of which no service is published any more. HSDS asks for a name and a description."""
    return {"id": organization_id, "name": "Withdrawn", "description": "Withdrawn", "status": "defunct"}


def service_in_list(record: Service, owner: Organization, *, language: str | None = None) -> Json:
    """As a line of `/services`."""
    return service(record, language=language) | {"organization": organization(owner, language=language)}


def full_service(record: Service, owner: Organization, *, language: str | None = None) -> Json:
    """With everything nested that HSDS has a place for, and our translations."""
    return (
        service_in_list(record, owner, language=language)
        | _present(
            phones=phones(record),
            schedules=schedules(record),
            languages=[
                {"id": fixed_id("language", record.id, code), "service_id": record.id, "code": code}
                for code in record.languages
            ],
            service_areas=service_areas(record),
            required_documents=[
                {"id": fixed_id("document", record.id, str(i)), "service_id": record.id, "document": document}
                for i, document in enumerate(record.documents)
            ],
            cost_options=cost_options(record),
            capacities=capacities(record),
            service_at_locations=[
                {"id": link_id(record, place), "service_id": record.id, "location_id": place.id}
                | {"location": location(place, own=record.language, language=language)}
                | only_there(record, place)
                for place in record.locations
            ],
            translations=translations(record),
        )
        | own_terms(record)
        | {"attributes": attributes(record)}
    )


def own_terms(record: Service) -> Json:
    """What is said of a service that HSDS has no word for, where somebody has said it. `api/profile` explains them."""
    who = record.eligibility
    said = {
        "papers_needed": who.papers_needed,
        "unaccompanied": who.unaccompanied,
        "accompanied": who.accompanied,
        "siblings_together": who.siblings_together,
        "pregnant": who.pregnant,
        "disability": who.disability,
        "nationalities": list(who.nationalities) or None,
        "status_required": list(who.status_required) or None,
        "staff_genders": list(record.staff_genders) or None,
        "genders": sorted(who.genders) if len(who.genders) == 1 else None,
        "walk_in": record.walk_in,
        "interpreters": record.interpreters,
        "free": record.free,
        "reports_to": list(record.reports_to) or None,
        "text_language": record.language if record.language != "en" else None,
        "closed_from": record.closed_from.isoformat() if record.closed_from else None,
        "closed_until": record.closed_until.isoformat() if record.closed_until else None,
    }
    return {name: value for name, value in said.items() if value is not None}


def link_id(record: Service, place: Location) -> str:
    """The id of the service at that location; the store keeps the same."""
    return fixed_id("at", record.id, place.id)


def service_at_location(
    link: str, record: Service, owner: Organization, place: Location, *, full: bool, language: str | None = None
) -> Json:
    shown = full_service(record, owner, language=language) if full else service(record, language=language)
    shown.pop("service_at_locations", None)
    return {
        "id": link,
        "service_id": record.id,
        "location_id": place.id,
        "service": shown,
        "location": location(place, own=record.language, language=language),
    } | (at_the_place(record, place) if full else {})


def only_there(record: Service, place: Location) -> Json:
    """What is otherwise at that place than what is said of the service."""
    there, link = record.only_at(place.id), link_id(record, place)
    return _present(
        phones=[_phone(there.phones[i], link, i, at_place=True) for i in range(len(there.phones))],
        schedules=_schedules(there.hours, link, at_place=True),
    )


def at_the_place(record: Service, place: Location) -> Json:
    """The hours and the numbers of the service at that place, whether or not they are those of the others."""
    return _present(phones=phones(record), schedules=schedules(record)) | only_there(record, place)


#: What is said of stairs, by whether one comes in without them.
STAIRS = {True: "No stairs", False: "There are stairs"}


def location(place: Location, *, own: str = "en", language: str | None = None) -> Json:
    """A place as far as it may be told. Of a front gate: that it is in a country, and that one calls. The middle of a
    town is not told as the point of a door: whoever reads it would send people there. `own`: the language that its
    directions were written in; `language`: that in which they are asked for."""
    if place.kind is LocationKind.FRONT_GATE:
        gate = "A safe place. Its address is not published: call first."
        return {"id": place.id, "location_type": "virtual", "name": place.city or place.country, "description": gate}
    if place.kind is LocationKind.VIRTUAL:
        return {"id": place.id, "location_type": "virtual", "name": place.name, "addresses": [_address(place)]}
    return {"id": place.id, "location_type": "physical", "name": place.name} | _present(
        latitude=None if place.approximate else place.latitude,
        longitude=None if place.approximate else place.longitude,
        transportation=place.way_in(own if language is None else language, own=own).text,
        translations=_translated([("transportation", place.directions_in)], own),
        addresses=[_address(place)],
        accessibility=[
            {"id": fixed_id(label, place.id), "location_id": place.id, "description": description}
            for label, description in (
                *((("step free", STAIRS[place.step_free]),) if place.step_free is not None else ()),
                *((f"access {code}", ACCESSIBILITY[code]) for code in place.accessibility if code in ACCESSIBILITY),
            )
        ],
    )


def _address(place: Location) -> Json:
    return {
        "id": fixed_id("address", place.id),
        "location_id": place.id,
        "address_1": place.address,
        "city": place.city,
        "state_province": place.region,
        "postal_code": place.postal_code,
        "country": place.country,
        "address_type": place.kind.value,
    }


def phones(record: Service) -> list[Json]:
    return [_phone(phone, record.id, position) for position, phone in enumerate(record.phones)]


def _of(owner: str, *, at_place: bool) -> Json:
    """Whose a row is: a service's, or a service's at one place."""
    return {"service_at_location_id" if at_place else "service_id": owner}


def _phone(phone: Phone, owner: str, position: int, *, at_place: bool = False) -> Json:
    phone_id = fixed_id("phone", owner, str(position))
    return {"id": phone_id, **_of(owner, at_place=at_place), "number": phone.number} | _present(
        type=phone.kind,
        description=phone.description,
        languages=[
            {"id": fixed_id("phone language", phone_id, code), "phone_id": phone_id, "code": code}
            for code in phone.languages
        ],
    )


#: The description of a row for a single day on which it is shut.
CLOSED = "Closed"


def schedules(record: Service) -> list[Json]:
    return _schedules(record.hours, record.id)


def _schedules(hours: OpeningHours | None, owner: str, *, at_place: bool = False) -> list[Json]:
    """One row for each pair of times, with the days that share it; a pair a day is all HSDS can say."""
    if hours is None:
        return []
    own = _of(owner, at_place=at_place)
    rows = _weekly(hours, hours.shifts, own, {})
    for season in hours.seasons:
        between = {"valid_from": season.first, "valid_to": season.last}
        rows += _weekly(hours, season.shifts, own, {name: f"{day}" for name, day in between.items() if day is not None})
    for special in hours.special_days:
        on = {"valid_from": special.day.isoformat(), "valid_to": special.day.isoformat()}
        for span in special.shifts:
            rows.append(_schedule(own, hours, span, on) | _present(notes=special.note))
        if not special.shifts:
            rows.append(
                {
                    "id": fixed_id("closed", f"{owner}:{special.day}"),
                    **own,
                    **on,
                    "description": CLOSED,
                    "timezone_name": hours.zone,
                }
                | _present(notes=special.note)
            )
    return rows


def _weekly(hours: OpeningHours, shifts: Iterable[Shift], own: Json, between: Json) -> list[Json]:
    """The rows of a week, that of every day or that `between` two days."""
    days: dict[tuple[int, int], list[int]] = {}
    for shift in shifts:
        days.setdefault((shift.opens, shift.closes), []).append(shift.weekday)
    return [
        _schedule(own, hours, span, {"byday": ",".join(DAYS[day].upper() for day in sorted(set(weekdays)))} | between)
        | {"freq": "WEEKLY"}
        for span, weekdays in sorted(days.items())
    ]


def _schedule(own: Json, hours: OpeningHours, span: tuple[int, int], more: Json) -> Json:
    whole = Shift(0, *span).whole_day
    [owner] = own.values()
    label = f"{owner}:{span}:{sorted(more.items())}"
    return {
        "id": fixed_id("schedule row", label),
        **own,
        "opens_at": clock_of(span[0]) + ":00",
        "closes_at": "23:59:59" if whole else clock_of(span[1]) + ":00",
        "description": f"Times of {hours.zone}",
        "timezone_name": hours.zone,
        "timezone": _offset(hours.zone),
        **more,
    }


def _offset(zone: str) -> float:
    """Hours from UTC in January: HSDS asks for a number, though a zone with summer time has two."""
    offset = ZoneInfo(zone).utcoffset(datetime(2026, 1, 15, tzinfo=ZoneInfo(zone)))
    return 0.0 if offset is None else offset.total_seconds() / 3600


def service_areas(record: Service) -> list[Json]:
    """The countries and areas that are served. Of a safe place its countries: an area could say where it is."""
    areas = () if record.confidential else record.areas
    return [
        {
            "id": fixed_id("area", record.id, country),
            "service_id": record.id,
            "name": "Worldwide" if country == "*" else country,
            "extent_type": "other",
        }
        for country in record.countries
    ] + [
        {"id": fixed_id("area", record.id, "named", area), "service_id": record.id, "name": area, "extent_type": "text"}
        for area in areas
    ]


def capacities(record: Service) -> list[Json]:
    """How many places are free, with the moment at which that was said. Never of a safe place."""
    said = record.capacity
    if said is None or record.confidential:
        return []
    unit = fixed_id("unit", "places")
    shown = {
        "id": fixed_id("capacity", record.id),
        "service_id": record.id,
        "available": said.available,
        "updated": said.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "unit_id": unit,
        "unit": {"id": unit, "name": "places"},
        "description": f"Known for {CAPACITY_HOLDS.total_seconds() / 3600:.0f} hours from `updated`, then no more.",
    }
    return [shown | ({"maximum": said.maximum} if said.maximum is not None else {})]


def cost_options(record: Service) -> list[Json]:
    if not record.free:
        return []
    return [{"id": fixed_id("cost", record.id), "service_id": record.id, "option": "free", "amount": 0}]


def attributes(record: Service) -> list[Json]:
    """The needs as taxonomy terms."""
    return [
        {
            "id": fixed_id("attribute", record.id, need),
            "link_id": record.id,
            "taxonomy_term_id": term_id(need),
            "link_type": "need",
            "link_entity": "service",
            "taxonomy_term": taxonomy_term(need),
        }
        for need in record.needs
        if need in NEEDS
    ]


#: The texts that have translations, by what HSDS calls them.
TRANSLATED_FIELDS = {
    "name": "name",
    "summary": "description",
    "alert": "alert",
    "how_to_apply": "application_process",
    "note": "eligibility_description",
    "cost_note": "fees_description",
}


def translations(record: Service) -> list[Json]:
    """Its texts in other languages: HSDS has no place for them, so this is a term of our own."""
    texts = [(field, record.translations_of(own)) for own, field in TRANSLATED_FIELDS.items()]
    return _translated(texts, record.language)


def _translated(texts: Iterable[tuple[str, Iterable[Translation]]], own: str) -> list[Json]:
    """Translations of fields, by their language."""
    found: dict[str, Json] = {}
    for field, translations in texts:
        for text in translations:
            if text.language != own:
                said = found.setdefault(text.language, {"language": text.language})
                said[field] = text.text
                if text.source != HUMAN:
                    said[f"{field}_source"] = text.source
                if text.stale:
                    said[f"{field}_stale"] = True
    return [found[code] for code in sorted(found)]


def full_organization(owner: Organization, records: Iterable[Service], *, language: str | None = None) -> Json:
    """An organisation with its published services."""
    shown = []
    for record in records:
        nested = full_service(record, owner, language=language)
        nested.pop("organization")
        shown.append(nested | {"organization_id": owner.id})
    return organization(owner, language=language) | {"services": shown}
