"""A prepared statement says what SQLAlchemy would, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.kernel.database import Database, Moment
from bot.kernel.prepared import ROWS_TOGETHER, Prepared
from tests.conftest import NOON

own = sa.MetaData()
lamps = sa.Table(
    "lamps",
    own,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("room", sa.String(20), nullable=False),
    sa.Column("lit", sa.Boolean, nullable=False),
    sa.Column("since", Moment, nullable=True),
    sa.Column("note", sa.LargeBinary, nullable=True),
)
ROWS: list[dict[str, Any]] = [
    {"id": 1, "room": "hall", "lit": True, "since": NOON, "note": b"\x00\xff"},
    {"id": 2, "room": "hall", "lit": False, "since": None, "note": None},
    {"id": 3, "room": "مطبخ", "lit": True, "since": NOON + timedelta(microseconds=1), "note": b""},
]
INSERT = Prepared(lamps.insert(), [column.key for column in lamps.c])
IN_ROOM = Prepared(sa.select(lamps).where(lamps.c.room == sa.bindparam("room")).order_by(lamps.c.id).limit(2))
LIT_SINCE = sa.select(lamps.c.id, lamps.c.since).where(
    lamps.c.lit.is_(True), lamps.c.since >= sa.bindparam("then", type_=Moment)
)
PUT_OUT = Prepared(
    lamps.update()
    .where(lamps.c.room == sa.bindparam("in_room"), lamps.c.lit.is_(True))
    .values(lit=False, note=None, since=sa.bindparam("now", type_=Moment))
)
TURN = Prepared(lamps.update().where(lamps.c.id == sa.bindparam("lamp")).values(lit=~lamps.c.lit).returning(lamps))


@pytest.fixture
async def rooms(database: Database) -> AsyncIterator[Database]:
    await database.write(own.create_all)
    await database.write(lambda tx: INSERT.run_each(tx, ROWS))
    yield database
    await database.write(own.drop_all)


async def test_many_rows_go_in_together_as_each_would_alone(database: Database):
    await database.write(own.create_all)
    rows = [{**ROWS[number % 3], "id": number} for number in range(2 * ROWS_TOGETHER + 1)]

    await database.write(lambda tx: INSERT.run_together(tx, rows))

    kept = await database.read(lambda tx: tx.execute(sa.select(lamps).order_by(lamps.c.id)).all())
    assert [row._asdict() for row in kept] == rows
    await database.write(own.drop_all)


async def test_rows_come_back_as_they_went_in(rooms: Database):
    hall = await rooms.read(lambda tx: IN_ROOM.all(tx, {"room": "hall"}))
    kitchen = await rooms.read(lambda tx: IN_ROOM.one_or_none(tx, {"room": "مطبخ"}))

    assert [row._asdict() for row in hall] == ROWS[:2]
    assert kitchen is not None
    assert kitchen._asdict() == ROWS[2]
    assert await rooms.read(lambda tx: IN_ROOM.one_or_none(tx, {"room": "cellar"})) is None


async def test_it_finds_what_the_statement_finds(rooms: Database):
    values = {"then": NOON}
    ours = await rooms.read(lambda tx: Prepared(LIT_SINCE).all(tx, values))
    theirs = await rooms.read(lambda tx: tx.execute(LIT_SINCE, values).all())

    assert [tuple(row) for row in ours] == [tuple(row) for row in theirs]
    assert [row.id for row in ours] == [1, 3]


async def test_two_rows_are_not_taken_for_one(rooms: Database):
    with pytest.raises(sa.exc.MultipleResultsFound):
        await rooms.read(lambda tx: IN_ROOM.one_or_none(tx, {"room": "hall"}))


async def test_what_is_written_is_counted_and_values_fixed_in_the_statement_hold(rooms: Database):
    later = NOON + timedelta(hours=1)

    assert await rooms.write(lambda tx: PUT_OUT.run(tx, {"in_room": "hall", "now": later})) == 1
    assert await rooms.write(lambda tx: PUT_OUT.run(tx, {"in_room": "hall", "now": later})) == 0
    first = (await rooms.read(lambda tx: IN_ROOM.all(tx, {"room": "hall"})))[0]
    assert first._asdict() == {"id": 1, "room": "hall", "lit": False, "since": later, "note": None}


async def test_a_row_that_is_changed_is_given_back(rooms: Database):
    turned = await rooms.write(lambda tx: TURN.one_or_none(tx, {"lamp": 2}))

    assert turned is not None
    assert turned.lit is True
    assert await rooms.write(lambda tx: TURN.one_or_none(tx, {"lamp": 9})) is None


async def test_a_value_that_is_missing_is_an_error_and_nothing_is_written(rooms: Database):
    with pytest.raises((KeyError, sa.exc.StatementError)):
        await rooms.write(lambda tx: PUT_OUT.run(tx, {"in_room": "hall"}))

    assert (await rooms.read(lambda tx: IN_ROOM.all(tx, {"room": "hall"})))[0].lit is True
