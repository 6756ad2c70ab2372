"""Where somebody is, as they say it after the case was opened: who is in danger says that first, and then where.

The place that was named last counts, as it does for the number that the bot gives: people move. The country comes with
it: whom to call, and what must be reported to whom, hang on it. That is a guess: they may have said where they come
from, or where a friend is. So an officer sees every place that was named, and when.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases import store
from bot.cases import whereabouts_store as places
from bot.cases.hand import seal, unseal, write_down
from bot.cases.model import Case
from bot.conversations.ports import Whereabouts
from bot.kernel.crypto import DataKey, Erased, Vault
from bot.kernel.ids import new_id

#: The question of a report that asks where the child is (`dialogues/actions/report.py`).
REPORTED = "report_place"
MOST_SHOWN = 6


class Named(Struct, frozen=True):
    """A place, and when it was named."""

    name: str
    at: datetime


def keep(tx: Connection, vault: Vault, case_id: str, place: Whereabouts, *, at: datetime) -> None:
    """Put the place that somebody named into their case. Erased words stay erased."""
    sealed = store.get_case(tx, case_id, lock=True)
    if sealed is None or sealed.words_sealed is None:
        return
    case = sealed.case
    try:
        key = vault.key(tx, case.key_id)
    except Erased:
        return
    before = unseal(tx, vault, case, sealed.place_sealed, "cases", case.id, "place")
    if before and before != place.name:
        if not places.of_case(tx, case.id, limit=1):
            _add(tx, key, case, before, at=case.opened_at)
        _add(tx, key, case, place.name, at=at)
    name = seal(key, case.id, "place", place.name)
    store.keep_place(tx, case.id, place_sealed=name, country=place.country or case.country)
    write_down(tx, vault, case, "place_named", officer_id=None, at=at)


def _add(tx: Connection, key: DataKey, case: Case, name: str, *, at: datetime) -> None:
    place_id = new_id()
    sealed = key.seal(name, table="case_places", row=place_id, field="place")
    places.add(tx, place_id=place_id, case_id=case.id, at=at, place_sealed=sealed)


def named(tx: Connection, vault: Vault, case: Case) -> list[Named]:
    """The places that were named, the latest first; nothing where there was one or none, and once they are erased."""
    rows = places.of_case(tx, case.id, limit=MOST_SHOWN)
    shown = [Named(unseal(tx, vault, case, row.place_sealed, "case_places", row.id, "place"), row.at) for row in rows]
    return [each for each in shown if each.name]


def keep_reported(tx: Connection, vault: Vault, case_id: str, report: Mapping[str, str], *, at: datetime) -> None:
    """The same for the place in a report, where none is known: a town that was found says more."""
    place, sealed = " ".join(report.get(REPORTED, "").split()), store.get_case(tx, case_id)
    if place and sealed is not None and sealed.place_sealed is None:
        keep(tx, vault, case_id, Whereabouts(place, None), at=at)
