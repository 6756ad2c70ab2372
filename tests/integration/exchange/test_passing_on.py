"""What a child agreed to share is passed on by whoever got it: everybody further up learns who has it, and taking it
back reaches the last of them, whoever lies, goes round in circles, is lost or shut out on the way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.engine import Connection

from bot.cases import consent, telling
from bot.exchange import gate
from bot.exchange.gate import Situation
from bot.exchange.partners import store as partners
from bot.exchange.post import store as post
from bot.exchange.post.model import LetterRefused, Receipt, ReceiptState
from bot.exchange.requests import answering, drafting, gate_store, letters_store, overrides, sending
from bot.exchange.requests.consent_ends import WithdrawnConsents
from bot.exchange.requests.intake import RequestIntake
from bot.exchange.requests.model import Incomplete, NotNow, Status
from bot.exchange.requests.passing import acts
from bot.exchange.requests.passing import service as passings_service
from bot.exchange.requests.passing import store as passings
from bot.exchange.requests.passing.model import MOST, Branch, Holder
from bot.exchange.requests.reminders import Reminders
from bot.exchange.requests.transfer import store as transfers
from bot.kernel.ids import new_id
from bot.kernel.live import Signals
from tests.conftest import NOON
from tests.integration.exchange.chain import Chain, passed_on
from tests.integration.exchange.two_countries import (
    Courier,
    a_draft,
    an_agreement_to,
    described_anew,
    hand_over,
    put_partner,
)


async def told(chain: Chain) -> Chain:
    """Tunisia has it from Italy."""
    chain.case_id = await chain.italy.case(consented=False)
    row = await chain.italy.do(consent.record, chain.case_id, an_agreement_to(chain.italy.others["TN"]))
    chain.consent_id = row.id
    chain.asked = await chain.italy.asked(chain.case_id, a_draft(chain.italy.others["TN"]))
    await chain.courier.carry()
    await chain.tunisia.do(answering.accept, chain.asked)
    await chain.courier.carry()
    return chain


async def passed(chain: Chain, **situation: Any) -> Chain:
    """Libya has it from Tunisia."""
    await told(chain)
    await chain.on_to_libya(**situation)
    return chain


async def further(chain: Chain) -> Chain:
    """Chad has it from Libya."""
    await passed(chain)
    await chain.on_to_chad()
    return chain


def said(chain: Chain, kind: str) -> list[dict[str, Any]]:
    return [body for _, each, body in chain.courier.carried if each == kind]


async def test_whoever_told_it_first_sees_everybody_who_has_it_and_from_whom(chain: Chain):
    await further(chain)

    [libya] = await chain.below()
    assert (libya.holder.passing, libya.holder.country, libya.holder.holds) == (chain.passed, "LY", True)
    assert {"names", "data:family", "data:identity"} <= set(libya.holder.items)
    [chad] = libya.below
    assert (chad.holder.passing, chad.holder.parent, chad.holder.country) == (chain.further, chain.passed, "TD")
    partner = await chain.tunisia.see(lambda tx: partners.get(tx, chain.tunisia.others["LY"], chain.tunisia.vault))
    assert partner is not None
    assert libya.holder.deployment == partner.deployment
    assert not any("told" in str(body) for body in said(chain, "passed_on"))  # names of fields and ids, no words
    assert chain.courier.refused == []


async def test_taking_it_back_goes_down_the_tree_and_stays_red_until_the_last_has_confirmed(chain: Chain):
    await further(chain)
    chad, chain.courier = chain.courier, Courier(chain.italy, chain.tunisia, chain.libya)  # Chad cannot be reached
    await chain.taken_back()
    await chain.courier.carry()

    here = (await chain.italy.file(chain.asked)).request
    assert not here.still_held  # Tunisia itself has confirmed
    assert await chain.red() == [True]
    [libya] = await chain.below()
    assert (libya.holder.holds, libya.below[0].holder.holds) == (False, True)
    await chain.libya.database.write(_let_go_of_held)
    await chad.carry()

    assert await chain.red() == [False]
    assert (await chain.libya.file(chain.passed)).erased
    assert (await chain.chad.file(chain.further)).erased
    assert not any(branch.holder.holds for branch in await chain.below())


def _let_go_of_held(tx: Connection) -> None:
    letters = post.exchange_letters
    tx.execute(letters.update().where(letters.c.state == "held").values(state="waiting"))


async def test_what_two_people_decided_for_one_request_names_no_holder_of_another_childs_story(chain: Chain):
    """Whatever they weighed for Italy's request, nobody weighed what this child fears."""
    await told(chain)
    tunisia, afraid = chain.tunisia, Situation(frozenset({"IT"}), False)
    italy = tunisia.others["IT"]
    await tunisia.database.write(lambda tx: described_anew(tx, tunisia, italy, reports_to=frozenset({"IT"})))
    with pytest.raises(NotNow):
        await tunisia.do(overrides.ask_override, chain.asked, role="officer", reason="the lawyer agreed")
    override, at = new_id(), tunisia.clock.now()

    def taken_on_themselves(tx: Connection) -> None:
        partner = partners.get(tx, italy, tunisia.vault)
        assert partner is not None
        stops = gate.stops(afraid, [sending.recipient_of(partner)])
        gate_store.add_override(
            tx,
            override_id=override,
            request_id=chain.asked,
            covers=[(stop.why, stop.recipient, stop.country) for stop in stops],
            officer_id=tunisia.officer.id,
            role="officer",
            at=at,
            reason_sealed=b"sealed",
        )
        gate_store.second_override(tx, override, officer_id=tunisia.coordinator.id, role="coordinator", at=at)

    await tunisia.database.write(taken_on_themselves)
    chain.passed = await passed_on(tunisia, "LY", chain.asked, chain.courier, situation=afraid)
    await chain.libya.do(answering.accept, chain.passed)
    await chain.courier.carry()

    assert said(chain, "passed_on") == []
    [one] = await chain.below()
    assert one.holder.country == ""


async def test_where_the_gate_shuts_out_who_has_it_those_above_learn_that_one_more_has_it(chain: Chain):
    """The child who is in Tunisia now fears Italy's partner there: nothing may tell it where she is spoken of."""
    await told(chain)
    await chain.tunisia.database.write(
        lambda tx: described_anew(tx, chain.tunisia, chain.tunisia.others["IT"], reports_to=frozenset({"IT"}))
    )
    chain.passed = await passed_on(
        chain.tunisia, "LY", chain.asked, chain.courier, situation=Situation(frozenset({"IT"}), False)
    )
    await chain.libya.do(answering.accept, chain.passed)
    await chain.courier.carry()

    [one] = await chain.below()
    assert (one.holder.country, one.holder.deployment, one.holder.items, one.holder.holds) == ("", "", (), True)
    assert said(chain, "passed_on") == []
    await chain.taken_back()
    await chain.courier.carry()
    assert await chain.red() == [False]


async def test_where_a_child_is_spoken_of_is_not_told_to_whom_she_tells_nothing_any_more(chain: Chain):
    """She let Italy know, and took it back: whoever hears of what is hers next, Italy learns that one more has it."""
    await told(chain)
    tunisia = chain.tunisia
    case_id = await tunisia.case(consented=False)
    row = await tunisia.do(consent.record, case_id, an_agreement_to(tunisia.others["IT"]))
    await tunisia.do(consent.record, case_id, an_agreement_to(tunisia.others["LY"]))
    named = await tunisia.asked(case_id, a_draft(tunisia.others["LY"], passes_on=chain.asked))
    await chain.courier.carry()
    await chain.libya.do(answering.accept, named)
    await tunisia.do(consent.withdraw, case_id, row.id, holders=[WithdrawnConsents()])
    await chain.courier.carry()
    second = await tunisia.asked(case_id, a_draft(tunisia.others["LY"], passes_on=chain.asked))
    await chain.courier.carry()
    await chain.libya.do(answering.accept, second)
    await chain.courier.carry()

    assert said(chain, "passed_on") == []
    assert {(each.holder.passing, each.holder.country, each.holder.holds) for each in await chain.below()} == {
        (named, "", True),
        (second, "", True),
    }


async def test_a_notice_that_was_lost_is_said_again(chain: Chain):
    await told(chain)
    chain.passed = await passed_on(chain.tunisia, "LY", chain.asked, Courier(chain.tunisia, chain.libya))
    await chain.libya.do(answering.accept, chain.passed)
    await Courier(chain.tunisia, chain.libya).carry()
    [letter] = [
        each
        for each in await chain.tunisia.see(lambda tx: letters_store.letters_of(tx, chain.asked))
        if each.kind == "passed_on"
    ]
    gone = Receipt(chain.tunisia.others["IT"], letter.envelope_id, ReceiptState.UNDELIVERED, "connection", NOON)
    await chain.tunisia.database.write(lambda tx: RequestIntake(chain.tunisia.vault).told(tx, gone))
    assert await chain.below() == ()

    reminders = Reminders(chain.tunisia.database, chain.tunisia.clock, Signals(), chain.tunisia.vault)
    await reminders.look()
    await chain.courier.carry()
    assert await chain.below() == ()  # a day has to pass: nobody is flooded
    chain.tunisia.clock.advance(timedelta(days=1))
    await reminders.look()
    await reminders.look()
    await chain.courier.carry()

    [libya] = await chain.below()
    assert libya.holder.passing == chain.passed
    assert len(said(chain, "passed_on")) == 1


@pytest.mark.parametrize("code", ["no_such_request", "not_accepted", "too_many_holders"])
async def test_a_notice_that_is_never_taken_is_not_said_every_day_and_is_not_called_heard(chain: Chain, code: str):
    await told(chain)
    chain.passed = await passed_on(chain.tunisia, "LY", chain.asked, Courier(chain.tunisia, chain.libya))
    await chain.libya.do(answering.accept, chain.passed)
    await Courier(chain.tunisia, chain.libya).carry()
    reminders = Reminders(chain.tunisia.database, chain.tunisia.clock, Signals(), chain.tunisia.vault)
    for _ in range(3):
        letters = await chain.tunisia.see(lambda tx: letters_store.letters_of(tx, chain.asked))
        newest = [each for each in letters if each.kind == "passed_on"][-1]
        refused = Receipt(chain.tunisia.others["IT"], newest.envelope_id, ReceiptState.REFUSED, code, NOON)
        await chain.tunisia.database.write(lambda tx, news=refused: RequestIntake(chain.tunisia.vault).told(tx, news))
        chain.tunisia.clock.advance(timedelta(days=1))
        await reminders.look()

    history = [event.act for event in (await chain.tunisia.file(chain.asked)).events]
    assert (history.count("passed_on_said"), history.count("passing_refused")) == (1, 1)


async def test_one_of_whom_no_notice_came_is_named_with_the_word_that_the_partner_forgets(chain: Chain):
    """Every notice on the way was lost, and Chad cannot be reached: the tree is red all the same."""
    await told(chain)
    await chain.taken_back()
    one, other = new_id(), new_id()
    await hand_over(
        chain.italy,
        "TN",
        "withdrawal_done",
        {"request": chain.asked, "below": [one], "gone": [other]},
        request_type="info_child",
    )

    assert await chain.red() == [True]
    assert {(each.holder.passing, each.holder.holds) for each in await chain.below()} == {(one, True), (other, False)}
    await hand_over(
        chain.italy, "TN", "holder_forgot", {"request": chain.asked, "passing": one}, request_type="info_child"
    )
    assert await chain.red() == [False]


@pytest.mark.on_both
async def test_one_who_is_heard_of_after_all_had_confirmed_is_red_again_and_called_for_once(chain: Chain):
    await told(chain)
    await chain.taken_back()
    await chain.courier.carry()
    assert await chain.red() == [False]
    late = {"request": chain.asked, "passing": new_id(), "country": "LY"}
    for _ in range(3):
        await hand_over(chain.italy, "TN", "passed_on", late, request_type="info_child")
    assert await chain.red() == [True]
    assert (await chain.italy.file(chain.asked)).request.still_held
    await chain.courier.carry()

    assert len(said(chain, "request_withdrawn")) == 2  # asked once more, and not for each repeat
    assert not (await chain.italy.file(chain.asked)).request.still_held
    assert await chain.red() == [True]
    gone = {"request": chain.asked, "passing": late["passing"]}
    await hand_over(chain.italy, "TN", "holder_forgot", gone, request_type="info_child")
    assert await chain.red() == [False]
    again = {"request": chain.asked, "below": [new_id()]}
    await hand_over(chain.italy, "TN", "withdrawal_done", again, request_type="info_child")
    assert await chain.red() == [True]


async def test_a_notice_that_says_more_than_ids_and_names_of_fields_is_refused(chain: Chain):
    await told(chain)
    lie = {"request": chain.asked, "passing": new_id(), "items": ["Amina Trabelsi"]}

    with pytest.raises(LetterRefused, match="bad_body"):
        await hand_over(chain.italy, "TN", "passed_on", lie, request_type="info_child")

    assert await chain.below() == ()


async def test_a_partner_speaks_for_its_own_branch_alone_and_only_of_what_it_was_told(chain: Chain):
    case_id = await chain.italy.case()
    chain.asked = await chain.italy.asked(case_id, a_draft(chain.italy.others["TN"]))
    await chain.courier.carry()
    notice = {"request": chain.asked, "passing": new_id(), "country": "LY"}
    with pytest.raises(LetterRefused, match="not_accepted"):  # it was told nothing that it could have passed on
        await hand_over(chain.italy, "TN", "passed_on", notice, request_type="info_child")
    chain.italy.others["LY"] = await chain.italy.database.write(
        lambda tx: put_partner(tx, chain.italy.vault, country="LY")
    )
    await chain.tunisia.do(answering.accept, chain.asked)
    await chain.courier.carry()

    with pytest.raises(LetterRefused, match="no_such_request"):  # another partner's request is not there
        await hand_over(chain.italy, "LY", "passed_on", notice, request_type="info_child")
    forgot = {"request": chain.asked, "passing": notice["passing"]}
    with pytest.raises(LetterRefused, match="no_such_request"):
        await hand_over(chain.italy, "LY", "holder_forgot", forgot, request_type="info_child")
    assert await chain.below() == ()


async def test_holders_in_a_circle_each_stand_in_the_tree_once_and_a_flood_is_refused(chain: Chain):
    await told(chain)
    one, other = new_id(), new_id()
    for passing, parent in ((one, other), (other, one)):
        notice = {"request": chain.asked, "passing": passing, "parent": parent, "country": "LY"}
        await hand_over(chain.italy, "TN", "passed_on", notice, request_type="info_child")

    def count(branches: tuple[Branch, ...]) -> int:
        return sum(1 + count(each.below) for each in branches)

    assert count(await chain.below()) == 2
    more = [Holder(chain.asked, new_id(), at=NOON) for _ in range(MOST - 2)]
    await chain.italy.database.write(lambda tx: [passings.add(tx, each) for each in more])
    notice = {"request": chain.asked, "passing": new_id()}
    with pytest.raises(LetterRefused, match="too_many_holders"):
        await hand_over(chain.italy, "TN", "passed_further", notice, request_type="info_child")


async def test_where_the_one_in_the_middle_is_shut_out_an_officer_hears_the_last_directly(chain: Chain):
    """Italy closed Tunisia's channel: nothing comes through it any more, and Libya's word is heard by phone."""
    await passed(chain)
    await chain.italy.database.write(
        lambda tx: tx.execute(partners.exchange_partners.update().values(closed_at=chain.italy.clock.now()))
    )
    await chain.taken_back()
    await chain.courier.carry()
    assert await chain.red() == [True]

    await chain.italy.do(acts.heard_directly, chain.asked, chain.passed)
    [libya] = await chain.below()
    assert (libya.holder.holds, libya.holder.by_phone) == (False, True)
    assert await chain.red() == [True]  # Tunisia itself has said nothing
    with pytest.raises(NotNow):
        await chain.italy.do(acts.heard_directly, chain.asked, chain.passed)


async def test_what_an_officer_hears_by_phone_of_the_last_is_passed_up(chain: Chain):
    await further(chain)
    await chain.tunisia.do(acts.heard_directly, chain.passed, chain.further)
    await chain.courier.carry()

    [libya] = await chain.below()
    assert (libya.holder.holds, libya.below[0].holder.holds) == (True, False)


async def test_whoever_told_us_and_reads_behind_a_link_now_keeps_none_of_our_own_letters_back(chain: Chain):
    await told(chain)
    tunisia = chain.tunisia
    await tunisia.database.write(lambda tx: described_anew(tx, tunisia, tunisia.others["IT"], by_link=True))
    chain.passed = await passed_on(tunisia, "LY", chain.asked, chain.courier)
    await chain.libya.do(answering.accept, chain.passed)
    await chain.courier.carry()
    below = {"request": chain.passed, "passing": new_id()}
    await hand_over(tunisia, "LY", "passed_on", below, request_type="info_child")
    await hand_over(tunisia, "LY", "holder_forgot", below, request_type="info_child")

    assert (await chain.libya.file(chain.passed)).fields["names"] == "told names"
    assert "passing_not_told" in [event.act for event in (await tunisia.file(chain.asked)).events]


async def test_what_two_officers_decided_is_not_taken_back_from_above_and_stays_red_there(chain: Chain):
    await told(chain)
    case_id = await chain.tunisia.case(consented=False)
    wanted = {"kind": consent.Kind.OVERRIDE, "reason": "trafficking", "why": "He waits outside.", "text": "Not asked."}
    row = await chain.tunisia.do(consent.record, case_id, an_agreement_to(chain.tunisia.others["LY"], **wanted))
    await chain.tunisia.do(telling.record, case_id, telling.Said(row.id, why_not="danger"), once="")
    await chain.tunisia.do(consent.second, case_id, row.id, by=chain.tunisia.coordinator)
    chain.passed = await chain.tunisia.asked(case_id, a_draft(chain.tunisia.others["LY"], passes_on=chain.asked))
    await chain.courier.carry()
    await chain.libya.do(answering.accept, chain.passed)
    await chain.courier.carry()
    await chain.taken_back()
    await chain.courier.carry()

    file = await chain.tunisia.file(chain.passed)
    assert "taken_back_above" in [event.act for event in file.events]
    assert file.request.told_withdrawn_at is None
    assert await chain.red() == [True]


async def test_a_draft_does_not_outlive_what_it_tells(chain: Chain):
    """Neither one that two officers decided on and nobody approved, nor one that was written down at that moment."""
    await told(chain)
    case_id = await chain.tunisia.case(consented=False)
    wanted = {"kind": consent.Kind.OVERRIDE, "reason": "trafficking", "why": "He waits outside.", "text": "Not asked."}
    row = await chain.tunisia.do(consent.record, case_id, an_agreement_to(chain.tunisia.others["LY"], **wanted))
    await chain.tunisia.do(telling.record, case_id, telling.Said(row.id, why_not="danger"), once="")
    await chain.tunisia.do(consent.second, case_id, row.id, by=chain.tunisia.coordinator)
    to_libya = chain.tunisia.others["LY"]
    draft = await chain.tunisia.do(drafting.draft, case_id, a_draft(to_libya, passes_on=chain.asked))
    other = await chain.tunisia.asked(await chain.tunisia.case(), a_draft(to_libya))
    await chain.taken_back()
    await chain.courier.carry()
    assert (await chain.tunisia.file(draft)).request.status is Status.WITHDRAWN

    late = (await chain.tunisia.file(other)).request
    with pytest.raises(NotNow, match="taken_back"):
        await chain.tunisia.database.write(lambda tx: passings_service.plan(tx, late, chain.asked))
    planned = Holder(chain.asked, other, case_id=late.case_id)
    await chain.tunisia.database.write(lambda tx: passings.add(tx, planned))
    await chain.libya.do(answering.accept, other)
    await chain.courier.carry()
    assert (await chain.libya.file(other)).fields == {}
    kept = next(event for event in (await chain.tunisia.file(other)).events if event.act == "body_kept_back")
    assert kept.facts == {"why": "taken_back"}


async def test_a_case_that_came_to_us_is_passed_on_to_the_knowledge_of_whoever_had_it(chain: Chain):
    """No officer has to say where a case came from that was handed over."""
    case_id = await chain.italy.case()
    chain.asked = await chain.italy.asked(case_id, a_draft(chain.italy.others["TN"], "case_transfer"))
    await chain.courier.carry()
    await chain.tunisia.do(answering.accept, chain.asked)
    await chain.courier.carry()
    moved = await chain.tunisia.see(lambda tx: transfers.get(tx, chain.asked))
    assert moved is not None
    for partner_id in chain.tunisia.others.values():  # the child lets Italy know
        await chain.tunisia.do(consent.record, moved.case_id, an_agreement_to(partner_id))
    passed_by = await chain.tunisia.asked(moved.case_id, a_draft(chain.tunisia.others["LY"]))
    await chain.courier.carry()
    await chain.libya.do(answering.accept, passed_by)
    await chain.courier.carry()

    [libya] = await chain.below()
    assert (libya.holder.passing, libya.holder.country) == (passed_by, "LY")


async def test_a_draft_names_only_a_request_that_its_officer_may_read_and_that_told_something(chain: Chain):
    await told(chain)
    case_id = await chain.tunisia.case()
    [found] = await chain.tunisia.do(drafting.to_pass_on)
    assert found.id == chain.asked
    stranger = await chain.tunisia.world.officer("stranger")
    assert await chain.tunisia.do(drafting.to_pass_on, by=stranger) == []
    draft = a_draft(chain.tunisia.others["LY"], passes_on=new_id())
    with pytest.raises(Incomplete):
        await chain.tunisia.do(drafting.draft, case_id, draft)


async def asked_beside(chain: Chain) -> str:
    """Tunisia asks Libya once more with what it had from Italy: another branch. Not accepted yet."""
    return await passed_on(chain.tunisia, "LY", chain.asked, chain.courier)


async def test_whoever_told_us_cannot_say_that_those_whom_we_told_keep_nothing(chain: Chain):
    """Italy hears who has it from Tunisia. On another request, of Tunisia's to Italy, it says that Libya let it go."""
    await passed(chain)
    other = await chain.tunisia.asked(await chain.tunisia.case(), a_draft(chain.tunisia.others["IT"]))
    await chain.courier.carry()
    await chain.italy.do(answering.accept, other)
    await chain.courier.carry()
    await hand_over(
        chain.tunisia, "IT", "holder_forgot", {"request": other, "passing": chain.passed}, request_type="info_child"
    )
    await chain.courier.carry()

    [libya] = await chain.below()
    assert libya.holder.holds
    assert said(chain, "holder_forgot") == []


async def test_one_branch_says_nothing_of_another(chain: Chain):
    await passed(chain)
    chain.further = await asked_beside(chain)
    await chain.libya.do(answering.accept, chain.further)
    await chain.courier.carry()
    below = new_id()
    notice = {"request": chain.further, "passing": below, "country": "TD"}
    await hand_over(chain.tunisia, "LY", "passed_on", notice, request_type="info_child")
    for kind, more in (("passed_on", {"country": "FR"}), ("holder_forgot", {})):
        lie = {"request": chain.passed, "passing": below, **more}
        await hand_over(chain.tunisia, "LY", kind, lie, request_type="info_child")
    await chain.courier.carry()

    held = {each.holder.passing: each for branch in await chain.below() for each in (branch, *branch.below)}
    assert (held[below].holder.holds, held[below].holder.country, held[below].holder.parent) == (
        True,
        "TD",
        chain.further,
    )
    forgot = {"request": chain.further, "passing": below}
    await hand_over(chain.tunisia, "LY", "holder_forgot", forgot, request_type="info_child")
    await chain.courier.carry()
    held = {each.holder.passing: each for branch in await chain.below() for each in (branch, *branch.below)}
    assert not held[below].holder.holds


async def test_a_partner_cannot_make_itself_nameless_by_naming_our_request_before_it_is_told(chain: Chain):
    await passed(chain)
    second = await asked_beside(chain)
    lie = {"request": chain.passed, "passing": second}
    await hand_over(chain.tunisia, "LY", "passed_further", lie, request_type="info_child")
    await chain.libya.do(answering.accept, second)
    await chain.courier.carry()

    named = {branch.holder.passing: branch.holder.country for branch in await chain.below()}
    assert named == {chain.passed: "LY", second: "LY"}


async def test_a_request_that_somebody_below_names_as_its_own_is_not_withdrawn_for_it(chain: Chain):
    """It is about another child."""
    await passed(chain)
    other = await chain.tunisia.asked(await chain.tunisia.case(), a_draft(chain.tunisia.others["LY"]))
    lie = {"request": chain.passed, "passing": other, "country": "TD"}
    await hand_over(chain.tunisia, "LY", "passed_on", lie, request_type="info_child")
    await chain.courier.carry()
    await chain.taken_back()
    await chain.courier.carry()

    assert (await chain.tunisia.file(chain.passed)).request.status is Status.WITHDRAWN
    assert (await chain.tunisia.file(other)).request.status is not Status.WITHDRAWN
