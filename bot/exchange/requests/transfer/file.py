"""The file of a case as it travels: gathered here, and read there word by word, for a partner is not believed blindly.

What travels is what the next case worker needs to go on at once: the record, the risk, open tasks, shared notes, whom
the child fears, and the adults who claim the child with any hold. Who wrote it here does not travel, and neither does
the talk: it is the child's. A tie that was supported here is looked at again there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from msgspec import Struct
from sqlalchemy.engine import Connection, Row

from bot.cases import store as case_store
from bot.cases.hand import unseal
from bot.cases.model import Case
from bot.cases.record import store as record
from bot.cases.record.fields import FIELDS, SECTIONS, WrongValue, checked
from bot.cases.record.risk import Risk
from bot.cases.record.service import LONGEST_TASK, LONGEST_WHY, MADE_TASKS, NEXT_LOOK, RISK_TASKS
from bot.cases.service import LONGEST_NOTE
from bot.exchange.gate import Situation
from bot.exchange.holds import claimants, placing
from bot.exchange.holds import service as holds
from bot.exchange.holds.model import CHECKLIST, Favour, HoldState, Mark, Source, Tie
from bot.exchange.requests.model import is_one_of
from bot.exchange.requests.types import TIES
from bot.kernel.crypto import Vault
from bot.kernel.ids import new_id
from dialogues.understanding.model import Priority

E = TypeVar("E", bound=StrEnum)
MOST = 200  # of tasks, notes or adults in one file, and of pieces of evidence about an adult
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_COUNTRY = re.compile(r"[A-Z]{2}")
_ID = re.compile(r"[0-9a-f-]{36}")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
#: What came through the form for workers. An earlier Waymark knows no such fields, and would refuse the whole file.
_REPORTED = next(section for section in SECTIONS if section.code == "reported")
#: How whoever reported it is reached is theirs, and nobody asked them; other answers may say it too.
_OF_THE_REPORTER = frozenset({"reported_reach", "reported_else"})


class BadFile(ValueError):
    """What came is no file of a case. Its argument names the part."""


class Task(Struct, frozen=True):
    """Something that is still to be done."""

    kind: str
    what: str
    why: str
    due_at: datetime


class Piece(Struct, frozen=True):
    """A piece of evidence about an adult."""

    source: Source
    favour: Favour
    text: str


class Adult(Struct, frozen=True):
    """An adult who claims the child."""

    name: str
    claimed: str
    tie: Tie
    marks: Mapping[str, Mark]
    evidence: tuple[Piece, ...]
    hold: str = ""  # its id at the giver's; "" where none stands


class CaseFile(Struct, frozen=True):
    """A case on paper, as it were."""

    number: str  # at the giver's
    language: str
    country: str | None
    reason: str
    priority: Priority
    opened_at: datetime
    facts: Mapping[str, tuple[str, ...]]
    risk: Risk | None
    why_risk: str
    tasks: tuple[Task, ...]
    notes: tuple[str, ...]
    situation: Situation
    adults: tuple[Adult, ...]


# Gathering


def gather(tx: Connection, vault: Vault, case: Case, situation: Situation) -> dict[str, Any]:
    """The file of a case of ours, as it goes into a letter. The letter is what has to pass the gate and the consent."""
    facts = {
        row.field: json.loads(text)
        for row in record.present_facts(tx, case.id)
        if (text := unseal(tx, vault, case, row.value_sealed, "case_facts", row.id, "value"))
    }
    tasks = [_task(tx, vault, case, row) for row in record.tasks_of(tx, case.id) if row.done_at is None]
    notes = [
        text
        for row in case_store.notes_of(tx, case.id)
        if row.kind == "shared" and (text := unseal(tx, vault, case, row.text_sealed, "case_notes", row.id, "text"))
    ]
    if reported := _as_reported(facts):
        notes.insert(0, reported)
    return {
        "number": case.number,
        "language": case.language,
        "country": case.country,
        "reason": case.reason,
        "priority": case.priority.value,
        "opened_at": case.opened_at.isoformat(),
        "facts": {code: values for code, values in facts.items() if FIELDS.get(code) not in _REPORTED.fields},
        "risk": _risk(tx, vault, case),
        "tasks": tasks,
        "notes": notes,
        "situation": {
            "fears": None if situation.fears is None else sorted(situation.fears),
            "asylum": situation.asylum,
            "origins": sorted(situation.origins),
        },
        "adults": [_adult(tx, vault, case, line) for line in claimants.adults_of(tx, vault, case)],
    }


def _as_reported(facts: Mapping[str, list[str]]) -> str:
    """What a worker reported about the child, as the words of a note; "" where nobody did."""
    lines = [
        f"{field.title}: {', '.join(field.choices.get(value, value) for value in facts[field.code])}"
        for field in _REPORTED.fields
        if field.code not in _OF_THE_REPORTER and facts.get(field.code)
    ]
    return "\n".join([_REPORTED.title, *lines])[:LONGEST_NOTE] if lines else ""


def _task(tx: Connection, vault: Vault, case: Case, row: Row[Any]) -> dict[str, str]:
    what = unseal(tx, vault, case, row.what_sealed, "case_tasks", row.id, "what")
    why = unseal(tx, vault, case, row.why_sealed, "case_tasks", row.id, "why")
    kind = row.kind
    if kind == NEXT_LOOK:  # an earlier Waymark knows no such kind, and would refuse the whole file
        kind, what, why = "own", MADE_TASKS[kind], FIELDS[kind].title
    return {"kind": kind, "what": what, "why": why, "due_at": row.due_at.isoformat()}


def _risk(tx: Connection, vault: Vault, case: Case) -> dict[str, Any] | None:
    counting = [row for row in record.risks_of(tx, case.id) if not row.needs_signature or row.signed_by is not None]
    if not counting:
        return None
    row = counting[-1]
    return {
        "level": Risk(row.level).name.lower(),
        "why": unseal(tx, vault, case, row.why_sealed, "case_risks", row.id, "why"),
    }


def _adult(tx: Connection, vault: Vault, case: Case, line: claimants.AdultLine) -> dict[str, Any]:
    found = claimants.evidence_in(tx, vault, line.dossier, case)
    return {
        "name": line.name,
        "claimed": line.dossier.claimed,
        "tie": line.dossier.tie.value,
        "marks": {item: mark.value for item, mark in found.marks.items()},
        "evidence": [
            {"source": each.evidence.source.value, "favour": each.evidence.favour.value, "text": each.text}
            for each in found.pieces
        ],
        "hold": line.hold.id if line.hold else "",
    }


def holds_in(body: Mapping[str, Any]) -> frozenset[str]:
    """The holds that a letter with a file tells of, as it was written."""
    return frozenset(adult["hold"] for adult in body["file"]["adults"] if adult["hold"])


# Reading


def read(said: object) -> CaseFile:
    """The file out of a letter. Raises BadFile for whatever is not of its form."""
    if not isinstance(said, dict):
        raise BadFile("file")
    country = said.get("country")
    if country is not None and not (isinstance(country, str) and _COUNTRY.fullmatch(country)):
        raise BadFile("country")
    risk, why_risk = _read_risk(said.get("risk"))
    return CaseFile(
        number=_text(said.get("number"), 12, "number"),
        language=_fits(said.get("language"), _LANGUAGE, "language"),
        country=country,
        reason=_fits(said.get("reason"), re.compile(r"[a-z_]{1,40}"), "reason"),
        priority=_one_of(Priority, said.get("priority"), "priority"),
        opened_at=_moment(said.get("opened_at"), "opened_at"),
        facts=_read_facts(said.get("facts")),
        risk=risk,
        why_risk=why_risk,
        tasks=tuple(_read_task(each) for each in _many(said.get("tasks"), "tasks")),
        notes=tuple(_text(each, LONGEST_NOTE, "notes") for each in _many(said.get("notes"), "notes")),
        situation=_read_situation(said.get("situation")),
        adults=tuple(_read_adult(each) for each in _many(said.get("adults"), "adults")),
    )


def _read_facts(said: object) -> dict[str, tuple[str, ...]]:
    """The fields that are known here. One that only another Waymark has is put aside: a child is not to stay behind for
    it, and no officer here could read it."""
    if not isinstance(said, dict):
        raise BadFile("facts")
    facts = {}
    for code, values in said.items():
        if code not in FIELDS:
            continue
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise BadFile("facts")
        try:
            facts[code] = checked(FIELDS[code], [_CONTROLS.sub("", value) for value in values])
        except WrongValue:
            raise BadFile("facts") from None
    return {code: values for code, values in facts.items() if values}


def _read_risk(said: object) -> tuple[Risk | None, str]:
    if said is None:
        return None, ""
    if not isinstance(said, dict) or not is_one_of(said.get("level"), {each.name.lower() for each in Risk}):
        raise BadFile("risk")
    return Risk[str(said["level"]).upper()], _text(said.get("why"), LONGEST_WHY, "risk")


def _read_task(said: object) -> Task:
    if not isinstance(said, dict) or not is_one_of(said.get("kind"), {"own", *RISK_TASKS}):
        raise BadFile("tasks")
    own = said["kind"] == "own"
    what = _text(said.get("what"), LONGEST_TASK, "tasks", empty=not own)
    why = _text(said.get("why"), LONGEST_WHY, "tasks", empty=not own)
    return Task(said["kind"], what, why, _moment(said.get("due_at"), "tasks"))


def _read_situation(said: object) -> Situation:
    """Whom the child fears. The form must fit: what cannot be read is not "nobody"."""
    if not isinstance(said, dict) or said.get("asylum", "") not in (None, True, False):
        raise BadFile("situation")
    fears, origins = said.get("fears", ""), said.get("origins")
    if fears is not None and not _are_countries(fears):
        raise BadFile("situation")
    if not _are_countries(origins):
        raise BadFile("situation")
    return Situation(None if fears is None else frozenset(fears), said["asylum"], frozenset(origins or ()))


def _are_countries(said: object) -> bool:
    return isinstance(said, list) and all(isinstance(each, str) and _COUNTRY.fullmatch(each) for each in said)


def _read_adult(said: object) -> Adult:
    if not isinstance(said, dict) or not is_one_of(said.get("claimed"), TIES):
        raise BadFile("adults")
    marks, hold = said.get("marks"), said.get("hold")
    if not isinstance(marks, dict) or not set(marks) <= set(CHECKLIST):
        raise BadFile("adults")
    if not isinstance(hold, str) or (hold and not _ID.fullmatch(hold)):
        raise BadFile("adults")
    return Adult(
        name=_text(said.get("name"), holds.LONGEST_NAME, "adults"),
        claimed=said["claimed"],
        tie=_one_of(Tie, said.get("tie"), "adults"),
        marks={item: _one_of(Mark, mark, "adults") for item, mark in marks.items()},
        evidence=tuple(_read_piece(each) for each in _many(said.get("evidence"), "adults")),
        hold=hold,
    )


def _read_piece(said: object) -> Piece:
    if not isinstance(said, dict):
        raise BadFile("adults")
    return Piece(
        _one_of(Source, said.get("source"), "adults"),
        _one_of(Favour, said.get("favour"), "adults"),
        _text(said.get("text"), holds.LONGEST_TEXT, "adults"),
    )


def _many(said: object, part: str) -> list[object]:
    if not isinstance(said, list) or len(said) > MOST:
        raise BadFile(part)
    return said


def _text(said: object, longest: int, part: str, *, empty: bool = False) -> str:
    if not isinstance(said, str):
        raise BadFile(part)
    text = _CONTROLS.sub("", said.replace("\r\n", "\n")).strip()
    if len(text) > longest or not (text or empty):
        raise BadFile(part)
    return text


def _fits(said: object, pattern: re.Pattern[str], part: str) -> str:
    if not isinstance(said, str) or len(said) > 40 or not pattern.fullmatch(said):
        raise BadFile(part)
    return said


def _one_of(kind: type[E], said: object, part: str) -> E:
    if not isinstance(said, str) or said not in set(kind):
        raise BadFile(part)
    return kind(said)


def _moment(said: object, part: str) -> datetime:
    try:
        moment = datetime.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadFile(part)
    return moment


# Writing it down here


def write_facts(
    tx: Connection, vault: Vault, case: Case, file: CaseFile, *, by: str, at: datetime
) -> dict[str, tuple[str, ...]]:
    """Put the facts into the record of a case of ours where nothing stands yet. Returns those that differ from what
    stands there: they are for a human to weigh."""
    key = vault.key(tx, case.key_id)
    known = {row.field: row for row in record.present_facts(tx, case.id, lock=True)}
    differ = {}
    for code, values in file.facts.items():
        if code in known:
            text = unseal(tx, vault, case, known[code].value_sealed, "case_facts", known[code].id, "value")
            if tuple(json.loads(text) if text else ()) != values:
                differ[code] = values
            continue
        fact_id = new_id()
        sealed = key.seal_json(list(values), table="case_facts", row=fact_id, field="value")
        row = {"id": fact_id, "case_id": case.id, "field": code, "value_sealed": sealed, "officer_id": by, "at": at}
        record.replace_fact(tx, None, row)
    return differ


def write_rest(tx: Connection, vault: Vault, case: Case, file: CaseFile, *, by: str, at: datetime) -> dict[str, str]:
    """Put the risk, the open tasks, the notes and the adults into a case of ours; each hold stands here too.

    Returns the holds: by their id at the giver's, their id here.
    """
    key = vault.key(tx, case.key_id)
    if file.risk is not None:
        risk_id = new_id()
        sealed = key.seal(file.why_risk, table="case_risks", row=risk_id, field="why")
        record.add_risk(
            tx,
            {
                "id": risk_id,
                "case_id": case.id,
                "level": int(file.risk),
                "why_sealed": sealed,
                "officer_id": by,
                "at": at,
                "needs_signature": False,
            },
        )
    for task in file.tasks:
        task_id = new_id()
        what = key.seal(task.what, table="case_tasks", row=task_id, field="what") if task.what else None
        why = key.seal(task.why, table="case_tasks", row=task_id, field="why") if task.why else None
        record.add_task(
            tx,
            {
                "id": task_id,
                "case_id": case.id,
                "kind": task.kind,
                "what_sealed": what,
                "why_sealed": why,
                "due_at": task.due_at,
                "made_by": by,
                "made_at": at,
            },
        )
    for text in file.notes:
        write_note(tx, vault, case, text, by=by, at=at)
    brought = {}
    for adult in file.adults:
        evidence = [(piece.source, piece.favour, piece.text) for piece in adult.evidence]
        dossier = holds.take_adult(
            tx,
            vault,
            case,
            name=adult.name,
            claimed=adult.claimed,
            tie=Tie.UNVERIFIED if adult.tie is Tie.SUPPORTED else adult.tie,
            marks=adult.marks,
            evidence=evidence,
            hold=HoldState.CONFIRMED if adult.hold else None,
            by=by,
            at=at,
        )
        standing = placing.standing_on(tx, dossier.id)
        if adult.hold and standing is not None:
            brought[adult.hold] = standing.id
    return brought


def write_note(tx: Connection, vault: Vault, case: Case, text: str, *, by: str, at: datetime) -> None:
    """A note that came with the file: it may go along again."""
    note_id = new_id()
    sealed = vault.key(tx, case.key_id).seal(text, table="case_notes", row=note_id, field="text")
    case_store.add_note(tx, note_id=note_id, case_id=case.id, officer_id=by, at=at, text_sealed=sealed, kind="shared")
