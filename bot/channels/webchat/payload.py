"""What a web chat form becomes. The payload is ours: JSON made by the route, kept raw like any other channel's."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

from bot.channels.model import LONGEST_TEXT, InboundMessage, MessageKind, PayloadUnreadable

NAME = "webchat"
ACCOUNT = "web"

#: Characters that reorder or hide text (bidirectional controls, zero-width, BOM) and have no use in a message.
HIDDEN = dict.fromkeys([0x200B, 0x2060, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x00AD])


def clean(text: str) -> str:
    """Text without control or bidirectional characters, at most LONGEST_TEXT long.

    Joiners (U+200C, U+200D) stay: Persian and others cannot be written without them.
    """
    shown = text[:LONGEST_TEXT].translate(HIDDEN)
    return "".join(c for c in shown if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs"}).strip()


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
