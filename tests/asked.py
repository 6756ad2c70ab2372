"""What tests asked SQLite, PostgreSQL is asked to plan: a statement that only one of them understands is found.

A test on PostgreSQL costs half as much again as on SQLite, or twice. So most tests of the rooms above the message path
run on SQLite, and each statement they make is afterwards handed to PostgreSQL once, as SQLAlchemy would write it there.
It is parsed, its types are checked, and nothing is executed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.dml import OnConflictClause
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.sql.compiler import SQLCompiler

DIALECT = PGDialect_asyncpg()
#: An INSERT of SQLite that says what happens to a row that is there is written by PostgreSQL's compiler, too. It looks
#: for the name of a constraint, which only its own could have.
OnConflictClause.constraint_target = None  # type: ignore[attr-defined]


class Statement(NamedTuple):
    """As it was compiled for SQLite, with the values of its first execution."""

    compiled: Any
    values: dict[str, Any]

    def for_postgres(self) -> str:
        there: Any = self.compiled.statement.compile(dialect=DIALECT, column_keys=self.compiled.column_keys)
        return str(there._process_parameters_for_postcompile({**there.params, **self.values}).statement)


class Asked:
    """The statements of every engine, while it listens."""

    def __init__(self) -> None:
        self._statements: dict[str, Statement] = {}
        self._listens = False
        sa.event.listen(sa.Engine, "before_cursor_execute", self._note)

    @contextmanager
    def listening(self) -> Iterator[None]:
        self._listens = True
        yield
        self._listens = False

    def _note(self, connection: Connection, _cursor: Any, _sql: str, _values: Any, context: Any, _many: bool) -> None:
        compiled = context.compiled
        if self._listens and isinstance(compiled, SQLCompiler) and connection.dialect.name == "sqlite":
            values = context.compiled_parameters
            self._statements.setdefault(compiled.string, Statement(compiled, dict(values[0]) if values else {}))

    async def not_understood(self, url: str) -> list[str]:
        """What PostgreSQL says to each that it does not understand, by a database with every table."""
        said, place = list[str](), make_url(url)
        connection = await asyncpg.connect(user=place.username, host=place.query["host"], database=place.database)
        for statement in self._statements.values():
            try:
                await connection.prepare(sql := statement.for_postgres())
            except asyncpg.PostgresError as error:
                said.append(f"{error}: {sql}")
            except sa.exc.CompileError as error:
                said.append(f"{error}: {statement.compiled.string}")
        await connection.close()
        return said
