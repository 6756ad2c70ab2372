"""Who has what was told through a request, beyond the partner it was told to: as values.

A passing is named by the id of the request by which it was made. That id is the same for whoever asked, for whoever was
asked, and for everybody further up who is told of it; it names nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

#: Of one request: more than this is no child's story but a flood.
MOST = 200
MOST_ITEMS = 60
PASSED_ON = "passed_on"  # who has it now and what: through the gate, for it tells something new
PASSED_FURTHER = "passed_further"  # that one more has it, and neither who nor where: where the gate shuts out the rest
HOLDER_FORGOT = "holder_forgot"
#: What whoever told something reads of those below: that they have it, and that they keep nothing any more.
NOTICES = frozenset({PASSED_ON, PASSED_FURTHER, HOLDER_FORGOT})

_ID = re.compile(r"[0-9a-f-]{36}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_DEPLOYMENT = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ITEM = re.compile(r"[a-z_]{1,30}(:[a-z_]{1,30})?")


class BadNotice(ValueError):
    """What came says of nobody that they have something, in no form that can be read."""


class TooManyHolders(Exception):
    """More than `MOST` for one request."""


class NeverTold(Exception):
    """This partner was told nothing through this request that it could have passed on."""


class Holder(Struct, frozen=True):
    """One body that has what was told, under one request between us and whoever told us of it, or whom we told.

    A request tells something two ways: whoever asks tells about whom it is, and whoever is asked answers. `of_answer`
    says which of the two was passed on. Of what was asked we are told under a request of ours, and say under one of
    theirs; of what was answered it is the other way round.
    """

    request_id: str
    passing: str
    parent: str = ""  # the passing it came from; "": from the partner of the request, or from us
    of_answer: bool = False
    case_id: str | None = None  # ours, out of which it went: whose fears the gate asks for. None where we were told
    deployment: str = ""  # the holder's lasting name; "" where it has none, or we were not told
    country: str = ""
    items: tuple[str, ...] = ()  # names of fields and classes of data
    at: datetime | None = None  # None: planned, nothing has gone yet
    forgotten_at: datetime | None = None
    by_phone: bool = False  # an officer here heard it from them: no letter said so
    letter: str | None = None  # the newest word of ours about it; None: it is owed
    tried_at: datetime | None = None

    @property
    def holds(self) -> bool:
        """Whether they have it, as far as anybody has said."""
        return self.at is not None and self.forgotten_at is None

    @property
    def is_by_us(self) -> bool:
        """Where it is we who say: a request of our own made or will make this passing; nobody below said so."""
        return self.parent == ""

    @property
    def is_named(self) -> bool:
        return bool(self.deployment or self.country)


def read_passed_on(said: Mapping[str, Any]) -> Holder:
    """What a partner says of somebody below it; without a request and a time. Raises BadNotice."""
    parent, deployment, country = (said.get(name, "") for name in ("parent", "holder", "country"))
    items = said.get("items", [])
    if not _is(parent, _ID, or_empty=True) or not _is(deployment, _DEPLOYMENT, or_empty=True):
        raise BadNotice
    if not _is(country, _COUNTRY, or_empty=True) or not isinstance(items, list) or len(items) > MOST_ITEMS:
        raise BadNotice
    if not all(_is(item, _ITEM) for item in items):
        raise BadNotice
    passing, named = read_passing(said.get("passing")), tuple(sorted(set(items)))
    return Holder("", passing, parent, deployment=deployment, country=country, items=named)


def read_passing(said: object) -> str:
    """The name of a passing. Raises BadNotice."""
    if not _is(said, _ID):
        raise BadNotice
    return str(said)


def read_passings(said: object) -> tuple[str, ...]:
    """Names of passings. Raises BadNotice."""
    if not isinstance(said, list) or len(said) > MOST:
        raise BadNotice
    return tuple(dict.fromkeys(read_passing(each) for each in said))


def _is(said: object, form: re.Pattern[str], *, or_empty: bool = False) -> bool:
    return isinstance(said, str) and (bool(form.fullmatch(said)) or (or_empty and said == ""))


class Branch(Struct, frozen=True):
    """A holder, and those who have it from them."""

    holder: Holder
    below: tuple[Branch, ...]


def tree(holders: Iterable[Holder]) -> tuple[Branch, ...]:
    """Those who have it from the partner of a request, each with those below. Everybody stands in it once, whatever was
    said of who had it from whom: whose parent nobody named, or is below themselves, stands at the top."""
    every = list(holders)
    known = {each.passing for each in every}
    below: dict[str, list[Holder]] = {}
    for each in every:
        below.setdefault(each.parent if each.parent in known else "", []).append(each)
    placed: set[str] = set()

    def grow(these: Iterable[Holder]) -> tuple[Branch, ...]:
        found = []
        for each in these:
            if each.passing not in placed:
                placed.add(each.passing)
                found.append(Branch(each, grow(below.get(each.passing, ()))))
        return tuple(found)

    return grow(below.get("", ())) + grow(every)
