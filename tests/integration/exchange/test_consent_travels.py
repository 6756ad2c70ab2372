"""Consent travels: nothing about a child of ours is asked or told abroad unless an entry of the ledger carries it then,
and whoever takes it back is heard by everybody who has something."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.cases import consent, telling
from bot.cases import service as cases
from bot.cases import store as case_store
from bot.cases.consent import Consent, Kind, Share
from bot.cases.model import NotReadyToClose
from bot.exchange.holds import service as holds
from bot.exchange.partners import store as partners
from bot.exchange.post import store as post
from bot.exchange.requests import answering, drafting, hold_notices, sending, service, thread
from bot.exchange.requests.answering import Answer
from bot.exchange.requests.consent_ends import WithdrawnConsents
from bot.exchange.requests.model import Ground, NoConsent, NotNow, Status
from bot.exchange.requests.reminders import Reminders
from bot.kernel.live import Signals
from tests.integration.exchange.two_countries import Country, Courier, a_draft, an_agreement_to


async def agreed(italy: Country, case_id: str, **changed: Any) -> Consent:
    return await italy.do(consent.record, case_id, an_agreement_to(italy.others["TN"], **changed))


async def overridden(italy: Country, case_id: str) -> Consent:
    """Two officers decide to share without consent."""
    wanted = {
        "kind": Kind.OVERRIDE,
        "reason": "guardian_is_risk",
        "why": "He asks for her papers.",
        "text": "Not asked.",
    }
    row = await agreed(italy, case_id, **wanted)
    await italy.do(telling.record, case_id, telling.Said(row.id, why_not="danger"), once="")
    await italy.do(consent.second, case_id, row.id, by=italy.coordinator)
    return row


async def taken_back(italy: Country, case_id: str, consent_id: str) -> None:
    await italy.do(consent.withdraw, case_id, consent_id, holders=[WithdrawnConsents()])


async def drafted(italy: Country, case_id: str, type_key: str = "info_child") -> str:
    return await italy.do(drafting.draft, case_id, a_draft(italy.others["TN"], type_key))


async def told(italy: Country, tunisia: Country, courier: Courier) -> tuple[str, str, str]:
    """A case, a consent, and a request whose partner has the personal part."""
    case_id = await italy.case(consented=False)
    row = await agreed(italy, case_id)
    request_id = await italy.asked(case_id, a_draft(italy.others["TN"]))
    await courier.carry()
    await tunisia.do(answering.accept, request_id)
    await courier.carry()
    return case_id, row.id, request_id


async def shares(italy: Country, case_id: str) -> list[Share]:
    return await italy.see(lambda tx: consent.shares_of(tx, case_id))


async def acts(country: Country, request_id: str) -> list[str]:
    return [event.act for event in (await country.file(request_id)).events]


async def test_one_may_draft_without_consent_and_approve_nothing(italy: Country, courier: Courier):
    case_id = await italy.case(consented=False)
    request_id = await drafted(italy, case_id)

    with pytest.raises(NoConsent):
        await italy.do(service.approve, request_id, by=italy.coordinator)

    file = await italy.file(request_id)
    assert file.request.status is Status.DRAFTED
    assert file.consent is None
    assert file.request.consent_ref == ""


@pytest.mark.parametrize(
    "not_enough",
    [
        {"items": ("data:identity",)},  # of the family nobody has spoken
        {"withheld": ("data:family",), "items": ("data:identity",)},
        {"purpose": consent.Purpose.REFERRAL},
        {"recipient": "partner:another"},
        {"kind": Kind.ASSENT},
        {"kind": Kind.OVERRIDE, "reason": "trafficking", "why": "Tonight."},  # one officer is not two
    ],
)
async def test_a_consent_to_something_else_carries_no_request(
    italy: Country, courier: Courier, not_enough: dict[str, Any]
):
    case_id = await italy.case(consented=False)
    await agreed(italy, case_id, **not_enough)
    request_id = await drafted(italy, case_id)

    with pytest.raises(NoConsent):
        await italy.do(service.approve, request_id, by=italy.coordinator)


async def test_the_newest_word_of_the_child_counts(italy: Country, courier: Courier):
    case_id = await italy.case()
    request_id = await drafted(italy, case_id)
    italy.clock.advance(timedelta(minutes=1))
    await agreed(italy, case_id, kind=Kind.ASSENT, items=("data:identity",), withheld=("data:family",))

    with pytest.raises(NoConsent):
        await italy.do(service.approve, request_id, by=italy.coordinator)


async def test_where_asking_is_dangerous_two_officers_carry_it(italy: Country, tunisia: Country, courier: Courier):
    case_id = await italy.case(consented=False)
    row = await overridden(italy, case_id)

    request_id = await italy.asked(case_id, a_draft(italy.others["TN"]))

    assert (await italy.file(request_id)).request.consent_ref == f"consent:{row.id}"


async def test_every_personal_letter_is_in_the_ledger_and_points_at_its_entry(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id, consent_id, request_id = await told(italy, tunisia, courier)
    await italy.do(thread.write_message, request_id, text="She has a brother.", once="1")

    found = await shares(italy, case_id)
    assert [share.consent_id for share in found] == [consent_id, consent_id]
    assert {share.what for share in found} == {f"exchange:{request_id}"}
    assert {share.items for share in found} == {("data:family", "data:identity")}
    assert {share.shared_by for share in found} == {italy.coordinator.id, italy.officer.id}  # who stands for each
    letters = await italy.see(lambda tx: post.waiting_letters(tx, italy.others["TN"], limit=9))
    assert [each.consent_ref for each in letters if each.kind == "request_message"] == [f"consent:{consent_id}"]
    assert (await tunisia.file(request_id)).request.consent_ref == f"consent:{consent_id}"


async def test_without_consent_any_more_the_personal_part_stays_here_and_a_human_is_called(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id = await italy.case(consented=False)
    await agreed(italy, case_id, expires_at=italy.clock.now() + timedelta(days=2))
    request_id = await italy.asked(case_id, a_draft(italy.others["TN"]))
    await courier.carry()
    italy.clock.advance(timedelta(days=2))
    await tunisia.do(answering.accept, request_id)
    await courier.carry()

    last = (await italy.file(request_id)).events[-1]
    assert (last.act, last.facts) == ("body_kept_back", {"why": "consent"})
    assert await shares(italy, case_id) == []
    with pytest.raises(NoConsent):
        await italy.do(service.disclose_again, request_id)
    await agreed(italy, case_id)
    await italy.do(service.disclose_again, request_id)
    await courier.carry()
    assert (await tunisia.file(request_id)).fields["names"] == "told names"


async def test_no_message_leaves_when_the_consent_has_ended(italy: Country, tunisia: Country, courier: Courier):
    case_id, _, request_id = await told(italy, tunisia, courier)
    italy.clock.advance(consent.LASTS)

    with pytest.raises(NoConsent):
        await italy.do(thread.write_message, request_id, text="She has a brother.", once="1")

    assert len((await italy.file(request_id)).lines) == 0
    assert len(await shares(italy, case_id)) == 1


async def test_taking_it_back_withdraws_the_request_until_the_partner_has_forgotten(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id, consent_id, request_id = await told(italy, tunisia, courier)
    await taken_back(italy, case_id, consent_id)

    here = (await italy.file(request_id)).request
    assert here.status is Status.WITHDRAWN
    assert here.still_held
    assert [share.waits_for_recipient for share in await shares(italy, case_id)] == [True]
    with pytest.raises(NotReadyToClose):
        await italy.do(cases.close_case, case_id, closing="safe", checked=frozenset())
    await courier.carry()

    assert (await tunisia.file(request_id)).erased
    assert not (await italy.file(request_id)).request.still_held
    assert [share.waits_for_recipient for share in await shares(italy, case_id)] == [False]
    assert courier.refused == []


async def test_a_partner_with_an_answered_request_is_asked_to_forget_too(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id, consent_id, request_id = await told(italy, tunisia, courier)
    for key in ("who_cared", "harm", "services"):
        await tunisia.do(answering.write_answer, request_id, Answer(key, "nothing", "seen", "high"), once=key)
    await tunisia.do(answering.release_answers, request_id, endangers=False, ground=Ground.CHILD_ONLY)
    await courier.carry()
    await taken_back(italy, case_id, consent_id)
    assert (await italy.file(request_id)).request.still_held
    await courier.carry()

    assert (await tunisia.file(request_id)).erased
    here = (await italy.file(request_id)).request
    assert (here.status, here.still_held) == (Status.ANSWERED, False)


async def test_what_two_officers_carry_goes_on_when_the_guardian_takes_it_back(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id, consent_id, request_id = await told(italy, tunisia, courier)
    await overridden(italy, case_id)
    await taken_back(italy, case_id, consent_id)

    assert (await italy.file(request_id)).request.status is Status.ACCEPTED
    assert await italy.do(thread.write_message, request_id, text="She is in danger.", once="1")


async def test_a_draft_waits_for_another_consent(italy: Country, courier: Courier):
    case_id = await italy.case(consented=False)
    row = await agreed(italy, case_id)
    draft, approved = await drafted(italy, case_id), await drafted(italy, case_id)
    await italy.do(service.approve, approved, by=italy.coordinator)
    await taken_back(italy, case_id, row.id)

    assert (await italy.file(draft)).request.status is Status.DRAFTED
    there = (await italy.file(approved)).request
    assert (there.status, there.still_held) == (Status.WITHDRAWN, False)  # nobody was told anything


async def test_a_closed_channel_does_not_keep_a_child_from_taking_it_back(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id, consent_id, request_id = await told(italy, tunisia, courier)
    await italy.database.write(
        lambda tx: tx.execute(partners.exchange_partners.update().values(closed_at=italy.clock.now()))
    )
    await taken_back(italy, case_id, consent_id)

    here = (await italy.file(request_id)).request
    assert (here.status, here.still_held) == (Status.WITHDRAWN, True)
    assert "not_told" in await acts(italy, request_id)  # a human calls them


async def test_when_the_time_of_a_consent_is_over_whoever_was_told_is_asked_to_forget_and_stays_red_until_then(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id, consent_id, request_id = await told(italy, tunisia, courier)
    italy.clock.advance(consent.LASTS + timedelta(minutes=1))

    await look(italy)

    file = await italy.file(request_id)
    assert (file.request.status, file.request.still_held) == (Status.WITHDRAWN, True)
    assert "consent_ended" in await acts(italy, request_id)
    await courier.carry()
    assert (await tunisia.file(request_id)).erased
    assert not (await italy.file(request_id)).request.still_held
    assert all(share.withdrawal_seen_at for share in await shares(italy, case_id) if share.consent_id == consent_id)
    alarm = await italy.see(lambda tx: case_store.get_alarm(tx, case_id, lock=False))
    assert alarm is not None


async def test_an_answered_request_is_forgotten_too_when_the_time_of_its_consent_is_over(
    italy: Country, tunisia: Country, courier: Courier
):
    _case_id, _consent_id, request_id = await told(italy, tunisia, courier)
    for ask in (await tunisia.file(request_id)).request.asks:
        await tunisia.do(answering.write_answer, request_id, Answer(ask, "Well.", "seen", "high"), once=ask)
    await tunisia.do(answering.release_answers, request_id, endangers=False, ground=Ground.CHILD_ONLY)
    await courier.carry()
    italy.clock.advance(consent.LASTS + timedelta(minutes=1))

    await look(italy)
    await courier.carry()

    file = await italy.file(request_id)
    assert (file.request.status, file.request.forgotten_at is not None) == (Status.ANSWERED, True)
    assert (await tunisia.file(request_id)).erased


async def test_where_somebody_has_agreed_anew_nothing_is_forgotten(italy: Country, tunisia: Country, courier: Courier):
    case_id, _consent_id, request_id = await told(italy, tunisia, courier)
    italy.clock.advance(consent.LASTS - timedelta(days=1))
    newer = await agreed(italy, case_id)
    italy.clock.advance(timedelta(days=2))

    await look(italy)

    request = (await italy.file(request_id)).request
    assert request.consent_ref == f"consent:{newer.id}"
    assert request.told_withdrawn_at is None


async def test_what_two_officers_decided_runs_out_and_they_are_called_and_nothing_is_taken_back_that_is_owed(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id = await italy.case(consented=False)
    await overridden(italy, case_id)
    request_id = await italy.asked(case_id, a_draft(italy.others["TN"]))
    await courier.carry()
    await tunisia.do(answering.accept, request_id)
    await courier.carry()
    italy.clock.advance(consent.OVERRIDE_LASTS + timedelta(minutes=1))

    await look(italy)
    await look(italy)

    assert (await italy.file(request_id)).request.status is Status.ACCEPTED
    assert (await acts(italy, request_id)).count("override_ended") == 1


async def look(country: Country) -> None:
    """The watch over due dates looks once."""
    await Reminders(country.database, country.clock, Signals(), country.vault).look()


async def test_a_partner_that_never_had_it_keeps_nothing(italy: Country, tunisia: Country, courier: Courier):
    case_id = await italy.case(consented=False)
    row = await agreed(italy, case_id)
    request_id = await italy.asked(case_id, a_draft(italy.others["TN"]))
    letters = post.exchange_letters
    await italy.database.write(lambda tx: tx.execute(letters.update().values(state="undelivered")))
    await taken_back(italy, case_id, row.id)
    await courier.carry()

    assert courier.refused == [("request_withdrawn", "no_such_request")]
    assert not (await italy.file(request_id)).request.still_held


async def test_the_notice_of_a_hold_needs_no_consent_and_says_nothing_but_codes(
    italy: Country, tunisia: Country, courier: Courier
):
    """Whoever could take the consent back may be the one it protects from."""
    case_id, consent_id, request_id = await told(italy, tunisia, courier)
    dossier = await italy.do(holds.open_dossier, case_id, name="Kaboul Zitouni", claimed="uncle_aunt", once="")
    hold = await italy.do(holds.place_hold, dossier)
    await taken_back(italy, case_id, consent_id)
    await italy.do(hold_notices.tell_hold, hold.id, [request_id])

    [notice] = [
        each
        for each in await italy.see(lambda tx: post.waiting_letters(tx, italy.others["TN"], limit=9))
        if each.kind == "hold_placed"
    ]
    assert (notice.consent_ref, notice.data_classes) == (None, frozenset())
    assert "hold_placed" not in sending.RESTS_ON_CONSENT
    assert [share.what for share in await shares(italy, case_id)] == [f"exchange:{request_id}"]  # it told no more


# What we answer


async def to_answer(italy: Country, tunisia: Country, courier: Courier, type_key: str) -> str:
    request_id = await italy.asked(await italy.case(), a_draft(italy.others["TN"], type_key))
    await courier.carry()
    await tunisia.do(answering.accept, request_id)
    await courier.carry()
    asked = (await tunisia.file(request_id)).request.asks[0]
    await tunisia.do(answering.write_answer, request_id, Answer(asked, "his aunt", "told", "low"), once="1")
    return request_id


async def test_where_somebody_could_not_be_asked_a_second_person_lets_the_answer_go(
    italy: Country, tunisia: Country, courier: Courier
):
    request_id = await to_answer(italy, tunisia, courier, "verify_adult")

    with pytest.raises(NotNow, match="second_person"):
        await tunisia.do(answering.release_answers, request_id, endangers=False, ground=Ground.NECESSARY)
    await tunisia.do(
        answering.release_answers, request_id, endangers=False, ground=Ground.NECESSARY, by=tunisia.coordinator
    )
    await courier.carry()

    answer = next(said for said in (await italy.file(request_id)).lines if said.line.kind == "answer")
    assert answer.line.facts["ground"] == Ground.NECESSARY  # whoever asked reads on what it rests


async def test_of_relatives_who_are_looked_for_nothing_is_told_before_they_agree(
    italy: Country, tunisia: Country, courier: Courier
):
    request_id = await to_answer(italy, tunisia, courier, "family_trace")

    with pytest.raises(NotNow, match="relatives_agree"):
        await tunisia.do(
            answering.release_answers, request_id, endangers=False, ground=Ground.NECESSARY, by=tunisia.coordinator
        )
    await tunisia.do(answering.release_answers, request_id, endangers=False, ground=Ground.AGREED)


async def test_what_a_guardian_agreed_to_goes_nowhere_before_somebody_says_whether_the_child_was_told(
    italy: Country, courier: Courier
):
    case_id = await italy.case(consented=False)
    row = await agreed(italy, case_id, giver="guardian")
    request_id = await drafted(italy, case_id)
    with pytest.raises(NotNow, match="not_told"):
        await italy.do(service.approve, request_id, by=italy.coordinator)

    await italy.do(telling.record, case_id, telling.Said(row.id, why_not="unreachable"), once="")

    await italy.do(service.approve, request_id, by=italy.coordinator)
    assert (await italy.do(service.send_request, request_id)).status is Status.SENT


async def test_no_letter_rests_on_a_newer_word_of_the_guardian_before_somebody_says_whether_the_child_was_told(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id, _, request_id = await told(italy, tunisia, courier)
    italy.clock.advance(timedelta(minutes=1))
    row = await agreed(italy, case_id, giver="guardian")

    with pytest.raises(NotNow, match="not_told"):
        await italy.do(thread.write_message, request_id, text="He is twelve.", once="1")
    assert (await italy.file(request_id)).lines == []

    await italy.do(telling.record, case_id, telling.Said(row.id, why_not="unreachable"), once="")
    assert await italy.do(thread.write_message, request_id, text="He is twelve.", once="1")
