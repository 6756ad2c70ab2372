"""Files that people send are fetched after their message, whatever is interrupted, and are kept whole and sealed."""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.channels.model import ChannelBusy, FileGone, FileTooLarge, NoRoom, TooLarge
from bot.conversations import service, store
from bot.conversations.attachments import service as attachments
from bot.conversations.attachments import store as attachment_store
from bot.conversations.attachments.fetching import Fetcher
from bot.conversations.attachments.model import (
    ABANDONED_AFTER,
    GIVE_UP_AFTER,
    LARGEST,
    LEASE,
    MOST_CRASHES,
    MOST_FILES_A_DAY,
    PART,
    Attachment,
    State,
)
from bot.conversations.attachments.uploads import Uploads
from bot.conversations.model import FILE_FAILPOINTS, Author, Direction
from bot.kernel.crypto import Tampered, Vault
from bot.kernel.database import Database
from tests.forked import live
from tests.integration.conversations.fetching_process import fetch
from tests.integration.conversations.world import World
from tests.peers.telegram import FakeTelegram, running_telegram

SONG = b"\xff\xfb\x90\x00" + bytes(range(251)) * 3000  # three parts, no two alike


class PaperFiles:
    """Files kept by a channel. `faults` are raised after the first chunk of the next fetches, one each."""

    def __init__(self) -> None:
        self.files = {"song": SONG}
        self.faults: deque[Exception | None] = deque()
        self.held = asyncio.Event()  # a fetch that comes to its middle waits here
        self.held.set()
        self.reached = asyncio.Event()
        self.asked = 0

    async def fetch(self, file_id: str, *, most: int) -> AsyncIterator[bytes]:
        self.asked += 1
        fault = self.faults.popleft() if self.faults else None
        content = self.files[file_id]
        yield content[: len(content) // 2]
        self.reached.set()
        await self.held.wait()
        if fault is not None:
            raise fault
        yield content[len(content) // 2 :]


@pytest.fixture
def paper() -> PaperFiles:
    return PaperFiles()


@pytest.fixture
def fetcher(world: World, paper: PaperFiles) -> Fetcher:
    return Fetcher(world.database, world.vault, world.clock, world.signals, sources={"paper": paper}, draw=lambda: 0.0)


async def sends_song(world: World, **more: str) -> None:
    await world.write("listen", kind="attachment", attachment="voice", facts={"file_id": "song", **more})
    await world.settle()


async def files(world: World, who: str = "+1") -> list[Attachment]:
    conversation_id = await world.conversation(who)
    return await world.database.read(lambda tx: attachments.of_talks(tx, world.vault, [conversation_id]))


async def content(world: World, attachment_id: str) -> bytes:
    def read(tx: sa.Connection) -> bytes:
        found = attachments.original(tx, world.vault, attachment_id)
        return found.read(tx, world.vault, 0, found.size)

    return await world.database.read(read)


async def parts(world: World) -> int:
    query = sa.select(sa.func.count()).select_from(attachment_store.attachment_parts)
    return (await world.rows(query))[0][0]


async def test_a_file_waits_for_its_fetcher_and_is_kept_whole(world: World, fetcher: Fetcher):
    await sends_song(world)
    [waiting] = await files(world)

    await fetcher.drain()

    [kept] = await files(world)
    assert (waiting.state, kept.state) == (State.WAITING, State.KEPT)
    assert kept.sha256 == hashlib.sha256(SONG).hexdigest()
    assert (kept.seq, kept.size, kept.type) == (1, len(SONG), "audio/mpeg")
    assert await content(world, kept.id) == SONG
    assert await parts(world) == -(-len(SONG) // PART)


async def test_a_fetch_that_is_cut_off_begins_anew_after_its_lease(world: World, fetcher: Fetcher, paper: PaperFiles):
    await sends_song(world)
    paper.held.clear()
    cut = asyncio.create_task(fetcher.drain())
    await paper.reached.wait()
    cut.cancel()
    await asyncio.gather(cut, return_exceptions=True)
    paper.held.set()

    await fetcher.drain()
    asked_within_the_lease = paper.asked
    world.clock.advance(LEASE)
    await fetcher.drain()

    [kept] = await files(world)
    assert asked_within_the_lease == 1
    assert paper.asked == 2
    assert await content(world, kept.id) == SONG


async def test_after_a_crash_of_the_only_server_nobody_waits_for_a_lease(
    world: World, fetcher: Fetcher, paper: PaperFiles
):
    await sends_song(world)
    claimed = await world.database.write(
        lambda tx: attachment_store.claim(tx, at=world.clock.now(), lease_until=world.clock.now() + LEASE)
    )
    assert claimed is not None

    await world.database.write(lambda tx: service.end_leases(tx, at=world.clock.now()))
    await fetcher.drain()

    assert [each.state for each in await files(world)] == [State.KEPT]


async def test_who_lost_the_lease_writes_nothing_more(world: World, paper: PaperFiles):
    await sends_song(world)
    slow, quick = (
        Fetcher(world.database, world.vault, world.clock, world.signals, sources={"paper": paper}) for _ in range(2)
    )
    paper.held.clear()
    late = asyncio.create_task(slow.fetch_next())
    await paper.reached.wait()
    world.clock.advance(2 * LEASE)
    paper.held.set()
    other = PaperFiles()
    quick._sources = {"paper": other}
    await asyncio.gather(quick.fetch_next(), late)

    [kept] = await files(world)
    assert await content(world, kept.id) == SONG
    assert await parts(world) == -(-len(SONG) // PART)


async def test_what_was_given_up_comes_when_somebody_asks_for_it_again(
    world: World, fetcher: Fetcher, paper: PaperFiles
):
    await sends_song(world)
    paper.faults.append(FileGone("paper", "gone"))
    await fetcher.drain()
    [lost] = await files(world)
    assert lost.state is State.LOST
    world.clock.advance(2 * GIVE_UP_AFTER)
    paper.faults.append(ChannelBusy("paper", "down"))

    for state in (State.LOST, State.KEPT):
        at = world.clock.now()
        await world.database.write(lambda tx, at=at: attachments.fetch_again(tx, lost.id, at=at))
        await fetcher.drain()
        assert [each.state for each in await files(world)] == [state]

    assert await content(world, lost.id) == SONG
    with pytest.raises(attachments.NoFile):
        await world.database.write(lambda tx: attachments.fetch_again(tx, lost.id, at=world.clock.now()))


async def test_what_does_not_come_is_asked_for_again_and_given_up_after_a_day(
    world: World, fetcher: Fetcher, paper: PaperFiles
):
    await sends_song(world)
    paper.faults.extend([ChannelBusy("paper", "down", retry_after=3600)] * 25)
    for _ in range(25):
        await fetcher.drain()
        world.clock.advance(timedelta(hours=1))

    [lost] = await files(world)
    assert (lost.state, lost.cause) == (State.LOST, "not_fetched")
    assert lost.kept_at is None
    assert await parts(world) == 0
    assert timedelta(hours=24) == GIVE_UP_AFTER


async def test_a_fault_in_the_middle_leaves_no_half_file(world: World, fetcher: Fetcher, paper: PaperFiles):
    await sends_song(world)
    paper.faults.append(ChannelBusy("paper", "cut"))
    await fetcher.drain()

    world.clock.advance(timedelta(minutes=1))
    await fetcher.drain()

    [kept] = await files(world)
    assert await content(world, kept.id) == SONG


@pytest.mark.parametrize(
    ("fault", "state", "cause"),
    [
        (FileGone("paper", "gone"), State.LOST, "gone"),
        (FileTooLarge("paper", "too_large"), State.REFUSED, "too_large"),
    ],
)
async def test_what_can_never_come_is_not_asked_for_again(
    world: World, fetcher: Fetcher, paper: PaperFiles, fault: Exception, state: State, cause: str
):
    await sends_song(world)
    paper.faults.append(fault)
    await fetcher.drain()
    world.clock.advance(timedelta(hours=2))
    await fetcher.drain()

    [settled] = await files(world)
    assert (settled.state, settled.cause, paper.asked) == (state, cause, 1)
    assert await parts(world) == 0


async def test_a_file_that_kills_whoever_fetches_it_is_left_alone(world: World, fetcher: Fetcher, paper: PaperFiles):
    await sends_song(world)
    for _ in range(MOST_CRASHES):
        at = world.clock.now()
        assert await world.database.write(lambda tx, at=at: attachment_store.claim(tx, at=at, lease_until=at + LEASE))
        world.clock.advance(LEASE)

    await fetcher.drain()

    assert [each.state for each in await files(world)] == [State.LOST]
    assert paper.asked == 0


async def test_who_sends_very_much_is_not_let_fill_the_disk(world: World, fetcher: Fetcher, paper: PaperFiles):
    paper.files["song"] = b"\xff\xfb\x90\x00" * 30
    for _ in range(MOST_FILES_A_DAY + 1):
        await sends_song(world)
    await world.write("and me", who="+2", kind="attachment", attachment="voice", facts={"file_id": "song"})
    await world.settle()

    await fetcher.drain()

    found = await files(world)
    assert {each.state for each in found[:-1]} == {State.KEPT}
    assert (found[-1].state, found[-1].cause) == (State.REFUSED, "too_many")
    assert [each.state for each in await files(world, "+2")] == [State.KEPT]


async def test_parts_cannot_change_places(world: World, fetcher: Fetcher):
    await sends_song(world)
    await fetcher.drain()
    [kept] = await files(world)
    table = attachment_store.attachment_parts

    def swap(tx: sa.Connection) -> None:
        first, second = (attachment_store.part(tx, kept.id, number) for number in (0, 1))
        tx.execute(table.update().where(table.c.number == 0).values(sealed=second))
        tx.execute(table.update().where(table.c.number == 1).values(sealed=first))

    await world.database.write(swap)

    with pytest.raises(Tampered):
        await content(world, kept.id)


async def test_a_person_who_is_erased_while_their_file_comes_leaves_nothing(
    world: World, fetcher: Fetcher, paper: PaperFiles
):
    await sends_song(world)
    paper.held.clear()
    fetching = asyncio.create_task(fetcher.drain())
    await paper.reached.wait()
    conversation_id = await world.conversation()
    await service.erase_conversation(world.database, world.vault, conversation_id, world.clock.now())
    paper.held.set()
    await fetching

    assert await parts(world) == 0
    [row] = await world.rows(sa.select(attachment_store.attachments))
    assert (row.state, row.about_sealed, row.kept_sealed) == ("erased", None, None)


async def test_a_group_and_an_officers_phone_have_no_files(world: World, fetcher: Fetcher, paper: PaperFiles):
    await world.write("", kind="group", attachment="voice", facts={"file_id": "song"})
    world.codes["code"] = ""
    await world.write("", who="+2", kind="start", payload="code")
    await world.settle()
    await world.write("", who="+2", kind="attachment", attachment="voice", facts={"file_id": "song"})
    await world.settle()

    await fetcher.drain()

    assert paper.asked == 0


# Uploads ----------------------------------------------------------------------------------------------------------


def uploads(world: World) -> Uploads:
    return Uploads(world.database, world.vault, world.clock, channel="paper", account="main")


async def test_an_upload_belongs_to_the_talk_it_came_in_and_to_no_other(world: World):
    upload = await uploads(world).begin("+1", language="en", declared="audio/mpeg")
    for start in range(0, len(SONG), 10_000):
        await upload.write(SONG[start : start + 10_000])
    assert await upload.finish() == "voice"

    await world.write("mine", who="+2", kind="attachment", attachment="voice", facts={"upload": upload.id})
    await world.write("listen", kind="attachment", attachment="voice", facts={"upload": upload.id})
    await world.settle()

    assert await files(world, "+2") == []
    [kept] = await files(world)
    assert await content(world, kept.id) == SONG


async def test_an_upload_that_breaks_off_is_forgotten(world: World):
    upload = await uploads(world).begin("+1", language="en", declared="")
    await upload.write(SONG)
    assert await parts(world) > 0

    world.clock.advance(ABANDONED_AFTER + timedelta(seconds=1))
    gone = await world.database.write(lambda tx: attachments.forget_abandoned(tx, world.clock.now()))

    assert gone == 1
    assert await parts(world) == 0
    with pytest.raises(NoRoom):
        await upload.write(bytes(PART))


async def test_an_upload_that_is_too_large_or_one_too_many_is_refused(world: World):
    doors = uploads(world)
    large = await doors.begin("+1", language="en", declared="")
    for _ in range(LARGEST // PART):
        await large.write(bytes(PART))
    with pytest.raises(TooLarge):
        await large.write(b"x")
    await large.give_up()
    for _ in range(MOST_FILES_A_DAY):
        one = await doors.begin("+1", language="en", declared="")
        await one.write(b"words")
        await one.finish()

    with pytest.raises(NoRoom):
        await doors.begin("+1", language="en", declared="")
    assert await doors.begin("+2", language="en", declared="")


# Killed -----------------------------------------------------------------------------------------------------------


@pytest.mark.faults
async def test_a_fetcher_killed_at_every_point_keeps_every_file_once(
    database: Database, database_url: str, vault: Vault, world: World, tmp_path: Path
):
    songs = [bytes([number]) + SONG[:-number] for number in range(1, 4)]
    async with running_telegram(tmp_path / "ledger.db") as telegram:
        await _expect(world, telegram, songs)
        for minutes, point in enumerate((*FILE_FAILPOINTS, *FILE_FAILPOINTS), start=1):
            assert await live(fetch, database_url, telegram.url, str(2 * minutes), until=f"{point}:1") == 137
        assert await live(fetch, database_url, telegram.url, "60", until="") == 0

    conversation_id = (await world.rows(sa.select(store.conversations.c.id)))[0][0]
    found = await database.read(lambda tx: attachments.of_talks(tx, vault, [conversation_id]))
    assert [each.state for each in found] == [State.KEPT] * 3
    assert sorted(each.sha256 for each in found) == sorted(hashlib.sha256(song).hexdigest() for song in songs)
    assert [await content(world, each.id) for each in found] == songs
    acts = await database.read(
        lambda tx: tx.exec_driver_sql("SELECT count(*) FROM audit_log WHERE act = 'attachment.kept'").scalar_one()
    )
    assert acts == 3


async def _expect(world: World, telegram: FakeTelegram, songs: Sequence[bytes]) -> None:
    """Three messages are here, whose files are still at Telegram."""

    def expect(tx: sa.Connection) -> None:
        at = world.clock.now()
        conversation_id = service.open_conversation(
            tx, world.vault, channel="telegram", account="1", address="7", language="en", at=at
        )
        key = world.vault.key(tx, store.conversation(tx, conversation_id).key_id)
        line = store.NewLine(Direction.IN, Author.PERSON, "attachment", {"text": ""}, "en")
        for song in songs:
            seq = store.add_lines(tx, world.vault, conversation_id, [line], at=at)
            facts = {"file_id": telegram.add_file(song, "mp3")}
            attachments.take(tx, key, conversation_id, seq, {"attachment": "voice", "facts": facts}, at=at)

    await world.database.write(expect)
