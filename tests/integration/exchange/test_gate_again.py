"""A letter may wait for two weeks, and what was true when it was written may not be any more: before every attempt to
send it the gate, the consent and the holds are asked again, over real HTTP between two deployments."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from bot.cases import consent
from bot.cases import store as case_store
from bot.exchange.gate import Situation
from bot.exchange.holds import service as holds
from bot.exchange.holds.model import Evidence, Favour, Mark, Source, Tie
from bot.exchange.post import service as post
from bot.exchange.post import store as post_store
from bot.exchange.post.model import ReceiptState
from bot.exchange.post.service import NotCleared
from bot.exchange.requests import answering, letters_store, sending, service, situations
from bot.exchange.requests.consent_ends import WithdrawnConsents
from bot.exchange.requests.model import Status
from bot.exchange.requests.sending import RequestGatekeeper
from tests.integration.exchange.open_gate import OpenGate, cleared
from tests.integration.exchange.test_over_the_wire import country_of, settled
from tests.integration.exchange.two_countries import ALL_TYPES, Country, a_draft, an_agreement, an_agreement_to
from tests.integration.exchange.world import Deployment

AFRAID = Situation(None, True)


@dataclass
class Wire:
    """France asks and Tunisia is asked; Tunisia's line can be down."""

    lyon: Deployment
    tunis: Deployment
    france: Country
    tunisia: Country

    @property
    def partner(self) -> str:
        return self.france.others["TN"]

    async def case(self) -> tuple[str, str]:
        case_id = await self.france.case(consented=False)
        row = await self.france.do(consent.record, case_id, an_agreement_to(self.partner))
        return case_id, row.id

    async def accepted(self, case_id: str, **changed: Any) -> str:
        """A request that Tunisia has accepted; its personal part waits, and nobody can be reached."""
        request_id = await self.france.asked(case_id, a_draft(self.partner, **changed))
        await settled(self.lyon, self.tunis)
        await self.tunisia.do(answering.accept, request_id)
        await self.tunis.send()
        await self.lyon.work()
        assert (await self.france.file(request_id)).request.asked_on is not None
        return request_id

    async def body_of(self, request_id: str) -> post_store.Letter:
        [put] = [
            each
            for each in await self.france.see(lambda tx: letters_store.letters_of(tx, request_id))
            if each.kind == "request_body"
        ]
        return await self.lyon.letter(put.envelope_id)

    async def stopped(self, request_id: str) -> dict[str, Any]:
        """Why the personal part did not leave, as the page of the request shows it."""
        event = next(each for each in (await self.france.file(request_id)).events if each.act == "letter_stopped")
        return dict(event.facts)


@pytest.fixture
async def wire(two: tuple[Deployment, Deployment]) -> AsyncIterator[Wire]:
    lyon, tunis = two
    terms = {"agreement": an_agreement(), "may_send": ALL_TYPES, "may_receive": ALL_TYPES}
    france, tunisia = await country_of(lyon), await country_of(tunis)
    lyon.gate, tunis.gate = RequestGatekeeper(lyon.vault), RequestGatekeeper(tunis.vault)
    france.others["TN"] = (await lyon.meet(tunis, **terms)).id
    tunisia.others["FR"] = (await tunis.meet(lyon, **terms)).id
    return Wire(lyon, tunis, france, tunisia)


async def test_what_a_child_says_while_a_letter_waits_keeps_it_here_and_calls_a_human(wire: Wire):
    case_id, _ = await wire.case()
    request_id = await wire.accepted(case_id)
    await wire.france.do(situations.record_situation, case_id, AFRAID)
    wire.lyon.clock.advance(timedelta(minutes=10))
    await settled(wire.lyon, wire.tunis)

    letter = await wire.body_of(request_id)
    assert (letter.state, letter.code, letter.body) == (ReceiptState.CLOSED, "gate", None)  # not even a copy waits
    assert await wire.stopped(request_id) == {"kind": "request_body", "state": "closed", "code": "gate"}
    alarm = await wire.france.see(lambda tx: case_store.get_alarm(tx, case_id, lock=False))
    assert alarm is not None
    assert alarm.climbing
    assert (await wire.tunisia.file(request_id)).fields == {}


async def test_once_the_gate_opens_again_the_personal_part_can_be_sent_by_hand(wire: Wire):
    case_id, _ = await wire.case()
    request_id = await wire.accepted(case_id)
    await wire.france.do(situations.record_situation, case_id, AFRAID)
    await settled(wire.lyon, wire.tunis)
    wire.lyon.clock.advance(timedelta(minutes=1))
    await wire.france.do(situations.record_situation, case_id, Situation(frozenset(), False))
    await wire.france.do(service.disclose_again, request_id)
    await settled(wire.lyon, wire.tunis)

    assert (await wire.tunisia.file(request_id)).fields["names"] == "told names"


async def test_a_consent_that_is_taken_back_while_a_letter_waits_reaches_it(wire: Wire):
    case_id, consent_id = await wire.case()
    request_id = await wire.accepted(case_id)
    await wire.france.do(consent.withdraw, case_id, consent_id, holders=[WithdrawnConsents()])
    await settled(wire.lyon, wire.tunis)

    assert (await wire.body_of(request_id)).state == ReceiptState.CLOSED
    assert await wire.stopped(request_id) == {"kind": "request_body", "state": "closed", "code": "consent"}
    there = await wire.tunisia.file(request_id)
    assert (there.request.status, there.fields) == (Status.WITHDRAWN, {})
    assert not (await wire.france.file(request_id)).request.still_held
    shares = await wire.france.see(lambda tx: consent.shares_of(tx, case_id))
    assert [share.waits_for_recipient for share in shares] == [False]


@pytest.mark.on_both
async def test_what_was_withdrawn_does_not_leave_although_the_consent_stands(wire: Wire):
    case_id, _ = await wire.case()
    request_id = await wire.accepted(case_id)
    await wire.france.do(service.withdraw, request_id)
    await settled(wire.lyon, wire.tunis)

    assert (await wire.stopped(request_id))["code"] == "withdrawn"
    assert (await wire.tunisia.file(request_id)).fields == {}


async def test_a_consent_that_ran_out_while_a_letter_waits_stops_it(wire: Wire):
    case_id = await wire.france.case(consented=False)
    until = wire.lyon.clock.now() + timedelta(days=3)
    await wire.france.do(consent.record, case_id, an_agreement_to(wire.partner, expires_at=until))
    request_id = await wire.accepted(case_id)
    wire.lyon.clock.advance(timedelta(days=3))
    await wire.lyon.send()

    assert (await wire.stopped(request_id))["code"] == "consent"


async def test_a_letter_waits_in_vain_where_a_guardian_agreed_anew_and_nobody_told_the_child(wire: Wire):
    case_id, _ = await wire.case()
    request_id = await wire.accepted(case_id)
    wire.lyon.clock.advance(timedelta(minutes=1))
    await wire.france.do(consent.record, case_id, an_agreement_to(wire.partner, giver="guardian"))
    await wire.lyon.send()

    assert await wire.stopped(request_id) == {"kind": "request_body", "state": "closed", "code": "not_told"}
    assert (await wire.tunisia.file(request_id)).fields == {}


async def test_a_hold_that_is_placed_while_a_letter_waits_stops_it(wire: Wire):
    case_id, _ = await wire.case()
    adult = await wire.france.do(holds.open_dossier, case_id, name="Kaboul", claimed="uncle_aunt", once="")
    await wire.france.do(holds.mark, adult, {"heard_apart": Mark.GREEN, "child_wish": Mark.GREEN})
    for source in (Source.DOCUMENT, Source.AUTHORITY):
        await wire.france.do(holds.add_evidence, adult, Evidence(source, Favour.SUPPORTS), text="seen", once="")
    await wire.france.do(holds.decide, adult, Tie.SUPPORTED, reason="two sources, and she wants it")
    request_id = await wire.accepted(case_id, type_key="placement_abroad", adult_id=adult)
    await wire.france.do(holds.mark, adult, {"papers": Mark.RED, "no_debt": Mark.RED})
    await settled(wire.lyon, wire.tunis)

    assert (await wire.stopped(request_id))["code"] == "hold"
    assert (await wire.tunisia.file(request_id)).fields == {}


async def test_a_letter_that_was_given_up_and_is_confirmed_late_has_arrived(wire: Wire):
    case_id, _ = await wire.case()
    request_id = await wire.accepted(case_id)
    letter = await wire.body_of(request_id)
    at = wire.lyon.clock.now() + timedelta(days=15)
    room = wire.lyon.room
    await wire.lyon.database.write(lambda tx: post.run_out(tx, wire.lyon.vault, room, at))
    assert (await wire.france.file(request_id)).request.asked_on is None

    receipt = post.Receipt(letter.partner_id, letter.id, ReceiptState.STORED, None, at)
    await wire.lyon.database.write(lambda tx: room.told(tx, receipt))

    assert (await wire.france.file(request_id)).request.asked_on == at


async def test_the_gate_is_asked_before_every_attempt_also_of_one_who_fetches(two: tuple[Deployment, Deployment]):
    lyon, tunis = two
    gate = lyon.gate = OpenGate()
    there = await lyon.meet(tunis)
    envelope_id = await lyon.put(there)
    for _ in range(3):  # nobody there verified us: each attempt is refused, and each was asked about
        await lyon.send()
        lyon.clock.advance(timedelta(hours=2))
        tunis.clock.advance(timedelta(hours=2))
    assert gate.asked == [envelope_id] * 3

    gate.stops = "gate"
    await lyon.send()

    assert (await lyon.letter(envelope_id)).state == ReceiptState.CLOSED
    assert [(news.state, news.code) for news in lyon.room.news] == [(ReceiptState.CLOSED, "gate")]


async def test_nothing_is_put_with_leave_for_something_else(two: tuple[Deployment, Deployment]):
    lyon, tunis = two
    there = await lyon.meet(tunis)
    letter = {
        "partner_id": there.id, "kind": "request", "request_type": "info_child", "purpose": "family_contact",
        "data_classes": frozenset(), "consent_ref": None, "body": {"text": "Who?"}, "key_id": lyon.key_id,
        "actor": "x", "at": lyon.clock.now(),
    }  # fmt: skip
    for leave in (
        cleared("another", "request", {"text": "Who?"}),
        cleared(there.id, "answer", {"text": "Who?"}),
        cleared(there.id, "request", {"text": "Who is Amina?"}),
    ):
        with pytest.raises(NotCleared):
            await lyon.database.write(lambda tx, leave=leave: post.put(tx, lyon.vault, leave, **letter))
    assert await lyon.database.read(lambda tx: post_store.waiting_letters(tx, there.id, limit=9)) == []
    assert sending.RequestGatekeeper(lyon.vault)  # the real one stands in the program
