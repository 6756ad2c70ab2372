"""Real processes, each with a database of its own, over sealed HTTP, while they are killed again and again: all fifteen
types are asked and answered, and a case changes hands once, with all that protects the child."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.cases import household_store
from bot.cases import store as case_store
from bot.cases.answering import answer_person
from bot.cases.model import CaseStatus
from bot.cases.record import service as record
from bot.exchange.holds import claimants
from bot.exchange.partners.model import Agreement
from bot.exchange.requests import answering, drafting, looking, sending, service
from bot.exchange.requests.attachments import service as attachments
from bot.exchange.requests.attachments.model import PART, State
from bot.exchange.requests.attachments.service import Wanted
from bot.exchange.requests.model import Request
from bot.exchange.requests.reminders import Reminders
from bot.exchange.requests.store import get_request
from bot.exchange.requests.transfer import acts
from bot.exchange.requests.transfer import store as transfers
from bot.exchange.requests.transfer.model import State as Whose
from bot.exchange.requests.transfer.model import Transfer
from bot.exchange.requests.types import REQUEST_TYPES
from bot.kernel import audit
from bot.kernel.clock import SetClock, SystemClock
from bot.kernel.crypto import Erased, Vault
from bot.kernel.live import Signals
from tests.faults import exchange as storm
from tests.faults.exchange import FAILPOINTS, Side, Wire
from tests.faults.exchange_requests import Plan, run_requests
from tests.faults.exchange_server import MASTER_KEY
from tests.integration.cases.world import World
from tests.integration.exchange.transfers import NAME, a_followed_case, case_of, silenced
from tests.integration.exchange.two_countries import ALL_DATA, ALL_TYPES, Country, a_draft

pytestmark = pytest.mark.faults

BROTHER = "Omar Trabelsi-Kanarya"
PAPER = b"%PDF-1.7 Kanarya's certificate of birth " + bytes(range(256)) * (2 * PART // 256)
KILLS = 4
SECONDS = 300.0  # a machine that is busy with other things


class Border:
    """Italy and Tunisia, a process each, and somebody who kills them in turn."""

    def __init__(self, urls: tuple[str, str], folder: Path) -> None:
        plan = storm.Plan(letters=0)
        named = (("Rome Shelter", "IT"), ("Tunis Aid", "TN"))
        self.sides = [Side(*name, url, folder, plan) for name, url in zip(named, urls, strict=True)]
        for side in self.sides:
            side.orders = replace(side.orders, requests=True)
        self.countries: list[Country] = []
        self.killed = 0
        self._chance = random.Random(7)

    @contextlib.asynccontextmanager
    async def open(self, record_of_wire: Path) -> AsyncIterator[tuple[Country, Country]]:
        async with contextlib.AsyncExitStack() as stack:
            wires = [
                await stack.enter_async_context(Wire(side.port, record_of_wire, cut=0.02, chance=self._chance))
                for side in self.sides
            ]
            for side in self.sides:
                await side.prepare()
                stack.push_async_callback(side.close)
                country = Country(World(side.database, side.vault), SystemClock(), side.country)  # type: ignore[arg-type]
                await country.prepare()
                self.countries.append(country)
            at = SystemClock().now()
            agreement = Agreement(
                frozenset({sending.PURPOSE}), ALL_DATA, 90, at - timedelta(days=1), at + timedelta(days=30), "p. 7"
            )
            terms = {"agreement": agreement, "may_send": ALL_TYPES, "may_receive": ALL_TYPES}
            italy, tunisia = self.countries
            italy.others["TN"] = await self.sides[0].meet(self.sides[1], wires[1], **terms)
            tunisia.others["IT"] = await self.sides[1].meet(self.sides[0], wires[0], **terms)
            for side in self.sides:
                await side.start()
            trouble = asyncio.create_task(self._trouble())
            stack.push_async_callback(_ended, trouble)
            yield italy, tunisia
            await trouble
            for side in self.sides:
                await side.stop()

    async def _trouble(self) -> None:
        """Each of the two dies again and again, at named places and at any moment, and comes back."""
        for number in range(KILLS):
            side, point = self.sides[number % 2], FAILPOINTS[number // 2 % len(FAILPOINTS)]
            await asyncio.sleep(self._chance.uniform(0.1, 0.6))
            await side.kill()
            await side.start(f"{point}:0.5")
            if not await side.ended(within=3):
                await side.kill()
            self.killed += 1
            await side.start()


async def _ended(task: asyncio.Task[None]) -> None:
    """Where it broke, that is why all else was waited for in vain."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def until(holds_now: Callable[[], Awaitable[object]], what: str) -> None:
    """Wait for what the two processes do by themselves."""
    deadline = time.monotonic() + SECONDS
    while not await holds_now():
        assert time.monotonic() < deadline, f"in vain: {what}"
        await asyncio.sleep(0.2)


async def request_of(country: Country, request_id: str) -> Request | None:
    found = await country.see(lambda tx: get_request(tx, request_id))
    return None if found is None else found.request


async def transfer_of(country: Country, request_id: str) -> Transfer | None:
    return await country.see(lambda tx: transfers.get(tx, request_id))


async def moved(country: Country, request_id: str) -> bool:
    transfer = await transfer_of(country, request_id)
    return transfer is not None and transfer.state is Whose.MOVED


async def test_a_family_of_two_is_handed_over_once_by_two_processes_that_die(two_urls: tuple[str, str], tmp_path: Path):
    border = Border(two_urls, tmp_path)
    async with border.open(tmp_path / "wire") as (italy, tunisia):
        amina, omar = await a_followed_case(italy), await a_followed_case(italy, BROTHER)
        number = (await italy.see(lambda tx: case_of(tx, omar))).number
        await italy.do(acts.say_siblings, amina, number)
        drafts = []
        for case_id in (amina, omar):
            draft = a_draft(italy.others["TN"], "case_transfer")
            draft.fields["arrival"] = italy.clock.now().date().isoformat()
            drafts.append(await italy.do(drafting.draft, case_id, draft))
        await italy.do(attachments.attach_upload, drafts[0], PAPER, Wanted("Birth certificate", "identity"))
        for request_id in drafts:
            await italy.do(service.approve, request_id, by=italy.coordinator)
        await italy.do(service.send_request, drafts[0])

        # They see how many, how old and that a hold stands, and take both children on with one word.
        for request_id in drafts:
            await until(lambda request_id=request_id: request_of(tunisia, request_id), "the offers arrive")
        preview = await tunisia.do(looking.open_request, drafts[1])
        assert preview.fields == {}
        assert preview.transfer is not None
        assert (preview.transfer.preview.size, preview.transfer.preview.hold) == (2, True)
        await tunisia.do(answering.accept, drafts[1])
        for request_id in drafts:
            for country in (italy, tunisia):
                await until(lambda c=country, r=request_id: moved(c, r), f"{country.country}: the case moves")

        await everything_is_there(tunisia, drafts)
        await somebody_is_rung_when_the_children_do_not_arrive(italy, tunisia, (amina, omar), drafts)

        # They are seen, and the sender keeps where they are and nothing else once whoever writes there is answered.
        for case_id in (amina, omar):
            await italy.do(answer_person, case_id, text="They are in Tunis.", once="")
        for request_id in drafts:
            await tunisia.do(acts.child_arrived, request_id)
        for case_id in (amina, omar):
            await until(lambda case_id=case_id: is_a_pointer(italy, case_id), "the copy is destroyed")

        pulled = await a_child_whose_file_is_pulled(italy, tunisia)
        assert pulled
        assert await opened_by_transfer(tunisia) == 2  # the third went into the case that asked for it
        for country in (italy, tunisia):
            assert (await country.see(lambda tx, vault=country.vault: audit.verify(tx, vault))).ok
    assert border.killed == KILLS
    nothing_can_be_read(tmp_path)


async def test_all_fifteen_types_cross_three_borders_while_one_dies_is_cut_off_and_another_loses_its_trust(
    three_urls: list[str], tmp_path: Path
):
    """In short, for every run. The long one is a command: see `tests.faults.exchange_requests`."""
    report = await run_requests(three_urls, tmp_path, Plan(requests=30, kills=2))

    assert report.wrong == []
    assert (report.requests, report.lost, report.doubled, report.different) == (30, 0, 0, 0)
    assert report.became["answered"] >= len(REQUEST_TYPES)
    assert report.taken_back_after_telling > 0
    assert report.killed_at_random + sum(report.killed_at_failpoints.values()) == 2
    assert report.bytes_on_the_wire > 30 * 4 * 2000


async def everything_is_there(tunisia: Country, drafts: list[str]) -> None:
    assert await opened_by_transfer(tunisia) == 2
    there = [str((await transfer_of(tunisia, request_id)).case_id) for request_id in drafts]
    assert await tunisia.see(lambda tx: household_store.siblings_of(tx, there[0])) == [there[1]]
    for case_id, name in zip(there, (NAME, BROTHER), strict=True):
        opened = await tunisia.do(record.open_record, case_id)
        assert opened.facts["name"].values == (name,)
        assert ("own", "Call her aunt") in {(task.kind, task.what) for task in opened.tasks}
        assert len(await tunisia.see(lambda tx, case_id=case_id: claimants.standing_holds(tx, case_id))) == 1
    request = await request_of(tunisia, drafts[0])

    async def kept() -> bool:
        files = await tunisia.see(lambda tx: attachments.of_request(tx, tunisia.vault, request))
        return [file.state for file in files] == [State.KEPT]

    await until(kept, "the paper arrives")
    [file] = await tunisia.see(lambda tx: attachments.of_request(tx, tunisia.vault, request))
    assert (await tunisia.do(attachments.open_file, drafts[0], file.id))[1] == PAPER


async def opened_by_transfer(country: Country) -> int:
    query = sa.select(sa.func.count()).where(case_store.cases.c.source == "transfer")
    return int(await country.see(lambda tx: tx.execute(query).scalar_one()))


async def somebody_is_rung_when_the_children_do_not_arrive(
    italy: Country, tunisia: Country, cases: tuple[str, str], drafts: list[str]
) -> None:
    """A day later both sides look, each into its own database, and both call whoever holds the cases."""
    there = [str((await transfer_of(tunisia, request_id)).case_id) for request_id in drafts]
    for country, ringing in ((italy, cases), (tunisia, there)):
        later = SetClock(country.clock.now() + timedelta(hours=25))
        for case_id in ringing:
            await country.database.write(
                lambda tx, c=country, case_id=case_id: silenced(tx, case_id, c.officer.id, c.clock.now())
            )
        await Reminders(country.database, later, Signals(), country.vault).look()
        for case_id in ringing:
            alarm = await country.see(lambda tx, case_id=case_id: case_store.get_alarm(tx, case_id, lock=False))
            assert alarm is not None
            assert alarm.climbing


async def is_in_full(country: Country, request_id: str) -> bool:
    found = await request_of(country, request_id)
    return found is not None and found.asked_on is not None


async def is_a_pointer(italy: Country, case_id: str) -> bool:
    case = await italy.see(lambda tx: case_of(tx, case_id))
    if case.status is not CaseStatus.CLOSED:
        return False
    asking_the_database = Vault(MASTER_KEY)  # ours would remember the key: it was another process that destroyed it
    with pytest.raises(Erased):
        await italy.see(lambda tx: asking_the_database.key(tx, case.key_id))
    return True


async def a_child_whose_file_is_pulled(italy: Country, tunisia: Country) -> bool:
    """Tunisia has a child, asks Italy for the file, and gets it into its own case."""
    known, arrived = await a_followed_case(italy), await tunisia.case()
    pull = await tunisia.asked(arrived, a_draft(tunisia.others["IT"], asks=("hand_over",)))
    await until(lambda: request_of(italy, pull), "the question arrives")
    await italy.do(answering.accept, pull)
    await until(lambda: is_in_full(italy, pull), "the personal part arrives")
    request_id = await italy.asked(known, a_draft(italy.others["TN"], "case_transfer", wanted_by=pull))
    await until(lambda: request_of(tunisia, request_id), "the offer arrives")
    await tunisia.do(answering.accept, request_id)
    for country in (italy, tunisia):
        await until(lambda country=country: moved(country, request_id), "the file moves")
    transfer = await transfer_of(tunisia, request_id)
    opened = await tunisia.do(record.open_record, arrived)
    return transfer is not None and transfer.case_id == arrived and opened.facts["name"].values == (NAME,)


def nothing_can_be_read(folder: Path) -> None:
    """On the wire, in the databases and in what the processes said there is no word about the children."""
    looked = [path for path in folder.rglob("*") if path.is_file()]
    assert (folder / "wire").stat().st_size > 100_000
    for path in looked:
        content = path.read_bytes()
        for word in (NAME, BROTHER, "Kanarya", "Call her aunt"):
            assert word.encode() not in content, (path.name, word)
