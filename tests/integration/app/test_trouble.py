"""What an installation may run into: a full disk, a second server, a key that is lost, wrong or cut short."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import sqlalchemy as sa
from aiohttp import web
from msgspec.structs import replace

from bot import app
from bot.alone import CannotStart, alone_on
from bot.app import Waymark, opened, serve
from bot.bridges import ReadingRoom
from bot.conversations import stuck
from bot.conversations.model import LEASE
from bot.kernel import officers, sessions
from bot.kernel.access import Role
from bot.kernel.clock import SetClock
from bot.kernel.crypto import WrongMasterKey
from bot.kernel.database import DatabaseUnavailable
from bot.kernel.settings import Settings
from bot.kernel.web import web_runner
from dialogues.understanding.corpus import TrainingDataWrong
from tests.integration.app.program import DOORS, Helpline, Person, serving, settings_for, telegram_update
from tests.integration.kernel.test_logs import Written
from tests.peers.telegram import FakeTelegram

# --- a full disk ---


def room_for(pages: int) -> Callable[[sa.Connection], None]:
    """Let the file grow by so many pages and no more."""

    def limit(tx: sa.Connection) -> None:
        now = tx.exec_driver_sql("PRAGMA page_count").scalar_one()
        tx.exec_driver_sql(f"PRAGMA max_page_count={now + pages}")

    return limit


#: Long, and always the same: it is understood once, and the disk is what the test is about.
LONG = "We walked for many days and we are tired. " * 60


async def fill_up(helpline: Helpline, *, most: int = 400) -> tuple[int, list[int]]:
    """Send messages until one is refused, and some more. How many were acknowledged, and which were not."""
    kept, refused = 0, []
    for number in range(1, most):
        status = await helpline.webhook(message(number))
        assert status in {200, 503}
        if status == 200:
            kept += 1
        else:
            refused.append(number)
        if len(refused) == 5:
            return kept, refused
    raise AssertionError("the disk was never full")


def message(number: int) -> dict[str, Any]:
    return telegram_update(number, LONG, chat=1000 + number % 3)


async def nothing_is_lost(helpline: Helpline, sent: int, clock: SetClock | None = None) -> None:
    """All was heard, once. Work that was cut off is taken up again when its lease is over."""
    if clock is not None:
        clock.advance(LEASE)
    await helpline.settled()
    assert len(await helpline.said_by_people()) == sent
    broken = await helpline.database.read(lambda tx: stuck.check_invariants(tx, helpline.waymark.clock.now()))
    assert broken == []


@pytest.fixture
def generous(tmp_path: Path, telegram: FakeTelegram) -> Callable[[Path], Settings]:
    """Settings that slow nobody down, so that a test need not wait."""
    for chat in range(1000, 1003):
        telegram.ledger.meet(chat, "private")

    def settings(folder: Path) -> Settings:
        return settings_for(
            folder,
            telegram_api_url=telegram.url,
            telegram_mode="webhook",
            rate_burst=1000,
            rate_per_minute=1000,
        )

    return settings


async def test_a_full_disk_is_answered_with_503_and_nothing_acknowledged_is_lost(
    tmp_path: Path, clock: SetClock, generous: Callable[[Path], Settings]
):
    async with serving(generous(tmp_path), clock) as helpline, Person(helpline) as person:
        await helpline.database.write(room_for(40))

        kept, refused = await fill_up(helpline)
        at_the_chat = await person.send(text="and I cannot write here either " + "y" * 20_000)
        alive = await _status(helpline, "/healthz")
        await make_room(helpline)
        for number in refused:  # as Telegram does with whatever was not acknowledged
            assert await helpline.webhook(message(number)) == 200

        assert (at_the_chat, alive) == (503, 200)
        assert kept
        await nothing_is_lost(helpline, kept + len(refused), clock)


async def make_room(helpline: Helpline) -> None:
    """While the disk is full a worker's write may fail in the same transaction, and this one with it."""
    for _ in range(100):
        with contextlib.suppress(DatabaseUnavailable):
            await helpline.database.write(room_for(1_000_000))
            return
    raise AssertionError("there is still no room")


async def _status(helpline: Helpline, path: str) -> int:
    async with aiohttp.ClientSession(helpline.url) as client, client.get(path) as answer:
        return answer.status


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of twelve megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("only root may mount; the same promise is tested with a limited file above")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


async def test_a_really_full_disk_does_not_lose_anything_either(
    small_disk: Path, clock: SetClock, generous: Callable[[Path], Settings]
):
    async with serving(generous(small_disk), clock) as helpline:
        filler = small_disk / "filler"
        _fill(filler, leave=200_000)

        kept, refused = await fill_up(helpline)
        filler.unlink()
        for number in refused:  # as Telegram does with whatever was not acknowledged
            assert await helpline.webhook(message(number)) == 200

        await nothing_is_lost(helpline, kept + len(refused), clock)


def _fill(path: Path, *, leave: int) -> None:
    free = os.statvfs(path.parent)
    path.write_bytes(b"\0" * (free.f_bavail * free.f_bsize - leave))


# --- a second server, and keys ---


async def test_a_second_server_on_the_same_database_is_refused_in_a_sentence(helpline: Helpline):
    with pytest.raises(CannotStart, match=r"another Waymark is already serving .* Stop it first"):
        async with opened(helpline.settings):
            pass

    async with Person(helpline) as person:  # and the first one does not mind
        assert "hello" in await person.write("hello")


def test_a_folder_that_cannot_be_written_is_named_with_what_to_do(tmp_path: Path):
    (tmp_path / "no folder").touch()

    with (
        pytest.raises(CannotStart, match=r"no folder cannot be written to .* WAYMARK_DATA_DIR"),
        alone_on(f"sqlite:///{tmp_path}/no folder/waymark.db"),
    ):
        pass


async def test_when_the_first_server_has_stopped_the_second_may_start(tmp_path: Path):
    settings = settings_for(tmp_path, demo="off")
    for _ in range(2):
        async with opened(settings):
            pass


async def test_a_server_that_could_not_start_holds_nothing_back(tmp_path: Path):
    settings = settings_for(tmp_path, demo="off")
    async with opened(settings):
        pass
    key = settings.data_dir / "master.key"
    held = key.read_bytes()
    key.write_bytes(b"AAAA\n")
    with pytest.raises(WrongMasterKey):
        async with opened(settings):
            pass
    key.write_bytes(held)

    async with opened(settings):
        pass


async def _once(tmp_path: Path, **settings: object) -> None:
    async with opened(settings_for(tmp_path, demo="off", **settings)):
        pass


ANOTHER_KEY = bytes(range(100, 132)).hex()


async def test_a_wrong_master_key_is_refused_before_anything_is_served(tmp_path: Path):
    await _once(tmp_path)

    with pytest.raises(WrongMasterKey, match=r"does not fit this database\. Give the one it was made with"):
        await _once(tmp_path, master_key=ANOTHER_KEY)


async def test_a_missing_key_beside_a_database_is_not_replaced_by_a_new_one(tmp_path: Path):
    await _once(tmp_path)
    key = tmp_path / "data" / "master.key"
    key.rename(tmp_path / "put away")

    with pytest.raises(WrongMasterKey, match="Put that file back, or set WAYMARK_MASTER_KEY"):
        await _once(tmp_path)

    assert not key.exists()
    (tmp_path / "put away").rename(key)
    await _once(tmp_path)


async def test_a_truncated_or_empty_key_file_is_said_and_left_alone(tmp_path: Path):
    await _once(tmp_path)
    key = tmp_path / "data" / "master.key"
    whole = key.read_bytes()

    for cut in (whole[:20], b"", b"\n", whole[:-6], b"\x00" * 45):
        key.write_bytes(cut)
        with pytest.raises(WrongMasterKey, match="does not hold a key"):
            await _once(tmp_path)
        assert key.read_bytes() == cut


async def test_a_key_file_that_others_can_read_is_said(tmp_path: Path):
    await _once(tmp_path)
    (tmp_path / "data" / "master.key").chmod(0o644)

    with pytest.raises(WrongMasterKey, match="chmod 600"):
        await _once(tmp_path)


async def test_the_key_file_is_readable_by_its_owner_only(tmp_path: Path):
    await _once(tmp_path)

    for name in ("master.key", "terminal.key"):
        path = tmp_path / "data" / name
        assert not path.exists() or path.stat().st_mode & 0o777 == 0o600


async def test_a_database_file_that_is_none_is_not_overwritten(tmp_path: Path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "waymark.db").write_bytes(b"these are somebody's notes, not a database" * 100)

    with pytest.raises((WrongMasterKey, DatabaseUnavailable, sa.exc.DBAPIError)):
        await _once(tmp_path)

    assert (data / "waymark.db").read_bytes().startswith(b"these are somebody's notes")


async def test_a_port_that_is_taken_is_said_in_a_sentence(tmp_path: Path):
    settings = settings_for(tmp_path, demo="off")  # the door of this port is held, and not open
    listening = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]

    with pytest.raises(CannotStart, match=rf"port {port} .* WAYMARK_PORT"):
        await serve(replace(settings, port=port))
    listening.close()


async def test_a_stop_in_the_middle_of_work_loses_nothing(tmp_path: Path, generous: Callable[[Path], Settings]):
    async with serving(generous(tmp_path)) as helpline:
        for number in range(1, 31):
            assert await helpline.webhook(message(number)) == 200

    async with serving(generous(tmp_path)) as helpline:
        await nothing_is_lost(helpline, 30)


async def test_the_exchange_and_the_housekeeping_go_on_where_messages_are_never_read(tmp_path: Path):
    async with opened(settings_for(tmp_path, demo="off")) as waymark:
        (tmp_path / "nothing to learn from").mkdir()
        waymark.reading = ReadingRoom(tmp_path / "nothing to learn from", tmp_path, "ngrams")
        long_ago = waymark.clock.now() - 2 * sessions.ABSOLUTE_LIMIT
        officer = await waymark.database.write(
            lambda tx: officers.add_officer(
                tx, waymark.vault, name="Ana", sign_in_name="ana", roles={Role.OFFICER}, at=long_ago
            )
        )
        await waymark.database.write(lambda tx: sessions.start(tx, officer.id, long_ago))

        await waymark.start()

        with pytest.raises(TrainingDataWrong):
            await waymark.reading.loaded()
        async with asyncio.timeout(30):
            while await waymark.database.read(lambda tx: tx.execute(sa.select(sessions.sessions)).first()):
                await asyncio.sleep(0.02)


def test_a_text_that_cannot_be_read_is_named_before_anything_is_served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    folder = tmp_path / "dialogues" / "procedures"
    (folder / "overlays").mkdir(parents=True)
    (folder / "sources.yml").write_bytes((app.DIALOGUES / "procedures" / "sources.yml").read_bytes())
    (folder / "overlays" / "XX.yml").write_text("jurisdiction: XX\n", encoding="utf-8")
    monkeypatch.setattr(app, "DIALOGUES", tmp_path / "dialogues")

    with pytest.raises(CannotStart, match=r"overlays/XX\.yml:1: 'XX' is no country"):
        app._load_procedures()


# --- the offices come after the messages ---


def test_a_server_answers_before_the_desk_and_the_exchange_are_loaded():
    """What a first answer does not need is not read before it: a child waits for every module."""
    code = """
import sys
sys.modules["rich"] = None
import bot.app, bot.foreground
print(*(name for name in sys.modules
        if name in ("argon2", "pyotp", "typer", "pydantic") or name.startswith(("bot.desk", "bot.exchange"))))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == ""


async def test_a_desk_that_is_asked_for_before_it_is_loaded_is_there(tmp_path: Path):
    settings = settings_for(tmp_path)
    async with opened(settings) as waymark:
        runner = web_runner(waymark.web(offices_later=True), shutdown_timeout=1.0)
        await runner.setup()
        await web.SockSite(runner, DOORS[settings.port].dup()).start()
        await waymark.start()
        try:
            async with aiohttp.ClientSession(settings.public_url) as client:
                pages = await asyncio.gather(*(client.get("/desk/sign-in") for _ in range(3)))
                ready = await client.get("/readyz")
                known = await ready.text()
        finally:
            await runner.cleanup()

    assert [page.status for page in pages] == [200] * 3
    assert "carrier" in known


async def test_offices_that_cannot_be_opened_are_told_keep_nobody_from_writing_and_are_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: Written
):
    build, tries = Waymark._build_offices, iter((False, True))

    def broken(waymark: Waymark) -> object:
        if next(tries):
            return build(waymark)
        raise OSError

    monkeypatch.setattr(Waymark, "_build_offices", broken)
    monkeypatch.setattr(app, "FIRST_MESSAGES_SECONDS", 60.0)  # only those who ask for a page open them
    settings = settings_for(tmp_path)
    async with opened(settings) as waymark:
        runner = web_runner(waymark.web(offices_later=True), shutdown_timeout=1.0)
        await runner.setup()
        await web.SockSite(runner, DOORS[settings.port].dup()).start()
        await waymark.start()
        try:
            await waymark.reading.loaded()
            async with aiohttp.ClientSession(settings.public_url) as client:
                desk = await client.get("/desk/sign-in")
                chat = await client.get("/chat")
                ready = await client.get("/readyz")
                again = await client.get("/desk/sign-in")
        finally:
            await runner.cleanup()

    assert (desk.status, chat.status, ready.status) == (500, 200, 503)
    assert again.status == 200
