"""The webhook: only Telegram comes in, only what is kept is acknowledged."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.channels.telegram.channel import WEBHOOK_PATH, TelegramChannel
from bot.channels.telegram.poller import SILENT_FOR
from bot.channels.telegram.routes import SECRET_HEADER, webhook_routes
from bot.channels.telegram.webhook import Webhook
from bot.kernel.clock import SetClock
from bot.kernel.database import Database
from bot.kernel.live import Signals
from tests.integration.channels.conftest import Shelf
from tests.integration.channels.web import serving
from tests.peers.telegram import FakeTelegram, Fault, Faults
from tests.peers.telegram.faults import Scripted

ANA = 4401
SECRET = secrets.token_hex(32)
PROOF = {SECRET_HEADER: SECRET, "Content-Type": "application/json"}


def an_update(text: str = "help me", *, message_id: int = 1, update_id: int = 1) -> dict[str, Any]:
    chat, sender = {"id": ANA, "type": "private"}, {"id": ANA, "is_bot": False, "first_name": "Ana"}
    message = {"message_id": message_id, "date": 1, "chat": chat, "from": sender, "text": text}
    return {"update_id": update_id, "message": message}


@pytest.fixture
async def server(
    tmp_path: Path, sqlite_database: Database, clock: SetClock, signals: Signals, shelf: Shelf
) -> AsyncIterator[aiohttp.ClientSession]:
    async with serving(tmp_path, sqlite_database, clock, signals, webhook_routes("7001", SECRET, shelf)) as client:
        yield client


async def post(server: aiohttp.ClientSession, body: bytes, headers: dict[str, str] | None = None) -> int:
    async with server.post(WEBHOOK_PATH, data=body, headers=PROOF if headers is None else headers) as answer:
        await answer.read()
        return answer.status


async def test_an_update_is_kept_before_it_is_acknowledged(server: aiohttp.ClientSession, shelf: Shelf) -> None:
    body = json.dumps(an_update("مساعدة 🙏")).encode()

    assert await post(server, body) == 200

    (kept,) = shelf.kept.values()
    assert (kept.channel, kept.account, kept.address, kept.payload) == ("telegram", "7001", str(ANA), body)


async def test_a_full_inbox_answers_503_so_that_telegram_keeps_the_update(
    server: aiohttp.ClientSession, shelf: Shelf
) -> None:
    shelf.full_for = 1
    body = json.dumps(an_update()).encode()

    assert [await post(server, body), await post(server, body)] == [503, 200]
    assert len(shelf.kept) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {SECRET_HEADER: ""},
        {SECRET_HEADER: SECRET[:-1]},
        {SECRET_HEADER: SECRET + "0"},
        {SECRET_HEADER: SECRET.upper() + "x"},
        {SECRET_HEADER: "é" * 20},
        {"Authorization": SECRET},
    ],
)
async def test_a_webhook_without_the_secret_is_forged(
    server: aiohttp.ClientSession, shelf: Shelf, headers: dict[str, str]
) -> None:
    assert await post(server, json.dumps(an_update()).encode(), headers) == 403
    assert shelf.kept == {}


async def test_a_secret_wrong_in_any_one_place_is_wrong(server: aiohttp.ClientSession, shelf: Shelf) -> None:
    body = json.dumps(an_update()).encode()
    for place in range(len(SECRET)):
        wrong = SECRET[:place] + ("0" if SECRET[place] != "0" else "1") + SECRET[place + 1 :]
        assert await post(server, body, {SECRET_HEADER: wrong}) == 403
    assert shelf.kept == {}


def test_a_webhook_without_any_secret_is_not_served(shelf: Shelf) -> None:
    with pytest.raises(ValueError, match="secret"):
        webhook_routes("7001", "", shelf)


async def test_a_replayed_update_counts_once(server: aiohttp.ClientSession, shelf: Shelf) -> None:
    body = json.dumps(an_update()).encode()
    resent = json.dumps(an_update(), indent=1).encode()

    assert [await post(server, body), await post(server, body), await post(server, resent)] == [200, 200, 200]
    assert (len(shelf.kept), shelf.seen_again) == (1, 2)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b"NaN",
        json.dumps(an_update()).encode()[:-7],
        b'{"update_id": 1, "message": {"text": "\xff\xfe"}}',
        json.dumps(an_update()).encode("utf-16"),
        b"\xef\xbb\xbf" + json.dumps(an_update()).encode(),
        b"[" * 100_000,
        b'{"update_id":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b'{"update_id": ' + b"9" * 5_000 + b"}",
        b'{"message": {}}',
        b'{"update_id": true, "message": {}}',
        b'{"update_id": "1", "message": {}}',
        b'{"update_id": 1, "message": []}',
        b'{"update_id": 1, "message": {"message_id": 1}}',
        b'{"update_id": 1, "message": {"message_id": 1, "chat": 5}}',
        b'{"update_id": 1, "message": {"message_id": 1, "chat": {"id": "5"}}}',
        b'{"update_id": 1, "message": {"message_id": 1.5, "chat": {"id": 5}}}',
        b'{"update_id": 1, "message": {"message_id": 99999999999999999999, "chat": {"id": 5}}}',
        b'{"update_id": 1, "callback_query": {"id": "1", "from": null}}',
    ],
)
async def test_what_is_no_update_is_refused_and_not_kept(
    server: aiohttp.ClientSession, shelf: Shelf, body: bytes
) -> None:
    assert await post(server, body) == 400
    assert shelf.kept == {}


async def test_more_than_a_mebibyte_is_refused_and_not_kept(server: aiohttp.ClientSession, shelf: Shelf) -> None:
    large = json.dumps(an_update("a" * 1024 * 1024)).encode()

    assert await post(server, large) == 413
    async with server.post(
        WEBHOOK_PATH, data=_in_chunks(large), headers=PROOF
    ) as answer:  # without saying how long it is
        assert answer.status == 413
    assert shelf.kept == {}


async def _in_chunks(body: bytes) -> AsyncIterator[bytes]:
    """A body that does not say how long it is."""
    for start in range(0, len(body), 65_536):
        yield body[start : start + 65_536]


async def test_a_compressed_body_is_measured_unpacked(server: aiohttp.ClientSession, shelf: Shelf) -> None:
    import gzip

    bomb = gzip.compress(json.dumps(an_update("a" * 50_000_000)).encode())

    assert await post(server, bomb, {**PROOF, "Content-Encoding": "gzip"}) == 413
    assert shelf.kept == {}


async def test_a_hundred_thousand_characters_are_kept(server: aiohttp.ClientSession, shelf: Shelf) -> None:
    assert await post(server, json.dumps(an_update("a" * 100_000)).encode()) == 200
    assert len(shelf.kept) == 1


@pytest.mark.parametrize("update", [{"update_id": 1, "my_chat_member": {}}, {"update_id": 2, "poll": {"id": "1"}}])
async def test_an_update_nobody_has_to_answer_is_acknowledged_and_not_kept(
    server: aiohttp.ClientSession, shelf: Shelf, update: dict[str, Any]
) -> None:
    assert await post(server, json.dumps(update).encode()) == 200
    assert shelf.kept == {}


async def test_a_webhook_is_only_posted_to(server: aiohttp.ClientSession) -> None:
    async with server.get(WEBHOOK_PATH, headers=PROOF) as answer:
        assert answer.status == 405


async def test_telegram_delivers_to_the_webhook_until_everything_is_kept(
    telegram: FakeTelegram, channel: TelegramChannel, server: aiohttp.ClientSession, shelf: Shelf, clock: SetClock
) -> None:
    shelf.full_for = 5
    for number in range(30):
        telegram.say(ANA + number % 3, f"message {number}")

    telegram.faults = Faults(script=[Scripted(Fault.SERVER_ERROR, method="setWebhook", times=2)])
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    here = str(server._build_url("/"))
    await Webhook(channel, shelf, clock, public_url=here, secret=SECRET, pause=pause).set_up()
    await telegram.wait_until_confirmed()

    for person in range(3):
        expected = [f"message {number}" for number in range(30) if number % 3 == person]
        assert shelf.texts(channel, str(ANA + person)) == expected
    assert pauses == [1.0, 2.0]


async def test_a_webhook_to_which_nothing_is_delivered_is_not_called_well(
    telegram: FakeTelegram, channel: TelegramChannel, server: aiohttp.ClientSession, shelf: Shelf, clock: SetClock
) -> None:
    """As the program runs it: set, then looked at again and again; here the looks are counted and not waited for."""
    wrong = str(server._build_url("/away"))
    looks: asyncio.Queue[None] = asyncio.Queue()

    async def pause(_seconds: float) -> None:
        await looks.get()

    webhook = Webhook(channel, shelf, clock, public_url=wrong, secret=SECRET, pause=pause)
    assert webhook.delivers()  # nobody was told yet where to deliver: another server may be
    running = asyncio.create_task(webhook.run())
    telegram.say(ANA, "help me")
    while not (await channel.client.webhook()).last_error_date:
        await asyncio.sleep(0)
    clock.advance(SILENT_FOR - timedelta(seconds=1))
    assert webhook.delivers()
    clock.advance(timedelta(seconds=1))

    await webhook.look()
    assert not webhook.delivers()  # Telegram finds nobody there, and keeps what was written

    await Webhook(channel, shelf, clock, public_url=str(server._build_url("/")), secret=SECRET).set_up()
    await telegram.wait_until_confirmed()
    await webhook.look()
    assert (await channel.client.webhook()).url.startswith(wrong)  # set to the other address, and set again
    await webhook.look()
    assert webhook.delivers()
    running.cancel()
