"""What somebody sent in a form, as text that nothing hides in."""

from __future__ import annotations

import asyncio
import re

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from multidict import MultiDict

from bot.kernel.doors import door_of
from bot.kernel.uploads import read_parts

SECONDS_FOR_A_FORM = 20

_unwanted = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


async def form(request: web.Request) -> MultiDict[str]:
    """The text fields of a form, without control and bidirectional characters, each line ending in one newline.

    Files are not among them, and are refused unless the route takes some. May be called more than once.
    """
    if request.content_type not in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        return MultiDict()
    try:
        async with asyncio.timeout(SECONDS_FOR_A_FORM):
            takes_files = (door := door_of(request)).files and request.content_type == "multipart/form-data"
            fields = await (read_parts(request, door.body_cap) if takes_files else request.post())
    except (UnicodeDecodeError, LookupError, ValueError, HttpProcessingError):
        raise web.HTTPBadRequest from None
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    if not all(isinstance(value, str) for value in fields.values()):
        raise web.HTTPBadRequest
    return MultiDict((name, _clean(str(value))) for name, value in fields.items())


def _clean(text: str) -> str:
    return _unwanted.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
