"""A small load generator: keep-alive connections that post and wait for the answer, over plain asyncio."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator, Sequence
from itertools import chain

from msgspec import Struct, field

_length = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class LoadResult(Struct, frozen=True):
    """What a round of requests took."""

    requests: int
    seconds: float
    latencies: Sequence[float]  # seconds, sorted
    silent: int = 0  # answers that said nothing: an empty list

    @property
    def rate(self) -> float:
        return self.requests / self.seconds

    def percentile(self, share: float) -> float:
        """In milliseconds."""
        return 1000 * self.latencies[min(int(len(self.latencies) * share), len(self.latencies) - 1)]


class _Heard(Struct):
    """What the connections of a round note down."""

    latencies: list[float] = field(default_factory=list)
    silent: int = 0


class _Connection(asyncio.Protocol):
    """Posts one request after the other until there are none left."""

    def __init__(self, requests: Iterator[bytes], heard: _Heard, done: asyncio.Future[None]) -> None:
        self._requests = requests
        self._heard = heard
        self._done = done
        self._answer = b""
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._transport.close()
            if not self._done.done():
                self._done.set_result(None)
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, found, body = self._answer.partition(b"\r\n\r\n")
        if not found:
            return
        length = _length.search(head)
        if length is not None and len(body) < int(length[1]):
            return
        self._answer = b""
        if not head.startswith(b"HTTP/1.1 200"):
            self._fail(RuntimeError(head.split(b"\r\n", 1)[0].decode()))
            return
        self._heard.latencies.append(time.perf_counter() - self._sent_at)
        self._heard.silent += body == b"[]"
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or ConnectionError("the server closed the connection"))

    def _fail(self, error: Exception) -> None:
        if not self._done.done():
            self._done.set_exception(error)


async def post_all(host: str, port: int, requests: Sequence[bytes], *, connections: int) -> LoadResult:
    """Post every request once, over so many connections at a time. Anything but 200 is an error."""
    left = iter(requests)
    return await _post(host, port, [left] * connections)


async def post_conversations(
    host: str, port: int, conversations: Sequence[Sequence[bytes]], *, in_flight: int
) -> LoadResult:
    """Post conversations, so many at a time; each request of one when the request before is answered."""
    left = iter(conversations)
    return await _post(host, port, [chain.from_iterable(left) for _ in range(in_flight)])


async def _post(host: str, port: int, queues: Sequence[Iterator[bytes]]) -> LoadResult:
    """A connection for each queue. Two may share one."""
    loop = asyncio.get_running_loop()
    heard = _Heard()
    ends: list[asyncio.Future[None]] = []
    started = time.perf_counter()
    for queue in queues:
        done: asyncio.Future[None] = loop.create_future()
        ends.append(done)
        await loop.create_connection(lambda queue=queue, done=done: _Connection(queue, heard, done), host, port)  # type: ignore[misc]
    await asyncio.gather(*ends)
    seconds = time.perf_counter() - started
    return LoadResult(len(heard.latencies), seconds, sorted(heard.latencies), heard.silent)


def request(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """One HTTP request, ready to be written."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def telegram_update(number: int, chat_id: int, text: str) -> bytes:
    """An update as Telegram posts it, about 330 bytes."""
    person = {"id": chat_id, "is_bot": False, "first_name": "Person", "username": f"p{chat_id}", "language_code": "fr"}
    chat = {"id": chat_id, "first_name": "Person", "username": f"p{chat_id}", "type": "private"}
    message = {"message_id": number, "from": person, "chat": chat, "date": 1_795_435_200, "text": text}
    return json.dumps({"update_id": number, "message": message}).encode()
