"""What a web chat form becomes. The payload is ours: JSON made by the route, kept raw like any other channel's."""

from __future__ import annotations

import json
from typing import Any

from bot.channels.model import InboundMessage, MessageKind, PayloadUnreadable
from bot.channels.text import clean

NAME = "webchat"
ACCOUNT = "web"


def write_payload(*, text: str = "", tap: str = "", title: str = "", language: str) -> bytes:
    """The stored form of one submission: words, or a tap of one of our buttons with the title it showed."""
    content = {"text": text, "tap": tap, "title": title, "language": language}
    return json.dumps({key: value for key, value in content.items() if value}, ensure_ascii=False).encode()


def read_payload(payload: bytes) -> InboundMessage:
    """The message in a stored payload. Raises PayloadUnreadable when `write_payload` did not make it."""
    try:
        content: Any = json.loads(payload)
        language, text, tap = content.get("language"), content.get("text", ""), content.get("tap", "")
        if not (isinstance(text, str) and isinstance(tap, str)):
            raise PayloadUnreadable(NAME)
        if tap:
            return InboundMessage(MessageKind.TAP, text=clean(content.get("title", "")), payload=tap, language=language)
        return InboundMessage(MessageKind.TEXT, text=clean(text), language=language)
    except (ValueError, AttributeError, TypeError) as error:
        raise PayloadUnreadable(NAME) from error
