"""What the post says to the rooms above it: a letter has come, or something became of one that was sent.

A room that sends and takes in letters does three things: it calls `bot.exchange.post.service.put`, with the refugee
gate's leave, in the transaction of its own act, and it hands the composition root a `Receiver` and a `Gatekeeper`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.exchange.gate import Cleared

#: How long a letter is tried before a human is told, and how long it is good for at the partner.
LETTER_LIFETIME = timedelta(days=14)

#: Kinds of letters that the post writes and reads itself. No other room may use them.
RECEIPT = "receipt"
KEY_CARD = "key_card"
RESEND = "resend"  # numbers that have not come: send those letters again
VOID = "numbers_void"  # numbers under which no letter will come any more
KEY_REVOKED = "key_revoked"  # we do not believe these keys of another partner any more
KEY_DOUBTED = "key_doubted"  # to whoever's key it is: a partner says so, and our admins will call; or it is settled
OWN_KINDS = frozenset({RECEIPT, KEY_CARD, RESEND, VOID, KEY_REVOKED, KEY_DOUBTED})


class ReceivedLetter(Struct, frozen=True):
    """A letter whose sender is proven, whose channel is open, and which is handed over this once.

    `envelope_id` is the sender's: unique together with `partner_id`, and what `in_reply_to` of an answer names.
    """

    partner_id: str
    envelope_id: str
    kind: str  # "request", "answer", …: the words of the room above
    request_type: str  # on the list of what this partner may send
    purpose: str  # in the agreement with this partner
    body: Mapping[str, Any]
    consent_ref: str | None  # the sender's reference into its consent ledger
    in_reply_to: str | None  # the envelope of ours that this answers
    sent_at: datetime  # by the sender's clock
    at: datetime  # when it is handed over, by ours


class ReceiptState(StrEnum):
    """What became of a letter we sent, as its partner signed it; the last two we say ourselves."""

    STORED = "stored"  # durable with the partner
    READ = "read"  # a human there has seen it
    ANSWERED = "answered"
    REFUSED = "refused"  # with a code: theirs, or that of a `LetterRefused`
    EXPIRED = "expired"  # it ran out before a human there acted
    UNDELIVERED = "undelivered"  # tried until the end of its lifetime: a human must find another way
    CLOSED = "closed"  # the channel, the gate, a hold or the consent shut before it could be sent: it is not sent


class Receipt(Struct, frozen=True):
    """News of a letter we sent. The same news may come again; it never goes back from a later state to `STORED`."""

    partner_id: str
    envelope_id: str  # ours, as `put` returned it
    state: ReceiptState
    code: str | None  # why, where it was refused or not delivered
    at: datetime
    named: tuple[str, ...] = ()  # what the code means, as codes: fields that are missing


class WaitingLetter(Struct, frozen=True):
    """A letter of ours that is about to leave, as it was written."""

    envelope_id: str
    partner_id: str
    kind: str
    body: Mapping[str, Any]


class LetterStopped(Exception):
    """Raised by a `Gatekeeper`: this letter does not leave. `code` says why; the room that wrote it is told."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Gatekeeper(Protocol):
    """Who is asked before every attempt to send, however long a letter waited: what was true when it was written may
    not be any more."""

    def clear(self, tx: Connection, letter: WaitingLetter, at: datetime) -> Cleared:
        """The gate's leave for this very letter, now. Reads only. Raises LetterStopped."""
        ...


class LetterRefused(Exception):
    """Raised by a `Receiver`: this letter is not taken in. A signed refusal with `code` goes back to its sender.

    What the receiver wrote in `tx` before is undone. `named` are codes of what is meant, such as fields: they go along.
    """

    def __init__(self, code: str, *named: str) -> None:
        super().__init__(code)
        self.code, self.named = code, named


class Receiver(Protocol):
    """Who takes letters in. Both calls are in the transaction that records that they were made: once, or undone."""

    def receive(self, tx: Connection, letter: ReceivedLetter) -> None:
        """Take the letter in. Raises LetterRefused; any other exception is tried again later, and a human is told."""
        ...

    def told(self, tx: Connection, receipt: Receipt) -> None:
        """Something became of a letter that was `put`. An envelope this room does not know is no error."""
        ...
