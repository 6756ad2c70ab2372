"""From a draft in one country to an answer from another, through the real rooms of both."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.cases import store as case_store
from bot.cases.hand import unseal
from bot.exchange.gate import GateShut, Situation, Why
from bot.exchange.partners import store as partners
from bot.exchange.partners.model import AgreedTime, PartnerKind
from bot.exchange.requests import alerts, answering, drafting, looking, overrides, service, situations, thread
from bot.exchange.requests.answering import Answer
from bot.exchange.requests.model import Alternative, Ground, NotNow, Refusal, RequestNotFound, Status
from bot.exchange.requests.types import REQUEST_TYPES
from bot.kernel import audit
from bot.kernel.ids import new_id
from tests.integration.exchange.two_countries import Country, Courier, a_draft, hand_over, put_partner


async def test_an_officer_asks_and_an_officer_in_another_country_answers(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id = await italy.case()
    request_id = await italy.do(drafting.draft, case_id, a_draft(italy.others["TN"]))
    with pytest.raises(NotNow):
        await italy.do(service.approve, request_id)  # whoever drafted it does not approve it
    await italy.do(service.approve, request_id, by=italy.coordinator)
    await italy.do(service.send_request, request_id)
    await courier.carry()

    assert await tunisia.see(lambda tx: case_store.waiting(tx, limit=9)) == []  # it can wait: nobody is called
    preview = await tunisia.do(looking.open_request, request_id)
    assert preview.request.status is Status.SEEN
    assert preview.fields == {}
    assert preview.decision == ""
    assert (await italy.file(request_id)).request.status is Status.DELIVERED

    await tunisia.do(answering.accept, request_id)
    await courier.carry()
    opened = await tunisia.do(looking.open_request, request_id)
    assert opened.fields["names"] == "told names"
    assert opened.decision.startswith("To decide where she may live")
    assert [said.other for said in opened.lines] == [
        "Pour décider où elle peut vivre, nous devons savoir qui s'occupait d'elle."
    ]

    asks_back = partial(tunisia.do, thread.write_message, request_id, text="Quelle école ?", language="fr", once="m")
    with pytest.raises(GateShut):
        await asks_back()  # nobody has said whether that could put somebody in danger
    await asks_back(endangers=False)
    await courier.carry()
    message = (await italy.file(request_id)).lines[-1]
    assert (message.text, message.line.language) == ("Quelle école ?", "fr")

    found = Answer("who_cared", "Sa grand-mère, à Sfax.", "told", "medium", "We did not visit the home.", language="fr")
    await tunisia.do(answering.write_answer, request_id, found, once="1")
    await courier.carry()
    assert not (await italy.file(request_id)).answered  # nothing leaves before a human lets it
    await tunisia.do(answering.release_answers, request_id, endangers=False, ground=Ground.CHILD_ONLY)
    await courier.carry()
    partly = await italy.file(request_id)
    assert partly.request.status is Status.PARTLY_ANSWERED
    answer = next(said for said in partly.lines if said.line.kind == "answer")
    assert (answer.text, answer.line.language) == ("Sa grand-mère, à Sfax.", "fr")
    assert (answer.line.facts["how"], answer.line.facts["confidence"]) == ("told", "medium")

    for key in ("harm", "services"):
        await tunisia.do(answering.write_answer, request_id, Answer(key, "Rien.", "seen", "high"), once=key)
    await tunisia.do(answering.release_answers, request_id, endangers=False, ground=Ground.CHILD_ONLY)
    await courier.carry()
    answered = await italy.file(request_id)
    assert answered.request.status is Status.ANSWERED
    states = {each.kind: each.state for each in answered.letters}
    assert states["request_preview"] == "answered"  # a receipt that they signed
    assert courier.refused == []

    await italy.do(service.close, request_id)
    await courier.carry()
    for each in (italy, tunisia):
        assert (await each.file(request_id)).request.status is Status.CLOSED
        assert (await each.see(lambda tx, vault=each.vault: audit.verify(tx, vault))).ok


async def test_nothing_personal_leaves_before_the_other_side_accepts(
    italy: Country, tunisia: Country, courier: Courier
):
    request_id = await italy.asked(await italy.case(), a_draft(italy.others["TN"]))
    await courier.carry()
    await tunisia.do(
        answering.refuse, request_id, reason=Refusal.NOT_COMPETENT, alternative=Alternative.CENTRAL_AUTHORITY
    )
    await courier.carry()

    assert all("told" not in str(body) and "live" not in str(body) for _, _, body in courier.carried)
    refused = (await italy.file(request_id)).request
    assert (refused.status, refused.refusal, refused.alternative) == (
        Status.REFUSED,
        Refusal.NOT_COMPETENT,
        Alternative.CENTRAL_AUTHORITY,
    )


@pytest.mark.parametrize("type_key", sorted(REQUEST_TYPES))
async def test_every_type_goes_there_and_comes_back(italy: Country, tunisia: Country, courier: Courier, type_key: str):
    request_id = await italy.asked(await italy.case(), a_draft(italy.others["TN"], type_key))
    await courier.carry()
    await tunisia.do(looking.open_request, request_id)
    await tunisia.do(answering.accept, request_id)
    await courier.carry()
    for key in REQUEST_TYPES[type_key].asks:
        await tunisia.do(answering.write_answer, request_id, Answer(key, "so it is", "document", "high"), once=key)
    await tunisia.do(answering.release_answers, request_id, endangers=False, ground=Ground.CHILD_ONLY)
    await courier.carry()

    answered = await italy.file(request_id)
    assert answered.request.status is Status.ANSWERED
    assert answered.answered == frozenset(REQUEST_TYPES[type_key].asks)
    assert courier.refused == []


async def test_an_alert_of_a_partner_calls_people_here_until_somebody_has_it(
    italy: Country, tunisia: Country, courier: Courier
):
    request_id = await italy.asked(await italy.case(), a_draft(italy.others["TN"], "protective_alert"))

    await courier.carry()

    [waiting] = await tunisia.see(lambda tx: case_store.waiting(tx, limit=9))
    case_id = waiting.case.id
    assert (waiting.case.priority.value, waiting.case.source) == ("P0", "abroad")
    alarm = await tunisia.see(lambda tx: case_store.get_alarm(tx, case_id, lock=False))
    assert alarm is not None
    assert alarm.climbing
    events = await tunisia.see(lambda tx: case_store.events_of(tx, case_id))
    assert [event.facts["request"] for event in events if event.act == "alert_came"] == [request_id]

    await tunisia.do(answering.accept, request_id)
    sealed = await tunisia.see(lambda tx: case_store.get_case(tx, case_id))
    alarm = await tunisia.see(lambda tx: case_store.get_alarm(tx, case_id, lock=False))
    assert sealed is not None
    assert alarm is not None
    assert (sealed.case.owner_id, alarm.climbing) == (tunisia.officer.id, False)

    await hand_over(tunisia, "IT", "request_reminder", {"request": request_id}, request_type="protective_alert")
    alarm = await tunisia.see(lambda tx: case_store.get_alarm(tx, case_id, lock=False))
    assert alarm is not None
    assert alarm.climbing  # they wait for an answer: whoever has it is called again


async def test_a_partner_that_floods_us_with_alerts_rings_so_often_and_then_once_for_all_that_wait(tunisia: Country):
    for code in ("IT", "FR"):
        put = await tunisia.database.write(lambda tx, code=code: put_partner(tx, tunisia.vault, country=code))
        tunisia.others[code] = put
    alert = {"type": "protective_alert", "asks": ["done"], "limit": "usual", "language": "en",
             "due_at": (tunisia.clock.now() + timedelta(hours=4)).isoformat()}  # fmt: skip
    sent: list[str] = []

    async def alerts_of(sender: str, count: int) -> None:
        for _ in range(count):
            sent.append(new_id())
            named = {"request": sent[-1], "number": f"XAAA-{len(sent):03}"}
            await hand_over(tunisia, sender, "request_preview", {**alert, **named}, request_type="protective_alert")

    def words(tx: Connection) -> list[str]:
        waiting = case_store.waiting(tx, limit=50)
        return [
            unseal(tx, tunisia.vault, each.case, each.words_sealed, "cases", each.case.id, "words") for each in waiting
        ]

    await alerts_of("IT", alerts.MOST_RINGS_AN_HOUR + 3)
    partner = (await tunisia.file(sent[0])).partner
    assert partner is not None
    assert len(await tunisia.see(words)) == alerts.MOST_RINGS_AN_HOUR + 1
    assert f"{partner.name} · 3 × · XAAA-006, XAAA-007, XAAA-008" in await tunisia.see(words)
    assert [(await tunisia.file(each)).request.status for each in sent] == [Status.DELIVERED] * len(
        sent
    )  # none is lost
    [flood] = await tunisia.see(lambda tx: alerts.floods(tx, tunisia.clock.now()))
    assert (flood.partner_id, flood.alerts) == (partner.id, 3)

    await alerts_of("FR", 1)  # another partner is heard as ever
    assert len(await tunisia.see(words)) == alerts.MOST_RINGS_AN_HOUR + 2
    await tunisia.do(answering.accept, sent[5])  # one of three that stand together: the others still call
    assert len(await tunisia.see(words)) == alerts.MOST_RINGS_AN_HOUR + 2
    for each in sent[6:8]:
        await tunisia.do(answering.accept, each)
    assert len(await tunisia.see(words)) == alerts.MOST_RINGS_AN_HOUR + 1
    tunisia.clock.advance(alerts.HOUR)
    await alerts_of("IT", 1)
    assert len(await tunisia.see(words)) == alerts.MOST_RINGS_AN_HOUR + 2


async def test_what_a_child_says_later_keeps_the_personal_part_back(italy: Country, tunisia: Country, courier: Courier):
    case_id = await italy.case()
    request_id = await italy.asked(case_id, a_draft(italy.others["TN"]))
    await courier.carry()
    stopped = await italy.do(situations.record_situation, case_id, Situation(None, True))
    await tunisia.do(answering.accept, request_id)
    await courier.carry()

    assert stopped == [request_id]
    assert all(kind != "request_body" for _, kind, _ in courier.carried)
    acts = [event.act for event in (await italy.file(request_id)).events]
    assert acts[-1] == "body_kept_back"
    with pytest.raises(GateShut):
        await italy.do(service.disclose_again, request_id)


async def test_a_withdrawn_request_stays_red_until_the_partner_has_forgotten_it(
    italy: Country, tunisia: Country, courier: Courier
):
    request_id = await italy.asked(await italy.case(), a_draft(italy.others["TN"]))
    await courier.carry()
    await tunisia.do(answering.accept, request_id)
    await courier.carry()
    await italy.do(service.withdraw, request_id)
    assert (await italy.file(request_id)).request.still_held
    await courier.carry()

    there = await tunisia.file(request_id)
    assert there.request.status is Status.WITHDRAWN
    assert there.erased
    assert there.fields == {}
    here = (await italy.file(request_id)).request
    assert here.status is Status.WITHDRAWN
    assert not here.still_held


async def test_the_gate_stops_a_request_to_an_authority_the_child_fears(italy: Country):
    authority = await italy.database.write(
        lambda tx: put_partner(tx, italy.vault, country="ER", kind=PartnerKind.AUTHORITY)
    )
    italy.others["ER"] = authority
    case_id = await italy.case(situation=Situation(frozenset({"ER"}), False))
    request_id = await italy.do(drafting.draft, case_id, a_draft(authority))
    await italy.do(service.approve, request_id, by=italy.coordinator)

    with pytest.raises(GateShut) as shut:
        await italy.do(service.send_request, request_id)
    assert [stop.why for stop in shut.value.stops] == [Why.FEARED_AUTHORITY]
    assert (await italy.file(request_id)).request.status is Status.APPROVED


async def test_two_people_of_two_roles_may_override_the_gate_and_it_is_in_the_record(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id = await italy.case(situation=Situation(frozenset(), True, frozenset({"ER"})))
    request_id = await italy.do(drafting.draft, case_id, a_draft(italy.others["TN"]))
    await italy.do(service.approve, request_id, by=italy.coordinator)
    override = await italy.do(overrides.ask_override, request_id, role="officer", reason="the lawyer agreed on Monday")
    with pytest.raises(GateShut):
        await italy.do(service.send_request, request_id)  # one is not two
    with pytest.raises(NotNow):
        await italy.do(overrides.agree_override, request_id, override, role="officer")
    await italy.do(overrides.agree_override, request_id, override, role="coordinator", by=italy.coordinator)
    await italy.do(service.send_request, request_id)

    acts = [row.act for row in await italy.see(lambda tx: audit.read_log(tx, object=f"request:{request_id}", limit=50))]
    assert {"request.override_asked", "request.override_agreed", "gate.overridden"} <= set(acts)
    await courier.carry()
    await tunisia.do(answering.accept, request_id)
    await courier.carry()
    assert any(kind == "request_body" for _, kind, _ in courier.carried)


async def test_what_the_child_says_after_an_override_ends_it(italy: Country, tunisia: Country, courier: Courier):
    child = Situation(frozenset(), True, frozenset({"ER"}))
    case_id = await italy.case(situation=child)
    request_id = await italy.do(drafting.draft, case_id, a_draft(italy.others["TN"]))
    await italy.do(service.approve, request_id, by=italy.coordinator)
    override = await italy.do(overrides.ask_override, request_id, role="officer", reason="the lawyer agreed on Monday")
    await italy.do(overrides.agree_override, request_id, override, role="coordinator", by=italy.coordinator)
    await italy.do(service.send_request, request_id)
    italy.clock.advance(timedelta(minutes=1))
    await italy.do(situations.record_situation, case_id, child)
    await courier.carry()
    await tunisia.do(answering.accept, request_id)
    await courier.carry()

    assert not any(kind == "request_body" for _, kind, _ in courier.carried)
    assert [event.act for event in (await italy.file(request_id)).events][-1] == "body_kept_back"


async def test_an_answer_that_could_endanger_somebody_stays_here(italy: Country, tunisia: Country, courier: Courier):
    request_id = await italy.asked(await italy.case(), a_draft(italy.others["TN"]))
    await courier.carry()
    await tunisia.do(answering.accept, request_id)
    await courier.carry()
    await tunisia.do(answering.write_answer, request_id, Answer("harm", "the father", "told", "low"), once="1")
    for endangers in (True, None):
        with pytest.raises(GateShut):
            await tunisia.do(answering.release_answers, request_id, endangers=endangers, ground=Ground.CHILD_ONLY)
    await courier.carry()
    assert not any(kind == "request_answer" for _, kind, _ in courier.carried)


async def test_what_another_officer_holds_is_not_found(italy: Country, courier: Courier):
    request_id = await italy.asked(await italy.case(), a_draft(italy.others["TN"]))
    stranger = await italy.world.officer("stranger")

    with pytest.raises(RequestNotFound):
        await italy.do(looking.open_request, request_id, by=stranger)


async def test_a_due_date_follows_the_law_of_the_type(italy: Country, courier: Courier):
    case_id = await italy.case(situation=Situation(frozenset(), True, frozenset({"TN"})))
    draft = a_draft(italy.others["TN"], "take_charge", limit="detained")
    request_id = await italy.asked(case_id, draft)

    assert (await italy.file(request_id)).request.due_at == italy.clock.now() + timedelta(days=7)


async def test_the_answer_is_due_when_the_agreement_with_the_partner_says(
    italy: Country, tunisia: Country, courier: Courier
):
    times = {"info_child": AgreedTime(9, "protocol 7, art. 5")}
    for country, there in ((italy, "TN"), (tunisia, "IT")):
        await country.database.write(lambda tx, c=country, p=there: _agree(tx, c, c.others[p], times))
    request_id = await italy.asked(await italy.case(), a_draft(italy.others["TN"]))
    await courier.carry()

    due = italy.clock.now() + timedelta(days=9)
    assert (await italy.file(request_id)).request.due_at == (await tunisia.file(request_id)).request.due_at == due


def _agree(tx: Connection, country: Country, partner_id: str, times: dict[str, AgreedTime]) -> None:
    """Signed by the two who had signed before."""
    known = partners.get(tx, partner_id, country.vault)
    assert known is not None
    assert known.agreement is not None
    changed = replace(known, agreement=replace(known.agreement, times=times))
    partners.save(tx, changed, skeleton=changed.name.casefold())
    for key in changed.keys:
        signed = tuple(
            replace(each, mark=partners.signature_mark(country.vault, changed, key, each.officer_id, each.at))
            for each in key.signatures
        )
        partners.save_key(tx, replace(key, signatures=signed))
    assert (after := partners.get(tx, partner_id, country.vault)) is not None
    assert after.why_closed(country.clock.now()) is None
