"""Telegram's Bot API over python-telegram-bot, and its errors in our words.

This is the only file that imports that library (a third of a second), so it is imported when a bot is first used.
The token is part of every address. Therefore the library's errors stop here: their texts, and the requests they
carry, may hold it, and the answers it logs may hold what people wrote.
"""

from __future__ import annotations

import functools
import json
import logging
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, TypeVar

import httpx
from telegram import Bot, InlineKeyboardMarkup, LinkPreviewOptions, WebhookInfo
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    TelegramError,
    TimedOut,
)
from telegram.request import BaseRequest, HTTPXRequest, RequestData

from bot.channels.model import (
    ChannelBusy,
    ChannelError,
    DeliveryUncertain,
    FileGone,
    FileTooLarge,
    MessageRefused,
    PersonUnreachable,
)
from bot.channels.telegram.payload import KINDS, NAME

T = TypeVar("T")
CONNECTIONS = 16
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 15.0
TAP_SECONDS = 5.0  # an unanswered tap costs a spinner, so nobody waits long for it
UPDATES_AT_ONCE = 100
#: A file's address at Telegram, as it answers: a folder and a name, and no way out of them.
FILE_PATH = re.compile(r"(?!.*\.\.)[\w-][\w./-]{0,300}", re.ASCII)
#: What Telegram says of a file of more than 20 MB, which it gives to no bot.
TOO_BIG = "file is too big"
FILE_SECONDS = 30.0  # without a byte
#: How long to leave a bot alone whose token is refused: somebody has to mend the settings.
AFTER_WRONG_TOKEN = 60.0

#: httpx writes every address at INFO, and the library what it sends and gets at DEBUG.
TALKATIVE = ("httpx", "httpcore", "telegram")
#: Nothing was sent, so nothing can have been delivered.
NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
#: Nobody by that number, to words in Telegram's answers that are not about the message.
NOBODY_THERE = ("chat not found", "user not found", "peer_id_invalid", "user_is_deactivated")


class AnotherListener(ChannelBusy):
    """Somebody else fetches this bot's updates, or a webhook is set: 409."""


class _NotDone(NetworkError):
    """A proxy or the server said, with a status that means it, that nothing was done."""


class _TooMany(NetworkError):
    """429, with the seconds to wait if they were said. (The library's own error is about to change its type.)"""

    def __init__(self, body: bytes) -> None:
        super().__init__("429")
        self.seconds: float | None = None
        try:
            self.seconds = float(json.loads(body)["parameters"]["retry_after"])
        except (ValueError, LookupError, TypeError, RecursionError):
            return


class _Request(HTTPXRequest):
    """The library's transport, without the two habits that hurt here: one status for all failures, and logging."""

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        status, body = await super().do_request(
            url, method, request_data, read_timeout, write_timeout, connect_timeout, pool_timeout
        )
        if status == 504:  # the server behind was asked and not heard
            raise TimedOut
        if status == 429:
            raise _TooMany(body)
        if status >= 500 or 300 <= status < 400 or status in {408, 425}:
            raise _NotDone(str(status))
        return status, body

    @staticmethod
    def parse_json_payload(payload: bytes) -> Any:
        try:
            return json.loads(payload.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            raise TelegramError("the answer is not JSON") from None


@functools.cache
def _trusted() -> ssl.SSLContext:
    """Who may vouch for Telegram. Read once: each of a bot's three clients would read them all again."""
    return httpx.create_ssl_context()


class Client:
    """One bot. Every method raises a ChannelError and nothing of the library's."""

    def __init__(self, token: str, api_url: str) -> None:
        for name in TALKATIVE:
            logger = logging.getLogger(name)
            logger.setLevel(max(logger.level, logging.WARNING))
        root = api_url.rstrip("/")
        how: dict[str, Any] = {
            "httpx_kwargs": {"verify": _trusted()},
            "connect_timeout": CONNECT_SECONDS,
            "read_timeout": ANSWER_SECONDS,
            "write_timeout": ANSWER_SECONDS,
            "pool_timeout": ANSWER_SECONDS,
        }
        self._files = f"{root}/file/bot{token}"
        self._downloads: httpx.AsyncClient | None = None
        self._requests = (
            _Request(connection_pool_size=2, **how),  # the long poll has its own
            _Request(connection_pool_size=CONNECTIONS, **how),
        )
        self._bot = Bot(
            token,
            base_url=f"{root}/bot",
            base_file_url=f"{root}/file/bot",
            get_updates_request=self._requests[0],
            request=self._requests[1],
        )

    async def close(self) -> None:
        for request in self._requests:
            await request.shutdown()
        if self._downloads is not None:
            await self._downloads.aclose()

    async def username(self) -> str:
        return (await _said_our_way(lambda: self._bot.get_me())).username or ""

    async def updates(self, offset: int | None, wait: int) -> list[Any]:
        """The waiting updates as they came. With `offset`, everything below it is forgotten there for good."""
        asked: dict[str, Any] = {"timeout": wait, "limit": UPDATES_AT_ONCE, "allowed_updates": list(KINDS)}
        if offset is not None:
            asked["offset"] = offset
        # Spelt so that the library takes it for a method it does not know and hands the JSON over as it is.
        seconds = wait + ANSWER_SECONDS
        found = await _said_our_way(lambda: self._bot.do_api_request("get_Updates", asked, read_timeout=seconds))
        return found if isinstance(found, list) else []

    async def use_polling(self) -> None:
        await _said_our_way(lambda: self._bot.delete_webhook(drop_pending_updates=False))

    async def use_webhook(self, url: str, secret: str) -> None:
        await _said_our_way(lambda: self._bot.set_webhook(url, secret_token=secret, allowed_updates=list(KINDS)))

    async def webhook(self) -> WebhookInfo:
        """Where Telegram delivers to, how much waits there, and when it last failed."""
        return await _said_our_way(lambda: self._bot.get_webhook_info())

    async def send(self, method: str, values: Mapping[str, Any]) -> int:
        """Send one message. `method` is message, location, venue, photo or document. Returns Telegram's number."""
        options = dict(values)
        if rows := options.pop("keyboard", None):
            options["reply_markup"] = InlineKeyboardMarkup.de_json({"inline_keyboard": rows}, self._bot)
        if method == "message":
            options["link_preview_options"] = LinkPreviewOptions(is_disabled=True)
        send = getattr(self._bot, f"send_{method}")
        sent = await _said_our_way(lambda: send(**options))
        return int(sent.message_id)

    async def show_writing(self, chat_id: int) -> None:
        """The chat says for five seconds that the bot is typing."""
        await _said_our_way(lambda: self._bot.send_chat_action(chat_id, "typing"))

    async def download(self, file_id: str, *, most: int) -> AsyncIterator[bytes]:
        """A file in chunks, never whole in memory as the library would have it. Raises FileGone, FileTooLarge."""
        try:
            # Spelt so that the answer comes as it is, as for updates.
            told = await _said_our_way(lambda: self._bot.do_api_request("get_File", {"file_id": file_id}))
        except MessageRefused as refused:
            raise FileGone(NAME, refused.cause) from None
        path, size = (told.get("file_path"), told.get("file_size")) if isinstance(told, dict) else (None, None)
        if isinstance(size, int) and size > most:
            raise FileTooLarge(NAME, "too_large")
        if not isinstance(path, str) or not FILE_PATH.fullmatch(path):
            raise FileGone(NAME, "no_path")
        async for chunk in _bounded(self._stream(path), most):
            yield chunk

    async def _stream(self, path: str) -> AsyncIterator[bytes]:
        if self._downloads is None:
            limits = httpx.Timeout(FILE_SECONDS, connect=CONNECT_SECONDS)
            self._downloads = httpx.AsyncClient(timeout=limits, follow_redirects=False, verify=_trusted())
        failure: ChannelError | None = None
        try:
            async with self._downloads.stream("GET", f"{self._files}/{path}") as answer:
                if answer.status_code == 200:
                    async for chunk in answer.aiter_raw():
                        yield chunk
                    return
                gone = answer.status_code in {400, 404, 410}
                failure = FileGone(NAME, "gone") if gone else ChannelBusy(NAME, "server_error")
        except httpx.HTTPError:  # its text holds the address, which holds the token
            failure = ChannelBusy(NAME, "connection_lost")
        raise failure

    async def answer_tap(self, tap_id: str) -> None:
        await _said_our_way(lambda: self._bot.answer_callback_query(tap_id, read_timeout=TAP_SECONDS))

    async def leave(self, chat_id: int) -> None:
        await _said_our_way(lambda: self._bot.leave_chat(chat_id))


async def _bounded(chunks: AsyncIterator[bytes], most: int) -> AsyncIterator[bytes]:
    """Whatever was said about the size. Raises FileTooLarge."""
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > most:
            raise FileTooLarge(NAME, "too_large")
        yield chunk


async def _said_our_way(call: Callable[[], Awaitable[T]]) -> T:
    """Await `call`. The error of ours is raised outside the handler, so that it does not carry the library's along."""
    try:
        return await call()
    except TelegramError as error:
        failure = failure_of(error)
    except (LookupError, TypeError, ValueError, AttributeError):  # JSON, but not what the API answers
        failure = DeliveryUncertain(NAME, "answer_unreadable")
    raise failure


def failure_of(error: TelegramError) -> ChannelError:
    """What a failure means for the message: certainly not delivered, never deliverable, or nobody knows."""
    if isinstance(error, _TooMany):
        return ChannelBusy(NAME, "too_many_requests", error.seconds)
    if isinstance(error, (Forbidden, ChatMigrated)):
        return PersonUnreachable(NAME, "blocked" if isinstance(error, Forbidden) else "chat_moved")
    if isinstance(error, Conflict):
        return AnotherListener(NAME, "another_listener")
    if isinstance(error, InvalidToken):
        return ChannelBusy(NAME, "token_refused", AFTER_WRONG_TOKEN)
    if isinstance(error, BadRequest):  # a NetworkError to this library, so it must come before it
        if TOO_BIG in error.message.lower():
            return FileTooLarge(NAME, "too_large")
        nobody = any(words in error.message.lower() for words in NOBODY_THERE)
        return PersonUnreachable(NAME, "chat_not_found") if nobody else MessageRefused(NAME, "bad_request")
    if isinstance(error, _NotDone):
        return ChannelBusy(NAME, "server_error")
    if isinstance(error.__cause__, NOT_SENT):
        return ChannelBusy(NAME, "not_connected")
    if isinstance(error, TimedOut):
        return DeliveryUncertain(NAME, "no_answer")
    if isinstance(error, NetworkError):
        return DeliveryUncertain(NAME, "connection_lost")
    return DeliveryUncertain(NAME, "answer_unreadable")
