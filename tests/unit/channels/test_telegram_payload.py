"""What Telegram's updates say, and that nothing in them can do harm."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channels.model import LONGEST_TEXT, InboundMessage, MessageKind, PayloadUnreadable, RawMessage
from bot.channels.telegram.payload import keep, keep_payload, parse, read_payload
from tests.unit.channels.test_text import FORBIDDEN

CHAT: dict[str, Any] = {"id": 4401, "type": "private", "first_name": "Ana"}
SENDER: dict[str, Any] = {"id": 4401, "is_bot": False, "first_name": "Ana", "language_code": "fr"}


def a_message(**content: Any) -> dict[str, Any]:
    return {"message_id": 9, "date": 1_795_000_000, "chat": CHAT, "from": SENDER, **content}


def heard(update: dict[str, Any]) -> InboundMessage:
    return read_payload(json.dumps({"update_id": 1, **update}).encode())


def hear(**content: Any) -> InboundMessage:
    return heard({"message": a_message(**content)})


def kept(update: dict[str, Any]) -> RawMessage:
    raw = keep("7001", update)
    assert raw is not None
    return raw


def test_words_come_with_the_language_of_the_phone() -> None:
    assert hear(text="aide-moi") == InboundMessage(MessageKind.TEXT, text="aide-moi", language="fr")


@pytest.mark.parametrize("text", ["/restart", "/escalate{'level': 'none'}", '/inform{"age": 3}', "/start over, please"])
def test_commands_that_people_type_are_words(text: str) -> None:
    assert (hear(text=text).kind, hear(text=text).text) == (MessageKind.TEXT, text)


@pytest.mark.parametrize(
    ("text", "code"), [("/start", ""), ("/start ABC-12_x", "ABC-12_x"), ("/start@waymark_bot ABC", "ABC")]
)
def test_opening_the_chat_is_a_start_and_may_carry_a_code(text: str, code: str) -> None:
    message = hear(text=text, entities=[{"type": "bot_command", "offset": 0, "length": 6}])

    assert (message.kind, message.payload, message.text) == (MessageKind.START, code, text)


def test_an_edit_names_the_message_it_corrects() -> None:
    original = kept({"update_id": 5, "message": a_message(text="kife")})
    edit = {"update_id": 6, "edited_message": a_message(text="knife", edit_date=1_795_000_060)}

    assert heard(edit).edits == original.provider_id
    assert heard(edit).text == "knife"
    assert kept(edit).provider_id != original.provider_id


def test_two_edits_within_a_second_are_two_messages() -> None:
    edits = [{"update_id": n, "edited_message": a_message(text=str(n), edit_date=1_795_000_060)} for n in (6, 7)]

    assert kept(edits[0]).provider_id != kept(edits[1]).provider_id


def test_a_message_keeps_its_name_whatever_number_its_update_has() -> None:
    names = {kept({"update_id": number, "message": a_message(text="help")}).provider_id for number in (1, 900, 5)}

    assert len(names) == 1


def test_the_name_of_a_message_does_not_give_the_person_away() -> None:
    chat = {"id": 5_551_234_567, "type": "private"}
    query = {
        "id": str(5_551_234_567 << 32),
        "from": {"id": 5_551_234_567},
        "message": a_message(chat=chat),
        "data": "/a",
    }

    for update in ({"message": a_message(chat=chat, text="hi")}, {"callback_query": query}):
        raw = kept({"update_id": 3, **update})
        assert "555123" not in raw.provider_id
        assert len(raw.provider_id) <= 64


def test_a_shared_location_is_a_place() -> None:
    message = hear(location={"latitude": 43.79, "longitude": 7.6})

    assert (message.kind, message.latitude, message.longitude) == (MessageKind.LOCATION, 43.79, 7.6)


@pytest.mark.parametrize(
    "place", [{"latitude": 91, "longitude": 0}, {"latitude": "1", "longitude": 0}, {"latitude": True}, [], 5]
)
def test_a_place_that_is_none_is_not_believed(place: Any) -> None:
    assert hear(location=place).kind is MessageKind.OTHER


def test_where_a_shared_live_location_moves_is_not_kept() -> None:
    moving = a_message(location={"latitude": 43.79, "longitude": 7.6, "live_period": 900}, edit_date=1)

    assert keep("7001", {"update_id": 1, "edited_message": moving}) is None


@pytest.mark.parametrize(
    ("content", "attachment", "facts"),
    [
        ({"voice": {"file_id": "Aw-1", "duration": 2}}, "voice", {"file_id": "Aw-1", "seconds": 2}),
        ({"photo": [{"file_id": "small"}, {"file_id": "large"}]}, "photo", {"file_id": "large"}),
        ({"document": {"mime_type": "image/png", "file_name": "Ana.png"}}, "document", {"mime_type": "image/png"}),
        ({"video_note": {"file_id": "V"}}, "video", {"file_id": "V"}),
        ({"photo": []}, "photo", {}),
        ({"voice": {"file_id": "../../x", "duration": -1, "file_size": True}}, "voice", {}),
    ],
)  # fmt: skip
def test_an_attachment_is_for_a_human_with_facts_and_without_names(
    content: dict[str, Any], attachment: str, facts: dict[str, Any]
) -> None:
    message = hear(**content, caption="look")

    assert (message.kind, message.attachment, message.text) == (MessageKind.ATTACHMENT, attachment, "look")
    assert dict(message.facts) == facts


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"sticker": {"emoji": "😢", "file_id": "S"}}, "😢"),
        ({"contact": {"phone_number": "+33199001234", "first_name": "Bo"}}, "Bo +33199001234"),
        ({"poll": {"question": "Where?"}}, "Where?"),
        ({"story": {}}, ""),
    ],
)  # fmt: skip
def test_what_has_no_words_of_its_own_says_what_it_can(content: dict[str, Any], text: str) -> None:
    assert (hear(**content).kind, hear(**content).text) == (MessageKind.OTHER, text)


@pytest.mark.parametrize("kind", ["group", "supergroup", "channel"])
def test_what_is_said_in_a_group_is_dropped(kind: str) -> None:
    message = hear(chat={"id": -5, "type": kind, "title": "Road"}, text="my secret")

    assert message == InboundMessage(MessageKind.GROUP, language="fr")


def test_a_note_of_the_app_is_not_a_message() -> None:
    assert keep("7001", {"update_id": 1, "message": a_message(pinned_message={})}) is None


def test_a_tap_in_an_old_message_still_has_its_chat() -> None:
    query = {"id": "1", "from": SENDER, "message": {"message_id": 3, "date": 0, "chat": CHAT}, "data": "/affirm"}

    assert kept({"update_id": 1, "callback_query": query}).address == "4401"
    assert heard({"callback_query": query}) == InboundMessage(
        MessageKind.TAP, payload="/affirm", language="fr", tap_id="1"
    )


def test_very_long_text_is_read_up_to_the_limit() -> None:
    assert len(hear(text="a" * 100_000).text) == LONGEST_TEXT


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = [
    *("pinned_message", "boost_added"),
    *(
        "text",
        "caption",
        "chat",
        "from",
        "location",
        "voice",
        "photo",
        "document",
        "video",
        "sticker",
        "contact",
        "poll",
    ),
    *("message_id", "date", "edit_date", "data", "id", "message", "reply_markup", "latitude", "file_id", "duration"),
]
CONTENT = st.dictionaries(st.sampled_from(FIELDS), ANYTHING, max_size=8)


@given(update=st.dictionaries(st.text(max_size=5), ANYTHING, max_size=4), ascii_only=st.booleans())
def test_the_quick_reading_finds_what_python_finds(update: dict[str, Any], ascii_only: bool) -> None:
    payload = json.dumps(update, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    try:
        wanted = repr(json.loads(payload.decode()))
    except ValueError:
        wanted = "unreadable"

    try:
        found = repr(parse(payload))
    except PayloadUnreadable:
        found = "unreadable"
    assert found == wanted


@given(st.binary(max_size=300))
def test_bytes_are_read_or_unreadable_and_nothing_else(payload: bytes) -> None:
    _read_or_not(payload)


@settings(max_examples=200)
@given(st.sampled_from(["message", "edited_message", "callback_query"]), CONTENT, st.booleans())
def test_updates_of_any_shape_are_read_or_unreadable_and_always_clean(
    kind: str, content: dict[str, Any], whole: bool
) -> None:
    if whole:
        content = {**a_message(), "id": "1", "message": a_message(**content), **content, "chat": CHAT, "from": SENDER}
    _read_or_not(json.dumps({"update_id": 1, kind: content}).encode())
    _read_or_not(json.dumps({"update_id": 1, kind: ANY_TEXT | content}).encode())


ANY_TEXT = {"text": "\u202e\x00\ud83d"}


def _read_or_not(payload: bytes) -> None:
    try:
        raw = keep("7001", parse(payload), payload)
        assert raw is None or read_payload(raw.payload).kind in MessageKind
        assert keep_payload("7001", payload) == raw
    except PayloadUnreadable:
        with pytest.raises(PayloadUnreadable):
            keep_payload("7001", payload)
    try:
        message = read_payload(payload)
    except PayloadUnreadable:
        return
    for words in (message.text, message.payload):
        assert FORBIDDEN.search(words) is None
        assert len(words) <= LONGEST_TEXT


@pytest.mark.parametrize("payload", [b"[" * 200_000, b'{"a":' * 100_000, b"1" * 10_000, b"\xff", b"null", b""])
def test_broken_payloads_are_unreadable(payload: bytes) -> None:
    with pytest.raises(PayloadUnreadable):
        read_payload(payload)
