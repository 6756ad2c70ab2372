"""A button means the same after a restart and in a year, however much it has to say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.model import Button, InboundMessage, MessageKind
from bot.channels.telegram.buttons import LONGEST_DATA, data_of, keyboard, numbers_to_show, payload_of_tap
from bot.channels.telegram.payload import read_payload
from dialogues.actions.gaps import SHORT
from dialogues.knowledge import Procedures
from dialogues.runtime.payload import payload


def pressed(buttons: tuple[Button, ...], title: str) -> InboundMessage:
    """What a tap on the button with this title says, coming back from Telegram."""
    rows = keyboard(buttons)
    button = next(button for row in rows for button in row if button["text"] == title)
    message = {
        "message_id": 1,
        "date": 1,
        "chat": {"id": 7, "type": "private"},
        "reply_markup": {"inline_keyboard": rows},
    }
    query = {"id": "99", "from": {"id": 7}, "message": message, "data": button["callback_data"]}
    return read_payload(json.dumps({"update_id": 1, "callback_query": query}).encode())


@given(st.text(min_size=1, max_size=300))
def test_what_a_button_carries_fits_and_comes_back(payload: str) -> None:
    data = data_of(payload, 3)

    assert 1 <= len(data.encode()) <= LONGEST_DATA
    assert payload_of_tap(data) in {payload, None}


@pytest.mark.parametrize(
    "payload",
    [
        "/ask_human",
        '/search_service{"need":"shelter","place":"Ventimiglia","place_lat":43.7912,"place_lon":7.6076}',
        '/procedure{"procedure":"trafficking_indicators","procedure_step":11,"audience":"worker"}',
        '/search_service{"need": "health", "place": "أغاديز", "country": "NE"}',
        '/inform{"service_id":"01938c5e-7a10-7cc4-9f6e-0242ac120002"}',
    ],
)
def test_the_payloads_of_our_dialogues_come_back_whole(payload: str) -> None:
    tap = pressed((Button("Go on", payload),), "Go on")

    assert (tap.kind, tap.payload, tap.text, tap.tap_id) == (MessageKind.TAP, payload, "Go on", "99")


def test_a_payload_too_large_for_any_button_becomes_the_words_on_it() -> None:
    noise = "".join(chr(0x4E00 + (number * 7919) % 20_000) for number in range(200))
    buttons = (Button("Yes", "/affirm"), Button("My place", noise))

    tap = pressed(buttons, "My place")

    assert (tap.kind, tap.text, tap.payload) == (MessageKind.TEXT, "My place", "")


def test_a_bomb_in_a_button_stays_small() -> None:
    import base64
    import zlib

    squeezing = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = base64.b85encode(squeezing.compress(b"a" * 10_000_000) + squeezing.flush()).decode()

    assert payload_of_tap("~" + bomb) is None


@pytest.mark.parametrize("data", ["~", "~!!", "~\u202e", "=0", "=", ""])
def test_data_that_is_not_ours_has_no_payload(data: str) -> None:
    assert payload_of_tap(data) is None


def test_short_titles_share_a_row_and_long_ones_have_their_own() -> None:
    titles = ["Yes", "No", "Talk to a person here", "Next", "Why?"]
    rows = keyboard(tuple(Button(title, "/a") for title in titles))

    assert [[button["text"] for button in row] for row in rows] == [
        ["Yes", "No"],
        ["Talk to a person here"],
        ["Next", "Why?"],
    ]


def test_there_are_never_more_buttons_than_telegram_takes() -> None:
    assert sum(len(row) for row in keyboard(tuple(Button(f"Button {n}", "/a") for n in range(300)))) == 100


@pytest.mark.parametrize("url", ["tel:+33199001234", "geo:43.79,7.6", "javascript:alert(1)", "http://localhost/chat"])
def test_a_button_telegram_cannot_open_is_left_out(url: str) -> None:
    assert keyboard((Button("Open", url=url), Button(" ", "/a"))) == []


def test_a_number_behind_a_button_is_shown_unless_the_text_has_it() -> None:
    buttons: Any = (Button("Call", url="tel:+33199001234"), Button("Write", url="mailto:help@example.org?subject=x"))

    assert numbers_to_show(buttons, "Call +33 1 99 00 12 34.") == ["help@example.org"]
    assert numbers_to_show(buttons, "Call.") == ["+33199001234", "help@example.org"]


@pytest.mark.parametrize("key", Procedures.load_shipped().keys)
def test_every_button_of_a_procedure_fits_whole(key: str) -> None:
    made = [
        payload("procedure", procedure=key, audience="child", own=1),
        payload("procedure", procedure=key, audience="worker"),
        payload("procedure", procedure=key, original=1),
        payload("procedure_step", procedure=key, skip=12),
        payload("procedure_contacts", procedure=key),
        payload("red_flag", procedure=key, flag=12),
        payload("tell_change", procedure=key),
        *(payload("tell_answer", procedure=key, why=why) for why in SHORT.values()),
    ]

    assert [one for one in made if payload_of_tap(data_of(one, 0)) != one] == []
