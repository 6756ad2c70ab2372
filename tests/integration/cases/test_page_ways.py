"""Pages by e-mail and to browsers: they say nothing of anybody, and none goes twice without a cause."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from bot.cases import page_ways, service
from bot.cases import page_ways_store as ways
from bot.cases.alarm import PAGE, Paging
from bot.cases.page_carrier import GIVE_UP, LEASE, OPEN, TITLE, PageCarrier
from bot.cases.page_ways import BROWSER_LIVES, MOST, TooMany, UnfitAddress
from bot.cases.page_ways_store import PageSend, SendState, Way
from bot.cases.pager import Pager
from bot.kernel import audit, officers, sessions
from bot.kernel.clock import SetClock
from bot.kernel.live import Signals
from bot.kernel.mail import Mailer
from bot.kernel.officers import Officer
from bot.kernel.one_time import MOST_TRIES
from bot.kernel.sessions import Session
from bot.kernel.web_push import PushKey, PushServices, Subscription, base64url
from dialogues.understanding.model import Priority
from tests.integration.cases.world import FixedNumbers, World
from tests.peers.push import FakePush, running_push
from tests.peers.smtp import MailServer

PUSH_KEY = PushKey(base64url(bytes(range(1, 33))))
EMAIL = "amira@help.example"


@dataclass
class Paged:
    """A world whose pages leave the house: a mail server, a push service, the pager and the carrier."""

    world: World
    clock: SetClock
    mails: MailServer
    push: FakePush

    @property
    def paging(self) -> Paging:
        return replace(self.world.paging, ways=frozenset(Way))

    @property
    def pager(self) -> Pager:
        return Pager(self.world.database, self.clock, Signals(), self.paging, FixedNumbers())

    @property
    def carrier(self) -> PageCarrier:
        push = PushServices(PUSH_KEY, "mailto:duty@help.example", (self.push.url,))
        mailer = Mailer(self.mails.url, "waymark@help.example")
        return PageCarrier(self.world.database, self.clock, Signals(), self.paging, mailer=mailer, push=push)

    async def carry(self) -> int:
        """What is due goes out, by a carrier that has just been started."""
        carrier = self.carrier
        return await carrier.look(Way.EMAIL) + await carrier.look(Way.PUSH)

    async def session(self, officer: Officer) -> Session:
        def start(tx: sa.Connection) -> Session:
            token = sessions.start(tx, officer.id, self.clock.now())
            found = sessions.get(tx, token, self.clock.now())
            assert found is not None
            return found

        return await self.world.database.write(start)

    async def with_email(self, officer: Officer, address: str = EMAIL) -> None:
        session = await self.session(officer)
        _, code = await self.do(page_ways.begin_email, session, address)
        assert await self.do(page_ways.confirm_email, session, code)

    async def with_browser(self, officer: Officer, session: Session | None = None) -> Subscription:
        subscription = self.push.subscribe(PUSH_KEY.public)
        await self.do(page_ways.add_browser, session or await self.session(officer), subscription)
        return subscription

    async def do(self, work, *args):
        vault, at = self.world.vault, self.clock.now()
        return await self.world.database.write(lambda tx: work(tx, vault, *args, at=at))

    async def sends(self) -> list[PageSend]:
        def read(tx: sa.Connection) -> list[PageSend]:
            keys = tx.execute(sa.select(ways.page_sends.c.key).order_by(ways.page_sends.c.key)).scalars()
            return [send for key in keys if (send := ways.get_send(tx, key))]

        return await self.world.database.read(read)

    async def ways_of(self, officer: Officer) -> list[Way]:
        found = await self.world.database.read(lambda tx: ways.ways_of(tx, officer.id))
        return [way.way for way in found]


@pytest.fixture
async def paged(world: World, clock: SetClock) -> AsyncIterator[Paged]:
    async with MailServer() as mails, running_push() as push:
        yield Paged(world, clock, mails, push)


async def test_an_officer_who_looks_elsewhere_is_told_how_urgent_it_is_and_nothing_of_the_person(paged: Paged):
    amira = await paged.world.officer("amira", language="fr")
    await paged.with_email(amira)
    await paged.with_browser(amira)
    waiting = await paged.world.escalate(words="he has a knife in Ventimiglia")
    await paged.pager.look()

    assert await paged.carry() == 2

    words, url = paged.world.words, "https://help.example/desk/queue"
    [mail], [shown] = paged.mails.mails, paged.push.ledger
    assert mail["To"] == EMAIL
    assert mail["Subject"] == words.text("fr", TITLE, priority="P0")
    assert mail.get_content().strip() == words.text("fr", PAGE, priority="P0", number=waiting.number, url=url)
    assert shown.said["title"] == words.text("fr", TITLE, priority="P0")
    assert shown.said["text"] == words.text("fr", OPEN)
    assert waiting.case_id not in str(shown)
    assert waiting.number not in str(shown.said)
    assert shown.headers["Urgency"] == "high"
    assert [(send.state, send.attempt, send.doubts) for send in await paged.sends()] == [(SendState.SENT, 1, 0)] * 2


@pytest.mark.on_both
async def test_each_rung_pages_again_and_each_page_goes_out_once(paged: Paged):
    amira = await paged.world.officer("amira")
    await paged.with_email(amira)
    await paged.with_browser(amira)
    await paged.with_browser(amira)
    await paged.world.escalate()
    for minutes in (0, 2, 3):
        paged.clock.advance(timedelta(minutes=minutes))
        await asyncio.gather(paged.pager.look(), paged.pager.look())
        await paged.carry()
        await asyncio.gather(paged.carry(), paged.carry())

    assert len(paged.mails.mails) == 3
    assert len(paged.push.ledger) == 6
    written = await paged.world.database.read(lambda tx: tx.execute(sa.text("SELECT way FROM pages")).scalars().all())
    assert sorted(written) == ["desk"] * 3 + ["email"] * 3 + ["push"] * 3


async def test_who_has_no_haste_is_not_called_away(paged: Paged):
    await paged.with_email(await paged.world.officer("amira"))
    await paged.world.escalate(priority=Priority.P2, reason="asked_for_person")
    await paged.pager.look()

    assert await paged.carry() == 0

    paged.clock.advance(timedelta(hours=2))
    await paged.pager.look()
    assert await paged.carry() == 1


@pytest.mark.on_both
async def test_once_a_human_has_the_case_nobody_is_paged_any_more(paged: Paged):
    amira = await paged.world.officer("amira")
    await paged.with_email(amira)
    await paged.with_browser(amira)
    waiting = await paged.world.escalate()
    await paged.pager.look()
    hand = paged.world.hand(amira, paged.clock.now())
    await paged.world.database.write(lambda tx: service.claim_case(tx, hand, waiting.case_id))

    assert await paged.carry() == 0

    assert paged.mails.mails == []
    assert paged.push.ledger == []
    assert {send.state for send in await paged.sends()} == {SendState.OVERTAKEN}


async def test_a_service_that_is_busy_is_asked_again_as_late_as_it_says(paged: Paged):
    await paged.with_browser(await paged.world.officer("amira"))
    await paged.world.escalate()
    await paged.pager.look()
    paged.push.answers = [503, 429]

    for _ in range(3):
        await paged.carry()
        await paged.carry()  # not due yet
        paged.clock.advance(timedelta(seconds=11))

    [send] = await paged.sends()
    assert (send.state, send.attempt, send.doubts, send.cause) == (SendState.SENT, 3, 0, "later")
    assert len(paged.push.ledger) == 1


async def test_a_page_that_arrived_twice_has_its_cause_beside_it(paged: Paged):
    amira = await paged.world.officer("amira")
    await paged.with_browser(amira)
    await paged.with_email(amira)
    await paged.world.escalate()
    await paged.pager.look()
    paged.push.answers, paged.mails.hang_up = ["cut"], True

    await paged.carry()
    paged.clock.advance(timedelta(seconds=6))
    await paged.carry()

    assert len(paged.push.ledger) == len(paged.mails.mails) == 2
    assert [(send.state, send.doubts, send.cause) for send in await paged.sends()] == [
        (SendState.SENT, 1, "in_doubt")
    ] * 2
    first, second = paged.mails.mails
    assert first["Message-ID"] == second["Message-ID"]


async def test_a_carrier_that_dies_in_the_middle_is_taken_over_and_that_is_written_down(paged: Paged, monkeypatch):
    await paged.with_browser(await paged.world.officer("amira"))
    await paged.world.escalate()
    await paged.pager.look()
    sent = asyncio.Event()

    def die(name: str) -> None:
        if name == "pages.after_send":
            sent.set()
            raise asyncio.CancelledError

    with monkeypatch.context() as dying:
        dying.setattr("bot.cases.page_carrier.failpoint", die)
        with pytest.raises(asyncio.CancelledError):
            await paged.carry()
    assert sent.is_set()

    assert await paged.carry() == 0  # somebody may be at it still
    paged.clock.advance(LEASE)
    assert await paged.carry() == 1

    [send] = await paged.sends()
    assert (send.state, send.attempt, send.doubts, send.cause) == (SendState.SENT, 2, 1, "interrupted")
    assert len(paged.push.ledger) == 1 + send.doubts


async def test_many_pages_over_lines_that_break_are_neither_lost_nor_doubled_without_a_cause(paged: Paged):
    for n in range(3):
        amira = await paged.world.officer(f"amira{n}")
        await paged.with_browser(amira)
        await paged.with_email(amira, f"amira{n}@help.example")
    for _ in range(8):
        await paged.world.escalate()
    await paged.pager.look()
    paged.push.answers = [503, "cut", 201, 429, "cut", "cut", 500, 201, 201, "cut"]
    paged.mails.answers = [450, 250, 450, 250]

    for _ in range(8):
        await paged.carry()
        paged.clock.advance(timedelta(seconds=45))

    sends = await paged.sends()
    assert len(sends) == 8 * 3 * 2
    assert {send.state for send in sends} == {SendState.SENT}
    pushed = [send for send in sends if send.way is Way.PUSH]
    assert len(paged.push.ledger) == len(pushed) + sum(send.doubts for send in pushed)
    assert len(paged.mails.mails) == len(sends) - len(pushed)


async def test_a_page_that_nobody_takes_is_given_up_when_newer_ones_are_on_their_way(paged: Paged):
    await paged.with_email(await paged.world.officer("amira"))
    await paged.world.escalate()
    await paged.pager.look()
    paged.mails.answers = [450] * 100

    while (await paged.sends())[0].state in (SendState.WAITING, SendState.SENDING):
        await paged.carry()
        paged.clock.advance(timedelta(minutes=1))

    [send] = await paged.sends()
    assert send.state is SendState.GIVEN_UP
    assert send.settled_at - send.made_at <= GIVE_UP + timedelta(minutes=2)


@pytest.mark.on_both
async def test_an_address_that_is_gone_is_not_asked_for_ever(paged: Paged):
    await paged.with_email(await paged.world.officer("amira"))
    await paged.world.escalate()
    await paged.pager.look()
    paged.mails.answers = [550]

    await paged.carry()
    paged.clock.advance(timedelta(minutes=1))
    await paged.carry()

    [send] = await paged.sends()
    assert (send.state, send.cause) == (SendState.REFUSED, "refused")
    assert paged.mails.mails == []


async def test_a_browser_that_took_back_its_leave_is_forgotten(paged: Paged):
    amira = await paged.world.officer("amira")
    paged.push.unsubscribe(await paged.with_browser(amira))
    await paged.world.escalate()
    await paged.pager.look()

    await paged.carry()

    assert await paged.ways_of(amira) == []
    assert [(send.state, send.cause) for send in await paged.sends()] == [(SendState.REFUSED, "gone")]


async def revoked(paged: Paged, officer: Officer, session: Session) -> None:
    await paged.world.database.write(lambda tx: sessions.revoke(tx, session.hash, paged.clock.now()))


async def secured_anew(paged: Paged, officer: Officer, session: Session) -> None:
    await paged.world.database.write(lambda tx: officers.set_password(tx, officer.id, "x"))


async def switched_off(paged: Paged, officer: Officer, session: Session) -> None:
    await paged.world.database.write(lambda tx: officers.disable_officer(tx, officer.id, paged.clock.now()))


async def left_for_long(paged: Paged, officer: Officer, session: Session) -> None:
    paged.clock.advance(BROWSER_LIVES + timedelta(seconds=1))


@pytest.mark.parametrize("ending", [revoked, secured_anew, switched_off, left_for_long])
async def test_a_browser_is_paged_no_more_than_its_session_was_let_in(paged: Paged, ending):
    amira, _ = await paged.world.officer("amira"), await paged.world.officer("omar")
    session = await paged.session(amira)
    await paged.with_browser(amira, session)
    await ending(paged, amira, session)
    await paged.world.escalate(at=paged.clock.now())

    await paged.pager.look()
    await paged.carry()

    assert paged.push.ledger == []
    assert await paged.ways_of(amira) == []


async def test_what_was_written_down_before_the_session_was_ended_does_not_go_out_after_it(paged: Paged):
    amira = await paged.world.officer("amira")
    session = await paged.session(amira)
    await paged.with_browser(amira, session)
    await paged.world.escalate()
    await paged.pager.look()

    await revoked(paged, amira, session)
    await paged.carry()

    assert paged.push.ledger == []


async def test_a_session_that_was_ended_is_known_until_its_browser_is_forgotten(paged: Paged):
    amira = await paged.world.officer("amira")
    session = await paged.session(amira)
    await paged.with_browser(amira, session)
    await revoked(paged, amira, session)
    paged.clock.advance(sessions.ABSOLUTE_LIMIT * 2)
    await paged.world.database.write(lambda tx: sessions.sweep(tx, paged.clock.now()))

    await paged.carry()

    assert await paged.ways_of(amira) == []


async def test_who_is_on_call_at_night_is_paged_though_nobody_is_signed_in(paged: Paged):
    amira = await paged.world.officer("amira")
    await paged.with_browser(amira)
    paged.clock.advance(timedelta(days=1))
    await paged.world.database.write(lambda tx: sessions.sweep(tx, paged.clock.now()))
    await paged.world.escalate(at=paged.clock.now())
    await paged.pager.look()

    assert await paged.carry() == 1


async def test_a_computer_where_a_colleague_signs_in_pages_the_first_one_no_more(paged: Paged):
    amira, omar = await paged.world.officer("amira"), await paged.world.officer("omar")
    subscription = await paged.with_browser(amira)

    assert not await paged.do(page_ways.browser_is_back, await paged.session(omar), subscription)

    assert await paged.ways_of(amira) == await paged.ways_of(omar) == []


@pytest.mark.on_both
async def test_a_browser_in_which_its_officer_signs_in_again_ends_with_the_new_session(paged: Paged):
    amira = await paged.world.officer("amira")
    subscription = await paged.with_browser(amira)
    again = await paged.session(amira)

    assert await paged.do(page_ways.browser_is_back, again, subscription)
    assert await paged.ways_of(amira) == [Way.PUSH]

    await revoked(paged, amira, again)
    await paged.carry()
    assert await paged.ways_of(amira) == []


async def test_nobody_is_paged_at_an_address_that_they_cannot_read(paged: Paged):
    amira = await paged.world.officer("amira")
    session = await paged.session(amira)
    _, code = await paged.do(page_ways.begin_email, session, EMAIL)
    wrong = "000000" if code != "000000" else "111111"
    assert not await paged.do(page_ways.confirm_email, session, wrong)
    await paged.world.escalate()
    await paged.pager.look()
    assert await paged.carry() == 0

    for _ in range(MOST_TRIES - 1):
        assert not await paged.do(page_ways.confirm_email, session, wrong)

    assert not await paged.do(page_ways.confirm_email, session, code)
    assert await paged.ways_of(amira) == []


async def test_a_code_is_too_old_after_half_an_hour(paged: Paged):
    session = await paged.session(await paged.world.officer("amira"))
    _, code = await paged.do(page_ways.begin_email, session, EMAIL)
    paged.clock.advance(page_ways.CODE_LIVES)

    assert not await paged.do(page_ways.confirm_email, session, code)


@pytest.mark.parametrize("text", ["", "amira", "a@b", "a@b.c\nBcc: x@y.z", "a b@c.de", "@c.de", "x" * 300 + "@c.de"])
async def test_what_is_no_address_is_not_kept(paged: Paged, text: str):
    session = await paged.session(await paged.world.officer("amira"))

    with pytest.raises(UnfitAddress):
        await paged.do(page_ways.begin_email, session, text)


async def test_there_is_an_end_to_how_many_browsers_one_officer_has(paged: Paged):
    amira = await paged.world.officer("amira")
    for _ in range(MOST):
        await paged.with_browser(amira)

    with pytest.raises(TooMany):
        await paged.with_browser(amira)


async def test_nobody_stops_the_pages_of_a_colleague(paged: Paged):
    amira, omar = await paged.world.officer("amira"), await paged.world.officer("omar")
    await paged.with_browser(amira)
    [way] = await paged.world.database.read(lambda tx: ways.ways_of(tx, amira.id))

    assert not await paged.do(page_ways.remove, await paged.session(omar), way.id)
    assert await paged.do(page_ways.remove, await paged.session(amira), way.id)
    assert await paged.ways_of(amira) == []


async def test_addresses_are_sealed_and_who_added_one_is_in_the_record(paged: Paged):
    amira = await paged.world.officer("amira")
    await paged.with_email(amira)
    subscription = await paged.with_browser(amira)

    def raw(tx: sa.Connection) -> str:
        rows = tx.execute(sa.select(ways.page_ways)).all()
        acts = tx.execute(sa.select(audit.audit_log.c.act, audit.audit_log.c.facts)).all()
        return str([bytes(row.address_sealed) for row in rows]) + str(rows) + str(acts)

    found = await paged.world.database.read(raw)
    assert found.count("officer.page_added") == 2
    assert EMAIL not in found
    assert subscription.endpoint not in found
