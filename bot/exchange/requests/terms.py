"""By when an answer is due: what law or custom sets for a type, and what was agreed with this partner.

An agreement takes the place of custom. Of a time that law sets it can only take less: two bodies cannot agree between
themselves to answer for a child later than their States owe it.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from bot.exchange.partners.model import Agreement, Partner
from bot.exchange.requests.model import Request
from bot.exchange.requests.types import Basis, Limit, RequestType, Span


def limits_with(request_type: RequestType, agreement: Agreement | None, at: datetime) -> tuple[Limit, ...]:
    """The limits of a type towards a partner under this agreement, for a request that is sent at `at`."""
    if agreement is None or not agreement.holds(at) or request_type.key not in agreement.times:
        return request_type.limits
    agreed = agreement.times[request_type.key]
    span = Span(days=agreed.days)

    def weighed(limit: Limit, *, usual: bool) -> Limit:
        earlier = span.after(at) < limit.span.after(at)
        if earlier or (usual and limit.basis is Basis.PRACTICE):
            return replace(limit, span=span, basis=Basis.AGREEMENT, source=agreed.source, confirmed=True)
        return limit

    return tuple(weighed(limit, usual=number == 0) for number, limit in enumerate(request_type.limits))


def limit_with(request_type: RequestType, key: str, agreement: Agreement | None, at: datetime) -> Limit:
    """One of them by its name; the usual one for a name that is none of this type's."""
    return replace(request_type, limits=limits_with(request_type, agreement, at)).limit(key)


def limit_of(request: Request, partner: Partner | None, at: datetime) -> Limit:
    """What the due date of a request rests on. Of one that was sent, what gave it the date it has: an agreement that
    was made or changed since moves nothing."""
    ours = limit_with(request.type, request.limit, partner.agreement if partner else None, request.sent_at or at)
    if request.sent_at is None or request.due_at is None or ours.span.after(request.sent_at) == request.due_at:
        return ours
    return request.type.limit(request.limit)
