"""Flat spreadsheets: a service a row, in CSV or XLSX, whatever its columns are called.

Which column is which field is guessed from the titles, corrected by whoever imports, and kept for the next time the
same titles come.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

from directory import hsds
from directory.files import sheet_languages
from directory.files.cells import country_in, language_in, needs_in, phones_in, point_in
from directory.files.importing import Row
from directory.files.letters import lines_of, wrong_letters
from directory.files.over import with_words
from directory.files.quoted import Unread, records
from directory.files.sheet_languages import DIRECTIONS
from directory.files.unreadable import UnreadableFile
from directory.misplaced import middle_of
from directory.model import Location, LocationKind, Organization, Service, fixed_id
from directory.opening_hours import DAYS, OpeningHours, clock_of, said_week, week
from directory.said_hours import hours_in
from directory.spelling import fold
from directory.words import N_, because, plain_figures, reason_of

Json = dict[str, Any]

#: Every field a column may be, in the order of an export, with titles by which it is known.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "id": ("service id", "identifier"),
    "name": ("service", "service name", "nom", "nom du service", "nombre", "اسم", "الخدمه", "اسم الخدمه"),
    "description": ("summary", "details", "description du service", "descripcion", "وصف"),
    "language": ("text language", "langue du texte"),
    "organization": (
        "organisation", "organization name", "organisation name", "provider", "agency", "ngo", "organisme",
        "association", "organizacion", "منظمه", "المنظمه", "اسم المنظمه",
    ),
    "needs": (
        "need", "category", "categories", "service type", "type of service", "sector", "besoin", "besoins", "categorie",
        "type de service", "secteur", "necesidades", "categoria", "tipo de servicio", "نوع الخدمه", "الفئه", "القطاع",
    ),
    "status": ("state of the service",),
    "country": ("pays", "pais", "بلد", "البلد", "الدوله", "countries"),
    "city": ("town", "municipality", "ville", "commune", "ciudad", "municipio", "مدينه", "المدينه"),
    "region": ("province", "governorate", "department", "region province", "المحافظه"),
    "address": ("street", "adresse", "direccion", "عنوان", "العنوان"),
    "postal_code": ("postcode", "zip", "zip code", "code postal", "codigo postal"),
    "latitude": ("lat", "y"),
    "longitude": ("lon", "lng", "long", "x"),
    "phones": ("phone", "telephone", "tel", "phone number", "mobile", "telefono", "هاتف", "الهاتف", "رقم الهاتف"),
    "website": ("web", "url", "link", "site web", "sitio web"),
    "email": ("e mail", "mail", "courriel", "correo"),
    "hours": (
        "opening hours", "working hours", "horaires", "heures d ouverture", "horaires d ouverture", "horario",
        "horarios", "horario de atencion", "ساعات العمل", "اوقات العمل",
    ),
    "time_zone": ("timezone", "zone", "fuseau horaire"),
    "languages": ("languages spoken", "langues", "idiomas", "اللغات"),
    "minimum_age": ("min age", "age from", "age minimum", "edad minima"),
    "maximum_age": ("max age", "age to", "age maximum", "edad maxima"),
    "genders": ("gender", "genre", "sexo"),
    "free": ("free of charge", "gratuit", "gratis"),
    "papers_needed": ("papers", "documents needed", "papiers"),
    "walk_in": ("walk in", "sans rendez vous", "sin cita"),
    "interpreters": ("interpreter", "interpretes", "interpretation"),
    "how_to_apply": ("application", "access", "comment acceder", "como acceder"),
    "documents": ("required documents", "what to bring"),
    "eligibility": ("who", "target group", "public", "eligibility description"),
    "alert": ("notice", "warning"),
    "pregnant": ("pregnant girls", "young mothers", "femmes enceintes", "embarazadas"),
    "disability": ("disabilities", "handicap", "discapacidad"),
    "siblings_together": ("siblings", "fratries", "hermanos"),
    "unaccompanied": ("unaccompanied children", "mineurs non accompagnes", "no acompanados"),
    "nationalities": ("nationality", "nationalites", "nacionalidades"),
    "status_required": ("legal status", "statut", "estatus"),
    "staff_genders": ("staff gender", "genre du personnel"),
    "reports_to": ("reporting duty", "informs", "signale a"),
    "areas": ("coverage area", "coverage", "zone couverte", "cobertura"),
    "cost_note": ("cost details", "fees", "frais", "tarifs"),
    "directions": ("how to find it", "how to get there", "transportation", "comment y aller", "como llegar"),
}  # fmt: skip
#: What a column may be: these, and a point in one cell.
READ: Mapping[str, tuple[str, ...]] = {
    **FIELDS,
    "coordinates": ("coordonnees", "coordenadas", "gps", "gps coordinates", "location gps", "احداثيات"),
}
REQUIRED = ("name", "organization", "needs", "country")
NOT_READ = "-"

MOST_COLUMNS = 200
#: So many lines may stand above the titles, with them: what the list is, and of when.
MOST_ABOVE = 10
#: So many titles that we know make a row of titles, whatever stands above it.
ENOUGH_KNOWN = 3


# --- columns ----------------------------------------------------------------------------------------------------


def guess_mapping(titles: Sequence[str]) -> dict[str, str]:
    """Title to field, for the titles that are known. The first of two columns for one field counts."""
    known = {_folded(title): field for field, others in READ.items() for title in (field, *others)}
    mapping: dict[str, str] = {}
    for title in titles:
        bare = re.sub(r"\(.*?\)", " ", title, flags=re.DOTALL)
        parts = {known[part] for part in map(_folded, bare.split("/")) if part in known}  # City/Town, location/country
        one_of = parts.pop() if len(parts) == 1 else None
        spoken = sheet_languages.guessed(title, lambda base: known.get(_folded(base)))
        field = known.get(_folded(title)) or spoken or known.get(_folded(bare)) or one_of
        if field is not None and field not in mapping.values():
            mapping[title] = field
    return _with_originals(mapping)


def _with_originals(mapping: dict[str, str]) -> dict[str, str]:
    """Of a sheet with every text in several languages and none without one, English is what it was written in."""
    told = set(mapping.values())
    fields = sheet_languages.FIELDS if "language" not in told else ()
    originals = {f"{field}_en": field for field in fields if field not in told and f"{field}_en" in told}
    return {title: originals.get(field, field) for title, field in mapping.items()}


def is_field(field: str) -> bool:
    """Whether a column may be read as that: one of READ, or a text in another language, as `name_fr`."""
    return field in READ or sheet_languages.field_and_language(field) is not None


def _folded(title: str) -> str:
    return fold(title.replace("_", " "))


def mapping_id(titles: Sequence[str]) -> str:
    """By which the mapping of a sheet with these titles is kept."""
    return fixed_id("columns", *(_folded(title) for title in titles))


def fitting(titles: Sequence[str], mapping: Mapping[str, str]) -> dict[str, str]:
    """A mapping of the same titles, written otherwise."""
    known = {_folded(title): field for title, field in mapping.items()}
    return {title: known[_folded(title)] for title in titles if _folded(title) in known}


def titled(rows: Iterator[tuple[int, list[str]]]) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """The titles and the rows below them. Above may stand a heading, and titles of several columns: of the first rows
    the one counts that has most of the titles we know, if these are some, else the first with more than one cell: of a
    list in another language a service must not be taken for its titles. An empty list: no titles.
    Raises UnreadableFile for titles that are no text.
    """
    first = list(islice(rows, MOST_ABOVE))
    of = [[title.strip() for title in cells] for _, cells in first]
    known = [len(guess_mapping(titles)) for titles in of]
    found = next((row for row, titles in enumerate(of) if sum(map(bool, titles)) > 1), None)
    if found is None:
        return [], chain(first, rows)
    if max(known) >= ENOUGH_KNOWN:
        found = known.index(max(known))
    if broken := next((cells for _, cells in first[: found + 1] if isinstance(cells, Unread)), None):
        raise UnreadableFile(broken.why)
    if wrong := wrong_letters("; ".join(of[found])):
        raise UnreadableFile(wrong)
    return of[found], chain(first[found + 1 :], rows)


NO_TITLES = because("the first row must have the titles of the columns")


def wrong_mapping(mapping: Mapping[str, str]) -> str:
    """What hinders reading by this mapping, in a sentence; empty when nothing does."""
    if unknown := [field for field in mapping.values() if not is_field(field) and field != NOT_READ]:
        return because("there is no field '{field}': the fields are {fields}", field=unknown[0], fields=", ".join(READ))
    fields = [field for field in mapping.values() if field != NOT_READ]
    if twice := [field for field in fields if fields.count(field) > 1]:
        return because("two columns are read as '{field}'", field=twice[0])
    if missing := [field for field in REQUIRED if field not in fields]:
        return because("no column is read as {fields}: say which with --column TITLE=FIELD", fields=", ".join(missing))
    return ""


# --- reading ----------------------------------------------------------------------------------------------------


def read_csv(path: Path, letters: str | None = None) -> Iterator[tuple[int, list[str]]]:
    """Line numbers and cells. Commas, semicolons or tabs. `letters`: see `lines_of`. Raises UnreadableFile."""
    lines = lines_of(path, letters)
    first, before = list(islice(lines, MOST_ABOVE)), 0
    if first and (said := _SEPARATOR.fullmatch(first[0].strip())):
        first, before, delimiter = first[1:], 1, said[1]
    else:
        delimiter = max(",;\t", key=next((line for line in first if re.search("[,;\t]", line)), "").count)
    last, above = _Last(chain(first, lines)), 0
    for number, cells in records(last, delimiter=delimiter):
        line = before + number
        if last.breaks_off and len(cells) < above:
            cells = Unread(because(CUT_OFF, count=len(cells), all=above))
        above = len(cells)
        if len(cells) > MOST_COLUMNS:
            raise UnreadableFile(because("line {line} has more than {most} cells", line=line, most=MOST_COLUMNS))
        if any(cells) or isinstance(cells, Unread):
            yield line, cells


class _Last:
    """Lines, and whether the last of them that was taken has no end, as only the last of a file has."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.breaks_off = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.breaks_off = not line.endswith(("\n", "\r"))
        return line


CUT_OFF = N_("{count} of {all} cells: is the file cut off?")
#: A first line by which a spreadsheet program is told what stands between the cells.
_SEPARATOR = re.compile(r'"?sep=([,;\t|])"?', re.IGNORECASE)


def rows(
    cells: Iterator[tuple[int, list[str]]], mapping: Mapping[str, str] | None = None, *, sheet: str | None = None
) -> Iterator[Row]:
    """The rows below the titles as full HSDS services. Raises UnreadableFile when the columns do not suffice.

    `sheet`: of a workbook, where the cells that nobody filled at the end of a row are not there; its name is told with
    each row, unless it is empty.
    """
    titles, below = titled(cells)
    if not titles:
        raise UnreadableFile(NO_TITLES)
    used = dict(mapping) if mapping is not None else guess_mapping(titles)
    if absent := [title for title in used if title not in titles]:
        raise UnreadableFile(because("there is no column '{title}'", title=absent[0]))
    if wrong := wrong_mapping(used):
        raise UnreadableFile(wrong)
    return _below(titles, used, below, sheet)


def _below(
    titles: list[str], mapping: Mapping[str, str], cells: Iterator[tuple[int, list[str]]], sheet: str | None
) -> Iterator[Row]:
    at = {field: titles.index(title) for title, field in mapping.items() if field != NOT_READ}
    last = max(at[field] for field in REQUIRED)
    says = frozenset(at) | (_OF_A_POINT if "coordinates" in at else frozenset())
    for number, row in cells:
        where = because("sheet {sheet}, row {number}", sheet=sheet, number=number) if sheet else _row(number)
        if wrong := row.why if isinstance(row, Unread) else wrong_letters("; ".join(row)):
            yield Row(where, wrong=wrong)
            continue
        if sheet is not None:
            row += [""] * (len(titles) - len(row))
        if len(row) <= last:
            yield Row(where, wrong=because(CUT_OFF, count=len(row), all=len(titles)))
            continue
        flat = {field: _plain(row[column]) for field, column in at.items() if column < len(row)}
        if not flat["organization"]:
            yield Row(where, {"name": flat["name"]}, wrong=NO_ORGANIZATION)
            continue
        try:
            data = as_hsds({field: value for field, value in flat.items() if value})
            yield Row(where, data, left_as_words=_left_as_words(flat, data), says=says)
        except ValueError as error:
            yield Row(where, {"name": flat.get("name", "")}, wrong=reason_of(error))


def _left_as_words(flat: Mapping[str, str], data: Json) -> str:
    """What the cell of the hours said and no week holds: it stands behind the alert now."""
    return str(data.get("alert", "")).removeprefix(flat.get("alert", "")).strip("; ")


def _row(number: int) -> str:
    return because("row {number}", number=number)


_OF_A_POINT = frozenset({"latitude", "longitude"})

NO_ORGANIZATION = because("the organisation is empty: of merged cells only the first says something")


def _plain(cell: str) -> str:
    """Without the apostrophe that an export puts before what a spreadsheet would take for a formula."""
    cell = cell.strip()
    return cell[1:] if len(cell) > 1 and cell[0] == "'" and cell[1] in _STARTS else cell


def as_hsds(flat: Mapping[str, str]) -> Json:
    """A row as a full HSDS service with our own terms. Raises ValueError naming what cannot be read."""
    get = flat.get
    owner_id = fixed_id("organization", _folded(get("organization", "")))
    place = [_folded(get(field, "")) for field in ("country", "city", "address")]
    flat = {**flat, "country": ", ".join(map(country_in, _many(get("country", ""))))}
    service_id = _id(get("id", ""), owner_id) or fixed_id("service", owner_id, _folded(get("name", "")), *place)
    data: Json = {
        "id": service_id,
        "name": get("name", ""),
        "status": get("status", "active"),
        "organization": {"id": owner_id, "name": get("organization", "")},
        "attributes": [{"taxonomy_term": {"code": code}} for code in needs_in(get("needs", ""))],
        "phones": [_phone(number, said) for number, said in phones_in(get("phones", ""))],
        "languages": [{"code": language_in(code)} for code in _many(get("languages", ""))],
        "required_documents": [{"document": paper} for paper in _many(get("documents", ""), ";|\n")],
    }
    if texts := sheet_languages.as_translations(flat, sheet_languages.TEXTS):
        data["translations"] = texts
    for field, term in _AS_THEY_ARE.items():
        if value := get(field):
            data[term] = value
    for field in _YES_OR_NO:
        if value := get(field):
            data[field] = _yes(field, value)
    for field in ("minimum_age", "maximum_age"):
        if value := get(field):
            data[field] = _figure(field, value)
    for field in ("genders", "status_required", "staff_genders", "reports_to"):
        if value := get(field):
            data[field] = _many(value.casefold().replace(" ", "_") if field == "status_required" else value.casefold())
    if value := get("nationalities"):
        data["nationalities"] = _many(value.upper())
    data |= _where(flat, service_id)
    if value := get("areas"):
        areas = [{"name": area, "extent_type": "text"} for area in _many(value, ";|\n")]
        data["service_areas"] = [*data.get("service_areas", []), *areas]
    if (value := get("hours")) and fold(value) in _BY_APPOINTMENT:
        data.setdefault("walk_in", False)
    elif value:
        week_said, words = _week(value, _many(flat["country"]))
        data["schedules"] = _schedules(week_said, get("time_zone", ""))
        if words:
            data["alert"] = with_words(data.get("alert", ""), words)
    return data


#: An id of ours, or one that was meant to be and is damaged: that is told, for else its record would come twice.
_OURS = re.compile("[0-9a-fA-F-]{30,}")


def _id(said: str, owner_id: str) -> str:
    """An id of ours; of a number that is the organisation's own one is made, the same every time."""
    return fixed_id("own number", owner_id, said.casefold()) if said and not _OURS.fullmatch(said) else said


def _phone(number: str, said: str) -> Json:
    return {"number": number, "description": said} if said else {"number": number}


_YES_OR_NO = (
    "free",
    "papers_needed",
    "walk_in",
    "interpreters",
    "pregnant",
    "disability",
    "siblings_together",
    "unaccompanied",
)

_AS_THEY_ARE: Mapping[str, str] = {
    "description": "description",
    "website": "url",
    "email": "email",
    "how_to_apply": "application_process",
    "cost_note": "fees_description",
    "eligibility": "eligibility_description",
    "alert": "alert",
    "language": "text_language",
}


def _where(flat: Mapping[str, str], service_id: str) -> Json:
    """At a place when the row has coordinates, an address or a town that is known; for the people of a town that is
    not; else by phone or web for its countries. Who stands in one town is not sent to what is in another."""
    town, country = flat.get("city", ""), flat.get("country", "")
    if point := flat.get("coordinates"):
        flat = {**flat, **dict(zip(("latitude", "longitude"), point_in(point), strict=True))}
    said = any(flat.get(field) for field in ("latitude", "longitude", "address"))
    if not said and (not town or middle_of(town, country) is None):
        countries: list[Json] = [{"name": code} for code in _many(country)]
        return {"service_areas": countries + ([{"name": town, "extent_type": "text"}] if town else [])}
    location: Json = {
        "id": fixed_id("location of", service_id),
        "location_type": "physical",
        "name": flat.get("name", ""),
        "addresses": [
            {
                "address_1": flat.get("address", ""),
                "city": flat.get("city", ""),
                "state_province": flat.get("region", ""),
                "postal_code": flat.get("postal_code", ""),
                "country": country,
            }
        ],
    }
    if way := flat.get(DIRECTIONS):
        location["transportation"] = way
    if ways := sheet_languages.as_translations(flat, (DIRECTIONS,)):
        location["translations"] = ways
    for field in ("latitude", "longitude"):
        if value := flat.get(field):
            location[field] = _figure(field, value)
    return {"service_at_locations": [{"location": location}]}


def _many(text: str, separators: str = ",;|/\n") -> list[str]:
    return [part.strip() for part in re.split(f"[{re.escape(separators)}]", text) if part.strip()]


_YES = frozenset(map(fold, ("yes", "y", "true", "1", "oui", "si", "sí", "نعم")))
_NO = frozenset(map(fold, ("no", "n", "false", "0", "non", "لا")))


def _yes(field: str, value: str) -> bool:
    said = fold(value)
    if field == "free" and said in _COSTS:
        return _COSTS[said]
    if said in _YES | _NO:
        return said in _YES
    raise ValueError(because("{field} is yes or no, not '{value}'", field=field, value=value[:40]))


#: What people write in a column about the cost, instead of yes and no.
_COSTS = {fold(word): True for word in ("free", "free of charge", "gratuit", "gratuite", "gratis", "gratuito", "مجاني")}
_COSTS |= {fold(word): False for word in ("paid", "payant", "de pago", "a pagamento", "مدفوع")}


#: What people write in the column of the hours where there are none.
_BY_APPOINTMENT = frozenset(
    map(fold, ("by appointment", "by appointment only", "on appointment", "sur rendez-vous", "con cita",
               "con cita previa", "su appuntamento", "بموعد", "حسب الموعد"))
)  # fmt: skip


def _figure(field: str, value: str) -> float:
    try:
        return float(plain_figures(value).replace(",", "."))
    except ValueError:
        raise ValueError(because("{field} is not a number: '{value}'", field=field, value=value[:40])) from None


def _week(text: str, countries: Sequence[str]) -> tuple[str, str]:
    """The week of a cell as `week` reads it, and what else the cell says. Our own export writes it so already."""
    plain = plain_figures(text)
    try:
        week("UTC", plain)
    except ValueError:
        said = hours_in(text, countries)
        return said.week, said.words
    return plain, ""


def _schedules(plan: str, zone: str) -> list[Json]:
    """Rows of a week. Without a zone they are of the place, where whoever reads them knows its zone."""
    hours = week(zone or "UTC", plan)
    of_zone = {"timezone_name": zone} if zone else {}
    return [
        {
            "freq": "WEEKLY",
            "byday": DAYS[shift.weekday].upper(),
            "opens_at": clock_of(shift.opens),
            "closes_at": "23:59" if shift.whole_day else clock_of(shift.closes),
            **of_zone,
        }
        for shift in hours.shifts
    ]


# --- writing ----------------------------------------------------------------------------------------------------

#: What a spreadsheet program takes for the beginning of a formula.
_STARTS = "=+-@\t\r"
_NUMBER = re.compile(r"[+-]?[0-9][0-9 ().,/;+-]*")


def neutral(cell: str) -> str:
    """A cell that no program takes for a formula: with an apostrophe before it, unless it is a number."""
    return f"'{cell}" if cell[:1] in tuple(_STARTS) and not _NUMBER.fullmatch(cell) else cell


def flat_row(record: Service, owner: Organization, spoken: Sequence[str] = ()) -> list[str]:
    """A service as a row of an export, in the order of FIELDS, then of the texts in other languages (`spoken`, fields
    such as `name_fr`). Of a front gate: its town and country."""
    place = record.locations[0] if record.locations else None
    told = place if place is not None and place.kind is LocationKind.PHYSICAL else None
    who = record.eligibility
    values = {
        "id": record.id,
        "name": record.name,
        "description": record.summary,
        "language": record.language,
        "organization": owner.name,
        "needs": "; ".join(record.needs),
        "status": record.status.value,
        "country": place.country if place else ", ".join(record.countries),
        "city": place.city if place else "",
        **_told(told),
        "phones": "; ".join(phone.number for phone in record.phones),
        "website": record.website,
        "email": record.email,
        "hours": _said_week(record.hours) if record.hours else "",
        "time_zone": record.hours.zone if record.hours else "",
        "languages": ", ".join(record.languages),
        "minimum_age": _said(who.minimum_age),
        "maximum_age": _said(who.maximum_age),
        "genders": ", ".join(sorted(who.genders)) if len(who.genders) == 1 else "",
        "free": _said(record.free),
        "papers_needed": _said(who.papers_needed),
        "walk_in": _said(record.walk_in),
        "interpreters": _said(record.interpreters),
        "how_to_apply": record.how_to_apply,
        "cost_note": record.cost_note,
        "documents": "; ".join(record.documents),
        "eligibility": who.note,
        "alert": hsds.service(record).get("alert", ""),
        "pregnant": _said(who.pregnant),
        "disability": _said(who.disability),
        "siblings_together": _said(who.siblings_together),
        "unaccompanied": _said(who.unaccompanied),
        "nationalities": ", ".join(who.nationalities),
        "status_required": ", ".join(who.status_required),
        "staff_genders": ", ".join(record.staff_genders),
        "reports_to": ", ".join(record.reports_to),
        "areas": "" if record.confidential else "; ".join(record.areas),
    }
    return [*(values[field] for field in FIELDS), *(sheet_languages.cell(record, field) for field in spoken)]


def _told(place: Location | None) -> dict[str, str]:
    if place is None:
        return dict.fromkeys(("region", "address", "postal_code", "latitude", "longitude", DIRECTIONS), "")
    return {
        DIRECTIONS: place.directions,
        "region": place.region,
        "address": place.address,
        "postal_code": place.postal_code,
        "latitude": "" if place.approximate else _said(place.latitude),
        "longitude": "" if place.approximate else _said(place.longitude),
    }


def _said_week(hours: OpeningHours) -> str:
    return "24/7" if hours.always else said_week(hours.shifts)


def _said(value: bool | float | None) -> str:
    return "" if value is None else {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def write_csv(path: Path, rows: Iterable[list[str]]) -> None:
    """With a mark for UTF-8, which the common programs need to be told."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        for row in rows:
            writer.writerow([neutral(cell) for cell in row])
