"""A letter that did not get there leaves nobody waiting for ever: a human sees it, and says it again."""

from __future__ import annotations

import pytest

from bot.exchange.gate import GateShut, Situation
from bot.exchange.post.model import Receipt, ReceiptState
from bot.exchange.requests import again, answering, service, situations
from bot.exchange.requests.answering import Answer
from bot.exchange.requests.intake import RequestIntake
from bot.exchange.requests.model import Alternative, Ground, NotNow, Refusal, Status
from bot.exchange.requests.types import REQUEST_TYPES
from tests.integration.exchange.two_countries import Country, Courier, _mark, a_draft

ASKS = REQUEST_TYPES["info_child"].asks


async def lost(country: Country, request_id: str, kind: str, state: ReceiptState, code: str) -> None:
    """The post of this country says of the newest letter of a kind that it did not get there."""
    letter = [each for each in (await country.file(request_id)).letters if each.kind == kind][-1]
    news = Receipt(letter.partner_id, letter.envelope_id, state, code, country.clock.now())
    await country.database.write(lambda tx: _mark(tx, letter.envelope_id, state.value))
    await country.database.write(lambda tx: RequestIntake(country.vault).told(tx, news))


async def unheard(country: Country, request_id: str) -> tuple[str, ...]:
    return await country.see(lambda tx: again.unheard(tx, request_id))


async def status(country: Country, request_id: str) -> Status:
    return (await country.file(request_id)).request.status


async def taken_on(italy: Country, tunisia: Country, courier: Courier) -> str:
    request_id = await italy.asked(await italy.case(), a_draft(italy.others["TN"]))
    await courier.carry()
    await tunisia.do(answering.accept, request_id)
    await courier.carry()
    return request_id


async def answered(tunisia: Country, request_id: str, *asks: str, ground: Ground = Ground.CHILD_ONLY) -> None:
    for ask in asks:
        await tunisia.do(answering.write_answer, request_id, Answer(ask, f"About {ask}.", "seen", "high"), once=ask)
    await tunisia.do(answering.release_answers, request_id, endangers=False, ground=ground)


async def test_answers_that_did_not_arrive_are_sent_again_and_count_once(
    italy: Country, tunisia: Country, courier: Courier
):
    request_id = await taken_on(italy, tunisia, courier)
    await answered(tunisia, request_id, ASKS[0])
    await courier.carry()
    await answered(tunisia, request_id, *ASKS[1:])
    await lost(tunisia, request_id, "request_answer", ReceiptState.UNDELIVERED, "connection")
    assert await status(italy, request_id) is Status.PARTLY_ANSWERED
    assert await tunisia.see(again.all_unheard) == [request_id]

    assert await tunisia.do(again.send_again, request_id) == ("request_answer",)
    await courier.carry()

    file = await italy.file(request_id)
    assert file.request.status is Status.ANSWERED
    said = [(each.line.asked, each.text, each.line.returned) for each in file.lines if each.line.kind == "answer"]
    assert sorted(said) == sorted((ask, f"About {ask}.", None) for ask in ASKS)
    assert await unheard(tunisia, request_id) == ()
    with pytest.raises(NotNow):
        await tunisia.do(again.send_again, request_id)


async def test_an_answer_that_had_arrived_after_all_is_set_aside_there(
    italy: Country, tunisia: Country, courier: Courier
):
    request_id = await taken_on(italy, tunisia, courier)
    await answered(tunisia, request_id, *ASKS)
    await courier.carry()
    await lost(tunisia, request_id, "request_answer", ReceiptState.UNDELIVERED, "lost_there")

    await tunisia.do(again.send_again, request_id)
    await courier.carry()

    said = [each.line.returned for each in (await italy.file(request_id)).lines if each.line.kind == "answer"]
    assert sorted(map(str, said)) == sorted(["None"] * len(ASKS) + ["answered_before"] * len(ASKS))


async def test_a_request_that_was_stored_and_then_refused_is_sent_again(
    italy: Country, tunisia: Country, courier: Courier
):
    request_id = await italy.asked(await italy.case(), a_draft(italy.others["TN"]))
    await lost(italy, request_id, "request_preview", ReceiptState.STORED, "")
    await lost(italy, request_id, "request_preview", ReceiptState.REFUSED, "revoked_key")
    assert await status(italy, request_id) is Status.DELIVERED  # they do not have it
    assert await unheard(italy, request_id) == ("request_preview",)

    await italy.do(again.send_again, request_id)
    await courier.carry()

    assert await status(tunisia, request_id) is Status.DELIVERED
    assert await unheard(italy, request_id) == ()


async def test_a_request_that_they_had_after_all_counts_as_delivered(
    italy: Country, tunisia: Country, courier: Courier
):
    request_id = await italy.asked(await italy.case(), a_draft(italy.others["TN"]))
    await courier.carry()
    await lost(italy, request_id, "request_preview", ReceiptState.UNDELIVERED, "lost_there")

    await italy.do(again.send_again, request_id)
    await courier.carry()

    assert courier.refused == [("request_preview", "known_request")]
    assert await unheard(italy, request_id) == ()


@pytest.mark.parametrize("kind", ["request_accepted", "request_refused"])
async def test_a_yes_or_a_no_that_did_not_arrive_is_said_again(
    italy: Country, tunisia: Country, courier: Courier, kind: str
):
    request_id = await italy.asked(await italy.case(), a_draft(italy.others["TN"]))
    await courier.carry()
    if kind == "request_accepted":
        await tunisia.do(answering.accept, request_id)
    else:
        no = {"reason": Refusal.UNKNOWN_HERE, "alternative": Alternative.RED_CROSS}
        await tunisia.do(answering.refuse, request_id, **no)
    await lost(tunisia, request_id, kind, ReceiptState.REFUSED, "revoked_key")
    assert await status(italy, request_id) is Status.DELIVERED

    await tunisia.do(again.send_again, request_id)
    await courier.carry()

    file = await italy.file(request_id)
    if kind == "request_accepted":
        assert (await tunisia.file(request_id)).fields == file.fields != {}
    else:
        assert (file.request.status, file.request.alternative) == (Status.REFUSED, Alternative.RED_CROSS)


async def test_whoever_was_not_told_to_forget_is_told_once_the_letter_can_go(
    italy: Country, tunisia: Country, courier: Courier
):
    request_id = await taken_on(italy, tunisia, courier)
    await italy.do(service.withdraw, request_id)
    await lost(italy, request_id, "request_withdrawn", ReceiptState.UNDELIVERED, "connection")
    assert (await italy.file(request_id)).request.still_held

    await italy.do(again.send_again, request_id)
    await courier.carry()

    assert not (await italy.file(request_id)).request.still_held
    assert (await tunisia.file(request_id)).erased


async def test_an_answer_to_what_was_taken_back_is_not_sent_again(italy: Country, tunisia: Country, courier: Courier):
    request_id = await taken_on(italy, tunisia, courier)
    await answered(tunisia, request_id, *ASKS)
    await lost(tunisia, request_id, "request_answer", ReceiptState.CLOSED, "erased")
    assert await unheard(tunisia, request_id) == ("request_answer",)
    await italy.do(service.withdraw, request_id)
    await courier.carry()

    assert await unheard(tunisia, request_id) == ()
    with pytest.raises(NotNow):
        await tunisia.do(again.send_again, request_id)


async def test_the_gate_is_asked_again_before_anything_is_said_again(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id = await italy.case()
    request_id = await italy.asked(case_id, a_draft(italy.others["TN"]))
    await lost(italy, request_id, "request_preview", ReceiptState.UNDELIVERED, "connection")
    await italy.do(situations.record_situation, case_id, Situation())  # nothing is known any more

    with pytest.raises(GateShut):
        await italy.do(again.send_again, request_id)

    await courier.carry()
    assert courier.carried == []
