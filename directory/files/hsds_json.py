"""HSDS as JSON: a full service on each line, or an array of them; and one of them as a record of ours."""

from __future__ import annotations

import json
import re
import unicodedata
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TextIO

from msgspec.structs import replace
from sqlalchemy.engine import Connection

from directory import hsds, store
from directory.files.cells import need_in
from directory.files.over import with_words
from directory.files.schedules import MARKUP, assumed_zone, described, first_day, last_day, sorted_out, words_of_hours
from directory.hidden import HIDDEN_CHARACTERS
from directory.misplaced import in_the_middle, middle_of
from directory.model import (
    ACCESSIBILITY,
    HUMAN,
    MACHINE,
    TRANSLATED,
    AtPlace,
    Capacity,
    Eligibility,
    Gender,
    Location,
    LocationKind,
    Organization,
    Phone,
    ReferralContact,
    Service,
    ServiceStatus,
    Translation,
    WrongRecord,
)
from directory.opening_hours import DAYS, OpeningHours, Season, Shift, SpecialDay, minute_of, week
from directory.store import Filters
from directory.words import because, plain_figures, reason_of

#: A line longer than this is not a service.
LONGEST_LINE = 1_000_000
#: An array is read in pieces of so many characters.
PIECE = 64 * 1024
AT_A_TIME = 200

Json = dict[str, Any]


def export_services(tx: Connection) -> Iterator[str]:
    """Every published service as a line of JSON. No safe place's address is in any of it."""
    ids = store.published_ids(tx, Filters())
    for start in range(0, len(ids), AT_A_TIME):
        records = store.get_services(tx, ids[start : start + AT_A_TIME])
        owners = store.get_organizations(tx, [record.organization_id for record in records])
        for record in records:
            full = hsds.full_service(record, owners[record.organization_id])
            yield json.dumps(full, ensure_ascii=False, separators=(",", ":"))


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a UTF-8 file with their numbers, empty ones left out. A line too long is cut, and will not parse."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        number = 0
        while line := file.readline(LONGEST_LINE):
            number += 1
            if not line.endswith("\n") and len(line) == LONGEST_LINE:
                while (rest := file.readline(LONGEST_LINE)) and not rest.endswith("\n"):
                    continue
            if line.strip():
                yield number, line


def read_json(path: Path) -> Iterator[tuple[int, str]]:
    """The services of a JSON file: an array of them, or the page or package that has them as `contents` or `services`.

    The array is cut into its elements as it is read. The number is the element's, from 1. One service may stand alone;
    what is neither comes as one last element that will not parse.
    """
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        start = file.read(PIECE)
        array = _ARRAY.match(start)
        buffer: str | None = start[array.end() :] if array else start
        number = 0
        while buffer is not None and (array or buffer.strip()):
            buffer = buffer.lstrip(" \t\r\n,")
            if buffer.startswith("]"):
                return
            number += 1
            element, buffer = _first_element(buffer, file)
            yield number, element


def _first_element(buffer: str, file: TextIO) -> tuple[str, str | None]:
    """One element and what follows it; the rest as it is, and nothing, when no element can be read."""
    while len(buffer) <= LONGEST_LINE:
        try:
            _, end = _DECODER.raw_decode(buffer)
        except (ValueError, RecursionError):
            more = file.read(max(PIECE, len(buffer)))  # as much again, so that a long element is not read too often
            if not more:
                break
            buffer += more
            continue
        return buffer[:end], buffer[end:] or file.read(PIECE)
    return buffer[:LONGEST_LINE] + "\x00", None


_DECODER = json.JSONDecoder()
#: The array itself, or one that comes after figures about the page.
_ARRAY = re.compile(
    r'\s*(?:\[|\{(?:\s*"[a-z_]{1,40}"\s*:\s*(?:"[^"\\]{0,200}"|[0-9]{1,12}|true|false)\s*,)*\s*"(?:contents|services)"\s*:\s*\[)'
)


# --- a line of JSON as a record ---------------------------------------------------------------------------------


def parse_service(line: str) -> tuple[Organization, Service]:
    """One full HSDS service. Raises WrongRecord naming everything that is wrong with it."""
    return parse_record(parse_line(line))


def parse_line(line: str) -> Any:
    """The JSON on a line. Raises WrongRecord."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise WrongRecord(
            [because("no JSON, cut off in the middle, or longer than {longest} characters", longest=LONGEST_LINE)]
        ) from None


def parse_record(data: Any) -> tuple[Organization, Service]:
    """One full HSDS service as a record. Raises WrongRecord naming everything that is wrong with it."""
    if not isinstance(data, dict):
        raise WrongRecord([because("not a JSON object")])
    reader = _Reader()
    owner = reader.organization(data)
    service = reader.service(data, owner.id)
    problems = list(dict.fromkeys([*reader.problems, *service.problems()]))
    if problems:
        raise SafePlaceInFile(problems, owner, service) if reader.hidden else WrongRecord(problems)
    return owner, service


#: What HSDS has of a street in two fields.
_STREET = ("address_1", "address_2")
_BARE_LINK = re.compile(r"(?:[\w-]+\.)+[a-z]{2,24}(?:/\S*)?", re.IGNORECASE)


def _mixed_scripts(text: str) -> str:
    """The first word that mixes scripts whose letters look alike: nobody writes so but to deceive."""
    for word in text.split():
        scripts = {unicodedata.name(letter, "").split(" ", 1)[0] for letter in word if letter.isalpha()}
        if len(scripts & {"LATIN", "CYRILLIC", "GREEK"}) > 1:
            return word
    return ""


class SafePlaceInFile(WrongRecord):
    """A place that our own export does not tell. Where the record is known as a safe place, it stays as it is."""

    def __init__(self, problems: list[str], owner: Organization, service: Service) -> None:
        self.owner, self.service = owner, service
        super().__init__(problems)


class _Reader:
    """Reads what a stranger wrote, and remembers everything that is wrong with it."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.hidden = False  # a place has no address that could be told

    def string(self, data: Json, name: str, *, required: bool = False, longest: int = 4000) -> str:
        value = data.get(name, "")
        if not isinstance(value, str):
            self.problems.append(because("{field} is not a text", field=name))
            return ""
        if len(value) > longest:
            self.problems.append(because("{field} is longer than {longest} characters", field=name, longest=longest))
            return ""
        if HIDDEN_CHARACTERS.search(value):
            self.problems.append(because("{field} has control or direction characters in it", field=name))
            return ""
        if MARKUP.search(value):
            self.problems.append(because("{field} has HTML in it", field=name))
            return ""
        if name == "name" and (mixed := _mixed_scripts(value)):
            self.problems.append(
                because("{field} has letters of two scripts in one word: '{word}'", field=name, word=mixed)
            )
            return ""
        if required and not value.strip():
            self.problems.append(because("{field} is missing", field=name))
        return value.strip()

    def number(self, data: Json, name: str) -> float | None:
        value = data.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e9:
            self.problems.append(because("{field} is not a number", field=name))
            return None
        return float(value)

    def age(self, data: Json, name: str) -> int | None:
        value = self.number(data, name)
        if value is None:
            return None
        if value != int(value) or not 0 <= value <= 120:
            self.problems.append(because("{field} is not an age from 0 to 120", field=name))
            return None
        return int(value)

    def identifier(self, data: Json, name: str = "id") -> str:
        try:
            return str(uuid.UUID(self.string(data, name, required=True)))
        except ValueError:
            self.problems.append(because("{field} is not a UUID", field=name))
            return ""

    def objects(self, data: Json, name: str) -> list[Json]:
        value = data.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value) or len(value) > 500:
            self.problems.append(because("{field} is not a list of at most 500 objects", field=name))
            return []
        return value

    def organization(self, data: Json) -> Organization:
        owner = data.get("organization")
        if not isinstance(owner, dict):
            self.problems.append(because("the organization is missing"))
            return Organization("", "", "")
        return Organization(
            id=self.identifier(owner),
            name=self.string(owner, "name", required=True, longest=300),
            description=self.string(owner, "description"),
            language=self.string(owner, "text_language", longest=12) or "en",
            descriptions=self._translated(owner, "description"),
            website=self.string(owner, "website", longest=500),
            email=self.string(owner, "email", longest=300),
        )

    def service(self, data: Json, organization_id: str) -> Service:
        places = tuple(self._location(link) for link in self.objects(data, "service_at_locations"))
        served = {self._country(area) for area in self._areas(data)}
        if not served and all(place.kind is LocationKind.VIRTUAL for place in places):
            served = {place.country for place in places if place.country}  # people call or write there, from all of it
        countries = tuple(sorted(served))
        record = Service(
            id=self.identifier(data),
            organization_id=organization_id,
            name=self.string(data, "name", required=True, longest=300),
            summary=self.string(data, "description"),
            needs=self._needs(data),
            language=self.string(data, "text_language", longest=12) or "en",
            status=self._status(data),
            eligibility=Eligibility(
                minimum_age=self.age(data, "minimum_age"),
                maximum_age=self.age(data, "maximum_age"),
                genders=self._genders(data),
                unaccompanied=self.flag(data, "unaccompanied"),
                accompanied=self.flag(data, "accompanied"),
                siblings_together=self.flag(data, "siblings_together"),
                pregnant=self.flag(data, "pregnant"),
                disability=self.flag(data, "disability"),
                nationalities=self._codes(data, "nationalities"),
                status_required=self._codes(data, "status_required"),
                papers_needed=self.flag(data, "papers_needed"),
                note=self.string(data, "eligibility_description"),
            ),
            locations=places,
            countries=countries,
            hours=self._hours(data, places, countries),
            phones=self._phones(data),
            languages=tuple(self.string(spoken, "code", longest=12) for spoken in self.objects(data, "languages")),
            interpreters=self.flag(data, "interpreters"),
            free=self._free(data),
            walk_in=self.flag(data, "walk_in"),
            reports_to=self._codes(data, "reports_to"),
            staff_genders=self._codes(data, "staff_genders"),
            areas=tuple(
                dict.fromkeys(
                    self.string(area, "name", longest=200)
                    for area in self.objects(data, "service_areas")
                    if area.get("extent_type") == "text"
                )
            ),
            capacity=self._capacity(data),
            referral=self._referral(data),
            how_to_apply=_unless(self.string(data, "application_process"), hsds.said_of_coming(data.get("walk_in"))),
            cost_note=_unless(self.string(data, "fees_description"), hsds.said_of_cost(data.get("free"))),
            documents=tuple(
                self.string(paper, "document", longest=300) for paper in self.objects(data, "required_documents")
            ),
            website=self._link(data, "url"),
            email=self.string(data, "email", longest=300),
            alert=self._alert_with_hours(data, places, countries),
            at_places=self._at_places(data, places, countries),
            closed_from=self.day(data, "closed_from"),
            closed_until=self.day(data, "closed_until"),
        )
        told_in = {TRANSLATED[own]: self._translated(data, field) for own, field in hsds.TRANSLATED_FIELDS.items()}
        return replace(record, **told_in).tidied()

    def _phones(self, data: Json) -> tuple[Phone, ...]:
        return tuple(
            Phone(
                plain_figures(self.string(phone, "number", required=True, longest=60)),  # as every phone dials them
                self.string(phone, "type", longest=12) or "voice",
                tuple(self.string(spoken, "code", longest=12) for spoken in self.objects(phone, "languages")),
                self.string(phone, "description"),
            )
            for phone in self.objects(data, "phones")
        )

    def _at_places(self, data: Json, places: Sequence[Location], countries: Sequence[str]) -> tuple[AtPlace, ...]:
        """What is said of the service at each of its places."""
        links = self.objects(data, "service_at_locations")
        return tuple(
            AtPlace(place.id, self._hours(link, [place], countries), self._phones(link))
            for link, place in zip(links, places, strict=True)
        )

    def _alert_with_hours(self, data: Json, places: Sequence[Location], countries: Sequence[str]) -> str:
        """What people must know first, and behind it what is said of the hours and is no week."""
        alert = self._alert(data)
        for where, words in words_of_hours(data, places, countries):
            alert = with_words(alert, f"{where}: {words}" if where else words)
        return alert

    def flag(self, data: Json, name: str) -> bool | None:
        value = data.get(name)
        if value is None or isinstance(value, bool):
            return value
        self.problems.append(because("{field} is not true or false", field=name))
        return None

    def _link(self, data: Json, name: str) -> str:
        """A web address; `www.example.org`, as people write it, becomes one."""
        value = self.string(data, name, longest=500)
        return f"https://{value}" if _BARE_LINK.fullmatch(value) else value

    def day(self, data: Json, name: str) -> date | None:
        value = self.string(data, name, longest=40)
        try:
            return date.fromisoformat(value) if value else None
        except ValueError:
            self.problems.append(because("{field} is not a day like 2026-12-24", field=name))
            return None

    def _alert(self, data: Json) -> str:
        """Without what our own export says there of the days between which it is shut."""
        closed = hsds.said_closed(self.day(data, "closed_from"), self.day(data, "closed_until"))
        return self.string(data, "alert").removeprefix(closed).strip()

    def _genders(self, data: Json) -> frozenset[Gender]:
        codes = self._codes(data, "genders")
        wrong = [code for code in codes if code not in set(Gender)]
        if wrong:
            self.problems.append(because("genders are girls and boys, not '{code}'", code=wrong[0]))
        return frozenset(Gender(code) for code in codes if code not in wrong) or frozenset(Gender)

    def _codes(self, data: Json, name: str) -> tuple[str, ...]:
        value = data.get(name, [])
        if not isinstance(value, list) or len(value) > 50 or not all(isinstance(code, str) for code in value):
            self.problems.append(because("{field} is not a list of codes", field=name))
            return ()
        return tuple(dict.fromkeys(code[:40] for code in value))

    def _free(self, data: Json) -> bool | None:
        if any(option.get("option") == "free" for option in self.objects(data, "cost_options")):
            return True
        return self.flag(data, "free")

    def _translated(self, data: Json, name: str) -> tuple[Translation, ...]:
        found = [
            Translation(
                self.string(row, "language", required=True, longest=12),
                self.string(row, name),
                MACHINE if row.get(f"{name}_source") == MACHINE else HUMAN,
                self.flag(row, f"{name}_stale") is True,
            )
            for row in self.objects(data, "translations")
        ]
        return tuple(sorted((text for text in found if text.text), key=str))

    def _areas(self, data: Json) -> list[Json]:
        return [
            area
            for area in self.objects(data, "service_areas")
            if area.get("extent_type") != "text" and (len(str(area.get("name", ""))) == 2 or _is_world(area))
        ]

    def _country(self, area: Json) -> str:
        return store.WORLD if _is_world(area) else self.string(area, "name", longest=60)

    def _capacity(self, data: Json) -> Capacity | None:
        """The latest of what is said of free places. One that names no moment says nothing."""
        said = [row for row in self.objects(data, "capacities") if row.get("updated")]
        if not said:
            return None
        latest = max(said, key=lambda row: str(row["updated"]))
        available, maximum = self.number(latest, "available"), self.number(latest, "maximum")
        try:
            at = datetime.fromisoformat(str(latest["updated"]))
        except ValueError:
            self.problems.append(because("updated of a capacity is not a moment"))
            return None
        if at.tzinfo is None or available is None:
            self.problems.append(because("a capacity says how many are available, and updated with its time zone"))
            return None
        return Capacity(int(available), at.astimezone(UTC), None if maximum is None else int(maximum))

    def _referral(self, data: Json) -> ReferralContact:
        """A term of our own, which comes in and never goes out."""
        told = data.get("referral_contact") or {}
        if not isinstance(told, dict):
            self.problems.append(because("referral_contact is not an object"))
            return ReferralContact()
        return ReferralContact(*(self.string(told, name, longest=500) for name in ("name", "phone", "email", "how")))

    def _needs(self, data: Json) -> tuple[str, ...]:
        """By our own terms; those of other taxonomies by what they are called."""
        found, others = [], []
        for attribute in self.objects(data, "attributes"):
            term = attribute.get("taxonomy_term")
            told = [term.get("code"), term.get("name")] if isinstance(term, dict) else []
            names = [name for name in [*told, attribute.get("label")] if isinstance(name, str)]
            ours = hsds.NEED_OF_TERM.get(str(attribute.get("taxonomy_term_id")))
            need = ours or next(filter(None, map(need_in, names)), None)
            if need is not None:
                found.append(need)
            elif names:
                others.append(names[-1][:60])
        if others and not found:
            self.problems.append(
                because("none of its terms is a need that is known: {terms}", terms=", ".join(others[:5]))
            )
        return tuple(dict.fromkeys(found))

    def _status(self, data: Json) -> ServiceStatus:
        value = self.string(data, "status", longest=40)
        try:
            return ServiceStatus(value)
        except ValueError:
            self.problems.append(because("status '{value}' is none of HSDS's", value=value))
            return ServiceStatus.INACTIVE

    def _location(self, link: Json) -> Location:
        place = link.get("location")
        if not isinstance(place, dict):
            self.problems.append(because("a service_at_location has no location"))
            place = {}
        address = next(iter(self.objects(place, "addresses")), {})
        if place.get("location_type") == "virtual" and not address:
            name = self.string(place, "name", longest=300)
            self.hidden = True
            self.problems.append(
                because("'{place}' has no address with a country; a safe place does not travel by file", place=name)
            )
        access = [self.string(row, "description") for row in self.objects(place, "accessibility")]
        known = tuple(code for code, name in ACCESSIBILITY.items() if name in access)
        physical = self.string(place, "location_type", longest=20) == "physical"
        city, country = self.string(address, "city", longest=200), self.string(address, "country", longest=2)
        latitude, longitude = self.number(place, "latitude"), self.number(place, "longitude")
        if physical and latitude is None and longitude is None:
            latitude, longitude = middle_of(city, country) or (None, None)
        return Location(
            id=self.identifier(place),
            kind=LocationKind.PHYSICAL if physical else LocationKind.VIRTUAL,
            name=self.string(place, "name", longest=300),
            country=country,
            city=city,
            region=self.string(address, "state_province", longest=200),
            postal_code=self.string(address, "postal_code", longest=20),
            address=", ".join(filter(None, (self.string(address, part, longest=500) for part in _STREET))),
            latitude=latitude,
            longitude=longitude,
            approximate=physical and in_the_middle(city, country, latitude, longitude),
            directions=self.string(place, "transportation"),
            step_free=_step_free(access, known),
            accessibility=known,
            directions_in=self._translated(place, "transportation"),
        )

    def _hours(self, data: Json, places: Sequence[Location], countries: Sequence[str]) -> OpeningHours | None:
        rows = self.objects(data, "schedules")
        found = sorted_out(rows)
        said = described(data, places, countries)
        kept = rows if said.week else [*found.weekly, *found.seasonal, *found.single]
        if not kept:
            return None
        zones = {self.string(row, "timezone_name", longest=64) for row in kept} - {""}
        if not zones and (there := assumed_zone(data, places, countries)):
            zones = {there}
        if len(zones) != 1:
            self.problems.append(because("the schedules are in no time zone, or in more than one (timezone_name)"))
            return None
        try:
            if said.week:
                return week(zones.pop(), said.week)
            days = self._special_days(found.single)
            return OpeningHours(zones.pop(), self._week(found.weekly), days, self._seasons(found.seasonal))
        except ValueError as error:
            self.problems.append(reason_of(error))
            return None

    def _week(self, rows: list[Json]) -> tuple[Shift, ...]:
        return tuple(sorted({shift for row in rows for shift in self._shifts(row)}))

    def _seasons(self, rows: list[Json]) -> tuple[Season, ...]:
        """Weeks that count between two days, each with all its rows."""
        found: dict[tuple[str, str], list[Json]] = {}
        for row in rows:
            found.setdefault((first_day(row), last_day(row)), []).append(row)
        return tuple(
            Season(_day_in("valid_from", first), _day_in("valid_to", last), self._week(some))
            for (first, last), some in sorted(found.items())
        )

    def _special_days(self, rows: list[Json]) -> tuple[SpecialDay, ...]:
        """Single days that are not like the others, each with all its rows. One without times is shut."""
        found: dict[str, list[tuple[int, int]]] = {}
        notes: dict[str, str] = {}
        for row in rows:
            day = self.string(row, "valid_from", longest=40)
            spans = found.setdefault(day, [])
            if row.get("opens_at"):
                spans.append(self._span(row))
            notes[day] = notes.get(day) or self.string(row, "notes")
        try:
            return tuple(SpecialDay(date.fromisoformat(day), tuple(found[day]), notes[day]) for day in found)
        except ValueError:
            raise ValueError(because("{field} is not a day like 2026-12-24", field="valid_from")) from None

    def _span(self, row: Json) -> tuple[int, int]:
        opens, closes = self.string(row, "opens_at", longest=8), self.string(row, "closes_at", longest=8)
        begins = minute_of(opens[:5])
        return begins, 0 if closes.startswith("23:59") and begins == 0 else minute_of(closes[:5])

    def _shifts(self, row: Json) -> list[Shift]:
        begins, last = self._span(row)
        days = self.string(row, "byday", longest=30).casefold().split(",")
        if not set(days) <= set(DAYS):
            raise ValueError(because("byday is a list of MO TU WE TH FR SA SU"))
        return [Shift(DAYS.index(day), begins, last) for day in days]


def _day_in(field: str, text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10]) if text else None
    except ValueError:
        raise ValueError(because("{field} is not a day like 2026-12-24", field=field)) from None


def _unless(text: str, derived: str) -> str:
    """The text, unless it is only what our own export says for want of one."""
    return "" if text == derived else text


def _step_free(access: list[str], known: tuple[str, ...]) -> bool | None:
    if hsds.STAIRS[False] in access:
        return False
    return True if hsds.STAIRS[True] in access or (access and not known) else None


def _is_world(area: Json) -> bool:
    """Whether it is everywhere, as we write it out ourselves: in a sheet by the sign, elsewhere in a word."""
    return area.get("name") in (store.WORLD, "Worldwide")
