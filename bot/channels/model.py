"""What crosses the border between a channel and the rest of Waymark. Foreign payloads stay on the other side."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple, NewType, Protocol

from msgspec import Struct, field

DeliveryId = NewType("DeliveryId", str)

#: Longer messages are read up to here; the rest is kept nowhere. Ten pages of text.
LONGEST_TEXT = 20_000


class MessageKind(StrEnum):
    """What a person sent."""

    TEXT = "text"
    TAP = "tap"  # a button of ours: `payload` says which
    LOCATION = "location"
    ATTACHMENT = "attachment"  # voice, photo, document: for a human
    GROUP = "group"  # written in a group: refused kindly, the words dropped
    START = "start"  # opened the chat, or pressed Start; `payload` may carry a one-time code
    OTHER = "other"  # something the channel cannot say in words (a sticker, a poll)


class RawMessage(NamedTuple):
    """A foreign payload as it came, and the least that must be known to keep it."""

    channel: str
    account: str  # which of our accounts on that channel received it
    provider_id: str  # unique within (channel, account); never assumed to grow
    address: str  # where to answer: chat id, phone number, web session
    payload: bytes  # as received


class InboundMessage(Struct, frozen=True):
    """One thing a person sent, understood as far as the channel can."""

    kind: MessageKind
    text: str = ""  # cleaned: no control or bidirectional characters, at most LONGEST_TEXT long
    payload: str = ""  # for TAP and START, the value of the button or code
    latitude: float | None = None
    longitude: float | None = None
    language: str | None = None  # what the person's app says, BCP 47; a hint only
    edits: str | None = None  # provider id of the message this one corrects
    tap_id: str | None = None  # what the channel wants acknowledged
    attachment: str | None = None  # "voice", "photo", "document", "video"
    facts: Mapping[str, Any] = field(default_factory=dict)  # channel facts without words (duration, file id)


class Button(Struct, frozen=True):
    """A choice. `payload` comes back as the payload of a TAP; `url` opens instead (call, map)."""

    title: str
    payload: str = ""
    url: str = ""


class OutboundFile(Struct, frozen=True):
    """A file that goes out with a message."""

    name: str
    type: str  # IANA media type
    is_picture: bool  # a channel may show it as one
    content: bytes


class OutboundMessage(Struct, frozen=True):
    """One message to a person, ready for the channel that carries it."""

    id: str  # ours; the same on every attempt
    address: str
    text: str
    language: str
    buttons: tuple[Button, ...] = ()
    latitude: float | None = None
    longitude: float | None = None
    answers_tap: str | None = None  # acknowledge this tap as well
    file: OutboundFile | None = None


class Channel(Protocol):
    """A way for people to reach Waymark."""

    name: str

    def read(self, payload: bytes) -> InboundMessage:
        """Understand a stored payload. Raises PayloadUnreadable; never touches the network."""
        ...

    async def send(self, message: OutboundMessage) -> DeliveryId:
        """Deliver once. Raises a ChannelError, whose kind says what may be done next."""
        ...

    async def acknowledge(self, message: InboundMessage) -> None:
        """Tell the channel a tap was received (the spinner on the button stops). Never raises."""
        ...


class FileSource(Protocol):
    """A channel that keeps what people attach until it is asked for it."""

    def fetch(self, file_id: str, *, most: int) -> AsyncIterator[bytes]:
        """The file in chunks of any size. Raises FileGone, FileTooLarge above `most` bytes, else a ChannelError."""
        ...


class NoRoom(Exception):
    """No more files are taken in now: too many at once, too many today, or the disk is full. Words always are."""


class TooLarge(Exception):
    """A file is larger than what is taken in. Nothing of it was kept."""


class PayloadUnreadable(Exception):
    """The stored payload is not what this channel sends. It is parked for a human to look at."""


class ChannelError(Exception):
    """A message was not delivered, or nobody knows."""

    def __init__(self, channel: str, cause: str) -> None:
        super().__init__(f"{channel}: {cause}")
        self.channel = channel
        self.cause = cause  # a word for the delivery record: never the provider's text, never people's words


class PersonUnreachable(ChannelError):
    """Do not try again: the person blocked us or the address is gone."""


class MessageRefused(ChannelError):
    """Do not try again as it is: the channel does not accept this message."""


class FileGone(ChannelError):
    """Do not try again: the channel does not have this file any more."""


class FileTooLarge(ChannelError):
    """Do not try again: the channel does not give out a file of this size, or we take none."""


class ChannelBusy(ChannelError):
    """Certainly not delivered. Try again, not before `retry_after` seconds if that is known."""

    def __init__(self, channel: str, cause: str, retry_after: float | None = None) -> None:
        super().__init__(channel, cause)
        self.retry_after = retry_after


class DeliveryUncertain(ChannelError):
    """The answer was lost: it may have been delivered. The message's class decides whether to repeat."""
