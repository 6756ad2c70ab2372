"""Where somebody is, as they say it after the case was opened: who is in danger says that first, and then where.

The place that was named last counts, as it does for the number that the bot gives: people move. The country comes along
with it: whom to call, and what must be reported to whom, hang on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.engine import Connection

from bot.cases import store
from bot.cases.hand import seal, write_down
from bot.conversations.ports import Whereabouts
from bot.kernel.crypto import Erased, Vault

#: The question of a report that asks where the child is (`dialogues/actions/report.py`).
REPORTED = "report_place"


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
    name = seal(key, case.id, "place", place.name)
    store.keep_place(tx, case.id, place_sealed=name, country=place.country or case.country)
    write_down(tx, vault, case, "place_named", officer_id=None, at=at)


def keep_reported(tx: Connection, vault: Vault, case_id: str, report: Mapping[str, str], *, at: datetime) -> None:
    """The same for the place in a report, where none is known: a town that was found says more."""
    place, sealed = " ".join(report.get(REPORTED, "").split()), store.get_case(tx, case_id)
    if place and sealed is not None and sealed.place_sealed is None:
        keep(tx, vault, case_id, Whereabouts(place, None), at=at)
