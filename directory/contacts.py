"""The ways to a service: whoever changes one could send a child to somebody else.

A number or a link in a text that people read is a way too. Records are compared as a history keeps them, so that what
was in force once can be held beside what would be.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from directory.model import TRANSLATED, Organization, Service
from directory.store import kept_as

Kept = Mapping[str, Any]

#: Where a place is; its name and its stairs are no way to it.
_PLACE = ("kind", "country", "city", "postal_code", "address", "directions", "latitude", "longitude")
#: Texts that people read and in which a way could stand.
_TEXTS = ("name", "summary", "alert", "cost_note")
_DAY = re.compile(r"\b\d{4}-\d{1,2}-\d{1,2}\b|\b\d{1,2}[./-]\d{1,2}[./-]\d{4}\b")
#: Six digits or more, however they are grouped: 116 111, (06) 12-34-56.
_NUMBER = re.compile(r"\d(?:[\s().\-/\u2010-\u2015]{0,3}\d){5,}")
_LINK = re.compile(r"\S*(?://|@|\bwww\.)\S*|\b[\w-]+\.[a-z]{2,10}(?:/\S*)?(?=\s|$|[.,;)])", re.IGNORECASE)


def changed_contacts(before: Service | Kept, after: Service | Kept) -> list[str]:
    """Which of the ways to a service differ. In texts only a way that is new counts."""
    was, is_now = _kept(before), _kept(after)
    ways_before, ways_after = _ways(was), _ways(is_now)
    found = [name for name in ways_before if repr(ways_before[name]) != repr(ways_after[name])]
    return found + (["texts"] if set(_in_texts(is_now)) - set(_in_texts(was)) else [])


def changed_ways_of_owner(before: Organization, after: Organization) -> list[str]:
    """Which of the ways to an organisation differ."""
    found = [way for way in ("website", "email") if getattr(before, way) != getattr(after, way)]
    said_before, said_now = (set(_ways_said(_texts_of(owner))) for owner in (before, after))
    return found + (["texts"] if said_now - said_before else [])


def _texts_of(owner: Organization) -> list[str]:
    return [owner.name, owner.description, *(text.text for text in owner.descriptions)]


def _kept(record: Service | Kept) -> Kept:
    return kept_as(record) if isinstance(record, Service) else record


def _ways(record: Kept) -> dict[str, object]:
    return {
        "phone": [sorted((phone["number"], phone["kind"]) for phone in some) for some in _phones(record)],
        "address": sorted(
            repr([*(place.get(part) for part in _PLACE), sorted(_translations(place, "directions_in"))])
            for place in record.get("locations", ())
        ),
        "website": record.get("website", ""),
        "email": record.get("email", ""),
        "how_to_apply": [record.get("how_to_apply", ""), sorted(_translations(record, "ways_to_apply"))],
    }


def _phones(record: Kept) -> Iterator[Iterable[Mapping[str, Any]]]:
    """The numbers of the service, then those of each place where they are others."""
    yield record.get("phones", ())
    for there in sorted(record.get("at_places", ()), key=lambda there: str(there["location_id"])):
        if there["phones"]:
            yield there["phones"]


def _in_texts(record: Kept) -> Iterator[str]:
    return _ways_said(_read_by_people(record))


def _ways_said(texts: Iterable[str]) -> Iterator[str]:
    """Every number and link in the texts, without what only groups its digits."""
    for text in texts:
        yield from (link.casefold().rstrip(".,;)") for link in _LINK.findall(text))
        for number in _NUMBER.findall(_DAY.sub(" ", text)):
            yield "".join(str(unicodedata.digit(sign)) for sign in number if sign.isdigit())


def _translations(record: Kept, kept: str) -> list[str]:
    return [text["text"] for text in record.get(kept, ())]


def _read_by_people(record: Kept) -> Iterator[str]:
    yield from (record.get(field) or "" for field in _TEXTS)
    yield (record.get("eligibility") or {}).get("note") or ""
    yield from record.get("documents", ())
    yield from (text for kept in TRANSLATED.values() for text in _translations(record, kept))
    yield from (phone.get("description") or "" for some in _phones(record) for phone in some)
    yield from (place.get("name") or "" for place in record.get("locations", ()))
