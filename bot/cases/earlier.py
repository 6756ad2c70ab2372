"""The earlier cases of somebody who comes back: whoever answers them knows of these before they greet them anew.

What was said then stands in the talk that the officer reads. Its file stays with whoever may read it: here it is named,
and who had it, so that they can be asked.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases import receipt_store, store
from bot.cases.hand import is_visible
from bot.cases.model import Case
from bot.cases.reasons import DUPLICATE
from bot.cases.receipts import JOINED
from bot.kernel.officers import Officer

MOST_SHOWN = 5
#: Cases that went on in another, which is shown by itself.
WENT_ON = frozenset({DUPLICATE, JOINED})


class Earlier(Struct, frozen=True):
    """A case that was closed before."""

    case: Case
    is_readable: bool  # by the officer who looks


def of_case(tx: Connection, officer: Officer, case: Case, *, at: datetime) -> list[Earlier]:
    """The closed cases of this person, on this phone and on those they left; the latest first. Those whose words were
    erased are not among them: the person wanted them to be forgotten, or their time was over."""
    talks = [case.conversation_id, *receipt_store.phones_left_for(tx, case.conversation_id)]
    found = store.closed_in(tx, talks, besides=case.id, not_as=WENT_ON, limit=MOST_SHOWN)
    return [Earlier(each, is_visible(tx, officer, each.id, at=at)) for each in found]
