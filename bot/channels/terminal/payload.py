"""What somebody typed in the terminal, as it is kept. The payload is ours: JSON made by the client."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from bot.channels.model import InboundMessage, MessageKind, PayloadUnreadable, RawMessage
from bot.channels.text import clean

NAME = "terminal"
ACCOUNT = "terminal"
MESSAGES = "/terminal/messages"
LINES = "/terminal/lines"
LONGEST_WAIT = 20.0  # seconds a client may wait for the next line
_token = re.compile(r"[A-Za-z0-9_-]{1,64}")


def parse(payload: bytes) -> dict[str, Any]:
    """The JSON object in `payload`. Raises PayloadUnreadable for anything else."""
    try:
        content = json.loads(payload.decode())
    except (ValueError, RecursionError):
        raise PayloadUnreadable(NAME) from None
    if not isinstance(content, dict):
        raise PayloadUnreadable(NAME)
    return content


def keep(payload: bytes) -> RawMessage:
    """What a client posted, as a message for the inbox. Raises PayloadUnreadable."""
    content = parse(payload)
    message_id, address = content.get("id"), content.get("address")
    if not (isinstance(message_id, str) and isinstance(address, str)):
        raise PayloadUnreadable(NAME)
    if not (_token.fullmatch(message_id) and _token.fullmatch(address)):
        raise PayloadUnreadable(NAME)
    return RawMessage(NAME, ACCOUNT, message_id, address, payload)


def read_payload(payload: bytes) -> InboundMessage:
    """The message in a stored payload. Raises PayloadUnreadable and nothing else."""
    content = parse(payload)
    language = content.get("language")
    language = language if isinstance(language, str) and re.fullmatch(r"[A-Za-z0-9-]{2,35}", language) else None
    if "latitude" in content:
        latitude, longitude = _degrees(content, "latitude", 90), _degrees(content, "longitude", 180)
        return InboundMessage(MessageKind.LOCATION, latitude=latitude, longitude=longitude, language=language)
    text, tap = _text(content, "text"), _text(content, "tap")
    if tap:
        return InboundMessage(MessageKind.TAP, text=text, payload=tap, language=language)
    return InboundMessage(MessageKind.TEXT if text else MessageKind.OTHER, text=text, language=language)


def _text(content: Mapping[str, Any], field: str) -> str:
    value = content.get(field, "")
    if not isinstance(value, str):
        raise PayloadUnreadable(NAME)
    return clean(value)


def _degrees(content: Mapping[str, Any], field: str, limit: int) -> float:
    value = content.get(field)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -limit <= value <= limit:
        raise PayloadUnreadable(NAME)
    if not math.isfinite(value):
        raise PayloadUnreadable(NAME)
    return float(value)
