"""A request between two countries, as a value: where it stands, what may happen next, which answers count."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import TypeGuard

from msgspec import Struct
from msgspec.structs import replace

from bot.exchange.requests.types import REQUEST_TYPES, RequestType
from bot.kernel.words import N_

#: Of what anybody writes about a request, in characters.
LONGEST_TEXT = 4000


def is_one_of(said: object, codes: Container[str]) -> TypeGuard[str]:
    """Whether what a partner said is one of these codes. It may have said a list, or an object: those are none."""
    return isinstance(said, str) and said in codes


class Side(StrEnum):
    """Whose request it is, seen from here."""

    OURS = "ours"  # we ask
    THEIRS = "theirs"  # we are asked


class Status(StrEnum):
    """Where a request stands. Both sides go through the same states."""

    DRAFTED = "drafted"
    APPROVED = "approved"
    SENT = "sent"
    DELIVERED = "delivered"
    SEEN = "seen"
    ACCEPTED = "accepted"
    PARTLY_ANSWERED = "partly_answered"
    ANSWERED = "answered"
    REFUSED = "refused"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"


STATUS_TITLES: Mapping[Status, str] = MappingProxyType(
    {
        Status.DRAFTED: N_("drafted"),
        Status.APPROVED: N_("approved"),
        Status.SENT: N_("sent"),
        Status.DELIVERED: N_("delivered"),
        Status.SEEN: N_("seen"),
        Status.ACCEPTED: N_("accepted"),
        Status.PARTLY_ANSWERED: N_("partly answered"),
        Status.ANSWERED: N_("answered"),
        Status.REFUSED: N_("refused"),
        Status.EXPIRED: N_("expired"),
        Status.WITHDRAWN: N_("withdrawn"),
        Status.CLOSED: N_("closed"),
    }
)


class Act(StrEnum):
    """What can happen to a request."""

    APPROVE = "approve"
    SEND_BACK = "send_back"  # an approver gives the draft back
    SEND = "send"
    DELIVER = "deliver"
    SEE = "see"
    ACCEPT = "accept"
    ANSWER_PART = "answer_part"
    ANSWER_ALL = "answer_all"
    REFUSE = "refuse"
    EXPIRE = "expire"
    WITHDRAW = "withdraw"
    CLOSE = "close"


_S, _A = Status, Act
#: News of a letter may overtake each other, so whatever comes later on the way may come from any earlier place.
_ON_ITS_WAY = (_S.SENT, _S.DELIVERED, _S.SEEN)
_WITH_THEM = (*_ON_ITS_WAY, _S.ACCEPTED, _S.PARTLY_ANSWERED)

#: Every lawful move. What is not here cannot happen.
TRANSITIONS: Mapping[tuple[Status, Act], Status] = MappingProxyType(
    {
        (_S.DRAFTED, _A.APPROVE): _S.APPROVED,
        (_S.APPROVED, _A.SEND_BACK): _S.DRAFTED,
        (_S.APPROVED, _A.SEND): _S.SENT,
        (_S.SENT, _A.DELIVER): _S.DELIVERED,
        **{(status, _A.SEE): _S.SEEN for status in (_S.SENT, _S.DELIVERED)},
        **{(status, _A.ACCEPT): _S.ACCEPTED for status in _ON_ITS_WAY},
        **{(status, _A.ANSWER_PART): _S.PARTLY_ANSWERED for status in (_S.ACCEPTED, _S.PARTLY_ANSWERED, _S.EXPIRED)},
        **{(status, _A.ANSWER_ALL): _S.ANSWERED for status in (_S.ACCEPTED, _S.PARTLY_ANSWERED, _S.EXPIRED)},
        **{(status, _A.REFUSE): _S.REFUSED for status in (*_WITH_THEM, _S.EXPIRED)},
        **{(status, _A.EXPIRE): _S.EXPIRED for status in (_S.APPROVED, *_WITH_THEM)},
        **{(status, _A.WITHDRAW): _S.WITHDRAWN for status in (_S.DRAFTED, _S.APPROVED, *_WITH_THEM, _S.EXPIRED)},
        **{(status, _A.CLOSE): _S.CLOSED for status in (_S.ANSWERED, _S.REFUSED, _S.EXPIRED, _S.WITHDRAWN)},
    }
)

#: Nobody waits for an answer any more.
ENDED = frozenset({_S.ANSWERED, _S.REFUSED, _S.WITHDRAWN, _S.CLOSED})
#: Sent, and an answer is owed.
OWED = frozenset({*_WITH_THEM})
#: An answer that comes now is counted.
TAKES_ANSWERS = frozenset({_S.ACCEPTED, _S.PARTLY_ANSWERED, _S.EXPIRED})
#: The other side has the personal part.
DISCLOSED = frozenset({_S.ACCEPTED, _S.PARTLY_ANSWERED, _S.ANSWERED})

#: So long after its due date a request without an answer is over; a late answer is still read.
EXPIRES_AFTER_DUE = timedelta(days=30)


class RequestError(Exception):
    """A request did not allow what was asked of it."""


class RequestNotFound(RequestError):
    """There is no such request for this officer: it does not exist, or is not theirs to see."""


class NotNow(RequestError):
    """The request has moved on, or this officer may not do this to it. `code` says which."""

    def __init__(self, code: str = "moved_on") -> None:
        super().__init__(code)
        self.code = code


class NoConsent(NotNow):
    """Nobody has agreed that this partner is told what a request of this type tells, or not any more: ask the child and
    whoever speaks for them, or let two officers decide. Nothing left."""

    def __init__(self) -> None:
        super().__init__("consent")


class Incomplete(RequestError):
    """Something is missing or too long. `fields` names it, so that a form can point at it."""

    def __init__(self, fields: Iterable[str]) -> None:
        self.fields = tuple(fields)
        super().__init__(", ".join(self.fields))


class Refusal(StrEnum):
    """Why a request is refused."""

    NOT_COMPETENT = "not_competent"
    UNKNOWN_HERE = "unknown_here"
    DANGER = "danger"
    NO_BASIS = "no_basis"
    NO_CAPACITY = "no_capacity"


REFUSALS: Mapping[Refusal, str] = MappingProxyType(
    {
        Refusal.NOT_COMPETENT: N_("This body is not competent for it."),
        Refusal.UNKNOWN_HERE: N_("Nothing is known here."),
        Refusal.DANGER: N_("Answering could endanger somebody."),
        Refusal.NO_BASIS: N_("The law here does not allow it."),
        Refusal.NO_CAPACITY: N_("It cannot be done in time."),
    }
)


class Alternative(StrEnum):
    """Whom to ask instead: no refusal is a dead end."""

    CENTRAL_AUTHORITY = "central_authority"
    FOCAL_POINT = "focal_point"
    SOCIAL_SERVICE = "social_service"
    RED_CROSS = "red_cross"
    UNHCR = "unhcr"
    LAWYER = "lawyer"


ALTERNATIVES: Mapping[Alternative, str] = MappingProxyType(
    {
        Alternative.CENTRAL_AUTHORITY: N_("Ask the Central Authority of the country."),
        Alternative.FOCAL_POINT: N_("Ask the focal point of the country."),
        Alternative.SOCIAL_SERVICE: N_("Ask International Social Service."),
        Alternative.RED_CROSS: N_("Ask the Red Cross or Red Crescent."),
        Alternative.UNHCR: N_("Ask UNHCR."),
        Alternative.LAWYER: N_("Ask a lawyer for the child."),
    }
)


class How(StrEnum):
    """How whoever answers knows it."""

    SEEN = "seen"
    TOLD = "told"
    DOCUMENT = "document"


HOWS: Mapping[How, str] = MappingProxyType(
    {
        How.SEEN: N_("seen directly"),
        How.TOLD: N_("told by somebody"),
        How.DOCUMENT: N_("document checked"),
    }
)


class Confidence(StrEnum):
    """How sure whoever answers is."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


CONFIDENCES: Mapping[Confidence, str] = MappingProxyType(
    {
        Confidence.HIGH: N_("sure"),
        Confidence.MEDIUM: N_("fairly sure"),
        Confidence.LOW: N_("not sure"),
    }
)


class Assent(StrEnum):
    """The child's own view, part of every decision."""

    AGREES = "agrees"
    TOO_YOUNG = "too_young"
    NOT_ASKED = "not_asked"
    OBJECTS = "objects"


ASSENTS: Mapping[Assent, str] = MappingProxyType(
    {
        Assent.AGREES: N_("The child agrees."),
        Assent.TOO_YOUNG: N_("The child is too young to say."),
        Assent.NOT_ASKED: N_("The child could not be asked: imminent danger."),
        Assent.OBJECTS: N_("The child objects. Why best interests outweigh it stands in the question."),
    }
)


class Ground(StrEnum):
    """Why the people an answer of ours tells about may be told of. The child is the partner's, and its consent came
    with the request; the others are here, and nobody has asked them yet."""

    AGREED = "agreed"
    CHILD_ONLY = "child_only"
    NECESSARY = "necessary"


GROUNDS: Mapping[Ground, str] = MappingProxyType(
    {
        Ground.AGREED: N_("Everybody they tell about has agreed to it."),
        Ground.CHILD_ONLY: N_("They tell about nobody but the child."),
        Ground.NECESSARY: N_("Somebody could not be asked, and the child would be in danger without it."),
    }
)


class Request(Struct, frozen=True):
    """One request. What people wrote in it is sealed elsewhere."""

    id: str  # the same on both sides
    number: str  # what people say to each other; tells nothing
    side: Side
    partner_id: str
    type_key: str
    status: Status
    case_id: str | None
    key_id: str  # the key of the case, or of the request where there is no case
    asks: tuple[str, ...]
    limit: str  # which time limit of its type
    language: str
    drafted_by: str | None
    handler_id: str | None  # of theirs: who accepted it here
    drafted_at: datetime
    due_at: datetime | None = None  # once sent
    approved_by: str | None = None
    sent_at: datetime | None = None
    ended_at: datetime | None = None
    reminded: int = 0
    adult_id: str | None = None  # the dossier of the adult the child would go with or to
    refusal: Refusal | None = None
    alternative: Alternative | None = None
    asked_on: datetime | None = None  # when the personal part was sent, or came
    assent: Assent = Assent.NOT_ASKED  # the child's own view
    consent_ref: str = ""  # the entry of the ledger this rests on, ours or theirs; "" until somebody has agreed
    told_withdrawn_at: datetime | None = None  # the partner had it when it was withdrawn: it must confirm
    forgotten_at: datetime | None = None  # when it did
    demo: bool = False

    @property
    def type(self) -> RequestType:
        return REQUEST_TYPES[self.type_key]

    def allows(self, act: Act) -> bool:
        return (self.status, act) in TRANSITIONS

    def after(self, act: Act, *, at: datetime) -> Request:
        """The request after `act`. Raises NotNow."""
        if not self.allows(act):
            raise NotNow
        moved = replace(self, status=TRANSITIONS[self.status, act])
        return replace(moved, ended_at=at) if moved.status in ENDED and self.ended_at is None else moved

    @property
    def one_person(self) -> bool:
        """Minutes count: whoever drafts it may approve it."""
        return self.type.one_person

    @property
    def still_held(self) -> bool:
        """Withdrawn, and the partner has not confirmed yet that it keeps nothing."""
        return self.told_withdrawn_at is not None and self.forgotten_at is None

    def overdue(self, at: datetime) -> bool:
        """An answer was owed before now."""
        return self.due_at is not None and self.status in OWED and at >= self.due_at


class Returned(StrEnum):
    """Why something that came was recorded and not counted."""

    WITHDRAWN = "withdrawn"
    ENDED = "ended"
    ANSWERED_BEFORE = "answered_before"
    NOT_ASKED = "not_asked"
    NOT_ACCEPTED = "not_accepted"


RETURNS: Mapping[Returned, str] = MappingProxyType(
    {
        Returned.WITHDRAWN: N_("Thank you. We had withdrawn the question, so this is kept apart and not used."),
        Returned.ENDED: N_("Thank you. The request had ended, so this is kept apart and not used."),
        Returned.ANSWERED_BEFORE: N_("Thank you. This had an answer already: write a message if it must change."),
        Returned.NOT_ASKED: N_("Thank you. We did not ask this, so it is kept apart and not used."),
        Returned.NOT_ACCEPTED: N_("Thank you. The request was not accepted yet, so this is kept apart and not used."),
    }
)


def judge(request: Request, key: str, *, answered: Iterable[str]) -> Returned | None:
    """Whether an answer to `key` counts now: None, or why not."""
    if request.status is Status.WITHDRAWN:
        return Returned.WITHDRAWN
    if key not in request.asks:
        return Returned.NOT_ASKED
    if key in set(answered):
        return Returned.ANSWERED_BEFORE
    if request.status in ENDED:
        return Returned.ENDED
    return None if request.status in TAKES_ANSWERS else Returned.NOT_ACCEPTED


class Reminder(Struct, frozen=True):
    """What the passing of time asks for."""

    number: int  # of this request; each happens once
    escalates: bool


def reminder_due(request: Request, at: datetime) -> Reminder | None:
    """The next step for a request whose answer is owed: at half of its time, at nine tenths, then the focal point at
    the due date and each third of its time after that. Steps that were slept through are not repeated one by one.

    The half is the no-answer timer of inter-agency referral practice.
    """
    if request.status not in OWED or request.sent_at is None or request.due_at is None:
        return None
    whole = request.due_at - request.sent_at
    if whole <= timedelta(0):
        return None
    share = (at - request.sent_at) / whole
    steps = 0 if share < 0.5 else 1 if share < 0.9 else 2 if share < 1 else 3 + int((share - 1) * 3)
    return Reminder(steps, escalates=steps >= 3) if steps > request.reminded else None
