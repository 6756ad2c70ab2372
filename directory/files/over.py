"""A row of a sheet laid over the record that is there: what the sheet has no column for stays as it is."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from directory import hsds
from directory.files.sheet_languages import DIRECTIONS, TEXTS
from directory.model import (
    TRANSLATED,
    Location,
    LocationKind,
    OpeningHours,
    Phone,
    Service,
    Translation,
)
from directory.translations import over_those

#: Field of a sheet to the field of a record, or of its eligibility.
_OF_SERVICE: Mapping[str, str] = {
    "description": "summary",
    **{
        field: field
        for field in (
            "name", "language", "needs", "status", "website", "email", "languages", "free", "walk_in", "interpreters",
            "how_to_apply", "cost_note", "documents", "staff_genders", "reports_to", "areas",
        )
    },
}  # fmt: skip
_OF_WHOM: Mapping[str, str] = {
    "eligibility": "note",
    **{
        field: field
        for field in (
            "minimum_age", "maximum_age", "genders", "papers_needed", "pregnant", "disability", "siblings_together",
            "unaccompanied", "nationalities", "status_required",
        )
    },
}  # fmt: skip
_OF_PLACE = ("country", "city", "region", "address", "postal_code", "latitude", "longitude", DIRECTIONS)
#: A sheet with none of these does not say where a service is, but in which country.
_WHERE = frozenset({"address", "latitude", "longitude"})


def over(before: Service, row: Service, says: frozenset[str] | None) -> Service:
    """The record with what the row says. `says`: the fields that the sheet has columns for; None: it says everything.

    An empty cell says that nobody has said; a column that is not there says nothing.
    """
    if says is None:
        was = {place.id: place for place in before.locations}
        return replace(row, locations=tuple(_at_its_door(was.get(place.id), place) for place in row.locations))
    result = replace(before, **{own: getattr(row, own) for field, own in _OF_SERVICE.items() if field in says})
    who = {own: getattr(row.eligibility, own) for field, own in _OF_WHOM.items() if field in says}
    result = replace(result, eligibility=replace(before.eligibility, **who), **_places(before, row, says))
    if "alert" in says:
        closed = hsds.said_closed(before.closed_from, before.closed_until)
        result = replace(result, alert=row.alert.removeprefix(closed).strip())
    elif row.alert:  # said in the cell of the hours
        result = replace(result, alert=with_words(before.alert, row.alert))
    result = replace(result, **_in_other_languages(before, row, says))
    if "phones" in says:
        result = replace(result, phones=tuple(_known(before.phones, phone) for phone in row.phones))
    if "hours" in says:
        result = replace(result, hours=_week(before.hours, row.hours))
    return result.tidied()


def _week(before: OpeningHours | None, row: OpeningHours | None) -> OpeningHours | None:
    """The ordinary week as the row says, with the days and the seasons that no sheet has."""
    if before is None:
        return row
    if row is not None:
        return replace(row, special_days=before.special_days, seasons=before.seasons)
    return replace(before, shifts=()) if before.special_days or before.seasons else None


def _in_other_languages(before: Service, row: Service, says: frozenset[str]) -> dict[str, tuple[Translation, ...]]:
    """The texts in the languages that the row has something in: an empty cell takes none away."""
    told: dict[str, tuple[Translation, ...]] = {}
    for field, text in TEXTS.items():
        said = {one.language: one.text for one in row.translations_of(text) if f"{field}_{one.language}" in says}
        if said:
            told[TRANSLATED[text]] = over_those(before.translations_of(text), said)
    return told


def with_words(alert: str, words: str) -> str:
    """The alert with the words behind it, once."""
    return alert if words in alert else "; ".join(filter(None, [alert, words]))


def _known(phones: tuple[Phone, ...], row: Phone) -> Phone:
    """What is known of that number: a cell holds no more than the number itself."""
    return next((phone for phone in phones if phone.number == row.number), row)


def _places(before: Service, row: Service, says: frozenset[str]) -> dict[str, tuple[Location, ...] | tuple[str, ...]]:
    """The first place as the row says, and the others; or the countries of one without a place."""
    if not row.locations:
        told = any(place.kind is LocationKind.PHYSICAL for place in before.locations)
        if before.locations and not (told and says & _WHERE):  # nothing of it stands in a sheet
            return {}
        return {"locations": (), "countries": row.countries}
    if not before.locations:
        return {"locations": row.locations, "countries": row.countries}
    first, *others = before.locations
    place = _at_its_door(first, row.locations[0])
    said = {field: getattr(place, field) for field in _OF_PLACE if field in says}
    if "city" in says or "latitude" in says:
        said |= {"latitude": place.latitude, "longitude": place.longitude, "approximate": place.approximate}
    ways = {one.language: one.text for one in place.directions_in if f"{DIRECTIONS}_{one.language}" in says}
    if ways and place.kind is LocationKind.PHYSICAL:
        said["directions_in"] = over_those(first.directions_in, ways)
    return {"locations": (replace(first, kind=place.kind, **said), *others)}


def _at_its_door(was: Location | None, place: Location) -> Location:
    """A place of which only the town is said stays at the point that is known in that town."""
    if was is None or not place.approximate or (was.city, was.country) != (place.city, place.country):
        return place
    return replace(place, latitude=was.latitude, longitude=was.longitude, approximate=was.approximate)
