"""A hold is heard of by whoever could move the child, without anybody's hand, and so is its end: once each, through
the gate, and again where it did not arrive."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.cases import alarm
from bot.cases import store as case_store
from bot.exchange.gate import Situation
from bot.exchange.holds import releasing
from bot.exchange.holds import service as holds
from bot.exchange.holds.model import Evidence, Favour, Hold, Mark, MayNotMove, Source, Tie
from bot.exchange.partners import store as partners
from bot.exchange.post.model import Receipt, ReceiptState
from bot.exchange.requests import answering, drafting, hold_notices, letters_store, situations
from bot.exchange.requests.intake import RequestIntake
from bot.exchange.requests.model import Alternative, Refusal
from bot.exchange.requests.reminders import Reminders
from bot.kernel.live import Signals
from tests.integration.exchange.two_countries import Country, Courier, a_draft, described_anew


async def look(country: Country) -> None:
    await Reminders(country.database, country.clock, Signals(), country.vault).look()


async def placed(country: Country, case_id: str) -> tuple[str, Hold]:
    """An adult with two red marks."""
    dossier = await country.do(holds.open_dossier, case_id, name="Sami", claimed="uncle_aunt", once="")
    assert dossier is not None
    hold = await country.do(holds.mark, dossier, {"papers": Mark.RED, "no_debt": Mark.RED})
    assert hold is not None
    return dossier, hold


async def ended(country: Country, dossier: str) -> None:
    """Two people of two bodies say so."""
    await country.do(releasing.set_body, country.coordinator.id, "Child protection service")
    await country.do(hold_notices.agree_to_release, dossier, reason="checked")
    assert await country.do(hold_notices.agree_to_release, dossier, reason="checked too", by=country.coordinator)


async def told_there(country: Country, request_id: str) -> list[str]:
    return [each.id for each in (await country.file(request_id)).holds]


async def acts(country: Country, request_id: str) -> list[str]:
    return [event.act for event in (await country.file(request_id)).events]


def carried(courier: Courier, kind: str) -> int:
    return sum(each == kind for _, each, _ in courier.carried)


async def channel(country: Country, *, closed: bool) -> None:
    at = country.clock.now() if closed else None
    await country.database.write(lambda tx: tx.execute(partners.exchange_partners.update().values(closed_at=at)))


async def test_partners_of_requests_under_way_are_told_by_themselves_and_so_is_whoever_is_asked_later(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id = await italy.case()
    before = await italy.asked(case_id, a_draft(italy.others["TN"]))
    refused = await italy.asked(case_id, a_draft(italy.others["TN"], "verify_adult"))
    draft = await italy.do(drafting.draft, case_id, a_draft(italy.others["TN"]))
    await courier.carry()
    no = {"reason": Refusal.UNKNOWN_HERE, "alternative": Alternative.RED_CROSS}
    await tunisia.do(answering.refuse, refused, **no)
    await courier.carry()
    dossier, hold = await placed(italy, case_id)
    await look(italy)
    await look(italy)
    later = await italy.asked(case_id, a_draft(italy.others["TN"], "verify_adult"))
    await look(italy)
    await courier.carry()

    assert await told_there(tunisia, before) == [hold.id]
    [under_the_other] = await told_there(tunisia, later)  # asked twice, it stands by the hold for each
    assert under_the_other != hold.id
    assert await told_there(tunisia, refused) == []
    assert "hold_told" not in await acts(italy, draft)
    assert carried(courier, "hold_placed") == 2
    await ended(italy, dossier)
    await look(italy)
    await courier.carry()
    assert await told_there(tunisia, before) == await told_there(tunisia, later) == []
    assert carried(courier, "hold_released") == 2
    assert courier.refused == []


async def test_the_gate_is_asked_first_and_a_human_is_called_once(italy: Country, tunisia: Country, courier: Courier):
    case_id = await italy.case()
    request_id = await italy.asked(case_id, a_draft(italy.others["TN"]))
    await courier.carry()
    await italy.do(situations.record_situation, case_id, Situation())  # nothing is known any more
    _, hold = await placed(italy, case_id)
    at, officer = italy.clock.now(), italy.officer.id
    await italy.database.write(lambda tx: alarm.acknowledge(tx, case_id, officer_id=officer, at=at))
    await look(italy)
    await look(italy)
    await courier.carry()

    assert await told_there(tunisia, request_id) == []
    assert (await acts(italy, request_id)).count("hold_not_told") == 1
    assert await italy.see(lambda tx: hold_notices.untold(tx, italy.vault, at)) == []  # it is not tried every minute
    rung = await italy.see(lambda tx: case_store.get_alarm(tx, case_id, lock=False))
    assert rung is not None
    assert rung.climbing
    italy.clock.advance(timedelta(minutes=1))
    await italy.do(situations.record_situation, case_id, Situation(frozenset(), False))
    assert await italy.see(lambda tx: hold_notices.untold(tx, italy.vault, at)) == [(hold.id, request_id)]
    await look(italy)
    await courier.carry()
    assert await told_there(tunisia, request_id) == [hold.id]


@pytest.mark.parametrize("why", ["closed", "in doubt", "not agreed"])
async def test_a_closed_channel_costs_nothing_until_something_changes(
    italy: Country, tunisia: Country, courier: Courier, why: str
):
    case_id = await italy.case()
    request_id = await italy.asked(case_id, a_draft(italy.others["TN"]))
    await courier.carry()
    partner_id, at = italy.others["TN"], italy.clock.now()
    partner = await italy.see(lambda tx: partners.get(tx, partner_id, italy.vault))
    assert partner is not None
    kid = partner.keys[0].kid
    if why == "closed":
        await channel(italy, closed=True)
    elif why == "in doubt":
        doubt = partners.Doubt(kid, partner_id, partner_id, at)
        await italy.database.write(lambda tx: partners.add_doubt(tx, doubt))
    else:
        await italy.database.write(lambda tx: described_anew(tx, italy, partner_id, may_send=frozenset()))
    _, hold = await placed(italy, case_id)
    await look(italy)
    assert (await acts(italy, request_id)).count("hold_not_told") == 1
    assert await italy.see(lambda tx: hold_notices.untold(tx, italy.vault, at)) == []

    await channel(italy, closed=False)
    await italy.database.write(lambda tx: partners.clear_doubts_of(tx, partner_id, at))
    await italy.database.write(lambda tx: described_anew(tx, italy, partner_id, may_send=partner.may_send))
    await look(italy)
    await courier.carry()
    assert await told_there(tunisia, request_id) == [hold.id]


async def test_a_notice_that_did_not_arrive_is_said_again_the_next_day(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id = await italy.case()
    request_id = await italy.asked(case_id, a_draft(italy.others["TN"]))
    await courier.carry()
    _, hold = await placed(italy, case_id)
    await look(italy)
    [letter] = [
        each
        for each in await italy.see(lambda tx: letters_store.letters_of(tx, request_id))
        if each.kind == "hold_placed"
    ]
    gone = Receipt(italy.others["TN"], letter.envelope_id, ReceiptState.UNDELIVERED, "connection", italy.clock.now())
    await italy.database.write(lambda tx: RequestIntake(italy.vault).told(tx, gone))
    await look(italy)
    assert (await acts(italy, request_id)).count("hold_told") == 1

    italy.clock.advance(timedelta(days=1))
    await look(italy)
    await look(italy)

    assert (await acts(italy, request_id)).count("hold_told") == 2
    await courier.carry()
    assert await told_there(tunisia, request_id) == [hold.id]


@pytest.mark.on_both
async def test_a_partner_whose_channel_was_closed_when_the_hold_ended_hears_so_once_it_is_open(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id = await italy.case()
    request_id = await italy.asked(case_id, a_draft(italy.others["TN"]))
    await courier.carry()
    dossier, _ = await placed(italy, case_id)
    await look(italy)
    await courier.carry()
    await channel(italy, closed=True)
    await ended(italy, dossier)
    await look(italy)
    assert (await acts(italy, request_id)).count("hold_end_not_told") == 1
    at = italy.clock.now()
    assert await italy.see(lambda tx: hold_notices.end_untold(tx, italy.vault, at)) == []  # not tried every minute

    await channel(italy, closed=False)
    await look(italy)
    await courier.carry()

    assert await told_there(tunisia, request_id) == []
    assert carried(courier, "hold_released") == 1


async def test_a_hold_that_travels_in_the_file_of_a_case_is_not_told_beside_it(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id = await italy.case()
    await placed(italy, case_id)
    request_id = await italy.asked(case_id, a_draft(italy.others["TN"], "case_transfer"))
    await look(italy)
    await courier.carry()
    await tunisia.do(answering.accept, request_id)
    await courier.carry()
    await look(italy)
    await courier.carry()

    assert carried(courier, "hold_placed") == 0
    italy.clock.advance(timedelta(minutes=1))
    _, second = await placed(italy, case_id)  # what is found out here later, whoever has the case has to know
    await look(italy)
    await courier.carry()
    assert carried(courier, "hold_placed") == 1
    assert second.id in await told_there(tunisia, request_id)


async def test_a_hold_on_the_uncle_does_not_keep_the_child_from_her_aunt_and_one_on_the_aunt_does(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id = await italy.case()
    aunt = await italy.do(holds.open_dossier, case_id, name="Salma", claimed="uncle_aunt", once="")
    assert aunt is not None
    await italy.do(holds.mark, aunt, {"heard_apart": Mark.GREEN, "child_wish": Mark.GREEN})
    for source in (Source.DOCUMENT, Source.AUTHORITY):
        await italy.do(holds.add_evidence, aunt, Evidence(source, Favour.SUPPORTS), text="seen", once="")
    await italy.do(holds.decide, aunt, Tie.SUPPORTED, reason="two sources, and she wants it")
    placed_with_her = await italy.asked(case_id, a_draft(italy.others["TN"], "placement_abroad", adult_id=aunt))
    await courier.carry()
    await placed(italy, case_id)
    await look(italy)
    await courier.carry()
    assert await told_there(tunisia, placed_with_her) == []

    hold = await italy.do(holds.mark, aunt, {"papers": Mark.RED, "no_debt": Mark.RED})
    assert hold is not None
    await look(italy)
    await courier.carry()

    assert await told_there(tunisia, placed_with_her) == [hold.id]
    with pytest.raises(MayNotMove):
        await tunisia.do(answering.accept, placed_with_her)
