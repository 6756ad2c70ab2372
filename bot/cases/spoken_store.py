"""The only SQL about the languages in which people write."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.cases.model import CaseStatus
from bot.cases.store import cases
from dialogues.understanding.model import Priority


def languages_of_cases(tx: Connection, *, since: datetime) -> list[str]:
    """Of every open case and of those that were opened since: each language once, by its code.

    Asked apart, each from the index that fits: asked at once, every case there ever was is read.
    """
    still_open = cases.c.status.in_([CaseStatus.NEW.value, CaseStatus.CLAIMED.value])
    lately = sa.and_(cases.c.priority.in_([each.value for each in Priority]), cases.c.opened_at >= since)
    asked = (sa.select(cases.c.language).where(condition) for condition in (still_open, lately))
    return sorted(tx.execute(sa.union(*asked)).scalars())
