"""What is typed in the terminal, and what becomes of it on its way to the inbox."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.model import Button, InboundMessage, MessageKind, PayloadUnreadable
from bot.channels.terminal.client import read_typed
from bot.channels.terminal.key import FILE, make_key, read_key
from bot.channels.terminal.payload import keep, read_payload
from tests.unit.channels.test_text import FORBIDDEN

BUTTONS = (Button("Yes", "/affirm"), Button("Map", url="https://example.org"), Button("No", "/deny"))


def test_a_number_presses_the_button_that_shows_it() -> None:
    assert read_typed("2", BUTTONS) == {"text": "No", "tap": "/deny"}


@pytest.mark.parametrize("typed", ["3", "0", "15", "-1", "2.", "²", "/restart", '/inform{"age": 3}'])
def test_anything_else_is_words(typed: str) -> None:
    assert read_typed(typed, BUTTONS) == {"text": typed}


def test_a_place_is_typed_as_two_numbers() -> None:
    assert read_typed("/location 43.79, -7.6", ()) == {"latitude": 43.79, "longitude": -7.6}


@pytest.mark.parametrize("typed", ["/location", "/location here", "/location 91,0", "/location 0,181", "/location 1"])
def test_a_place_that_is_none_is_not_sent(typed: str) -> None:
    assert read_typed(typed, ()) is None


@pytest.mark.parametrize(
    ("content", "heard"),
    [
        ({"text": "hello\u202e"}, InboundMessage(MessageKind.TEXT, text="hello")),
        ({"text": " "}, InboundMessage(MessageKind.OTHER)),
        ({"text": "No", "tap": "/deny"}, InboundMessage(MessageKind.TAP, text="No", payload="/deny")),
        ({"latitude": 1, "longitude": 2}, InboundMessage(MessageKind.LOCATION, latitude=1.0, longitude=2.0)),
        ({"text": "hi", "language": "fr"}, InboundMessage(MessageKind.TEXT, text="hi", language="fr")),
        ({"text": "hi", "language": "<script>"}, InboundMessage(MessageKind.TEXT, text="hi")),
    ],
)
def test_a_payload_is_read_as_it_was_meant(content: dict[str, object], heard: InboundMessage) -> None:
    assert read_payload(json.dumps(content).encode()) == heard


@pytest.mark.parametrize(
    "content", [{"id": "a"}, {"id": "a", "address": "b/c"}, {"id": 1, "address": "b"}, {"id": "", "address": "b"}, []]
)
def test_a_message_without_id_or_address_is_not_kept(content: object) -> None:
    with pytest.raises(PayloadUnreadable):
        keep(json.dumps(content).encode())


ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[]))


@given(st.dictionaries(st.sampled_from(["text", "tap", "latitude", "longitude", "language", "id"]), ANYTHING))
def test_payloads_of_any_shape_are_read_or_unreadable(content: dict[str, object]) -> None:
    try:
        message = read_payload(json.dumps(content).encode())
    except PayloadUnreadable:
        return
    assert FORBIDDEN.search(message.text + message.payload) is None


def test_the_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    assert read_key(tmp_path) == ""

    key = make_key(tmp_path / "new")

    assert make_key(tmp_path / "new") == key == read_key(tmp_path / "new")
    assert (tmp_path / "new" / FILE).stat().st_mode & 0o777 == 0o600


def test_a_key_cut_short_is_made_again(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("12ab")

    assert len(make_key(tmp_path)) == 64
