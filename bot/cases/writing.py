"""That an officer is writing, as far as the person may know: nothing is stored, and nothing of the words is told."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases.hand import Hand, target
from bot.cases.model import CaseStatus
from bot.conversations import marks
from bot.conversations import service as conversations
from bot.conversations.marks import Marks
from bot.kernel.access import Permission


class Shown(Struct, frozen=True):
    """Where it is shown that an officer is writing."""

    signal: str
    channel: str
    address: str


def where_writing_shows(tx: Connection, hand: Hand, case_id: str) -> Shown | None:
    """Where the person sees that the officer who holds their case is writing.

    Nowhere while the bot answers, where somebody else may hold the phone, where the person wished for none, and outside
    the time that they called safe: "typing" lights up a screen as words do. Raises CaseNotFound, NotAllowedNow.
    """
    case = target(tx, hand, case_id, Permission.CASE_ANSWER, lock=False)
    person = case.conversation_id
    if case.status is not CaseStatus.CLAIMED or marks.marks_of(tx, person) is not Marks.SHOWN:
        return None
    if not conversations.safe_contact(tx, hand.vault, person).is_safe(hand.at):
        return None
    found = conversations.address_of(tx, hand.vault, person)
    return None if found is None else Shown(marks.officer_writes(person), *found)
