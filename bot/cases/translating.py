"""What a person wrote, to be translated by a machine: only when the officer who holds the case asks for it."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from bot.cases.hand import Hand, note_in_audit, target
from bot.cases.model import Case
from bot.conversations import service as conversations
from bot.conversations.model import Author
from bot.conversations.service import Line, Watched
from bot.kernel.access import Permission

#: How far back it goes: a page that can be read.
MOST_LINES = 20


def words_to_translate(tx: Connection, hand: Hand, case_id: str, *, into: str) -> tuple[Case, list[Line]]:
    """The last lines the person wrote in another language than `into`. That they are sent is in the audit log.

    Raises CaseNotFound, NotAllowedNow, and Watched where somebody else may hold the phone: then as few as possible may
    know of this talk.
    """
    case = target(tx, hand, case_id, Permission.CASE_ANSWER)
    if conversations.is_watched(tx, case.conversation_id):
        raise Watched(case.conversation_id)
    lines = [
        line
        for line in conversations.transcript(tx, hand.vault, case.conversation_id)
        if line.author is Author.PERSON and line.text.strip() and (line.language or case.language) != into
    ][-MOST_LINES:]
    note_in_audit(tx, hand, "case.translate", case, {"lines": len(lines), "into": into})
    return case, lines
