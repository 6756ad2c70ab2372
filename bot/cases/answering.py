"""What an officer writes to the person, and the word by which the person says that somebody else reads it."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.engine import Connection

from bot.cases import alarm, safe_time, store
from bot.cases.attachments import FileToSend
from bot.cases.hand import AT_DESK, Hand, note_in_audit, target, write_down
from bot.cases.model import Case, CaseStatus, NotAllowedNow, NotSafeNow
from bot.cases.reasons import ALTHOUGH_UNSAFE
from bot.conversations import service as conversations
from bot.conversations.attachments import service as attachment_service
from bot.kernel.access import Permission

#: An answer, like a message of Telegram, holds so many characters.
LONGEST_ANSWER = 4000


def answer_person(
    tx: Connection,
    hand: Hand,
    case_id: str,
    *,
    text: str,
    once: str,
    although_watched: bool = False,
    although_unsafe: str = "",
    file: FileToSend | None = None,
) -> int | None:
    """Send an officer's words, and a `file` with them, to the person. Returns the line's number, or None when this
    very form was sent before.

    Raises `conversations.Watched` where somebody else may hold the phone, unless the officer sends it all the same, and
    NotSafeNow outside the time that the person called safe, unless `although_unsafe` is a code of `ALTHOUGH_UNSAFE`.
    """
    case = target(tx, hand, case_id, Permission.CASE_ANSWER)
    card = conversations.card(tx, case.conversation_id)
    language = (card and card.language) or case.language
    text = text.strip() or (hand.words.text(language, file.words) if file is not None else "")
    if case.status is not CaseStatus.CLAIMED or not text or len(text) > LONGEST_ANSWER:
        raise NotAllowedNow(case.number)
    if card is not None and card.channel == AT_DESK:  # they cannot be written to: see `intake.write_contact`
        raise NotAllowedNow(case.number)
    safe = safe_time.is_safe(tx, hand.vault, case, hand.at)
    if not safe and although_unsafe not in ALTHOUGH_UNSAFE:
        raise NotSafeNow(case.number)
    if not store.add_event(tx, case.id, "answered", officer_id=hand.officer.id, at=hand.at, once=once or None):
        return None
    sent = keep_file(tx, hand, case, file) if file is not None else None
    seq = conversations.answer(
        tx,
        hand.vault,
        case.conversation_id,
        officer_id=hand.officer.id,
        text=text,
        language=language,
        at=hand.at,
        although_watched=although_watched,
        file=sent,
    )
    store.officer_wrote(tx, case.id, hand.at)
    alarm.acknowledge(tx, case.id, officer_id=hand.officer.id, at=hand.at)
    note_in_audit(tx, hand, Permission.CASE_ANSWER, case, {"line": seq, "watched": str(although_watched).lower()})
    if not safe:
        facts = {"reason": although_unsafe}
        write_down(tx, hand.vault, case, "sent_though_unsafe", officer_id=hand.officer.id, at=hand.at, facts=facts)
    return seq


def keep_file(tx: Connection, hand: Hand, case: Case, file: FileToSend) -> Mapping[str, str]:
    """Keep a file that is about to be sent, or waits for its time. Returns what goes with the words."""
    attachment_id, examined = attachment_service.keep_sent(
        tx, hand.vault, case.conversation_id, file.content, officer_id=hand.officer.id, at=hand.at
    )
    return {"id": attachment_id, "kind": examined.kind.value}


def agree_on_duress_word(tx: Connection, hand: Hand, case_id: str, word: str) -> None:
    """Keep the word by which this person says that somebody else holds their phone. Raises UnfitWord, CaseNotFound,
    NotAllowedNow."""
    case = target(tx, hand, case_id, Permission.CASE_ANSWER)
    card = conversations.card(tx, case.conversation_id)
    if not case.is_open or card is None or card.channel == AT_DESK:
        raise NotAllowedNow(case.number)
    conversations.agree_on_duress_word(tx, hand.vault, case.conversation_id, word)
    write_down(tx, hand.vault, case, "duress_word_agreed", officer_id=hand.officer.id, at=hand.at)


def end_watch(tx: Connection, hand: Hand, case_id: str) -> None:
    """The officer is sure that the person has their phone to themselves again. Raises CaseNotFound, NotAllowedNow."""
    case = target(tx, hand, case_id, Permission.CASE_ANSWER)
    if not conversations.is_watched(tx, case.conversation_id):
        raise NotAllowedNow(case.number)
    conversations.end_watch(tx, case.conversation_id)
    write_down(tx, hand.vault, case, "watch_ended", officer_id=hand.officer.id, at=hand.at)
