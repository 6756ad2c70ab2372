"""What a partner answered to us is passed on like what it asked us: it learns who has it, and what it takes back is
taken back from the last who has it."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.desk.exchange import _view
from bot.exchange.gate import Situation
from bot.exchange.post import store as post
from bot.exchange.post.model import LetterRefused, Receipt, ReceiptState
from bot.exchange.requests import (
    again,
    answering,
    drafting,
    letters_store,
    looking,
    store,
    thread,
    thread_store,
)
from bot.exchange.requests.intake import RequestIntake
from bot.exchange.requests.model import Ground, Incomplete, NotNow, Status
from bot.exchange.requests.passing import acts
from bot.exchange.requests.passing import store as passings
from bot.exchange.requests.passing.model import Branch
from bot.kernel.ids import new_id
from tests.conftest import NOON
from tests.integration.exchange.chain import Chain, passed_on
from tests.integration.exchange.two_countries import Country, Courier, a_draft, described_anew, hand_over

ANSWER = "Her aunt Salma looked after her until March."


async def answered(chain: Chain, type_key: str = "info_child") -> Chain:
    """Tunisia asked Italy, and Italy has answered every question."""
    italy, tunisia = chain.italy, chain.tunisia
    chain.case_id = await tunisia.case()
    chain.asked = await tunisia.asked(chain.case_id, a_draft(tunisia.others["IT"], type_key))
    await chain.courier.carry()
    await italy.do(answering.accept, chain.asked)
    await chain.courier.carry()
    await answers(italy, chain.asked)
    await chain.courier.carry()
    return chain


async def answers(country: Country, request_id: str) -> None:
    request = (await country.file(request_id)).request
    for key in request.asks:
        answer = answering.Answer(key, ANSWER, "seen", "high", not_done="We did not ask the school.")
        await country.do(answering.write_answer, request_id, answer, once="")
    await country.do(answering.release_answers, request_id, endangers=False, ground=Ground.CHILD_ONLY)


async def passed(chain: Chain, **situation: Any) -> Chain:
    """Libya has it from Tunisia, which had it in answer from Italy."""
    await answered(chain)
    await chain.on_to_libya(**situation)
    return chain


async def further(chain: Chain) -> Chain:
    await passed(chain)
    await chain.on_to_chad()
    return chain


async def seen_by_italy(chain: Chain) -> tuple[Branch, ...]:
    return (await chain.italy.file(chain.asked)).below_partner


async def is_red(chain: Chain) -> bool:
    file = await chain.italy.file(chain.asked)
    return file.request.told_withdrawn_at is not None and (file.request.still_held or file.held_below)


async def words(country: Country, request_id: str) -> list[str]:
    return [said.text for said in (await country.file(request_id)).lines if not said.line.ours and said.text]


async def test_whoever_answered_learns_who_has_it_now_and_from_whom(chain: Chain):
    await further(chain)

    [libya] = await seen_by_italy(chain)
    assert (libya.holder.passing, libya.holder.country, libya.holder.holds) == (chain.passed, "LY", True)
    [chad] = libya.below
    assert (chad.holder.passing, chad.holder.country) == (chain.further, "TD")
    assert (await chain.tunisia.file(chain.asked)).below_partner == ()  # nobody has from Italy what Tunisia asked
    [ours] = (await chain.tunisia.file(chain.asked)).below_us
    assert ours.holder.passing == chain.passed
    assert not any(ANSWER in str(body) for _, kind, body in chain.courier.carried if kind == "passed_on")
    assert chain.courier.refused == []


async def test_an_answer_taken_back_is_destroyed_down_the_tree_and_red_until_the_last_has_confirmed(chain: Chain):
    await further(chain)
    whole, chain.courier = chain.courier, Courier(chain.italy, chain.tunisia, chain.libya)  # Chad cannot be reached
    await chain.italy.do(answering.take_back_answers, chain.asked)
    await chain.courier.carry()

    assert await words(chain.tunisia, chain.asked) == []
    kept = await chain.tunisia.see(lambda tx: thread_store.lines_of(tx, chain.asked))
    assert all("not_done" not in line.facts for line in kept if not line.ours)
    assert (await chain.tunisia.file(chain.passed)).request.status is Status.WITHDRAWN
    assert (await chain.libya.file(chain.passed)).erased
    assert not (await chain.italy.file(chain.asked)).request.still_held  # Tunisia and Libya have confirmed
    assert await is_red(chain)
    assert chain.asked in [each.request.id for each in await red_list(chain.italy)]

    await chain.libya.database.write(_waits_again)
    await whole.carry()
    assert not await is_red(chain)
    assert (await chain.chad.file(chain.further)).erased
    assert await red_list(chain.italy) == []
    with pytest.raises(NotNow):
        await chain.italy.do(answering.take_back_answers, chain.asked)


async def red_list(country: Country) -> list[store.SealedRequest]:
    at = country.clock.now()
    return await country.see(lambda tx: looking.listed(tx, country.coordinator, _view(tx, "held", at)))


def _waits_again(tx: Connection) -> None:
    letters = post.exchange_letters
    tx.execute(letters.update().where(letters.c.state == "held").values(state="waiting"))


@pytest.mark.on_both
async def test_what_was_on_its_way_when_it_was_taken_back_is_not_taken_in(chain: Chain):
    await answered(chain)
    await chain.italy.do(thread.write_message, chain.asked, text="She likes football.", endangers=False, once="")
    [late] = await waiting(chain.italy)
    await chain.italy.do(answering.take_back_answers, chain.asked)
    await chain.courier.carry()  # the courier asks no gate: the message goes first, and is destroyed
    assert await words(chain.tunisia, chain.asked) == []

    with pytest.raises(LetterRefused, match="request_ended"):  # and here it comes once more, after it
        await hand_over(chain.tunisia, "IT", late.kind, {"request": chain.asked}, request_type="info_child")
    with pytest.raises(NotNow):
        await chain.italy.do(thread.write_message, chain.asked, text="And chess.", once="")
    with pytest.raises(LetterRefused, match="request_ended"):
        await hand_over(chain.tunisia, "IT", "request_answer", {"request": chain.asked}, request_type="info_child")


async def waiting(country: Country) -> list[Any]:
    table = post.exchange_letters
    return await country.see(lambda tx: list(tx.execute(sa.select(table).where(table.c.state == "waiting"))))


async def test_a_draft_does_not_outlive_the_answer_that_it_tells(chain: Chain):
    await answered(chain)
    tunisia, case_id = chain.tunisia, await chain.tunisia.case()
    assert chain.asked in [each.id for each in await tunisia.do(drafting.to_pass_on)]
    to_libya = a_draft(tunisia.others["LY"], passes_on=chain.asked)
    draft = await tunisia.do(drafting.draft, case_id, to_libya)
    sent = await tunisia.asked(case_id, to_libya)
    await chain.italy.do(answering.take_back_answers, chain.asked)
    await chain.courier.carry()

    assert (await tunisia.file(draft)).request.status is Status.WITHDRAWN
    assert (await tunisia.file(sent)).request.status is Status.WITHDRAWN
    assert await tunisia.do(drafting.to_pass_on) == []
    with pytest.raises(Incomplete):
        await tunisia.do(drafting.draft, case_id, to_libya)
    assert not await is_red(chain)


async def test_where_the_child_now_fears_whoever_answered_they_learn_that_one_more_has_it_and_not_who(chain: Chain):
    await answered(chain)
    tunisia = chain.tunisia
    await tunisia.database.write(
        lambda tx: described_anew(tx, tunisia, tunisia.others["IT"], reports_to=frozenset({"IT"}))
    )
    afraid = Situation(frozenset({"IT"}), False)
    chain.passed = await passed_on(tunisia, "LY", chain.asked, chain.courier, situation=afraid)
    await chain.libya.do(answering.accept, chain.passed)
    await chain.courier.carry()

    [one] = await seen_by_italy(chain)
    assert (one.holder.country, one.holder.deployment, one.holder.items, one.holder.holds) == ("", "", (), True)


async def test_whoever_answers_behind_a_link_is_not_called_told(chain: Chain):
    """The page behind the link has no place for it: history says that nobody was told."""
    await answered(chain)
    tunisia = chain.tunisia
    await tunisia.database.write(lambda tx: described_anew(tx, tunisia, tunisia.others["IT"], by_link=True))
    chain.passed = await passed_on(tunisia, "LY", chain.asked, chain.courier)
    await chain.libya.do(answering.accept, chain.passed)
    await chain.courier.carry()

    assert (await chain.libya.file(chain.passed)).fields["names"] == "told names"
    history = [event.act for event in (await tunisia.file(chain.asked)).events]
    assert ("passing_not_told" in history, "passed_on_said" in history) == (True, False)


@pytest.mark.parametrize("named", [True, False])
async def test_what_is_said_of_the_one_way_changes_nothing_of_the_other(chain: Chain, named: bool):
    """Italy hears who has its answers. Under the same name it calls that its own doing and says they let it go."""
    await passed(chain)
    if not named:  # the gate let nobody say who
        [known] = (await chain.tunisia.file(chain.asked)).below_us
        nameless = replace(known.holder, deployment="", country="", items=())
        await chain.tunisia.database.write(lambda tx: passings.save(tx, nameless))
    lie = {"request": chain.asked, "passing": chain.passed}
    for kind, more in (("passed_on", {"country": "FR"}), ("holder_forgot", {}), ("passed_further", {})):
        await hand_over(chain.tunisia, "IT", kind, {**lie, **more}, request_type="info_child")

    [ours] = (await chain.tunisia.file(chain.asked)).below_us
    assert (ours.holder.country, ours.holder.holds) == ("LY" if named else "", True)
    assert (await chain.tunisia.file(chain.asked)).below_partner == ()
    with pytest.raises(NotNow):
        await chain.tunisia.do(acts.heard_directly, chain.asked, chain.passed)  # nor does an officer, by phone


async def test_nobody_is_said_to_have_an_answer_that_was_never_given_nor_to_forget_what_was_not_taken_back(
    chain: Chain,
):
    chain.asked = await chain.tunisia.asked(await chain.tunisia.case(), a_draft(chain.tunisia.others["IT"]))
    await chain.courier.carry()
    notice = {"request": chain.asked, "passing": new_id(), "country": "LY"}
    with pytest.raises(LetterRefused, match="not_accepted"):
        await hand_over(chain.italy, "TN", "passed_on", notice, request_type="info_child")
    with pytest.raises(NotNow):
        await chain.italy.do(answering.take_back_answers, chain.asked)
    with pytest.raises(LetterRefused, match="no_such_request"):  # whoever asked has answered nothing
        await hand_over(chain.italy, "TN", "answers_withdrawn", {"request": chain.asked}, request_type="info_child")

    await chain.italy.do(answering.accept, chain.asked)
    await chain.courier.carry()
    await answers(chain.italy, chain.asked)
    await chain.courier.carry()
    await hand_over(chain.italy, "TN", "answers_forgotten", {"request": chain.asked}, request_type="info_child")
    request = (await chain.italy.file(chain.asked)).request
    assert (request.told_withdrawn_at, request.forgotten_at) == (None, None)
    assert ANSWER in await words(chain.tunisia, chain.asked)


async def test_one_who_is_heard_of_after_all_is_asked_for_once_more(chain: Chain):
    """Tunisia passed it on after it had confirmed, or its notice crossed the word that takes it back."""
    await answered(chain)
    await chain.italy.do(answering.take_back_answers, chain.asked)
    await chain.courier.carry()
    assert not await is_red(chain)

    late = new_id()
    notice = {"request": chain.asked, "passing": late, "country": "LY"}
    await hand_over(chain.italy, "TN", "passed_on", notice, request_type="info_child")
    assert await is_red(chain)
    await chain.courier.carry()
    assert not (await chain.italy.file(chain.asked)).request.still_held  # asked once more, they confirm once more
    assert await is_red(chain)
    await chain.italy.do(acts.heard_directly, chain.asked, late)
    assert not await is_red(chain)


async def test_a_word_that_takes_back_and_did_not_arrive_is_said_again_by_hand(chain: Chain):
    await answered(chain)
    await chain.italy.do(answering.take_back_answers, chain.asked)
    [letter] = [
        each
        for each in await chain.italy.see(lambda tx: letters_store.letters_of(tx, chain.asked))
        if each.kind == "answers_withdrawn"
    ]
    gone = Receipt(chain.italy.others["TN"], letter.envelope_id, ReceiptState.UNDELIVERED, "connection", NOON)
    await chain.italy.database.write(lambda tx: RequestIntake(chain.italy.vault).told(tx, gone))
    await chain.italy.database.write(
        lambda tx: tx.execute(post.exchange_letters.delete().where(post.exchange_letters.c.id == letter.envelope_id))
    )
    await chain.courier.carry()
    assert await is_red(chain)
    assert await chain.italy.see(again.all_unheard) == [chain.asked]

    await chain.italy.do(again.send_again, chain.asked)
    await chain.courier.carry()
    assert not await is_red(chain)
    assert await words(chain.tunisia, chain.asked) == []


async def test_an_answer_that_tells_what_another_partner_answered_is_followed_and_taken_back_with_it(chain: Chain):
    await answered(chain)
    italy, tunisia, libya = chain.italy, chain.tunisia, chain.libya
    asked = await libya.asked(await libya.case(), a_draft(libya.others["TN"], asks=("harm", "services")))
    await chain.courier.carry()
    await tunisia.do(answering.accept, asked)
    await chain.courier.carry()
    told = answering.Answer("harm", ANSWER, "told", "high", passes_on=chain.asked)
    for unknown in (new_id(), asked):
        with pytest.raises(Incomplete):
            await tunisia.do(answering.write_answer, asked, replace(told, passes_on=unknown), once="")
    await tunisia.do(answering.write_answer, asked, told, once="")
    await tunisia.do(answering.release_answers, asked, endangers=False, ground=Ground.CHILD_ONLY)
    await chain.courier.carry()

    [has_it] = [branch.holder for branch in await seen_by_italy(chain)]  # whoever answered hears where its words went
    assert (has_it.passing, has_it.country, has_it.holds) == (asked, "LY", True)
    assert await words(libya, asked) == [ANSWER]

    await tunisia.do(answering.write_answer, asked, replace(told, key="services"), once="")
    await italy.do(answering.take_back_answers, chain.asked)  # what it said was wrong
    await chain.courier.carry()

    assert await words(libya, asked) == []
    assert not await is_red(chain)  # Libya has said that it keeps nothing
    with pytest.raises(NotNow):  # and what was written and had not left stays
        await tunisia.do(answering.release_answers, asked, endangers=False, ground=Ground.CHILD_ONLY)
    assert chain.courier.refused == []
