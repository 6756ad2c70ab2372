"""The one place from which anything about a child is put in the post. Nothing gets here without passing the gate.

An import contract keeps every other room away from `bot.exchange.post.service.put`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from bot.exchange import gate
from bot.exchange.gate import GateShut, Kind, Override, Recipient, Situation, Stop, Why
from bot.exchange.holds import service as holds
from bot.exchange.partners import store as partners
from bot.exchange.partners.model import ChannelClosed, Partner, PartnerKind
from bot.exchange.post import service as post
from bot.exchange.post.model import ReceiptState
from bot.exchange.requests import store
from bot.exchange.requests.model import Request, Side
from bot.kernel import audit
from bot.kernel.crypto import Erased, Vault
from bot.kernel.words import N_

#: What every agreement about these requests must name as a purpose.
PURPOSE = "child_protection"
#: Purposes of an agreement that say what kind of body it is: an international organisation with this mandate.
REFUGEE_PROTECTION, FAMILY_LINKS = "refugee_protection", "family_links"

#: What each kind of letter says about a child, in classes of data as agreements name them. The others say nothing.
SAYS_WHO = frozenset({"request_body", "request_message", "request_answer", "hold_placed"})


def recipient_of(partner: Partner) -> Recipient:
    """A partner as the gate sees it. Only an international body whose agreement names the mandate is humanitarian."""
    purposes = partner.agreement.purposes if partner.agreement is not None else frozenset()
    if partner.kind is PartnerKind.AUTHORITY:
        kind = Kind.STATE
    elif partner.kind is PartnerKind.INTERNATIONAL and REFUGEE_PROTECTION in purposes:
        kind = Kind.UNHCR
    elif partner.kind is PartnerKind.INTERNATIONAL and FAMILY_LINKS in purposes:
        kind = Kind.RED_CROSS
    else:
        kind = Kind.ORGANISATION
    return Recipient(partner.id, kind, partner.country, partner.reports_to)


def situation_of(tx: Connection, vault: Vault, request: Request) -> Situation:
    """What is known of the fear this request must respect: the child's of our case, or that of the people an answer of
    ours would name. Nothing recorded, or erased: nothing is known, and the gate is shut."""
    subject = request.case_id if request.side is Side.OURS and request.case_id else request.id
    row = store.situation_row(tx, subject)
    if row is None or row.sealed is None:
        return Situation()
    try:
        key = vault.key(tx, request.key_id)
    except Erased:
        return Situation()
    known = key.open_json(row.sealed, table="exchange_situations", row=row.id, field="situation")
    fears = known["fears"]
    return Situation(None if fears is None else frozenset(fears), known["asylum"], frozenset(known["origins"]))


def override_of(tx: Connection, request: Request) -> Override | None:
    """What two people took on themselves for this request, if both did and nothing was recorded of the child's fear
    since: what the child says later is for both of them to weigh anew."""
    row = store.override_row(tx, request.id)
    if row is None or row.second_id is None:
        return None
    known = store.situation_row(tx, request.case_id or request.id)
    if known is not None and (known.at, known.id) > (row.first_at, row.id):
        return None
    covers = frozenset(Stop(Why(why), recipient, country) for why, recipient, country in json.loads(row.covers))
    first, second = gate.Hand(row.first_id, row.first_role), gate.Hand(row.second_id, row.second_role)
    return Override(row.id, first, second, row.reason_sealed is not None, covers)


def stops_for(tx: Connection, vault: Vault, request: Request, to: Iterable[Partner]) -> tuple[Stop, ...]:
    """What the gate says now about this request and these readers."""
    made_for_asylum = request.side is Side.OURS and request.type.made_for_asylum
    recipients = [recipient_of(partner) for partner in to]
    return gate.stops(situation_of(tx, vault, request), recipients, made_for_asylum=made_for_asylum)


def send(
    tx: Connection,
    vault: Vault,
    request: Request,
    kind: str,
    body: Mapping[str, Any],
    *,
    actor: str,
    at: datetime,
    to: str | None = None,
    in_reply_to: str | None = None,
) -> str:
    """Put one letter about `request` in the post, through the gate, and return its envelope id.

    `to` is another partner than the one of the request: a focal point. Raises GateShut, ChannelClosed, MayNotMove; in
    each case nothing was written.
    """
    partner = partners.get(tx, to or request.partner_id, vault)
    if partner is None:
        raise ChannelClosed("no_such_partner", N_("There is no such partner."))
    said = {"request": request.id, **body}
    recipient = recipient_of(partner)
    if kind in gate.CODES_ONLY and partner.id == request.partner_id:
        leave = gate.clear_codes(recipient, kind=kind, about=request.id, body=said)
    else:
        if request.side is Side.OURS and request.type.moves_child and request.case_id and kind != "hold_placed":
            holds.require_free_to_move(tx, request.case_id, request.adult_id)
        leave = gate.clear(
            situation_of(tx, vault, request),
            [recipient],
            kind=kind,
            about=request.id,
            body=said,
            made_for_asylum=request.side is Side.OURS and request.type.made_for_asylum,
            override=override_of(tx, request),
        )
    if not leave.fits([partner.id], kind, request.id, said):
        raise GateShut((Stop(Why.NO_RECIPIENT),))
    personal = kind in SAYS_WHO
    envelope_id = post.put(
        tx,
        vault,
        partner_id=partner.id,
        kind=kind,
        request_type=request.type_key,
        purpose=PURPOSE,
        data_classes=frozenset(request.type.data) if personal else frozenset(),
        consent_ref=request.consent_ref if personal else None,
        body=said,
        key_id=_key_for(tx, vault, request, personal=personal, at=at),
        actor=actor,
        at=at,
        in_reply_to=in_reply_to,
    )
    store.add_letter(tx, envelope_id, request_id=request.id, partner_id=partner.id, kind=kind, personal=personal, at=at)
    if leave.override_id is not None:
        facts = {"override": leave.override_id, "partner": partner.id, "kind": kind}
        audit.append(tx, vault, at=at, actor=actor, act="gate.overridden", object=f"request:{request.id}", facts=facts)
    return envelope_id


def report_seen(tx: Connection, vault: Vault, request: Request, envelope_id: str, *, actor: str, at: datetime) -> None:
    """Tell the partner that a human here has seen its request."""
    post.report(
        tx,
        vault,
        partner_id=request.partner_id,
        envelope_id=envelope_id,
        state=ReceiptState.READ,
        actor=actor,
        at=at,
    )


def _key_for(tx: Connection, vault: Vault, request: Request, *, personal: bool, at: datetime) -> str:
    """Letters are sealed with the key of the case. Where that was destroyed, a letter of codes still goes: whoever
    holds what was erased here must hear that they may not keep it."""
    try:
        return vault.key(tx, request.key_id).id
    except Erased:
        if personal:
            raise
        return vault.new_key(tx, at).id
