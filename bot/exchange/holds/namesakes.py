"""Another person who bears the name of an adult with whom the child may not go: a guardian can be called like the man
from whom they guard.

A name is never proof, and neither is its owner's word: one officer says why it is somebody else, and a second, of
another body, has looked too. It is about this name as it is written, it opens nothing but the way into a talk, and
either of them, or whoever has the case, takes it back.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases.hand import Hand
from bot.cases.model import Case
from bot.cases.names import is_named
from bot.cases.notice import tell_coordinators
from bot.exchange.holds import claimants, dossier_access, free_to_move, store
from bot.exchange.holds.model import Agreed, Dossier, NotNow, ends_the_hold
from bot.exchange.holds.releasing import OWN_BODY
from bot.exchange.holds.service import LONGEST_NAME, LONGEST_TEXT
from bot.kernel import audit
from bot.kernel.access import Permission
from bot.kernel.crypto import DataKey
from bot.kernel.ids import new_id
from bot.kernel.words import N_

TABLE = "namesakes"
TO_LOOK_AT = N_("Case {number}: an officer of another body has to look at somebody's name. It stands on the desk.")


class Namesake(Struct, frozen=True):
    """Somebody else of this name, as an officer says."""

    id: str
    name: str
    reason: str
    first_id: str
    first_at: datetime
    second_id: str | None
    second_at: datetime | None


def of_dossier(tx: Connection, hand: Hand, dossier: Dossier, case: Case) -> list[Namesake]:
    """Who else bears the name of this adult, for a dossier that the officer was let into."""
    key = dossier_access.key_of_case(tx, hand.vault, case)
    return [
        Namesake(
            row.id,
            _open(key, row.name_sealed, row.id, "name"),
            _open(key, row.reason_sealed, row.id, "reason"),
            row.first_id,
            row.first_at,
            row.second_id,
            row.second_at,
        )
        for row in store.namesakes_of(tx, dossier.id)
    ]


def say_another(tx: Connection, hand: Hand, dossier_id: str, *, name: str, reason: str, once: str) -> str | None:
    """The first of two says in writing who else bears the name, and how they know. The id, or None when this very form
    was sent before. Raises DossierNotFound, and NotNow where the name is not this adult's or nobody doubts them."""
    dossier, case = dossier_access.to_write(tx, hand, dossier_id, Permission.DOSSIER_WRITE)
    key = dossier_access.key_to_write(tx, hand.vault, case)
    name, reason = " ".join(name.split()), reason.strip()
    if not name or len(name) > LONGEST_NAME or not reason or len(reason) > LONGEST_TEXT:
        raise NotNow(dossier_id)
    adult = next(each for each in claimants.adults_of(tx, hand.vault, case) if each.dossier.id == dossier.id)
    if dossier.id not in free_to_move.may_not_move(tx, case.id) or not is_named(name, [adult.name]):
        raise NotNow(dossier_id)
    namesake_id, first = new_id(), _agreed(tx, hand)
    values = {
        "id": namesake_id,
        "dossier_id": dossier.id,
        "name_sealed": key.seal(name, table=TABLE, row=namesake_id, field="name"),
        "reason_sealed": key.seal(reason, table=TABLE, row=namesake_id, field="reason"),
        "first_id": first.person,
        "first_body": first.body,
        "first_at": hand.at,
        "once": once or None,
    }
    if not store.add_namesake(tx, values):
        return None
    _audit(tx, hand, "namesake.say", dossier, namesake_id)
    tell_coordinators(tx, hand.vault, hand.words, case, TO_LOOK_AT, thing=f"namesake:{namesake_id}", at=hand.at)
    return namesake_id


def agree_another(tx: Connection, hand: Hand, dossier_id: str, namesake_id: str) -> None:
    """The second, who acts for another body, has looked too. Raises NotNow to anybody else."""
    dossier, _ = dossier_access.to_write(tx, hand, dossier_id, Permission.HOLD_RELEASE)
    row = next((each for each in store.namesakes_of(tx, dossier.id) if each.id == namesake_id), None)
    second = _agreed(tx, hand)
    if row is None or not ends_the_hold([Agreed(row.first_id, row.first_body), second]):
        raise NotNow(dossier_id)
    if not store.second_namesake(tx, namesake_id, second, at=hand.at):
        raise NotNow(dossier_id)
    _audit(tx, hand, "namesake.agree", dossier, namesake_id)


def take_back_another(tx: Connection, hand: Hand, dossier_id: str, namesake_id: str) -> None:
    """It is the same person after all, or nobody is sure any more: whoever was let in reads nothing from now on."""
    dossier, _ = dossier_access.to_write(tx, hand, dossier_id, Permission.DOSSIER_WRITE)
    of_this = {each.id for each in store.namesakes_of(tx, dossier.id)}
    if namesake_id not in of_this or not store.end_namesake(tx, namesake_id, by=hand.officer.id, at=hand.at):
        raise NotNow(dossier_id)
    _audit(tx, hand, "namesake.undo", dossier, namesake_id)


def _agreed(tx: Connection, hand: Hand) -> Agreed:
    return Agreed(hand.officer.id, store.body_of(tx, hand.officer.id) or OWN_BODY)


def _open(key: DataKey | None, sealed: bytes | None, row: str, field: str) -> str:
    return "" if key is None or sealed is None else key.open(sealed, table=TABLE, row=row, field=field)


def _audit(tx: Connection, hand: Hand, act: str, dossier: Dossier, namesake_id: str) -> None:
    facts, object_ = {"namesake": namesake_id}, f"dossier:{dossier.id}"
    audit.append(tx, hand.vault, at=hand.at, actor=hand.officer.id, act=act, object=object_, facts=facts)
