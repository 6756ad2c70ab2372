"""Who is writing just now, and how far a person has read: only while they talk with a human, and only if both may know.

That somebody writes is a signal and stored nowhere; no word of what they write is sent. How far a person has read is
the number of a line. Neither is shown while the bot answers alone, where somebody else may hold the phone, or where the
person wished for none.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy.engine import Connection

from bot.conversations import store
from bot.conversations.model import Mode


class Marks(StrEnum):
    """What is shown of reading and writing in a conversation."""

    NONE = ""  # no human answers, or somebody else may hold the phone
    SHOWN = "shown"
    HIDDEN = "hidden"  # by the person's wish


def person_writes(conversation_id: str) -> str:
    """The signal that the person is writing."""
    return f"person writes:{conversation_id}"


def officer_writes(conversation_id: str) -> str:
    """The signal that an officer is writing."""
    return f"officer writes:{conversation_id}"


def marks_of(tx: Connection, conversation_id: str) -> Marks:
    """What may be shown in this conversation now."""
    row = store.marks_row(tx, conversation_id)
    if row is None or row.mode is not Mode.HUMAN or row.watched_since is not None:
        return Marks.NONE
    return Marks.HIDDEN if row.hidden else Marks.SHOWN


def read_up_to(tx: Connection, conversation_id: str) -> int:
    """The last line of an officer that the person has seen on their page; 0 where that is not known or not shown."""
    row = store.marks_row(tx, conversation_id)
    if row is None or row.hidden or row.watched_since is not None:
        return 0
    return row.read_seq or 0


def note_read(tx: Connection, conversation_id: str, seq: int) -> bool:
    """The person's page showed the lines up to `seq`. True if that is news and may be shown."""
    if marks_of(tx, conversation_id) is not Marks.SHOWN:
        return False
    line = store.last_of_officers(tx, conversation_id, up_to=seq)
    return line is not None and store.put_read(tx, conversation_id, line)


def choose(tx: Connection, conversation_id: str, *, hidden: bool) -> None:
    """The person says whether they show when they write and what they have read. Hiding forgets what was known."""
    if store.marks_row(tx, conversation_id) is not None:
        store.put_hidden(tx, conversation_id, hidden)


def move(tx: Connection, conversation_id: str, *, to: str) -> None:
    """The person goes on in another conversation: what they wished goes along, the rest is forgotten."""
    old = store.marks_row(tx, conversation_id)
    store.forget_marks(tx, conversation_id)
    if old is not None and old.hidden:
        store.put_hidden(tx, to, True)
