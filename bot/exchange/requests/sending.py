"""The one place from which anything about a child is put in the post. Nothing gets here without passing the gate, and
nothing about a child of ours without somebody's consent in the ledger.

An import contract keeps every other room away from `bot.exchange.post.service.put`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from bot.cases import consent, telling
from bot.cases import store as case_store
from bot.cases.consent import Consent, Purpose
from bot.cases.model import Case, NotAllowedNow
from bot.exchange import gate
from bot.exchange.gate import Cleared, GateShut, Kind, Override, Recipient, Situation, Stop, Why
from bot.exchange.holds import claimants, free_to_move
from bot.exchange.holds.model import HeldLikely, MayNotMove
from bot.exchange.partners import store as partners
from bot.exchange.partners.model import ChannelClosed, Direction, Partner, PartnerKind
from bot.exchange.post import service as post
from bot.exchange.post.model import LetterStopped, ReceiptState, WaitingLetter
from bot.exchange.requests import gate_store, history_store, letters_store, store, thread_store
from bot.exchange.requests.model import NoConsent, NotNow, Request, Side, Status
from bot.exchange.requests.naming import service as naming
from bot.exchange.requests.passing import store as passings
from bot.exchange.requests.passing.model import NOTICES, PASSED_ON
from bot.exchange.requests.transfer import file as files
from bot.kernel import audit
from bot.kernel.crypto import Erased, Vault
from bot.kernel.ids import new_id
from bot.kernel.words import N_

SYSTEM = "system"
NOT_WRITTEN_TO = N_("{partner} cannot read messages behind its link. Call its contact instead.")
#: What every agreement about these requests must name as a purpose.
PURPOSE = "child_protection"
#: Purposes of an agreement that say what kind of body it is: an international organisation with this mandate.
REFUGEE_PROTECTION, FAMILY_LINKS = "refugee_protection", "family_links"

#: Letters that say something about a person: their agreement must name the classes of data. The others hold codes.
SAYS_WHO = frozenset({"request_body", "request_message", "request_answer", "request_file"})
#: Letters about a child of ours that rest on an entry of the consent ledger. The first letter names nobody, and yet
#: nothing is asked for a child who has not been asked. The notice of a hold rests on none: it holds codes, goes to
#: whoever has the request, and does nothing but keep a child from being moved; and whoever could take a consent back
#: may be the one it protects from. The gate judges it all the same.
RESTS_ON_CONSENT = frozenset({"request_preview", "request_body", "request_message", "request_file"})


#: What the page behind a link has no place for.
NOT_BEHIND_A_LINK = frozenset(NOTICES)


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
    return _known_of(tx, vault, subject, request.key_id)


def _situation_below(tx: Connection, vault: Vault, request: Request, passing: str) -> Situation:
    """The same for a notice that somebody else has now what came with a request of theirs: it tells of the child whose
    case it went out of."""
    below = passings.get(tx, request.id, passing)
    found = case_store.get_case(tx, below.case_id) if below is not None and below.case_id else None
    return Situation() if found is None else _known_of(tx, vault, found.case.id, found.case.key_id)


def _known_of(tx: Connection, vault: Vault, subject: str, key_id: str) -> Situation:
    row = gate_store.situation_row(tx, subject)
    if row is None or row.sealed is None:
        return Situation()
    try:
        key = vault.key(tx, key_id)
    except Erased:
        return Situation()
    known = key.open_json(row.sealed, table="exchange_situations", row=row.id, field="situation")
    fears = known["fears"]
    return Situation(None if fears is None else frozenset(fears), known["asylum"], frozenset(known["origins"]))


def override_of(tx: Connection, request: Request) -> Override | None:
    """What two people took on themselves for this request, if both did and nothing was recorded of the child's fear
    since: what the child says later is for both of them to weigh anew."""
    row = gate_store.override_row(tx, request.id)
    if row is None or row.second_id is None:
        return None
    known = gate_store.situation_row(tx, request.case_id or request.id)
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


def items_of(request: Request) -> tuple[str, ...]:
    """What a consent has to cover before this request may be made, as the ledger names it."""
    return tuple(f"data:{each}" for each in request.type.data)


def carried_by(tx: Connection, request: Request, *, at: datetime, to: str | None = None) -> Consent | None:
    """The entry of the ledger on which this request of ours may tell its partner what its type tells, now."""
    if request.case_id is None:
        return None
    recipient = f"partner:{to or request.partner_id}"
    return consent.in_force(tx, request.case_id, Purpose.CROSS_BORDER, recipient, at, items_of(request))


def is_overridden(tx: Connection, request: Request, *, at: datetime) -> bool:
    """Whether what carries it is what two officers decided without consent."""
    entry = carried_by(tx, request, at=at)
    return entry is not None and entry.agreement.kind is consent.Kind.OVERRIDE


def reference(entry: Consent) -> str:
    """How the partner and the audit chain name an entry of our ledger."""
    return f"consent:{entry.id}"


def shared_as(request: Request) -> str:
    """How the ledger names what left a case through this request."""
    return f"exchange:{request.id}"


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

    What goes to a partner without Waymark is kept for its link: written down as sent, and shown, after the gate was
    asked again, once they open it (`may_show`).

    `to` is another partner than the one of the request: a focal point. What says something about a child of ours is
    written into the consent ledger as shared. Raises GateShut, NoConsent, ChannelClosed, MayNotMove; in each case
    nothing was written.
    """
    classes = frozenset(request.type.data) if kind in SAYS_WHO else frozenset[str]()
    envelope_id, entry = _letter(
        tx, vault, request, kind, body, classes, actor=actor, at=at, to=to, in_reply_to=in_reply_to
    )
    if entry is not None and kind in SAYS_WHO:
        _share(tx, vault, request, entry, shared_as(request), items_of(request), actor=actor, at=at)
    return envelope_id


def send_file(
    tx: Connection,
    vault: Vault,
    request: Request,
    parts: Iterable[Mapping[str, Any]],
    *,
    shared_as: str,
    data_class: str,
    actor: str,
    at: datetime,
) -> list[str]:
    """Put a file in the post, a letter a part, each through the gate, and return their envelope ids. In the consent
    ledger it is one share, under the name `shared_as`, of its own class of data.

    Raises as `send` does; the caller undoes what was written until then.
    """
    envelope_ids, entry = [], None
    for part in parts:
        envelope_id, entry = _letter(
            tx, vault, request, "request_file", part, frozenset({data_class}), actor=actor, at=at
        )
        envelope_ids.append(envelope_id)
    if entry is not None:
        _share(tx, vault, request, entry, shared_as, (f"data:{data_class}",), actor=actor, at=at)
    return envelope_ids


def _letter(
    tx: Connection,
    vault: Vault,
    request: Request,
    kind: str,
    body: Mapping[str, Any],
    classes: frozenset[str],
    *,
    actor: str,
    at: datetime,
    to: str | None = None,
    in_reply_to: str | None = None,
) -> tuple[str, Consent | None]:
    """One letter, and the entry of our ledger that it rests on."""
    partner = partners.get(tx, to or request.partner_id, vault)
    if partner is None:
        raise ChannelClosed("no_such_partner", N_("There is no such partner."))
    said = {"request": request.id, **body}
    leave = _leave(tx, vault, request, partner, kind, said)
    entry = _consent_to(tx, request, partner, kind, said, at=at)
    personal = kind in SAYS_WHO
    rests_on = reference(entry) if entry else request.consent_ref
    envelope_id = _put(
        tx, vault, request, partner, leave, kind, said, classes, rests_on if personal else None,
        actor=actor, at=at, in_reply_to=in_reply_to,
    )  # fmt: skip
    letters_store.add_letter(
        tx, envelope_id, request_id=request.id, partner_id=partner.id, kind=kind, personal=personal, at=at
    )
    if leave.override_id is not None:
        facts = {"override": leave.override_id, "partner": partner.id, "kind": kind}
        audit.append(tx, vault, at=at, actor=actor, act="gate.overridden", object=f"request:{request.id}", facts=facts)
    return envelope_id, entry


def _put(
    tx: Connection,
    vault: Vault,
    request: Request,
    partner: Partner,
    leave: Cleared,
    kind: str,
    said: Mapping[str, Any],
    classes: frozenset[str],
    consent_ref: str | None,
    *,
    actor: str,
    at: datetime,
    in_reply_to: str | None,
) -> str:
    """Into the post, or kept for the link of a partner without Waymark. Raises ChannelClosed; NotNow for what is too
    large for a letter."""
    personal = kind in SAYS_WHO
    if not partner.by_link:
        try:
            return post.put(
                tx,
                vault,
                leave,
                partner_id=partner.id,
                kind=kind,
                request_type=request.type_key,
                purpose=PURPOSE,
                data_classes=classes,
                consent_ref=consent_ref,
                body=said,
                key_id=_key_for(tx, vault, request, personal=personal, at=at),
                actor=actor,
                at=at,
                in_reply_to=in_reply_to,
            )
        except post.BodyTooLarge:
            raise NotNow("file_too_large") from None
    if kind in NOT_BEHIND_A_LINK:  # nobody is called told who was not: a human calls them
        raise ChannelClosed("not_written_to", NOT_WRITTEN_TO, partner=partner.name)
    if request.side is not Side.OURS or (personal and not consent_ref):
        raise NoConsent
    partner.must_allow_by_link(request_type=request.type_key, purpose=PURPOSE, data_classes=classes, at=at)
    kept_as = new_id()
    facts = {"partner": partner.id, "kind": kind, "request": request.id, "consent": consent_ref}
    audit.append(tx, vault, at=at, actor=actor, act="exchange.kept_for_link", object=f"letter:{kept_as}", facts=facts)
    return kept_as


def may_show(
    tx: Connection, vault: Vault, request: Request, kind: str, body: Mapping[str, Any], *, at: datetime
) -> None:
    """Whether this may be shown now to somebody of the request's partner, who reads behind a link: the partner's rules,
    the gate, the holds and the consent are asked as before every attempt to send a letter.

    Raises ChannelClosed, GateShut, MayNotMove, NotNow, and LetterStopped where it was taken back.
    """
    partner = partners.get(tx, request.partner_id, vault)
    if partner is None:
        raise ChannelClosed("no_such_partner", N_("There is no such partner."))
    classes = frozenset(request.type.data) if kind in SAYS_WHO else frozenset[str]()
    partner.must_allow_by_link(request_type=request.type_key, purpose=PURPOSE, data_classes=classes, at=at)
    _leave(tx, vault, request, partner, kind, {"request": request.id, **body})
    _consent_to(tx, request, partner, kind, body, at=at)
    if is_taken_back(request):
        raise LetterStopped("withdrawn")


class RequestGatekeeper:
    """What is asked of every letter about a request again, before each attempt to send it
    (`bot.exchange.post.model.Gatekeeper`)."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def clear(self, tx: Connection, letter: WaitingLetter, at: datetime) -> Cleared:
        """Leave for a letter that waited. Raises LetterStopped: the gate has shut, a hold was placed, nobody's consent
        carries it any more, or the request was withdrawn."""
        put = letters_store.get_letter(tx, letter.envelope_id)
        sealed = store.get_request(tx, put.request_id) if put else None
        partner = partners.get(tx, letter.partner_id, self._vault)
        if sealed is None or partner is None:
            raise LetterStopped("no_such_request")
        request = sealed.request
        try:
            leave = _leave(tx, self._vault, request, partner, letter.kind, letter.body)
            _consent_to(tx, request, partner, letter.kind, letter.body, at=at)
        except (GateShut, MayNotMove, NotNow) as error:
            raise LetterStopped(why_not(error)) from None
        if letter.kind in SAYS_WHO | RESTS_ON_CONSENT and is_taken_back(request):
            raise LetterStopped("withdrawn")
        if "file" in letter.body and self._is_old(tx, request, letter.body):
            raise LetterStopped("file_is_old")
        return leave

    def _is_old(self, tx: Connection, request: Request, body: Mapping[str, Any]) -> bool:
        """Whether a file that waited says less than is known now of what could hurt the child: a hold, or a fear."""
        standing = {hold.id for hold in claimants.standing_holds(tx, request.case_id or "")}
        now, said = situation_of(tx, self._vault, request), body["file"]["situation"]
        fears = None if said["fears"] is None else frozenset(said["fears"])
        return standing != files.holds_in(body) or now != Situation(fears, said["asylum"], frozenset(said["origins"]))


def is_taken_back(request: Request) -> bool:
    """Withdrawn by whoever made it, or its partner was asked to keep nothing: nothing more is said about anybody."""
    return request.status is Status.WITHDRAWN or request.told_withdrawn_at is not None


def why_not(error: Exception) -> str:
    """Why something was not sent, as a code: the history of a request holds no words."""
    if isinstance(error, GateShut):
        return "gate"
    if isinstance(error, MayNotMove):
        return "hold"
    if isinstance(error, NotNow):
        return error.code
    return "channel"


def _consent_to(
    tx: Connection, request: Request, partner: Partner, kind: str, said: Mapping[str, Any], *, at: datetime
) -> Consent | None:
    """The entry this letter rests on; None where it needs none. Raises NoConsent, and NotNow while nobody has said
    whether a child who did not agree themselves was told.

    What we answer rests on none of ours: the child is the partner's, whose consent came with the request, and whoever
    lets an answer go says on what ground the people it tells about may be told of. Who has a child's story now, and
    where, is told to nobody whom that child did not agree to tell.
    """
    if kind == PASSED_ON:
        _require_consent_to_name(tx, request, partner, str(said["passing"]), at=at)
    if request.side is not Side.OURS or kind not in RESTS_ON_CONSENT:
        return None
    entry = carried_by(tx, request, at=at, to=partner.id)
    if entry is None:
        raise NoConsent
    if not telling.is_settled(tx, entry):
        raise NotNow("not_told")
    return entry


def is_kept_here(
    tx: Connection, vault: Vault, request: Request, kind: str, body: Mapping[str, Any], *, at: datetime
) -> bool:
    """Whether the gate, or the rules of its channel, would stop a letter of codes to the partner of a request now.
    Nothing is written."""
    partner = partners.get(tx, request.partner_id, vault)
    if partner is None:
        return True
    try:
        _leave(tx, vault, request, partner, kind, {"request": request.id, **body})
        type_key, classes = request.type_key, frozenset[str]()
        if partner.by_link:
            partner.must_allow_by_link(request_type=type_key, purpose=PURPOSE, data_classes=classes, at=at)
        else:
            partner.must_allow(Direction.SEND, request_type=type_key, purpose=PURPOSE, data_classes=classes, at=at)
    except (GateShut, ChannelClosed):
        return True
    return False


def _require_consent_to_name(tx: Connection, request: Request, partner: Partner, passing: str, *, at: datetime) -> None:
    holder = passings.get(tx, request.id, passing)
    classes = [] if holder is None else [item for item in holder.items if item.startswith("data:")]
    case_id = None if holder is None else holder.case_id
    recipient = f"partner:{partner.id}"
    if case_id is None or consent.in_force(tx, case_id, Purpose.CROSS_BORDER, recipient, at, classes) is None:
        raise NoConsent


def _leave(
    tx: Connection, vault: Vault, request: Request, partner: Partner, kind: str, said: Mapping[str, Any]
) -> Cleared:
    """The gate's leave for this letter, and no hold against it. Raises GateShut, MayNotMove."""
    recipient = recipient_of(partner)
    if kind in gate.CODES_ONLY and partner.id == request.partner_id:
        return gate.clear_codes(recipient, kind=kind, about=request.id, body=said)
    if kind == PASSED_ON:  # about another child: what was weighed for this request opens nothing, and holds nothing
        below = _situation_below(tx, vault, request, str(said["passing"]))
        return gate.clear(below, [recipient], kind=kind, about=request.id, body=said)
    if kind != "hold_placed":
        require_free_to_move(tx, vault, request)
    if kind == "request_message":
        _require_read_by_two(tx, vault, request, said)
    return gate.clear(
        situation_of(tx, vault, request),
        [recipient],
        kind=kind,
        about=request.id,
        body=said,
        made_for_asylum=request.side is Side.OURS and request.type.made_for_asylum,
        override=override_of(tx, request),
    )


def require_free_to_move(tx: Connection, vault: Vault, request: Request) -> None:
    """Raises MayNotMove where a request of ours would have the child go with an adult with whom they may not be moved:
    one that was chosen, or one that its words name, surely or likely."""
    found = case_store.get_case(tx, request.case_id or "")
    if request.side is not Side.OURS or found is None:
        return
    if request.type.moves_child:
        free_to_move.require_free_to_move(tx, found.case.id, request.adult_id)
    sealed = store.get_request(tx, request.id) if request.type.who_takes_child else None
    if sealed is None or sealed.body_sealed is None:
        return
    try:
        key = vault.key(tx, request.key_id)
    except Erased:
        return  # nothing of it can be told any more
    body = key.open_json(sealed.body_sealed, table="exchange_requests", row=request.id, field="body")
    body = naming.with_titles(tx, key, request.id, body)
    naming.require_nobody_named(tx, vault, found.case, request.id, request.type, body, chosen=request.adult_id)


def names_adult(tx: Connection, vault: Vault, request: Request, *texts: str) -> bool:
    """Whether words to the partner may name an adult with whom the child of a request of ours may not go."""
    found = case_store.get_case(tx, request.case_id or "")
    if request.side is not Side.OURS or found is None:
        return False
    return naming.is_anybody_mentioned(tx, vault, found.case, request.type, *texts)


def _require_read_by_two(tx: Connection, vault: Vault, request: Request, said: Mapping[str, Any]) -> None:
    """Raises HeldLikely for a message that may name such an adult, unless a second person let it go: it can warn of
    them, and it can hand the child over to them."""
    line = thread_store.get_line(tx, request.id, str(said.get("line")))
    if line is not None and line.approved_by not in (None, line.author_id):
        return
    if names_adult(tx, vault, request, str(said.get("text", "")), str(said.get("other", ""))):
        raise HeldLikely(request.id)


def _share(
    tx: Connection,
    vault: Vault,
    request: Request,
    entry: Consent,
    what: str,
    items: Sequence[str],
    *,
    actor: str,
    at: datetime,
) -> None:
    """Who got what goes into the ledger, under the name of the human who stands for it. Raises NoConsent where the
    entry was taken back at this very moment."""
    case, by = _case_of(tx, request), request.approved_by or request.drafted_by
    try:
        consent.share_for(
            tx,
            vault,
            case,
            entry,
            what,
            items,
            by=by if actor == SYSTEM and by else actor,
            actor=actor,
            at=at,
        )
    except NotAllowedNow:
        raise NoConsent from None


def _case_of(tx: Connection, request: Request) -> Case:
    sealed = case_store.get_case(tx, request.case_id or "")
    if sealed is None:
        raise NoConsent
    return sealed.case


def report(tx: Connection, vault: Vault, request: Request, state: ReceiptState, *, actor: str, at: datetime) -> None:
    """Sign to the partner what became of its request here: that a human has seen it, or that every answer has left."""
    for event in history_store.events_of(tx, request.id):
        if event.act == "came":
            letter = event.facts["letter"]
            post.report(
                tx, vault, partner_id=request.partner_id, envelope_id=letter, state=state, actor=actor, at=at
            )  # fmt: skip


def _key_for(tx: Connection, vault: Vault, request: Request, *, personal: bool, at: datetime) -> str:
    """Letters are sealed with the key of the case. Where that was destroyed, a letter of codes still goes: whoever
    holds what was erased here must hear that they may not keep it."""
    try:
        return vault.key(tx, request.key_id).id
    except Erased:
        if personal:
            raise
        return vault.new_key(tx, at).id
