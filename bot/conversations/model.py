"""A message's life as plain values: its states and classes, what is tried again and when. No SQL, clock or await."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from functools import cached_property
from typing import Any

from msgspec import Struct, field

from bot.channels.model import Button
from bot.conversations.ports import Escalation, OwnWish
from dialogues.runtime.model import DialogueState
from dialogues.understanding.model import Risk

#: Every place where a test may kill the process, in the order a message meets them.
FAILPOINTS = (
    "inbox.before_insert",
    "inbox.before_commit",
    "inbox.after_commit",
    "turn.before_claim_commit",
    "turn.after_claim",
    "turn.after_understanding",
    "turn.after_engine",
    "turn.before_effects",
    "turn.after_state",
    "turn.after_escalation",
    "turn.before_commit",
    "turn.after_commit",
    "outbox.before_claim_commit",
    "outbox.after_claim",
    "outbox.after_send",
    "outbox.before_record",
    "outbox.before_record_commit",
    "outbox.after_record",
)
#: The same for a file that is fetched after its message.
FILE_FAILPOINTS = ("attachments.after_claim", "attachments.after_part", "attachments.before_keep")

#: A message that failed so often is set aside for a human, and its conversation goes on.
FAILURES_BEFORE_PARKING = 5
#: The same for one whose worker did not come back. More, because whatever else was under way died with it.
CRASHES_BEFORE_PARKING = 10
LONGEST_WAIT_AFTER_CRASH = timedelta(seconds=30)
#: Who claimed a conversation or a reply keeps it so long. A turn or a send that takes longer is given up before.
LEASE = timedelta(seconds=30)
TURN_LIMIT = timedelta(seconds=20)
SEND_LIMIT = timedelta(seconds=20)


class ConversationKind(StrEnum):
    """Whose conversation it is."""

    PERSON = "person"
    OFFICER = "officer"  # a paired phone: carries pages, is no case
    GROUP = "group"  # refused kindly


class Mode(StrEnum):
    """Who answers."""

    BOT = "bot"
    HUMAN = "human"  # an officer has the case: the bot is silent, the safety screen still reads


class InboxState(StrEnum):
    """How far a received message has come."""

    WAITING = "waiting"
    DONE = "done"
    PARKED = "parked"


class Lane(IntEnum):
    """Which queue a message or a reply waits in. The lower number goes first."""

    URGENT = 0
    ROUTINE = 1


class Direction(StrEnum):
    """Which way a line of a transcript went. Notes go nowhere: they are for officers."""

    IN = "in"
    OUT = "out"
    NOTE = "note"


class Author(StrEnum):
    """Who wrote a line."""

    PERSON = "person"
    BOT = "bot"
    OFFICER = "officer"
    SYSTEM = "system"


class MessageClass(StrEnum):
    """What a reply is for. It decides whether an uncertain send is repeated."""

    SAFETY = "safety"  # a duplicate is better than silence
    OFFICER = "officer"  # the same
    ROUTINE = "routine"  # repeated once
    SECRET = "secret"  # one-time links: held, never sent twice  # noqa: S105

    @property
    def lane(self) -> Lane:
        return Lane.URGENT if self in (MessageClass.SAFETY, MessageClass.OFFICER) else Lane.ROUTINE


class OutboxState(StrEnum):
    """How far a reply has come."""

    TODO = "todo"
    SENDING = "sending"
    SENT = "sent"
    UNCERTAIN = "uncertain"  # perhaps delivered, and its class forbids another try
    DEAD = "dead"


class DeliveryOutcome(StrEnum):
    """How one attempt at sending ended."""

    SENT = "sent"
    UNCERTAIN = "uncertain"
    BUSY = "busy"  # certainly not delivered
    REFUSED = "refused"
    UNREACHABLE = "unreachable"


#: Causes under which a copy may have arrived although we do not know it.
CRASHED_WHILE_SENDING = "crashed_while_sending"

FIRST_DELAY = timedelta(seconds=1)
LONGEST_DELAY = timedelta(minutes=15)
GIVE_UP_AFTER = timedelta(hours=24)
REPEATS_WHEN_UNCERTAIN = {MessageClass.ROUTINE: 1, MessageClass.SECRET: 0}


def retry_delay(attempt: int, draw: float) -> timedelta:
    """Full jitter: between one second and `2 ** attempt` seconds, at most 15 minutes. `draw` is in [0, 1)."""
    ceiling = min(LONGEST_DELAY, FIRST_DELAY * int(2 ** min(attempt, 20)))
    return FIRST_DELAY + (ceiling - FIRST_DELAY) * draw


class NextStep(Struct, frozen=True):
    """What becomes of a reply after an attempt. `wait` is None when nothing more is tried."""

    state: OutboxState
    wait: timedelta | None = None
    repeated: bool = False  # the next send may be a second copy


def after_attempt(
    outcome: DeliveryOutcome,
    cls: MessageClass,
    *,
    attempt: int,
    repeats: int,
    age: timedelta,
    retry_after: float | None = None,
    draw: float = 0.0,
) -> NextStep:
    """Decide once, for every class and every way a send can end.

    `repeats` counts the uncertain sends already repeated. What was refused or cannot arrive is dead at once;
    what waits longer than a day is dead too, because its words have lost their moment.
    """
    if outcome is DeliveryOutcome.SENT:
        return NextStep(OutboxState.SENT)
    if outcome in (DeliveryOutcome.REFUSED, DeliveryOutcome.UNREACHABLE):
        return NextStep(OutboxState.DEAD)
    uncertain = outcome is DeliveryOutcome.UNCERTAIN
    if uncertain and repeats >= REPEATS_WHEN_UNCERTAIN.get(cls, repeats + 1):
        return NextStep(OutboxState.UNCERTAIN)
    if age >= GIVE_UP_AFTER:
        return NextStep(OutboxState.UNCERTAIN if uncertain else OutboxState.DEAD)
    wait = timedelta(seconds=retry_after) if retry_after is not None else retry_delay(attempt, draw)
    return NextStep(OutboxState.TODO, wait, repeated=uncertain)


def turn_retry_delay(attempt: int) -> timedelta:
    """How long a message that failed waits: 1, 2, 4, 8 seconds. The person is waiting, so never long."""
    return timedelta(seconds=float(2 ** (attempt - 1)))


def crash_delay(crashes: int, draw: float) -> timedelta:
    """How long a message is left alone if its worker dies again: nothing once, then a chance-drawn while.

    Several were under way, and only one may be the cause. Drawn apart, the others get done before it strikes again.
    """
    if crashes < 2:
        return timedelta(0)
    return min(LONGEST_WAIT_AFTER_CRASH, timedelta(seconds=float(2 ** min(crashes, 10)))) * draw


@dataclass(frozen=True)
class Allowance:
    """How much one person may write before answers slow down. Nothing is ever dropped.

    The bucket is kept as one moment, the time at which it will be full again (the "generic cell rate
    algorithm"): nothing has to be refilled, and moments given out never go back, so order is kept.
    """

    burst: int = 10
    per_minute: float = 20
    longest_delay: timedelta = timedelta(minutes=15)

    def take(self, full_at: datetime | None, now: datetime) -> tuple[datetime, datetime]:
        """Take one. Returns the bucket afterwards and the moment the message is due (`now` within the allowance)."""
        interval = self._interval
        if full_at is None or full_at <= now:  # nearly always
            return now + interval, now
        due = full_at - interval * (self.burst - 1)
        latest = now + self.longest_delay
        return min(full_at + interval, latest + interval * self.burst), min(max(now, due), latest)

    def give_back(self, full_at: datetime) -> datetime:
        """Undo one `take`, for a message that was not kept after all."""
        return full_at - self._interval

    @cached_property
    def _interval(self) -> timedelta:
        return timedelta(minutes=1 / self.per_minute)


class Wording(Struct, frozen=True):
    """One message to a person, before it has a place in the transcript."""

    text: str
    cls: MessageClass = MessageClass.ROUTINE
    buttons: tuple[Button, ...] = ()
    template: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    file: Mapping[str, str] | None = None  # that goes along: its id, and what a person would call it

    def body(self) -> dict[str, Any]:
        """What is sealed. Only what is there: a body is stored for every message."""
        body: dict[str, Any] = {"text": self.text}
        if self.buttons:
            body["buttons"] = [[button.title, button.payload, button.url] for button in self.buttons]
        if self.latitude is not None:
            body["latitude"], body["longitude"] = self.latitude, self.longitude
        if self.file is not None:
            body["file"] = dict(self.file)
        return body


def buttons_of(body: Mapping[str, Any]) -> tuple[Button, ...]:
    """The buttons of a stored body."""
    return tuple(Button(title, payload, url) for title, payload, url in body.get("buttons", ()))


class SetAside(Struct, frozen=True):
    """What is still known of a message that cannot be worked on."""

    language: str
    number: str  # to call
    risk: Risk | None = None
    quiet: bool = False  # somebody else may hold the phone
    duress: bool = False  # the agreed word stands in it


class TurnOutcome(Struct, frozen=True):
    """Everything one message leads to, decided before anything is written."""

    state: DialogueState
    language: str
    language_chosen: bool
    wordings: tuple[Wording, ...] = ()
    escalation: Escalation | None = None
    heard: Mapping[str, Any] | None = field(default_factory=dict)  # the person's own line; None: the words are dropped
    gaps: tuple[Mapping[str, str], ...] = ()  # what was asked in vain, as codes
    questions: tuple[Mapping[str, str], ...] = ()  # common words of what was asked in vain that authors may read
    found_wrong: tuple[tuple[str, str], ...] = ()  # services that were not as described: id, and what was wrong
    wishes: tuple[Mapping[str, str], ...] = ()  # what they want to be told later, as codes; an empty one: nothing
    reported: Mapping[str, str] = field(default_factory=dict)  # answers of a report whose case is open already
    warned: bool = False  # the emergency number was given while an officer has the conversation
    own: OwnWish | None = None  # what they ask about their own case: answered where the turn is written
    watched: bool = False  # the duress word was written just now
    pressed: str | None = None  # the payload of a button that an officer pressed where they are paged
