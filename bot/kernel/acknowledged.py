"""Thank you, received: what a machine that calls by the thousand is answered."""

from __future__ import annotations

import functools
import time
from email.utils import formatdate

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter
from multidict import CIMultiDict

from bot.kernel.security_headers import put_security_headers
from bot.kernel.web_keys import REQUEST_ID, SETTINGS


class Acknowledged(web.Response):
    """200 and nothing in it, with the headers every answer carries.

    But for the date and the request's number they are the same at every call, and setting and encoding them one by
    one costs as much as keeping the message. So they are encoded once. A caller that does not keep its connection
    open, or speaks HTTP/1.0, is answered the ordinary way.
    """

    _sent = False

    @property
    def prepared(self) -> bool:
        return self._sent or super().prepared

    @property
    def keep_alive(self) -> bool | None:
        return True if self._sent else super().keep_alive

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        assert isinstance(request, web.Request)
        if self.prepared or request.version != HttpVersion11 or not request.keep_alive:
            return await super().prepare(request)
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the caller is gone")
        head = _head(int(time.time()), request.app[SETTINGS].is_https)
        transport.write(b"%b%b\r\n\r\n" % (head, request[REQUEST_ID].encode()))
        self._sent = True
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        if not self._sent:
            await super().write_eof(data)


@functools.lru_cache(maxsize=2)
def _head(second: int, https: bool) -> bytes:
    """Everything up to the number of the request."""
    headers: CIMultiDict[str] = CIMultiDict({"Content-Length": "0", "Date": formatdate(second, usegmt=True)})
    put_security_headers(headers, https=https)
    lines = [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(["HTTP/1.1 200 OK", *lines, "X-Request-Id: "]).encode()
