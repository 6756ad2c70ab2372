"""The live desk over HTTP: what each screen is sent, and what no screen is sent."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import timedelta

import pytest

from bot.cases import service as cases
from bot.cases.board import BANDS, read_board
from bot.cases.pager import Pager
from bot.conversations import store as conversation_store
from bot.desk import looking
from bot.desk.frame import frame_from, look, tools_of
from bot.desk.looking import Looks
from bot.desk.rows import as_of
from bot.kernel.access import Role
from bot.kernel.live import Signals
from bot.kernel.pages import PIECES
from dialogues.understanding.model import Priority
from tests.conftest import NOON
from tests.integration.cases.world import FixedNumbers


class Stream:
    """An event stream that is read one look at a time."""

    def __init__(self, answer) -> None:
        self._answer = answer

    async def look(self) -> list[tuple[str, object]]:
        """The events of the next look, up to its `fresh`."""
        events: list[tuple[str, object]] = []
        async with asyncio.timeout(20):
            while True:
                lines = []
                while line := (await self._answer.content.readline()).decode().rstrip("\n"):
                    lines.append(line)
                fields = dict(line.split(": ", 1) for line in lines if not line.startswith(":"))
                if fields.get("event") == "fresh":
                    return events
                if "event" in fields:
                    events.append((fields["event"], json.loads(fields["data"])))
                if fields.get("event") == "gone":
                    return events


@pytest.fixture
async def watch(at_desk):
    """Opens a live screen for an officer."""
    answers = []

    async def open_screen(officer, path="/desk/live", language="en"):
        browser = await at_desk(officer)
        await browser.go(f"/desk/queue?lang={language}")
        answer = await browser._client.get(path)
        answers.append(answer)
        assert answer.status == 200
        return Stream(answer)

    yield open_screen
    for answer in answers:
        answer.close()


def text_of(events) -> str:
    return json.dumps(events, ensure_ascii=False)


async def test_a_new_case_is_sent_as_one_row_and_the_order_of_all(world, watch, signals):
    old = (await world.escalate(words="I lost my papers", priority=Priority.P2)).case_id
    stream = await watch(await world.officer("amira"))
    first = {data["name"]: data["html"] for event, data in await stream.look() if event == "part"}
    assert "I lost my papers" in first["queue"]

    new = (await world.escalate(words="he has a knife", priority=Priority.P0)).case_id
    signals.wake("queue")
    events = await stream.look()

    [rows] = [data for event, data in events if event == "rows"]
    assert rows["keys"] == [new, old]
    assert "he has a knife" in rows["html"]
    assert "I lost my papers" not in rows["html"]
    assert not [data for event, data in events if event == "part" and data["name"] == "queue"]


async def test_what_is_rendered_for_one_officer_is_never_sent_to_another(world, watch, signals):
    amira, omar = await world.officer("amira"), await world.officer("omar")
    rosa, root = await world.officer("rosa", Role.COORDINATOR), await world.officer("root", Role.ADMIN)
    held = (await world.escalate(words="only amira holds this")).case_id
    await world.database.write(lambda tx: cases.claim_case(tx, world.hand(amira), held))
    await world.escalate(words="this waits for anybody")

    seen = {}
    for officer in (amira, omar, rosa, root, amira):  # the last finds everything rendered already
        stream = await watch(officer)
        seen[officer.name] = text_of(await stream.look())
        signals.wake("queue")
        seen[officer.name] += text_of(await stream.look())

    assert "only amira holds this" in seen["amira"]
    assert not [name for name in ("omar", "rosa", "root") if "only amira holds this" in seen[name]]
    assert [name for name in seen if "this waits for anybody" in seen[name]] == ["amira", "omar", "rosa"]
    assert 'data-part=\\"queue' not in seen["root"]
    assert "/desk/audit" in seen["rosa"]
    assert "/desk/audit" not in seen["omar"]


async def test_rows_are_kept_apart_by_language(world, watch):
    amira, omar = await world.officer("amira"), await world.officer("omar", language="ar")
    await world.escalate()

    english, arabic = await (await watch(amira)).look(), await (await watch(omar, language="ar")).look()

    assert "In danger now" in text_of(english)
    assert "In danger now" not in text_of(arabic)
    assert re.search("[\u0600-\u06ff]", text_of(arabic))


async def test_an_open_case_ends_when_a_colleague_takes_it(world, watch, signals):
    amira, rosa = await world.officer("amira"), await world.officer("rosa", Role.OFFICER, Role.COORDINATOR)
    case_id = (await world.escalate(words="the words of a child")).case_id
    await world.database.write(lambda tx: cases.claim_case(tx, world.hand(amira), case_id))
    stream = await watch(amira, f"/desk/cases/{case_id}/live")
    assert "the words of a child" not in text_of([each for each in await stream.look() if each[0] == "gone"])

    await world.database.write(lambda tx: cases.take_over(tx, world.hand(rosa), case_id))
    signals.wake("queue")  # nothing but the queue is signalled, and it is noticed all the same

    assert (await stream.look())[-1][0] == "gone"


async def test_two_hundred_who_look_at_once_look_once_and_see_what_was_there_before(desk, world, monkeypatch):
    looks, taken = Looks(), []
    real = Looks._take

    async def count(self, app):
        taken.append(1)
        return await real(self, app)

    monkeypatch.setattr(Looks, "_take", count)
    amira = await world.officer("amira")
    await world.escalate(words="written before anybody looked")

    seen = await asyncio.gather(*(looks.look(desk.app) for _ in range(200)))

    assert len(taken) == 1
    assert [each.words for each in seen[-1].board.queue_of(amira).waiting] == ["written before anybody looked"]


async def test_a_look_that_has_begun_does_not_serve_who_comes_later(desk, world):
    looks = Looks()
    amira = await world.officer("amira")
    first = asyncio.create_task(looks.look(desk.app))
    while looks._next is not None or not looks._busy.locked():  # until the first is reading
        await asyncio.sleep(0)
    await world.escalate(words="came while somebody was looking")

    later = await looks.look(desk.app)

    assert [each.words for each in later.board.queue_of(amira).waiting] == ["came while somebody was looking"]
    await first


async def test_pages_that_are_asked_for_at_once_read_the_queue_once_and_never_what_was_there_before(
    desk, world, monkeypatch
):
    amira, looks, read = await world.officer("amira"), Looks(), []

    def counted(*args, **named):
        read.append(1)
        return read_board(*args, **named)

    monkeypatch.setattr(looking, "read_board", counted)
    first = asyncio.create_task(looks.soon(desk.app))
    while looks._soon is not None:  # until the first is reading
        await asyncio.sleep(0)
    await world.escalate(words="came while somebody was reading")

    later = await asyncio.gather(*(looks.soon(desk.app) for _ in range(20)))

    assert {len(each.board.queue_of(amira).waiting) for each in later} == {1}
    assert len(read) == 2
    await first


async def test_who_goes_away_takes_the_look_from_nobody(desk, world):
    looks = Looks()
    leaving, staying = asyncio.create_task(looks.look(desk.app)), asyncio.create_task(looks.look(desk.app))
    await asyncio.sleep(0)
    leaving.cancel()

    assert (await staying).board.at is not None


async def test_the_frame_from_the_shared_look_is_the_officers_own(desk, world):
    for name, roles in (("amira", ()), ("rosa", (Role.COORDINATOR,)), ("root", (Role.ADMIN,)), ("wri", (Role.AUTHOR,))):
        officer = await world.officer(name, *roles)
        await world.escalate()
        seen = await Looks().look(desk.app)

        frame = await world.database.read(lambda tx, officer=officer, at=seen.board.at: look(tx, officer, at))
        assert frame_from(seen, officer) == frame, name


@pytest.mark.parametrize("seconds", [0, 1, 59, 60, 61, 119, 5399, 5400, 86_400, -1, -59, -60, -61, -7200])
async def test_a_row_says_for_a_whole_minute_what_it_says_now(desk, seconds):
    from datetime import timedelta

    due_words = tools_of(desk.app)["due_words"]
    due_at = NOON + timedelta(seconds=seconds)

    moment = as_of(due_at, NOON)

    assert due_words("en", due_at, moment) == due_words("en", due_at, NOON)
    assert (due_at < moment) == (due_at < NOON)


async def test_a_piece_that_asks_who_looks_is_an_error_and_no_leak(desk):
    with pytest.raises(KeyError, match="csrf"):
        desk.app[PIECES].html(desk.app, "desk/parts/queue_head.html", language="en", tools={})


async def test_a_desk_rings_for_what_is_loud_at_once_for_the_rest_once_it_is_late_and_at_each_step(world, watch, clock):
    amira = await world.officer("amira")
    quiet = (await world.escalate(reason="asked_for_person", priority=Priority.P2)).case_id
    loud = (await world.escalate(reason="sexual_abuse", priority=Priority.P1)).case_id
    pager = Pager(world.database, clock, Signals(), world.paging, FixedNumbers())
    await pager.look()

    shown = ""

    async def heard() -> list[str]:
        nonlocal shown
        stream = await watch(amira)
        parts = {data["name"]: data["html"] for event, data in await stream.look() if event == "part"}
        by_look = await world.database.read(lambda tx: look(tx, amira, clock.now()))
        shown = parts["alerts"]
        keys = re.search(r'data-ringing="([^"]*)"', shown).group(1).split()
        assert keys == [ring.key for ring in by_look.ringing]
        assert 'class="chip chip-p0"' not in shown
        return keys

    first = await heard()
    assert [key.partition(":")[0] for key in first] == [loud]

    clock.advance(timedelta(hours=2))  # coordinators are paged for the one without haste
    await pager.look()

    second = await heard()
    assert [key.partition(":")[0] for key in second] == [loud, quiet]
    assert second[0] != first[0]  # and the loud one rings again

    for _ in range(BANDS):  # more than there is room for: those behind are heard and counted as well
        await world.escalate(reason="sexual_abuse", priority=Priority.P1)

    assert len(await heard()) == BANDS + 2
    assert (shown.count("band-ring"), f"{BANDS + 2} cases ring" in shown) == (BANDS, True)
    assert shown.count("<time") == shown.count('aria-live="off"')  # a clock that is read aloud drowns all else


@pytest.mark.parametrize("reason", ["sexual_abuse", "asked_for_person"])
async def test_when_the_word_for_danger_is_written_the_open_desk_stops_advising_to_ask(
    world, watch, signals, clock, reason
):
    amira, person = await world.officer("amira"), await world.person()
    case_id = (await world.escalate(person, reason=reason, priority=Priority.P0)).case_id
    await world.database.write(lambda tx: cases.claim_case(tx, world.hand(amira), case_id))
    stream = await watch(amira, f"/desk/cases/{case_id}/live")
    before = {data["name"]: data["html"] for event, data in await stream.look() if event == "part"}
    assert "safe right now, yes or no?" in before["first_minutes"]
    assert "Short answers" in before["replies"]

    await world.escalate(person, reason="duress", priority=Priority.P0)
    await world.database.write(lambda tx: conversation_store.begin_watch(tx, person, shown_from=1, at=clock.now()))
    signals.wake(f"case:{case_id}", "queue")
    after = {data["name"]: data["html"] for event, data in await stream.look() if event == "part"}

    assert "Never ask if they are safe" in after["first_minutes"]
    assert "yes or no?" not in after["first_minutes"]
    assert "Short answers" not in after["replies"]
    assert "Whoever holds the phone may read this" in after["although"]
