"""Answers that are read a stretch at a time, and of which a browser may ask for a part (RFC 9110, section 14)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from aiohttp import web

STRETCH = 256 * 1024
#: One range of bytes. Several at once are answered with the whole, which the standard allows.
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")

Read = Callable[[int, int], Awaitable[bytes]]


async def answer_in_stretches(
    request: web.Request, read: Read, *, size: int, content_type: str, disposition: str
) -> web.StreamResponse:
    """Send `size` bytes that `read(offset, length)` gives, or the range that is asked for; never more than a stretch of
    them in memory. Nothing of it may be kept by the browser."""
    asked = RANGE.fullmatch(request.headers.get("Range", ""))
    partial = asked is not None and bool(asked[1] or asked[2])
    first, last = _wanted(asked, size) if asked is not None and partial else (0, size - 1)
    headers = {
        "Content-Type": content_type,
        "Content-Disposition": disposition,
        "Content-Length": str(last - first + 1),
        "Accept-Ranges": "bytes",
        "Cache-Control": "no-store",
    }
    if partial:
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    response = web.StreamResponse(status=206 if partial else 200, headers=headers)
    # The first stretch before the headers: what is gone by then can still be answered as such.
    held = b"" if request.method == "HEAD" else await read(first, min(STRETCH, last - first + 1))
    await response.prepare(request)
    at = first
    while held:
        await response.write(held)
        at += len(held)
        held = await read(at, min(STRETCH, last - at + 1)) if at <= last else b""
    await response.write_eof()
    return response


def _wanted(found: re.Match[str], size: int) -> tuple[int, int]:
    """The first and the last byte to send. Raises HTTPRequestRangeNotSatisfiable."""
    if not found[1]:  # the last so many
        first, last = max(0, size - int(found[2])), size - 1
    else:
        first, last = int(found[1]), min(int(found[2] or size), size - 1)
    if first > last:
        raise web.HTTPRequestRangeNotSatisfiable(headers={"Content-Range": f"bytes */{size}"})
    return first, last
