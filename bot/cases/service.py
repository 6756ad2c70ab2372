"""What can be done with cases: one use case a function, each of them one transaction.

Every function that shows or changes a case takes the officer who asks. A case outside that officer's scope is not
found, because the scope is part of the query. Reading the words of a case is written into the audit log in the same
transaction that reads them; opening the queue in one that is committed before.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.cases import (
    alarm,
    choosing,
    handover_store,
    panel_store,
    receipt_store,
    receipts,
    safe_time,
    same_child,
    store,
    supervision_store,
    tongue,
    whereabouts,
)
from bot.cases.hand import (
    NO_BUTTONS,
    SYSTEM,
    Hand,
    in_scope,
    move,
    note_in_audit,
    say,
    seal,
    target,
    unseal,
    visible,
    write_down,
)
from bot.cases.model import (
    ACKNOWLEDGE_WITHIN,
    Act,
    Alarm,
    AlreadyClaimed,
    Case,
    CaseNotFound,
    CaseStatus,
    NotAllowedNow,
    NotReadyToClose,
)
from bot.cases.queue_time import QueueTime
from bot.cases.reasons import DUPLICATE, SILENT, TRANSFERRED, WANTS_ERASURE
from bot.cases.record import closure
from bot.cases.reported import Reports
from bot.conversations import service as conversations
from bot.conversations.ports import Escalated, Escalation, Whereabouts
from bot.kernel import access, audit
from bot.kernel.access import Permission
from bot.kernel.crypto import Erased, Vault
from bot.kernel.history import Happened
from bot.kernel.ids import new_id
from bot.kernel.officers import Officer
from bot.kernel.words import N_, Words
from dialogues.understanding import own_case
from dialogues.understanding.model import Priority

#: Why the program closes a case by itself: nobody can choose it.
ERASED = "erased"
#: No character that is mistaken for another when read aloud or by hand.
NUMBER_ALPHABET = "23456789ACDEFHJKMNPQRTUVWXY"
NUMBER_LETTERS = 6
LONGEST_NOTE = 8000
#: Who asked for a person has a way to come back to them from another phone.
ASKED_FOR_PERSON = frozenset({"asked_for_person", "ask_human"})


PERSON_READS = N_("A person is reading your words now. They will answer you here.")
PERSON_LEFT = N_("The person had to go. I am here, and I am asking for another person.")
WROTE_SINCE = N_("They have just written. Read it first: once the case is closed nobody would.")
TALK_CLOSED = N_("This talk is closed now. You can write to me at any time.")


class CaseSummary(Struct, frozen=True):
    """A case as a list shows it."""

    case: Case
    words: str  # what the person wrote; "" once erased
    place: str


class Queue(Struct, frozen=True):
    """What waits, the most urgent first."""

    waiting: list[CaseSummary]
    counts: Mapping[Priority, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


class Note(Struct, frozen=True):
    """What officers tell each other about a case. The person never sees it."""

    id: str
    officer_id: str
    at: datetime
    text: str
    kind: str = "internal"


class CaseFile(Struct, frozen=True):
    """A case opened by an officer who may read it."""

    case: Case
    words: str
    place: str
    alarm: Alarm | None
    events: list[Happened]
    notes: list[Note]
    places: Sequence[whereabouts.Named] = ()  # where more than one was named


# A message becomes a case -----------------------------------------------------------------------------------------


class CaseEscalations:
    """Cases, as the message path needs them (`bot.conversations.ports.Escalations`)."""

    def __init__(self, vault: Vault, words: Words | None = None, queue_time: QueueTime | None = None) -> None:
        """Without `words` nobody is given a return code, without `queue_time` nobody is told how long it takes."""
        self._vault = vault
        self._words = words
        self._queue_time = queue_time
        self._reports = Reports(vault, words)

    def escalate(self, tx: Connection, escalation: Escalation, *, at: datetime) -> Escalated:
        """Open a case, or raise the open one, and ring. The same key again changes nothing."""
        seen = store.trigger_case(tx, escalation.key)
        if seen is not None:
            found = store.get_case(tx, seen)
            assert found is not None  # a trigger points at its case by a foreign key
            return Escalated(found.case.id, found.case.number, new=False, raised=False)
        known = same_child.led_to(tx, escalation.conversation_id)
        if known is None and (opened := _open_case(tx, self._vault, escalation, at=at)) is not None:
            escalated = self._escalated(tx, escalation, opened, before=None, at=at)
            self._tell_time(tx, escalation, opened, at=at)
            if self._words is not None and escalation.reason in ASKED_FOR_PERSON:
                receipts.give(tx, self._vault, self._words, opened, at=at, officer_id=None)
            return escalated
        if known is None:  # opened by another transaction in this very moment
            known = store.open_case_of(tx, escalation.conversation_id)
            assert known is not None
        return self._raise(tx, escalation, known, at=at)

    def person_wrote(
        self, tx: Connection, conversation_id: str, *, at: datetime, place: Whereabouts | None = None
    ) -> str | None:
        """Remember that the person of an open case waits for an answer, and where they say that they are. The case,
        if there is one."""
        case_id = store.person_wrote(tx, conversation_id, at)
        if case_id is None and (case := same_child.led_to(tx, conversation_id)) is not None:
            same_child.heard(tx, self._vault, case, conversation_id, at=at)
            case_id = store.person_wrote(tx, case.conversation_id, at)
        if case_id is not None:
            tongue.follow(tx, self._vault, case_id, conversation_id, at=at)
        if case_id is not None and place is not None:
            whereabouts.keep(tx, self._vault, case_id, place, at=at)
        return case_id

    def reported(self, tx: Connection, conversation_id: str, answers: Mapping[str, str], *, at: datetime) -> str | None:
        """Write more answers of a report into the record of the open case. The case, if there is one."""
        case = same_child.led_to(tx, conversation_id)
        if case is not None:
            self._reports.go_on(tx, case, answers, at=at)
            whereabouts.keep_reported(tx, self._vault, case.id, answers, at=at)
        return None if case is None else case.id

    def _raise(self, tx: Connection, escalation: Escalation, known: Case, *, at: datetime) -> Escalated:
        case = known.raised(escalation.reason, escalation.priority, at=at)
        raised = case is not known
        if raised:
            store.save_case(tx, known, case)
            with suppress(Erased):  # erased words stay erased; the alarm is what matters
                key = self._vault.key(tx, known.key_id)
                store.reseal(tx, case.id, words_sealed=seal(key, case.id, "words", escalation.words))
        escalated = self._escalated(tx, escalation, case, before=known, at=at)
        if raised or escalation.reason in ASKED_FOR_PERSON:
            self._tell_time(tx, escalation, case, at=at)
        return escalated

    def _tell_time(self, tx: Connection, escalation: Escalation, case: Case, *, at: datetime) -> None:
        if self._queue_time is not None and case.conversation_id == escalation.conversation_id:
            self._queue_time.tell(tx, case, language=escalation.language, at=at)

    def _escalated(
        self, tx: Connection, escalation: Escalation, case: Case, *, before: Case | None, at: datetime
    ) -> Escalated:
        """`before` is the case as it was until then, None where this opened it."""
        new, raised = before is None, before is not None and case is not before
        reason, priority = escalation.reason, escalation.priority
        store.add_trigger(tx, key=escalation.key, case_id=case.id, reason=reason, priority=priority, at=at)
        if reason != WANTS_ERASURE and own_case.asks_to_erase(escalation.words):
            # Heard as danger, which goes first: what they asked for stays asked all the same.
            key = f"{escalation.key}:erase"[-200:]
            store.add_trigger(tx, key=key, case_id=case.id, reason=WANTS_ERASURE, priority=priority, at=at)
        alarm.ring(tx, case, at=at)
        supervision_store.owe_review(tx, case, at)
        facts = {"reason": reason, "priority": priority.value, "source": escalation.source}
        act = "opened" if new else "raised" if raised else "signalled"
        write_down(tx, self._vault, case, act, officer_id=None, at=at, facts=facts)
        if escalation.report:
            self._reports.begin(tx, case, escalation.report, before=before, goes_on=escalation.report_goes_on, at=at)
            whereabouts.keep_reported(tx, self._vault, case.id, escalation.report, at=at)
        return Escalated(case.id, case.number, new=new, raised=raised)


def _open_case(tx: Connection, vault: Vault, escalation: Escalation, *, at: datetime) -> Case | None:
    key = vault.new_key(tx, at)
    card = conversations.card(tx, escalation.conversation_id)
    case = Case(
        id=new_id(),
        number=free_number(tx),
        conversation_id=escalation.conversation_id,
        key_id=key.id,
        reason=escalation.reason,
        priority=escalation.priority,
        status=CaseStatus.NEW,
        owner_id=None,
        language=escalation.language,
        country=escalation.country,
        source=escalation.source,
        reporter=escalation.reporter,
        opened_at=at,
        due_at=at + ACKNOWLEDGE_WITHIN[escalation.priority],
        person_wrote_at=at,
        demo=card is not None and card.demo,
    )
    words = seal(key, case.id, "words", escalation.words)
    place = seal(key, case.id, "place", escalation.place) if escalation.place else None
    return case if store.add_case(tx, case, words_sealed=words, place_sealed=place) else None


def free_number(tx: Connection) -> str:
    """A number that no case has."""
    while True:
        letters = "".join(secrets.choice(NUMBER_ALPHABET) for _ in range(NUMBER_LETTERS))
        number = f"{letters[:3]}-{letters[3:]}"
        if not store.number_taken(tx, number):
            return number


# Looking ----------------------------------------------------------------------------------------------------------


def id_of_number(tx: Connection, hand: Hand, said: str) -> str:
    """The case with this number as somebody types it: small letters, no dash, blanks around it.

    Raises CaseNotFound, for one that is not theirs to see as for one that is not there.
    """
    letters = "".join(said.split()).replace("-", "").upper()
    case_id = store.id_of_number(tx, f"{letters[:3]}-{letters[3:]}") if len(letters) == NUMBER_LETTERS else None
    if case_id is None:
        raise CaseNotFound
    return visible(tx, hand.officer, case_id, at=hand.at).case.id


def look_at_queue(tx: Connection, vault: Vault, officer: Officer, *, limit: int = 50) -> Queue:
    """What waits for somebody, as far as this officer may see it."""
    scope = in_scope(officer)
    summaries = summaries_of(tx, vault, store.waiting(tx, scope, limit=limit))
    return Queue(summaries, store.waiting_counts(tx, scope))


def note_queue_read(tx: Connection, hand: Hand) -> None:
    """The queue shows people's first words, so opening it is a read and is written down as one."""
    audit.append(tx, hand.vault, at=hand.at, actor=hand.officer.id, act=Permission.QUEUE_READ, object="queue")


def look_at_own(tx: Connection, vault: Vault, officer: Officer, *, limit: int = 50) -> list[CaseSummary]:
    """The cases this officer holds; those whose person waits first."""
    return summaries_of(tx, vault, store.held_by(tx, officer.id, limit=limit))


def look_at_closed(tx: Connection, vault: Vault, officer: Officer, *, limit: int = 20) -> list[CaseSummary]:
    """The cases this officer closed last."""
    return summaries_of(tx, vault, store.closed_by_owner(tx, officer.id, limit=limit))


def look_at_others(tx: Connection, vault: Vault, officer: Officer, *, limit: int = 50) -> list[CaseSummary]:
    """The cases colleagues hold: for those who coordinate, nothing for anybody else."""
    if not access.case_scope(officer).everyones:
        return []
    return summaries_of(tx, vault, store.held_by_others(tx, officer.id, limit=limit))


def open_file(tx: Connection, hand: Hand, case_id: str) -> CaseFile:
    """Read a case. Raises CaseNotFound; the reading is in the audit log when it returns."""
    sealed = visible(tx, hand.officer, case_id, at=hand.at)
    note_in_audit(tx, hand, Permission.CASE_READ, sealed.case)
    return _file(tx, hand.vault, sealed)


def watch_file(tx: Connection, vault: Vault, officer: Officer, case_id: str, *, at: datetime) -> CaseFile:
    """Look again at a case that is already open on this officer's screen. Raises CaseNotFound once it is not theirs."""
    return _file(tx, vault, visible(tx, officer, case_id, at=at))


def _file(tx: Connection, vault: Vault, sealed: store.SealedCase) -> CaseFile:
    summary = summary_of(tx, vault, sealed)
    case = sealed.case
    notes = [
        Note(
            row.id,
            row.officer_id,
            row.at,
            unseal(tx, vault, case, row.text_sealed, "case_notes", row.id, "text"),
            row.kind,
        )
        for row in store.notes_of(tx, case.id)
    ]
    ringing = store.get_alarm(tx, case.id, lock=False)
    places = whereabouts.named(tx, vault, case)
    return CaseFile(case, summary.words, summary.place, ringing, store.events_of(tx, case.id), notes, places)


# Acting -----------------------------------------------------------------------------------------------------------


def claim_case(tx: Connection, hand: Hand, case_id: str) -> Case:
    """Take a case that waits: the alarm stops, the bot falls silent, the person is told.

    Raises AlreadyClaimed when a colleague was quicker, and just the same when there is no such case.
    """
    sealed = store.get_case(tx, case_id, lock=True)
    if sealed is None or not access.allows(hand.officer, Permission.CASE_CLAIM, sealed.case):
        raise AlreadyClaimed(case_id)
    return _claim(tx, hand, sealed.case)


def claim_next(tx: Connection, hand: Hand) -> Case | None:
    """Take the case that `choosing` gives this officer, or None when nobody waits. Raises AtCapacity."""
    case = choosing.next_for(tx, hand.officer, hand.at)
    if case is None or not access.allows(hand.officer, Permission.CASE_CLAIM, case):
        return None
    return _claim(tx, hand, case)


def _claim(tx: Connection, hand: Hand, case: Case) -> Case:
    claimed = move(tx, hand, case, Act.CLAIM)
    alarm.acknowledge(tx, case.id, officer_id=hand.officer.id, at=hand.at)
    conversations.hand_to_human(tx, case.conversation_id, hand.at)
    offered = {receipts.COME_BACK: receipts.ASK_CODE} if receipts.may_be_given_first(tx, claimed) else NO_BUTTONS
    if safe_time.is_safe(tx, hand.vault, claimed, hand.at):
        say(tx, hand.vault, hand.words, claimed, PERSON_READS, "person_reads", at=hand.at, buttons=offered)
    return claimed


def take_over(tx: Connection, hand: Hand, case_id: str) -> Case:
    """Take a case out of a colleague's hands. The person notices nothing but a new voice."""
    case = target(tx, hand, case_id, Permission.CASE_TAKE_OVER)
    if case.owner_id == hand.officer.id:
        raise NotAllowedNow(case.number)
    taken = move(tx, hand, case, Act.TAKE_OVER, facts={"from": case.owner_id})
    alarm.acknowledge(tx, case.id, officer_id=hand.officer.id, at=hand.at)
    return taken


def release_case(tx: Connection, hand: Hand, case_id: str) -> Case:
    """Put a case back into the queue. It rings again, and the bot answers meanwhile."""
    case = target(tx, hand, case_id, Permission.CASE_RELEASE)
    released = move(tx, hand, case, Act.RELEASE)
    alarm.ring_anew(tx, released, at=hand.at)
    conversations.hand_back(tx, case.conversation_id, hand.at)
    tell_person_left(tx, hand.vault, hand.words, released, at=hand.at)
    return released


def close_case(
    tx: Connection,
    hand: Hand,
    case_id: str,
    *,
    closing: str,
    checked: Collection[str] = frozenset(),
    read_up_to: int | None = None,
) -> Case:
    """Close a case: the bot resumes. Words stay until retention erases them, so that a complaint can be answered.

    `checked` are the items of the checklist that whoever closes vouches for, `read_up_to` the person's last line on
    their screen: what was written since nobody would read. Raises NotReadyToClose where one is missing in a case that
    was worked on, where something is still under way, and where the person has written since.
    """
    case = target(tx, hand, case_id, Permission.CASE_CLOSE)
    in_the_way = closure.missing(tx, case.id, checked)
    if read_up_to is not None and conversations.last_of_person(tx, case.conversation_id) > read_up_to:
        in_the_way.append(WROTE_SINCE)
    if closing == SILENT and (too_soon := closure.silent_too_soon(case, hand.at)):
        in_the_way.append(too_soon)
    if in_the_way:
        raise NotReadyToClose(case.number, in_the_way)
    closed = move(tx, hand, case, Act.CLOSE, closing=closing, facts={"closing": closing})
    panel_store.end(tx, case.id, by=hand.officer.id, at=hand.at)
    alarm.acknowledge(tx, case.id, officer_id=hand.officer.id, at=hand.at)
    conversations.hand_back(tx, case.conversation_id, hand.at)
    if safe_time.is_safe(tx, hand.vault, case, hand.at):
        say(tx, hand.vault, hand.words, closed, TALK_CLOSED, "talk_closed", at=hand.at)
    return closed


def reopen_case(tx: Connection, hand: Hand, case_id: str) -> Case:
    """Open a closed case again and hold it. Raises NotAllowedNow when the person has another open case by now, and
    when their words were erased or their case was handed to another deployment: then there is nobody to answer. A
    duplicate is opened by `same_child.undo`."""
    case = target(tx, hand, case_id, Permission.CASE_REOPEN)
    if case.closing in (TRANSFERRED, DUPLICATE):
        raise NotAllowedNow(case.number)
    card = conversations.card(tx, case.conversation_id)
    if card is None or card.erased_at is not None or store.open_case_of(tx, case.conversation_id) is not None:
        raise NotAllowedNow(case.number)
    reopened = move(tx, hand, case, Act.REOPEN)
    conversations.hand_to_human(tx, case.conversation_id, hand.at)
    return reopened


def acknowledge_alarm(tx: Connection, hand: Hand, case_id: str) -> bool:
    """ "I have seen it", from the officer who holds the case. False when nothing was ringing."""
    case = target(tx, hand, case_id, Permission.CASE_ANSWER)
    if not alarm.acknowledge(tx, case.id, officer_id=hand.officer.id, at=hand.at):
        return False
    write_down(tx, hand.vault, case, "acknowledged", officer_id=hand.officer.id, at=hand.at)
    return True


def write_note(tx: Connection, hand: Hand, case_id: str, *, text: str, once: str, shared: bool = False) -> str | None:
    """Keep a note for colleagues. The id, or None when this very form was sent before.

    Only a `shared` one may go along when the case is given to somebody else; the others never leave.
    """
    case = target(tx, hand, case_id, Permission.CASE_READ)
    text = text.strip()
    if not text or len(text) > LONGEST_NOTE or case.read_by:  # who broke the glass reads, and no more
        raise NotAllowedNow(case.number)
    if shared and case.asked:  # what is told to others is for whoever holds the case to decide
        raise NotAllowedNow(case.number)
    try:
        key = hand.vault.key(tx, case.key_id)
    except Erased:
        raise NotAllowedNow(case.number) from None
    if not store.add_event(tx, case.id, "noted", officer_id=hand.officer.id, at=hand.at, once=once or None):
        return None
    note_id = new_id()
    sealed = key.seal(text, table="case_notes", row=note_id, field="text")
    store.add_note(
        tx,
        note_id=note_id,
        case_id=case.id,
        officer_id=hand.officer.id,
        at=hand.at,
        text_sealed=sealed,
        kind="shared" if shared else "internal",
    )
    note_in_audit(tx, hand, "case.note", case)
    return note_id


def erase_words(tx: Connection, vault: Vault, conversation_id: str, *, at: datetime) -> int:
    """Erase what people wrote in every case of a conversation: the facts stay. Returns how many cases.

    One that is still open is closed, and its alarm ends: there is nobody left to answer. Call `database.clear_log()`
    after the commit.
    """
    known = store.open_case_of(tx, conversation_id)
    if known is not None:
        closed = replace(known, status=CaseStatus.CLOSED, closed_at=at, closing=ERASED, offered_to=None)
        handover_store.end_offers(tx, known.id, "withdrawn", at=at)
        if not store.save_case(tx, known, closed):
            raise NotAllowedNow(known.number)
        alarm.acknowledge(tx, known.id, officer_id=SYSTEM, at=at)
        write_down(tx, vault, closed, Act.CLOSE, officer_id=None, at=at, facts={"closing": ERASED})
    key_ids = store.key_ids_of(tx, conversation_id)
    for key_id in key_ids:
        vault.destroy(tx, key_id, at)
    store.forget_words(tx, conversation_id)
    receipt_store.drop_receipts_of(tx, conversation_id)
    return len(key_ids)


def take_back(tx: Connection, vault: Vault, case: Case, *, at: datetime, because: str) -> Case:
    """Put a case back into the queue in the name of the program: its owner is `absent` or `silent`."""
    released = case.after(Act.RELEASE, officer_id=SYSTEM, at=at)
    if not store.save_case(tx, case, released):
        raise NotAllowedNow(case.number)
    if case.offered_to is not None:
        handover_store.end_offers(tx, case.id, "withdrawn", at=at)
    write_down(tx, vault, released, Act.RELEASE, officer_id=None, at=at, facts={because: case.owner_id})
    alarm.ring_anew(tx, released, at=at)
    conversations.hand_back(tx, case.conversation_id, at)
    return released


def record_reminder(tx: Connection, vault: Vault, case: Case, *, at: datetime) -> None:
    """Write down that the owner of a case was reminded of somebody who waits."""
    write_down(tx, vault, case, "reminded", officer_id=None, at=at, facts={"owner": case.owner_id})


def tell_person_left(tx: Connection, vault: Vault, words: Words, case: Case, *, at: datetime) -> None:
    """Say to the person that somebody else is being asked: at the time they called safe, or where danger is now."""
    if case.priority is Priority.P0 or safe_time.is_safe(tx, vault, case, at):
        say(tx, vault, words, case, PERSON_LEFT, "person_left", at=at)


def summaries_of(tx: Connection, vault: Vault, sealed: Sequence[store.SealedCase]) -> list[CaseSummary]:
    """The same for many."""
    vault.look_at(tx, {each.case.key_id for each in sealed})
    return [summary_of(tx, vault, each) for each in sealed]


def summary_of(tx: Connection, vault: Vault, sealed: store.SealedCase) -> CaseSummary:
    """A case with its words opened, for a list. Ask only for what the officer may see."""
    case = sealed.case
    words = unseal(tx, vault, case, sealed.words_sealed, "cases", case.id, "words")
    place = unseal(tx, vault, case, sealed.place_sealed, "cases", case.id, "place")
    return CaseSummary(case, words, place)
