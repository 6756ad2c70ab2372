"""What an officer sees of the adults who claim a child, and of the holds on them."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases import store as case_store
from bot.cases.hand import Hand, in_scope
from bot.cases.model import Case
from bot.exchange.holds import store
from bot.exchange.holds.dossier_access import key_of_case, open_sealed, visible, write_down
from bot.exchange.holds.model import (
    Agreed,
    Dossier,
    Evidence,
    Favour,
    Hold,
    Mark,
    Source,
    lacks_for_support,
    red_marks,
)
from bot.exchange.holds.placing import standing_on
from bot.kernel.crypto import DataKey, Vault


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


def open_dossier_file(tx: Connection, hand: Hand, dossier_id: str) -> DossierFile:
    """Read a dossier. Raises DossierNotFound; the reading is in the audit log when it returns."""
    dossier, case = visible(tx, hand, dossier_id)
    write_down(tx, hand, "dossier.read", dossier)
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
        open_sealed(key, row.name_sealed, "adult_dossiers", dossier_id, "name"),
        open_sealed(key, row.reason_sealed, "adult_dossiers", dossier_id, "reason"),
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
            open_sealed(key, row.text_sealed, "adult_evidence", row.id, "text"),
            row.officer_id,
            row.at,
        )
        for row in store.evidence_rows(tx, dossier_id)
    ]


def require_seen(tx: Connection, hand: Hand, dossier_id: str) -> Dossier:
    """Raises DossierNotFound where this officer may not see it: before what they typed is looked at."""
    return visible(tx, hand, dossier_id)[0]


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
        name = open_sealed(key, row.name_sealed if row else None, "adult_dossiers", dossier.id, "name")
        found.append(AdultLine(dossier, name, standing_on(tx, dossier.id)))
    return found


def standing_holds(tx: Connection, case_id: str) -> list[Hold]:
    """The holds that every screen of a case shows."""
    return store.standing(tx, store.holds.c.case_id == case_id)


def held_cases(tx: Connection) -> frozenset[str]:
    """The cases on which a hold stands."""
    return frozenset(hold.case_id for hold in store.standing(tx, store.holds.c.case_id.is_not(None)) if hold.case_id)
