"""The only SQL about who still has to hear of a hold, or of its end."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import ColumnElement

from bot.exchange.holds.model import HoldState
from bot.exchange.holds.store import holds
from bot.exchange.requests.history_store import exchange_events
from bot.exchange.requests.letters_store import request_letters
from bot.exchange.requests.model import OWED, Side, Status
from bot.exchange.requests.store import exchange_requests
from bot.exchange.requests.transfer.model import TRANSFER, State
from bot.exchange.requests.transfer.store import case_transfers
from bot.exchange.requests.types import REQUEST_TYPES


def once_told(hold_id: str, request_id: str) -> str:
    """Under which word it is written down that this partner was told of this hold: as long as nothing says that the
    notice did not arrive, it is told once."""
    return f"hold:{hold_id}:{request_id}"


def once_ended(hold_id: str, request_id: str) -> str:
    """The same of the end of the hold."""
    return f"hold_end:{hold_id}:{request_id}"


def _noted(prefix: str) -> ColumnElement[bool]:
    word = sa.literal(prefix) + holds.c.id + sa.literal(":") + exchange_requests.c.id
    return sa.exists().where(exchange_events.c.once == word)


#: A partner that may act on what we asked: an answer is owed, or it was given and what we told is still there.
_may_act = sa.and_(
    exchange_requests.c.side == Side.OURS.value,
    exchange_requests.c.sent_at.is_not(None),
    exchange_requests.c.told_withdrawn_at.is_(None),
    sa.or_(
        exchange_requests.c.status.in_(sorted(OWED)),
        sa.and_(exchange_requests.c.status == Status.ANSWERED.value, exchange_requests.c.asked_on.is_not(None)),
    ),
)
#: A case that is handed over takes its holds along in its file. A hold of later has to be told to whoever has the case.
_carried_along = sa.and_(
    exchange_requests.c.type_key == TRANSFER,
    sa.not_(
        sa.exists().where(
            case_transfers.c.request_id == exchange_requests.c.id,
            case_transfers.c.state == State.MOVED.value,
            case_transfers.c.handed_at < holds.c.placed_at,
        )
    ),
)

#: A request that moves the child without this adult: the notice names nobody, and whoever takes the child over stands
#: by it for the whole request. It would keep her from the aunt because of the uncle. An officer may tell it by hand.
_moves_with_another = sa.and_(
    exchange_requests.c.type_key.in_(sorted(key for key, each in REQUEST_TYPES.items() if each.moves_child)),
    exchange_requests.c.type_key != TRANSFER,
    sa.func.coalesce(exchange_requests.c.adult_id, "") != sa.func.coalesce(holds.c.dossier_id, "unknown"),
)


def once_not_told(hold_id: str, request_id: str) -> str:
    """That it could not be told, and a human was called."""
    return f"hold_not:{hold_id}:{request_id}"


def once_end_not_told(hold_id: str, request_id: str) -> str:
    """The same of its end."""
    return f"hold_end_not:{hold_id}:{request_id}"


def was_called_for(tx: Connection, once: str) -> bool:
    """Whether a human was called, under this word, because something could not be told."""
    word = exchange_events.c.once == once
    return tx.execute(sa.select(exchange_events.c.once).where(word)).first() is not None


def untold(
    tx: Connection, failed: Iterable[str], *, not_since: datetime, limit: int, pair: tuple[str, str] | None = None
) -> list[tuple[str, str]]:
    """Holds that stand, each with a request whose partner has to hear of it; not where a notice to it has failed since
    `not_since`. With `pair`, this one and no other."""
    failed_lately = sa.exists().where(
        request_letters.c.request_id == exchange_requests.c.id,
        request_letters.c.kind == "hold_placed",
        request_letters.c.state.in_(sorted(failed)),
        request_letters.c.put_at > not_since,
    )
    query = (
        sa.select(holds.c.id, exchange_requests.c.id.label("request_id"))
        .join(exchange_requests, exchange_requests.c.case_id == holds.c.case_id)
        .where(
            holds.c.state != HoldState.RELEASED.value,
            _may_act,
            sa.not_(_carried_along),
            sa.not_(_moves_with_another),
            sa.not_(_noted("hold:")),
            sa.not_(failed_lately),
            _is(pair),
        )
        .order_by(holds.c.placed_at, exchange_requests.c.id)
        .limit(limit)
    )
    return [(row.id, row.request_id) for row in tx.execute(query)]


def end_untold(tx: Connection, *, limit: int, pair: tuple[str, str] | None = None) -> list[tuple[str, str]]:
    """Holds that have ended, each with a request whose partner was told of it and not of its end. With `pair`, this one
    and no other."""
    query = (
        sa.select(holds.c.id, exchange_requests.c.id.label("request_id"))
        .join(exchange_requests, exchange_requests.c.case_id == holds.c.case_id)
        .where(holds.c.state == HoldState.RELEASED.value, _noted("hold:"), sa.not_(_noted("hold_end:")), _is(pair))
        .order_by(holds.c.released_at, exchange_requests.c.id)
        .limit(limit)
    )
    return [(row.id, row.request_id) for row in tx.execute(query)]


def _is(pair: tuple[str, str] | None) -> ColumnElement[bool]:
    return sa.true() if pair is None else sa.and_(holds.c.id == pair[0], exchange_requests.c.id == pair[1])


def untell(tx: Connection, once: str) -> None:
    """What was to be told did not arrive: that it was said stays in the history, and it is said again."""
    tx.execute(exchange_events.update().where(exchange_events.c.once == once).values(once=None))
