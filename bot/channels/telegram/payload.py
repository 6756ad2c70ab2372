"""Telegram's updates: which are kept, under which name, and what they say. Plain look-ups, no client library.

Bots are sent whatever people and modified apps can make, so every field is checked for its type before use.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any

import msgspec

from bot.channels.model import InboundMessage, MessageKind, PayloadUnreadable, RawMessage
from bot.channels.telegram.buttons import payload_of_tap
from bot.channels.text import clean

NAME = "telegram"
KINDS = ("message", "edited_message", "callback_query")  # the updates we ask for
MESSAGES = ("message", "edited_message")

#: What people send that is neither words nor a place, and what an officer is told it was.
ATTACHMENTS = {
    "voice": "voice",
    "audio": "voice",
    "photo": "photo",
    "video": "video",
    "video_note": "video",
    "animation": "video",
    "document": "document",
}
#: Notes of the app itself in a private chat; nobody said anything.
SERVICE_NOTES = frozenset(
    {
        "pinned_message",
        "message_auto_delete_timer_changed",
        "write_access_allowed",
        "chat_background_set",
        "boost_added",
        "forum_topic_created",
        "forum_topic_edited",
        "forum_topic_closed",
    }
)
START = re.compile(r"/start(?:@\w{1,64})?(?:\s+([A-Za-z0-9_-]{1,64}))?\s*")
LARGEST_ID = 2**63

Json = Mapping[str, Any]


def parse(payload: bytes) -> dict[str, Any]:
    """The JSON object in `payload`. Raises PayloadUnreadable for anything else, however it is broken."""
    try:
        update = msgspec.json.decode(payload)
    except (msgspec.DecodeError, ValueError, RecursionError):
        update = _parse_leniently(payload)
    if not isinstance(update, dict):
        raise PayloadUnreadable(NAME)
    return update


def _parse_leniently(payload: bytes) -> Any:
    """Python's own reading takes three times as long, and takes half an emoji, which some apps send for a whole one."""
    try:
        return json.loads(payload.decode())
    except (ValueError, RecursionError):  # not UTF-8, not JSON, nested too deep
        raise PayloadUnreadable(NAME) from None


_Number = Annotated[int, msgspec.Meta(ge=-LARGEST_ID, le=LARGEST_ID - 1)]


class _Chat(msgspec.Struct, gc=False):
    id: _Number


#: What a message is kept under. A note of the app, whatever stands in it, is no such message.
_Message = msgspec.defstruct(
    "_Message",
    [("message_id", _Number), ("chat", _Chat), ("date", _Number)]
    + [(note, msgspec.UnsetType, msgspec.UNSET) for note in sorted(SERVICE_NOTES)],
    gc=False,
)
_plain_message: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
    msgspec.defstruct("_Update", [("update_id", _Number), ("message", _Message)], gc=False)
)


def keep_payload(account: str, payload: bytes) -> RawMessage | None:
    """The same as `keep(account, parse(payload), payload)`, for a third of the time where it is a plain message.

    Of such only the four numbers are looked at. Whatever else it is goes the long way, and so do bytes beyond ASCII:
    what is passed over is not looked at closely enough to say that it can be read.
    """
    if payload.isascii():
        try:
            message = _plain_message.decode(payload).message
        except (msgspec.DecodeError, RecursionError):
            pass
        else:
            chat_id = message.chat.id
            name = _name(message.message_id, message.date, chat_id)
            return RawMessage(NAME, account, name, str(chat_id), payload)
    return keep(account, parse(payload), payload)


def keep(account: str, update: Json, payload: bytes | None = None) -> RawMessage | None:
    """The update as a message for the inbox, or None when it is of a kind that nobody has to answer.

    Raises PayloadUnreadable when it is no update. The name under which a message is kept is made of what never
    changes about it, and not of the update id: those start again at random after a quiet week, and a new message
    must not be taken for an old one.
    """
    if not _is_id(update.get("update_id")):
        raise PayloadUnreadable(NAME)
    kind = next((kind for kind in KINDS if kind in update), None)
    if kind is None:
        return None
    content = update[kind]
    if not isinstance(content, dict):
        raise PayloadUnreadable(NAME)
    if kind == "callback_query":
        if not isinstance(content.get("id"), str):
            raise PayloadUnreadable(NAME)
        provider_id, chat = _name_of_tap(content["id"]), _chat_of_tap(content)
    else:
        if not _is_id(content.get("message_id")):
            raise PayloadUnreadable(NAME)
        if not _says_something(content, edited=kind == "edited_message"):
            return None
        chat = content.get("chat")
        provider_id = name_of(content) if kind == "message" else _name_of_edit(content, update["update_id"])
    if not isinstance(chat, dict) or not _is_id(chat.get("id")):
        raise PayloadUnreadable(NAME)
    if payload is None:
        # ASCII, because a lone surrogate in somebody's text has no UTF-8.
        payload = json.dumps(update, separators=(",", ":")).encode()
    return RawMessage(NAME, account, provider_id, str(chat["id"]), payload)


def _says_something(message: Json, *, edited: bool) -> bool:
    if not SERVICE_NOTES.isdisjoint(message):
        return False
    # A shared live location is edited every few seconds. Where a child walks is nothing we keep.
    return not (edited and "location" in message)


def name_of(message: Json) -> str:
    """The name of a message: Telegram's number for it, its date, and a trace of the chat that cannot be traced back."""
    chat = message.get("chat")
    chat_id = _whole(chat.get("id")) if isinstance(chat, dict) else 0
    return _name(_whole(message.get("message_id")), _whole(message.get("date")), chat_id)


def _name(number: int, date: int, chat_id: int) -> str:
    return f"m{number}.{date}.{_trace(chat_id)}"


@lru_cache(maxsize=10_000)
def _trace(chat_id: int) -> str:
    return hashlib.sha256(f"chat {chat_id}".encode()).hexdigest()[:4]


def _name_of_edit(message: Json, update_id: int) -> str:
    return f"e{name_of(message)[1:]}.{_whole(message.get('edit_date'))}.{update_id}"


def _name_of_tap(tap_id: str) -> str:
    # Half of a tap's id is the person's number, so it is not written down as it is.
    return "t" + hashlib.sha256(f"tap {tap_id}".encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _chat_of_tap(query: Json) -> Any:
    message = query.get("message")
    return message.get("chat") if isinstance(message, dict) else query.get("from")


def read_payload(payload: bytes) -> InboundMessage:
    """What an update says. Raises PayloadUnreadable and nothing else."""
    update = parse(payload)
    if isinstance(query := update.get("callback_query"), dict):
        return _read_tap(query)
    for kind in MESSAGES:
        if isinstance(message := update.get(kind), dict):
            return _read_message(message, edited=kind == "edited_message")
    raise PayloadUnreadable(NAME)


def _read_tap(query: Json) -> InboundMessage:
    chat, language = _chat_of_tap(query), _language(query)
    tap_id, data = query.get("id"), query.get("data")
    if not isinstance(tap_id, str) or not isinstance(chat, dict):
        raise PayloadUnreadable(NAME)
    if _is_group(chat):
        return InboundMessage(MessageKind.GROUP, language=language, tap_id=tap_id)
    title = clean(_title_of_pressed(query))
    payload = payload_of_tap(data) if isinstance(data, str) else None
    if payload is None:  # a button that carries its title only, or nothing of ours: as if it had been typed
        kind = MessageKind.TEXT if title else MessageKind.OTHER
        return InboundMessage(kind, text=title, language=language, tap_id=tap_id)
    return InboundMessage(MessageKind.TAP, text=title, payload=clean(payload), language=language, tap_id=tap_id)


def _title_of_pressed(query: Json) -> str:
    """The words on the button, from the message it hangs under. The data alone would not say them."""
    message = query.get("message")
    markup = message.get("reply_markup") if isinstance(message, dict) else None
    rows = markup.get("inline_keyboard") if isinstance(markup, dict) else None
    for row in rows if isinstance(rows, list) else ():
        for button in row if isinstance(row, list) else ():
            if isinstance(button, dict) and button.get("callback_data") == query.get("data"):
                title = button.get("text")
                return title if isinstance(title, str) else ""
    return ""


def _read_message(message: Json, *, edited: bool) -> InboundMessage:
    chat = message.get("chat")
    if not isinstance(chat, dict) or not _is_id(chat.get("id")):
        raise PayloadUnreadable(NAME)
    language = _language(message)
    if _is_group(chat):
        return InboundMessage(MessageKind.GROUP, language=language)
    edits = name_of(message) if edited else None
    text = _text(message, "text")
    if text:
        start = START.fullmatch(text) if text.startswith("/start") else None
        if start is not None and not edited:
            return InboundMessage(MessageKind.START, text=text, payload=start[1] or "", language=language)
        return InboundMessage(MessageKind.TEXT, text=text, language=language, edits=edits)
    if (place := _location(message)) is not None:
        latitude, longitude = place
        return InboundMessage(MessageKind.LOCATION, latitude=latitude, longitude=longitude, language=language)
    for field, attachment in ATTACHMENTS.items():
        if field in message:
            facts = _facts(message[field])
            text = _text(message, "caption")
            return InboundMessage(
                MessageKind.ATTACHMENT, text=text, language=language, edits=edits, attachment=attachment, facts=facts
            )
    return InboundMessage(MessageKind.OTHER, text=_words_in_other(message), language=language, edits=edits)


def _text(message: Json, field: str) -> str:
    text = message.get(field)
    return clean(text) if isinstance(text, str) else ""


def _is_group(chat: Json) -> bool:
    return bool(chat.get("type", "private") != "private")


def _language(message: Json) -> str | None:
    sender = message.get("from")
    code = sender.get("language_code") if isinstance(sender, dict) else None
    return code if isinstance(code, str) and re.fullmatch(r"[A-Za-z0-9-]{2,35}", code) else None


def _location(message: Json) -> tuple[float, float] | None:
    found = message.get("location")
    if not isinstance(found, dict):
        return None
    latitude, longitude = _degrees(found.get("latitude"), 90), _degrees(found.get("longitude"), 180)
    return None if latitude is None or longitude is None else (latitude, longitude)


def _degrees(value: Any, limit: int) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -limit <= value <= limit:
        return None
    return float(value) if math.isfinite(value) else None


def _facts(attachment: Any) -> dict[str, Any]:
    """What a human needs to open it: the file's id, its size, its length. A photo comes in sizes, the largest last."""
    if isinstance(attachment, list):
        attachment = attachment[-1] if attachment else None
    if not isinstance(attachment, dict):
        return {}
    facts: dict[str, Any] = {}
    if isinstance(file_id := attachment.get("file_id"), str) and re.fullmatch(r"[\w-]{1,200}", file_id, re.ASCII):
        facts["file_id"] = file_id
    for name, field in (("seconds", "duration"), ("bytes", "file_size")):
        if _is_id(attachment.get(field)) and attachment[field] >= 0:
            facts[name] = attachment[field]
    if isinstance(mime := attachment.get("mime_type"), str) and re.fullmatch(r"[\w.+-]+/[\w.+-]+", mime, re.ASCII):
        facts["mime_type"] = mime[:100]
    return facts


def _words_in_other(message: Json) -> str:
    """The words there are in a sticker, a contact, a poll: a person, and the safety screen, may need them."""
    sticker, contact, poll = message.get("sticker"), message.get("contact"), message.get("poll")
    if isinstance(sticker, dict):
        return _text(sticker, "emoji")
    if isinstance(contact, dict):
        fields = (_text(contact, field) for field in ("first_name", "last_name", "phone_number"))
        return " ".join(field for field in fields if field)
    return _text(poll, "question") if isinstance(poll, dict) else ""


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -LARGEST_ID <= value < LARGEST_ID


def _whole(value: Any) -> int:
    return value if _is_id(value) else 0
