"""What people write is nowhere in clear, and once erased nowhere at all: marked words in every field there is."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import sqlalchemy as sa

from bot.channels.terminal.key import read_key
from bot.conversations import store, stuck
from bot.foreground import CannotDo
from bot.kernel.access import Role
from bot.kernel.crypto import data_keys
from bot.upkeep import backups, doctor, erasing
from tests.conftest import all_metadata
from tests.integration.app.program import OURS, Desk, Helpline, Person, serving, settings_for, telegram_update, until
from tests.integration.app.test_attachments import case_with
from tests.integration.kernel.test_logs import Written
from tests.peers.telegram import TOKEN, FakeTelegram

#: What every marked word begins with.
STEM = "kestrel"
CHAT, UNKNOWN_CHAT, GROUP = 4242, 4343, -77


class Canaries:
    """Words that occur nowhere else, each for one field."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}

    def __call__(self, field: str) -> str:
        word = f"{STEM}{len(self.fields):02d}zqx"
        assert field not in self.fields
        self.fields[field] = word
        return word

    def found_in(self, data: bytes) -> list[str]:
        """The fields whose word is in there: as it is, or as encodings would make it."""
        data = data.lower()
        if not any(stem in data for stem in _forms(STEM)):
            return []  # most of the time: two hundred looks at fifty megabytes took most of a test
        return [field for field, word in self.fields.items() if any(form in data for form in _forms(word))]


def _forms(word: str) -> list[bytes]:
    plain = word.encode()
    base = base64.b64encode(plain)[:12] if word != STEM else base64.b64encode(plain)[:9]  # what follows is in the tenth
    return [plain, plain.hex().encode(), base.lower(), word.encode("utf-16-le")]


def test_the_search_finds_what_it_is_meant_to_find():
    canaries = Canaries()
    word = canaries("a field")

    assert canaries.found_in(b"...." + word.upper().encode()) == ["a field"]
    assert canaries.found_in(base64.b64encode(word.encode())) == ["a field"]
    assert canaries.found_in(word.encode().hex().encode()) == canaries.found_in(word.encode("utf-16-le")) == ["a field"]
    assert canaries.found_in(b"nothing") == []


async def whatever_is_stored(helpline: Helpline) -> bytes:
    """Every column of every table as the driver gives it, and every file of an embedded database."""

    def read(tx: sa.Connection) -> list[Any]:
        names = [table.name for tables in all_metadata() for table in tables.sorted_tables]
        return [tuple(row) for name in names for row in tx.exec_driver_sql(f'SELECT * FROM "{name}"')]

    rows = await helpline.database.read(read)
    cells = [cell if isinstance(cell, bytes) else str(cell).encode() for row in rows for cell in row]
    files = [path.read_bytes() for path in _files(helpline)]
    return b"\n".join(cells + files)


def _files(helpline: Helpline) -> list[Path]:
    """Everything in the data folder but the keys."""
    return [path for path in helpline.settings.data_dir.rglob("*") if path.is_file() and path.suffix != ".key"]


async def people_write(helpline: Helpline, telegram: FakeTelegram, canary: Canaries) -> None:
    """Every way in, every field of it."""
    telegram.ledger.meet(CHAT, "private")
    sender = {
        "id": CHAT, "is_bot": False, "language_code": "en", "first_name": canary("telegram first name"),
        "last_name": canary("telegram last name"), "username": canary("telegram username"),
    }  # fmt: skip
    number = 0

    async def update(text: str | None = None, *, chat: int = CHAT, kind: str = "message", **content: Any) -> None:
        nonlocal number
        number += 1
        made = telegram_update(number, text, chat=chat, **{"from": sender, **content})
        if kind != "message":
            made[kind] = made.pop("message")
        assert await helpline.webhook(made) == 200

    file = {"file_id": "AgACAgQAAx", "file_unique_id": "x"}
    await update(f"hello {canary('telegram text')}")
    await update(f"he has a knife, he is outside, {canary('telegram danger')}")
    await update(
        f"corrected {canary('telegram edited text')}", kind="edited_message", message_id=1, edit_date=1795435300
    )
    await update(location={"latitude": 43.791357, "longitude": 7.612468})
    await update(venue={"title": canary("venue title"), "address": canary("venue address")})
    await update(photo=[{**file, "width": 1, "height": 1}], caption=canary("photo caption"))
    await update(document={**file, "file_name": canary("file name"), "mime_type": "text/plain"})
    await update(voice={**file, "duration": 3}, caption=canary("voice caption"))
    await update(contact={"phone_number": "+441632960111", "first_name": canary("contact name")})
    await update(sticker={**file, "emoji": "x", "set_name": canary("sticker set")})
    await update(poll={"id": "1", "question": canary("poll question"), "options": [{"text": canary("poll option")}]})
    await update(f"reply {canary('telegram reply')}", reply_to_message={"text": canary("quoted text"), "message_id": 1})
    await update(f"x {canary('forwarded text')}", forward_origin={"sender_user_name": canary("forwarded from")})
    await update(f"/start {canary('start code')}")
    await update(f"/command_{canary('typed command')}")
    await update(f"a place to sleep in {canary('telegram place')}")
    in_group = telegram_update(100, canary("group text"), chat=GROUP)
    in_group["message"]["chat"] = {"id": GROUP, "type": "group", "title": canary("group title")}
    assert await helpline.webhook(in_group) == 200
    await update(f"nobody can answer me {canary('unreachable person')}", chat=UNKNOWN_CHAT)
    markup = {"inline_keyboard": [[{"text": canary("tap title"), "callback_data": "/greet"}]]}
    query = {
        "id": "7001", "from": sender, "chat_instance": "1", "data": "/greet",
        "message": {"message_id": 9, "date": 1, "chat": {"id": CHAT, "type": "private"},
                    "text": canary("text under the tap"), "reply_markup": markup},
    }  # fmt: skip
    assert await helpline.webhook({"update_id": 8001, "callback_query": query}) == 200
    forged = {**query, "id": "7002", "data": f'/inform{{"place": "{canary("tap payload")}"}}'}
    assert await helpline.webhook({"update_id": 8002, "callback_query": forged}) == 200
    assert await helpline.webhook(b'{"update_id": "' + canary("unreadable update").encode() + b'"}') == 400
    await helpline.settled()
    await in_the_web_chat(helpline, canary)
    await in_the_terminal(helpline, canary)


async def in_the_web_chat(helpline: Helpline, canary: Canaries) -> None:
    async with Person(helpline) as person:
        await person.write(f"help me, a man follows me, {canary('chat danger')}")
        page = await person.write(f"I need a place to sleep in {canary('chat place')}")
        offered = re.findall(r'name="tap" value="(\d+\.\d+)"', page)
        assert offered
        await person.send(tap=offered[0])
        await person.send(text="once", once=canary("once of a form"))
        await person.send(tap=canary("forged tap"))
        await person.send(text="", more=canary("unknown field"))
        headers = {
            "User-Agent": canary("user agent"), "Referer": f"https://x/{canary('referrer')}",
            "Accept-Language": canary("accept language"), "X-Forwarded-For": canary("forwarded for"),
        }  # fmt: skip
        async with aiohttp.ClientSession(helpline.url, headers={**headers, **OURS}) as client:
            for path in (f"/chat?q={canary('query')}", f"/{canary('path')}", f"/chat/stream?after={canary('number')}"):
                async with client.get(path) as answer:
                    assert answer.status in {200, 400, 404}
            fields = {"sign_in_name": canary("sign-in name"), "password": canary("password"), "code": canary("code")}
            async with client.post("/desk/sign-in", data=fields) as answer:
                assert answer.status == 403
            async with client.get(f"/desk/sign-in/link?token={canary('sign-in token')}") as answer:
                assert answer.status == 404
        await helpline.settled()


async def in_the_terminal(helpline: Helpline, canary: Canaries) -> None:
    headers = {"Authorization": f"Bearer {read_key(helpline.settings.data_dir)}"}
    async with aiohttp.ClientSession(helpline.url, headers=headers) as client:
        body = {"id": "1", "address": "here", "text": f"I want to die, {canary('terminal text')}"}
        async with client.post("/terminal/messages", json=body) as answer:
            assert answer.status == 202
    await helpline.settled()


async def officers_write(helpline: Helpline, canary: Canaries) -> list[str]:
    """Everything an officer can type. Returns the ids of the cases."""
    desk = await helpline.at_desk(await helpline.officer(*Role))
    cases = await desk.waiting_cases()
    assert len(cases) >= 3
    for number, case_id in enumerate(cases):
        path = f"/desk/cases/{case_id}"
        assert (await desk.post(f"{path}/claim"))[0] == 200
        answered = await desk.post(f"{path}/answer", text=f"I am here {canary(f'answer {number}')}", once=f"a{number}")
        assert answered[0] == 200
        noted = await desk.post(f"{path}/notes", text=f"call the aunt {canary(f'note {number}')}", once=f"n{number}")
        assert noted[0] == 200
    await odd_fields(desk, f"/desk/cases/{cases[0]}", canary)
    await helpline.settled()
    assert (await desk.post(f"/desk/cases/{cases[0]}/close", closing="helped"))[0] == 200
    await desk.post("/desk/account/password", password=canary("new password"), again="x")
    await helpline.settled()
    return cases


async def odd_fields(desk: Desk, path: str, canary: Canaries) -> None:
    """Fields that are not for words, filled with words."""
    assert (await desk.post(f"{path}/close", closing=canary("closing reason")))[0] == 400
    await desk.post(f"{path}/seen", why=canary("unknown field of a form"))
    await desk.get(f"/desk/services?q={canary('search for services')}")
    await desk.get(f"/desk/audit?case={canary('search in the record')}")
    await desk.get(f"/desk/queue?notice={canary('notice')}")
    await desk.post("/desk/deliveries/retry", delivery=canary("delivery"), parked=canary("parked"))


STORED = (
    "telegram text", "telegram danger", "telegram edited text", "photo caption", "voice caption", "contact name",
    "poll question", "telegram reply", "forwarded text", "typed command", "telegram place", "tap title",
    "unreachable person", "chat danger", "chat place", "terminal text", "answer 0", "answer 1", "answer 2",
)  # fmt: skip


async def readable(helpline: Helpline) -> bytes:
    """Everything an officer could read, through the front door."""
    found = [line.text for each in await helpline.conversation_ids() for line in await helpline.lines(each)]
    desk = await helpline.at_desk(await helpline.officer(Role.OFFICER, Role.COORDINATOR))

    def case_ids(tx: sa.Connection) -> list[str]:
        return [row.id for row in tx.exec_driver_sql("SELECT id FROM cases")]

    for case_id in await helpline.database.read(case_ids):
        status, page = await desk.get(f"/desk/cases/{case_id}?all")
        assert status == 200
        found.append(page)
    return "\n".join(found).encode()


@pytest.fixture
def settings(tmp_path: Path, telegram: FakeTelegram, empty_database_url: str) -> Any:
    return settings_for(
        tmp_path,
        database_url=empty_database_url if empty_database_url.startswith("postgresql") else "",
        telegram_api_url=telegram.url,
        telegram_mode="webhook",
        rate_burst=1000,
        rate_per_minute=1000,
    )


async def test_words_are_nowhere_in_clear_and_once_erased_nowhere(
    settings: Any, telegram: FakeTelegram, log: Written, tmp_path: Path
):
    canary = Canaries()
    async with serving(settings) as helpline:
        await people_write(helpline, telegram, canary)
        await officers_write(helpline, canary)
        assert len(canary.fields) >= 40
        shown = canary.found_in(await readable(helpline))
        assert set(STORED) <= set(shown), "or this test would prove nothing"
        assert {"note 0", "note 1", "note 2"} <= set(shown)

        assert canary.found_in(await whatever_is_stored(helpline)) == []
        assert b"43.7913" not in await whatever_is_stored(helpline)
        assert canary.found_in(await metrics(helpline)) == []
        assert canary.found_in(await record(helpline)) == []
        if helpline.database.dialect == "sqlite":
            await backups.back_up(settings, tmp_path / "copy.db")
            assert canary.found_in((tmp_path / "copy.db").read_bytes()) == []

        for conversation_id in await helpline.conversation_ids():
            await erasing.erase(settings, conversation_id, sure=True)

        assert canary.found_in(await readable(helpline)) == []
        assert canary.found_in(await whatever_is_stored(helpline)) == []
        assert await helpline.database.read(sealed_values) == {"words": 0, "keys": 0}
        assert (await doctor.verify_audit(settings, None)).well
        assert canary.found_in(await record(helpline)) == []
    written = log.text.encode()
    assert len(written) > 10_000
    assert canary.found_in(written) == []
    for secret in (TOKEN, settings.telegram_webhook_secret.value, "43.7913", "+441632960111"):
        assert secret.encode() not in written


async def metrics(helpline: Helpline) -> bytes:
    async with aiohttp.ClientSession(helpline.url) as client, client.get("/metrics") as answer:
        assert answer.status == 200
        return await answer.read()


async def record(helpline: Helpline) -> bytes:
    """The audit log, which stays for ever."""
    query = sa.text("SELECT actor, act, object, facts FROM audit_log")
    rows = await helpline.database.read(lambda tx: [str(tuple(row)) for row in tx.execute(query)])
    assert rows
    return "\n".join(rows).encode()


def sealed_values(tx: sa.Connection) -> dict[str, int]:
    """How much of what people wrote is left sealed, and how many keys of conversations and cases are left."""
    words = 0
    for tables in all_metadata():
        for table in tables.sorted_tables:
            for column in table.columns:
                if column.name.endswith("_sealed") and table.name != "officers":
                    words += tx.execute(sa.select(sa.func.count()).where(column.is_not(None))).scalar_one()
    used = sa.union(
        sa.select(store.conversations.c.key_id), sa.text("SELECT key_id FROM cases").columns(sa.column("key_id"))
    )
    alive = sa.select(sa.func.count()).where(data_keys.c.id.in_(used), data_keys.c.wrapped.is_not(None))
    return {"words": words, "keys": tx.execute(alive).scalar_one()}


# --- the command ---


@pytest.fixture
async def in_danger(helpline: Helpline) -> tuple[str, str]:
    """A conversation and the number of its case, which nobody has taken."""
    async with Person(helpline) as person:
        await person.write("he has a knife, he is outside")
    [conversation_id] = await helpline.conversation_ids()
    query = sa.text("SELECT number FROM cases")
    return conversation_id, await helpline.database.read(lambda tx: tx.execute(query).scalar_one())


async def test_without_yes_nothing_is_erased(helpline: Helpline, in_danger: tuple[str, str]):
    conversation_id, number = in_danger

    said = await erasing.erase(helpline.settings, number.lower(), sure=False)

    assert f"would erase 3 lines of conversation {conversation_id}" in said
    assert "--yes" in said
    assert len(await helpline.lines(conversation_id)) == 3


async def test_a_case_that_is_open_is_closed_and_its_alarm_ends(helpline: Helpline, in_danger: tuple[str, str]):
    _, number = in_danger
    desk = await helpline.at_desk(await helpline.officer(Role.OFFICER))
    [case_id] = await desk.waiting_cases()
    assert "knife" in (await desk.get(f"/desk/cases/{case_id}"))[1]

    await erasing.erase(helpline.settings, number, sure=True)

    assert await desk.waiting_cases() == []
    status, page = await desk.get(f"/desk/cases/{case_id}")
    assert status == 200
    assert "knife" not in page
    assert await helpline.database.read(_climbing) == 0
    assert (await desk.post(f"/desk/cases/{case_id}/reopen"))[0] in {404, 409}
    assert (await desk.post(f"/desk/cases/{case_id}/claim"))[0] == 404
    broken = await helpline.database.read(lambda tx: stuck.check_invariants(tx, helpline.waymark.clock.now()))
    assert broken == []


def _climbing(tx: sa.Connection) -> int:
    return int(tx.exec_driver_sql("SELECT count(*) FROM alarms WHERE next_step_at IS NOT NULL").scalar_one())


async def test_two_officers_erase_at_the_desk_whoever_asks_for_it(helpline: Helpline):
    amira = await helpline.at_desk(await helpline.officer(Role.OFFICER))
    ines = await helpline.at_desk(await helpline.officer(Role.COORDINATOR, name="Ines"))
    async with Person(helpline) as person:
        await person.write("Erase everything about me")
        case_id = await case_with(helpline, amira)

        _, asked = await amira.get(f"/desk/cases/{case_id}?lang=en")
        status, proposed = await amira.post(f"/desk/cases/{case_id}/erasure?lang=en")
        assert "They ask that what we know is erased" in asked
        assert (status, "/erasure/carry-out" in proposed) == (200, False)
        assert (await amira.post(f"/desk/cases/{case_id}/erasure/carry-out"))[0] in (403, 404)
        assert "To be erased" in (await ines.get("/desk/supervision?lang=en"))[1]
        assert "/erasure/carry-out" in (await ines.get(f"/desk/cases/{case_id}?lang=en"))[1]

        status, page = await ines.post(f"/desk/cases/{case_id}/erasure/carry-out?lang=en")

    assert status == 200
    assert "Erased for ever" in page
    assert "Erase everything" not in page
    assert (
        await helpline.database.read(
            lambda tx: tx.execute(sa.select(store.messages.c.id).where(store.messages.c.body_sealed.is_not(None))).all()
        )
        == []
    )


async def test_erasing_is_in_the_record_and_names_nobody(helpline: Helpline, in_danger: tuple[str, str]):
    conversation_id, number = in_danger
    await erasing.erase(helpline.settings, number, sure=True)

    query = sa.text("SELECT actor, object, facts FROM audit_log WHERE act = 'conversation.erased'")
    rows = await helpline.database.read(lambda tx: [tuple(row) for row in tx.execute(query)])

    assert rows == [("system:command", f"conversation:{conversation_id}", '{"cases":1,"why":"asked"}')]


async def test_what_is_not_there_or_was_erased_is_said(helpline: Helpline, in_danger: tuple[str, str]):
    conversation_id, number = in_danger
    with pytest.raises(CannotDo, match="there is no case and no conversation nothing"):
        await erasing.erase(helpline.settings, "nothing", sure=True)
    await erasing.erase(helpline.settings, conversation_id, sure=True)

    with pytest.raises(CannotDo, match="was erased on"):
        await erasing.erase(helpline.settings, number, sure=True)


async def test_whoever_was_erased_may_write_again_and_is_somebody_new(helpline: Helpline):
    async with Person(helpline) as person:
        await person.write("hello, it is me")
        [first] = await helpline.conversation_ids()
        await erasing.erase(helpline.settings, first, sure=True)

        page = await person.write("hello again")

    assert "hello, it is me" not in page
    assert "hello again" in page
    [gone, second] = await helpline.conversation_ids()
    assert gone == first
    assert next(line.text for line in await helpline.lines(second)) == "hello again"


async def test_somebody_who_writes_while_they_are_erased_is_answered_in_the_end(helpline: Helpline):
    async with Person(helpline) as person:
        await person.write("first")
        [first] = await helpline.conversation_ids()

        async def write_on() -> None:
            for number in range(10):
                assert await person.send(text=f"word {number}") in {303, 503}

        await asyncio.gather(write_on(), erasing.erase(helpline.settings, first, sure=True))
        await person.write("last")

    assert await helpline.lines(first) == []
    assert "last" in await helpline.said_by_people()
    await until(_no_sealed_words_of(helpline, first))


def _no_sealed_words_of(helpline: Helpline, conversation_id: str) -> Callable[[], Any]:
    query = sa.select(sa.func.count()).where(
        store.inbox.c.conversation_id == conversation_id, store.inbox.c.payload_sealed.is_not(None)
    )

    async def gone() -> bool:
        return bool(await helpline.database.read(lambda tx: tx.execute(query).scalar_one()) == 0)

    return gone
