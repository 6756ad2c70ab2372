"""Two cases that are about one child: one of them goes on, the other is closed as its duplicate.

Nothing is thrown together: each keeps its own timeline, record, notes and key, so that it can be undone. What must not
be lost with a closed case goes over: the graver priority, the alarm that still climbed, who belongs to the same family,
and the way back. The child is answered in one conversation. What they write in the other is heard by the bot as ever,
and leads to the case that goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.cases import (
    alarm,
    household,
    panel_store,
    receipt_store,
    same_child_store,
    searches,
    store,
    supervision_store,
    urgency,
)
from bot.cases.hand import AT_DESK, MOST_STEPS, Hand, move, note_down, target, visible, write_down
from bot.cases.model import Act, Case, CaseNotFound, CaseStatus, NotAllowedNow, NotReadyToClose
from bot.cases.reasons import DUPLICATE
from bot.cases.record import closure
from bot.conversations import service as conversations
from bot.conversations.model import MessageClass
from bot.kernel import access
from bot.kernel.access import Permission
from bot.kernel.crypto import Vault
from bot.kernel.words import N_
from dialogues.understanding.model import Priority

LONGEST_WHY = 500
MOST_ALIKE = 8
GOES_ON_THERE = N_("The person who helps you answers in your other talk with us. You can write here too: it is read.")

#: What keeps a case (the first) from being closed as a duplicate of another, in the rooms above: a sentence each.
Ties = Callable[[Connection, Case, Case], Sequence[str]]


class Alike(Struct, frozen=True):
    """Another case in which the same name, phone or date of birth is known. No word of it is told."""

    case: Case
    fits: int
    may_be_kept: bool  # this officer may let it go on


class Merged(Struct, frozen=True):
    """What a case has to do with others of the same child."""

    kept: Case | None  # this one is a duplicate, and that one goes on
    duplicates: Sequence[Case]  # this one goes on, and those are its duplicates, or came back to it
    talks_left: Sequence[str]  # conversations that lead here and in which nobody is answered


def merge(tx: Connection, hand: Hand, case_id: str, number: str, *, why: str, goes_on_here: bool, ties: Ties) -> Case:
    """The case `case_id` is about the same child as the one with this number, which goes on. Returns that one.

    `goes_on_here` is whether the child is answered in the conversation of the duplicate from now on; somebody who does
    not write to us is never the reason to leave one who does. Raises CaseNotFound for a case that is not this officer's
    to see, NotAllowedNow where one of the two has moved on or is not theirs to decide, and NotReadyToClose with what
    would be lost: then let the other one go on, or end that first.
    """
    why, kept_id = why.strip(), _id_of(tx, number)
    case = target(tx, hand, case_id, Permission.CASE_MERGE, lock=False)
    if not why or len(why) > LONGEST_WHY or kept_id == case.id:
        raise NotAllowedNow(case.number)
    both = {each: visible(tx, hand.officer, each, at=hand.at, lock=True).case for each in sorted((case.id, kept_id))}
    case, kept = both[case.id], both[kept_id]
    if case.status is not CaseStatus.CLAIMED or not may_be_kept(hand, kept):
        raise NotAllowedNow(case.number)
    if in_the_way := [*closure.obstacles(tx, case.id), *ties(tx, case, kept)]:
        raise NotReadyToClose(case.number, in_the_way)
    rang = store.get_alarm(tx, case.id)
    waits = case.person_waits or (rang is not None and rang.climbing)
    duplicate = _closed(tx, hand, case, kept, why)
    kept = _held(tx, hand, kept, owner_id=str(case.owner_id))
    kept = graver(tx, hand, kept, case)
    household.carry_over(tx, hand, duplicate, kept)
    kept = _one_talk(tx, hand, duplicate, kept, goes_on_here=goes_on_here)
    if case.person_waits:
        store.person_wrote(tx, kept.conversation_id, hand.at)
    if waits and kept.owner_id != hand.officer.id:  # nobody who knows of it has said that they have it
        alarm.ring_anew(tx, kept, at=hand.at)
    return kept


def _id_of(tx: Connection, number: str) -> str:
    found = store.id_of_number(tx, number.strip().upper())
    if found is None:
        raise CaseNotFound(number)
    return found


def may_be_kept(hand: Hand, case: Case) -> bool:
    """Whether this officer may let a case go on in the place of another: it is theirs, or nobody's yet."""
    if not case.is_open or case.read_by or case.asked:
        return False
    permission = Permission.CASE_CLAIM if case.owner_id is None else Permission.CASE_MERGE
    return access.allows(hand.officer, permission, case)


def _closed(tx: Connection, hand: Hand, case: Case, kept: Case, why: str) -> Case:
    facts = {"closing": DUPLICATE, "case": kept.id}
    closed = move(tx, hand, case, Act.CLOSE, owner_id=case.owner_id, closing=DUPLICATE, facts=facts)
    panel_store.end(tx, case.id, by=hand.officer.id, at=hand.at)
    alarm.acknowledge(tx, case.id, officer_id=hand.officer.id, at=hand.at)
    write_down(tx, hand.vault, kept, "same_child", officer_id=hand.officer.id, at=hand.at, facts={"case": case.id})
    for each in (closed, kept):
        note_down(tx, hand, each, why)
    return closed


def _held(tx: Connection, hand: Hand, kept: Case, *, owner_id: str) -> Case:
    """Where nobody had the case that goes on, whoever held the other one has it."""
    if kept.status is CaseStatus.CLAIMED:
        return kept
    claimed = move(tx, hand, kept, Act.CLAIM, owner_id=owner_id)
    alarm.acknowledge(tx, kept.id, officer_id=hand.officer.id, at=hand.at)
    return claimed


def graver(tx: Connection, hand: Hand, kept: Case, duplicate: Case) -> Case:
    """The case that goes on, as urgent as the graver of the two."""
    raised = kept.raised(duplicate.reason, duplicate.priority, at=hand.at)
    if raised is kept:
        return kept
    if not store.save_case(tx, kept, raised):
        raise NotAllowedNow(kept.number)
    supervision_store.owe_review(tx, raised, hand.at)
    before = {"was": kept.priority.value, "was_reason": kept.reason, "case": duplicate.id}
    facts = {"reason": raised.reason, "priority": raised.priority.value, **before}
    write_down(tx, hand.vault, raised, "raised", officer_id=hand.officer.id, at=hand.at, facts=facts)
    return raised


def _one_talk(tx: Connection, hand: Hand, duplicate: Case, kept: Case, *, goes_on_here: bool) -> Case:
    """Choose the conversation in which the child is answered; the other one leads there."""
    here, there = duplicate.conversation_id, kept.conversation_id
    if _at_desk(tx, here) != _at_desk(tx, there):
        goes_on_here = _at_desk(tx, there)
    goes_on, left = (here, there) if goes_on_here else (there, here)
    if goes_on_here:
        receipt_store.move_case(tx, kept.id, goes_on)
    same_child_store.add(
        tx,
        kept_id=kept.id,
        duplicate_id=duplicate.id,
        left=left,
        goes_on=goes_on,
        by=hand.officer.id,
        at=hand.at,
    )
    conversations.belong_together(tx, hand.vault, left, to=goes_on)
    moved = _again(tx, kept.id)
    _turn_to(tx, hand, moved, left=left)
    return moved


def _turn_to(tx: Connection, hand: Hand, case: Case, *, left: str) -> None:
    """The bot answers in the conversation that is left, and says where a person answers; the officer in the other."""
    conversations.hand_back(tx, left, hand.at)
    conversations.hand_to_human(tx, case.conversation_id, hand.at)
    if _at_desk(tx, left) or conversations.is_watched(tx, left):
        return
    if not conversations.safe_contact(tx, hand.vault, left).is_safe(hand.at):
        return
    card = conversations.card(tx, left)
    language = (card and card.language) or case.language
    conversations.say(
        tx,
        hand.vault,
        left,
        text=hand.words.text(language, GOES_ON_THERE),
        cls=MessageClass.OFFICER,
        template="goes_on_there",
        at=hand.at,
        language=language,
    )


def _at_desk(tx: Connection, conversation_id: str) -> bool:
    card = conversations.card(tx, conversation_id)
    return card is None or card.channel == AT_DESK


def _again(tx: Connection, case_id: str) -> Case:
    sealed = store.get_case(tx, case_id)
    assert sealed is not None  # it was there a moment ago in this transaction
    return sealed.case


def answer_there(tx: Connection, hand: Hand, case_id: str, conversation_id: str) -> Case:
    """Go on in the other conversation of the same child: they write there now. Raises CaseNotFound, NotAllowedNow."""
    case = target(tx, hand, case_id, Permission.CASE_ANSWER)
    known = same_child_store.talks_left(tx, case.id)
    if case.status is not CaseStatus.CLAIMED or conversation_id not in known or not is_answerable(tx, conversation_id):
        raise NotAllowedNow(case.number)
    left = case.conversation_id
    receipt_store.move_case(tx, case.id, conversation_id)
    same_child_store.swap(tx, case.id, left=left, goes_on=conversation_id)
    conversations.belong_together(tx, hand.vault, left, to=conversation_id)
    moved = _again(tx, case.id)
    write_down(tx, hand.vault, moved, "other_talk", officer_id=hand.officer.id, at=hand.at)
    _turn_to(tx, hand, moved, left=left)
    return moved


def is_answerable(tx: Connection, conversation_id: str) -> bool:
    """Whether a conversation that was left can be the one of its case again: somebody writes in it, and nobody has a
    case of their own there."""
    card = conversations.card(tx, conversation_id)
    free = not same_child_store.has_open_case(tx, conversation_id)
    return card is not None and card.channel != AT_DESK and card.erased_at is None and free


# They are two children after all ----------------------------------------------------------------------------------


def undo(tx: Connection, hand: Hand, duplicate_id: str, *, why: str) -> Case:
    """A supervisor says that they are two children. The duplicate is open again, and theirs to give to somebody.

    Each has its own conversation again, and the other is as urgent as it was before, unless something has happened
    since. Raises CaseNotFound, NotAllowedNow.
    """
    case, why = target(tx, hand, duplicate_id, Permission.CASE_UNMERGE), why.strip()
    row = same_child_store.of_duplicate(tx, case.id, lock=True)
    if row is None or case.closing != DUPLICATE or not why or len(why) > LONGEST_WHY:
        raise NotAllowedNow(case.number)
    kept = store.get_case(tx, row.case_id, lock=True)
    assert kept is not None  # a return points at its cases by foreign keys
    own, kept_in = case.conversation_id, kept.case.conversation_id
    if kept_in == own:
        kept_in = row.from_conversation_id
        receipt_store.move_case(tx, kept.case.id, kept_in)
        if kept.case.status is CaseStatus.CLAIMED:
            conversations.hand_to_human(tx, kept_in, hand.at)
    same_child_store.undo(tx, row, own=own, kept_in=kept_in, by=hand.officer.id, at=hand.at)
    card = conversations.card(tx, case.conversation_id)
    if card is None or card.erased_at is not None or store.open_case_of(tx, case.conversation_id) is not None:
        raise NotAllowedNow(case.number)
    opened = move(tx, hand, case, Act.REOPEN)
    conversations.hand_to_human(tx, opened.conversation_id, hand.at)
    opened = _as_urgent_alone(tx, hand, kept.case.id, opened)
    for one, other in ((opened, kept.case), (kept.case, opened)):
        facts = {"case": other.id}
        write_down(tx, hand.vault, one, "not_same_child", officer_id=hand.officer.id, at=hand.at, facts=facts)
    note_down(tx, hand, opened, why)
    return opened


def _as_urgent_alone(tx: Connection, hand: Hand, kept_id: str, opened: Case) -> Case:
    """Take back what the merge made more urgent. What was heard since may be of either child: it counts for both."""
    kept, events = _again(tx, kept_id), store.events_of(tx, kept_id)
    raised = next(
        (each for each in reversed(events) if each.facts.get("case") == opened.id and "was" in each.facts), None
    )
    merged = next(
        (each for each in reversed(events) if each.act == "same_child" and each.facts["case"] == opened.id), None
    )
    signs = store.triggers_since(tx, kept_id, merged.at) if merged is not None else []
    alone = kept
    if raised is not None and kept.is_open and kept.priority.value == raised.facts["priority"]:
        was = Priority(raised.facts["was"])
        alone = replace(kept.judged(was, at=hand.at), reason=raised.facts["was_reason"])
    graver = opened
    for reason, priority in signs:
        alone = alone.raised(reason, priority, at=hand.at)
        graver = graver.raised(reason, priority, at=hand.at)
    if alone.priority != kept.priority:
        urgency.set_urgency(tx, hand, kept, alone)
    return urgency.set_urgency(tx, hand, opened, graver) if graver is not opened else opened


# Looking ----------------------------------------------------------------------------------------------------------


def of_case(tx: Connection, case: Case) -> Merged:
    """For a case that whoever asks may read."""
    kept = kept_of(tx, case) if case.closing == DUPLICATE else None
    found = store.cases_among(tx, same_child_store.duplicates_of(tx, case.id))
    return Merged(kept, list(found.values()), same_child_store.talks_left(tx, case.id))


def kept_of(tx: Connection, case: Case) -> Case:
    """The case that goes on where this one is a duplicate, or its person came back to another, over however many steps;
    else this one."""
    for _ in range(MOST_STEPS):
        kept_id = None if case.is_open else same_child_store.goes_on_in(tx, case.id)
        if kept_id is None:
            break
        case = _again(tx, kept_id)
    return case


def led_to(tx: Connection, conversation_id: str) -> Case | None:
    """The open case that a conversation leads to: its own, or the one for which it was left. Locked."""
    own = store.open_case_of(tx, conversation_id)
    if own is not None:
        return own
    left_for = same_child_store.case_of_left(tx, conversation_id)
    if left_for is None:
        return None
    kept = store.get_case(tx, kept_of(tx, _again(tx, left_for)).id, lock=True)
    return kept.case if kept is not None and kept.case.is_open else None


def heard(tx: Connection, vault: Vault, case: Case, conversation_id: str, *, at: datetime) -> None:
    """The child wrote in the conversation that was left: it is said in the case, once until somebody answers."""
    if conversation_id == case.conversation_id:
        return
    told = [event.at for event in store.events_of(tx, case.id) if event.act == "wrote_elsewhere"]
    if not told or (case.officer_wrote_at is not None and told[-1] <= case.officer_wrote_at):
        write_down(tx, vault, case, "wrote_elsewhere", officer_id=None, at=at)


def alike(tx: Connection, hand: Hand, case_id: str) -> list[Alike]:
    """Other cases in which the same name, phone or date of birth is known; those that fit best first.

    That is a search too, for a name can be written into a record only to look at who else bears it.
    Raises CaseNotFound, NotAllowedNow.
    """
    case = target(tx, hand, case_id, Permission.CASE_MERGE, lock=False)
    parts = same_child_store.fingerprints_of(tx, case.id)
    found = store.cases_with(tx, parts, limit=MOST_ALIKE + 1) if parts else []
    there = [(each, fits) for each, fits in found if each.id != case.id and each.is_open]
    told = searches.tell(tx, hand, [each for each, _ in there]) if there else {}
    return [Alike(each, fits, may_be_kept(hand, each)) for each, fits in there if each.id in told]
