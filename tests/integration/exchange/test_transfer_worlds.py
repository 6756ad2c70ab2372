"""Whatever is lost, doubled or killed, a case belongs to one deployment, and moves once."""

from __future__ import annotations

import contextlib
import os
import random
from typing import Any

import pytest
import sqlalchemy as sa

from bot.cases import store as case_store
from bot.exchange.gate import GateShut
from bot.exchange.post import store as post
from bot.exchange.post.model import LetterRefused, Receipt, ReceiptState, ReceivedLetter
from bot.exchange.requests import answering, drafting, service
from bot.exchange.requests.intake import RequestIntake
from bot.exchange.requests.model import Alternative, NotNow, Refusal, RequestError
from bot.exchange.requests.transfer import acts
from bot.exchange.requests.transfer import store as transfers
from bot.exchange.requests.transfer.model import State
from bot.kernel.crypto import Erased
from bot.kernel.ids import new_id
from tests.integration.exchange.two_countries import Country, Courier, a_draft

WORLDS = int(os.environ.get("WAYMARK_TEST_WORLDS", "2000")) // 100
#: Letters that a room may get twice although the post gives each only once: a human or a program wrote them again.
MAY_COME_AGAIN = frozenset({"request_body", "case_taken", "case_arrived", "request_withdrawn", "withdrawal_done"})

FATES = ("well", "well", "well", "twice", "killed", "deaf", "lost", "stopped")


class Killed(Exception):
    """The process died before its transaction was committed."""


class World:
    """Some children of one family, whose cases go from Italy to Tunisia over a line that loses and doubles letters."""

    def __init__(self, italy: Country, tunisia: Country, dice: random.Random) -> None:
        self.italy, self.tunisia, self.dice = italy, tunisia, dice
        self.requests: list[str] = []
        self.children: list[str] = []
        self.did: list[str] = []

    async def begin(self) -> None:
        for _ in range(self.dice.choice((1, 1, 2))):
            self.children.append(await self.italy.case())
        for other in self.children[1:]:
            number = await self.italy.see(lambda tx, other=other: case_store.get_case(tx, other).case.number)
            await self.italy.do(acts.say_siblings, self.children[0], number)
        await self.offer()

    async def offer(self) -> None:
        drafts = []
        for child in self.children:
            drafts.append(await self.italy.do(drafting.draft, child, a_draft(self.italy.others["TN"], "case_transfer")))
        for each in drafts:
            await self.italy.do(service.approve, each, by=self.italy.coordinator)
        await self.italy.do(service.send_request, drafts[0])
        self.requests += drafts

    async def act(self) -> None:
        """Somebody does something, sensible or not; what is not allowed now changes nothing."""
        request_id, what = (
            self.dice.choice(self.requests),
            self.dice.choice(
                ("accept", "accept", "accept", "refuse", "withdraw", "again", "offer", "arrived", "missed", "close")
            ),
        )
        self.did.append(what)
        try:
            match what:
                case "accept":
                    await self.tunisia.do(answering.accept, request_id)
                case "refuse":
                    reason, instead = Refusal.NO_CAPACITY, Alternative.SOCIAL_SERVICE
                    await self.tunisia.do(answering.refuse, request_id, reason=reason, alternative=instead)
                case "withdraw" if self.dice.random() < 0.5:
                    await self.italy.do(service.withdraw, request_id)
                case "again":
                    await self.italy.do(service.disclose_again, request_id)
                case "offer" if self.dice.random() < 0.3:
                    await self.offer()
                case "arrived":
                    await self.tunisia.do(acts.child_arrived, request_id)
                case "missed":
                    await self.tunisia.do(acts.child_missed, request_id)
                case "close":
                    await self.italy.do(service.close, request_id)
        except (RequestError, GateShut):
            self.did[-1] += " not allowed"

    async def carry(self, *, faults: bool) -> bool:
        """Carry one waiting letter, well or badly. False when none waits."""
        ends = [(self.italy, self.tunisia, "TN", "IT"), (self.tunisia, self.italy, "IT", "TN")]
        self.dice.shuffle(ends)
        for sender, receiver, to, back in ends:
            letter = await sender.see(_waiting)
            if letter is None:
                continue
            try:
                letter_body = await sender.see(lambda tx, s=sender, found=letter: _body(tx, s, found))
            except Erased:  # the case has moved and its copy is gone: the post stops what still waited
                await self._tell(sender, sender.others[to], letter.id, ReceiptState.CLOSED, "erased")
                return True
            await self._pass(sender, receiver, receiver.others[back], sender.others[to], letter, letter_body, faults)
            return True
        return False

    async def _pass(
        self, sender: Country, receiver: Country, from_: str, to: str, letter: Any, body: dict[str, Any], faults: bool
    ) -> None:
        fate = self.dice.choice(FATES) if faults else "well"
        self.did.append(f"{letter.kind} {fate}")
        if letter.kind == "receipt":
            news = Receipt(from_, body["of"], ReceiptState(body["state"]), body["code"], receiver.clock.now())
            await receiver.database.write(lambda tx: RequestIntake(receiver.vault).told(tx, news))
            await _mark(sender, letter.id, "stored")
            return
        if fate in ("lost", "stopped") and letter.kind in ("request_body", "request_preview"):
            state = ReceiptState.UNDELIVERED if fate == "lost" else ReceiptState.CLOSED
            await self._tell(sender, to, letter.id, state, None)
            return
        came = ReceivedLetter(
            from_, letter.id, letter.kind, letter.request_type, letter.purpose, body, letter.consent_ref,
            letter.in_reply_to, letter.made_at, receiver.clock.now(),
        )  # fmt: skip
        if fate == "killed":
            with pytest.raises(Killed):
                await receiver.database.write(lambda tx: _receive_and_die(tx, receiver, came))
        state, code = await _receive(receiver, came)
        if fate == "twice" and letter.kind in MAY_COME_AGAIN:
            await _receive(receiver, _with_id(came, new_id()))
        if fate == "deaf":  # it arrived, and its sender hears for two weeks that it did not
            state, code = ReceiptState.UNDELIVERED, None
        await self._tell(sender, to, letter.id, state, code)

    @staticmethod
    async def _tell(sender: Country, to: str, letter_id: str, state: ReceiptState, code: str | None) -> None:
        await _mark(sender, letter_id, state.value)
        receipt = Receipt(to, letter_id, state, code, sender.clock.now())
        await sender.database.write(lambda tx: RequestIntake(sender.vault).told(tx, receipt))

    async def check(self) -> None:
        """What must hold at every moment, between any two transactions."""
        moved = dict.fromkeys(self.requests, False)
        for request_id in self.requests:
            here = await self.italy.see(lambda tx, r=request_id: transfers.get(tx, r))
            there = await self.tunisia.see(lambda tx, r=request_id: transfers.get(tx, r))
            assert not (here.is_ours and there is not None and there.is_ours), self.did
            if here.state is State.MOVED:
                assert there is not None, self.did
                assert there.state is State.MOVED, self.did
            moved[request_id] = there is not None and there.state is State.MOVED
            assert moved[request_id] == (there is not None and there.case_id is not None), self.did
        opened = sum(moved.values())
        assert opened in (0, len(self.children)), self.did  # never twice, and siblings never apart
        assert await self.tunisia.see(_cases_that_came) - self.came_before == opened, self.did

    async def settle(self) -> None:
        """The line is well again: whatever still waits arrives, and what nobody has answered is withdrawn."""
        while await self.carry(faults=False):
            await self.check()
        for request_id in self.requests:
            try:
                await self.italy.do(service.withdraw, request_id)
            except NotNow:
                continue
        while await self.carry(faults=False):
            await self.check()

    async def owners(self, child: str) -> int:
        """How many deployments the case of this child belongs to."""
        given = await self.italy.see(lambda tx: transfers.given(tx, child))
        if given is None:
            return 1
        there = await self.tunisia.see(lambda tx: transfers.get(tx, given.request_id))
        return int(given.is_ours) + int(there is not None and there.is_ours)

    came_before = 0


async def test_a_case_belongs_to_one_deployment_whatever_is_lost_doubled_or_killed(
    italy: Country, tunisia: Country, courier: Courier
):
    ends = {"moved": 0, "stayed": 0}
    for seed in range(WORLDS):
        world = World(italy, tunisia, random.Random(seed))
        world.came_before = await tunisia.see(_cases_that_came)
        await world.begin()
        for _ in range(14):
            if world.dice.random() < 0.45:
                await world.act()
            else:
                await world.carry(faults=True)
            await world.check()
        await world.settle()
        for child in world.children:
            assert await world.owners(child) == 1, (seed, world.did)
        ends["moved" if await tunisia.see(_cases_that_came) > world.came_before else "stayed"] += 1
    assert min(ends.values()) >= WORLDS // 10, ends  # both ends were seen: the worlds are not all the same


def _waiting(tx: sa.Connection) -> Any:
    table = post.exchange_letters
    return tx.execute(sa.select(table).where(table.c.state == "waiting").order_by(table.c.seq).limit(1)).first()


def _body(tx: sa.Connection, sender: Country, found: Any) -> dict[str, Any]:
    key = sender.vault.key(tx, found.key_id)
    body: dict[str, Any] = key.open_json(found.body, table="exchange_letters", row=found.id, field="body")
    return body


async def _mark(sender: Country, letter_id: str, state: str) -> None:
    table = post.exchange_letters
    await sender.database.write(
        lambda tx: tx.execute(table.update().where(table.c.id == letter_id).values(state=state))
    )


async def _receive(receiver: Country, came: ReceivedLetter) -> tuple[ReceiptState, str | None]:
    try:
        await receiver.database.write(lambda tx: RequestIntake(receiver.vault).receive(tx, came))
    except LetterRefused as error:
        return ReceiptState.REFUSED, error.code
    return ReceiptState.STORED, None


def _receive_and_die(tx: sa.Connection, receiver: Country, came: ReceivedLetter) -> None:
    with contextlib.suppress(LetterRefused):
        RequestIntake(receiver.vault).receive(tx, came)
    raise Killed


def _with_id(came: ReceivedLetter, envelope_id: str) -> ReceivedLetter:
    from msgspec.structs import replace

    return replace(came, envelope_id=envelope_id)


def _cases_that_came(tx: sa.Connection) -> int:
    query = sa.select(sa.func.count()).where(case_store.cases.c.source == "transfer")
    return int(tx.execute(query).scalar_one())
