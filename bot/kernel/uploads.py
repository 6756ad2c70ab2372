"""Forms that hold a file: read into memory, never onto the disk, and no further than the route allows."""

from __future__ import annotations

from typing import Final

from aiohttp import BodyPartReader, web
from multidict import MultiDict

_FILES: Final = web.RequestKey("files", dict[str, bytes])
_TEXTS: Final = web.RequestKey("texts", MultiDict[str])
MOST_PARTS: Final = 200


async def read_parts(request: web.Request, cap: int) -> MultiDict[str]:
    """The text fields of a multipart form; its files are kept beside them. Reads once, answers as often as asked.

    (aiohttp's own `post` writes files to the disk, where words of a child have no business.)
    """
    known: MultiDict[str] | None = request.get(_TEXTS)
    if known is not None:
        return known
    texts: MultiDict[str] = MultiDict()
    files: dict[str, bytes] = {}
    size = 0
    try:
        parts = await request.multipart()
        while (part := await parts.next()) is not None:
            if not isinstance(part, BodyPartReader) or len(texts) + len(files) >= MOST_PARTS:
                raise web.HTTPBadRequest
            held = bytearray()
            while chunk := await part.read_chunk():
                size += len(chunk)
                if size > cap:
                    raise web.HTTPRequestEntityTooLarge(cap, size)
                held += chunk
            if part.filename is None:
                texts.add(part.name or "", held.decode("utf-8"))
            else:
                files[part.name or ""] = bytes(held)
    except (UnicodeDecodeError, ValueError, LookupError, AssertionError):
        raise web.HTTPBadRequest from None
    request[_FILES], request[_TEXTS] = files, texts
    return texts


def uploaded(request: web.Request, name: str) -> bytes:
    """The file of one field, once the form was read; empty where none was chosen."""
    files: dict[str, bytes] = request.get(_FILES, {})
    return files.get(name, b"")
