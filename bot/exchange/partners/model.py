"""Partners across a border: who they are, whom they report to, what was agreed with them and which keys are theirs.

Everything here denies by default. A partner without two admins' signatures under its key, without an agreement that
holds today, without the request type on the list of that direction, gets nothing and is heard in nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

#: How many different admins must have compared a key's fingerprint by phone before it is trusted.
SIGNATURES_NEEDED = 2
#: How long an old key still opens and proves letters after a new one took its place.
OVERLAP = timedelta(days=30)


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


class ChannelClosed(Exception):
    """Nothing may pass between us and this partner, or not this. `code` says why; nothing was sent or kept."""

    def __init__(self, code: str, says: str) -> None:
        super().__init__(says)
        self.code = code
        self.says = says


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody who can be called: to compare a fingerprint, or when a letter gets no answer."""

    name: str
    phone: str = ""
    email: str = ""
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Agreement:
    """What both sides signed. Outside its dates the channel is closed, whatever else is in order."""

    purposes: frozenset[str]
    data_classes: frozenset[str]
    retention_days: int
    valid_from: datetime
    valid_to: datetime
    reference: str = ""

    def holds(self, at: datetime) -> bool:
        return self.valid_from <= at < self.valid_to


@dataclass(frozen=True, slots=True)
class Signature:
    """An admin's word that they heard this fingerprint from a known person by phone.

    `mark` is a keyed hash over the key and the partner, so a row written past the program does not count.
    """

    officer_id: str
    at: datetime
    mark: str


@dataclass(frozen=True, slots=True)
class PartnerKey:
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


@dataclass(frozen=True, slots=True)
class Partner:
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
    keys: tuple[PartnerKey, ...] = field(default=(), repr=False)

    def key(self, at: datetime) -> PartnerKey | None:
        """The key to seal for: of those that are verified now, the one that came last."""
        good = [key for key in self.keys if key.state(at) is KeyState.VERIFIED]
        return max(good, key=lambda key: (key.not_before, key.added_at, key.kid), default=None)

    def why_closed(self, at: datetime) -> ChannelClosed | None:
        """Why nothing at all may pass now, or None."""
        if self.closed_at is not None:
            return ChannelClosed("partner_closed", f"The channel to {self.name} was closed.")
        if self.key(at) is None:
            return self._without_key(at)
        if self.agreement is None:
            return ChannelClosed("no_agreement", f"There is no agreement with {self.name}. Record one first.")
        if not self.agreement.holds(at):
            return ChannelClosed(
                "agreement_expired",
                f"The agreement with {self.name} holds from {self.agreement.valid_from:%Y-%m-%d} "
                f"to {self.agreement.valid_to:%Y-%m-%d}. Renew it before anything is exchanged.",
            )
        return None

    def _without_key(self, at: datetime) -> ChannelClosed:
        states = {key.state(at) for key in self.keys}
        if KeyState.UNVERIFIED in states:
            return ChannelClosed(
                "key_unverified",
                f"The key of {self.name} is not verified: two admins compare its fingerprint by phone, each by itself.",
            )
        for state in (KeyState.TAMPERED, KeyState.EARLY, KeyState.EXPIRED, KeyState.REVOKED):
            if state in states:
                return ChannelClosed(f"key_{state}", f"{self.name} has no key that is good now ({state}).")
        return ChannelClosed("no_key", f"{self.name} has no key. Ask for its key file.")

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
        closed = self.why_closed(at)
        if closed is not None:
            raise closed
        assert self.agreement is not None
        allowed = self.may_send if direction is Direction.SEND else self.may_receive
        if request_type is not None and request_type not in allowed:
            raise ChannelClosed(
                f"type_not_allowed_to_{direction}",
                f"“{request_type}” is not among the requests that may be "
                f"{'sent to' if direction is Direction.SEND else 'received from'} {self.name}.",
            )
        if purpose not in self.agreement.purposes:
            raise ChannelClosed(
                "purpose_not_agreed", f"The agreement with {self.name} does not name the purpose “{purpose}”."
            )
        beyond = sorted(data_classes - self.agreement.data_classes)
        if beyond:
            raise ChannelClosed(
                "data_not_agreed", f"The agreement with {self.name} does not cover: {', '.join(beyond)}."
            )

    def closed(self, at: datetime) -> Partner:
        return replace(self, closed_at=at)


@dataclass(frozen=True, slots=True)
class FocalPoint:
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
