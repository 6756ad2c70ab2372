"""What two countries owe each other, and how it went: plain values, and how they are counted."""

from __future__ import annotations

import statistics
import tomllib
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path

from msgspec import Struct

from bot.exchange.requests.model import EXPIRES_AFTER_DUE, OWED, Side, Status
from bot.exchange.requests.types import REQUEST_TYPES, Basis, Limit, RequestType

LAW = Path(__file__).parent / "law.toml"


class Law(Struct, frozen=True):
    """A law that sets times between its States."""

    key: str
    title: str
    source: str
    types: frozenset[str]
    states: frozenset[str]
    unsure: frozenset[str]
    confirmed: bool

    def binds(self, one: str, other: str) -> bool:
        """Whether it binds both, as far as anybody has confirmed."""
        return {one, other} <= self.states

    def may_bind(self, one: str, other: str) -> bool:
        return {one, other} <= self.states | self.unsure


@cache
def laws() -> tuple[Law, ...]:
    """The laws of the data file."""
    said = tomllib.loads(LAW.read_text("utf-8"))["law"]
    return tuple(
        Law(
            key=each["key"],
            title=each["title"],
            source=each["source"],
            types=frozenset(each["types"]),
            states=frozenset(each["states"]),
            unsure=frozenset(each["unsure"]),
            confirmed=each["confirmed"],
        )
        for each in said
    )


class Due(Struct, frozen=True):
    """By when a request of one type is answered between two countries, and what that rests on."""

    type: RequestType
    limits: tuple[Limit, ...]
    law: Law | None  # sets the time for this pair
    confirmed: bool  # somebody has read in the law that it holds for this pair


def dues(here: str, there: str) -> tuple[Due, ...]:
    """For each of the fifteen types. Where no law is known to bind both, the time is one that is asked for."""
    found = []
    for request_type in REQUEST_TYPES.values():
        law = next((each for each in laws() if request_type.key in each.types and each.may_bind(here, there)), None)
        by_law = law is not None and any(limit.basis is Basis.LAW for limit in request_type.limits)
        sure = by_law and law is not None and law.confirmed and law.binds(here, there)
        found.append(Due(request_type, request_type.limits, law if by_law else None, sure))
    return tuple(found)


class Outcome(Struct, frozen=True):
    """What became of one request, without a word of what it says."""

    country: str  # of the partner
    side: Side
    type_key: str
    status: Status
    sent_at: datetime
    due_at: datetime | None
    answered_at: datetime | None  # the first answer that counted
    expired: bool

    @property
    def days(self) -> float | None:
        """From the sending to the first answer."""
        return None if self.answered_at is None else (self.answered_at - self.sent_at).total_seconds() / 86_400

    def is_overdue(self, at: datetime) -> bool:
        return self.status in OWED and self.answered_at is None and self.due_at is not None and self.due_at <= at

    def is_silent(self, at: datetime) -> bool:
        """It ran out without an answer or a refusal: a no that nobody said."""
        if self.answered_at is not None or self.status is Status.REFUSED:
            return False
        owed_too_long = self.status in OWED and self.due_at is not None and self.due_at + EXPIRES_AFTER_DUE <= at
        return self.expired or owed_too_long


class Tally(Struct, frozen=True):
    """One side of a pair."""

    sent: int = 0
    open: int = 0
    overdue: int = 0
    silent: int = 0
    answered: int = 0
    median_days: float | None = None


class Pair(Struct, frozen=True):
    """Our country and another one."""

    country: str
    we_ask: Tally
    we_are_asked: Tally


def tally(outcomes: Iterable[Outcome], at: datetime) -> Tally:
    """Count one side of a pair."""
    every = list(outcomes)
    days = [each.days for each in every if each.days is not None]
    return Tally(
        sent=len(every),
        open=sum(each.status in OWED for each in every),
        overdue=sum(each.is_overdue(at) for each in every),
        silent=sum(each.is_silent(at) for each in every),
        answered=len(days),
        median_days=statistics.median(days) if days else None,
    )


def pairs(outcomes: Iterable[Outcome], countries: Iterable[str], at: datetime) -> list[Pair]:
    """Every country that is a partner's or was asked, those that owe most at the top."""
    by_country: dict[str, list[Outcome]] = {country: [] for country in countries}
    for each in outcomes:
        by_country.setdefault(each.country, []).append(each)
    found = [
        Pair(
            country,
            tally((each for each in every if each.side is Side.OURS), at),
            tally((each for each in every if each.side is Side.THEIRS), at),
        )
        for country, every in by_country.items()
    ]
    return sorted(found, key=lambda pair: (-pair.we_ask.overdue, -pair.we_ask.silent, -pair.we_ask.sent, pair.country))


def by_type(outcomes: Iterable[Outcome], at: datetime) -> Mapping[str, Tally]:
    """What we asked of one country, for each type that was asked."""
    by_key: dict[str, list[Outcome]] = {}
    for each in outcomes:
        if each.side is Side.OURS:
            by_key.setdefault(each.type_key, []).append(each)
    return {key: tally(every, at) for key, every in by_key.items()}
