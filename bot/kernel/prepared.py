"""Statements of the message path, compiled once.

SQLAlchemy spends ten times what SQLite needs on each execution: it looks the statement up, builds a context, a
cursor and rows. A `Prepared` does all that at its first use and then hands SQL and values to SQLite's driver itself.
It is written once, as an expression, for both databases; on PostgreSQL SQLAlchemy runs it as ever.

Worth it only where people's messages pass by the hundred. Values given to IN (...) cannot be prepared.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect

#: So many rows of an INSERT in one statement: SQLite takes 32,766 values.
ROWS_TOGETHER = 64

Processor = Callable[[Any], Any]
Statement = sa.Select[Any] | sa.Insert | sa.Update | sa.Delete


class Prepared:
    """One statement. `keys` are the columns an INSERT is given values for, always the same ones."""

    def __init__(self, statement: Statement, keys: Iterable[str] | None = None) -> None:
        self._statement: Any = statement
        self._keys = None if keys is None else list(keys)
        self._compiled: _OnSqlite | None = None

    def all(self, tx: Connection, values: Mapping[str, Any]) -> Sequence[Any]:
        """Every row, with its columns by name."""
        if tx.dialect.name != "sqlite":
            return tx.execute(self._statement, dict(values)).all()
        return self._on_sqlite(tx).all(tx, values)

    def one_or_none(self, tx: Connection, values: Mapping[str, Any]) -> Any | None:
        """The only row there can be, or None."""
        found = self.all(tx, values)
        if len(found) > 1:
            raise sa.exc.MultipleResultsFound(f"{len(found)} rows where one was expected")
        return found[0] if found else None

    def run(self, tx: Connection, values: Mapping[str, Any]) -> int:
        """How many rows were written."""
        if tx.dialect.name != "sqlite":
            return int(tx.execute(self._statement, dict(values)).rowcount)
        return self._on_sqlite(tx).run(tx, values)

    def run_each(self, tx: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Once for each of `rows`."""
        if tx.dialect.name != "sqlite":
            tx.execute(self._statement, [dict(row) for row in rows])
        else:
            self._on_sqlite(tx).run_each(tx, rows)

    def run_together(self, tx: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """A plain INSERT of all `rows`, many in one statement: SQLite's driver gives the interpreter away at each, and
        a busy program lets it wait for its turn five milliseconds."""
        if tx.dialect.name != "sqlite":
            tx.execute(self._statement, [dict(row) for row in rows])
        else:
            self._on_sqlite(tx).run_together(tx, rows)

    def _on_sqlite(self, tx: Connection) -> _OnSqlite:
        if self._compiled is None:
            self._compiled = _OnSqlite(self._statement, self._keys, tx.dialect)
        return self._compiled


class _OnSqlite:
    """SQL for the driver, and how Python's values become SQLite's and come back."""

    def __init__(self, statement: Any, keys: list[str] | None, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect, column_keys=keys)
        self._sql = str(compiled)
        self._fixed = {name: bind.effective_value for name, bind in compiled.binds.items() if not bind.required}
        self._given = [(name, _in(compiled.binds[name], dialect)) for name in compiled.positiontup or ()]
        columns = [] if isinstance(statement, sa.Insert) else list(statement.exported_columns)
        self._row: Any = namedtuple("Row", [column.key for column in columns]) if columns else None
        self._out = [(place, out) for place, column in enumerate(columns) if (out := _out(column, dialect))]

    def all(self, tx: Connection, values: Mapping[str, Any]) -> list[Any]:
        rows = _driver(tx).execute(self._sql, self._bound(values)).fetchall()
        return [self._row._make(self._read(row)) for row in rows]

    def run(self, tx: Connection, values: Mapping[str, Any]) -> int:
        return int(_driver(tx).execute(self._sql, self._bound(values)).rowcount)

    def run_each(self, tx: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        _driver(tx).executemany(self._sql, [self._bound(row) for row in rows])

    def run_together(self, tx: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        head, _, one = self._sql.partition(" VALUES ")
        for start in range(0, len(rows), ROWS_TOGETHER):
            some = rows[start : start + ROWS_TOGETHER]
            values = [value for row in some for value in self._bound(row)]
            _driver(tx).execute(f"{head} VALUES {', '.join([one] * len(some))}", values)

    def _bound(self, values: Mapping[str, Any]) -> list[Any]:
        fixed = self._fixed
        return [
            process(value) if process is not None else value
            for name, process in self._given
            for value in (values[name] if name in values else fixed[name],)
        ]

    def _read(self, row: tuple[Any, ...]) -> Sequence[Any]:
        if not self._out:
            return row
        read = list(row)
        for place, process in self._out:
            read[place] = process(read[place])
        return read


def _driver(tx: Connection) -> Any:
    return tx.connection.driver_connection


def _in(bind: sa.BindParameter[Any], dialect: Dialect) -> Processor | None:
    return bind.type.dialect_impl(dialect).bind_processor(dialect)


def _out(column: sa.ColumnElement[Any], dialect: Dialect) -> Processor | None:
    return column.type.dialect_impl(dialect).result_processor(dialect, None)
