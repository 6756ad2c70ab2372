"""What officers do with a record: fill it in, plan, assess the risk, and see who has looked at it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.cases import intake, panel_store, searches
from bot.cases import store as case_store
from bot.cases.guests.model import VIEWED
from bot.cases.hand import SYSTEM, Hand, key_of, note_in_audit, target, unseal, visible, write_down
from bot.cases.model import Case, CaseError, CaseStatus, NotAllowedNow
from bot.cases.record import store, unlock_store
from bot.cases.record.fields import FIELDS, READING, Field, Level, checked
from bot.cases.record.risk import WINDOWS, Assessment, Risk, in_force
from bot.cases.record.stages import STEPS, Stage
from bot.kernel import access, audit
from bot.kernel.access import Permission
from bot.kernel.crypto import Vault
from bot.kernel.ids import new_id
from bot.kernel.officers import Officer
from bot.kernel.words import N_

LONGEST_TASK = 500
LONGEST_WHY = 2000
FURTHEST = timedelta(days=3 * 366)
MOST_READERS = 2000

#: What an assessment of risk asks for by itself.
RISK_TASKS = {
    "see": N_("See the child"),
    "plan": N_("Make the plan"),
    "review": N_("Look at the risk again"),
}
#: What the date of the next look in a best-interests procedure asks for.
NEXT_LOOK = "bi_review"
#: What was decided on the best interests of the child: with it the panel has done its work.
DETERMINATION = "bi_outcome"
#: Tasks that the record makes, by their kind.
MADE_TASKS = {**RISK_TASKS, NEXT_LOOK: N_("Look at the best-interests decision again")}
#: A day without a clock is meant for its middle, by UTC.
MIDDAY = time(12, tzinfo=UTC)


class RecordMoved(CaseError):
    """A colleague wrote to the same field meanwhile. `fields` names them; nothing was changed."""

    def __init__(self, number: str, fields: Sequence[str]) -> None:
        super().__init__(number)
        self.fields = tuple(fields)


class Fact(Struct, frozen=True):
    """What a field says, who wrote it, and which version that is."""

    id: str
    values: tuple[str, ...]
    officer_id: str
    at: datetime


class Task(Struct, frozen=True):
    """Something that has to be done in a case by a certain time, and why."""

    id: str
    case_id: str
    kind: str
    what: str  # of an officer's own making; for the others see MADE_TASKS
    why: str
    due_at: datetime
    made_by: str
    done_by: str | None
    done_at: datetime | None

    @property
    def is_overtaken(self) -> bool:
        """It was not done: another came in its place, or its day was taken away."""
        return self.done_by == SYSTEM

    def is_late(self, at: datetime) -> bool:
        return self.done_at is None and self.due_at <= at


class Record(Struct, frozen=True):
    """The record of a case, as far as one officer may see it."""

    case: Case
    facts: Mapping[str, Fact]
    hidden: frozenset[str]  # fields that are not theirs to read, whatever is in them
    tasks: Sequence[Task]
    assessments: Sequence[Assessment]
    locked: bool = False  # what is restricted would be theirs to read, after a second step

    @property
    def risk(self) -> Assessment | None:
        return in_force(self.assessments)

    @property
    def unsigned(self) -> Assessment | None:
        return next((each for each in self.assessments if not each.counts), None)


class Reader(Struct, frozen=True):
    """Somebody who looked at a case."""

    officer_id: str  # or `guest:…`, of somebody who was let into the talk
    times: int
    first: datetime
    last: datetime


def open_record(tx: Connection, hand: Hand, case_id: str) -> Record:
    """Read a record, as far as the officer's rights go; the reading is in the audit log. Raises CaseNotFound,
    NotAllowedNow. A screen shows less: `show_record`."""
    case = target(tx, hand, case_id, Permission.RECORD_READ)
    note_in_audit(tx, hand, Permission.RECORD_READ, case)
    return _record(tx, hand, case)


def show_record(tx: Connection, hand: Hand, case_id: str) -> Record:
    """Read a record on a screen or on paper: what is restricted only for a while after `unlocking.unlock`.

    Raises CaseNotFound, NotAllowedNow; the reading is in the audit log.
    """
    record = open_record(tx, hand, case_id)
    restricted = {code for code, field in FIELDS.items() if field.level is Level.RESTRICTED} - record.hidden
    if not restricted or unlock_store.is_unlocked(tx, case_id, hand.officer.id, hand.at):
        return record
    facts = {code: fact for code, fact in record.facts.items() if code not in restricted}
    return replace(record, facts=facts, hidden=record.hidden | restricted, locked=True)


def facts_of(tx: Connection, vault: Vault, case: Case, codes: Collection[str]) -> dict[str, Fact]:
    """What these fields say, of a case that was opened for whoever asks and may see them."""
    return {
        row.field: Fact(row.id, values_of(tx, vault, case, row), row.officer_id, row.at)
        for row in store.present_facts(tx, case.id)
        if row.field in codes
    }


def risk_of(tx: Connection, vault: Vault, case: Case) -> Assessment | None:
    """The risk in force, of a case that was opened for whoever asks."""
    return in_force(_assessments(tx, vault, case))


def is_determined(tx: Connection, hand: Hand, case: Case) -> bool:
    """Whether the best interests of the child were decided."""
    decided = facts_of(tx, hand.vault, case, {DETERMINATION}).get(DETERMINATION)
    return decided is not None and bool(decided.values)


def _record(tx: Connection, hand: Hand, case: Case) -> Record:
    readable = {code for code, field in FIELDS.items() if _reads(hand.officer, field, case)}
    facts = facts_of(tx, hand.vault, case, readable)
    tasks = [_task(tx, hand.vault, case, row) for row in store.tasks_of(tx, case.id)]
    return Record(case, facts, frozenset(FIELDS) - readable, tasks, _assessments(tx, hand.vault, case))


def _reads(officer: Officer, field: Field, case: Case) -> bool:
    return access.allows(officer, READING[field.level], case)


def write_fields(
    tx: Connection, hand: Hand, case_id: str, said: Mapping[str, Sequence[str]], *, seen: Mapping[str, str]
) -> list[str]:
    """Write what a form says. `seen` has the version of each field the form was made from.

    Returns the fields that changed. Raises WrongValue for the first that is wrong, and RecordMoved where a colleague
    was quicker: then nothing is changed, and both can be looked at.
    """
    case = target(tx, hand, case_id, Permission.RECORD_EDIT)
    if case.status is CaseStatus.CLOSED:
        raise NotAllowedNow(case.number)
    for code in said:
        if code not in FIELDS or not _reads(hand.officer, FIELDS[code], case):
            raise NotAllowedNow(case.number)
    present = {row.field: row for row in store.present_facts(tx, case.id, lock=True)}
    wanted = {code: checked(FIELDS[code], values) for code, values in said.items()}
    before = {code: values_of(tx, hand.vault, case, present[code]) if code in present else () for code in wanted}
    changed = [code for code in FIELDS if code in wanted and wanted[code] != before[code]]
    moved = [code for code in changed if (present[code].id if code in present else "") != seen.get(code, "")]
    if moved:
        raise RecordMoved(case.number, moved)
    _put(tx, hand, case, {code: wanted[code] for code in changed}, {code: row.id for code, row in present.items()})
    if NEXT_LOOK in changed:
        _plan_next_look(tx, hand, case, wanted[NEXT_LOOK])
    if DETERMINATION in changed and wanted[DETERMINATION]:
        _end_panel(tx, hand, case)
    return changed


def _end_panel(tx: Connection, hand: Hand, case: Case) -> None:
    """It is decided: whoever was named for that reads no more."""
    if ended := panel_store.end(tx, case.id, by=hand.officer.id, at=hand.at):
        facts = {"members": str(ended)}
        write_down(tx, hand.vault, case, "panel_decided", officer_id=hand.officer.id, at=hand.at, facts=facts)


def _plan_next_look(tx: Connection, hand: Hand, case: Case, day: Sequence[str]) -> None:
    """The task of the day on which a decision is looked at again. Who moves the day has not looked."""
    if not day:
        store.end_kinds(tx, case.id, [NEXT_LOOK], SYSTEM, hand.at)
        return
    due_at = datetime.combine(date.fromisoformat(day[0]), MIDDAY)
    if not store.move_task(tx, case.id, NEXT_LOOK, due_at):
        _add_task(tx, hand, case, NEXT_LOOK, "", "", due_at)


def take_in(tx: Connection, hand: Hand, case: Case, facts: Mapping[str, tuple[str, ...]]) -> None:
    """Write what came with a case that was opened in this very transaction, before anybody holds it. The values are
    checked already."""
    _put(tx, hand, case, facts, {})


def _put(
    tx: Connection, hand: Hand, case: Case, values: Mapping[str, tuple[str, ...]], present: Mapping[str, str]
) -> None:
    key = key_of(tx, hand, case)
    for code, value in values.items():
        fact_id = new_id()
        sealed = key.seal_json(list(value), table="case_facts", row=fact_id, field="value")
        store.replace_fact(
            tx,
            present.get(code),
            {
                "id": fact_id,
                "case_id": case.id,
                "field": code,
                "value_sealed": sealed,
                "officer_id": hand.officer.id,
                "at": hand.at,
            },
        )
    if values:
        _remember(tx, hand, case, values)
        facts = {"fields": str(len(values))}
        write_down(tx, hand.vault, case, "recorded", officer_id=hand.officer.id, at=hand.at, facts=facts)


def _remember(tx: Connection, hand: Hand, case: Case, values: Mapping[str, tuple[str, ...]]) -> None:
    """Let the case be found by a name and a date of birth that were learnt."""
    names = " ".join(value for code in ("name", "other_names") for value in values.get(code, ()))
    born = next(iter(values.get("born", ())), "")
    if names or born:
        intake.remember_person(tx, hand, case, intake.Wanted(name=names, born=born))


def values_of(tx: Connection, vault: Vault, case: Case, row: Any) -> tuple[str, ...]:
    """What a fact says or said, of a case that was opened for whoever asks and may see that field; () once erased."""
    text = unseal(tx, vault, case, row.value_sealed, "case_facts", row.id, "value")
    return tuple(json.loads(text)) if text else ()


# Tasks ------------------------------------------------------------------------------------------------------------


def add_task(tx: Connection, hand: Hand, case_id: str, *, what: str, why: str, due_at: datetime) -> str:
    """Something to be done, with its reason. Raises NotAllowedNow for one without, or due in the past or never."""
    case = target(tx, hand, case_id, Permission.RECORD_EDIT)
    what, why = what.strip(), why.strip()
    if not what or not why or len(what) > LONGEST_TASK or len(why) > LONGEST_WHY:
        raise NotAllowedNow(case.number)
    if case.status is CaseStatus.CLOSED or not hand.at <= due_at <= hand.at + FURTHEST:
        raise NotAllowedNow(case.number)
    return _add_task(tx, hand, case, "own", what, why, due_at)


def _add_task(tx: Connection, hand: Hand, case: Case, kind: str, what: str, why: str, due_at: datetime) -> str:
    key, task_id = key_of(tx, hand, case), new_id()

    def sealed(field: str, text: str) -> bytes | None:
        return key.seal(text, table="case_tasks", row=task_id, field=field) if text else None

    store.add_task(
        tx,
        {
            "id": task_id,
            "case_id": case.id,
            "kind": kind,
            "what_sealed": sealed("what", what),
            "why_sealed": sealed("why", why),
            "due_at": due_at,
            "made_by": hand.officer.id,
            "made_at": hand.at,
        },
    )
    write_down(tx, hand.vault, case, "task_added", officer_id=hand.officer.id, at=hand.at, facts={"kind": kind})
    return task_id


def finish_task(tx: Connection, hand: Hand, case_id: str, task_id: str) -> None:
    """It is done. Raises NotAllowedNow if it was before, or is of another case."""
    case = target(tx, hand, case_id, Permission.RECORD_EDIT)
    if not store.finish_task(tx, case.id, task_id, hand.officer.id, hand.at):
        raise NotAllowedNow(case.number)
    write_down(tx, hand.vault, case, "task_done", officer_id=hand.officer.id, at=hand.at)


def tasks_of_owner(tx: Connection, vault: Vault, officer: Officer, *, limit: int = 50) -> list[tuple[Task, Case]]:
    """What is to be done in the cases an officer holds, the first due first."""
    found = []
    for row in store.tasks_of_owner(tx, officer.id, limit=limit):
        sealed = case_store.get_case(tx, row.case_id)
        if sealed is not None:
            found.append((_task(tx, vault, sealed.case, row), sealed.case))
    return found


def _task(tx: Connection, vault: Vault, case: Case, row: Any) -> Task:
    what = unseal(tx, vault, case, row.what_sealed, "case_tasks", row.id, "what")
    why = unseal(tx, vault, case, row.why_sealed, "case_tasks", row.id, "why")
    return Task(row.id, case.id, row.kind, what, why, row.due_at, row.made_by, row.done_by, row.done_at)


# Risk and stage ---------------------------------------------------------------------------------------------------


def assess(tx: Connection, hand: Hand, case_id: str, level: Risk, *, why: str) -> str:
    """Look at the risk. What it asks for becomes tasks; a lower level counts only once a supervisor signed it."""
    case = target(tx, hand, case_id, Permission.RISK_ASSESS)
    why = why.strip()
    if case.status is CaseStatus.CLOSED or not why or len(why) > LONGEST_WHY:
        raise NotAllowedNow(case.number)
    present, risk_id = in_force(_assessments(tx, hand.vault, case)), new_id()
    lowers = present is not None and level < present.level
    sealed = key_of(tx, hand, case).seal(why, table="case_risks", row=risk_id, field="why")
    values = {
        "id": risk_id,
        "case_id": case.id,
        "level": int(level),
        "why_sealed": sealed,
        "officer_id": hand.officer.id,
        "at": hand.at,
        "needs_signature": lowers,
    }
    store.add_risk(tx, values)
    facts = {"level": level.name.lower(), "lowers": "yes" if lowers else "no"}
    write_down(tx, hand.vault, case, "risk_assessed", officer_id=hand.officer.id, at=hand.at, facts=facts)
    if not lowers:
        _ask_for(tx, hand, case, level)
    return risk_id


def sign_risk(tx: Connection, hand: Hand, case_id: str, risk_id: str) -> None:
    """A supervisor agrees to a lower level. Raises NotAllowedNow for their own assessment, or one signed before."""
    case = target(tx, hand, case_id, Permission.RISK_SIGN)
    if not store.sign_risk(tx, case.id, risk_id, hand.officer.id, hand.at):
        raise NotAllowedNow(case.number)
    write_down(tx, hand.vault, case, "risk_signed", officer_id=hand.officer.id, at=hand.at)
    level = next(Risk(row.level) for row in store.risks_of(tx, case.id) if row.id == risk_id)
    _ask_for(tx, hand, case, level)


def _ask_for(tx: Connection, hand: Hand, case: Case, level: Risk) -> None:
    """The tasks of a level, in the place of those of the level before, which nobody has done."""
    store.end_kinds(tx, case.id, RISK_TASKS, SYSTEM, hand.at)
    window = WINDOWS[level]
    for kind, within in (("see", window.see), ("plan", window.plan), ("review", window.review)):
        _add_task(tx, hand, case, kind, "", "", hand.at + within)


def _assessments(tx: Connection, vault: Vault, case: Case) -> list[Assessment]:
    return [
        Assessment(
            id=row.id,
            level=Risk(row.level),
            why=unseal(tx, vault, case, row.why_sealed, "case_risks", row.id, "why"),
            officer_id=row.officer_id,
            at=row.at,
            signed_by=row.signed_by,
            needs_signature=row.needs_signature,
        )
        for row in store.risks_of(tx, case.id)
    ]


def go_to_stage(tx: Connection, hand: Hand, case_id: str, stage: Stage) -> Case:
    """Take one lawful step with the right it asks for. Raises NotAllowedNow for any other."""
    case = visible(tx, hand.officer, case_id, at=hand.at, lock=True).case
    permission = STEPS.get((Stage(case.stage), stage))
    if permission is None or case.status is not CaseStatus.CLAIMED:
        raise NotAllowedNow(case.number)
    if not access.allows(hand.officer, permission, case):
        raise NotAllowedNow(case.number)
    moved = replace(case, stage=stage.value)
    if not case_store.save_case(tx, case, moved):
        raise NotAllowedNow(case.number)
    write_down(tx, hand.vault, moved, "stage", officer_id=hand.officer.id, at=hand.at, facts={"stage": stage.value})
    return moved


# Who has seen it --------------------------------------------------------------------------------------------------


def seen_by(tx: Connection, hand: Hand, case_id: str) -> list[Reader]:
    """Everyone who opened the case or its record, and guests who read the talk, from the audit log; whoever did last
    comes first."""
    case = target(tx, hand, case_id, Permission.CASE_SEEN_BY, lock=False)
    return _who_did(tx, case, {Permission.CASE_READ, Permission.RECORD_READ, Permission.PANEL_READ, VIEWED})


def found_by(tx: Connection, hand: Hand, case_id: str) -> list[Reader]:
    """Everyone who found the case by a name, a phone or a date of birth without being allowed to open it."""
    return _who_did(tx, target(tx, hand, case_id, Permission.CASE_SEEN_BY, lock=False), {searches.FOUND})


def _who_did(tx: Connection, case: Case, acts: Collection[str]) -> list[Reader]:
    readers: dict[str, Reader] = {}
    for row in audit.read_log(tx, object=f"case:{case.id}", limit=MOST_READERS):
        if row.act not in acts:
            continue
        known = readers.get(row.actor)
        if known is None:
            readers[row.actor] = Reader(row.actor, 1, row.at, row.at)
        else:
            readers[row.actor] = replace(
                known, times=known.times + 1, first=min(known.first, row.at), last=max(known.last, row.at)
            )
    return sorted(readers.values(), key=lambda reader: reader.last, reverse=True)
