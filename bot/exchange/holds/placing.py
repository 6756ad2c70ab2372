"""A hold comes to stand: on the adult of one case, and for the sake of whoever belongs together with its child.

Whoever claims one child claims the next: a hold that stands for a sister stands for her brother too, and for whoever
lives or travels with them, until two officers of two bodies have looked. It is a hold of its own, on the same adult in
their case, and it comes once: where it was ended, it does not come back by itself.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.engine import Connection

from bot.cases import alarm, household_store
from bot.cases import store as case_store
from bot.cases.model import Case
from bot.cases.names import Alike, compare
from bot.exchange.holds import store
from bot.exchange.holds.model import Dossier, Hold, HoldState, Tie, red_marks
from bot.kernel import audit
from bot.kernel.crypto import DataKey, Erased, Vault
from bot.kernel.ids import new_id
from dialogues.understanding.model import Priority

SYSTEM = "system"


def place(
    tx: Connection, vault: Vault, dossier: Dossier, case: Case, *, at: datetime, origin: Hold | None = None
) -> Hold:
    """The hold that stands on this adult from now on, proposed by the program; who is on duty is paged.

    `origin` is the hold of another case for whose sake it stands. The one that was placed first goes to the cases of
    the same family or household.
    """
    hold = Hold(
        new_id(), case.id, dossier.id, None, None, HoldState.PROPOSED, at, origin_id=origin.id if origin else None
    )
    if not store.add_hold(tx, hold):
        found = standing_on(tx, dossier.id)
        assert found is not None
        return found
    known: dict[str, str | None] = {"hold": hold.id, **({"near": origin.case_id} if origin else {})}
    case_store.add_event(tx, case.id, "hold_proposed", officer_id=None, at=at, facts=known)
    facts: dict[str, audit.Fact] = {"hold": hold.id, "red": len(red_of(tx, dossier.id))}
    if origin is not None:
        facts["origin"] = origin.id
    audit.append(tx, vault, at=at, actor=SYSTEM, act="hold.propose", object=f"dossier:{dossier.id}", facts=facts)
    if case.is_open:  # those on duty are paged: that a case waits, and nothing of why
        raised = case.raised("non_parent_adult", Priority.P1, at=at)
        if raised is case or case_store.save_case(tx, case, raised):
            alarm.ring(tx, raised, at=at)
    if origin is None:
        look_around(tx, vault, case.id, at=at)
    return hold


def look_around(tx: Connection, vault: Vault, case_id: str, *, at: datetime) -> None:
    """Let every hold of this case stand in the cases that belong together with it, and theirs in this one. Called when
    a hold is placed, and when somebody says that cases belong together."""
    near = household_store.near(tx, case_id)
    if not near:
        return
    opened = {
        each: found.case for each in sorted((case_id, *near)) if (found := case_store.get_case(tx, each, lock=True))
    }
    for other_id in near:
        if case_id in opened and other_id in opened:
            _come(tx, vault, opened[case_id], opened[other_id], at=at)
            _come(tx, vault, opened[other_id], opened[case_id], at=at)


def _come(tx: Connection, vault: Vault, case: Case, other: Case, *, at: datetime) -> None:
    """The holds of one case, for another of its family. Where the words of either are gone there is nobody to name."""
    try:
        key, their_key = vault.key(tx, case.key_id), vault.key(tx, other.key_id)
    except Erased:
        return
    for hold in store.standing(tx, store.holds.c.case_id == case.id):
        dossier = store.get_dossier(tx, hold.dossier_id) if hold.dossier_id else None
        if dossier is None or hold.origin_id is not None or store.has_come_from(tx, other.id, hold.id):
            continue
        name = name_of(tx, key, dossier)
        if name:
            theirs = _theirs(tx, their_key, other, dossier, name, at=at)
            place(tx, vault, theirs, other, at=at, origin=hold)


def _theirs(tx: Connection, key: DataKey, case: Case, dossier: Dossier, name: str, *, at: datetime) -> Dossier:
    """The same adult in another case: the dossier that is there, or a new one."""
    for each in store.dossiers_of(tx, case.id):
        if compare(name_of(tx, key, each), name) is Alike.SURE:
            return each
    made = Dossier(new_id(), case.id, dossier.claimed, Tie.UNVERIFIED, SYSTEM, at)
    sealed = key.seal(name, table="adult_dossiers", row=made.id, field="name")
    store.add_dossier(tx, made, name_sealed=sealed, once=None)
    return made


def standing_on(tx: Connection, dossier_id: str) -> Hold | None:
    """The hold that stands on an adult."""
    found = store.standing(tx, store.holds.c.dossier_id == dossier_id)
    return found[0] if found else None


def red_of(tx: Connection, dossier_id: str) -> set[str]:
    """What speaks against an adult."""
    return red_marks(store.marks_of(tx, dossier_id), store.evidence_of(tx, dossier_id))


def name_of(tx: Connection, key: DataKey, dossier: Dossier) -> str:
    """What an adult is called; "" once it was erased."""
    row = store.dossier_row(tx, dossier.id)
    if row is None or row.name_sealed is None:
        return ""
    return key.open(row.name_sealed, table="adult_dossiers", row=dossier.id, field="name")
