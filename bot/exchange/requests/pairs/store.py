"""The only SQL that counts requests by country. It reads dates and codes; nothing is opened."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.exchange.partners.store import exchange_partners
from bot.exchange.requests.history_store import exchange_events
from bot.exchange.requests.model import Act, Side, Status
from bot.exchange.requests.pairs.model import Outcome
from bot.exchange.requests.store import exchange_requests

ANSWERS = (Act.ANSWER_PART.value, Act.ANSWER_ALL.value, "answer")


def outcomes(tx: Connection, *, country: str | None = None) -> list[Outcome]:
    """What became of every request that was sent, or of those with partners of one country."""
    of_it = exchange_events.c.request_id == exchange_requests.c.id
    first_answer = sa.select(sa.func.min(exchange_events.c.at)).where(of_it, exchange_events.c.act.in_(ANSWERS))
    expired = sa.select(exchange_events.c.id).where(of_it, exchange_events.c.act == Act.EXPIRE.value).exists()
    query = (
        sa.select(
            exchange_partners.c.country,
            exchange_requests.c.side,
            exchange_requests.c.type_key,
            exchange_requests.c.status,
            exchange_requests.c.sent_at,
            exchange_requests.c.due_at,
            first_answer.scalar_subquery().label("answered_at"),
            expired.label("expired"),
        )
        .join(exchange_partners, exchange_partners.c.id == exchange_requests.c.partner_id)
        .where(exchange_requests.c.sent_at.is_not(None))
    )
    if country is not None:
        query = query.where(exchange_partners.c.country == country)
    return [
        Outcome(
            row.country,
            Side(row.side),
            row.type_key,
            Status(row.status),
            row.sent_at,
            row.due_at,
            row.answered_at,
            bool(row.expired),
        )
        for row in tx.execute(query)
    ]
