"""A hold ends where the case is, and everybody who was told of it hears so."""

from __future__ import annotations

import contextlib

import sqlalchemy as sa

from bot.cases import consent
from bot.conversations import store as talks
from bot.exchange.holds import claimants, releasing
from bot.exchange.partners import store as partners
from bot.exchange.post.model import LetterRefused, Receipt, ReceiptState
from bot.exchange.requests import answering, hold_notices, service
from bot.exchange.requests.intake import RequestIntake
from bot.exchange.requests.transfer.model import State
from tests.integration.exchange.transfers import a_followed_case, case_of, moved, offered, transfer_of
from tests.integration.exchange.two_countries import (
    Country,
    Courier,
    a_draft,
    an_agreement_to,
    hand_over,
    put_partner,
)


async def told_and_moved(italy: Country, tunisia: Country, courier: Courier) -> tuple[str, str, str, str]:
    """A case with a hold of which a third country was told before the case moved: the request to the third, the
    transfer, and the dossier of the adult there; and the hold as Italy calls it."""
    mali = await italy.database.write(lambda tx: put_partner(tx, italy.vault, country="ML", name="Bamako"))
    case_id = await a_followed_case(italy)
    await italy.do(consent.record, case_id, an_agreement_to(mali))
    asked = await italy.asked(case_id, a_draft(mali))
    [hold] = await italy.see(lambda tx: claimants.standing_holds(tx, case_id))
    await italy.do(hold_notices.tell_hold, hold.id, [asked])
    await italy.do(service.withdraw, asked)  # nothing may be owed any more before the case leaves
    request_id, there = await moved(italy, tunisia, courier, case_id)
    [adult] = await tunisia.do(lambda tx, hand: claimants.adults_of(tx, hand.vault, case_of(tx, there)))
    return asked, request_id, adult.dossier.id, hold.id


async def of_another_body(country: Country) -> None:
    """The coordinator acts for the child protection service, and not for the helpline."""
    await country.do(releasing.set_body, country.coordinator.id, "Child protection service")


async def standing(country: Country, case_id: str) -> int:
    return len(await country.see(lambda tx: claimants.standing_holds(tx, case_id)))


async def acts_of(country: Country, request_id: str) -> list[str]:
    return [event.act for event in (await country.file(request_id)).events]


async def notices(country: Country, request_id: str) -> list[str]:
    return [each.kind for each in (await country.file(request_id)).letters if each.kind == "hold_released"]


async def in_any_chat(country: Country) -> int:
    query = sa.select(sa.func.count()).select_from(talks.outbox)
    return int(await country.see(lambda tx: tx.execute(query).scalar_one()))


async def test_when_a_hold_ends_after_the_case_has_moved_everybody_who_was_told_hears_it_and_no_chat_does(
    italy: Country, tunisia: Country, courier: Courier
):
    asked, request_id, adult, hold = await told_and_moved(italy, tunisia, courier)
    there, said = str((await transfer_of(tunisia, request_id)).case_id), await in_any_chat(italy)
    await of_another_body(tunisia)

    assert not await tunisia.do(hold_notices.agree_to_release, adult, reason="Her aunt knows him")
    await courier.carry()
    assert (await standing(tunisia, there), await notices(italy, asked)) == (1, [])
    assert await tunisia.do(hold_notices.agree_to_release, adult, reason="So does the school", by=tunisia.coordinator)
    await courier.carry()

    assert await standing(tunisia, there) == 0
    moved_case = str((await transfer_of(italy, request_id)).case_id)
    assert await standing(italy, moved_case) == 0
    assert await notices(italy, asked) == ["hold_released"]
    assert "hold_end_arrived" in await acts_of(tunisia, request_id)  # Italy's machine has signed for it
    assert "hold_ended" in await acts_of(italy, request_id)
    letter = next(each for each in (await italy.file(asked)).letters if each.kind == "hold_released")
    news = Receipt(letter.partner_id, letter.envelope_id, ReceiptState.STORED, None, italy.clock.now())
    for _ in range(2):
        await italy.database.write(lambda tx: RequestIntake(italy.vault).told(tx, news))
    assert (await acts_of(italy, asked)).count("hold_end_arrived") == 1
    assert (await in_any_chat(italy), await in_any_chat(tunisia)) == (said, 0)
    assert hold not in str((await tunisia.file(request_id)).lines)


async def test_whoever_gave_the_case_away_does_not_end_its_hold_and_is_heard_as_another_body(
    italy: Country, tunisia: Country, courier: Courier
):
    _, request_id, adult, _ = await told_and_moved(italy, tunisia, courier)
    moved_case = str((await transfer_of(italy, request_id)).case_id)
    there = str((await transfer_of(tunisia, request_id)).case_id)
    await of_another_body(italy)
    [here] = await italy.do(lambda tx, hand: claimants.adults_of(tx, hand.vault, case_of(tx, moved_case)))
    for officer in (italy.officer, italy.coordinator):
        assert not await italy.do(hold_notices.agree_to_release, here.dossier.id, reason="He was cleared", by=officer)
    await courier.carry()
    assert (await standing(italy, moved_case), await standing(tunisia, there)) == (1, 1)  # one body, for Tunisia

    assert await tunisia.do(hold_notices.agree_to_release, adult, reason="We agree")
    await courier.carry()
    assert (await standing(italy, moved_case), await standing(tunisia, there)) == (0, 0)


async def test_the_word_of_a_partner_who_was_told_before_goes_to_whoever_has_the_case(
    italy: Country, tunisia: Country, courier: Courier
):
    asked, request_id, adult, hold = await told_and_moved(italy, tunisia, courier)
    italy.others["ML"] = (await italy.file(asked)).request.partner_id
    word = {"request": asked, "hold": hold, "person": "5" * 36}
    await hand_over(italy, "ML", "hold_agreed", word, request_type="info_child")
    await courier.carry()
    there = str((await transfer_of(tunisia, request_id)).case_id)
    assert await standing(tunisia, there) == 1

    assert await tunisia.do(hold_notices.agree_to_release, adult, reason="We agree")
    await courier.carry()
    assert await notices(italy, asked) == ["hold_released"]


async def test_a_closed_channel_keeps_no_hold_from_ending_and_a_human_is_asked_to_call(
    italy: Country, tunisia: Country, courier: Courier
):
    asked, request_id, adult, _ = await told_and_moved(italy, tunisia, courier)
    await tunisia.database.write(
        lambda tx: tx.execute(partners.exchange_partners.update().values(closed_at=tunisia.clock.now()))
    )
    await of_another_body(tunisia)
    await tunisia.do(hold_notices.agree_to_release, adult, reason="Her aunt knows him")
    assert await tunisia.do(hold_notices.agree_to_release, adult, reason="So does the school", by=tunisia.coordinator)

    assert "hold_end_not_told" in await acts_of(tunisia, request_id)
    assert await notices(italy, asked) == []


async def test_nobody_ends_a_hold_of_a_case_that_is_not_theirs(italy: Country, tunisia: Country, courier: Courier):
    case_id = await a_followed_case(italy)
    [hold] = await italy.see(lambda tx: claimants.standing_holds(tx, case_id))
    request_id = await offered(italy, "TN", case_id)
    await courier.carry()
    await tunisia.do(answering.accept, request_id)
    for kind, body in (("hold_released", {"hold": hold.id}), ("hold_agreed", {"hold": hold.id, "person": "5" * 36})):
        with contextlib.suppress(LetterRefused):
            await hand_over(italy, "TN", kind, {"request": request_id, **body}, request_type="case_transfer")

    assert await standing(italy, case_id) == 1
    [adult] = await italy.do(lambda tx, hand: claimants.adults_of(tx, hand.vault, case_of(tx, case_id)))
    await courier.carry()
    assert (await transfer_of(italy, request_id)).state is State.MOVED
    assert adult.hold is not None
