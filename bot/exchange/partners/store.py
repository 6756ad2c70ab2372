"""The only SQL about partners, their keys, our own keys and the focal points."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.engine import Connection, Row

from bot.exchange.partners.keys import OwnKey, OwnPrivate
from bot.exchange.partners.model import (
    AgreedTime,
    Agreement,
    FocalPoint,
    Partner,
    PartnerKey,
    PartnerKind,
    Signature,
    contact_from_json,
    contact_to_json,
    doubted_among,
)
from bot.kernel.crypto import Vault
from bot.kernel.database import Moment, insert_or_nothing, metadata, moment_from_int, moment_to_int

exchange_partners = sa.Table(
    "exchange_partners",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("skeleton", sa.String(400), nullable=False, unique=True),  # what the name looks like: no two look alike
    sa.Column("country", sa.String(2), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("profile", sa.Text, nullable=False),
    sa.Column("deployment", sa.String(64), nullable=True, unique=True),
    sa.Column("endpoint", sa.String(300), nullable=True),
    sa.Column("fetch", sa.Boolean, nullable=False),
    sa.Column("our_kid", sa.String(64), nullable=True),
    sa.Column("last_seq", sa.BigInteger, nullable=False),  # of the letters to it
    sa.Column("seen_seq", sa.BigInteger, nullable=False),  # the highest number of a letter from it
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("closed_at", Moment, nullable=True),
    sa.Index("ix_exchange_partners_country", "country"),
)

exchange_partner_keys = sa.Table(
    "exchange_partner_keys",
    metadata,
    sa.Column("kid", sa.String(64), primary_key=True),
    sa.Column("partner_id", sa.String(36), sa.ForeignKey("exchange_partners.id"), nullable=False, index=True),
    sa.Column("sign_public", sa.LargeBinary, nullable=False),
    sa.Column("seal_public", sa.LargeBinary, nullable=False),
    sa.Column("not_before", Moment, nullable=False),
    sa.Column("not_after", Moment, nullable=False),
    sa.Column("added_at", Moment, nullable=False),
    sa.Column("signatures", sa.Text, nullable=False),
    sa.Column("vouched_by", sa.String(64), nullable=True),
    sa.Column("vouch_mark", sa.String(64), nullable=False),
    sa.Column("revoked_at", Moment, nullable=True),
)

#: Admins who called the contact of a partner that runs nothing of ours, and had its e-mail address spelled to them.
exchange_contact_signatures = sa.Table(
    "exchange_contact_signatures",
    metadata,
    sa.Column("partner_id", sa.String(36), sa.ForeignKey("exchange_partners.id"), primary_key=True),
    sa.Column("officer_id", sa.String(36), primary_key=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("mark", sa.String(64), nullable=False),
)

#: Keys of which a partner said that they are revoked, and who of our admins has called their owner since.
exchange_key_doubts = sa.Table(
    "exchange_key_doubts",
    metadata,
    sa.Column("kid", sa.String(64), primary_key=True),
    sa.Column("said_by", sa.String(36), sa.ForeignKey("exchange_partners.id"), primary_key=True),
    sa.Column("partner_id", sa.String(36), sa.ForeignKey("exchange_partners.id"), nullable=False, index=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("signatures", sa.Text, nullable=False),
    sa.Column("cleared_at", Moment, nullable=True),
)

exchange_own_keys = sa.Table(
    "exchange_own_keys",
    metadata,
    sa.Column("kid", sa.String(64), primary_key=True),
    sa.Column("deployment", sa.String(64), nullable=False),
    sa.Column("sign_public", sa.LargeBinary, nullable=False),
    sa.Column("seal_public", sa.LargeBinary, nullable=False),
    sa.Column("key_id", sa.String(36), nullable=False),
    sa.Column("private", sa.LargeBinary, nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("not_after", Moment, nullable=False),
    sa.Column("vouched", sa.Text, nullable=False),  # the key before it says so, or "": the first, or one after a loss
    sa.Column("revoked_at", Moment, nullable=True),
)

exchange_focal_points = sa.Table(
    "exchange_focal_points",
    metadata,
    sa.Column("country", sa.String(2), primary_key=True),
    sa.Column("partner_id", sa.String(36), sa.ForeignKey("exchange_partners.id"), nullable=True),
    sa.Column("contact", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
)


# Partners


def add(tx: Connection, partner: Partner, *, skeleton: str, at: datetime) -> None:
    """A new partner, without its keys. Raises IntegrityError if another looks alike or is the same deployment."""
    tx.execute(
        exchange_partners.insert().values(
            id=partner.id, skeleton=skeleton, last_seq=0, seen_seq=0, created_at=at, closed_at=None, **_columns(partner)
        )
    )


def save(tx: Connection, partner: Partner, *, skeleton: str) -> None:
    """Everything about a partner but its keys."""
    tx.execute(
        exchange_partners.update()
        .where(exchange_partners.c.id == partner.id)
        .values(skeleton=skeleton, closed_at=partner.closed_at, **_columns(partner))
    )


def get(tx: Connection, partner_id: str, vault: Vault | None = None) -> Partner | None:
    """Who a partner is. Without `vault` the marks under its keys cannot be checked, so none of them counts."""
    return _one(tx, vault, exchange_partners.c.id == partner_id)


def of_key(tx: Connection, vault: Vault, kid: str) -> Partner | None:
    """Whose key this is."""
    owner = sa.select(exchange_partner_keys.c.partner_id).where(exchange_partner_keys.c.kid == kid)
    return _one(tx, vault, exchange_partners.c.id == owner.scalar_subquery())


def everyone(tx: Connection, vault: Vault, *, country: str | None = None) -> list[Partner]:
    """Every partner, by country and name."""
    query = sa.select(exchange_partners).order_by(exchange_partners.c.country, exchange_partners.c.name)
    if country is not None:
        query = query.where(exchange_partners.c.country == country)
    keys: dict[str, list[PartnerKey]] = {}
    for row in tx.execute(_their_keys):
        keys.setdefault(row.partner_id, []).append(_key(row))
    called: dict[str, list[Signature]] = {}
    for row in tx.execute(sa.select(exchange_contact_signatures)):
        called.setdefault(row.partner_id, []).append(Signature(row.officer_id, row.at, row.mark))
    return [_partner(vault, row, keys.get(row.id, ()), called.get(row.id, ())) for row in tx.execute(query)]


def skeletons(tx: Connection) -> list[tuple[str, str, str]]:
    """Every partner's id, name, and what the name looks like."""
    return [(row.id, row.name, row.skeleton) for row in tx.execute(sa.select(exchange_partners))]


def next_seq(tx: Connection, partner_id: str) -> int:
    """The number of the next letter to this partner. Two transactions never get the same."""
    counted = exchange_partners.update().where(exchange_partners.c.id == partner_id)
    tx.execute(counted.values(last_seq=exchange_partners.c.last_seq + 1))
    number: int = tx.execute(
        sa.select(exchange_partners.c.last_seq).where(exchange_partners.c.id == partner_id)
    ).scalar_one()
    return number


def skip_numbers(tx: Connection, count: int) -> None:
    """Leave so many numbers out, for every partner."""
    tx.execute(exchange_partners.update().values(last_seq=exchange_partners.c.last_seq + count))


def set_our_kid(tx: Connection, partner_id: str, kid: str) -> None:
    """The partner holds this key of ours now."""
    tx.execute(exchange_partners.update().where(exchange_partners.c.id == partner_id).values(our_kid=kid))


# Their keys


def add_key(tx: Connection, key: PartnerKey) -> None:
    """Raises IntegrityError if the key is known already, here or with another partner."""
    tx.execute(
        exchange_partner_keys.insert().values(
            kid=key.kid,
            partner_id=key.partner_id,
            sign_public=key.sign_public,
            seal_public=key.seal_public,
            not_before=key.not_before,
            not_after=key.not_after,
            added_at=key.added_at,
            signatures=_signatures_to_json(key.signatures),
            vouched_by=key.vouched_by,
            vouch_mark=key.vouch_mark,
            revoked_at=key.revoked_at,
        )
    )


def save_key(tx: Connection, key: PartnerKey) -> None:
    tx.execute(
        exchange_partner_keys.update()
        .where(exchange_partner_keys.c.kid == key.kid)
        .values(
            not_after=key.not_after,
            signatures=_signatures_to_json(key.signatures),
            vouched_by=key.vouched_by,
            vouch_mark=key.vouch_mark,
            revoked_at=key.revoked_at,
        )
    )


def signature_mark(vault: Vault, partner: Partner, key: PartnerKey, officer_id: str, at: datetime) -> str:
    """What only this program can write under a signature."""
    return vault.index("exchange signature", *_what_is_signed(partner, key), officer_id, str(moment_to_int(at)))


def vouch_mark(vault: Vault, partner: Partner, key: PartnerKey, by: str) -> str:
    return vault.index("exchange vouching", *_what_is_signed(partner, key), by)


# Keys in doubt


class Doubt(Struct, frozen=True):
    """A partner's word that a key is revoked."""

    kid: str
    said_by: str  # the partner who says so
    partner_id: str  # whose key it is: that partner's; for a key of our own, again who says so
    at: datetime
    signatures: tuple[tuple[str, datetime], ...] = ()  # of admins who called its owner since, and heard the same digits
    cleared_at: datetime | None = None


def add_doubt(tx: Connection, doubt: Doubt) -> bool:
    """False where this partner has said this of this key before: whatever was decided then stands."""
    values = {
        "kid": doubt.kid,
        "said_by": doubt.said_by,
        "partner_id": doubt.partner_id,
        "at": doubt.at,
        "signatures": "[]",
        "cleared_at": None,
    }
    return insert_or_nothing(tx, exchange_key_doubts, values)


def say_doubt_again(tx: Connection, doubt: Doubt) -> bool:
    """A doubt that was cleared stands again, with nobody's signature. False where it stands already, or never did."""
    table = exchange_key_doubts
    cleared = sa.and_(table.c.kid == doubt.kid, table.c.said_by == doubt.said_by, table.c.cleared_at.is_not(None))
    again = table.update().where(cleared).values(at=doubt.at, signatures="[]", cleared_at=None)
    return tx.execute(again).rowcount == 1


def doubts(tx: Connection, *conditions: sa.ColumnElement[bool]) -> list[Doubt]:
    """Those that stand."""
    query = sa.select(exchange_key_doubts).where(_stands, *conditions).order_by(exchange_key_doubts.c.at)
    return [
        Doubt(
            row.kid,
            row.said_by,
            row.partner_id,
            row.at,
            tuple((who, moment_from_int(at)) for who, at in json.loads(row.signatures)),
        )
        for row in tx.execute(query)
    ]


def doubts_about(tx: Connection, kids: Sequence[str]) -> list[Doubt]:
    return doubts(tx, exchange_key_doubts.c.kid.in_(list(kids)))


def ever_doubted(tx: Connection, partner_id: str) -> list[str]:
    """Keys of a partner that another one called revoked once, however that was decided."""
    table = exchange_key_doubts
    said = sa.and_(table.c.partner_id == partner_id, table.c.said_by != partner_id)
    return list(tx.execute(sa.select(table.c.kid).where(said).distinct()).scalars())


def save_doubt(tx: Connection, doubt: Doubt) -> None:
    table = exchange_key_doubts
    signatures = json.dumps([[who, moment_to_int(at)] for who, at in doubt.signatures])
    this = sa.and_(table.c.kid == doubt.kid, table.c.said_by == doubt.said_by)
    tx.execute(table.update().where(this).values(signatures=signatures, cleared_at=doubt.cleared_at))


def clear_doubts_of(tx: Connection, partner_id: str, at: datetime) -> list[Doubt]:
    """The word of this partner counts no more. Returns what it had said."""
    said = exchange_key_doubts.c.said_by == partner_id
    gone = doubts(tx, said)
    tx.execute(exchange_key_doubts.update().where(said, _stands).values(cleared_at=at))
    return gone


# Those who called a partner without keys


def add_contact_signature(tx: Connection, vault: Vault, partner: Partner, officer_id: str, at: datetime) -> None:
    """Raises IntegrityError where this officer has signed already."""
    mark = _contact_mark(vault, partner, officer_id, at)
    tx.execute(
        exchange_contact_signatures.insert().values(partner_id=partner.id, officer_id=officer_id, at=at, mark=mark)
    )


def forget_contact_signatures(tx: Connection, partner_id: str) -> None:
    table = exchange_contact_signatures
    tx.execute(table.delete().where(table.c.partner_id == partner_id))


def _contact_mark(vault: Vault, partner: Partner, officer_id: str, at: datetime) -> str:
    said = json.dumps(_columns(partner), ensure_ascii=False, sort_keys=True)
    return vault.index("exchange contact", partner.id, said, officer_id, str(moment_to_int(at)))


def _what_is_signed(partner: Partner, key: PartnerKey) -> tuple[str, ...]:
    described = {name: value for name, value in _columns(partner).items() if name != "our_kid"}
    dates = (str(moment_to_int(key.not_before)), str(moment_to_int(key.not_after)))
    said = json.dumps(described, ensure_ascii=False, sort_keys=True)
    return (partner.id, key.kid, key.sign_public.hex(), key.seal_public.hex(), *dates, said)


# Our own keys


def add_own_key(tx: Connection, vault: Vault, key: OwnKey) -> None:
    data_key = vault.new_key(tx, key.made_at)
    tx.execute(
        exchange_own_keys.insert().values(
            kid=key.kid,
            deployment=key.deployment,
            sign_public=key.sign_public,
            seal_public=key.seal_public,
            key_id=data_key.id,
            private=data_key.seal_json(key.private.to_json(), **_private_at(key.kid)),
            made_at=key.made_at,
            not_after=key.not_after,
            vouched=key.vouched,
            revoked_at=None,
        )
    )


def own_keys(tx: Connection, vault: Vault) -> list[OwnKey]:
    """Our pairs, the newest first. One that was revoked has no private halves any more."""
    rows = tx.execute(sa.select(exchange_own_keys).order_by(exchange_own_keys.c.made_at.desc())).all()
    return [_own_key(tx, vault, row) for row in rows]


def shorten_own_key(tx: Connection, kid: str, not_after: datetime) -> None:
    """It opens letters until then, and no longer."""
    tx.execute(exchange_own_keys.update().where(exchange_own_keys.c.kid == kid).values(not_after=not_after))


def revoke_own_key(tx: Connection, vault: Vault, key: OwnKey, at: datetime) -> None:
    """It is gone: nothing sealed for it can be opened again, by us or by whoever copied this database."""
    tx.execute(exchange_own_keys.update().where(exchange_own_keys.c.kid == key.kid).values(revoked_at=at, private=b""))
    vault.destroy(tx, key.key_id, at)


def _own_key(tx: Connection, vault: Vault, row: Row[Any]) -> OwnKey:
    private = OwnPrivate(b"", b"")
    if row.revoked_at is None:
        opened = vault.key(tx, row.key_id).open_json(row.private, **_private_at(row.kid))
        private = OwnPrivate.from_json(opened)
    return OwnKey(
        kid=row.kid,
        deployment=row.deployment,
        sign_public=bytes(row.sign_public),
        seal_public=bytes(row.seal_public),
        private=private,
        made_at=row.made_at,
        not_after=row.not_after,
        vouched=row.vouched,
        revoked_at=row.revoked_at,
        key_id=row.key_id,
    )


def _private_at(kid: str) -> dict[str, str]:
    return {"table": "exchange_own_keys", "row": kid, "field": "private"}


# Focal points


def set_focal_point(tx: Connection, point: FocalPoint) -> None:
    tx.execute(exchange_focal_points.delete().where(exchange_focal_points.c.country == point.country))
    tx.execute(
        exchange_focal_points.insert().values(
            country=point.country,
            partner_id=point.partner_id,
            contact=json.dumps(contact_to_json(point.contact), ensure_ascii=False),
            note=point.note,
        )
    )


def focal_point(tx: Connection, country: str) -> FocalPoint | None:
    """Whom to ask in `country` when nobody else answers."""
    row = tx.execute(sa.select(exchange_focal_points).where(exchange_focal_points.c.country == country)).first()
    if row is None:
        return None
    return FocalPoint(row.country, contact_from_json(json.loads(row.contact)), row.partner_id, row.note)


def focal_points(tx: Connection) -> set[str]:
    """The countries in which somebody is named."""
    return set(tx.execute(sa.select(exchange_focal_points.c.country)).scalars())


# Rows


_stands = exchange_key_doubts.c.cleared_at.is_(None)
_doubted = sa.exists().where(exchange_key_doubts.c.kid == exchange_partner_keys.c.kid, _stands)
_their_keys = sa.select(exchange_partner_keys, _doubted.label("doubted"))


def _one(tx: Connection, vault: Vault | None, condition: sa.ColumnElement[bool]) -> Partner | None:
    row = tx.execute(sa.select(exchange_partners).where(condition)).first()
    if row is None:
        return None
    keys = tx.execute(_their_keys.where(exchange_partner_keys.c.partner_id == row.id))
    table = exchange_contact_signatures
    called = tx.execute(sa.select(table).where(table.c.partner_id == row.id))
    return _partner(
        vault, row, [_key(each) for each in keys], [Signature(each.officer_id, each.at, each.mark) for each in called]
    )


def _columns(partner: Partner) -> dict[str, Any]:
    profile: dict[str, Any] = {
        "reports_to": None if partner.reports_to is None else sorted(partner.reports_to),
        "competence": sorted(partner.competence),
        "area": partner.area,
        "contacts": [contact_to_json(contact) for contact in partner.contacts],
        "languages": list(partner.languages),
        "agreement": _agreement_to_json(partner.agreement),
        "may_send": sorted(partner.may_send),
        "may_receive": sorted(partner.may_receive),
    }
    if partner.by_link:  # said only where it is so: what admins signed before this was known stays as it was
        profile["by_link"] = True
    return {
        "name": partner.name,
        "country": partner.country,
        "kind": partner.kind.value,
        "profile": json.dumps(profile, ensure_ascii=False),
        "deployment": partner.deployment,
        "endpoint": partner.endpoint,
        "fetch": partner.fetch,
        "our_kid": partner.our_kid,
    }


def _partner(vault: Vault | None, row: Row[Any], keys: Sequence[PartnerKey], called: Sequence[Signature]) -> Partner:
    profile = json.loads(row.profile)
    reports_to = profile["reports_to"]
    partner = Partner(
        id=row.id,
        name=row.name,
        country=row.country,
        kind=PartnerKind(row.kind),
        reports_to=None if reports_to is None else frozenset(reports_to),
        competence=frozenset(profile["competence"]),
        area=profile["area"],
        contacts=tuple(contact_from_json(contact) for contact in profile["contacts"]),
        languages=tuple(profile["languages"]),
        agreement=_agreement(profile["agreement"]),
        may_send=frozenset(profile["may_send"]),
        may_receive=frozenset(profile["may_receive"]),
        deployment=row.deployment,
        endpoint=row.endpoint,
        fetch=row.fetch,
        our_kid=row.our_kid,
        closed_at=row.closed_at,
        by_link=profile.get("by_link", False),
    )
    signed = tuple(
        each
        for each in called
        if vault is not None and each.mark == _contact_mark(vault, partner, each.officer_id, each.at)
    )
    doubted = doubted_among(keys, [key.kid for key in keys if key.doubted])
    marked = (
        replace(key, genuine=vault is not None and _marks_fit(vault, partner, key), doubted=key.kid in doubted)
        for key in keys
    )
    return replace(partner, keys=tuple(marked), contact_signatures=signed)


def _key(row: Row[Any]) -> PartnerKey:
    signatures = tuple(Signature(who, moment_from_int(at), mark) for who, at, mark in json.loads(row.signatures))
    return PartnerKey(
        kid=row.kid,
        partner_id=row.partner_id,
        sign_public=bytes(row.sign_public),
        seal_public=bytes(row.seal_public),
        not_before=row.not_before,
        not_after=row.not_after,
        added_at=row.added_at,
        signatures=signatures,
        vouched_by=row.vouched_by,
        vouch_mark=row.vouch_mark,
        revoked_at=row.revoked_at,
        doubted=row.doubted,
    )


def _marks_fit(vault: Vault, partner: Partner, key: PartnerKey) -> bool:
    """Whoever can write rows cannot write these: the key of the marks is not in the database in clear."""
    if key.vouched_by is not None and key.vouch_mark != vouch_mark(vault, partner, key, key.vouched_by):
        return False
    return all(each.mark == signature_mark(vault, partner, key, each.officer_id, each.at) for each in key.signatures)


def _signatures_to_json(signatures: Sequence[Signature]) -> str:
    return json.dumps([[each.officer_id, moment_to_int(each.at), each.mark] for each in signatures])


def _agreement_to_json(agreement: Agreement | None) -> dict[str, Any] | None:
    if agreement is None:
        return None
    said: dict[str, Any] = {
        "purposes": sorted(agreement.purposes),
        "data_classes": sorted(agreement.data_classes),
        "retention_days": agreement.retention_days,
        "valid_from": moment_to_int(agreement.valid_from),
        "valid_to": moment_to_int(agreement.valid_to),
        "reference": agreement.reference,
    }
    if agreement.times:  # said only where there are some: what admins signed before this was known stays as it was
        said["times"] = {key: [each.days, each.source] for key, each in sorted(agreement.times.items())}
    return said


def _agreement(value: dict[str, Any] | None) -> Agreement | None:
    if value is None:
        return None
    return Agreement(
        frozenset(value["purposes"]),
        frozenset(value["data_classes"]),
        value["retention_days"],
        moment_from_int(value["valid_from"]),
        moment_from_int(value["valid_to"]),
        value["reference"],
        {key: AgreedTime(days, source) for key, (days, source) in value.get("times", {}).items()},
    )
