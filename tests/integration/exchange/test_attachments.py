"""Files go along with what is asked and answered between two countries, and what guards words guards them."""

from __future__ import annotations

import base64
import os
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.cases import consent
from bot.cases import store as case_store
from bot.conversations import store as talks
from bot.conversations.attachments import service as talk_files
from bot.exchange.gate import GateShut, Situation
from bot.exchange.post.model import LetterRefused, LetterStopped, Receipt, ReceiptState, WaitingLetter
from bot.exchange.post.service import LONGEST_BODY
from bot.exchange.requests import answering, drafting, sending, service, situations, thread
from bot.exchange.requests.answering import Answer
from bot.exchange.requests.attachments import service as attachments
from bot.exchange.requests.attachments import store as attachment_store
from bot.exchange.requests.attachments.model import LARGEST, MOST_FILES, PART, RequestAttachment, State
from bot.exchange.requests.attachments.service import Wanted
from bot.exchange.requests.consent_ends import WithdrawnConsents
from bot.exchange.requests.intake import ComesTooEarly, RequestIntake
from bot.exchange.requests.model import Alternative, Ground, Incomplete, NoConsent, NotNow, Refusal, RequestNotFound
from bot.exchange.requests.reminders import Reminders
from bot.kernel import audit
from bot.kernel.access import Role
from bot.kernel.live import Signals
from tests.integration.exchange.test_over_the_wire import country_of, settled
from tests.integration.exchange.two_countries import (
    ALL_TYPES,
    Country,
    Courier,
    a_draft,
    an_agreement,
    an_agreement_to,
    hand_over,
)
from tests.integration.exchange.world import Deployment
from tests.unit.conversations.test_attachment_copies import HIDDEN, with_hidden

PHOTO = (Path(__file__).parents[2] / "files" / "attachments" / "photo.jpg").read_bytes()
PDF = b"%PDF-1.7\n" + b"A certificate of birth. " * 40
PAPER = Wanted("Birth certificate, front", "identity")


async def a_file_of(country: Country, case_id: str, content: bytes) -> str:
    """A file in the talk of a case, as if the child had sent it."""

    def put(tx: sa.Connection) -> str:
        found = case_store.get_case(tx, case_id)
        assert found is not None
        talk = found.case.conversation_id
        file_id, _ = talk_files.keep_sent(
            tx, country.vault, talk, content, officer_id=country.officer.id, at=country.clock.now()
        )
        taken = {each.seq for each in talk_files.of_talks(tx, country.vault, [talk])}
        last = max([0, *taken, *(row.seq for row in tx.execute(sa.select(talks.messages.c.seq)))])
        talk_files.put_on_line(tx, file_id, talk, last + 1)
        return file_id

    return await country.database.write(put)


async def files(country: Country, request_id: str) -> list[RequestAttachment]:
    request = (await country.file(request_id)).request
    return await country.see(lambda tx: attachments.of_request(tx, country.vault, request))


async def saved(country: Country, request_id: str, file: RequestAttachment) -> bytes:
    return (await country.do(attachments.open_file, request_id, file.id))[1]


async def asked_with(italy: Country, content: bytes = PDF, **changed: Any) -> tuple[str, str]:
    """A case, and a request that was sent with a file."""
    case_id = await italy.case()
    request_id = await italy.do(drafting.draft, case_id, a_draft(italy.others["TN"], **changed))
    await italy.do(attachments.attach_upload, request_id, content, PAPER)
    await italy.do(service.approve, request_id, by=italy.coordinator)
    await italy.do(service.send_request, request_id)
    return case_id, request_id


async def accepted(tunisia: Country, courier: Courier, request_id: str) -> None:
    await courier.carry()
    await tunisia.do(answering.accept, request_id)
    await courier.carry()


async def talking(italy: Country, tunisia: Country, courier: Courier) -> tuple[str, str]:
    """A case, and a request whose partner has the personal part."""
    case_id = await italy.case()
    request_id = await italy.asked(case_id, a_draft(italy.others["TN"]))
    await accepted(tunisia, courier, request_id)
    return case_id, request_id


def parts_carried(courier: Courier) -> list[dict[str, Any]]:
    return [body for _, kind, body in courier.carried if kind == "request_file"]


async def test_a_file_of_a_request_travels_once_it_is_accepted_and_arrives_as_it_was_sent(
    italy: Country, tunisia: Country, courier: Courier
):
    large = PDF + os.urandom(2 * PART)
    _, request_id = await asked_with(italy, large)
    await courier.carry()
    assert await files(tunisia, request_id) == []
    assert parts_carried(courier) == []

    await tunisia.do(answering.accept, request_id)
    await courier.carry()

    assert [body["part"] for body in parts_carried(courier)] == [0, 1, 2]
    [here], [there] = await files(italy, request_id), await files(tunisia, request_id)
    assert (here.state, there.state) == (State.THERE, State.KEPT)
    assert (there.title, there.type, there.size) == (PAPER.title, "application/pdf", len(large))
    assert here.sha256 == there.sha256
    assert await saved(tunisia, request_id, there) == large
    assert courier.refused == []


async def test_of_a_photo_of_the_case_the_copy_leaves_and_what_was_hidden_in_it_stays(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id, request_id = await talking(italy, tunisia, courier)
    photo = await a_file_of(italy, case_id, with_hidden(PHOTO))

    await italy.do(attachments.attach_of_case, request_id, photo, PAPER)
    await courier.carry()

    [there] = await files(tunisia, request_id)
    assert HIDDEN not in await saved(tunisia, request_id, there)
    assert not any(HIDDEN in base64.b64decode(body["content"]) for body in parts_carried(courier))
    [here] = await files(italy, request_id)
    assert (here.source_id, here.original) == (photo, False)
    with pytest.raises(NotNow):  # it is in the case, and not twice
        await italy.do(attachments.open_file, request_id, here.id)


async def test_an_original_leaves_only_where_there_is_no_copy_and_with_a_reason(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id, request_id = await talking(italy, tunisia, courier)
    scan, photo = await a_file_of(italy, case_id, PDF), await a_file_of(italy, case_id, with_hidden(PHOTO))

    with pytest.raises(Incomplete, match="why"):
        await italy.do(attachments.attach_of_case, request_id, scan, PAPER)
    with pytest.raises(Incomplete, match="why"):
        await italy.do(attachments.attach_of_case, request_id, scan, PAPER, why="because")
    await italy.do(attachments.attach_of_case, request_id, scan, PAPER, why="authority")
    await italy.do(attachments.attach_of_case, request_id, photo, PAPER, why="authority")
    await courier.carry()

    assert [file.original for file in await files(italy, request_id)] == [True, False]
    events = await italy.see(lambda tx: case_store.events_of(tx, case_id))
    assert [event.facts["reason"] for event in events if event.act == "original_opened"] == ["authority"]


async def test_a_file_of_another_case_is_not_found(italy: Country, tunisia: Country, courier: Courier):
    _, request_id = await talking(italy, tunisia, courier)
    other = await italy.case()
    theirs = await a_file_of(italy, other, PHOTO)

    with pytest.raises(NotNow, match="no_such_file"):
        await italy.do(attachments.attach_of_case, request_id, theirs, PAPER)


async def test_the_files_of_an_answer_wait_until_it_is_let_go_and_stand_beside_it_there(
    italy: Country, tunisia: Country, courier: Courier
):
    _, request_id = await talking(italy, tunisia, courier)
    said = Answer("harm", "None that we know", "document", "high")
    line = await tunisia.do(answering.write_answer, request_id, said, once="a")
    await tunisia.do(attachments.attach_upload, request_id, PHOTO, Wanted("The school register", "family", str(line)))
    await courier.carry()
    assert [file.state for file in await files(tunisia, request_id)] == [State.WAITING]
    assert await files(italy, request_id) == []

    await tunisia.do(answering.release_answers, request_id, endangers=False, ground=Ground.CHILD_ONLY)
    await courier.carry()

    [came] = await files(italy, request_id)
    answer = next(each.line for each in (await italy.file(request_id)).lines if each.line.kind == "answer")
    assert came.line == answer.in_letters == line
    assert came.state is State.KEPT


async def test_a_file_goes_with_a_message_in_both_directions(italy: Country, tunisia: Country, courier: Courier):
    _, request_id = await talking(italy, tunisia, courier)
    message = await italy.do(thread.write_message, request_id, text="Is this her school?", once="m")
    await italy.do(attachments.attach_upload, request_id, PHOTO, Wanted("A school", "identity", str(message)))
    await courier.carry()

    [came] = await files(tunisia, request_id)
    lines = [each.line for each in (await tunisia.file(request_id)).lines if not each.line.ours]
    assert came.line in [line.in_letters for line in lines]


async def test_a_form_sent_twice_attaches_once(italy: Country, tunisia: Country, courier: Courier):
    _, request_id = await talking(italy, tunisia, courier)
    for _ in range(2):
        await italy.do(attachments.attach_upload, request_id, PDF, PAPER, once="form-1")
    await courier.carry()

    assert len(await files(tunisia, request_id)) == 1


@pytest.mark.on_both
async def test_whoever_approves_has_seen_the_files(italy: Country, courier: Courier):
    case_id = await italy.case()
    request_id = await italy.do(drafting.draft, case_id, a_draft(italy.others["TN"]))
    await italy.do(attachments.attach_upload, request_id, PDF, PAPER)
    await italy.do(service.approve, request_id, by=italy.coordinator)

    with pytest.raises(NotNow):
        await italy.do(attachments.attach_upload, request_id, PHOTO, PAPER)
    with pytest.raises(NotNow):
        await italy.do(attachments.take_off, request_id, (await files(italy, request_id))[0].id)
    await italy.do(service.send_back, request_id)
    await italy.do(attachments.take_off, request_id, (await files(italy, request_id))[0].id)
    assert await files(italy, request_id) == []


@pytest.mark.parametrize(
    ("content", "wanted", "wrong"),
    [
        (b"<html><script>alert(1)</script>", PAPER, "file"),
        (b"PK\x03\x04" + bytes(100), PAPER, "file"),
        (b"", PAPER, "file"),
        (PDF + bytes(LARGEST), PAPER, "file"),
        (PDF, Wanted("  ", "identity"), "title"),
        (PDF, Wanted("x" * 300, "identity"), "title"),
        (PDF, Wanted("Blood group", "health"), "data"),  # this type of request tells nothing of health
        (PDF, Wanted("Paper", "identity", "0" * 36), "line"),
    ],
)
async def test_what_may_not_go_along_is_named(italy: Country, courier: Courier, content: bytes, wanted: Wanted, wrong):
    request_id = await italy.do(drafting.draft, await italy.case(), a_draft(italy.others["TN"]))

    with pytest.raises(Incomplete) as refused:
        await italy.do(attachments.attach_upload, request_id, content, wanted)

    assert wrong in refused.value.fields
    assert await files(italy, request_id) == []


async def test_a_file_is_a_share_of_its_own_class_in_the_ledger_and_ends_when_they_keep_nothing(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id, request_id = await talking(italy, tunisia, courier)
    await italy.do(attachments.attach_upload, request_id, PDF + os.urandom(PART), PAPER)
    await courier.carry()
    [file] = await files(italy, request_id)
    shares = [each for each in await shared(italy, case_id) if each.what == f"exchange_file:{file.id}"]
    assert [each.items for each in shares] == [("data:identity",)]  # one, however many letters it took

    await italy.do(service.withdraw, request_id)
    await courier.carry()

    assert all(each.withdrawal_seen_at for each in await shared(italy, case_id))


async def shared(country: Country, case_id: str) -> list[consent.Share]:
    return await country.see(lambda tx: consent.shares_of(tx, case_id))


async def test_a_withdrawal_reaches_the_files(italy: Country, tunisia: Country, courier: Courier):
    _, request_id = await asked_with(italy)
    await accepted(tunisia, courier, request_id)
    [there] = await files(tunisia, request_id)

    await italy.do(service.withdraw, request_id)
    await courier.carry()

    assert [file.state for file in await files(tunisia, request_id)] == [State.GONE]
    assert await tunisia.see(lambda tx: attachment_store.parts_here(tx, there.id)) == 0
    with pytest.raises(NotNow):
        await tunisia.do(attachments.open_file, request_id, there.id)


async def test_a_consent_that_carries_only_a_file_takes_it_back_with_it(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id, request_id = await talking(italy, tunisia, courier)
    newer = await italy.do(consent.record, case_id, an_agreement_to(italy.others["TN"]))
    await italy.do(attachments.attach_upload, request_id, PDF, PAPER)
    await courier.carry()

    await italy.do(consent.withdraw, case_id, newer.id, holders=[WithdrawnConsents()])
    await courier.carry()

    assert [file.state for file in await files(tunisia, request_id)] == [State.GONE]


async def test_without_consent_and_through_a_shut_gate_no_file_leaves(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id, request_id = await talking(italy, tunisia, courier)
    feared = Situation(frozenset({"TN"}), True, frozenset({"TN"}))
    await italy.do(situations.record_situation, case_id, feared)
    with pytest.raises(GateShut):
        await italy.do(attachments.attach_upload, request_id, PDF, PAPER)

    other, again = await talking(italy, tunisia, courier)
    for row in await italy.see(lambda tx: consent.of_case(tx, other)):
        await italy.database.write(lambda tx, row=row: withdrawn_quietly(tx, row.id, italy))
    with pytest.raises(NoConsent):
        await italy.do(attachments.attach_upload, again, PDF, PAPER)
    assert await files(italy, request_id) == await files(italy, again) == []


def withdrawn_quietly(tx: sa.Connection, consent_id: str, country: Country) -> None:
    from bot.cases import consent_store

    consent_store.set_withdrawn(tx, consent_id, officer_id=country.officer.id, at=country.clock.now())


@pytest.mark.on_both
async def test_a_part_that_waits_is_stopped_by_a_fear_that_was_recorded_since(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id, request_id = await talking(italy, tunisia, courier)
    await italy.do(attachments.attach_upload, request_id, PDF, PAPER)
    [letter] = [each for each in (await italy.file(request_id)).letters if each.kind == "request_file"]
    await italy.do(situations.record_situation, case_id, Situation(frozenset({"TN"}), True, frozenset({"TN"})))
    waiting = WaitingLetter(letter.envelope_id, letter.partner_id, letter.kind, {"request": request_id})
    gatekeeper = sending.RequestGatekeeper(italy.vault)

    with pytest.raises(LetterStopped, match="gate"):
        await italy.see(lambda tx: gatekeeper.clear(tx, waiting, italy.clock.now()))
    news = Receipt(letter.partner_id, letter.envelope_id, ReceiptState.CLOSED, "gate", italy.clock.now())
    for _ in range(2):
        await italy.database.write(lambda tx: RequestIntake(italy.vault).told(tx, news))

    assert [file.state for file in await files(italy, request_id)] == [State.FAILED]
    acts = [event.act for event in (await italy.file(request_id)).events]
    assert acts.count("file_failed") == 1


async def test_what_came_is_deleted_when_the_agreement_says_so_and_what_never_came_whole_before(
    italy: Country, tunisia: Country, courier: Courier
):
    _, request_id = await asked_with(italy)
    await accepted(tunisia, courier, request_id)
    [kept] = await files(tunisia, request_id)
    half = a_part(request_id, PDF + bytes(PART))
    await hand_over(tunisia, "IT", "request_file", half, request_type="info_child")
    look = Reminders(tunisia.database, tunisia.clock, Signals(), tunisia.vault).look

    tunisia.clock.advance(timedelta(days=15))
    await look()
    assert {file.state for file in await files(tunisia, request_id)} == {State.KEPT, State.GONE}
    tunisia.clock.advance(timedelta(days=350))  # 365 by the agreement
    await look()

    assert {file.state for file in await files(tunisia, request_id)} == {State.GONE}
    assert await tunisia.see(lambda tx: attachment_store.parts_here(tx, kept.id)) == 0


def a_part(request_id: str, whole: bytes, **changed: Any) -> dict[str, Any]:
    """The first part of a file, as a letter says it."""
    from bot.exchange.requests.attachments.model import announced, fingerprint, parts_for, said_in

    size = len(whole)
    file = RequestAttachment(
        "1" * 36, request_id, True, "1" * 36, "", State.SENT, "identity", size, parts_for(size), None,
        title="A paper", type="application/pdf", sha256=fingerprint(whole),
    )  # fmt: skip
    assert announced(file)["parts"] == parts_for(size)
    return {"request": request_id, **said_in(file, 0, whole[:PART]), **changed}


@pytest.mark.parametrize(
    "changed",
    [
        {"attachment": "../../etc"},
        {"line": 7},
        {"title": "\u202e\x00"},
        {"type": "text/html"},
        {"data": "health"},
        {"size": LARGEST + 1},
        {"size": 0},
        {"size": True},
        {"parts": 2},
        {"part": 1},
        {"part": -1},
        {"content": "%%%"},
        {"content": ""},
        {"sha256": "0"},
    ],
)
async def test_what_is_no_part_of_a_file_is_refused_and_nothing_is_kept(
    italy: Country, tunisia: Country, courier: Courier, changed: dict[str, Any]
):
    _, request_id = await talking(italy, tunisia, courier)

    with pytest.raises(LetterRefused, match="bad_file"):
        await hand_over(tunisia, "IT", "request_file", a_part(request_id, PDF, **changed), request_type="info_child")

    assert await files(tunisia, request_id) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"sha256": "0" * 64},
        {"type": "image/jpeg"},  # a PDF that is called a picture
    ],
)
async def test_a_file_that_is_not_what_was_signed_for_is_not_kept_and_its_sender_hears_so(
    italy: Country, tunisia: Country, courier: Courier, changed: dict[str, Any]
):
    _, request_id = await talking(italy, tunisia, courier)
    await hand_over(tunisia, "IT", "request_file", a_part(request_id, PDF, **changed), request_type="info_child")
    await courier.carry()

    [spoilt] = await files(tunisia, request_id)
    assert spoilt.state is State.SPOILT
    assert await tunisia.see(lambda tx: attachment_store.parts_here(tx, spoilt.id)) == 0
    assert ("TN", "file_spoilt") in [(country, kind) for country, kind, _ in courier.carried]


async def test_parts_that_say_different_things_of_one_file_are_refused(
    italy: Country, tunisia: Country, courier: Courier
):
    _, request_id = await talking(italy, tunisia, courier)
    content = PDF + os.urandom(PART)
    give = partial(hand_over, tunisia, "IT", "request_file", request_type="info_child")
    await give(a_part(request_id, content))
    await give(a_part(request_id, content))  # the same once more is nothing new

    last = base64.b64encode(content[PART:]).decode()
    with pytest.raises(LetterRefused, match="bad_file"):
        await give(a_part(request_id, content, part=1, content=last, title="Something else"))
    await give(a_part(request_id, content, part=1, content=last))

    [kept] = await files(tunisia, request_id)
    assert await saved(tunisia, request_id, kept) == content


async def test_nobody_is_sent_files_before_they_accept_and_nobody_is_flooded(
    italy: Country, tunisia: Country, courier: Courier
):
    give = partial(hand_over, tunisia, "IT", "request_file", request_type="info_child")
    request_id = await italy.asked(await italy.case(), a_draft(italy.others["TN"]))
    await courier.carry()
    with pytest.raises(LetterRefused, match="not_accepted"):
        await give(a_part(request_id, PDF))
    await tunisia.do(answering.accept, request_id)
    with pytest.raises(ComesTooEarly):  # it overtook the personal part: the post tries again
        await give(a_part(request_id, PDF))
    await courier.carry()
    for number in range(MOST_FILES):
        await give(a_part(request_id, PDF, attachment=f"{number:036d}"))
    with pytest.raises(LetterRefused, match="too_many_files"):
        await give(a_part(request_id, PDF, attachment="a" * 36))
    await courier.carry()
    await italy.do(service.withdraw, request_id)
    await courier.carry()
    with pytest.raises(LetterRefused, match="request_ended"):
        await give(a_part(request_id, PDF, attachment="b" * 36))


async def test_we_attach_no_more_files_than_a_partner_takes(italy: Country, courier: Courier):
    request_id = await italy.do(drafting.draft, await italy.case(), a_draft(italy.others["TN"]))
    for _ in range(MOST_FILES):
        await italy.do(attachments.attach_upload, request_id, PDF, PAPER)

    with pytest.raises(NotNow, match="too_many_files"):
        await italy.do(attachments.attach_upload, request_id, PDF, PAPER)


async def test_a_refused_request_sent_no_file(italy: Country, tunisia: Country, courier: Courier):
    _, request_id = await asked_with(italy)
    await courier.carry()
    await tunisia.do(answering.refuse, request_id, reason=Refusal.NO_BASIS, alternative=Alternative.LAWYER)
    await courier.carry()

    assert parts_carried(courier) == []


async def test_who_opened_a_file_is_in_the_audit_log_and_strangers_find_none(
    italy: Country, tunisia: Country, courier: Courier
):
    _, request_id = await asked_with(italy)
    await accepted(tunisia, courier, request_id)
    [there] = await files(tunisia, request_id)
    stranger = await tunisia.world.officer("stranger", Role.OFFICER)
    with pytest.raises(RequestNotFound):
        await tunisia.do(attachments.open_file, request_id, there.id, by=stranger)

    await saved(tunisia, request_id, there)

    log = await tunisia.see(lambda tx: tx.execute(sa.select(audit.audit_log)).all())
    assert [row.actor for row in log if row.act == "request.file_read"] == [tunisia.officer.id]


async def test_the_largest_part_fits_a_letter_and_an_envelope(two: tuple[Deployment, Deployment], tmp_path: Path):
    """The largest file over real HTTP, as sealed letters, and the same through a file for a partner offline."""
    lyon, tunis = two
    terms = {"agreement": an_agreement(), "may_send": ALL_TYPES, "may_receive": ALL_TYPES}
    france, tunisia = await country_of(lyon), await country_of(tunis)
    france.others["TN"] = (await lyon.meet(tunis, **terms)).id
    tunisia.others["FR"] = (await tunis.meet(lyon, **terms)).id
    canary = b"%PDF-1.7 CANARY-Sidi-4471 "
    content = (canary * (LARGEST // len(canary) + 1))[:LARGEST]
    request_id = await france.asked(await france.case(), a_draft(france.others["TN"]))
    await settled(lyon, tunis)
    await tunisia.do(answering.accept, request_id)
    await settled(lyon, tunis)

    await france.do(attachments.attach_upload, request_id, content, Wanted("x" * 200, "identity"))
    await settled(lyon, tunis)

    [here], [there] = await files(france, request_id), await files(tunisia, request_id)
    assert (here.state, there.state) == (State.THERE, State.KEPT)
    assert await saved(tunisia, request_id, there) == content
    assert there.parts == -(-LARGEST // PART)
    assert len(base64.b64encode(bytes(PART))) < LONGEST_BODY
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert b"CANARY-Sidi" not in path.read_bytes(), path.name
