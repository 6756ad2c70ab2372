"""Two deployments that know each other, without a database: Lyon here, Tunis there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from bot.exchange import envelope
from bot.exchange.envelope import Contents, Opened
from bot.exchange.partners import keys
from bot.exchange.partners.keys import OwnKey
from bot.exchange.partners.model import Agreement, Partner, PartnerKey, PartnerKind, Signature

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ENVELOPE = "0192f0a0-0000-7000-8000-000000000001"
REQUEST = "info_child"
PURPOSE = "family_contact"
CLASSES = frozenset({"identity", "family"})


def an_agreement(**changes: Any) -> Agreement:
    agreement = Agreement(
        purposes=frozenset({PURPOSE}),
        data_classes=CLASSES,
        retention_days=90,
        valid_from=NOON - timedelta(days=100),
        valid_to=NOON + timedelta(days=200),
    )
    return replace(agreement, **changes)


def signed_by(*officers: str) -> tuple[Signature, ...]:
    return tuple(Signature(officer, NOON - timedelta(days=1), "") for officer in officers)


def key_of(own: OwnKey, partner_id: str, **changes: Any) -> PartnerKey:
    """The public halves of a pair, as its partner keeps them: verified by two admins."""
    key = PartnerKey(
        own.kid,
        partner_id,
        own.sign_public,
        own.seal_public,
        own.made_at,
        own.not_after,
        own.made_at,
        signatures=signed_by("amira", "bruno"),
    )
    return replace(key, **changes)


def a_partner(own: OwnKey, *, name: str = "Tunis Child Protection", country: str = "TN", **changes: Any) -> Partner:
    """A partner with this pair, to whom everything in this file may be sent, and from whom."""
    partner = Partner(
        id=f"partner-{country}",
        name=name,
        country=country,
        kind=PartnerKind.NGO,
        reports_to=frozenset(),
        agreement=an_agreement(),
        may_send=frozenset({REQUEST}),
        may_receive=frozenset({REQUEST}),
        deployment=own.deployment,
        keys=(key_of(own, f"partner-{country}"),),
    )
    return replace(partner, **changes)


def contents(**changes: Any) -> Contents:
    letter = Contents(
        id=ENVELOPE,
        seq=1,
        kind="request",
        request_type=REQUEST,
        purpose=PURPOSE,
        data_classes=CLASSES,
        consent_ref="consent-17",
        in_reply_to=None,
        sent_at=NOON,
        expires_at=NOON + timedelta(days=14),
        body={"question": "Who cared for the child in Sfax?", "code": "TN-4417"},
    )
    return replace(letter, **changes)


class Pair(Struct):
    """Two deployments, and what each knows of the other."""

    lyon: OwnKey
    tunis: OwnKey
    of_tunis: Partner  # as Lyon knows it
    of_lyon: Partner  # as Tunis knows it

    @classmethod
    def acquainted(cls) -> Pair:
        made_at = NOON - timedelta(days=10)
        lyon, tunis = keys.make_pair(deployment=None, at=made_at), keys.make_pair(deployment=None, at=made_at)
        return cls(lyon, tunis, a_partner(tunis), a_partner(lyon, name="Lyon Refuge", country="FR"))

    def sealed(self, letter: Contents | None = None, *, at: datetime = NOON) -> bytes:
        """A letter from Lyon to Tunis."""
        return envelope.seal(letter or contents(), own=self.lyon, partner=self.of_tunis, at=at)

    def opened(self, raw: bytes, *, at: datetime = NOON) -> Opened:
        """As Tunis opens it."""
        return envelope.open_envelope(
            raw,
            own_key={self.tunis.kid: self.tunis}.get,
            partner_of={key.kid: self.of_lyon for key in self.of_lyon.keys}.get,
            deployment=self.tunis.deployment,
            at=at,
        )
