"""The dossier of an adult who claims a child, and the hold: one use case a function, each of them one transaction.

Nothing here ever writes into a conversation. Who is on duty learns of a hold by the alarm of the case, whose page
says that a case waits and no more: the adult may be the one who holds the phone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases import store as case_store
from bot.cases.hand import Hand, in_scope
from bot.cases.model import AdultNamed, Case, NotWithThisAdult
from bot.cases.names import Alike, is_named, is_written_as, mentioned
from bot.exchange.holds import store
from bot.exchange.holds.model import (
    CHECKLIST,
    RED_FOR_A_HOLD,
    Agreed,
    Dossier,
    DossierNotFound,
    Evidence,
    Favour,
    Hold,
    HoldState,
    Mark,
    MayNotMove,
    NotNow,
    NotSupported,
    Source,
    Tie,
    ends_the_hold,
    lacks_for_support,
    red_marks,
)
from bot.exchange.holds.placing import look_around, place, red_of, standing_on
from bot.kernel import access, audit
from bot.kernel.access import Permission
from bot.kernel.crypto import DataKey, Erased, Vault
from bot.kernel.ids import new_id

LONGEST_NAME = 200
LONGEST_TEXT = 8000
#: The body of officers about whom no admin has said another: this deployment itself.
OWN_BODY = "own"


class Piece(Struct, frozen=True):
    """A piece of evidence with its words."""

    evidence: Evidence
    text: str
    officer_id: str
    at: datetime


class DossierFile(Struct, frozen=True):
    """A dossier opened by an officer who may read its case."""

    dossier: Dossier
    case: Case
    name: str
    reason: str
    marks: dict[str, Mark]
    evidence: list[Piece]
    hold: Hold | None
    agreed: list[Agreed]
    red: set[str]
    lacks: list[str]


# Looking


def open_dossier_file(tx: Connection, hand: Hand, dossier_id: str) -> DossierFile:
    """Read a dossier. Raises DossierNotFound; the reading is in the audit log when it returns."""
    dossier, case = _visible(tx, hand, dossier_id)
    _audit(tx, hand, "dossier.read", dossier)
    row = store.dossier_row(tx, dossier_id)
    assert row is not None
    marks, key = store.marks_of(tx, dossier_id), key_of_case(tx, hand.vault, case)
    pieces = _pieces(tx, key, dossier_id)
    evidence_found = [piece.evidence for piece in pieces]
    hold = standing_on(tx, dossier_id)
    lacks = lacks_for_support(marks, evidence_found) + (["hold_stands"] if hold else [])
    return DossierFile(
        dossier,
        case,
        _open(key, row.name_sealed, "adult_dossiers", dossier_id, "name"),
        _open(key, row.reason_sealed, "adult_dossiers", dossier_id, "reason"),
        marks,
        pieces,
        hold,
        store.agreed_to(tx, hold.id) if hold else [],
        red_marks(marks, evidence_found),
        lacks,
    )


def _pieces(tx: Connection, key: DataKey | None, dossier_id: str) -> list[Piece]:
    return [
        Piece(
            Evidence(Source(row.source), Favour(row.favour)),
            _open(key, row.text_sealed, "adult_evidence", row.id, "text"),
            row.officer_id,
            row.at,
        )
        for row in store.evidence_rows(tx, dossier_id)
    ]


def require_seen(tx: Connection, hand: Hand, dossier_id: str) -> Dossier:
    """Raises DossierNotFound where this officer may not see it: before what they typed is looked at."""
    return _visible(tx, hand, dossier_id)[0]


class AdultLine(Struct, frozen=True):
    """An adult of a case, as the page of the case shows them."""

    dossier: Dossier
    name: str
    hold: Hold | None


class Origin(Struct, frozen=True):
    """For whose sake a hold stands."""

    case: Case | None  # None: a case that this officer may not see
    stands: bool  # whether it stands there still


def origin_of(tx: Connection, hand: Hand, hold: Hold) -> Origin | None:
    """The case of the same family or household from which a hold came; None for one that was placed here."""
    origin = store.get_hold(tx, hold.origin_id) if hold.origin_id else None
    if origin is None:
        return None
    sealed = case_store.get_case(tx, origin.case_id or "", in_scope(hand.officer))
    return Origin(sealed.case if sealed else None, origin.stands)


class Found(Struct, frozen=True):
    """What was found out about an adult."""

    marks: dict[str, Mark]
    pieces: list[Piece]


def evidence_in(tx: Connection, vault: Vault, dossier: Dossier, case: Case) -> Found:
    """What was found out about an adult of a case, for a file that is handed over."""
    key = key_of_case(tx, vault, case)
    return Found(store.marks_of(tx, dossier.id), _pieces(tx, key, dossier.id))


def adults_of(tx: Connection, vault: Vault, case: Case) -> list[AdultLine]:
    """The adults who claim the child of a case, for whoever may read the case."""
    key = key_of_case(tx, vault, case)
    found = []
    for dossier in store.dossiers_of(tx, case.id):
        row = store.dossier_row(tx, dossier.id)
        name = _open(key, row.name_sealed if row else None, "adult_dossiers", dossier.id, "name")
        found.append(AdultLine(dossier, name, standing_on(tx, dossier.id)))
    return found


def standing_holds(tx: Connection, case_id: str) -> list[Hold]:
    """The holds that every screen of a case shows."""
    return store.standing(tx, store.holds.c.case_id == case_id)


def held_cases(tx: Connection) -> frozenset[str]:
    """The cases on which a hold stands."""
    return frozenset(hold.case_id for hold in store.standing(tx, store.holds.c.case_id.is_not(None)) if hold.case_id)


def told_holds(tx: Connection, request_id: str) -> list[Hold]:
    """The holds a partner told us of through this request of theirs."""
    return store.standing(tx, store.holds.c.request_id == request_id)


# The block


def require_free_to_move(tx: Connection, case_id: str, adult_id: str | None) -> None:
    """Raises MayNotMove where a placement, transfer or joint referral of the child of `case_id` names an adult whose
    tie is not supported, or on whom a hold stands. Without an adult the way is free: the child may go alone.

    A hold that whoever had the case before told us of says of no adult which one it is: it stands on each.
    """
    if adult_id is None:
        return
    dossier = store.get_dossier(tx, adult_id)
    if dossier is None or dossier.case_id != case_id or dossier.tie is not Tie.SUPPORTED:
        raise MayNotMove(adult_id)
    if standing_on(tx, adult_id) is not None or _told_of_case(tx, case_id):
        raise MayNotMove(adult_id)


class ClaimingAdults:
    """The adults of a case, for the referrals (`bot.cases.ports.Adults`)."""

    def require_free(self, tx: Connection, case_id: str, adult_id: str) -> None:
        """Raises NotWithThisAdult, as `require_free_to_move` raises MayNotMove."""
        try:
            require_free_to_move(tx, case_id, adult_id)
        except MayNotMove:
            raise NotWithThisAdult(case_id) from None

    def require_nobody_named(self, tx: Connection, vault: Vault, case: Case, text: str) -> None:
        """Raises AdultNamed, however the name is written."""
        if any(mentioned(text, name) is not Alike.NO for name in self.in_doubt(tx, vault, case)):
            raise AdultNamed(case.number)

    def in_doubt(self, tx: Connection, vault: Vault, case: Case) -> list[str]:
        """The names of those whose tie is not supported, or on whom a hold stands."""
        blocked = may_not_move(tx, case.id)
        return [adult.name for adult in adults_of(tx, vault, case) if adult.dossier.id in blocked]

    def is_in_doubt(self, tx: Connection, vault: Vault, case: Case, name: str) -> bool:
        """Whether somebody of this name is one of them, unless two people of two bodies say that it is somebody else
        (`bot.exchange.holds.namesakes`)."""
        blocked, key = may_not_move(tx, case.id), key_of_case(tx, vault, case)
        return any(
            is_named(name, [adult.name]) and not is_another(tx, key, adult.dossier.id, name)
            for adult in adults_of(tx, vault, case)
            if adult.dossier.id in blocked
        )


def is_another(tx: Connection, key: DataKey | None, dossier_id: str, name: str) -> bool:
    """Whether two people of two bodies say that whoever is called this is not the adult of this dossier."""
    return any(
        row.second_id is not None and is_written_as(_open(key, row.name_sealed, "namesakes", row.id, "name"), name)
        for row in store.namesakes_of(tx, dossier_id)
    )


def in_doubt_only_here(tx: Connection, vault: Vault, case: Case, other: Case) -> list[AdultLine]:
    """The adults with whom the child of a case may not be sent, and whom another case of the same child does not know:
    closing this one would lose them."""
    known = ClaimingAdults().in_doubt(tx, vault, other)
    blocked = may_not_move(tx, case.id)
    return [
        adult for adult in adults_of(tx, vault, case) if adult.dossier.id in blocked and not is_named(adult.name, known)
    ]


def may_not_move(tx: Connection, case_id: str) -> frozenset[str]:
    """The adults of a case with whom its child may not be sent anywhere."""
    told = _told_of_case(tx, case_id)
    return frozenset(
        dossier.id
        for dossier in store.dossiers_of(tx, case_id)
        if told or dossier.tie is not Tie.SUPPORTED or standing_on(tx, dossier.id) is not None
    )


def _told_of_case(tx: Connection, case_id: str) -> bool:
    """Whether a hold stands on a case that came to us, told of after it had come."""
    return any(hold.dossier_id is None for hold in standing_holds(tx, case_id))


def require_no_told_hold(tx: Connection, request_id: str) -> None:
    """Raises MayNotMove while a partner's hold stands on this request of theirs."""
    if told_holds(tx, request_id):
        raise MayNotMove(request_id)


# Writing


def open_dossier(tx: Connection, hand: Hand, case_id: str, *, name: str, claimed: str, once: str) -> str | None:
    """Begin to look at an adult. The id, or None when this very form was sent before."""
    case = _case_to_write(tx, hand, case_id)
    name = name.strip()
    if not name or len(name) > LONGEST_NAME:
        raise NotNow(case_id)
    dossier = Dossier(new_id(), case_id, claimed, Tie.UNVERIFIED, hand.officer.id, hand.at)
    sealed = key_to_write(tx, hand.vault, case).seal(name, table="adult_dossiers", row=dossier.id, field="name")
    if not store.add_dossier(tx, dossier, name_sealed=sealed, once=once or None):
        return None
    _audit(tx, hand, "dossier.open", dossier)
    return dossier.id


def mark(tx: Connection, hand: Hand, dossier_id: str, marks: dict[str, Mark]) -> Hold | None:
    """Tick lines of the checklist. Returns the hold that stands now, be it new or old."""
    dossier, case = to_write(tx, hand, dossier_id)
    if not set(marks) <= set(CHECKLIST):
        raise NotNow(dossier_id)
    before = red_of(tx, dossier_id)
    known = store.marks_of(tx, dossier_id)
    changed = {item: value for item, value in marks.items() if known.get(item, Mark.OPEN) is not value}
    for item, value in changed.items():
        store.put_mark(tx, dossier_id, item, value, officer_id=hand.officer.id, at=hand.at)
    if changed:
        _audit(tx, hand, "dossier.mark", dossier, {item: value.value for item, value in changed.items()})
    return _consider(tx, hand, dossier, case, before=before)


def add_evidence(
    tx: Connection, hand: Hand, dossier_id: str, evidence: Evidence, *, text: str, once: str
) -> Hold | None:
    """Write down what was found out. Returns the hold that stands now."""
    dossier, case = to_write(tx, hand, dossier_id)
    text = text.strip()
    if not text or len(text) > LONGEST_TEXT:
        raise NotNow(dossier_id)
    before, evidence_id = red_of(tx, dossier_id), new_id()
    sealed = key_to_write(tx, hand.vault, case).seal(text, table="adult_evidence", row=evidence_id, field="text")
    added = store.add_evidence(
        tx,
        dossier_id,
        evidence,
        evidence_id=evidence_id,
        officer_id=hand.officer.id,
        at=hand.at,
        text_sealed=sealed,
        once=once or None,
    )
    if not added:
        return standing_on(tx, dossier_id)
    _audit(tx, hand, "dossier.evidence", dossier, {"source": evidence.source, "favour": evidence.favour})
    return _consider(tx, hand, dossier, case, before=before)


def decide(tx: Connection, hand: Hand, dossier_id: str, tie: Tie, *, reason: str) -> Dossier:
    """A human says where the tie stands, and why. Raises NotSupported, which names what is missing."""
    dossier, case = to_write(tx, hand, dossier_id)
    reason = reason.strip()
    if not reason or len(reason) > LONGEST_TEXT:
        raise NotNow(dossier_id)
    if tie is Tie.SUPPORTED:
        lacks = lacks_for_support(store.marks_of(tx, dossier_id), store.evidence_of(tx, dossier_id))
        if standing_on(tx, dossier_id) is not None:
            lacks.append("hold_stands")
        if lacks:
            raise NotSupported(lacks)
    decided = dossier.decided(tie, by=hand.officer.id, at=hand.at)
    sealed = key_to_write(tx, hand.vault, case).seal(reason, table="adult_dossiers", row=dossier_id, field="reason")
    store.save_decision(tx, decided, reason_sealed=sealed)
    _audit(tx, hand, "dossier.decide", dossier, {"tie": tie})
    return decided


def place_hold(tx: Connection, hand: Hand, dossier_id: str) -> Hold:
    """An officer confirms a proposed hold, or places one without waiting for a second red mark."""
    dossier, case = to_write(tx, hand, dossier_id)
    hold = standing_on(tx, dossier_id) or place(tx, hand.vault, dossier, case, at=hand.at)
    if store.confirm(tx, hold.id, hand.officer.id):
        _audit(tx, hand, "hold.confirm", dossier, {"hold": hold.id})
    found = store.get_hold(tx, hold.id)
    assert found is not None
    return found


def agree_to_release(tx: Connection, hand: Hand, dossier_id: str, *, reason: str, decides: bool = True) -> bool:
    """Say that the hold may end. True when with this it has: two people of two bodies have said so. Without `decides`
    it is written down and the hold stands: the case is another's now.

    Raises NotNow when no hold stands, or this officer has said so before.
    """
    dossier, case = to_write(tx, hand, dossier_id, Permission.HOLD_RELEASE)
    hold, reason = standing_on(tx, dossier_id), reason.strip()
    if hold is None or not reason or len(reason) > LONGEST_TEXT:
        raise NotNow(dossier_id)
    agreed = Agreed(hand.officer.id, store.body_of(tx, hand.officer.id) or OWN_BODY)
    sealed = key_to_write(tx, hand.vault, case).seal(reason, table="hold_releases", row=hold.id, field=agreed.person)
    if not store.agree(tx, hold.id, agreed, at=hand.at, reason_sealed=sealed):
        raise NotNow(dossier_id)
    _audit(tx, hand, "hold.agree", dossier, {"hold": hold.id})
    return decides and _release_if_agreed(tx, hand.vault, hold, at=hand.at)


def partner_agrees(tx: Connection, vault: Vault, hold_id: str, *, partner_id: str, person: str, at: datetime) -> bool:
    """An officer of a verified partner says that a hold of ours may end. True when with this it has."""
    hold = store.get_hold(tx, hold_id, lock=True)
    if hold is None or not hold.stands or hold.dossier_id is None:
        raise NotNow(hold_id)
    agreed = Agreed(f"{partner_id}:{person}", f"partner:{partner_id}")
    if not store.agree(tx, hold.id, agreed, at=at, reason_sealed=None):
        return False
    facts = {"hold": hold.id, "partner": partner_id}
    audit.append(tx, vault, at=at, actor="system", act="hold.agree", object=f"dossier:{hold.dossier_id}", facts=facts)
    return _release_if_agreed(tx, vault, hold, at=at)


def take_adult(
    tx: Connection,
    vault: Vault,
    case: Case,
    *,
    name: str,
    claimed: str,
    tie: Tie,
    marks: Mapping[str, Mark],
    evidence: Iterable[tuple[Source, Favour, str]],
    hold: HoldState | None,
    by: str,
    at: datetime,
) -> Dossier:
    """An adult who came with the file of a case that was handed to us. The hold that stood there stands here, and so
    does one that the marks ask for: it ends when two people of two bodies here say so."""
    key = vault.key(tx, case.key_id)
    dossier = Dossier(new_id(), case.id, claimed, tie, by, at, *((by, at) if tie is not Tie.UNVERIFIED else ()))
    sealed = key.seal(name, table="adult_dossiers", row=dossier.id, field="name")
    store.add_dossier(tx, dossier, name_sealed=sealed, once=None)
    for item, mark_ in marks.items():
        store.put_mark(tx, dossier.id, item, mark_, officer_id=by, at=at)
    for source, favour, text in evidence:
        evidence_id = new_id()
        store.add_evidence(
            tx,
            dossier.id,
            Evidence(source, favour),
            evidence_id=evidence_id,
            officer_id=by,
            at=at,
            text_sealed=key.seal(text, table="adult_evidence", row=evidence_id, field="text"),
            once=None,
        )
    facts = {"tie": tie.value, "hold": hold.value if hold else None}
    audit.append(tx, vault, at=at, actor="system", act="dossier.came", object=f"dossier:{dossier.id}", facts=facts)
    if hold is not None:
        store.add_hold(tx, Hold(new_id(), case.id, dossier.id, None, None, hold, at))
        case_store.add_event(tx, case.id, "hold_came", officer_id=None, at=at)
        look_around(tx, vault, case.id, at=at)
    elif len(red_of(tx, dossier.id)) >= RED_FOR_A_HOLD:
        place(tx, vault, dossier, case, at=at)
    return dossier


def take_told_hold(tx: Connection, vault: Vault, hold: Hold) -> bool:
    """A partner says: do not move the child of this request of ours to you. False when we knew."""
    known = store.get_hold(tx, hold.id)
    if known is not None and (known.partner_id != hold.partner_id or known.request_id != hold.request_id):
        raise NotNow(hold.id)
    if not store.add_hold(tx, hold):
        return False
    facts = {"hold": hold.id, "partner": hold.partner_id}
    audit.append(
        tx, vault, at=hold.placed_at, actor="system", act="hold.told", object=f"request:{hold.request_id}", facts=facts
    )
    return True


def end_told_hold(
    tx: Connection, vault: Vault, hold_id: str, *, partner_id: str, request_id: str, at: datetime
) -> bool:
    """The partner who told us of a hold says that it has ended. While they can be heard nobody else can say so."""
    hold = store.get_hold(tx, hold_id, lock=True)
    if hold is None or hold.partner_id != partner_id or hold.request_id != request_id:
        return False
    audit.append(
        tx, vault, at=at, actor="system", act="hold.ended", object=f"request:{request_id}", facts={"hold": hold_id}
    )
    return store.release(tx, hold_id, at)


def agreed_to(tx: Connection, hold_id: str) -> list[Agreed]:
    """Who has said that a hold may end, the first of them first."""
    return store.agreed_to(tx, hold_id)


def reason_of(tx: Connection, key: DataKey | None, hold_id: str, person: str) -> str:
    """Why somebody said so."""
    return _open(key, store.reason_sealed(tx, hold_id, person), "hold_releases", hold_id, person)


def agree_to_told(tx: Connection, key: DataKey, hold_id: str, agreed: Agreed, *, reason: str, at: datetime) -> bool:
    """Somebody here says that a hold may end of which a partner told us. False where they said so before."""
    sealed = key.seal(reason, table="hold_releases", row=hold_id, field=agreed.person)
    return store.agree(tx, hold_id, agreed, at=at, reason_sealed=sealed)


def end_if_agreed(tx: Connection, vault: Vault, hold_id: str, *, at: datetime) -> bool:
    """End a hold that a partner told us of, once two people of two bodies have said so here."""
    hold = store.get_hold(tx, hold_id, lock=True)
    if hold is None or hold.dossier_id is not None or not ends_the_hold(store.agreed_to(tx, hold_id)):
        return False
    object_, facts = f"request:{hold.request_id}", {"hold": hold_id}
    audit.append(tx, vault, at=at, actor="system", act="hold.ended_here", object=object_, facts=facts)
    return store.release(tx, hold_id, at)


def _consider(tx: Connection, hand: Hand, dossier: Dossier, case: Case, *, before: set[str]) -> Hold | None:
    """After every new fact: two red marks and nothing that holds yet, and a hold stands, proposed. Where one stands, a
    new red mark ends what was agreed about releasing it."""
    red, hold = red_of(tx, dossier.id), standing_on(tx, dossier.id)
    new = red - before
    if new and dossier.tie is Tie.SUPPORTED:  # what was decided is not decided any more
        undone = dossier.decided(Tie.UNVERIFIED, by=hand.officer.id, at=hand.at)
        sealed = key_to_write(tx, hand.vault, case).seal("", table="adult_dossiers", row=dossier.id, field="reason")
        store.save_decision(tx, undone, reason_sealed=sealed)
        _audit(tx, hand, "dossier.reopen", dossier)
    if hold is None:
        return place(tx, hand.vault, dossier, case, at=hand.at) if new and len(red) >= RED_FOR_A_HOLD else None
    if new and store.forget_agreements(tx, hold.id):
        _audit(tx, hand, "hold.agreements_void", dossier, {"hold": hold.id})
    return hold


def _release_if_agreed(tx: Connection, vault: Vault, hold: Hold, *, at: datetime) -> bool:
    return ends_the_hold(store.agreed_to(tx, hold.id)) and _release(tx, vault, hold, at=at)


def end_of_moved_case(tx: Connection, vault: Vault, hold_id: str, *, case_id: str, at: datetime) -> bool:
    """Whoever has this case now says that its hold has ended. False where it is not of this case, or had ended."""
    hold = store.get_hold(tx, hold_id, lock=True)
    if hold is None or hold.case_id != case_id or hold.dossier_id is None:
        return False
    return _release(tx, vault, hold, at=at)


def _release(tx: Connection, vault: Vault, hold: Hold, *, at: datetime) -> bool:
    if not store.release(tx, hold.id, at):
        return False
    assert hold.case_id is not None
    case_store.add_event(tx, hold.case_id, "hold_released", officer_id=None, at=at, facts={"hold": hold.id})
    audit.append(
        tx,
        vault,
        at=at,
        actor="system",
        act="hold.release",
        object=f"dossier:{hold.dossier_id}",
        facts={"hold": hold.id},
    )
    return True


# Bodies


def set_body(tx: Connection, hand: Hand, officer_id: str, body: str) -> None:
    """An admin says for which organisation an officer acts. Raises NotNow about one's own account."""
    body = " ".join(body.split())
    if not body or len(body) > 100 or officer_id == hand.officer.id:
        raise NotNow(officer_id)
    store.set_body(tx, officer_id, body, set_by=hand.officer.id, at=hand.at)
    audit.append(tx, hand.vault, at=hand.at, actor=hand.officer.id, act="officer.body", object=f"officer:{officer_id}")


# What everything above stands on


def _visible(tx: Connection, hand: Hand, dossier_id: str, *, lock: bool = False) -> tuple[Dossier, Case]:
    dossier = store.get_dossier(tx, dossier_id)
    if dossier is None:
        raise DossierNotFound(dossier_id)
    sealed = case_store.get_case(tx, dossier.case_id, in_scope(hand.officer), lock=lock)
    if sealed is None:
        raise DossierNotFound(dossier_id)
    return dossier, sealed.case


def to_write(
    tx: Connection, hand: Hand, dossier_id: str, permission: Permission = Permission.DOSSIER_WRITE
) -> tuple[Dossier, Case]:
    dossier, case = _visible(tx, hand, dossier_id, lock=True)
    if not access.allows(hand.officer, permission, case):
        raise NotNow(dossier_id)
    return dossier, case


def _case_to_write(tx: Connection, hand: Hand, case_id: str) -> Case:
    sealed = case_store.get_case(tx, case_id, in_scope(hand.officer), lock=True)
    if sealed is None:
        raise DossierNotFound(case_id)
    if not access.allows(hand.officer, Permission.DOSSIER_WRITE, sealed.case):
        raise NotNow(case_id)
    return sealed.case


def key_of_case(tx: Connection, vault: Vault, case: Case) -> DataKey | None:
    try:
        return vault.key(tx, case.key_id)
    except Erased:
        return None


def key_to_write(tx: Connection, vault: Vault, case: Case) -> DataKey:
    key = key_of_case(tx, vault, case)
    if key is None:  # the words of this case were erased: nothing more is written about it
        raise NotNow(case.id)
    return key


def _open(key: DataKey | None, sealed: bytes | None, table: str, row: str, field: str) -> str:
    return "" if key is None or sealed is None else key.open(sealed, table=table, row=row, field=field)


def _audit(tx: Connection, hand: Hand, act: str, dossier: Dossier, facts: dict[str, str] | None = None) -> None:
    actor, object_ = hand.officer.id, f"dossier:{dossier.id}"
    audit.append(tx, hand.vault, at=hand.at, actor=actor, act=act, object=object_, facts=dict(facts or {}))
