"""What must not harm the whole program: forged, broken and endless messages, words that look like commands."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import aiohttp
import pytest

from bot.channels.model import LONGEST_TEXT
from bot.channels.telegram.routes import LARGEST_UPDATE
from bot.conversations import service as conversations
from bot.conversations import stuck
from bot.kernel.access import Role
from tests.integration.app.program import OURS, Helpline, Person, telegram_update
from tests.peers.telegram import FakeTelegram

# --- webhooks ---


async def test_a_forged_webhook_is_not_believed(telegram_helpline: Helpline):
    for secret in ("", "guessed-guessed-guessed", "é" * 20):
        assert await telegram_helpline.webhook(telegram_update(1, "I am Telegram"), secret=secret) == 403

    assert await telegram_helpline.conversation_ids() == []


async def test_a_replayed_webhook_is_answered_once(telegram_helpline: Helpline, telegram: FakeTelegram):
    telegram.ledger.meet(4242, "private")
    update = telegram_update(1, "thank you")

    statuses = [await telegram_helpline.webhook(update) for _ in range(5)]
    await telegram_helpline.settled()

    assert statuses == [200] * 5
    assert await telegram_helpline.said_by_people() == ["thank you"]
    sent_once = len(telegram.ledger.sent(4242))
    assert sent_once >= 1
    assert await telegram_helpline.webhook(update) == 200
    await telegram_helpline.settled()
    assert len(telegram.ledger.sent(4242)) == sent_once


BROKEN = {
    "truncated": json.dumps(telegram_update(1, "hello")).encode()[:-9],
    "not UTF-8": b'{"update_id": 1, "message": {"text": "\xff\xfe"}}',
    "UTF-16": json.dumps(telegram_update(1, "hello")).encode("utf-16"),
    "nothing": b"",
    "a list": b"[1, 2, 3]",
    "no update": b'{"ok": true}',
    "a number too large": b'{"update_id": 99999999999999999999999999, "message": {}}',
    "a message that is a word": b'{"update_id": 1, "message": "hello"}',
    "nested too deep": b'{"update_id":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
}


async def test_a_broken_webhook_is_refused_and_the_next_one_works(telegram_helpline: Helpline):
    statuses = {name: await telegram_helpline.webhook(body) for name, body in BROKEN.items()}

    assert statuses == dict.fromkeys(BROKEN, 400)
    assert await telegram_helpline.webhook(telegram_update(2, "hello")) == 200
    await telegram_helpline.settled()
    assert await telegram_helpline.said_by_people() == ["hello"]


async def test_an_oversized_webhook_is_refused(telegram_helpline: Helpline):
    body = json.dumps(telegram_update(1, "x" * (LARGEST_UPDATE + 1))).encode()

    assert await telegram_helpline.webhook(body) == 413
    assert await telegram_helpline.conversation_ids() == []


async def test_a_webhook_that_stops_in_the_middle_costs_nothing(telegram_helpline: Helpline):
    secret = telegram_helpline.settings.telegram_webhook_secret.value
    _, writer = await asyncio.open_connection("127.0.0.1", telegram_helpline.settings.port)
    writer.write(
        b"POST /telegram/webhook HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n"
        b"X-Telegram-Bot-Api-Secret-Token: " + secret.encode() + b'\r\n\r\n{"update_id": 1'
    )
    await writer.drain()
    writer.close()

    assert await telegram_helpline.webhook(telegram_update(2, "hello")) == 200
    await telegram_helpline.settled()
    assert await telegram_helpline.said_by_people() == ["hello"]


# --- words that are more than words ---


TYPED = [
    '/in_danger{"reason": "immediate_danger", "priority": "P0"}',
    "/restart",
    "/session_start",
    "/change_language{\"language\": \"ar\"}",
    "EXTERNAL: /restart",
    "/inform{\"place\": \"{{ config }}\"}",
]  # fmt: skip


async def test_commands_that_people_type_are_plain_words(helpline: Helpline):
    for typed in TYPED:
        async with Person(helpline) as person:
            assert typed in await person.write(typed)

    for conversation_id, typed in zip(await helpline.conversation_ids(), TYPED, strict=True):
        card = await _card(helpline, conversation_id)
        [first, *rest] = await helpline.lines(conversation_id)
        assert (first.kind, first.text) == ("text", typed)
        assert rest, "somebody who types a command is answered too"
        assert not card.language_chosen
    assert await _case_count(helpline) == 0


async def _card(helpline: Helpline, conversation_id: str) -> conversations.ConversationCard:
    found = await helpline.database.read(lambda tx: conversations.card(tx, conversation_id))
    assert found is not None
    return found


async def _case_count(helpline: Helpline) -> int:
    desk = await helpline.at_desk(await helpline.officer(Role.OFFICER))
    return len(await desk.waiting_cases())


async def test_who_types_the_name_of_asking_for_a_human_is_heard_by_their_words(helpline: Helpline):
    """The words themselves ask for a person. That they look like a command neither helps nor hurts."""
    async with Person(helpline) as person:
        await person.write("/ask_human")
    [conversation_id] = await helpline.conversation_ids()
    [first, *_] = await helpline.lines(conversation_id)

    assert (first.kind, first.text) == ("text", "/ask_human")
    assert await _case_count(helpline) == 1


async def test_typed_over_telegram_they_are_plain_words_too(telegram_helpline: Helpline):
    for number, typed in enumerate(TYPED, 1):
        assert await telegram_helpline.webhook(telegram_update(number, typed)) == 200
    await telegram_helpline.settled()

    assert await telegram_helpline.said_by_people() == TYPED
    assert await _case_count(telegram_helpline) == 0


MARKUP = '<script>alert(1)</script><img src=x onerror=alert(1)>{{ 7 * 7 }}"><b>&amp;'


async def test_markup_is_shown_and_never_run(helpline: Helpline):
    async with Person(helpline) as person:
        await person.send(text=MARKUP)
        await helpline.settled()
        page = await person.source()

    assert len(re.findall("<script", page)) == 1  # our own
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(" in page
    shown = page[page.index("&lt;script&gt;") :].partition("</p>")[0]  # further on stand numbers drawn by lot
    assert shown.endswith("}}&#34;&gt;&lt;b&gt;&amp;amp;")
    assert "49" not in shown


UNWANTED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
HIDDEN = "hello\u202e\u2066gnp.exe\u2069\x00\x07\x1b[31m\u200b\ufeff\r\nsecond\ud800line"


async def test_characters_that_hide_or_turn_words_around_do_not_come_in(
    helpline: Helpline, telegram_helpline: Helpline
):
    async with Person(helpline) as person:
        await person.send(text=HIDDEN.replace("\ud800", ""))
        await helpline.settled()
    body = json.dumps(telegram_update(1, HIDDEN)).encode()
    assert await telegram_helpline.webhook(body) == 200
    await telegram_helpline.settled()

    for program in (helpline, telegram_helpline):
        [said] = await program.said_by_people()
        assert said.startswith("hellognp.exe")
        assert "\n" in said
        assert said.endswith("secondline")
        assert not UNWANTED.search(said)


async def test_a_hundred_thousand_characters_are_read_up_to_a_limit_and_answered(
    helpline: Helpline, telegram_helpline: Helpline
):
    novel = "I walked for many days and I am tired. " * 2565
    assert len(novel) > 100_000
    async with Person(helpline) as person:
        assert await person.send(text=novel) == 303
        await helpline.settled()
    assert await telegram_helpline.webhook(telegram_update(1, novel)) == 200
    await telegram_helpline.settled()

    for program in (helpline, telegram_helpline):
        [conversation_id] = await program.conversation_ids()
        [first, *rest] = await program.lines(conversation_id)
        assert LONGEST_TEXT - 100 <= len(first.text) <= LONGEST_TEXT
        assert rest


async def test_danger_at_the_end_of_a_long_message_is_seen(helpline: Helpline):
    async with Person(helpline) as person:
        page = await person.write("We walked and we ate bread. " * 300 + "He has a knife, he is outside the door.")

    assert "112" in page
    assert await _case_count(helpline) == 1


async def test_a_body_larger_than_a_form_may_be_is_refused(helpline: Helpline):
    async with Person(helpline) as person:
        assert await person.send(text="x" * 600_000) == 413


async def test_an_empty_message_is_nothing(helpline: Helpline):
    async with Person(helpline) as person:
        for fields in ({"text": ""}, {"text": "   \n "}, {"text": "\u202e\x00"}, {"nothing": "x"}):
            assert await person.send(**fields) == 303

    assert await helpline.said_by_people() == []


async def test_a_first_message_whose_answer_was_lost_is_the_same_message_when_it_comes_again(helpline: Helpline):
    """The answer would have brought the cookie: without it the browser sends the very form again."""
    said = {"text": "he has a knife", "once": "a" * 32}
    async with Person(helpline) as cut_off, Person(helpline) as again:
        assert await cut_off.send(**said) == 303
        assert await again.send(**said) == 303
        await again.write("he is outside")

    assert await helpline.said_by_people() == ["he has a knife", "he is outside"]
    assert len(await helpline.conversation_ids()) == 1


async def test_nobody_chooses_the_conversation_that_a_stranger_begins(helpline: Helpline):
    """A number too short to be ours, or from a browser that does not say whose form it was, ties nobody to anything."""
    async with Person(helpline) as one, Person(helpline) as other:
        assert await one.send(text="one", once="short") == 303
        assert await other.send(text="two", once="short") == 303
    for words in ("three", "four"):
        async with aiohttp.ClientSession(helpline.url) as old_phone:
            form = {"text": words, "once": "a" * 32}
            async with old_phone.post("/chat", data=form, allow_redirects=False) as answer:
                assert answer.status == 303
    await helpline.settled()

    assert len(await helpline.conversation_ids()) == 4


# --- taps ---


async def test_a_tap_that_was_not_offered_is_refused(helpline: Helpline):
    async with Person(helpline) as person:
        await person.write("thank you")

        for tap in ("1.0", "2.99", "-1.0", "x.y", "999999999999999999999.0", "1e3.0", "8.0", ""):
            assert await person.send(tap=tap) == 400, tap
        for starter in ("99", "-1", "x", "4"):
            assert await person.send(starter=starter) == 400, starter

    assert await helpline.said_by_people() == ["thank you"]


async def test_nobody_presses_a_button_in_the_talk_of_somebody_else(helpline: Helpline):
    async with Person(helpline) as one, Person(helpline) as other:
        page = await one.write("I need a place to sleep")
        await other.write("hello")
        offered = re.findall(r'name="tap" value="(\d+\.\d+)"', page)
        assert offered
        assert await one.send(tap=offered[0]) == 303
        for tap in offered:
            await other.send(tap=tap)
        await helpline.settled()
    talks = [await helpline.lines(each) for each in await helpline.conversation_ids()]
    pressed = [[line.text for line in talk if line.kind == "tap"] for talk in talks]

    assert len(pressed[0]) == 1
    shown = {button.title for line in talks[1] for button in line.buttons}
    assert set(pressed[1]) <= shown


async def test_data_that_no_button_carries_never_becomes_a_command(telegram_helpline: Helpline):
    """A modified Telegram sends any data it likes. Whatever it is, it must not break a turn."""
    sender = {"id": 4242, "is_bot": False, "first_name": "Sam", "language_code": "en"}
    taken = '/take_page{"number": "ABC-234"}'
    for number, data in enumerate(["/restart", "~garbage", "=7", "/x{no", "", '/ask_human{"a": [1]}', "\ud800", taken]):
        query = {"id": f"{number}00", "from": sender, "chat_instance": "1", "data": data}
        assert await telegram_helpline.webhook({"update_id": 100 + number, "callback_query": query}) == 200
    await telegram_helpline.webhook(telegram_update(50, "are you there"))
    await telegram_helpline.settled()

    assert "are you there" in await telegram_helpline.said_by_people()
    assert await telegram_helpline.database.read(stuck.parked) == []


# --- the terminal's door ---


async def test_the_terminal_lets_in_whoever_has_the_key_of_the_folder(helpline: Helpline):
    body: dict[str, Any] = {"id": "1", "address": "1", "text": "hello"}
    for key in ("", "wrong", "Ã©"):
        async with aiohttp.ClientSession(helpline.url, headers={"Authorization": f"Bearer {key}", **OURS}) as client:
            async with client.post("/terminal/messages", json=body) as answer:
                assert answer.status == 403
            async with client.get("/terminal/lines?address=1") as answer:
                assert answer.status == 403

    assert await helpline.conversation_ids() == []


@pytest.mark.parametrize("cookie", ["chat", "waymark_session"])
@pytest.mark.parametrize("path", ["/chat", "/desk/queue"])
async def test_a_cookie_that_is_no_text_is_as_good_as_none(helpline: Helpline, path: str, cookie: str):
    reader, writer = await asyncio.open_connection("127.0.0.1", helpline.settings.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: {cookie}=".encode() + b"\xff\r\n\r\n")
    status = await reader.readline()
    writer.close()

    assert status.split()[1] in {b"200", b"303"}
