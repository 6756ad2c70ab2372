"""The dossier of an adult who claims a child, and the hold: one use case a function, each of them one transaction.

Nothing here ever writes into a conversation. Who is on duty learns of a hold by the alarm of the case, whose page
says that a case waits and no more: the adult may be the one who holds the phone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy.engine import Connection

from bot.cases import store as case_store
from bot.cases.hand import Hand
from bot.cases.model import Case
from bot.exchange.holds import store
from bot.exchange.holds.dossier_access import case_to_write, key_to_write, to_write, write_down
from bot.exchange.holds.model import (
    CHECKLIST,
    RED_FOR_A_HOLD,
    Dossier,
    Evidence,
    Favour,
    Hold,
    HoldState,
    Mark,
    NotNow,
    NotSupported,
    Source,
    Tie,
    lacks_for_support,
)
from bot.exchange.holds.placing import look_around, place, red_of, standing_on
from bot.kernel import audit
from bot.kernel.crypto import Vault
from bot.kernel.ids import new_id

LONGEST_NAME = 200
LONGEST_TEXT = 8000


def open_dossier(tx: Connection, hand: Hand, case_id: str, *, name: str, claimed: str, once: str) -> str | None:
    """Begin to look at an adult. The id, or None when this very form was sent before."""
    case = case_to_write(tx, hand, case_id)
    name = name.strip()
    if not name or len(name) > LONGEST_NAME:
        raise NotNow(case_id)
    dossier = Dossier(new_id(), case_id, claimed, Tie.UNVERIFIED, hand.officer.id, hand.at)
    sealed = key_to_write(tx, hand.vault, case).seal(name, table="adult_dossiers", row=dossier.id, field="name")
    if not store.add_dossier(tx, dossier, name_sealed=sealed, once=once or None):
        return None
    write_down(tx, hand, "dossier.open", dossier)
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
        write_down(tx, hand, "dossier.mark", dossier, {item: value.value for item, value in changed.items()})
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
    write_down(tx, hand, "dossier.evidence", dossier, {"source": evidence.source, "favour": evidence.favour})
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
    write_down(tx, hand, "dossier.decide", dossier, {"tie": tie})
    return decided


def place_hold(tx: Connection, hand: Hand, dossier_id: str) -> Hold:
    """An officer confirms a proposed hold, or places one without waiting for a second red mark."""
    dossier, case = to_write(tx, hand, dossier_id)
    hold = standing_on(tx, dossier_id) or place(tx, hand.vault, dossier, case, at=hand.at)
    if store.confirm(tx, hold.id, hand.officer.id):
        write_down(tx, hand, "hold.confirm", dossier, {"hold": hold.id})
    found = store.get_hold(tx, hold.id)
    assert found is not None
    return found


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


def _consider(tx: Connection, hand: Hand, dossier: Dossier, case: Case, *, before: set[str]) -> Hold | None:
    """After every new fact: two red marks and nothing that holds yet, and a hold stands, proposed. Where one stands, a
    new red mark ends what was agreed about releasing it."""
    red, hold = red_of(tx, dossier.id), standing_on(tx, dossier.id)
    new = red - before
    if new and dossier.tie is Tie.SUPPORTED:  # what was decided is not decided any more
        undone = dossier.decided(Tie.UNVERIFIED, by=hand.officer.id, at=hand.at)
        sealed = key_to_write(tx, hand.vault, case).seal("", table="adult_dossiers", row=dossier.id, field="reason")
        store.save_decision(tx, undone, reason_sealed=sealed)
        write_down(tx, hand, "dossier.reopen", dossier)
    if hold is None:
        return place(tx, hand.vault, dossier, case, at=hand.at) if new and len(red) >= RED_FOR_A_HOLD else None
    if new and store.forget_agreements(tx, hold.id):
        write_down(tx, hand, "hold.agreements_void", dossier, {"hold": hold.id})
    return hold
