"""What the real server refuses in texts and keyboards."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

LONGEST_TEXT = 4096
LONGEST_CAPTION = 1024
LONGEST_CALLBACK_DATA = 64
MOST_BUTTONS = 100
KINDS_OF_MARKUP = ("inline_keyboard", "keyboard", "remove_keyboard", "force_reply")
ACTIONS_OF_BUTTONS = ("url", "callback_data", "web_app", "login_url", "switch_inline_query", "copy_text")


class Refused(Exception):
    """An answer of the API that is not `ok`."""

    def __init__(self, code: int, description: str, parameters: dict[str, Any] | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


def bad_request(description: str) -> Refused:
    return Refused(400, f"Bad Request: {description}")


def units(text: str) -> int:
    """Length as Telegram counts it: UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def checked_text(text: object, *, longest: int = LONGEST_TEXT, may_be_empty: bool = False) -> str:
    if not isinstance(text, str):
        raise bad_request("message text is empty")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise bad_request("strings must be encoded in UTF-8") from None
    text = text.strip()
    if not text and not may_be_empty:
        raise bad_request("message text is empty")
    if units(text) > longest:
        raise bad_request("message is too long" if longest == LONGEST_TEXT else "message caption is too long")
    return text


def checked_markup(raw: object) -> dict[str, Any] | None:
    if raw is None or raw == "":
        return None
    try:
        markup = json.loads(raw) if isinstance(raw, str) else raw
    except ValueError:
        markup = None
    if not isinstance(markup, dict) or not any(kind in markup for kind in KINDS_OF_MARKUP):
        raise bad_request("can't parse reply keyboard markup JSON object")
    if "inline_keyboard" in markup:
        _check_inline(markup["inline_keyboard"])
    return markup


def _check_inline(rows: object) -> None:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request('field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays')
    buttons = [button for row in rows for button in row]
    if len(buttons) > MOST_BUTTONS:
        raise bad_request("REPLY_MARKUP_TOO_LONG")
    for button in buttons:
        _check_button(button)


def _check_button(button: object) -> None:
    if not isinstance(button, dict):
        raise bad_request("can't parse inline keyboard button: InlineKeyboardButton must be an Object")
    if not isinstance(button.get("text"), str) or not button["text"].strip():
        raise bad_request("can't parse inline keyboard button: inline keyboard button text must be non-empty")
    actions = [name for name in ACTIONS_OF_BUTTONS if name in button]
    if len(actions) != 1:
        raise bad_request("text buttons are unallowed in the inline keyboard")
    if "callback_data" in button:
        data = button["callback_data"]
        if not isinstance(data, str) or not 1 <= len(data.encode()) <= LONGEST_CALLBACK_DATA:
            raise bad_request("BUTTON_DATA_INVALID")
    if "url" in button:
        parts = urlsplit(str(button["url"]))
        if parts.scheme not in {"http", "https", "tg"}:
            raise bad_request(f"inline keyboard button URL '{button['url']}' is invalid: Unsupported URL protocol")
        if parts.scheme != "tg" and "." not in (parts.hostname or ""):
            raise bad_request(f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL")
