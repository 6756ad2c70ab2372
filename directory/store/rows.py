"""Long lists of ids, a few at a time; a row that is new or changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from string import ascii_lowercase, ascii_uppercase
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

T = TypeVar("T")

#: How many ids go into one IN (…): SQLite takes no more than 32,766 variables, PostgreSQL plans long lists slowly.
IDS_AT_A_TIME = 500


def upsert(tx: Connection, table: sa.Table, row: dict[str, Any]) -> None:
    changed = tx.execute(table.update().where(table.c.id == row["id"]).values(row))
    if changed.rowcount == 0:
        tx.execute(table.insert().values(row))


def portions(ids: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(ids), IDS_AT_A_TIME):
        yield ids[start : start + IDS_AT_A_TIME]


def says(column: sa.ColumnElement[str], word: str) -> sa.ColumnElement[bool]:
    """That the word stands in the column, in whatever case.

    SQLite's `lower` knows the letters of English alone: École and Київ would be found by nobody. So a word is looked
    for as it is, with a capital and in capitals.
    """
    cases = {_lower(word.casefold()), _lower(word.capitalize()), _lower(word.upper())}
    return sa.or_(*(sa.func.lower(column).contains(each, autoescape=True) for each in sorted(cases)))


_ENGLISH = str.maketrans(ascii_uppercase, ascii_lowercase)


def _lower(word: str) -> str:
    return word.translate(_ENGLISH)
