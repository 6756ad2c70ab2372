"""With whom a child may not be sent anywhere: the one question every placement, transfer and referral asks."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from bot.cases.model import AdultNamed, Case, NotWithThisAdult
from bot.cases.names import Alike, is_named, is_written_as, mentioned
from bot.exchange.holds import store
from bot.exchange.holds.claimants import AdultLine, adults_of, standing_holds
from bot.exchange.holds.dossier_access import key_of_case, open_sealed
from bot.exchange.holds.model import (
    MayNotMove,
    Tie,
)
from bot.exchange.holds.placing import standing_on
from bot.kernel.crypto import DataKey, Vault


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
        row.second_id is not None
        and is_written_as(open_sealed(key, row.name_sealed, "namesakes", row.id, "name"), name)
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
