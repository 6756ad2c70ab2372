"""What becomes of a message on its way out, whatever Telegram does with it."""

from __future__ import annotations

import json
import logging
import traceback
from pathlib import Path

import pytest

from bot.channels.model import (
    Button,
    ChannelBusy,
    ChannelError,
    DeliveryUncertain,
    InboundMessage,
    MessageKind,
    MessageRefused,
    OutboundMessage,
    PersonUnreachable,
)
from bot.channels.telegram import client
from bot.channels.telegram.channel import TelegramChannel
from tests.peers.telegram import TOKEN, FakeTelegram, Fault, Faults
from tests.peers.telegram.faults import Scripted

ANA = 4401


def a_message(text: str = "A person will answer you here.", **values: object) -> OutboundMessage:
    return OutboundMessage(**{"id": "m-1", "address": str(ANA), "text": text, "language": "en", **values})  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def ana_wrote(telegram: FakeTelegram) -> None:
    telegram.say(ANA, "hello")


def fail_with(telegram: FakeTelegram, fault: Fault, *, times: int = 1) -> None:
    telegram.faults = Faults(
        script=[Scripted(fault, method="sendMessage", times=times)], retry_after=7, hang_seconds=60
    )


async def test_a_message_reaches_the_person_with_its_buttons(telegram: FakeTelegram, channel: TelegramChannel) -> None:
    buttons = (Button("Talk to a person", "/ask_human"), Button("Map", url="https://example.org/map"))

    delivered = await channel.send(a_message("Hello 👋\nWhat do you need?", buttons=buttons))

    (sent,) = telegram.ledger.sent(ANA)
    assert delivered == str(sent["message_id"])
    assert sent["text"] == "Hello 👋\nWhat do you need?"
    assert sent["body"]["reply_markup"]["inline_keyboard"] == [
        [{"text": "Talk to a person", "callback_data": "/ask_human"}, {"text": "Map", "url": "https://example.org/map"}]
    ]


async def test_a_tap_is_acknowledged_and_says_what_its_button_said(
    telegram: FakeTelegram, channel: TelegramChannel
) -> None:
    payload = '/search_service{"need":"shelter","place":"Ventimiglia","place_lat":43.79,"place_lon":7.608}'
    await channel.send(a_message(buttons=(Button("Shelters near me", payload),)))
    tap_id = telegram.tap(ANA, telegram.ledger.sent(ANA)[0]["message_id"], "Shelters near me")
    updates = await channel.client.updates(None, 0)

    heard = channel.read(json.dumps(updates[-1]).encode())
    await channel.acknowledge(heard)

    assert (heard.kind, heard.payload, heard.text) == (MessageKind.TAP, payload, "Shelters near me")
    assert [(tap["id"], tap["answered"]) for tap in telegram.ledger.taps()] == [(tap_id, 1)]


async def test_an_answer_acknowledges_the_tap_it_answers(telegram: FakeTelegram, channel: TelegramChannel) -> None:
    await channel.send(a_message(buttons=(Button("Yes", "/affirm"),)))
    tap_id = telegram.tap(ANA, telegram.ledger.sent(ANA)[0]["message_id"], "Yes")

    await channel.send(a_message("Good.", id="m-2", answers_tap=tap_id))

    assert telegram.ledger.taps()[0]["answered"] == 1


async def test_a_tap_that_cannot_be_acknowledged_does_not_hold_the_answer_up(
    telegram: FakeTelegram, channel: TelegramChannel
) -> None:
    await channel.send(a_message(answers_tap="12345"))
    await channel.acknowledge(InboundMessage(MessageKind.TAP, tap_id="12345"))

    assert len(telegram.ledger.sent(ANA)) == 1


async def test_a_place_with_name_and_address_is_a_venue(telegram: FakeTelegram, channel: TelegramChannel) -> None:
    await channel.send(a_message("Casa Aperta\nVia Roma 12", latitude=43.79, longitude=7.6))

    (sent,) = telegram.ledger.sent(ANA)
    assert sent["method"] == "sendVenue"
    assert sent["body"]["venue"]["location"] == {"latitude": 43.79, "longitude": 7.6}


async def test_a_place_with_a_longer_text_is_the_text_and_then_a_pin(
    telegram: FakeTelegram, channel: TelegramChannel
) -> None:
    text = "Casa Aperta\nOpen today until 18:00.\nFree."

    await channel.send(a_message(text, latitude=43.79, longitude=7.6, buttons=(Button("Next", "/affirm"),)))

    words, pin = telegram.ledger.sent(ANA)
    assert (words["text"], pin["method"]) == (text, "sendLocation")
    assert "reply_markup" not in words["body"]
    assert "reply_markup" in pin["body"]


async def test_a_telephone_button_becomes_a_number_in_the_text(
    telegram: FakeTelegram, channel: TelegramChannel
) -> None:
    await channel.send(a_message("Call them now.", buttons=(Button("Call", url="tel:+33199001234"),)))

    assert telegram.ledger.sent(ANA)[0]["text"] == "Call them now.\n+33199001234"


async def test_a_long_text_arrives_whole_in_parts_with_the_buttons_under_the_last(
    telegram: FakeTelegram, channel: TelegramChannel
) -> None:
    text = "\n\n".join(f"{number}. " + "Ask the child where the parents are. " * 30 for number in range(1, 10)).strip()

    await channel.send(a_message(text, buttons=(Button("Next", "/affirm"),)))

    parts = telegram.ledger.sent(ANA)
    assert len(parts) > 2
    assert "".join("".join(part["text"] for part in parts).split()) == "".join(text.split())
    assert ["reply_markup" in part["body"] for part in parts] == [False] * (len(parts) - 1) + [True]


@pytest.mark.parametrize("fault", [Fault.SERVER_ERROR, Fault.TOO_MANY])
async def test_a_long_text_that_stops_in_the_middle_goes_on_where_it_stopped(
    telegram: FakeTelegram, channel: TelegramChannel, fault: Fault
) -> None:
    message = a_message("\n\n".join(f"part {letter} " + letter * 3000 for letter in "abc"))
    telegram.faults = Faults(script=[Scripted(fault, skip=1)], retry_after=0)

    with pytest.raises(ChannelBusy):
        await channel.send(message)
    await channel.send(message)

    assert [part["text"][:6] for part in telegram.ledger.sent(ANA)] == ["part a", "part b", "part c"]


async def test_one_who_blocked_us_is_unreachable(telegram: FakeTelegram, channel: TelegramChannel) -> None:
    telegram.ledger.change_chat(ANA, blocked=1)

    with pytest.raises(PersonUnreachable):
        await channel.send(a_message())


@pytest.mark.parametrize("address", ["999", "-999"])
async def test_a_chat_that_does_not_exist_is_unreachable(channel: TelegramChannel, address: str) -> None:
    with pytest.raises(PersonUnreachable):
        await channel.send(a_message(address=address))


@pytest.mark.parametrize("values", [{"text": " "}, {"address": "no number"}, {"latitude": 91.0, "longitude": 0.0}])
async def test_a_message_telegram_does_not_take_is_refused_for_good(
    channel: TelegramChannel, values: dict[str, object]
) -> None:
    with pytest.raises(MessageRefused):
        await channel.send(a_message(**values))  # type: ignore[arg-type]


async def test_too_many_messages_wait_as_long_as_telegram_says(
    telegram: FakeTelegram, channel: TelegramChannel
) -> None:
    fail_with(telegram, Fault.TOO_MANY)

    with pytest.raises(ChannelBusy) as busy:
        await channel.send(a_message())

    assert busy.value.retry_after == 7


async def test_a_busy_chat_does_not_hold_up_another(telegram: FakeTelegram, channel: TelegramChannel) -> None:
    telegram.say(ANA + 1, "hello")
    fail_with(telegram, Fault.TOO_MANY)

    with pytest.raises(ChannelBusy):
        await channel.send(a_message())
    await channel.send(a_message(id="m-2", address=str(ANA + 1)))

    assert len(telegram.ledger.sent(ANA + 1)) == 1


@pytest.mark.parametrize("fault", [Fault.SERVER_ERROR, Fault.BAD_HTML])
async def test_a_failing_server_certainly_did_not_deliver(
    telegram: FakeTelegram, channel: TelegramChannel, fault: Fault
) -> None:
    fail_with(telegram, fault)

    with pytest.raises(ChannelBusy):
        await channel.send(a_message())

    assert telegram.ledger.sent(ANA) == []


async def test_a_server_that_is_away_certainly_did_not_deliver() -> None:
    nobody = TelegramChannel(TOKEN, api_url="http://127.0.0.1:9")

    with pytest.raises(ChannelBusy) as busy:
        await nobody.send(a_message())

    assert busy.value.cause == "not_connected"
    await nobody.close()


@pytest.mark.parametrize("fault", [Fault.LOSE_ANSWER, Fault.TRUNCATE, Fault.GARBLE])
async def test_a_lost_answer_leaves_the_delivery_uncertain(
    telegram: FakeTelegram, channel: TelegramChannel, fault: Fault
) -> None:
    fail_with(telegram, fault)

    with pytest.raises(DeliveryUncertain):
        await channel.send(a_message())

    assert [sent["fault"] for sent in telegram.ledger.sent(ANA)] == [fault]


@pytest.mark.parametrize(("fault", "delivered"), [(Fault.HANG, 0), (Fault.HANG_AFTER, 1), (Fault.DROP, 0)])
async def test_a_silent_server_leaves_the_delivery_uncertain(
    telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch, fault: Fault, delivered: int
) -> None:
    monkeypatch.setattr(client, "ANSWER_SECONDS", 1.0)
    impatient = TelegramChannel(TOKEN, api_url=telegram.url)
    fail_with(telegram, fault)

    with pytest.raises(DeliveryUncertain):
        await impatient.send(a_message())

    assert len(telegram.ledger.sent(ANA)) == delivered
    await impatient.close()


async def test_a_revoked_token_keeps_the_message(telegram: FakeTelegram) -> None:
    revoked = TelegramChannel("700100200:another-token", api_url=telegram.url)

    with pytest.raises(ChannelBusy) as busy:
        await revoked.send(a_message())

    assert busy.value.cause == "token_refused"
    await revoked.close()


async def test_a_group_is_answered_once_and_left(telegram: FakeTelegram, channel: TelegramChannel) -> None:
    telegram.say(-77, "hello bot")

    await channel.send(a_message("Please write to me alone.", address="-77"))

    assert telegram.ledger.chat(-77)["gone"] == 1  # type: ignore[index]


async def test_half_letters_and_control_characters_do_not_stop_a_message(
    telegram: FakeTelegram, channel: TelegramChannel
) -> None:
    await channel.send(a_message("a\ud800b\x00c"))

    assert telegram.ledger.sent(ANA)[0]["text"] == "abc"


async def test_numbers_keep_their_order_inside_arabic(telegram: FakeTelegram, channel: TelegramChannel) -> None:
    await channel.send(a_message("اتصل على +216 71 123 456 الآن", language="ar"))

    assert telegram.ledger.sent(ANA)[0]["text"] == "اتصل على \u2066+216 71 123 456\u2069 الآن"


async def test_an_answer_of_any_shape_leaves_the_delivery_uncertain(
    telegram: FakeTelegram, channel: TelegramChannel
) -> None:
    telegram.faults = Faults(rates={Fault.GARBLE: 1.0})

    for number in range(10):
        with pytest.raises(DeliveryUncertain):
            await channel.send(a_message(id=f"m-{number}"))

    assert len(telegram.ledger.sent(ANA)) == 10


async def test_the_token_is_in_no_log_and_no_error(
    telegram: FakeTelegram, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "ANSWER_SECONDS", 0.2)
    for name in client.TALKATIVE:
        monkeypatch.setattr(logging.getLogger(name), "level", logging.NOTSET)
    caplog.set_level(logging.DEBUG)
    told: list[str] = []
    carried: set[BaseException | None] = set()
    secret_words = a_message("CANARY")
    channel = TelegramChannel(TOKEN, api_url=telegram.url)
    for fault in (*Fault, None):
        telegram.faults = Faults(script=[Scripted(fault)] if fault else [], hang_seconds=60)
        telegram.ledger.change_chat(ANA, quiet_until=0)
        try:
            await channel.send(secret_words)
        except ChannelError as error:
            told.extend(traceback.format_exception(error))
            carried.update({error.__cause__, error.__context__})
    away = TelegramChannel(TOKEN, api_url="http://127.0.0.1:9")
    with pytest.raises(ChannelBusy) as busy:
        await away.send(secret_words)
    told.extend(traceback.format_exception(busy.value))
    await away.close()
    await channel.close()

    everything = caplog.text + "".join(told) + repr(channel)
    secret = TOKEN.partition(":")[2]
    assert told
    assert carried == {None}
    assert secret not in everything
    assert "CANARY" not in everything


async def test_a_chat_says_that_somebody_is_typing_and_a_blocked_one_is_no_trouble(
    telegram: FakeTelegram, channel: TelegramChannel
) -> None:
    await channel.show_writing(str(ANA))

    assert telegram.actions == [(ANA, "typing")]
    telegram.ledger.change_chat(ANA, blocked=1)
    await channel.show_writing(str(ANA))
    await channel.show_writing("no chat")
    assert len(telegram.actions) == 1
