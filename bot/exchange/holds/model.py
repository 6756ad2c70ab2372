"""The adult who claims a child: what speaks for and against the tie, and when the two may not be moved together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from bot.kernel.words import N_

#: Any two of them, and a hold is proposed.
RED_FOR_A_HOLD = 2


class Tie(StrEnum):
    """Where the tie stands. Only a human moves it."""

    UNVERIFIED = "unverified"
    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    REFUSED = "refused"


TIE_TITLES: Mapping[Tie, str] = MappingProxyType(
    {
        Tie.UNVERIFIED: N_("unverified"),
        Tie.SUPPORTED: N_("supported"),
        Tie.CONTRADICTED: N_("contradicted"),
        Tie.REFUSED: N_("rejected"),
    }
)


class Mark(StrEnum):
    """What an officer found at a line of the checklist."""

    OPEN = "open"
    GREEN = "green"
    RED = "red"


MARKS: Mapping[Mark, str] = MappingProxyType(
    {Mark.OPEN: N_("not looked at"), Mark.GREEN: N_("yes"), Mark.RED: N_("no, or in doubt")}
)

#: Each line is true when all is well. After the adult check list of inter-agency practice.
CHECKLIST: Mapping[str, str] = MappingProxyType(
    {
        "heard_apart": N_("Child and adult were heard apart, each with an interpreter of their own"),
        "identity": N_("The adult's identity document was checked, and not kept"),
        "tie_proof": N_("There is proof of the tie: birth record, photos over years, messages"),
        "permission": N_("A parent gave permission, on a number that was found independently"),
        "child_account": N_("The child tells freely and repeats no rehearsed words"),
        "knowledge": N_("The adult knows the child: routine, health, school, fears, siblings"),
        "money": N_("The plan of the journey and its money are explained"),
        "papers": N_("The child's papers and phone are with the child"),
        "databases": N_("There is no alert and no hit in the databases"),
        "other_children": N_("No other children came with this adult before"),
        "separation": N_("The adult accepts that they are seen apart"),
        "at_ease": N_("The child is at ease near the adult"),
        "host": N_("The host and the address they go to are real"),
        "no_debt": N_("Nothing hints at work, marriage or debt"),
        "no_violence": N_("No violence is known"),
        "child_wish": N_("The child wants to be with this adult"),
    }
)


class Source(StrEnum):
    """Where a piece of evidence comes from."""

    DOCUMENT = "document"
    CHILD = "child"
    PARENT = "parent"
    AUTHORITY = "authority"
    NEIGHBOUR = "neighbour"
    DNA = "dna"
    CONTRADICTION = "contradiction"


SOURCES: Mapping[Source, str] = MappingProxyType(
    {
        Source.DOCUMENT: N_("document seen"),
        Source.CHILD: N_("the child, alone"),
        Source.PARENT: N_("a parent, reached independently"),
        Source.AUTHORITY: N_("an authority in the country of origin"),
        Source.NEIGHBOUR: N_("a neighbour or relative in the country of origin"),
        Source.DNA: N_("DNA, where the law allows it, needed and agreed to"),
        Source.CONTRADICTION: N_("a contradiction between two accounts"),
    }
)
#: How much each weighs, from 1 to 3. It guides; a human decides.
WEIGHTS: Mapping[Source, int] = MappingProxyType(
    {
        Source.DOCUMENT: 2,
        Source.CHILD: 2,
        Source.PARENT: 2,
        Source.AUTHORITY: 3,
        Source.NEIGHBOUR: 1,
        Source.DNA: 3,
        Source.CONTRADICTION: 2,
    }
)
#: Not shown or told by the adult.
INDEPENDENT = frozenset({Source.CHILD, Source.PARENT, Source.AUTHORITY, Source.NEIGHBOUR, Source.DNA})


class Favour(StrEnum):
    """Which way a piece of evidence points."""

    SUPPORTS = "supports"
    UNCLEAR = "unclear"
    CONTRADICTS = "contradicts"


FAVOURS: Mapping[Favour, str] = MappingProxyType(
    {
        Favour.SUPPORTS: N_("supports the tie"),
        Favour.UNCLEAR: N_("leaves it open"),
        Favour.CONTRADICTS: N_("contradicts the tie"),
    }
)


class HoldError(Exception):
    """A dossier or a hold did not allow what was asked of it."""


class DossierNotFound(HoldError):
    """There is no such dossier for this officer."""


class NotNow(HoldError):
    """It has moved on, or this officer may not do this to it."""


class NotSupported(HoldError):
    """Too little speaks for the tie yet. `lacks` says what is missing."""

    def __init__(self, lacks: Iterable[str]) -> None:
        self.lacks = tuple(lacks)
        super().__init__(", ".join(self.lacks))


class MayNotMove(HoldError):
    """The child must not be placed with or moved with this adult: a hold stands, or the tie is not supported."""

    code = "hold"


class HeldByName(MayNotMove):
    """The same, of an adult whom nobody chose: the words that say with whom the child goes name them."""

    code = "hold_named"


class HeldLikely(MayNotMove):
    """Words may name such an adult: two people say that the child does not go with them, or the words are changed."""

    code = "hold_likely"


class HoldState(StrEnum):
    """Where a hold stands. Proposed by the program, it holds at once: doubt is enough."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    RELEASED = "released"


class Hold(Struct, frozen=True):
    """Do not place or move this child with this adult."""

    id: str
    case_id: str | None  # None where a partner told us
    dossier_id: str | None
    request_id: str | None  # theirs, through which a partner told us
    partner_id: str | None
    state: HoldState
    placed_at: datetime
    confirmed_by: str | None = None
    released_at: datetime | None = None
    origin_id: str | None = (
        None  # the hold of a brother, a sister or somebody of the household, for whose sake it stands
    )

    @property
    def stands(self) -> bool:
        return self.state is not HoldState.RELEASED


class Agreed(Struct, frozen=True):
    """Somebody says that a hold may end."""

    person: str  # an officer's id, or a partner's person as the partner names them
    body: str  # the organisation they act for


def ends_the_hold(agreed: Iterable[Agreed]) -> bool:
    """Whether two different people of two different bodies have said so."""
    said = list(agreed)
    return any(
        one.person != other.person and one.body != other.body for n, one in enumerate(said) for other in said[n + 1 :]
    )


class Evidence(Struct, frozen=True):
    """One thing that was found out about the tie."""

    source: Source
    favour: Favour

    @property
    def weight(self) -> int:
        sign = {Favour.SUPPORTS: 1, Favour.UNCLEAR: 0, Favour.CONTRADICTS: -1}[self.favour]
        return WEIGHTS[self.source] * sign


class Dossier(Struct, frozen=True):
    """What is known of one adult who claims one child."""

    id: str
    case_id: str
    claimed: str  # the tie they claim, a code of `types.TIES`
    tie: Tie
    opened_by: str
    opened_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None

    def decided(self, tie: Tie, *, by: str, at: datetime) -> Dossier:
        return replace(self, tie=tie, decided_by=by, decided_at=at)


def red_marks(marks: Mapping[str, Mark], evidence: Iterable[Evidence]) -> set[str]:
    """Every red line of the checklist, and every source that contradicts the tie."""
    lines = {item for item, mark in marks.items() if mark is Mark.RED}
    return lines | {f"evidence.{each.source}" for each in evidence if each.favour is Favour.CONTRADICTS}


def lacks_for_support(marks: Mapping[str, Mark], evidence: Iterable[Evidence]) -> list[str]:
    """What is missing before a human may call the tie supported; nothing if all is there."""
    found, lacks = list(evidence), []
    if marks.get("heard_apart") is not Mark.GREEN:
        lacks.append("heard_apart")
    if marks.get("child_wish") is not Mark.GREEN:
        lacks.append("child_wish")
    supports = {each.source for each in found if each.favour is Favour.SUPPORTS}
    if len(supports) < 2:
        lacks.append("two_sources")
    if not supports & INDEPENDENT:
        lacks.append("independent_source")
    if sum(each.weight for each in found) <= 0:
        lacks.append("outweighed")
    return lacks


LACKS: Mapping[str, str] = MappingProxyType(
    {
        "heard_apart": N_("Child and adult were not heard apart yet."),
        "child_wish": N_("The child has not said that they want to be with this adult."),
        "two_sources": N_("Two different sources that support the tie are needed."),
        "independent_source": N_("One source must be independent of the adult."),
        "outweighed": N_("What contradicts the tie weighs as much as what supports it."),
        "hold_stands": N_("A hold stands. Two officers of two bodies release it first."),
    }
)
