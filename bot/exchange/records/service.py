"""What officers do with records a child carries: fill in a sheet, make a copy with the child, read what is brought.

Every look, every copy and every download is in the audit log. A copy stands on an assent in the ledger, given for
exactly these lines; taken back, the copy is not given out again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.cases import consent
from bot.cases.consent import Agreement, IncompleteConsent, Purpose
from bot.cases.hand import Hand, key_of, note_in_audit, target, unseal, write_down
from bot.cases.model import Case, CaseError, NotAllowedNow
from bot.cases.record import service as case_record
from bot.exchange.partners import service as partner_keys
from bot.exchange.partners import store as partners
from bot.exchange.partners.keys import OwnKey
from bot.exchange.partners.model import KeyState
from bot.exchange.records import reading, store
from bot.exchange.records.model import (
    FACTS,
    SECTIONS,
    Absence,
    Copy,
    Entry,
    Kind,
    Record,
    Source,
    from_json,
    to_json,
)
from bot.exchange.records.reading import CannotRead, Reading, Signer, Trust
from bot.exchange.records.topics import topic_of
from bot.kernel.access import Permission
from bot.kernel.crypto import Vault
from bot.kernel.ids import new_id

#: What of a case's own record a sheet begins with. Nothing else of a case ever gets in.
BEGINS_WITH: Mapping[str, str] = {"name": "name", "born": "born", "sex": "sex"}


class SheetMoved(CaseError):
    """A colleague wrote to this sheet meanwhile, or the form was of an older one. Nothing was changed."""


class NotWarned(CaseError):
    """A line that can hurt the child was chosen without saying that the child was warned of it."""


class NothingChosen(CaseError):
    """A copy without a line in it is no copy."""


class TakenBack(CaseError):
    """The child took their assent back: the copy is not given out again."""


class NotThere(CaseError):
    """No such copy or document in this case."""


class Sheet(Struct, frozen=True):
    """The record of one kind as it stands. `id` is "" where nobody wrote one yet."""

    id: str
    record: Record
    officer_id: str = ""
    at: datetime | None = None


class CopyRow(Struct, frozen=True):
    """That a copy was made."""

    id: str
    kind: Kind
    made_by: str
    made_at: datetime
    taken_back: bool


class Document(Struct, frozen=True):
    """Something brought. `reading` is None where it cannot be read any more."""

    id: str
    brought_by: str
    at: datetime
    reading: Reading | None


class Carried(Struct, frozen=True):
    """All that a case has of records to carry."""

    case: Case
    sheets: Mapping[Kind, Sheet]
    copies: Sequence[CopyRow]
    documents: Sequence[Document]


class Assent(Struct, frozen=True):
    """What the child said when asked: in which language, how, to which words."""

    named: str  # for whom it is, as it was said to the child
    language: str
    way: str
    capacity: str
    text: str
    age: int | None = None


def open_carried(tx: Connection, hand: Hand, case_id: str) -> Carried:
    """Everything of one case; the look is in the audit log. Raises CaseNotFound, NotAllowedNow."""
    case = target(tx, hand, case_id, Permission.CARRIED_READ)
    note_in_audit(tx, hand, Permission.CARRIED_READ, case)
    rows, taken_back = store.present_sheets(tx, case.id), _taken_back(tx, case.id)
    return Carried(
        case,
        {kind: _sheet(tx, hand, case, kind, rows.get(kind.value)) for kind in Kind},
        [
            CopyRow(row.id, Kind(row.kind), row.made_by, row.made_at, row.consent_id in taken_back)
            for row in store.copies_of(tx, case.id)
        ],
        _documents(tx, hand, case),
    )


def _sheet(tx: Connection, hand: Hand, case: Case, kind: Kind, row: Any) -> Sheet:
    if row is None:
        return Sheet("", Record(kind, language=case.language))
    text = unseal(tx, hand.vault, case, row.record_sealed, "carried_sheets", row.id, "record")
    record = from_json(json.loads(text)) if text else Record(kind, language=case.language)
    return Sheet(row.id, record, row.officer_id, row.at)


def first_facts(tx: Connection, hand: Hand, case_id: str, kind: Kind) -> dict[str, str]:
    """What the case's own record already says of the person, for a sheet that nobody wrote yet."""
    facts = case_record.open_record(tx, hand, case_id).facts
    wanted = {fact.code for fact in FACTS[kind]} & BEGINS_WITH.keys()
    return {code: facts[code].values[0] for code in wanted if code in facts and facts[code].values}


def write_sheet(tx: Connection, hand: Hand, case_id: str, record: Record, *, seen: str) -> str:
    """Write what a form says in the place of the sheet `seen`. Raises WrongEntry, SheetMoved, NotAllowedNow."""
    case = _open_case(tx, hand, case_id, Permission.CARRIED_WRITE)
    return _write(tx, hand, case, record.checked(), seen)


def _write(tx: Connection, hand: Hand, case: Case, record: Record, seen: str) -> str:
    present = store.present_sheets(tx, case.id, lock=True).get(record.kind.value)
    if (present.id if present else "") != seen:
        raise SheetMoved(case.number)
    sheet_id = new_id()
    sealed = key_of(tx, hand, case).seal_json(to_json(record), table="carried_sheets", row=sheet_id, field="record")
    values = {
        "id": sheet_id,
        "case_id": case.id,
        "kind": record.kind.value,
        "record_sealed": sealed,
        "officer_id": hand.officer.id,
        "at": hand.at,
    }
    store.replace_sheet(tx, seen or None, values)
    _note(tx, hand, case, "carried_written", {"kind": record.kind.value})
    return sheet_id


# Copies


def choices(record: Record) -> list[str]:
    """The codes of all that a child can choose: facts, lines, and that there is none of something."""
    lines = [f"{section.code}.{n}" for section in SECTIONS[record.kind] for n in range(len(record.of(section.code)))]
    none = [code for code, why in record.absences.items() if why is Absence.NONE]
    return [*record.facts, *lines, *none]


def can_hurt(record: Record) -> dict[str, str]:
    """Of those, the lines that can hurt the child, and why."""
    return {
        f"{section.code}.{number}": topic.value
        for section in SECTIONS[record.kind]
        for number, one in enumerate(record.of(section.code))
        if (topic := topic_of(one)) is not None
    }


def make_copy(
    tx: Connection,
    hand: Hand,
    case_id: str,
    kind: Kind,
    *,
    sheet_id: str,
    chosen: Collection[str],
    warned: Collection[str],
    assent: Assent,
    issuer: str,
) -> str:
    """Make what the child takes along: exactly the chosen lines, on an assent recorded now. Returns its id.

    Raises NothingChosen, NotWarned, SheetMoved, IncompleteConsent, NotAllowedNow.
    """
    case = _open_case(tx, hand, case_id, Permission.CARRIED_MAKE)
    row = store.present_sheets(tx, case.id).get(kind.value)
    if row is None or row.id != sheet_id:
        raise SheetMoved(case.number)
    whole = _sheet(tx, hand, case, kind, row).record
    wanted = [code for code in choices(whole) if code in chosen]
    if not wanted:
        raise NothingChosen(case.number)
    if any(code in wanted and code not in warned for code in can_hurt(whole)):
        raise NotWarned(case.number)
    consent_id = _record_assent(tx, hand, case, assent, wanted, kind)
    partner_keys.current_own_key(tx, hand.vault, hand.at)  # made now, if this house has none yet
    copy_id = new_id()
    sealed = key_of(tx, hand, case).seal_json(
        to_json(whole.only(wanted)), table="carried_copies", row=copy_id, field="record"
    )
    store.add_copy(
        tx,
        {
            "id": copy_id,
            "case_id": case.id,
            "kind": kind.value,
            "consent_id": consent_id,
            "record_sealed": sealed,
            "issuer": issuer[:200],
            "made_by": hand.officer.id,
            "made_at": hand.at.replace(microsecond=0),
        },
    )
    _note(tx, hand, case, "carried_made", {"kind": kind.value, "copy": copy_id, "consent": consent_id})
    return copy_id


def _record_assent(tx: Connection, hand: Hand, case: Case, assent: Assent, wanted: Sequence[str], kind: Kind) -> str:
    agreement = Agreement(
        kind=consent.Kind.ASSENT,
        purpose=Purpose.SERVICES,
        recipient="carried:child",
        named=assent.named,
        giver="child",
        capacity=assent.capacity,
        language=assent.language[:16],
        way=assent.way,
        text=assent.text,
        items=tuple(sorted({f"{kind.value}.{code.split('.')[0]}" for code in wanted})),
        age=assent.age,
    )
    if not assent.language.strip():
        raise IncompleteConsent(case.number)
    return consent.record(tx, hand, case.id, agreement).id


def give(tx: Connection, hand: Hand, case_id: str, copy_id: str, how: str) -> tuple[Copy, OwnKey]:
    """A copy to show, print or download, and the key to sign it with. `how` says which, for the audit log.

    Raises NotThere, TakenBack, NotAllowedNow.
    """
    case = target(tx, hand, case_id, Permission.CARRIED_READ)
    row = store.get_copy(tx, case.id, copy_id)
    if row is None or row.record_sealed is None:
        raise NotThere(case.number)
    if row.consent_id in _taken_back(tx, case.id):
        raise TakenBack(case.number)
    text = unseal(tx, hand.vault, case, row.record_sealed, "carried_copies", row.id, "record")
    if not text:
        raise NotThere(case.number)
    note_in_audit(tx, hand, "carried.given", case, {"copy": row.id, "how": how})
    key = partner_keys.current_own_key(tx, hand.vault, hand.at)
    return Copy(row.id, from_json(json.loads(text)), row.issuer, row.made_at), key


def _taken_back(tx: Connection, case_id: str) -> set[str]:
    return {each.id for each in consent.of_case(tx, case_id) if each.withdrawn_at is not None}


# What is brought


def bring(tx: Connection, hand: Hand, case_id: str, text: str) -> str:
    """Keep what somebody brought as a document of the case; it changes nothing. Raises CannotRead, NotAllowedNow."""
    case = _open_case(tx, hand, case_id, Permission.CARRIED_IMPORT)
    found = reading.read(text, signer_of=signers(tx, hand.vault, hand.at))
    document_id = new_id()
    sealed = key_of(tx, hand, case).seal(text, table="carried_documents", row=document_id, field="text")
    store.add_document(
        tx,
        {
            "id": document_id,
            "case_id": case.id,
            "text_sealed": sealed,
            "brought_by": hand.officer.id,
            "at": hand.at,
        },
    )
    facts = {"document": document_id, "form": found.form.value, "trust": found.signer.trust.value}
    _note(tx, hand, case, "carried_brought", facts)
    return document_id


def document(tx: Connection, hand: Hand, case_id: str, document_id: str) -> tuple[Carried, Document]:
    """One document beside the sheets it could be taken over into. Raises NotThere."""
    carried = open_carried(tx, hand, case_id)
    found = next((one for one in carried.documents if one.id == document_id), None)
    if found is None:
        raise NotThere(carried.case.number)
    return carried, found


def take_over(tx: Connection, hand: Hand, case_id: str, document_id: str, chosen: Collection[str], *, seen: str) -> int:
    """Write the chosen lines of a document into the sheet, beside what stands there. Returns how many.

    A fact that says something else is replaced only because somebody chose that; the sheet before stays in the
    history. Raises NotThere, SheetMoved, NothingChosen, WrongEntry.
    """
    case = _open_case(tx, hand, case_id, Permission.CARRIED_IMPORT)
    found = next((one for one in _documents(tx, hand, case) if one.id == document_id), None)
    if found is None or found.reading is None:
        raise NotThere(case.number)
    brought = found.reading.record
    part = brought.only([code for code in choices(brought) if code in chosen])
    if part.is_empty:
        raise NothingChosen(case.number)
    row = store.present_sheets(tx, case.id).get(brought.kind.value)
    sheet = _sheet(tx, hand, case, brought.kind, row).record
    by = found.reading.signer.name
    entries = {**sheet.entries}
    for code, lines in part.entries.items():
        new = [_as_brought(one, by) for one in lines if not any(_same(one, other) for other in sheet.of(code))]
        entries[code] = (*sheet.of(code), *new)
    merged = replace(
        sheet,
        second=sheet.second or part.second,
        facts={**sheet.facts, **part.facts},
        entries=entries,
        absences={**sheet.absences, **part.absences},
    )
    _write(tx, hand, case, merged.checked(), seen)
    _note(tx, hand, case, "carried_taken_over", {"document": document_id, "kind": brought.kind.value})
    return len(part.facts) + sum(map(len, part.entries.values()))


def _as_brought(one: Entry, by: str) -> Entry:
    """What we only read in a record, we have not examined ourselves."""
    return replace(one, source=Source.SEEN if one.source is Source.EXAMINED else one.source, by=one.by or by)


def _same(one: Entry, other: Entry) -> bool:
    def said(line: Entry) -> tuple[object, ...]:
        return line.text.casefold(), line.detail, line.when, line.severity

    return said(one) == said(other)


def put_away(tx: Connection, hand: Hand, case_id: str, document_id: str) -> None:
    """A document is not needed: its words go, that there was one stays. Raises NotThere."""
    case = _open_case(tx, hand, case_id, Permission.CARRIED_IMPORT)
    if not store.put_away(tx, case.id, document_id, hand.at):
        raise NotThere(case.number)
    note_in_audit(tx, hand, "carried.put_away", case, {"document": document_id})


def _documents(tx: Connection, hand: Hand, case: Case) -> list[Document]:
    known = signers(tx, hand.vault, hand.at)
    found = []
    for row in store.documents_of(tx, case.id):
        text = unseal(tx, hand.vault, case, row.text_sealed, "carried_documents", row.id, "text")
        try:
            made = reading.read(text, signer_of=known)
        except CannotRead:
            made = None
        found.append(Document(row.id, row.brought_by, row.at, made))
    return found


_TRUST_OF_STATE: Mapping[KeyState, Trust] = {
    KeyState.VERIFIED: Trust.KNOWN,
    KeyState.EARLY: Trust.OLD_KEY,
    KeyState.EXPIRED: Trust.OLD_KEY,
    KeyState.REVOKED: Trust.REVOKED,
    KeyState.TAMPERED: Trust.REVOKED,
    KeyState.UNVERIFIED: Trust.STRANGER,
}


def signers(tx: Connection, vault: Vault, at: datetime) -> Callable[[bytes], Signer]:
    """Whose a public key is: ours, a partner's, or nobody's we know."""
    known: dict[bytes, Signer] = {}
    for partner in partners.everyone(tx, vault):
        for key in partner.keys:
            trust = _TRUST_OF_STATE[key.state(at)]
            if partner.closed_at is not None and trust is Trust.KNOWN:
                trust = Trust.OLD_KEY
            known[key.sign_public] = Signer(trust, partner.name if trust is not Trust.STRANGER else "")
    for own in partners.own_keys(tx, vault):
        known[own.sign_public] = Signer(Trust.REVOKED if own.revoked_at is not None else Trust.OURS)
    return lambda public: known.get(public, Signer(Trust.STRANGER))


def _open_case(tx: Connection, hand: Hand, case_id: str, permission: Permission) -> Case:
    case = target(tx, hand, case_id, permission)
    if not case.is_open:
        raise NotAllowedNow(case.number)
    return case


def _note(tx: Connection, hand: Hand, case: Case, act: str, facts: Mapping[str, str | None]) -> None:
    write_down(tx, hand.vault, case, act, officer_id=hand.officer.id, at=hand.at, facts=facts)
