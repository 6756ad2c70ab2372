"""What a partner, or somebody who has its key, can send that we never would."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.exchange.partners import store as partners
from bot.exchange.partners.model import Contact, FocalPoint
from bot.exchange.post.model import LetterRefused, Receipt, ReceiptState
from bot.exchange.requests import answering, gate_store, service
from bot.exchange.requests.intake import RequestIntake
from bot.exchange.requests.model import Alternative, Refusal, Returned, Status
from bot.exchange.requests.reminders import Reminders
from bot.exchange.requests.transfer import file as files
from bot.kernel.crypto import Erased
from bot.kernel.ids import new_id
from bot.kernel.live import Signals
from tests.integration.exchange.two_countries import Country, Courier, a_draft, hand_over, put_partner

ANSWER = {"key": "harm", "text": "the father", "language": "en", "how": "told", "confidence": "low"}


async def accepted(italy: Country, tunisia: Country, courier: Courier, **changed: Any) -> str:
    """A request of Italy's that Tunisia has accepted and knows about whom it is."""
    request_id = await italy.asked(await italy.case(), a_draft(italy.others["TN"], **changed))
    await courier.carry()
    await tunisia.do(answering.accept, request_id)
    await courier.carry()
    return request_id


async def answers(italy: Country, request_id: str, *said: dict[str, Any], **more: Any) -> None:
    body = {"request": request_id, "answers": list(said), "ground": "agreed"}
    await hand_over(italy, "TN", "request_answer", body, request_type="info_child", **more)


async def test_an_answer_to_what_was_not_asked_is_kept_apart_and_its_sender_is_told(
    italy: Country, tunisia: Country, courier: Courier
):
    request_id = await accepted(italy, tunisia, courier, asks=("who_cared",))

    await answers(italy, request_id, ANSWER, {**ANSWER, "key": "who_cared", "text": "the grandmother"})
    await courier.carry()

    file = await italy.file(request_id)
    assert file.request.status is Status.ANSWERED
    assert [(said.line.asked, said.line.returned) for said in file.lines if said.line.kind == "answer"] == [
        ("harm", Returned.NOT_ASKED),
        ("who_cared", None),
    ]
    there = [event for event in (await tunisia.file(request_id)).events if event.act == "answer_not_counted"]
    assert [event.facts for event in there] == [{"harm": "not_asked"}]


async def test_a_second_answer_does_not_change_the_first(italy: Country, tunisia: Country, courier: Courier):
    request_id = await accepted(italy, tunisia, courier)

    await answers(italy, request_id, ANSWER)
    await answers(italy, request_id, {**ANSWER, "text": "no, the uncle"})

    said = [(said.text, said.line.returned) for said in (await italy.file(request_id)).lines if said.line.asked]
    assert said == [("the father", None), ("no, the uncle", Returned.ANSWERED_BEFORE)]


async def test_an_answer_after_the_withdrawal_is_recorded_and_not_used(
    italy: Country, tunisia: Country, courier: Courier
):
    request_id = await accepted(italy, tunisia, courier)
    await italy.do(service.withdraw, request_id)

    await answers(italy, request_id, ANSWER)

    file = await italy.file(request_id)
    assert file.request.status is Status.WITHDRAWN
    assert not file.answered
    assert [said.line.returned for said in file.lines if said.line.asked] == [Returned.WITHDRAWN]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ([], "bad_body"),
        (["not an answer"], "bad_body"),
        ([{**ANSWER, "text": "x" * 4001}], "bad_body"),
        ([{**ANSWER, "text": " \u202e "}], "bad_body"),
        ([{**ANSWER, "language": "<script>"}], "bad_body"),
        ([{**ANSWER, "how": "guessed"}], "no_provenance"),
        ([{**ANSWER, "key": "'; DROP TABLE"}], "bad_body"),
    ],
)
async def test_an_answer_that_cannot_be_read_is_refused_to_the_machine(
    italy: Country, tunisia: Country, courier: Courier, said: list[Any], code: str
):
    request_id = await accepted(italy, tunisia, courier)

    with pytest.raises(LetterRefused) as refused:
        await answers(italy, request_id, *said)
    assert refused.value.code == code
    assert not (await italy.file(request_id)).answered


async def test_a_list_or_an_object_where_a_code_belongs_is_refused_to_the_machine(
    italy: Country, tunisia: Country, courier: Courier
):
    """A fault of ours would be tried again for two weeks, and its sender told nothing."""
    request_id = await accepted(italy, tunisia, courier)
    waits = await italy.asked(await italy.case(), a_draft(italy.others["TN"]))
    await courier.carry()
    await tunisia.do(answering.accept, waits)
    said = {"request": request_id}
    told = {"request": waits, "fields": {}, "decision": "To help her", "language": "en"}
    offer = {"group": new_id(), "size": 1, "language": "en", "hold": False}
    preview = {"number": "XABC-DEF", "type": "case_transfer", "asks": ["arrived"], "limit": "usual",
               "due_at": (tunisia.clock.now() + timedelta(days=7)).isoformat(), "language": "en"}  # fmt: skip
    file = {"attachment": new_id(), "line": "", "title": "t", "data": "identity", "sha256": "0" * 64}

    for wrong in ([], {"a": 1}, [["x"]], None, 7):
        letters: list[tuple[Country, str, str, dict[str, Any]]] = [
            (italy, "TN", "request_refused", {**said, "reason": wrong, "alternative": "none"}),
            (italy, "TN", "request_refused", {**said, "reason": "not_competent", "alternative": wrong}),
            (italy, "TN", "request_answer", {**said, "answers": [ANSWER], "ground": wrong}),
            (italy, "TN", "request_answer", {**said, "answers": [{**ANSWER, "how": wrong}], "ground": "agreed"}),
            (italy, "TN", "request_answer", {**said, "answers": [{**ANSWER, "confidence": wrong}], "ground": "agreed"}),
            (italy, "TN", "request_file", {**said, **file, "type": wrong}),
            (tunisia, "IT", "request_body", {**told, "assent": wrong}),
        ]
        for receiver, sender, kind, body in letters:
            with pytest.raises(LetterRefused):
                await hand_over(receiver, sender, kind, body, request_type="info_child")
        offered = {"request": new_id(), **preview, "transfer": {**offer, "band": wrong}}
        with pytest.raises(LetterRefused):
            await hand_over(tunisia, "IT", "request_preview", offered, request_type="case_transfer")
        for read, part in ((files._read_task, {"kind": wrong}), (files._read_adult, {"claimed": wrong})):
            with pytest.raises(files.BadFile):
                read(part)
    with pytest.raises(files.BadFile):
        files._read_risk({"level": []})


async def test_another_partner_learns_nothing_of_a_request_that_is_not_theirs(
    italy: Country, tunisia: Country, courier: Courier
):
    request_id = await accepted(italy, tunisia, courier)
    italy.others["DE"] = await italy.database.write(lambda tx: put_partner(tx, italy.vault, country="DE"))

    codes = []
    for about in (request_id, new_id()):
        with pytest.raises(LetterRefused) as refused:
            await hand_over(
                italy,
                "DE",
                "request_answer",
                {"request": about, "answers": [ANSWER], "ground": "agreed"},
                request_type="info_child",
            )
        codes.append(refused.value.code)
    assert codes == ["no_such_request", "no_such_request"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"type": "anything"}, "unknown_request_type"),
        ({"asks": []}, "bad_body"),
        ({"asks": ["identity"]}, "asks_what_it_may_not"),
        ({"due_at": "tomorrow"}, "bad_body"),
        ({"due_at": "2099-01-01T00:00:00+00:00"}, "bad_body"),
        ({"number": "<b>1</b>"}, "bad_body"),
        ({"request": "../../etc"}, "bad_body"),
    ],
)
async def test_a_request_that_asks_beyond_its_type_is_refused(
    italy: Country, tunisia: Country, courier: Courier, change: dict[str, Any], code: str
):
    due_at = (tunisia.clock.now() + timedelta(days=30)).isoformat()
    preview = {"request": new_id(), "number": "XAAA-BBB", "type": "info_child", "asks": ["harm"], "limit": "usual",
               "due_at": due_at, "language": "en"}  # fmt: skip

    with pytest.raises(LetterRefused) as refused:
        await hand_over(tunisia, "IT", "request_preview", {**preview, **change}, request_type="info_child")
    assert refused.value.code == code


async def test_the_personal_part_is_not_taken_in_before_a_human_here_has_accepted(
    italy: Country, tunisia: Country, courier: Courier
):
    request_id = await italy.asked(await italy.case(), a_draft(italy.others["TN"]))
    await courier.carry()
    body = {"request": request_id, "fields": {"names": "Amina"}, "decision": "x", "language": "en", "assent": "agrees"}

    with pytest.raises(LetterRefused) as refused:
        await hand_over(tunisia, "IT", "request_body", body, request_type="info_child")
    assert refused.value.code == "not_accepted"


async def test_a_personal_part_without_what_its_type_requires_is_refused_and_its_sender_is_told_what_is_missing(
    italy: Country, tunisia: Country, courier: Courier
):
    request_id = await italy.asked(await italy.case(), a_draft(italy.others["TN"]))
    await courier.carry()
    await tunisia.do(answering.accept, request_id)
    body = {"request": request_id, "fields": {"names": "A."}, "decision": "x", "language": "en", "assent": "agrees"}

    with pytest.raises(LetterRefused) as refused:
        await hand_over(tunisia, "IT", "request_body", body, request_type="info_child")

    assert (refused.value.code, refused.value.named) == ("fields_missing", ("birth_year", "parents"))
    assert (await tunisia.file(request_id)).request.asked_on is None
    sent = (await italy.file(request_id)).letters[0].envelope_id
    at, named = italy.clock.now(), refused.value.named
    news = Receipt(italy.others["TN"], sent, ReceiptState.REFUSED, "fields_missing", at, named)
    await italy.database.write(lambda tx: RequestIntake(italy.vault).told(tx, news))
    failed = [event.facts["named"] for event in (await italy.file(request_id)).events if event.act == "letter_failed"]
    assert failed == [["birth_year", "parents"]]


async def test_a_request_nobody_answers_is_reminded_then_escalated_then_over(
    italy: Country, tunisia: Country, courier: Courier
):
    request_id = await italy.asked(await italy.case(), a_draft(italy.others["TN"]))
    await courier.carry()
    focal = FocalPoint("TN", Contact("Delegate", "+216 1", "", ("ar",)))
    await italy.database.write(lambda tx: partners.set_focal_point(tx, focal))
    reminders = Reminders(italy.database, italy.clock, _signals(), italy.vault)

    acts = []
    for days in (10, 6, 12, 3, 35):  # a tenth, a half, nine tenths and more, overdue, over
        italy.clock.advance(timedelta(days=days))
        assert await reminders.look() in (0, 1)
        assert await reminders.look() == 0  # nothing twice
        await courier.carry()
        acts.append([event.act for event in (await italy.file(request_id)).events][-1])

    assert acts == ["deliver", "reminded", "reminded", "escalated", "expire"]
    reminded = [event.act for event in (await tunisia.file(request_id)).events if event.act == "reminder_came"]
    assert len(reminded) == 3
    assert (await italy.file(request_id)).focal_point == focal


def _signals() -> Any:
    from bot.kernel.live import Signals

    return Signals()


async def test_what_a_partner_asked_is_kept_as_long_as_its_agreement_says_and_no_longer(
    italy: Country, tunisia: Country, courier: Courier
):
    request_id = await italy.asked(await italy.case(), a_draft(italy.others["TN"]))
    await courier.carry()
    await tunisia.do(answering.accept, request_id)
    await courier.carry()
    key_id = (await tunisia.file(request_id)).request.key_id
    reminders = Reminders(tunisia.database, tunisia.clock, Signals(), tunisia.vault)
    tunisia.clock.advance(timedelta(days=400))
    await reminders.look()
    assert (await tunisia.file(request_id)).fields  # an answer is still owed
    await tunisia.do(answering.refuse, request_id, reason=Refusal.NO_CAPACITY, alternative=Alternative.UNHCR)

    tunisia.clock.advance(timedelta(days=364))
    await reminders.look()
    assert (await tunisia.file(request_id)).fields
    tunisia.clock.advance(timedelta(days=1))
    await reminders.look()

    over = await tunisia.file(request_id)
    assert (over.erased, over.fields, [said.text for said in over.lines]) == (True, {}, [""])
    assert [event.act for event in over.events].count("kept_no_longer") == 1
    with pytest.raises(Erased):
        await tunisia.see(lambda tx: tunisia.vault.key(tx, key_id))
    assert await reminders.look() == 0


async def test_a_late_answer_is_still_read(italy: Country, tunisia: Country, courier: Courier):
    request_id = await accepted(italy, tunisia, courier, asks=("harm",))
    italy.clock.advance(timedelta(days=70))
    await Reminders(italy.database, italy.clock, _signals(), italy.vault).look()
    assert (await italy.file(request_id)).request.status is Status.EXPIRED

    await answers(italy, request_id, ANSWER)

    assert (await italy.file(request_id)).request.status is Status.ANSWERED


async def test_erasing_a_case_leaves_nothing_readable_of_its_requests(
    italy: Country, tunisia: Country, courier: Courier
):
    from bot.cases.service import erase_words

    request_id = await accepted(italy, tunisia, courier)
    file = await italy.file(request_id)
    assert file.case is not None
    conversation = file.case.conversation_id
    await italy.database.write(lambda tx: erase_words(tx, italy.vault, conversation, at=italy.clock.now()))

    erased = await italy.file(request_id)
    assert erased.erased
    assert erased.fields == {}
    assert all(said.text == "" for said in erased.lines)
    await italy.do(service.withdraw, request_id, by=italy.coordinator)
    await courier.carry()
    assert not (await italy.file(request_id)).request.still_held  # the partner forgot it too
    assert (await italy.see(lambda tx: gate_store.situation_row(tx, file.case.id if file.case else ""))) is not None
