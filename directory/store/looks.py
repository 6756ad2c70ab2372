"""When everything was last looked through for duplicates: asked for, begun, ended."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection

from directory.store.lists import latest_change
from directory.store.tables import looks

DUPLICATES = "duplicates"

#: Where records changed, so long after the last look everything is looked through again.
LOOK_AGAIN_AFTER = timedelta(hours=1)
#: A look that has not ended after so long has died.
LOOK_DIES_AFTER = timedelta(minutes=10)


class LookedThrough(Struct, frozen=True):
    """The last look, and the one that is under way or asked for."""

    asked_at: datetime | None = None
    begun_at: datetime | None = None
    ended_at: datetime | None = None
    change: tuple[int, int] = (0, 0)  # `latest_change` when it began

    def works(self, at: datetime) -> bool:
        """Whether a look is under way."""
        if self.begun_at is None or (self.ended_at is not None and self.ended_at >= self.begun_at):
            return False
        return at - self.begun_at < LOOK_DIES_AFTER

    def waits(self) -> bool:
        """Whether somebody asked for a look that has not begun."""
        return self.asked_at is not None

    def due(self, change: tuple[int, int], at: datetime) -> bool:
        """Whether it is time for another: somebody asked, or records changed, or the last one died."""
        if self.works(at):
            return False
        if self.waits() or self.begun_at is None:
            return True
        if self.ended_at is None or self.ended_at < self.begun_at:
            return True
        return change != self.change and at - self.ended_at >= LOOK_AGAIN_AFTER


def get_look(tx: Connection) -> LookedThrough:
    row = tx.execute(sa.select(looks).where(looks.c.look == DUPLICATES)).one_or_none()
    if row is None:
        return LookedThrough()
    return LookedThrough(row.asked_at, row.begun_at, row.ended_at, (row.services, row.newest))


def ask_for_look(tx: Connection, *, at: datetime) -> None:
    """Have everything looked through soon."""
    _put(tx, asked_at=at)


def look_is_due(tx: Connection, *, at: datetime) -> bool:
    return get_look(tx).due(latest_change(tx), at)


def begin_look(tx: Connection, *, at: datetime) -> bool:
    """Claim a look that is due. False when it is not, or somebody else is at it."""
    before, change = get_look(tx), latest_change(tx)
    if not before.due(change, at):
        return False
    if before == LookedThrough():
        _put(tx)
    own = looks.c
    same = own.begun_at.is_(None) if before.begun_at is None else own.begun_at == before.begun_at
    claim = looks.update().where(own.look == DUPLICATES, same)
    claimed = tx.execute(claim.values(asked_at=None, begun_at=at, services=change[0], newest=change[1]))
    return bool(claimed.rowcount == 1)


def end_look(tx: Connection, *, at: datetime) -> None:
    _put(tx, ended_at=at)


def _put(tx: Connection, **values: datetime) -> None:
    changed = tx.execute(looks.update().where(looks.c.look == DUPLICATES).values(look=DUPLICATES, **values))
    if changed.rowcount == 0:
        tx.execute(looks.insert().values(look=DUPLICATES, services=0, newest=0, **values))
