"""A record as the fields of a form, and a filled-in form as a record: for the desk, and for providers themselves.

Every field is a plain text. A form is read by its sections; what lies in other sections stays as it is. An empty
field says that nobody has said; a tick that is not there says no.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum

from msgspec.structs import replace

from directory.misplaced import in_the_middle
from directory.model import (
    ACCESSIBILITY,
    LEGAL_STATUS,
    NEEDS,
    REPORTS_TO,
    STAFF,
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
    Translation,
    WrongRecord,
)
from directory.opening_hours import Shift, SpecialDay, clock_of, minute_of
from directory.said_hours import spans_in
from directory.words import because, plain_figures
from directory.zones import zone_of

Form = Mapping[str, str]

#: The languages that stand side by side.
LANGUAGES = ("en", "fr", "es", "ar")

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
LONGEST_FIELD = 4000


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
    who, hours = record.eligibility, record.hours
    form = {
        "language": record.language,
        "website": record.website,
        "email": record.email,
        "how_to_apply": record.how_to_apply,
        "phones": "\n".join(_phone_line(phone) for phone in record.phones),
        "zone": hours.zone if hours else "",
        "special_days": "\n".join(_special_line(day) for day in hours.special_days) if hours else "",
        "closed_from": record.closed_from.isoformat() if record.closed_from else "",
        "closed_until": record.closed_until.isoformat() if record.closed_until else "",
        "status": record.status.value,
        "alert": record.alert,
        "cost_note": record.cost_note,
        "documents": "\n".join(record.documents),
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
    for language in LANGUAGES:
        form[f"name.{language}"] = _text(record.name, record.names, record.language, language)
        form[f"summary.{language}"] = _text(record.summary, record.summaries, record.language, language)
    for day in range(7):
        spans = hours.on_weekday(day) if hours else []
        form[f"hours.{day}"] = " ".join(f"{clock_of(opens)}-{clock_of(closes)}" for opens, closes in spans)
    form |= _ticks("need", record.needs, NEEDS) | _ticks("gender", who.genders, Gender)
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
    fields = {name: getattr(place, name) for name in _PLACE_TEXTS}
    fields |= {"latitude": _figure(place.latitude), "longitude": _figure(place.longitude)}
    fields |= {"step_free": _said(place.step_free)} | _ticks("access", place.accessibility, ACCESSIBILITY)
    return {prefix + name: value for name, value in fields.items()}


def changed(record: Service, form: Form, *, at: datetime, sections: Sequence[Section] = tuple(Section)) -> Service:
    """The record as the form says. Raises WrongRecord naming everything that cannot be read."""
    unread: dict[Section, list[str]] = {}
    for section in sections:
        try:
            record = _READ[section](record, _Filled(form), at)
        except WrongRecord as error:
            unread[section] = error.problems
    # Where its place could not be read, the record lacks one: that is not said again.
    wrong = record.problems() if Section.PLACE not in unread else []
    if problems := [*(why for whys in unread.values() for why in whys), *wrong]:
        raise WrongRecord(problems)
    return record


class _Filled:
    """The fields of a form, read as what they should be."""

    def __init__(self, form: Form) -> None:
        self._form = form

    def text(self, name: str) -> str:
        return self._form.get(name, "").strip()[:LONGEST_FIELD]

    def figures(self, name: str) -> str:
        """A text in which figures are meant to be read: those of any script, as phones of many people write them."""
        return plain_figures(self.text(name))

    def has(self, name: str) -> bool:
        return name in self._form

    def lines(self, name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(line.strip() for line in self.text(name).splitlines() if line.strip()))

    def codes(self, name: str) -> tuple[str, ...]:
        words = self.text(name).replace(";", ",").replace("\n", ",").split(",")
        return tuple(dict.fromkeys(word.strip() for word in words if word.strip()))

    def ticked(self, group: str, known: Mapping[str, object] | type[Gender]) -> tuple[str, ...]:
        return tuple(str(code) for code in known if self._form.get(f"{group}.{code}"))

    def said(self, name: str) -> bool | None:
        return {"yes": True, "no": False}.get(self.text(name))

    def figure(self, name: str) -> float | None:
        if not (text := self.figures(name)):
            return None
        try:
            return float(text.replace(",", "."))
        except ValueError:
            raise WrongRecord([because("'{value}' is not a number", value=text[:40])]) from None

    def whole(self, name: str) -> int | None:
        value = self.figure(name)
        if value is not None and value != int(value):
            raise WrongRecord([because("'{value}' is not a whole number", value=self.text(name)[:40])])
        return None if value is None else int(value)

    def day(self, name: str) -> date | None:
        try:
            return date.fromisoformat(self.figures(name)) if self.text(name) else None
        except ValueError:
            raise WrongRecord([because("'{value}' is not a day like 2026-12-24", value=self.text(name)[:40])]) from None


# --- sections -----------------------------------------------------------------------------------------------------


def _words(record: Service, form: _Filled, at: datetime) -> Service:
    """Name and description in every language: that of the record, and translations beside it.

    A translation that stays while the text it was made from changes is stale, until somebody writes it anew or says
    that it still holds (`fresh.fr`).
    """

    def others(field: str, before: tuple[Translation, ...], now: str) -> tuple[Translation, ...]:
        stale = now != getattr(record, field)
        kept = [replace(text, stale=text.stale or stale) for text in before if text.language not in LANGUAGES]
        said = {text.language: text for text in before}
        for language in LANGUAGES:
            text = form.text(f"{field}.{language}")
            if language == record.language or not text:
                continue
            same = said.get(language)
            if same is None or same.text != text:
                kept.append(Translation(language, text))
            elif form.text(f"fresh.{language}"):
                kept.append(replace(same, stale=False))
            else:
                kept.append(replace(same, stale=same.stale or stale))
        return tuple(sorted(kept, key=str))

    own = record.language
    name = form.text(f"name.{own}") if own in LANGUAGES else record.name
    summary = form.text(f"summary.{own}") if own in LANGUAGES else record.summary
    return replace(
        record,
        name=name,
        summary=summary,
        names=others("name", record.names, name),
        summaries=others("summary", record.summaries, summary),
        needs=_kept_order(record.needs, form.ticked("need", NEEDS)),
        alert=form.text("alert"),
    )


def _contact(record: Service, form: _Filled, at: datetime) -> Service:
    known = {_phone_line(phone): phone for phone in record.phones}
    return replace(
        record,
        phones=tuple(known.get(line) or _phone(line) for line in form.lines("phones")),
        website=form.text("website"),
        email=form.text("email"),
        how_to_apply=form.text("how_to_apply"),
    )


def _phone_line(phone: Phone) -> str:
    return " | ".join(part for part in (phone.number, phone.description) if part)


def _phone(line: str) -> Phone:
    number, _, description = line.partition("|")
    return Phone(plain_figures(number).strip(), description=description.strip())


def _hours(record: Service, form: _Filled, at: datetime) -> Service:
    """The week as a grid of days. A week without times and days is one that nobody has said."""
    problems: list[str] = []
    shifts: list[Shift] = []
    for day in range(7):
        said = form.text(f"hours.{day}")
        try:
            spans = [span.partition("-") for span in spans_in(said)]
            shifts += [Shift(day, minute_of(opens), minute_of(closes)) for opens, _, closes in spans]
        except ValueError:
            problems.append(because("'{span}' is not two times like 09:00-12:30", span=said))
    special = [_special(line, problems) for line in form.lines("special_days")]
    days = tuple(day for day in special if day is not None)
    hours = None
    if (shifts or days) and not problems:
        try:
            hours = OpeningHours(form.text("zone") or _zone_there(record), tuple(sorted(shifts)), days)
        except ValueError:
            problems.append(because("the opening hours need a time zone like Europe/Rome"))
    if problems:
        raise WrongRecord(problems)
    closed_from, closed_until = form.day("closed_from"), form.day("closed_until")
    if closed_from and closed_until and closed_until < closed_from:
        raise WrongRecord([because("it opens again before it closes")])
    return replace(record, hours=hours, closed_from=closed_from, closed_until=closed_until)


def _zone_there(record: Service) -> str:
    """The zone of where it is, which nobody needs to know by name; empty where it could be several."""
    points = [(place.country, place.latitude, place.longitude) for place in record.locations]
    found = {zone_of(*point) for point in points or [(country, None, None) for country in record.countries]}
    return (found.pop() or "") if len(found) == 1 else ""


#: The word for a day on which it is shut, in the languages of the form.
_CLOSED = ("closed", "fermé", "ferme", "cerrado", "مغلق")


def _special_line(day: SpecialDay) -> str:
    spans = [f"{clock_of(opens)}-{clock_of(closes)}" for opens, closes in day.shifts] or ["closed"]
    return " ".join([day.day.isoformat(), *spans, day.note]).strip()


def _special(line: str, problems: list[str]) -> SpecialDay | None:
    """`2026-12-24 09:00-12:00 Christmas Eve`, or `2026-12-25 closed`."""
    first, *words = plain_figures(line).split()
    spans: list[tuple[int, int]] = []
    try:
        day = date.fromisoformat(first)
        while words and words[0][:1].isdigit() and "-" in words[0]:
            opens, _, closes = words.pop(0).partition("-")
            spans.append((minute_of(opens), minute_of(closes)))
        if not spans:
            if not words or words[0].casefold() not in _CLOSED:
                raise ValueError
            words.pop(0)
    except ValueError:
        problems.append(
            because("'{line}' is not a day like 2026-12-24 09:00-12:00, or 2026-12-25 closed", line=line[:60])
        )
        return None
    return SpecialDay(day, tuple(spans), " ".join(words))


def _place(record: Service, form: _Filled, at: datetime) -> Service:
    """The places, without those that are gone, and with another one where its fields are filled in."""
    places = [
        _told(place, form, place_prefix(number))
        for number, place in enumerate(record.locations)
        if not form.text(f"{place_prefix(number)}gone")
    ]
    return replace(
        record,
        countries=tuple(sorted(form.codes("countries"))),
        areas=form.lines("areas"),
        locations=(*places, *_another(record, form)),
    )


def _told(place: Location, form: _Filled, prefix: str) -> Location:
    """A place as its fields say. Of a safe place only the town: its address belongs elsewhere."""
    if not form.has(f"{prefix}country"):  # the form was made before the place was
        return place
    town = replace(place, city=form.text(f"{prefix}city"), country=form.text(f"{prefix}country").upper())
    if place.kind is LocationKind.FRONT_GATE:
        return town
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


def _another(record: Service, form: _Filled) -> list[Location]:
    """One more place, if anything is said of it."""
    if not any(form.text(NEW_PLACE + name) for name in (*_PLACE_TEXTS, "latitude", "longitude")):
        return []
    kind = LocationKind.FRONT_GATE if record.confidential else LocationKind.PHYSICAL
    return [_told(Location(str(uuid.uuid4()), kind, record.name, ""), form, NEW_PLACE)]


def _who(record: Service, form: _Filled, at: datetime) -> Service:
    genders = frozenset(Gender(code) for code in form.ticked("gender", Gender))
    if not genders:
        raise WrongRecord([because("girls, boys or both are taken in")])
    before = record.eligibility
    who = Eligibility(
        minimum_age=form.whole("minimum_age"),
        maximum_age=form.whole("maximum_age"),
        genders=genders,
        note=form.text("note"),
        nationalities=tuple(code.upper() for code in form.codes("nationalities")),
        status_required=_kept_order(before.status_required, form.ticked("status_required", LEGAL_STATUS)),
        unaccompanied=form.said("unaccompanied"),
        accompanied=form.said("accompanied"),
        siblings_together=form.said("siblings_together"),
        pregnant=form.said("pregnant"),
        disability=form.said("disability"),
        papers_needed=form.said("papers_needed"),
    )
    return replace(record, eligibility=who)


def _how(record: Service, form: _Filled, at: datetime) -> Service:
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
        documents=form.lines("documents"),
        languages=form.codes("languages"),
        staff_genders=_kept_order(record.staff_genders, form.ticked("staff", STAFF)),
        reports_to=_kept_order(record.reports_to, form.ticked("reports_to", REPORTS_TO)),
        capacity=_capacity(record, form, at),
    )


def _capacity(record: Service, form: _Filled, at: datetime) -> Capacity | None:
    """Free places as said now. The same figures again are not news: they keep the moment at which they were said."""
    available, maximum = form.whole("available"), form.whole("maximum")
    if available is None:
        return None
    before = record.capacity
    if before is not None and (before.available, before.maximum) == (available, maximum):
        return before
    return Capacity(available, at, maximum)


def _referral(record: Service, form: _Filled, at: datetime) -> Service:
    told = (form.text(f"referral.{name}") for name in ("name", "phone", "email", "how"))
    return replace(record, referral=ReferralContact(*told))


_READ: Mapping[Section, Callable[[Service, _Filled, datetime], Service]] = {
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


def _text(own: str, translations: tuple[Translation, ...], language: str, wanted: str) -> str:
    if language == wanted:
        return own
    return next((text.text for text in translations if text.language == wanted), "")


def _figure(value: float | None) -> str:
    return "" if value is None else str(value)


def _said(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "no"


def _ticks(
    group: str, chosen: Sequence[str] | frozenset[Gender], known: Mapping[str, str] | type[Gender]
) -> dict[str, str]:
    return {f"{group}.{code}": "yes" for code in known if code in chosen}
