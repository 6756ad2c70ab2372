"""The only SQL about cases, alarms, pages and the watch over them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection, Row
from sqlalchemy.sql.elements import ColumnElement

from bot.cases.model import LOUD, Alarm, Case, CaseStatus, Ladder
from bot.kernel.database import Moment, insert_or_nothing, metadata
from bot.kernel.history import History
from dialogues.understanding.model import Priority

cases = sa.Table(
    "cases",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("number", sa.String(12), nullable=False, unique=True),
    sa.Column("conversation_id", sa.String(36), nullable=False),
    sa.Column("key_id", sa.String(36), nullable=False),
    sa.Column("reason", sa.String(40), nullable=False),
    sa.Column("priority", sa.String(2), nullable=False),
    sa.Column("status", sa.String(12), nullable=False),
    sa.Column("owner_id", sa.String(36), nullable=True),
    sa.Column("language", sa.String(16), nullable=False),
    sa.Column("country", sa.String(2), nullable=True),
    sa.Column("source", sa.String(40), nullable=False),
    sa.Column("reporter", sa.Boolean, nullable=False),
    sa.Column("place_sealed", sa.LargeBinary, nullable=True),
    sa.Column("words_sealed", sa.LargeBinary, nullable=True),  # what opened it or made it worse; null once erased
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("claimed_at", Moment, nullable=True),
    sa.Column("closed_at", Moment, nullable=True),
    sa.Column("closing", sa.String(20), nullable=True),
    sa.Column("person_wrote_at", Moment, nullable=True),
    sa.Column("officer_wrote_at", Moment, nullable=True),
    sa.Column("demo", sa.Boolean, nullable=False),
    sa.Column("offered_to", sa.String(36), nullable=True),
    sa.Column("stage", sa.String(20), nullable=False, server_default="registered"),
)
_open = cases.c.status != CaseStatus.CLOSED.value
_unanswered = sa.or_(cases.c.officer_wrote_at.is_(None), cases.c.person_wrote_at > cases.c.officer_wrote_at)
#: One open case a conversation, whatever races.
sa.Index("uq_cases_open_conversation", cases.c.conversation_id, unique=True, sqlite_where=_open, postgresql_where=_open)
#: Holds all that the order, the scope and the counts of the queue ask for: they are read from the index alone.
sa.Index(
    "ix_cases_waiting",
    cases.c.status,
    cases.c.priority,
    cases.c.due_at,
    cases.c.id,
    cases.c.owner_id,
    cases.c.offered_to,
)
sa.Index("ix_cases_queue_language", cases.c.status, cases.c.priority, cases.c.language, cases.c.due_at)
sa.Index("ix_cases_offered", cases.c.offered_to)
sa.Index("ix_cases_conversation", cases.c.conversation_id)
sa.Index("ix_cases_owner", cases.c.owner_id, cases.c.status)
#: How long people waited lately, by priority.
sa.Index("ix_cases_opened", cases.c.priority, cases.c.opened_at)

#: What each sign of danger led to. The key is the message it came from, so a turn that runs again changes nothing.
case_triggers = sa.Table(
    "case_triggers",
    metadata,
    sa.Column("key", sa.String(200), primary_key=True),
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=False, index=True),
    sa.Column("reason", sa.String(40), nullable=False),
    sa.Column("priority", sa.String(2), nullable=False),
    sa.Column("at", Moment, nullable=False),
)

#: What happened to a case: ids and codes only.
case_events = sa.Table(
    "case_events",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("act", sa.String(20), nullable=False),
    sa.Column("officer_id", sa.String(36), nullable=True),
    sa.Column("facts", sa.Text, nullable=False),
    sa.Column("once", sa.String(36), nullable=True, unique=True),  # a form sent twice acts once
)
sa.Index("ix_case_events_case", case_events.c.case_id, case_events.c.at)

case_notes = sa.Table(
    "case_notes",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=False, index=True),
    sa.Column("officer_id", sa.String(36), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("text_sealed", sa.LargeBinary, nullable=True),  # null once erased
    sa.Column("kind", sa.String(12), nullable=False, server_default="internal"),
)

alarms = sa.Table(
    "alarms",
    metadata,
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), primary_key=True),
    sa.Column("priority", sa.String(2), nullable=False),
    sa.Column("ladder", sa.Text, nullable=False),  # as it was when the alarm began
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("next_step_at", Moment, nullable=True),
    sa.Column("acknowledged_at", Moment, nullable=True),
    sa.Column("acknowledged_by", sa.String(36), nullable=True),
    sa.Column("person_told_at", Moment, nullable=True),
    # Acknowledged by a human or still climbing: there is no third state a row could be in.
    sa.CheckConstraint("(acknowledged_at IS NULL) <> (next_step_at IS NULL)", name="acknowledged_or_climbing"),
)
sa.Index("ix_alarms_next_step_at", alarms.c.next_step_at)

#: Who was paged, at which step, and by which way.
pages = sa.Table(
    "pages",
    metadata,
    sa.Column("key", sa.String(120), primary_key=True),  # case:round:step:officer:way
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=False, index=True),
    sa.Column("officer_id", sa.String(36), nullable=False),
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("way", sa.String(12), nullable=False),
    sa.Column("at", Moment, nullable=False),
)
sa.Index("ix_pages_officer_at", pages.c.officer_id, pages.c.at)

#: By what a case is found again without opening it: keyed fingerprints of a name, a phone, a date of birth.
case_fingerprints = sa.Table(
    "case_fingerprints",
    metadata,
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), primary_key=True),
    sa.Column("fingerprint", sa.String(64), primary_key=True),
)
sa.Index("ix_case_fingerprints_fingerprint", case_fingerprints.c.fingerprint)

#: What the desk knows of an officer's working day.
duty_profiles = sa.Table(
    "duty_profiles",
    metadata,
    sa.Column("officer_id", sa.String(36), primary_key=True),
    sa.Column("capacity", sa.Integer, nullable=False),
    sa.Column("skills", sa.Text, nullable=False),  # reason codes they are trained for
)

#: Who watches, when they last did, and whether what they saw was well.
watch = sa.Table(
    "watch",
    metadata,
    sa.Column("name", sa.String(20), primary_key=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("ok", sa.Boolean, nullable=False),
    sa.Column("facts", sa.Text, nullable=False),
)

pairing_codes = sa.Table(
    "pairing_codes",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("officer_id", sa.String(36), nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("used_at", Moment, nullable=True),
)


# Cases ----------------------------------------------------------------------------------------------------------


def _case_values(case: Case) -> dict[str, Any]:
    return {
        "number": case.number,
        "conversation_id": case.conversation_id,
        "key_id": case.key_id,
        "reason": case.reason,
        "priority": case.priority.value,
        "status": case.status.value,
        "owner_id": case.owner_id,
        "language": case.language,
        "country": case.country,
        "source": case.source,
        "reporter": case.reporter,
        "opened_at": case.opened_at,
        "due_at": case.due_at,
        "claimed_at": case.claimed_at,
        "closed_at": case.closed_at,
        "closing": case.closing,
        "person_wrote_at": case.person_wrote_at,
        "officer_wrote_at": case.officer_wrote_at,
        "demo": case.demo,
        "offered_to": case.offered_to,
        "stage": case.stage,
    }


def to_case(row: Row[Any]) -> Case:
    return Case(
        id=row.id,
        number=row.number,
        conversation_id=row.conversation_id,
        key_id=row.key_id,
        reason=row.reason,
        priority=Priority(row.priority),
        status=CaseStatus(row.status),
        owner_id=row.owner_id,
        language=row.language,
        country=row.country,
        source=row.source,
        reporter=row.reporter,
        opened_at=row.opened_at,
        due_at=row.due_at,
        claimed_at=row.claimed_at,
        closed_at=row.closed_at,
        closing=row.closing,
        person_wrote_at=row.person_wrote_at,
        officer_wrote_at=row.officer_wrote_at,
        demo=row.demo,
        offered_to=row.offered_to,
        stage=row.stage,
    )


class SealedCase(Struct, frozen=True):
    """A case with what is sealed of it still sealed."""

    case: Case
    words_sealed: bytes | None
    place_sealed: bytes | None


def _to_sealed(row: Row[Any]) -> SealedCase:
    return SealedCase(to_case(row), row.words_sealed, row.place_sealed)


def add_case(tx: Connection, case: Case, *, words_sealed: bytes, place_sealed: bytes | None) -> bool:
    """Store a new case. False when its conversation has an open one already."""
    values = _case_values(case) | {"id": case.id, "words_sealed": words_sealed, "place_sealed": place_sealed}
    return insert_or_nothing(tx, cases, values)


def save_case(tx: Connection, before: Case, after: Case) -> bool:
    """Write `after` if the row still stands where `before` stood. False: somebody else was quicker."""
    unmoved = sa.and_(
        cases.c.id == before.id,
        cases.c.status == before.status.value,
        cases.c.owner_id.is_not_distinct_from(before.owner_id),
    )
    return tx.execute(cases.update().where(unmoved).values(**_case_values(after))).rowcount == 1


def reseal(tx: Connection, case_id: str, *, words_sealed: bytes) -> None:
    tx.execute(cases.update().where(cases.c.id == case_id).values(words_sealed=words_sealed))


def keep_place(tx: Connection, case_id: str, *, place_sealed: bytes, country: str | None) -> None:
    tx.execute(cases.update().where(cases.c.id == case_id).values(place_sealed=place_sealed, country=country))


def set_language(tx: Connection, case_id: str, language: str) -> bool:
    """False where it was that one before."""
    other = sa.and_(cases.c.id == case_id, cases.c.language != language)
    return tx.execute(cases.update().where(other).values(language=language)).rowcount == 1


def get_case(tx: Connection, case_id: str, *conditions: ColumnElement[bool], lock: bool = False) -> SealedCase | None:
    """A case, if every condition holds in the same query."""
    query = sa.select(cases).where(cases.c.id == case_id, *conditions)
    if lock:
        query = query.with_for_update()
    row = tx.execute(query).one_or_none()
    return None if row is None else _to_sealed(row)


def open_case_of(tx: Connection, conversation_id: str) -> Case | None:
    """The one open case of a conversation, locked until the transaction ends."""
    query = sa.select(cases).where(cases.c.conversation_id == conversation_id, _open).with_for_update()
    row = tx.execute(query).one_or_none()
    return None if row is None else to_case(row)


def closed_in(
    tx: Connection, conversation_ids: Collection[str], *, besides: str, not_as: Collection[str], limit: int
) -> list[Case]:
    """The closed cases of these conversations whose words are still there, the one that was closed last first."""
    query = sa.select(cases).where(
        cases.c.conversation_id.in_(conversation_ids),
        sa.not_(_open),
        cases.c.id != besides,
        cases.c.words_sealed.is_not(None),
        cases.c.closing.not_in(not_as),
    )
    return [to_case(row) for row in tx.execute(query.order_by(cases.c.closed_at.desc()).limit(limit))]


def person_wrote(tx: Connection, conversation_id: str, at: datetime) -> str | None:
    """Remember since when the person waits: from their first unanswered words. The id of their open case, if any."""
    found = tx.execute(
        sa.select(cases.c.id).where(cases.c.conversation_id == conversation_id, _open)
    ).scalar_one_or_none()
    if found is not None:
        answered = sa.or_(cases.c.person_wrote_at.is_(None), cases.c.officer_wrote_at >= cases.c.person_wrote_at)
        tx.execute(cases.update().where(cases.c.id == found, answered).values(person_wrote_at=at))
    return found


def officer_wrote(tx: Connection, case_id: str, at: datetime | None) -> None:
    """`at` is when the person was last answered, None where they never were."""
    tx.execute(cases.update().where(cases.c.id == case_id).values(officer_wrote_at=at))


LOUD_CODES = sorted(priority.value for priority in LOUD)
#: The most urgent first; within a priority, whoever has waited longest for what was promised.
QUEUE_ORDER = (cases.c.priority, cases.c.due_at, cases.c.id)


def queue_place(case: Case) -> tuple[str, datetime, str]:
    """The same order for cases that were read already."""
    return case.priority.value, case.due_at, case.id


def waiting(tx: Connection, *conditions: ColumnElement[bool], limit: int) -> list[SealedCase]:
    query = sa.select(cases).where(cases.c.status == CaseStatus.NEW.value, *conditions)
    return [_to_sealed(row) for row in tx.execute(query.order_by(*QUEUE_ORDER).limit(limit))]


def next_waiting(tx: Connection, *conditions: ColumnElement[bool]) -> Case | None:
    """The case to take next, locked; one that a colleague is taking this moment is passed over."""
    query = sa.select(cases).where(cases.c.status == CaseStatus.NEW.value, *conditions)
    row = tx.execute(query.order_by(*QUEUE_ORDER).limit(1).with_for_update(skip_locked=True)).one_or_none()
    return None if row is None else to_case(row)


def waiting_counts(tx: Connection, *conditions: ColumnElement[bool]) -> dict[Priority, int]:
    query = sa.select(cases.c.priority, sa.func.count()).where(cases.c.status == CaseStatus.NEW.value, *conditions)
    counted = {Priority(priority): count for priority, count in tx.execute(query.group_by(cases.c.priority))}
    return {priority: counted.get(priority, 0) for priority in Priority}


def anybody_waits(tx: Connection, *conditions: ColumnElement[bool]) -> bool:
    query = sa.select(cases.c.id).where(cases.c.status == CaseStatus.NEW.value, *conditions).limit(1)
    return tx.execute(query).first() is not None


def held_by(tx: Connection, officer_id: str, *, limit: int, lock: bool = False) -> list[SealedCase]:
    """The open cases an officer holds; those whose person waits for an answer first."""
    query = sa.select(cases).where(cases.c.owner_id == officer_id, cases.c.status == CaseStatus.CLAIMED.value)
    ordered = query.order_by(sa.case((_unanswered, 0), else_=1), *QUEUE_ORDER)
    if lock:
        ordered = ordered.with_for_update()
    return [_to_sealed(row) for row in tx.execute(ordered.limit(limit))]


def all_held(tx: Connection) -> list[SealedCase]:
    """The open cases that anybody holds, in the order in which each of their owners sees them."""
    query = sa.select(cases).where(cases.c.status == CaseStatus.CLAIMED.value)
    return [_to_sealed(row) for row in tx.execute(query.order_by(sa.case((_unanswered, 0), else_=1), *QUEUE_ORDER))]


def cases_among(tx: Connection, case_ids: Collection[str]) -> dict[str, Case]:
    """These cases as they stand now, by their ids."""
    if not case_ids:
        return {}
    query = sa.select(cases).where(cases.c.id.in_(sorted(case_ids)))
    return {row.id: to_case(row) for row in tx.execute(query)}


def held_count(tx: Connection, officer_id: str) -> int:
    query = sa.select(sa.func.count()).where(cases.c.owner_id == officer_id, cases.c.status == CaseStatus.CLAIMED.value)
    return int(tx.execute(query).scalar_one())


def held_by_others(tx: Connection, officer_id: str, *, limit: int) -> list[SealedCase]:
    query = sa.select(cases).where(cases.c.owner_id != officer_id, cases.c.status == CaseStatus.CLAIMED.value)
    return [_to_sealed(row) for row in tx.execute(query.order_by(*QUEUE_ORDER).limit(limit))]


def closed_by_owner(tx: Connection, officer_id: str, *, limit: int) -> list[SealedCase]:
    query = sa.select(cases).where(cases.c.owner_id == officer_id, cases.c.status == CaseStatus.CLOSED.value)
    return [_to_sealed(row) for row in tx.execute(query.order_by(cases.c.closed_at.desc()).limit(limit))]


def urgent_taken(tx: Connection, since: datetime) -> dict[str, int]:
    """How many cases of P0 and P1 each officer took since, of those that they hold or held last."""
    urgent = cases.c.priority.in_([Priority.P0.value, Priority.P1.value])
    query = sa.select(cases.c.owner_id, sa.func.count()).where(urgent, cases.c.claimed_at >= since)
    return {row[0]: row[1] for row in tx.execute(query.group_by(cases.c.owner_id)) if row[0] is not None}


def number_taken(tx: Connection, number: str) -> bool:
    return id_of_number(tx, number) is not None


def id_of_number(tx: Connection, number: str) -> str | None:
    return tx.execute(sa.select(cases.c.id).where(cases.c.number == number)).scalar_one_or_none()


def owners_of_open_cases(tx: Connection) -> set[str]:
    query = sa.select(cases.c.owner_id).where(cases.c.status == CaseStatus.CLAIMED.value).distinct()
    return {owner for (owner,) in tx.execute(query) if owner is not None}


# What led to a case, and what happened to it --------------------------------------------------------------------


def trigger_case(tx: Connection, key: str) -> str | None:
    return tx.execute(sa.select(case_triggers.c.case_id).where(case_triggers.c.key == key)).scalar_one_or_none()


def add_trigger(tx: Connection, *, key: str, case_id: str, reason: str, priority: Priority, at: datetime) -> None:
    tx.execute(case_triggers.insert().values(key=key, case_id=case_id, reason=reason, priority=priority.value, at=at))


def triggers_since(tx: Connection, case_id: str, at: datetime) -> list[tuple[str, Priority]]:
    """The signs of danger that led to a case after `at`: why, and how grave."""
    query = sa.select(case_triggers.c.reason, case_triggers.c.priority)
    rows = tx.execute(query.where(case_triggers.c.case_id == case_id, case_triggers.c.at > at))
    return [(row.reason, Priority(row.priority)) for row in rows]


_history = History(case_events, of="case_id")
add_event, events_of, has_event = _history.add, _history.all_of, _history.has


def add_note(
    tx: Connection,
    *,
    note_id: str,
    case_id: str,
    officer_id: str,
    at: datetime,
    text_sealed: bytes,
    kind: str = "internal",
) -> None:
    values = {"id": note_id, "case_id": case_id, "officer_id": officer_id, "at": at, "kind": kind}
    tx.execute(case_notes.insert().values(text_sealed=text_sealed, **values))


def notes_of(tx: Connection, case_id: str) -> Sequence[Row[Any]]:
    return tx.execute(sa.select(case_notes).where(case_notes.c.case_id == case_id).order_by(case_notes.c.id)).all()


# Who can take what, and who is known ------------------------------------------------------------------------------


def duty_profile(tx: Connection, officer_id: str) -> tuple[int, list[str]] | None:
    row = tx.execute(sa.select(duty_profiles).where(duty_profiles.c.officer_id == officer_id)).one_or_none()
    return None if row is None else (row.capacity, json.loads(row.skills))


def put_duty_profile(tx: Connection, officer_id: str, *, capacity: int, skills: Sequence[str]) -> None:
    values = {"capacity": capacity, "skills": json.dumps(list(skills))}
    if not insert_or_nothing(tx, duty_profiles, values | {"officer_id": officer_id}):
        tx.execute(duty_profiles.update().where(duty_profiles.c.officer_id == officer_id).values(**values))


def add_fingerprints(tx: Connection, case_id: str, fingerprints: Iterable[str]) -> None:
    for fingerprint in sorted(set(fingerprints)):
        insert_or_nothing(tx, case_fingerprints, {"case_id": case_id, "fingerprint": fingerprint})


def cases_with(tx: Connection, fingerprints: Sequence[str], *, limit: int) -> list[tuple[Case, int]]:
    """Cases that any of these fingerprints belong to, and how many fit: the open ones and the best fits first."""
    fits = sa.func.count(case_fingerprints.c.fingerprint)
    query = (
        sa.select(cases, fits.label("fits"))
        .join(case_fingerprints, case_fingerprints.c.case_id == cases.c.id)
        .where(case_fingerprints.c.fingerprint.in_(fingerprints))
        .group_by(*cases.c)
        .order_by(sa.case((_open, 0), else_=1), fits.desc(), cases.c.opened_at.desc())
    )
    return [(to_case(row), row.fits) for row in tx.execute(query.limit(limit))]


# Alarms ---------------------------------------------------------------------------------------------------------


def _alarm_values(alarm: Alarm) -> dict[str, Any]:
    return {
        "priority": alarm.priority.value,
        "ladder": json.dumps(alarm.ladder.to_json()),
        "round": alarm.round,
        "step": alarm.step,
        "started_at": alarm.started_at,
        "next_step_at": alarm.next_step_at,
        "acknowledged_at": alarm.acknowledged_at,
        "acknowledged_by": alarm.acknowledged_by,
        "person_told_at": alarm.person_told_at,
    }


def to_alarm(row: Row[Any]) -> Alarm:
    return Alarm(
        row.case_id,
        Priority(row.priority),
        Ladder.from_json(json.loads(row.ladder)),
        row.round,
        row.step,
        row.started_at,
        row.next_step_at,
        row.acknowledged_at,
        row.acknowledged_by,
        row.person_told_at,
    )


def put_alarm(tx: Connection, alarm: Alarm) -> None:
    """Store an alarm, new or changed."""
    values = _alarm_values(alarm)
    if not insert_or_nothing(tx, alarms, values | {"case_id": alarm.case_id}):
        tx.execute(alarms.update().where(alarms.c.case_id == alarm.case_id).values(**values))


def get_alarm(tx: Connection, case_id: str, *, lock: bool = True) -> Alarm | None:
    query = sa.select(alarms).where(alarms.c.case_id == case_id)
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else to_alarm(row)


def unanswered(tx: Connection) -> list[Case]:
    """The cases somebody holds while the person waits for an answer, the most urgent first."""
    query = sa.select(cases).where(cases.c.status == CaseStatus.CLAIMED.value, _unanswered)
    return [to_case(row) for row in tx.execute(query.order_by(*QUEUE_ORDER))]


# Of one conversation -------------------------------------------------------------------------------------------


def key_ids_of(tx: Connection, conversation_id: str) -> list[str]:
    """The data keys of every case a conversation ever led to."""
    return list(tx.execute(sa.select(cases.c.key_id).where(cases.c.conversation_id == conversation_id)).scalars())


def ids_of_conversation(tx: Connection, conversation_id: str) -> list[str]:
    """Every case a conversation ever led to."""
    return list(tx.execute(sa.select(cases.c.id).where(cases.c.conversation_id == conversation_id)).scalars())


def reasons_of(tx: Connection, case_id: str) -> frozenset[str]:
    """Every sign of danger that led to a case or was heard in it, as codes."""
    return frozenset(tx.execute(sa.select(case_triggers.c.reason).where(case_triggers.c.case_id == case_id)).scalars())


def forget_words(tx: Connection, conversation_id: str) -> None:
    """Take out everything sealed about the cases of a conversation."""
    of_it = cases.c.conversation_id == conversation_id
    tx.execute(cases.update().where(of_it).values(words_sealed=None, place_sealed=None))
    of_cases = sa.select(cases.c.id).where(of_it)
    for table in metadata.sorted_tables:  # whatever room a table is of: what is sealed about a case goes with it
        sealed = {column.name: None for column in table.c if column.name.endswith("_sealed")}
        if sealed and "case_id" in table.c:
            tx.execute(table.update().where(table.c.case_id.in_(of_cases)).values(**sealed))
    tx.execute(case_fingerprints.delete().where(case_fingerprints.c.case_id.in_(of_cases)))
