"""What the message path needs from above and beside. The composition root hands these in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from msgspec import Struct, field
from sqlalchemy.engine import Connection

from dialogues.runtime.model import DialogueState, Turn, UserMessage
from dialogues.understanding.model import Priority, Reading, Risk


class Escalation(Struct, frozen=True):
    """A person needs a human. `key` names the received message, so that telling twice counts once."""

    conversation_id: str
    reason: str  # a crisis code, or "asked_for_person", "understanding_failed", …
    priority: Priority
    words: str  # what the person wrote: for the officer only
    language: str
    country: str | None
    place: str | None
    source: str  # "words", "meaning", "dialogue", "failure"
    reporter: bool  # the writer speaks about somebody else
    key: str
    report: Mapping[str, str] = field(default_factory=dict)  # what a form for reports has asked so far
    report_goes_on: bool = False  # that report called for somebody before: it is no other one


class Escalated(Struct, frozen=True):
    """What an escalation led to."""

    case_id: str
    number: str
    new: bool  # a case was opened
    raised: bool  # an open case became more urgent


class Whereabouts(Struct, frozen=True):
    """A place as somebody named it, and its country where that is known."""

    name: str
    country: str | None


class Escalations(Protocol):
    """Cases, as the message path needs them. All of it runs inside the transaction of the turn."""

    def escalate(self, tx: Connection, escalation: Escalation, *, at: datetime) -> Escalated:
        """Open a case or raise the one that is open. The same `key` again changes nothing."""
        ...

    def person_wrote(
        self, tx: Connection, conversation_id: str, *, at: datetime, place: Whereabouts | None = None
    ) -> str | None:
        """A person wrote, and may have named a place. Returns the open case of the conversation, if there is one."""
        ...

    def reported(self, tx: Connection, conversation_id: str, answers: Mapping[str, str], *, at: datetime) -> str | None:
        """More answers of a report, by the names of its questions. Returns the open case they stand in, if any."""
        ...


class OwnAsk(StrEnum):
    """What a person asks about their own case, in words that are known exactly."""

    COME_BACK = "come_back"  # a return code was written
    WHO_HAS = "who_has"  # "who has my file?"
    ERASE = "erase"  # "erase what you know of me"
    NEW_CODE = "new_code"
    SET_WORD = "set_word"  # the word for "somebody else holds my phone"
    SAFE_TIME = "safe_time"  # "when can you write to me?"
    SAFE_HOURS = "safe_hours"
    SAFE_CLOCK = "safe_clock"  # what time it is where they are
    SAFE_WAY = "safe_way"  # how they may be reached, in their own words
    ANY_TIME = "any_time"  # they may be written to whenever
    HOW_LONG = "how_long"  # "how long do I wait?", from somebody for whom a person was called


class OwnWish(Struct, frozen=True):
    """Such a question, as it was read. `said` is the code, the word or the time in it."""

    ask: OwnAsk
    said: str = ""
    asked_before: OwnAsk | None = None  # what they asked just before: a code may be the answer to "is it you?"
    doubtful: bool = False  # the same words may be an answer, or a cry: only where nothing was asked are they this
    emergency_number: str = ""  # known where the answer begins with it

    @property
    def is_secret(self) -> bool:
        """Whether the person's own line is kept without what they wrote."""
        return self.ask in (OwnAsk.COME_BACK, OwnAsk.SET_WORD)


class OwnCases(Protocol):
    """A person's questions about their own case, answered inside the transaction of the turn."""

    def wish(self, text: str, *, before: OwnAsk | None = None) -> OwnWish | None:
        """Reads nothing but the words, and what was asked `before`."""
        ...

    def is_waiting(self, tx: Connection, conversation_id: str) -> bool:
        """Whether somebody who asks how long it takes still waits for a person here."""
        ...

    def grant(
        self, tx: Connection, wish: OwnWish, conversation_id: str, *, language: str, key: str, at: datetime
    ) -> list[str]:
        """Answer it in the conversation. `key` names the received message. Returns the topics to wake."""
        ...


class PressedPage(Struct, frozen=True):
    """What came of the button under a page."""

    text: str  # to the officer, in their language
    topics: tuple[str, ...]  # to wake


#: An officer pressed a button in the chat that brings them pages: its payload, the conversation, the moment. Inside the
#: transaction of the turn; None where it is no such button.
PressPage = Callable[[Connection, str, str, datetime], PressedPage | None]


class Gaps(Protocol):
    """Where questions without an answer are counted, inside the transaction of the turn."""

    def note(self, tx: Connection, facts: dict[str, str], *, at: datetime) -> None:
        """`facts` are codes: what was looked for, why there was no answer, language, country. Never who asked."""
        ...

    def show(self, tx: Connection, facts: dict[str, str], *, at: datetime) -> None:
        """Keep for authors the common words of a question nobody understood, as its writer saw them and agreed to."""
        ...


class ReportWrong(Protocol):
    """Where it is kept that somebody found a service to be wrong, inside the transaction of the turn."""

    def __call__(self, tx: Connection, service_id: str, kind: str, *, reporter: str, at: datetime) -> object:
        """`reporter` is a fingerprint. Raises KeyError for a service that is not there, ValueError for a kind."""
        ...


class Askers(Protocol):
    """Those who agreed to be written to once, inside the transaction of the turn. Kept sealed."""

    def remember(self, tx: Connection, conversation_id: str, facts: dict[str, str], *, at: datetime) -> None:
        """`facts` are codes: about what, in which language and country, and the mark of the text they were given."""
        ...

    def forget(self, tx: Connection, conversation_id: str, *, at: datetime) -> None:
        """They do not want to be written to after all."""
        ...


class Understanding(Protocol):
    """Reads a message. Whatever it raises sends the message to a human."""

    async def read(self, text: str, *, language: str | None, hint: str | None = None) -> Reading:
        """`language` is the conversation's, None when not known yet; `hint` is what the person's app says."""
        ...


class Engine(Protocol):
    """What is said next."""

    async def turn(self, state: DialogueState, message: UserMessage) -> Turn: ...


class Texts(Protocol):
    """Words people read."""

    def text(self, language: str, msgid: str, /, **named: object) -> str: ...


#: From so many characters on a message is long: to read it may take seconds.
LONG = 1000
#: A quick look at the words alone, for messages that would otherwise wait.
WordScreen = Callable[[str], Risk | None]
#: Whether somebody is there who answers people now, at this moment. Inside any transaction.
SomebodyAnswers = Callable[[Connection, datetime], bool]
#: The number to dial in danger in a country (ISO 3166-1 alpha-2), or the best there is without one.
EmergencyNumber = Callable[[str | None], Awaitable[str]]
#: Spend a one-time code that was sent from a conversation. True: this is an officer's phone from now on.
Pairing = Callable[[Connection, str, str, datetime], bool]
