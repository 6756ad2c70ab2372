"""The refugee gate: before anything about a child goes to another body, may the wrong people learn of it?

A pure function of what is known about the child and about each recipient. What is not known counts against sending.
`clear` is the only maker of a `Cleared`, a `Cleared` is good for one letter to one set of recipients, and nothing about
a child is put in the post without one: what goes round the gate cannot be written, whether it is a copy, an import, a
forward, a retry or one of many.

Source of the rule: Convention on the Rights of the Child, arts 3, 16 and 22; General Comment 6 of its Committee,
paragraphs 26-30 (non-refoulement, confidentiality towards the country of origin).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, NoReturn

from msgspec import Struct

from bot.kernel.words import N_


class Kind(StrEnum):
    """What a recipient is, as far as the gate cares."""

    STATE = "state"  # an authority, or anybody who acts for one
    ORGANISATION = "organisation"
    UNHCR = "unhcr"
    RED_CROSS = "red_cross"  # the ICRC, or a National Society of the Red Cross or Red Crescent


#: Those who may hear of a child who asks for asylum: confidential by mandate. A tie to a feared country outweighs it.
HUMANITARIAN = frozenset({Kind.UNHCR, Kind.RED_CROSS})


class Recipient(Struct, frozen=True):
    """Somebody who would read the letter."""

    id: str
    kind: Kind
    country: str  # ISO 3166-1 alpha-2
    answers_to: (
        frozenset[str] | None
    )  # countries whose authorities it belongs or reports to; None: nobody has found out

    @property
    def ties(self) -> frozenset[str] | None:
        """The countries whose authorities would know. An authority belongs to its own country, whatever was written."""
        if self.answers_to is None:
            return None
        return self.answers_to | {self.country} if self.kind is Kind.STATE else self.answers_to


class Situation(Struct, frozen=True):
    """What is known of the child's fear. The defaults are what is known before anybody asked: nothing."""

    fears: frozenset[str] | None = None  # countries whose authorities the child fears; None: not asked, or unclear
    asylum: bool | None = None  # whether there is, or will be, a claim; None: not known
    origins: frozenset[str] = frozenset()  # nationalities and countries of former residence

    @property
    def feared(self) -> frozenset[str] | None:
        """Every country to keep it from. None: it could be any. A claim is a fear of the countries of origin."""
        if self.fears is None:
            return None
        if self.asylum is False:
            return self.fears
        return self.fears | self.origins if self.origins else None


class Why(StrEnum):
    """Why the gate is shut."""

    FEARED_AUTHORITY = "feared_authority"
    FEAR_UNKNOWN = "fear_unknown"
    TIES_UNKNOWN = "ties_unknown"
    ASYLUM_CLAIM = "asylum_claim"
    ASYLUM_UNKNOWN = "asylum_unknown"
    NO_RECIPIENT = "no_recipient"


class Stop(Struct, frozen=True, order=True):
    """One reason to stop, and whom it is about."""

    why: Why
    recipient: str = ""
    country: str = ""


#: What an officer reads, and whose step is next.
EXPLANATIONS: Mapping[Why, str] = MappingProxyType(
    {
        Why.FEARED_AUTHORITY: N_("The recipient belongs or reports to authorities of a country the child fears."),
        Why.FEAR_UNKNOWN: N_("Nobody has recorded whether the child fears a country. Ask the child alone first."),
        Why.TIES_UNKNOWN: N_("It is not known which authorities this recipient reports to."),
        Why.ASYLUM_CLAIM: N_("The child asks for asylum, or will."),
        Why.ASYLUM_UNKNOWN: N_("Nobody has recorded whether the child asks for asylum."),
        Why.NO_RECIPIENT: N_("There is no recipient."),
    }
)
LAWYER_STEP = N_(
    "Before anything else: a lawyer for the child looks at it, and UNHCR is asked. Write down who was asked, and when."
)
CHANNELS_THAT_REMAIN: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.UNHCR: N_("UNHCR, through its office in your country"),
        Kind.RED_CROSS: N_("The Red Cross or Red Crescent of your country, or the ICRC, to trace family"),
    }
)


def stops(situation: Situation, recipients: Iterable[Recipient], *, made_for_asylum: bool = False) -> tuple[Stop, ...]:
    """Every reason not to send this to these recipients; none, and the way is free.

    `made_for_asylum` is for the one kind of request that exists only for children who ask for asylum (family in
    another European State): the claim alone does not stop it. Fear does.
    """
    found = {stop for recipient in recipients for stop in _about(situation, recipient, made_for_asylum)}
    if not found and not list(recipients):
        return (Stop(Why.NO_RECIPIENT),)
    return tuple(sorted(found))


def _about(situation: Situation, recipient: Recipient, made_for_asylum: bool) -> Iterable[Stop]:
    ties, feared = recipient.ties, situation.feared
    humanitarian = recipient.kind in HUMANITARIAN
    if ties is None:
        yield Stop(Why.TIES_UNKNOWN, recipient.id)
    if feared is None:
        if not (humanitarian and ties == frozenset()):
            yield Stop(Why.FEAR_UNKNOWN, recipient.id)
    else:
        for country in feared & (ties or frozenset()):
            yield Stop(Why.FEARED_AUTHORITY, recipient.id, country)
    if humanitarian or situation.asylum is False:
        return
    if situation.asylum is None:
        yield Stop(Why.ASYLUM_UNKNOWN, recipient.id)
    elif not made_for_asylum:
        yield Stop(Why.ASYLUM_CLAIM, recipient.id)


def channels_that_remain(situation: Situation, known: Iterable[Recipient]) -> list[Recipient]:
    """Of those we know, who may be asked all the same: humanitarian bodies that nothing speaks against."""
    return [one for one in known if one.kind in HUMANITARIAN and not stops(situation, [one])]


class Hand(Struct, frozen=True):
    """One of the two who open the gate against its own judgement."""

    officer_id: str
    role: str  # in which they decide


class Override(Struct, frozen=True):
    """Two people of different roles take it on themselves, for these reasons to stop and no others."""

    id: str
    first: Hand
    second: Hand
    reasoned: bool  # a reason is written down, sealed, where the override is kept
    covers: frozenset[Stop]

    @property
    def holds(self) -> bool:
        return self.reasoned and self.first.officer_id != self.second.officer_id and self.first.role != self.second.role


class GateShut(Exception):
    """Nothing was sent. `stops` says why; show the explanations, the channels that remain and the lawyer's step."""

    def __init__(self, found: tuple[Stop, ...]) -> None:
        super().__init__(", ".join(stop.why for stop in found))
        self.stops = found


_MADE_HERE: Final = object()


class Cleared:
    """Leave to send one letter to one set of recipients. `clear` makes it; nobody else can."""

    __slots__ = ("_made_by", "about", "digest", "override_id", "recipients")

    def __init__(
        self, digest: str, recipients: frozenset[str], about: str, override_id: str | None, *, made_by: object
    ) -> None:
        if made_by is not _MADE_HERE:
            raise TypeError("only the gate clears a letter")
        self.about: Final = about
        self.digest: Final = digest
        self.recipients: Final = recipients
        self.override_id: Final = override_id
        self._made_by: Final = made_by

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("only the gate clears a letter")

    def __setattr__(self, name: str, value: object) -> None:
        if hasattr(self, name):
            raise AttributeError("what the gate has cleared does not change")
        object.__setattr__(self, name, value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("leave to send is not kept: ask the gate again")

    __copy__ = __deepcopy__ = __reduce__

    def fits(self, recipients: Iterable[str], kind: str, about: str, body: Mapping[str, Any]) -> bool:
        """Whether this leave is for exactly this letter to exactly these."""
        genuine = getattr(self, "_made_by", None) is _MADE_HERE
        return genuine and self.recipients == frozenset(recipients) and self.digest == letter_digest(kind, about, body)


def letter_digest(kind: str, about: str, body: Mapping[str, Any]) -> str:
    """What a letter says, as 64 hex digits: any other word makes another letter."""
    said = json.dumps([kind, about, body], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(said.encode()).hexdigest()


def clear(
    situation: Situation,
    recipients: Iterable[Recipient],
    *,
    kind: str,
    about: str,
    body: Mapping[str, Any],
    made_for_asylum: bool = False,
    override: Override | None = None,
) -> Cleared:
    """Leave to send this letter to these recipients. Raises GateShut.

    An override counts if two people of different roles gave it with a reason, and if it covers every reason to stop
    that there is now: one that has appeared since shuts the gate again.
    """
    to = list(recipients)
    found = stops(situation, to, made_for_asylum=made_for_asylum)
    overridden = override is not None and override.holds and set(found) <= override.covers and bool(to)
    if found and not overridden:
        raise GateShut(found)
    used = override.id if found and override is not None else None
    digest = letter_digest(kind, about, body)
    return Cleared(digest, frozenset(one.id for one in to), about, used, made_by=_MADE_HERE)


#: Letters that hold codes and dates alone and go to somebody who has the request already.
CODES_ONLY = frozenset(
    {
        "request_accepted",
        "request_refused",
        "request_withdrawn",
        "request_reminder",
        "request_closed",
        "answer_returned",
        "case_taken",
        "case_arrived",
        "case_missed",
        "hold_agreed",
        "hold_released",
        "file_kept",
        "file_spoilt",
        "withdrawal_done",
        "answers_withdrawn",
        "answers_forgotten",
        "passed_further",
        "holder_forgot",
    }
)
_LONGEST_CODE = 64


class NotCodes(ValueError):
    """A letter that should hold codes alone has words in it."""


def clear_codes(recipient: Recipient, *, kind: str, about: str, body: Mapping[str, Any]) -> Cleared:
    """Leave to send a letter that tells its reader nothing they do not know. Raises NotCodes for any other letter."""
    if kind not in CODES_ONLY or not all(_is_code(value) for value in body.values()):
        raise NotCodes(kind)
    return Cleared(letter_digest(kind, about, body), frozenset({recipient.id}), about, None, made_by=_MADE_HERE)


def _is_code(value: object) -> bool:
    if isinstance(value, list):
        return all(_is_code(one) for one in value)
    if isinstance(value, str):
        return len(value) <= _LONGEST_CODE and not any(letter.isspace() for letter in value) and value.isascii()
    return value is None or isinstance(value, (bool, int))
