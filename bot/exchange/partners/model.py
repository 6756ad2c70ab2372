"""Partners across a border: who they are, whom they report to, what was agreed with them and which keys are theirs.

Everything here denies by default. A partner without two admins' signatures under its key, without an agreement that
holds today, without the request type on the list of that direction, gets nothing and is heard in nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from bot.exchange.refusals import ChannelClosed as ChannelClosed  # what a partner's rules say, part of this model
from bot.kernel.words import N_

#: How many different admins must have compared a key's fingerprint by phone before it is trusted.
SIGNATURES_NEEDED = 2
#: How long an old key still opens and proves letters after a new one took its place.
OVERLAP = timedelta(days=30)
#: The purpose of what the post itself has to say: receipts and new keys. It names no person and needs no agreement's
#: leave, only its validity.
POST = "post"


class PartnerKind(StrEnum):
    """What a partner is. How it is reached is another question: any of them may run Waymark or not."""

    AUTHORITY = "authority"
    NGO = "ngo"
    INTERNATIONAL = "international"  # a UN agency, the Red Cross and Red Crescent movement
    DEPLOYMENT = "deployment"  # another helpline that runs Waymark


class Direction(StrEnum):
    """Seen from here."""

    SEND = "send"
    RECEIVE = "receive"


class KeyState(StrEnum):
    """What a partner's key is good for at a moment. Only `VERIFIED` carries anything."""

    UNVERIFIED = "unverified"  # nobody, or only one admin, has compared the fingerprint
    EARLY = "early"
    VERIFIED = "verified"
    EXPIRED = "expired"
    REVOKED = "revoked"
    TAMPERED = "tampered"  # the row says things that our own marks do not confirm


#: What to do where no key is good, by the best of the bad ones.
WITHOUT_KEY: Mapping[KeyState, str] = {
    KeyState.UNVERIFIED: N_(
        "The key of {partner} is not verified yet. Two admins compare its fingerprint by phone, each by themselves."
    ),
    KeyState.TAMPERED: N_(
        "The stored key of {partner} was changed by somebody who may not. Import its key file again and verify it."
    ),
    KeyState.EARLY: N_("The key of {partner} is not in force yet."),
    KeyState.EXPIRED: N_("The key of {partner} is too old. Ask for its new key file."),
    KeyState.REVOKED: N_("The key of {partner} was revoked. Ask for a new key file and verify it by phone."),
}
DOUBTED = N_(
    "Another partner says that the key of {partner} is revoked. Until two admins have called {partner} and decided, "
    "nothing is sent to it. What waits goes on waiting."
)


class Contact(Struct, frozen=True):
    """Somebody who can be called: to compare a fingerprint, or when a letter gets no answer."""

    name: str
    phone: str = ""
    email: str = ""
    languages: tuple[str, ...] = ()


class AgreedTime(Struct, frozen=True):
    """How soon one kind of request is answered, and where that was agreed."""

    days: int
    source: str


class Agreement(Struct, frozen=True):
    """What both sides signed. Outside its dates the channel is closed, whatever else is in order."""

    purposes: frozenset[str]
    data_classes: frozenset[str]
    retention_days: int
    valid_from: datetime
    valid_to: datetime
    reference: str = ""
    times: Mapping[str, AgreedTime] = field(default_factory=dict)  # by request type; of the others it says nothing

    def holds(self, at: datetime) -> bool:
        return self.valid_from <= at < self.valid_to


class Signature(Struct, frozen=True):
    """An admin's word that they heard this fingerprint from a known person by phone, and read what stands here.

    `mark` is a keyed hash over the key and all that is said of the partner: a row written past the program does not
    count, and whoever changes the agreement, the lists or whom the partner reports to has it signed again.
    """

    officer_id: str
    at: datetime
    mark: str


class PartnerKey(Struct, frozen=True):
    """One pair of a partner's public keys: Ed25519 to prove, X25519 to seal. Its id is a hash of both."""

    kid: str
    partner_id: str
    sign_public: bytes
    seal_public: bytes
    not_before: datetime
    not_after: datetime
    added_at: datetime
    signatures: tuple[Signature, ...] = ()
    vouched_by: str | None = None  # the verified key that announced this one: rotation needs no second phone call
    vouch_mark: str = ""
    revoked_at: datetime | None = None
    genuine: bool = True  # set by the store: whether the marks fit
    doubted: bool = False  # set by the store: a partner says that it is revoked, and two admins have not decided yet

    def state(self, at: datetime) -> KeyState:
        """What the key is good for at `at`."""
        if self.revoked_at is not None:
            return KeyState.REVOKED
        if not self.genuine:
            return KeyState.TAMPERED
        if at >= self.not_after:
            return KeyState.EXPIRED
        signers = {signature.officer_id for signature in self.signatures}
        if len(signers) < SIGNATURES_NEEDED and self.vouched_by is None:
            return KeyState.UNVERIFIED
        return KeyState.EARLY if at < self.not_before else KeyState.VERIFIED

    @property
    def stands_alone(self) -> bool:
        """Whether enough admins have compared it, whatever key vouches for it."""
        return len({each.officer_id for each in self.signatures}) >= SIGNATURES_NEEDED


def doubted_among(keys: Iterable[PartnerKey], kids: Iterable[str]) -> frozenset[str]:
    """Of the keys of one partner those that fall with `kids`: themselves, and what only they vouch for."""
    every, fallen = list(keys), set(kids)
    while more := {key.kid for key in every if key.vouched_by in fallen and not key.stands_alone} - fallen:
        fallen |= more
    return frozenset(fallen)


def holds_up(keys: Iterable[PartnerKey], kid: str, at: datetime) -> bool:
    """Whether anything would change if this key of one partner were doubted: it is in force itself or still to be, or
    one that stands only on its word is."""
    every = list(keys)
    fallen = doubted_among(every, [kid])
    return any(key.kid in fallen and key.state(at) not in (KeyState.EXPIRED, KeyState.REVOKED) for key in every)


class Partner(Struct, frozen=True):
    """One partner, with its keys. Ask it before anything leaves or is taken in: `must_allow`."""

    id: str
    name: str
    country: str  # ISO 3166-1 alpha-2
    kind: PartnerKind
    #: The states to whose authorities it belongs or reports, as ISO 3166-1 codes. Empty: known to report to none.
    #: None: nobody knows, and whoever decides whether a child may be named to it must take that for a yes.
    reports_to: frozenset[str] | None
    competence: frozenset[str] = frozenset()  # request types it can act on
    area: str = ""  # where in its country, in its own words; "" is everywhere
    contacts: tuple[Contact, ...] = ()
    languages: tuple[str, ...] = ()
    agreement: Agreement | None = None
    may_send: frozenset[str] = frozenset()  # request types we may send to it
    may_receive: frozenset[str] = frozenset()  # request types it may send to us
    deployment: str | None = None  # its lasting name in envelopes: the id of its first key
    endpoint: str | None = None  # where letters are pushed; None: it fetches them, or they go as a file
    fetch: bool = False  # its letters wait at `endpoint` for us: it cannot reach us by itself
    our_kid: str | None = None  # the newest key of ours that it is known to hold
    closed_at: datetime | None = None
    keys: tuple[PartnerKey, ...] = ()
    #: It runs nothing that could open a letter: it is told by e-mail that a request waits, and reads it behind a link.
    by_link: bool = False
    contact_signatures: tuple[Signature, ...] = ()  # of those who called its contact; set by the store, if they fit

    def key(self, at: datetime) -> PartnerKey | None:
        """The key to seal for: of those that are verified now and not in doubt, the one that came last."""
        good = [key for key in self.keys if key.state(at) is KeyState.VERIFIED and not key.doubted]
        return max(good, key=lambda key: (key.not_before, key.added_at, key.kid), default=None)

    @property
    def without_doubts(self) -> Partner:
        """As it was before anybody called a key of it revoked: how it is heard, and how it learns what was said."""
        return replace(self, keys=tuple(replace(key, doubted=False) for key in self.keys))

    def why_closed(self, at: datetime) -> ChannelClosed | None:
        """Why nothing at all may be sent now, or None."""
        if self.by_link:
            return ChannelClosed(
                "reached_by_link",
                N_("{partner} gets no letters: it reads a request behind a link, once it was sent one."),
                partner=self.name,
            )
        if self.closed_at is None and self.key(at) is None:
            return self._without_key(at)
        return self._why_shut(at)

    def why_unreachable(self, at: datetime) -> ChannelClosed | None:
        """Why it can be asked nothing now, by letter or behind a link; or None."""
        if not self.by_link:
            return self.why_closed(at)
        if self.closed_at is None and not self.is_called:
            return ChannelClosed(
                "contact_unverified",
                N_(
                    "The contact of {partner} is not verified yet. Two admins call it, each by themselves, and have "
                    "the e-mail address spelled to them."
                ),
                partner=self.name,
            )
        return self._why_shut(at)

    @property
    def link_contact(self) -> Contact | None:
        """Who gets the link by e-mail and the code by phone: the first who can be reached both ways."""
        return next((each for each in self.contacts if each.email and each.phone), None)

    @property
    def is_called(self) -> bool:
        """Whether enough admins have called its contact and signed for it."""
        callers = {signature.officer_id for signature in self.contact_signatures}
        return self.link_contact is not None and len(callers) >= SIGNATURES_NEEDED

    def _why_shut(self, at: datetime) -> ChannelClosed | None:
        if self.closed_at is not None:
            return ChannelClosed("partner_closed", N_("The channel to {partner} was closed."), partner=self.name)
        if self.agreement is None:
            return ChannelClosed(
                "no_agreement", N_("There is no agreement with {partner}. Record one first."), partner=self.name
            )
        if not self.agreement.holds(at):
            return ChannelClosed(
                "agreement_expired",
                N_("The agreement with {partner} holds from {first} to {last}. Renew it before anything is exchanged."),
                partner=self.name,
                first=f"{self.agreement.valid_from:%Y-%m-%d}",
                last=f"{self.agreement.valid_to:%Y-%m-%d}",
            )
        return None

    def _without_key(self, at: datetime) -> ChannelClosed:
        states = {key.state(at) for key in self.keys}
        if KeyState.VERIFIED in states:
            return ChannelClosed("key_doubted", DOUBTED, partner=self.name)
        for state, sentence in WITHOUT_KEY.items():
            if state in states:
                return ChannelClosed(f"key_{state}", sentence, partner=self.name)
        return ChannelClosed("no_key", N_("{partner} has no key. Ask for its key file."), partner=self.name)

    def must_allow(
        self,
        direction: Direction,
        *,
        request_type: str | None,
        purpose: str,
        data_classes: frozenset[str],
        at: datetime,
    ) -> None:
        """Raises ChannelClosed unless the key, the agreement and the list of that direction all allow it."""
        closed = (self if direction is Direction.SEND else self.without_doubts).why_closed(at)
        if closed is not None:
            raise closed
        self._must_agree(direction, request_type=request_type, purpose=purpose, data_classes=data_classes)

    def must_allow_by_link(
        self, *, request_type: str, purpose: str, data_classes: frozenset[str], at: datetime
    ) -> None:
        """The same for what it would read behind a link. Raises ChannelClosed, to any partner that gets letters too."""
        closed = (
            self.why_unreachable(at)
            if self.by_link
            else ChannelClosed("gets_letters", N_("{partner} gets letters, and no links."), partner=self.name)
        )
        if closed is not None:
            raise closed
        self._must_agree(Direction.SEND, request_type=request_type, purpose=purpose, data_classes=data_classes)

    def _must_agree(
        self, direction: Direction, *, request_type: str | None, purpose: str, data_classes: frozenset[str]
    ) -> None:
        assert self.agreement is not None
        if purpose == POST and request_type is None and not data_classes:
            return
        sends = direction is Direction.SEND
        if request_type is not None and request_type not in (self.may_send if sends else self.may_receive):
            raise ChannelClosed(
                "type_not_sent" if sends else "type_not_received",
                N_("“{type}” is not among the requests that may be sent to {partner}.")
                if sends
                else N_("“{type}” is not among the requests that {partner} may send."),
                type=request_type,
                partner=self.name,
            )
        if purpose not in self.agreement.purposes:
            raise ChannelClosed(
                "purpose_not_agreed",
                N_("The agreement with {partner} does not name the purpose “{purpose}”."),
                partner=self.name,
                purpose=purpose,
            )
        beyond = sorted(data_classes - self.agreement.data_classes)
        if beyond:
            raise ChannelClosed(
                "data_not_agreed",
                N_("The agreement with {partner} does not cover: {data}."),
                partner=self.name,
                data=", ".join(beyond),
            )

    def closed(self, at: datetime) -> Partner:
        return replace(self, closed_at=at)


class FocalPoint(Struct, frozen=True):
    """Whom to ask in a country when nobody else answers."""

    country: str
    contact: Contact
    partner_id: str | None = None  # where the focal point is also a partner with a channel
    note: str = ""


def contact_to_json(contact: Contact) -> dict[str, Any]:
    return {
        "name": contact.name,
        "phone": contact.phone,
        "email": contact.email,
        "languages": list(contact.languages),
    }


def contact_from_json(value: Mapping[str, Any]) -> Contact:
    return Contact(value["name"], value["phone"], value["email"], tuple(value["languages"]))
