"""Retention, as `retention.yml` says it: what goes when, what would go next, and which column nobody thought of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import yaml
from msgspec import Struct, convert
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.cases.model import CaseStatus
from bot.cases.receipt_store import LEFT, phones_left_for, returns
from bot.cases.referrals.store import referrals
from bot.cases.store import cases
from bot.conversations.model import ConversationKind
from bot.conversations.store import conversations
from bot.exchange.holds.store import holds
from bot.exchange.requests.store import exchange_requests
from bot.kernel.settings import Settings
from bot.kernel.words import N_

FILE = Path(__file__).with_name("retention.yml")
#: So many conversations are erased at a time, so that nobody who writes waits for it.
AT_ONCE = 20
#: A referral in one of these is over.
REFERRAL_OVER = ("declined", "concluded", "withdrawn")


class DataClass(Struct, frozen=True, forbid_unknown_fields=True):
    """What columns of one class hold, and what happens to it."""

    holds: str
    then: str


class Days(Struct, frozen=True, forbid_unknown_fields=True):
    """When words are erased."""

    talk: int
    case: int


class Rows(Struct, frozen=True, forbid_unknown_fields=True):
    """Rows of a table that are deleted so many days after the moment in a column."""

    column: str
    days: int


class Retention(Struct, frozen=True, forbid_unknown_fields=True):
    """The file."""

    classes: Mapping[str, DataClass]
    erase: Days
    rows: Mapping[str, Rows]
    tables: Mapping[str, Mapping[str, Sequence[str]]]

    def problems(self, tables: Iterable[sa.Table]) -> list[str]:
        """Where the file and the tables do not say the same, a sentence each: what it forgot, and what is gone."""
        there = {table.name: {column.name for column in table.c} for table in tables}
        found = [f"the table {name} stands in no class" for name in there.keys() - self.tables.keys()]
        found += [f"there is no table {name}" for name in self.tables.keys() - there.keys()]
        for name in there.keys() & self.tables.keys():
            listed = [column for columns in self.tables[name].values() for column in columns]
            found += [f"{name}.{column} stands in no class" for column in there[name] - set(listed)]
            found += [f"there is no column {name}.{column}" for column in set(listed) - there[name]]
            found += [f"{name}.{column} stands in two classes" for column in set(listed) if listed.count(column) > 1]
            found += [f"{name}: there is no class {one}" for one in self.tables[name].keys() - self.classes.keys()]
        for name, rows in self.rows.items():
            if rows.column not in there.get(name, set()):
                found.append(f"rows: there is no column {name}.{rows.column}")
        return sorted(found)

    def of_class(self, *names: str) -> list[tuple[str, str]]:
        """Table and column of everything in these classes."""
        return [
            (table, column)
            for table, columns in self.tables.items()
            for name in names
            for column in columns.get(name, ())
        ]


def decided(settings: Settings) -> Retention:
    """The file, with the days that whoever answers for the data has set."""
    rules = load()
    talk, case = settings.keep_talks_days or rules.erase.talk, settings.keep_cases_days or rules.erase.case
    return replace(rules, erase=Days(talk, case))


class Due(Struct, frozen=True):
    """A conversation whose words go, and since when they should have."""

    conversation_id: str
    since: datetime
    had_case: bool


@cache
def load(file: Path = FILE) -> Retention:
    """Raises msgspec.ValidationError, which names the place that is wrong."""
    return convert(yaml.safe_load(file.read_text(encoding="utf-8")), Retention)


def due(tx: Connection, retention: Retention, at: datetime, *, limit: int = AT_ONCE) -> list[Due]:
    """The conversations whose words go now, those that are longest due first.

    Never one with an open case, a request to another country, a referral or a hold that is still under way, and no
    phone that a person left: it goes with the one they write from now.
    """
    talk, mine = conversations.c, cases.c.conversation_id == conversations.c.id
    last = sa.func.coalesce(talk.last_in_at, talk.created_at)
    closed = sa.select(sa.func.max(cases.c.closed_at)).where(mine).scalar_subquery()
    has_case = sa.exists().where(mine)
    open_case = sa.exists().where(mine, cases.c.status != CaseStatus.CLOSED.value)
    under_way = sa.or_(open_case, *_under_way(sa.select(cases.c.id).where(mine)).values())
    left = sa.exists().where(returns.c.from_conversation_id == talk.id, returns.c.state.in_(LEFT))
    old_talk = sa.and_(~has_case, last < at - timedelta(days=retention.erase.talk))
    long_closed = at - timedelta(days=retention.erase.case)
    old_case = sa.and_(has_case, closed < long_closed, last < at - timedelta(days=retention.erase.talk))
    query = (
        sa.select(talk.id, last.label("last"), closed.label("closed"))
        .where(
            talk.kind == ConversationKind.PERSON.value,
            talk.erased_at.is_(None),
            ~left,
            ~under_way,
            sa.or_(old_talk, old_case),
        )
        .order_by(last, talk.id)
        .limit(limit)
    )
    return [_due(row, retention) for row in tx.execute(query)]


def _under_way(of_cases: sa.Select[tuple[str]]) -> dict[str, sa.ColumnElement[bool]]:
    """What keeps the words of these cases although the cases themselves may be over, by the sentence for it."""
    return {
        N_("A request to another country is still under way."): sa.exists().where(
            exchange_requests.c.case_id.in_(of_cases), exchange_requests.c.ended_at.is_(None)
        ),
        N_("A referral is still under way."): sa.exists().where(
            referrals.c.case_id.in_(of_cases), referrals.c.state.not_in(REFERRAL_OVER)
        ),
        N_("A hold stands: the child may not be handed over."): sa.exists().where(
            holds.c.case_id.in_(of_cases), holds.c.released_at.is_(None)
        ),
    }


def in_the_way(tx: Connection, conversation_id: str) -> list[str]:
    """What keeps the words of a person who asks to be erased: what keeps them from retention, but for the open case in
    which they ask. A sentence each."""
    phones = [conversation_id, *phones_left_for(tx, conversation_id)]
    of_cases = sa.select(cases.c.id).where(cases.c.conversation_id.in_(phones))
    return [sentence for sentence, holds_it in _under_way(of_cases).items() if tx.execute(sa.select(holds_it)).scalar()]


def _due(row: Any, retention: Retention) -> Due:
    since = row.last + timedelta(days=retention.erase.talk)
    if row.closed is not None:
        since = max(since, row.closed + timedelta(days=retention.erase.case))
    return Due(row.id, since, row.closed is not None)


def old_rows(tx: Connection, retention: Retention, tables: Iterable[sa.Table], at: datetime) -> dict[str, int]:
    """How many rows of each table are no use any more. Tables without such rows are left out."""
    counts = {table.name: _count(tx, table, condition) for table, condition in _old(retention, tables, at)}
    return {name: count for name, count in counts.items() if count}


def delete_old_rows(tx: Connection, retention: Retention, tables: Iterable[sa.Table], at: datetime) -> int:
    """Delete them. Returns how many."""
    return sum(tx.execute(table.delete().where(condition)).rowcount for table, condition in _old(retention, tables, at))


def _old(
    retention: Retention, tables: Iterable[sa.Table], at: datetime
) -> list[tuple[sa.Table, sa.ColumnElement[bool]]]:
    return [
        (table, table.c[rows.column] < at - timedelta(days=rows.days))
        for table in tables
        if (rows := retention.rows.get(table.name)) is not None
    ]


def _count(tx: Connection, table: sa.Table, condition: sa.ColumnElement[bool]) -> int:
    return int(tx.execute(sa.select(sa.func.count()).select_from(table).where(condition)).scalar_one())
