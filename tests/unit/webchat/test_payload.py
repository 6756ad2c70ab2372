import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.model import LONGEST_TEXT, MessageKind, PayloadUnreadable
from bot.channels.text import clean
from bot.channels.webchat.payload import read_payload, write_payload


@given(st.text(max_size=200))
def test_words_come_back_as_they_were_cleaned(text: str):
    message = read_payload(write_payload(text=text, language="ar"))

    assert message.kind is MessageKind.TEXT
    assert message.text == clean(text)


def test_a_very_long_message_is_read_up_to_the_limit():
    assert len(read_payload(write_payload(text="x" * 100_000, language="en")).text) == LONGEST_TEXT


def test_typed_payload_syntax_stays_text():
    message = read_payload(write_payload(text='/in_danger{"priority": "P3"}', language="en"))

    assert message.kind is MessageKind.TEXT
    assert message.payload == ""


@given(st.binary(max_size=200))
def test_rubbish_is_unreadable_and_nothing_worse(payload: bytes):
    try:
        read_payload(payload)
    except PayloadUnreadable:
        return


@pytest.mark.parametrize("payload", [b"[]", b"3", b'{"text": 3}', b'{"tap": []}', b"\xff\xfe", b""])
def test_what_we_did_not_write_is_unreadable(payload: bytes):
    with pytest.raises(PayloadUnreadable):
        read_payload(payload)
