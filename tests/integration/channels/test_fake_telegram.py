"""The fake Telegram is as strict as the real one. The bot here is python-telegram-bot as it comes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from telegram import Bot, BotCommand, InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, NetworkError, RetryAfter

from tests.peers.telegram import TOKEN, FakeTelegram, Fault, Faults, Ledger
from tests.peers.telegram.faults import Scripted
from tests.peers.telegram.remote import RemoteTelegram, telegram_process

ANA = 4401


@pytest.fixture
async def bot(telegram: FakeTelegram) -> AsyncIterator[Bot]:
    async with Bot(TOKEN, base_url=f"{telegram.url}/bot", base_file_url=f"{telegram.url}/file/bot") as made:
        yield made


async def test_updates_are_given_until_they_are_confirmed(telegram: FakeTelegram, bot: Bot) -> None:
    first, second = telegram.say(ANA, "one"), telegram.say(ANA, "two")

    for _again in range(2):
        assert [update.message.text for update in await bot.get_updates()] == ["one", "two"]  # type: ignore[union-attr]
    assert [update.update_id for update in await bot.get_updates(offset=second["update_id"])] == [second["update_id"]]
    assert [update.update_id for update in await bot.get_updates(offset=first["update_id"])] == [second["update_id"]]
    assert await bot.get_updates(offset=second["update_id"] + 1) == ()
    assert await bot.get_updates() == ()


async def test_limit_and_a_negative_offset_count_updates(telegram: FakeTelegram, bot: Bot) -> None:
    for number in range(5):
        telegram.say(ANA, str(number))

    assert len(await bot.get_updates(limit=2)) == 2
    assert [update.message.text for update in await bot.get_updates(offset=-2)] == ["3", "4"]  # type: ignore[union-attr]
    assert len(await bot.get_updates()) == 2


async def test_a_long_poll_ends_when_somebody_writes(telegram: FakeTelegram, bot: Bot) -> None:
    waiting = asyncio.create_task(bot.get_updates(timeout=30))
    await telegram.wait_for_poll()

    telegram.say(ANA, "hello")

    assert [update.message.text for update in await waiting] == ["hello"]  # type: ignore[union-attr]


async def test_a_second_poller_ends_the_first_with_409(telegram: FakeTelegram, bot: Bot) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=30))
    await telegram.wait_for_poll()
    async with Bot(TOKEN, base_url=f"{telegram.url}/bot") as other:
        assert await other.get_updates(timeout=0) == ()

    with pytest.raises(Conflict):
        await first


async def test_polling_is_refused_while_a_webhook_is_set(telegram: FakeTelegram, bot: Bot) -> None:
    await bot.set_webhook("http://127.0.0.1:9/", secret_token="abc")

    with pytest.raises(Conflict):
        await bot.get_updates()
    await bot.delete_webhook()
    assert await bot.get_updates() == ()


async def test_only_the_kinds_that_were_asked_for_are_given(telegram: FakeTelegram, bot: Bot) -> None:
    await bot.get_updates(allowed_updates=["edited_message"])
    said = telegram.say(ANA, "one")
    telegram.say(ANA, "two", edit=said["message_id"])

    (update,) = await bot.get_updates()

    assert update.edited_message is not None
    assert update.edited_message.text == "two"


async def test_a_webhook_is_tried_again_and_shown_as_failing(telegram: FakeTelegram, bot: Bot) -> None:
    telegram.say(ANA, "hello")
    await bot.set_webhook("http://127.0.0.1:9/", secret_token="abc")
    assert await telegram.until(lambda: telegram.ledger.all_updates()[0]["given"] >= 3)

    info = await bot.get_webhook_info()

    assert (info.pending_update_count, info.last_error_message) == (1, "Connection failed")


@pytest.mark.parametrize("secret", ["with space", "ü", "a" * 257])
async def test_a_secret_of_other_characters_is_refused(bot: Bot, secret: str) -> None:
    with pytest.raises(BadRequest):
        await bot.set_webhook("https://example.org/", secret_token=secret)


@pytest.mark.parametrize("text", ["", "  \n", "a" * 4097, "😀" * 2049])
async def test_empty_and_long_texts_are_refused(telegram: FakeTelegram, bot: Bot, text: str) -> None:
    telegram.say(ANA, "hello")

    with pytest.raises(BadRequest):
        await bot.send_message(ANA, text)
    await bot.send_message(ANA, "😀" * 2048)

    assert len(telegram.ledger.sent(ANA)) == 1


@pytest.mark.parametrize(
    "button",
    [
        InlineKeyboardButton("Long", callback_data="é" * 33),
        InlineKeyboardButton("", callback_data="/a"),
        InlineKeyboardButton("Nothing"),
        InlineKeyboardButton("Call", url="tel:+33199001234"),
        InlineKeyboardButton("Here", url="http://localhost/chat"),
    ],
)
async def test_buttons_the_real_one_refuses_are_refused(
    telegram: FakeTelegram, bot: Bot, button: InlineKeyboardButton
) -> None:
    telegram.say(ANA, "hello")

    with pytest.raises(BadRequest):
        await bot.send_message(ANA, "Choose", reply_markup=InlineKeyboardMarkup([[button]]))


async def test_a_chat_that_never_wrote_or_blocked_the_bot_gets_nothing(telegram: FakeTelegram, bot: Bot) -> None:
    with pytest.raises(BadRequest, match="hat not found"):
        await bot.send_message(ANA, "hello")
    telegram.say(ANA, "hello")
    telegram.ledger.change_chat(ANA, blocked=1)
    with pytest.raises(Forbidden):
        await bot.send_message(ANA, "hello")


async def test_after_429_that_chat_takes_nothing_until_its_time_is_over(telegram: FakeTelegram, bot: Bot) -> None:
    telegram.say(ANA, "hello")
    telegram.faults = Faults(script=[Scripted(Fault.TOO_MANY)], retry_after=60)

    for _again in range(2):
        with pytest.raises(RetryAfter):
            await bot.send_message(ANA, "hello")

    assert [call["too_early"] for call in telegram.ledger.calls("sendMessage")] == [0, 1]


async def test_a_lost_answer_is_in_the_ledger_as_delivered(telegram: FakeTelegram, bot: Bot) -> None:
    telegram.say(ANA, "hello")
    telegram.faults = Faults(script=[Scripted(Fault.LOSE_ANSWER)])

    with pytest.raises(NetworkError):
        await bot.send_message(ANA, "hello")

    assert [(sent["text"], sent["fault"]) for sent in telegram.ledger.sent()] == [("hello", "lose_answer")]


async def test_messages_are_edited_deleted_and_reacted_to(telegram: FakeTelegram, bot: Bot) -> None:
    telegram.say(ANA, "hello")
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Yes", callback_data="/affirm")]])
    sent = await bot.send_message(ANA, "one", reply_markup=keyboard)

    await bot.edit_message_text("two", ANA, sent.message_id)
    with pytest.raises(BadRequest, match="not modified"):
        await bot.edit_message_reply_markup(ANA, sent.message_id)
    await bot.set_message_reaction(ANA, sent.message_id, "👍")
    await bot.delete_message(ANA, sent.message_id)
    with pytest.raises(BadRequest):
        await bot.edit_message_text("three", ANA, sent.message_id)

    (kept,) = telegram.ledger.sent(ANA)
    assert (kept["text"], kept["edits"], kept["deleted"]) == ("two", 1, 1)
    assert json.loads(kept["reaction"]) == [{"type": "emoji", "emoji": "👍"}]


async def test_files_places_and_small_things_go_through(telegram: FakeTelegram, bot: Bot) -> None:
    file_id = telegram.add_file(b"voice", "ogg")
    telegram.say(ANA, voice={"file_id": file_id, "file_unique_id": file_id, "duration": 3})

    received = await bot.get_file(file_id)
    assert bytes(await received.download_as_bytearray()) == b"voice"
    assert (await bot.send_document(ANA, b"report", filename="report.pdf", caption="Report")).document is not None
    assert (await bot.send_photo(ANA, b"image")).photo
    assert (await bot.send_voice(ANA, file_id)).voice is not None
    assert (await bot.send_location(ANA, 43.79, 7.6)).location is not None
    assert (await bot.send_venue(ANA, 43.79, 7.6, "Casa Aperta", "Via Roma 12")).venue is not None
    assert await bot.send_chat_action(ANA, "typing")
    assert await bot.set_my_commands([BotCommand("start", "Begin")])
    assert [command.command for command in await bot.get_my_commands()] == ["start"]
    with pytest.raises(BadRequest):
        await bot.answer_callback_query("1")
    telegram.say(-5, "hello")
    assert await bot.leave_chat(-5)
    with pytest.raises(Forbidden):
        await bot.send_message(-5, "hello")


async def test_a_wrong_token_is_refused(telegram: FakeTelegram) -> None:
    with pytest.raises(InvalidToken):
        async with Bot("1:wrong", base_url=f"{telegram.url}/bot"):
            pass


async def test_a_tap_carries_the_message_and_the_data(telegram: FakeTelegram, bot: Bot) -> None:
    telegram.say(ANA, "hello")
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Yes", callback_data="/affirm")]])
    sent = await bot.send_message(ANA, "one", reply_markup=keyboard)
    telegram.tap(ANA, sent.message_id, "Yes")

    query = (await bot.get_updates())[-1].callback_query

    assert query is not None
    assert (query.data, query.message.message_id) == ("/affirm", sent.message_id)  # type: ignore[union-attr]


async def test_the_ledger_survives_a_killed_fake(tmp_path: Path) -> None:
    async with telegram_process(tmp_path / "ledger.db", "--faults", "lose_answer=0") as process:
        async with RemoteTelegram(process.url) as people:
            said = await people.say(ANA, "hello")
            await people.set_chat(7, blocked=True)
        await process.kill()
        await process.start()
        async with RemoteTelegram(process.url) as people:
            again = await people.say(ANA, "and again")
            assert await people.waiting() == 2
            assert again["update_id"] == said["update_id"] + 1
            await people.set_faults(rates={"server_error": 1.0}, seed=3)
            async with Bot(TOKEN, base_url=f"{process.url}/bot") as bot:
                with pytest.raises(NetworkError):
                    await bot.send_message(ANA, "hi")
                await people.set_faults()
                sent = await bot.send_message(
                    ANA, "hi", reply_markup=InlineKeyboardMarkup([[InlineKeyboardButton("Yes", callback_data="/yes")]])
                )
            await people.tap(ANA, sent.message_id, "Yes")
            assert [line["text"] for line in await people.sent(ANA, count=1)] == ["hi"]
            assert [tap["answered"] for tap in await people.taps()] == [0]
            assert [call["status"] for call in await people.calls("sendMessage")] == [502, 200]
    updates = Ledger(tmp_path / "ledger.db").all_updates()
    assert all(Update.de_json(json.loads(update["body"]), None) for update in updates)
