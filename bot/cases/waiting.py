"""Answers of officers outside the time at which the person may be written to: they wait for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases import alarm, safe_time, store, waiting_store
from bot.cases.answering import LONGEST_ANSWER, answer_person, keep_file
from bot.cases.attachments import FileToSend
from bot.cases.hand import Hand, key_of, target, unseal, write_down
from bot.cases.model import Case, CaseStatus, NotAllowedNow, NotSafeNow
from bot.conversations import service as conversations
from bot.conversations.attachments import service as attachments
from bot.kernel.access import Permission
from bot.kernel.crypto import Vault
from bot.kernel.ids import new_id

TABLE = "waiting_answers"
#: So often an answer is looked at again whose person's clock is not known any more.
LOOK_AGAIN = timedelta(hours=1)


class WaitingAnswer(Struct, frozen=True):
    """An answer that was not sent yet."""

    id: str
    officer_id: str
    text: str
    made_at: datetime
    due_at: datetime
    has_file: bool = False


#: What an officer chooses for an answer that shall wait, where the others choose why it goes all the same.
WHEN_SAFE = "safe"


def answer(
    tx: Connection,
    hand: Hand,
    case_id: str,
    *,
    text: str,
    once: str,
    when: str = "",
    although_watched: bool = False,
    file: FileToSend | None = None,
) -> None:
    """Answer the person now or, with `when` as WHEN_SAFE, as soon as it is safe. Any other `when` is a code of
    `ALTHOUGH_UNSAFE`: why it goes at once outside that time. The same form again sends nothing.

    Raises what `answer_person` and `answer_when_safe` do.
    """
    if when == WHEN_SAFE:
        answer_when_safe(tx, hand, case_id, text=text, once=once, although_watched=although_watched, file=file)
        return
    answer_person(
        tx,
        hand,
        case_id,
        text=text,
        once=once,
        although_watched=although_watched,
        although_unsafe=when,
        file=file,
    )


def answer_when_safe(
    tx: Connection,
    hand: Hand,
    case_id: str,
    *,
    text: str,
    once: str,
    although_watched: bool = False,
    file: FileToSend | None = None,
) -> bool:
    """Send an answer now if it is safe, and keep it until then if not. False when this very form was sent before.

    Raises what `answer_person` does, and NotSafeNow where nobody knows the person's clock.
    """
    case = target(tx, hand, case_id, Permission.CASE_ANSWER)
    opens = conversations.safe_contact(tx, hand.vault, case.conversation_id).next_safe(hand.at)
    if opens is None:
        raise NotSafeNow(case.number)
    if opens <= hand.at:
        sent = answer_person(tx, hand, case_id, text=text, once=once, although_watched=although_watched, file=file)
        return sent is not None
    card = conversations.card(tx, case.conversation_id)
    language = (card and card.language) or case.language
    text = text.strip() or (hand.words.text(language, file.words) if file is not None else "")
    if case.status is not CaseStatus.CLAIMED or not text or len(text) > LONGEST_ANSWER:
        raise NotAllowedNow(case.number)
    if not store.add_event(tx, case.id, "answer_waits", officer_id=hand.officer.id, at=hand.at, once=once or None):
        return False
    answer_id = new_id()
    sealed = key_of(tx, hand, case).seal(text, table=TABLE, row=answer_id, field="text")
    waiting_store.add(
        tx,
        id=answer_id,
        case_id=case.id,
        officer_id=hand.officer.id,
        text_sealed=sealed,
        attachment_id=None if file is None else keep_file(tx, hand, case, file)["id"],
        made_at=hand.at,
        due_at=opens,
    )
    store.officer_wrote(tx, case.id, hand.at)  # they did their part: nobody has to be reminded
    alarm.acknowledge(tx, case.id, officer_id=hand.officer.id, at=hand.at)
    return True


def of_case(tx: Connection, vault: Vault, case: Case) -> list[WaitingAnswer]:
    """What waits to be sent in this case, the oldest first. For a case the officer was let into."""
    rows = waiting_store.of_case(tx, case.id)
    return [
        WaitingAnswer(row.id, row.officer_id, text, row.made_at, row.due_at, row.attachment_id is not None)
        for row in rows
        if (text := unseal(tx, vault, case, row.text_sealed, TABLE, row.id, "text"))
    ]


def take_back(tx: Connection, hand: Hand, case_id: str, answer_id: str) -> str:
    """Do not send it. Returns its words. Whoever waits for it waits again, since when they did. Raises NotAllowedNow
    when it is on its way already."""
    case = target(tx, hand, case_id, Permission.CASE_ANSWER)
    found = next((each for each in of_case(tx, hand.vault, case) if each.id == answer_id), None)
    row = waiting_store.one(tx, answer_id)
    if found is None or row is None or not waiting_store.remove(tx, answer_id):
        raise NotAllowedNow(case.number)
    if row.attachment_id is not None:
        attachments.forget_sent(tx, row.attachment_id)
    store.officer_wrote(tx, case.id, waiting_store.last_answer(tx, case.id))
    write_down(tx, hand.vault, case, "answer_taken_back", officer_id=hand.officer.id, at=hand.at)
    return found.text


def send_waiting(tx: Connection, vault: Vault, answer_id: str, *, at: datetime) -> list[str]:
    """Send an answer whose time has come. Returns the topics to wake; nothing was to be done, nothing.

    What the person said is asked again: they may have chosen another time meanwhile.
    """
    row = waiting_store.one(tx, answer_id)
    sealed = store.get_case(tx, row.case_id, lock=True) if row is not None else None
    if row is None or sealed is None or not sealed.case.is_open:
        return []
    case = sealed.case
    opens = conversations.safe_contact(tx, vault, case.conversation_id).next_safe(at)
    if opens is None or opens > at:
        waiting_store.postpone(tx, answer_id, opens or at + LOOK_AGAIN)
        return []
    text = unseal(tx, vault, case, row.text_sealed, TABLE, row.id, "text")
    waiting_store.remove(tx, answer_id)
    if not text:  # erased meanwhile
        return []
    card = conversations.card(tx, case.conversation_id)
    file = _file_of(tx, vault, row.attachment_id, case.conversation_id, at) if row.attachment_id is not None else None
    conversations.answer(
        tx,
        vault,
        case.conversation_id,
        officer_id=row.officer_id,
        text=text,
        language=(card and card.language) or case.language,
        at=at,
        file=file,
    )
    write_down(tx, vault, case, "waiting_answer_sent", officer_id=row.officer_id, at=at)
    return ["outbox", f"case:{case.id}", f"conversation:{case.conversation_id}"]


def _file_of(tx: Connection, vault: Vault, attachment_id: str, conversation_id: str, at: datetime) -> Mapping[str, str]:
    """The file of an answer, in the talk the answer goes to."""
    moved = attachments.move_to(tx, vault, attachment_id, conversation_id, at=at)
    return {"id": moved, "kind": attachments.original(tx, vault, moved).kept.kind.value}


def ask_safe_time(tx: Connection, hand: Hand, case_id: str) -> None:
    """Ask the person when they may be written to. Raises CaseNotFound, NotAllowedNow, NotSafeNow."""
    case = target(tx, hand, case_id, Permission.CASE_ANSWER)
    if case.status is not CaseStatus.CLAIMED:
        raise NotAllowedNow(case.number)
    safe_time.require_safe(tx, hand.vault, case, hand.at)
    card = conversations.card(tx, case.conversation_id)
    language = (card and card.language) or case.language
    safe_time.ask(tx, hand.vault, hand.words, case.conversation_id, language=language, at=hand.at)
    write_down(tx, hand.vault, case, "safe_time_asked", officer_id=hand.officer.id, at=hand.at)
