"""What comes in and what goes out over HTTP: JSON that every client can read, and errors as Rasa tells them."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from aiohttp import web

#: The version of Rasa whose ways are followed.
RASA_VERSION = "3.6.21"
#: The longest message that is read, in characters; of a longer one the rest is not.
LONGEST_MESSAGE = 200_000

#: One half of a character that JSON writes as two.
_HALF = re.compile("[\ud800-\udfff]")


async def read_object(request: web.Request) -> dict[str, Any]:
    """The body, which must be a JSON object. Raises what is answered if it is none."""
    body = await read_any(request)
    if not isinstance(body, dict):
        raise wrong("the body must be a JSON object")
    return body


async def read_any(request: web.Request) -> Any:
    """What the body holds. Half a character (`\\ud800`) is in no text: each is replaced, or no answer could hold it."""
    try:
        text = await request.text()
        given = json.loads(text)
        if "\\ud" in text.lower():
            given = json.loads(_HALF.sub("\ufffd", json.dumps(given, ensure_ascii=False)))
        return given
    except (ValueError, RecursionError) as error:
        raise wrong(f"the body is not JSON: {error}") from error


def told_as_rasa(status: int, reason: str, message: str, details: dict[str, str] | None = None) -> dict[str, Any]:
    """An error as Rasa's API tells it."""
    return {
        "version": RASA_VERSION,
        "status": "failure",
        "message": message,
        "reason": reason,
        "details": details or {},
        "help": None,
        "code": status,
    }


def failed(
    kind: type[web.HTTPException], reason: str, message: str, details: dict[str, str] | None = None
) -> web.HTTPException:
    """The error to raise, with its body."""
    told = told_as_rasa(kind.status_code, reason, message, details)
    return kind(text=json.dumps(told), content_type="application/json")


def wrong(message: str, parameter: str | None = None, place: str = "body") -> web.HTTPException:
    """The caller's mistake, and where they made it (`place`: `body` or `query`)."""
    details = {"parameter": parameter, "in": place} if parameter else None
    return failed(web.HTTPBadRequest, "BadRequest", message, details)


def answered(value: Any) -> web.Response:
    """The answer, as JSON."""
    return web.json_response(text=written(value))


def written(value: Any) -> str:
    """As JSON that every client can read: a project's action may have said half a character, or no number (`NaN`)."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str, allow_nan=False)
    except ValueError:
        text = json.dumps(_numbers(value), ensure_ascii=False, default=str)
    return _HALF.sub("\ufffd", text)


def _numbers(value: Any) -> Any:
    """The same, with nothing in the place of a number that is none."""
    if isinstance(value, dict):
        return {key: _numbers(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_numbers(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
