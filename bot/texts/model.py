"""What is written about the procedures here: edits that wait for an approver, and questions nobody could answer."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum

from msgspec import Struct

#: A group of askers smaller than this is told by its subject alone: where and in which language could name one person.
LEAST_ASKERS = 5

#: Nobody remembers for longer what they asked, and nothing is kept about anybody for longer.
KEPT = timedelta(days=180)

#: In the place of an edit's id: the file as it was released.
SHIPPED = "shipped"


class EditState(StrEnum):
    """Where an edit is in its life. Of each file at most one waits and one is approved; the others are history."""

    DRAFT = "draft"
    APPROVED = "approved"
    SENT_BACK = "sent_back"
    REPLACED = "replaced"


class TextEdit(Struct, frozen=True):
    """A whole file of a procedure, as somebody wants it to be."""

    id: str
    file: str  # as the shipped file is called: missing_child/fr.md
    content: str
    state: EditState
    author_id: str
    written_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    note: str  # why it was sent back


class Gap(Struct, frozen=True):
    """A question that had no answer: what was looked for, and nothing of who asked or in which words."""

    procedure: str  # the key that was meant, "" when nobody can say
    why: str  # "no_text", "out_of_date", "not_understood"
    language: str
    country: str  # ISO 3166-1 alpha-2, "" when not known
    audience: str


class Question(Struct, frozen=True):
    """What is left of a question nobody understood, shown by its writer: common words alone, and nothing of who wrote
    them, not even the conversation."""

    words: str
    language: str
    asked_on: date
    id: str = ""  # while it is kept; tells no moment


class GapWork(Struct, frozen=True):
    """What the gap register gives an author to do: one subject, with as much about the askers as is safe to tell."""

    procedure: str
    why: str
    askers: int | None  # conversations that asked; None: fewer than `LEAST_ASKERS`
    languages: tuple[str, ...]  # only of groups that are large enough
    countries: tuple[str, ...]
    audiences: tuple[str, ...]
    last_asked: date
    questions: tuple[Question, ...] = ()  # of those nobody understood, the latest first


#: The `about` of an asker who was given a text; of the others it is the `why` of the gap they met.
CHANGE = "change"
NOT_UNDERSTOOD = "not_understood"
#: Of one who showed authors the words of a question; the mark of these words follows it.
SHOWN = "shown"


class Asker(Struct, frozen=True):
    """Somebody who agreed to be written to once. Whose conversation it is, only the master key can say."""

    id: str
    conversation_id: str
    procedure: str
    about: str  # CHANGE, or why there was no answer, or `about_shown` of the words they showed
    audience: str
    language: str
    country: str  # ISO 3166-1 alpha-2, "" when not known
    given: str  # the mark of the text they were given, "" when there was none
    asked_on: date
    answered: bool  # an author says that their question can be answered now


def about_shown(mark: str) -> str:
    """The `about` of one who showed the words of that mark."""
    return f"{SHOWN}:{mark}"


class EditMoved(Exception):
    """Somebody else decided first, or the text changed meanwhile. Look again."""


class OwnEdit(Exception):
    """Whoever wrote an edit does not also approve it: somebody else has to look."""


class NotInForce(Exception):
    """There is still no text in force for somebody who asked, so nothing was answered."""


class NoNote(Exception):
    """Whoever sends an edit back says what is to be mended."""
