"""What every screen of a case says of where it came from, where it is going, and who travels with the child."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from bot.cases import household, household_store
from bot.cases import store as case_store
from bot.cases.model import Case
from bot.exchange.partners import store as partners
from bot.exchange.requests import store as requests
from bot.exchange.requests.transfer import store as transfers
from bot.kernel.access import Permission, allows
from bot.kernel.crypto import Vault
from bot.kernel.officers import Officer


def household_context(tx: Connection, vault: Vault, officer: Officer, case: Case) -> Mapping[str, Any]:
    """The cases linked with this one that the officer may see, and how many open ones there are in all."""
    return {
        "household": household.of_case(tx, vault, officer, case),
        "household_kinds": household.KINDS,
        "links": case.is_open and allows(officer, Permission.CASE_LINK, case),
        "together": household.open_count(tx, case.id),
    }


def family_context(tx: Connection, vault: Vault, case_id: str) -> Mapping[str, Any]:
    """Where a case is on its way to, where it came from, and its brothers and sisters."""
    given, came = transfers.given(tx, case_id), transfers.taken(tx, case_id)
    there = {}
    for each in (*came, *([given] if given else [])):
        sealed = requests.get_request(tx, each.request_id)
        there[each.request_id] = partners.get(tx, sealed.request.partner_id, vault) if sealed else None
    siblings = [case_store.get_case(tx, each) for each in household_store.siblings_of(tx, case_id)]
    return {
        "given": given,
        "came": came,
        "transfer_partners": there,
        "siblings": [sealed.case for sealed in siblings if sealed is not None],
    }
