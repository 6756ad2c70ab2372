"""What a web chat form becomes. The payload is ours: JSON made by the route, kept raw like any other channel's."""

from __future__ import annotations

import json
from typing import Any

from bot.channels.model import InboundMessage, MessageKind, PayloadUnreadable
from bot.channels.text import clean

NAME = "webchat"
ACCOUNT = "web"


def write_payload(
    *, text: str = "", tap: str = "", title: str = "", upload: str = "", kind: str = "", language: str
) -> bytes:
    """The stored form of one submission: words, a tap of one of our buttons with the title it showed, or a file that
    was taken in before, with what a person would call it."""
    content = {"text": text, "tap": tap, "title": title, "upload": upload, "kind": kind, "language": language}
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
        if upload := content.get("upload"):
            facts = {"upload": str(upload)}
            return InboundMessage(
                MessageKind.ATTACHMENT,
                text=clean(text),
                language=language,
                attachment=str(content["kind"]),
                facts=facts,
            )
        return InboundMessage(MessageKind.TEXT, text=clean(text), language=language)
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        raise PayloadUnreadable(NAME) from error
