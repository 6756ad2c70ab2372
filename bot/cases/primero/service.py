"""A case handed to an agency as a Primero file, on a consent; and one that came, as a new case to be looked at."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases import consent, intake, telling
from bot.cases.consent import Consent, Purpose
from bot.cases.hand import Hand, target, write_down
from bot.cases.intake import Arrival, Wanted
from bot.cases.model import Case, CaseError, CaseStatus, NotAllowedNow
from bot.cases.ports import Adults
from bot.cases.primero.model import FieldMap, Taken, as_primero, holds, read, taken, written
from bot.cases.reasons import REASONS
from bot.cases.record import service as record
from bot.cases.service import LONGEST_NOTE, write_note
from bot.kernel.access import Permission
from bot.kernel.words import N_
from dialogues.understanding.model import Priority

REASON = "from_agency"
WHAT = "primero"
HANDED_OVER = N_("Handed over by another agency. Their number: {number}.")
LEFT = N_("What came and did not fit into the record:")


class NoConsent(CaseError):
    """Nobody agreed that this agency gets the case, or what they agreed to can not be sent. Nothing was written."""


class Written(Struct, frozen=True):
    """A file that was written, and what is in it."""

    name: str
    content: bytes
    items: tuple[str, ...]
    left_out: tuple[str, ...]  # agreed to, and not sent: locked, hidden from this officer, or empty


def agreed(ledger: Sequence[Consent], hand: Hand, case: Case, own_country: str) -> list[Consent]:
    """The consents that a file can be written on: to hand the case over, in force, and inside our own country, which is
    that of the case where nobody set it.

    To another country nothing leaves but through the gate of the exchange.
    """
    home = own_country or case.country
    return [
        row
        for row in ledger
        if row.carries(hand.at)
        and row.agreement.purpose is Purpose.TRANSFER
        and row.agreement.country in (None, "", home)
    ]


def hand_over(
    tx: Connection,
    hand: Hand,
    case_id: str,
    consent_id: str | None,
    *,
    fields: FieldMap,
    own_country: str,
    adults: Adults,
) -> Written:
    """Write the file for the agency of a consent: what it covers, this officer may read, and may be sent at all.

    Without `consent_id` on the newest that there is.

    The share stands in the ledger in the same transaction. Raises CaseNotFound, NotAllowedNow, NotToldFirst,
    NoConsent, and MayBeFeared where the refugee gate stops it: an agency may be the mission of another country.
    """
    case = target(tx, hand, case_id, Permission.REFERRAL_SEND)
    if case.status is not CaseStatus.CLAIMED:
        raise NotAllowedNow(case.number)
    rows = agreed(consent.in_words(tx, hand.vault, case), hand, case, own_country)
    row = next((one for one in rows if consent_id in (None, one.id)), None)
    if row is None:
        raise NoConsent(case.number)
    adults.require_may_hear(tx, hand.vault, case, row.agreement)
    items = set(row.agreement.items) - set(row.agreement.withheld)
    standing = consent.in_force(tx, case.id, Purpose.TRANSFER, row.agreement.recipient, hand.at, items)
    if standing is None:  # a newer word of theirs holds something of it back
        raise NoConsent(case.number)
    telling.require_answer(tx, case, standing)
    shown = record.open_record(tx, hand, case.id)
    facts = {code: fact.values for code, fact in shown.facts.items() if code in items & fields.sendable()}
    data = as_primero(facts, fields)
    sent = sorted(code for code in facts if holds(data, fields.fields[code]))
    if not sent:
        raise NoConsent(case.number)
    share_id = consent.share(tx, hand, case, standing, f"{WHAT}:{case.number}", sent)
    write_down(
        tx, hand.vault, case, "primero_written", officer_id=hand.officer.id, at=hand.at, facts={"share": share_id}
    )
    about = {
        "status": "open",
        "registration_date": case.opened_at.date().isoformat(),
        "other_agency_id": case.number,
        "other_agency_name": "Waymark",
    }
    name = f"case-{case.number}.json"
    return Written(name, written(share_id, {**about, **data}), tuple(sent), tuple(sorted(items - set(sent))))


def bring(tx: Connection, hand: Hand, content: bytes, *, fields: FieldMap, another_person: bool) -> list[Case]:
    """Open a case for each record of a file, in the queue: all of them, or none.

    What fits stands in the record, the rest in a note. Raises CannotRead, AlreadyOpen where somebody like this has an
    open case and the officer has not said that it is another person, and NotAllowedNow.
    """
    return [_bring(tx, hand, taken(data, fields), another_person=another_person) for data in read(content)]


def _bring(tx: Connection, hand: Hand, came: Taken, *, another_person: bool) -> Case:
    names = " ".join(value for code in ("name", "other_names") for value in came.facts.get(code, ()))
    wanted = Wanted(name=names, born=next(iter(came.facts.get("born", ())), ""))
    if wanted.empty:
        wanted = Wanted(name=came.number or "primero")
    words, language = hand.words, hand.officer.languages[0] if hand.officer.languages else "en"
    told = (
        words.text(language, HANDED_OVER, number=came.number) if came.number else words.text(language, REASONS[REASON])
    )
    arrival = Arrival(
        wanted=wanted,
        reason=REASON,
        priority=Priority.P1 if came.facts.get("urgent") == ("yes",) else Priority.P2,
        words=told,
        language=language,
        source="agency",
        another_person=another_person,
        held=False,
    )
    case = intake.open_case(tx, hand, arrival, proof=intake.searched(hand, wanted))
    record.take_in(tx, hand, case, came.facts)
    if came.left:
        lines = [words.text(language, LEFT), *(f"{name}: {value}" for name, value in came.left.items())]
        for text in _in_notes("\n".join(lines)):
            write_note(tx, hand, case.id, text=text, once="")
    return case


def _in_notes(text: str) -> list[str]:
    """As many notes as it takes: nothing of a child's file is cut off because it is long. Cut between two lines where
    one is near the end."""
    notes = []
    while len(text) > LONGEST_NOTE:
        cut = text.rfind("\n", LONGEST_NOTE // 2, LONGEST_NOTE)
        cut = LONGEST_NOTE if cut < 0 else cut
        notes.append(text[:cut])
        text = text[cut:].lstrip("\n")
    return [note for note in [*notes, text] if note.strip()]
