"""Telegram as a `Channel`. Its payloads, its limits and its errors stay on this side."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from bot.channels.model import (
    ChannelError,
    DeliveryId,
    InboundMessage,
    MessageRefused,
    OutboundMessage,
)
from bot.channels.telegram.buttons import keyboard, numbers_to_show
from bot.channels.telegram.payload import NAME, read_payload
from bot.channels.text import sendable, split, units
from bot.kernel.logs import get_log
from bot.kernel.words import direction

if TYPE_CHECKING:
    from bot.channels.telegram.client import Client

log = get_log("channels.telegram")

WEBHOOK_PATH = "/telegram/webhook"
API_URL = "https://api.telegram.org"
LONGEST_TEXT = 4096
LONGEST_CAPTION = 1024
LONGEST_VENUE_LINE = 120
HALF_SENT_AT_ONCE = 1024


class Step(Struct, frozen=True):
    """One call of the API. A message is one or more of them; the buttons hang on the last."""

    method: str
    values: dict[str, Any] = field(default_factory=dict)


def steps(message: OutboundMessage) -> list[Step]:
    """What is sent for a message: its text in parts that fit, and its place as a pin.

    A name and an address with coordinates are one venue, whose pin opens the phone's map; other texts go before it.
    """
    text = "\n".join([message.text.strip(), *numbers_to_show(message.buttons, message.text)]).strip()
    text = sendable(text, rtl=direction(message.language) == "rtl")
    made: list[Step] = []
    if message.file is not None:
        return _with_file(message, text)
    if message.latitude is not None and message.longitude is not None:
        pin = {"latitude": message.latitude, "longitude": message.longitude}
        if (venue := _as_venue(text)) is not None:
            made = [Step("venue", {**pin, **venue})]
        else:
            made = [Step("message", {"text": part}) for part in split(text, LONGEST_TEXT)]
            made.append(Step("location", pin))
    else:
        made = [Step("message", {"text": part}) for part in split(text, LONGEST_TEXT)]
    if made and (rows := keyboard(message.buttons)):
        made[-1].values["keyboard"] = rows
    return made


def _with_file(message: OutboundMessage, text: str) -> list[Step]:
    """The words under the file, in one message that arrives or does not; before it where they are too long."""
    file = message.file
    assert file is not None
    method = "photo" if file.is_picture else "document"
    under = text if units(text) <= LONGEST_CAPTION else ""
    values: dict[str, Any] = {method: file.content, "filename": file.name}
    if under:
        values["caption"] = under
    before = [] if under else [Step("message", {"text": part}) for part in split(text, LONGEST_TEXT)]
    return [*before, Step(method, values)]


def _as_venue(text: str) -> dict[str, str] | None:
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) != 2 or any(units(line) > LONGEST_VENUE_LINE for line in lines):
        return None
    return {"title": lines[0], "address": lines[1]}


class TelegramChannel:
    """One bot of Telegram's.

    A text too long for one message takes several calls, and is still one delivery: which parts arrived is
    remembered, so that trying again goes on with the first that did not. A crash in the middle forgets it; the delivery
    is then uncertain as a whole, and its class decides, as for any other.
    """

    name = NAME

    def __init__(self, token: str, *, api_url: str = API_URL) -> None:
        self.account = token.partition(":")[0]  # the bot's number: no secret, and known without asking
        self._token = token
        self._api_url = api_url
        self._client: Client | None = None
        self._half_sent: OrderedDict[str, int] = OrderedDict()
        self._username = ""

    def __repr__(self) -> str:
        return f"TelegramChannel({self.account})"

    @property
    def client(self) -> Client:
        """The connection, made at its first use."""
        if self._client is None:
            from bot.channels.telegram.client import Client  # slow to import, and not every deployment has a bot

            self._client = Client(self._token, self._api_url)
        return self._client

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    def read(self, payload: bytes) -> InboundMessage:
        return read_payload(payload)

    def fetch(self, file_id: str, *, most: int) -> AsyncIterator[bytes]:
        """A file that a person attached, as `bot.channels.model.FileSource` says it."""
        return self.client.download(file_id, most=most)

    async def send(self, message: OutboundMessage) -> DeliveryId:
        """Deliver once. The id is that of the last part, which has the buttons.

        A group is left after the one answer it gets: nothing of what is said there is meant for us.
        """
        chat_id = _chat_id(message.address)
        answering = asyncio.create_task(self._answer_tap(message.answers_tap))
        try:
            delivered = await self._send_steps(message.id, chat_id, steps(message))
        finally:
            await answering
        if chat_id < 0:
            await self._leave(chat_id)
        return delivered

    async def _send_steps(self, message_id: str, chat_id: int, parts: Sequence[Step]) -> DeliveryId:
        if not parts:
            raise MessageRefused(self.name, "empty_message")
        done = self._half_sent.pop(message_id, 0)
        sent = 0
        for index, part in enumerate(parts[done:], start=done):
            try:
                sent = await self.client.send(part.method, {"chat_id": chat_id, **part.values})
            except ChannelError:
                self._remember(message_id, index)
                raise
        return DeliveryId(str(sent))

    def _remember(self, message_id: str, done: int) -> None:
        if done:
            self._half_sent[message_id] = done
        while len(self._half_sent) > HALF_SENT_AT_ONCE:
            self._half_sent.popitem(last=False)

    async def acknowledge(self, message: InboundMessage) -> None:
        await self._answer_tap(message.tap_id)

    async def show_writing(self, address: str) -> None:
        """Say there that somebody is typing. Never raises: the message itself comes, or its failure is seen."""
        try:
            await self.client.show_writing(_chat_id(address))
        except ChannelError:
            return

    async def _answer_tap(self, tap_id: str | None) -> None:
        if tap_id is None:
            return
        try:
            await self.client.answer_tap(tap_id)
        except ChannelError:
            return  # the spinner stops by itself; what the tap meant is kept already

    async def _leave(self, chat_id: int) -> None:
        try:
            await self.client.leave(chat_id)
        except ChannelError:
            return  # the next message there is answered, and left, again

    async def username(self) -> str:
        """The bot's public name, for `https://t.me/<name>?start=<code>`. Asked once."""
        if not self._username:
            self._username = await self.client.username()
        return self._username


def _chat_id(address: str) -> int:
    try:
        return int(address)
    except ValueError:
        raise MessageRefused(NAME, "no_such_address") from None
