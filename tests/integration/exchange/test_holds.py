"""A false uncle: the hold, what it blocks, who ends it, and that no chat ever says a word of it."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.cases import household
from bot.cases import store as case_store
from bot.cases.pager import Pager
from bot.conversations import service as conversations
from bot.conversations import store as conversation_store
from bot.exchange.holds import claimants, namesakes, placing, releasing
from bot.exchange.holds import service as holds
from bot.exchange.holds import store as hold_store
from bot.exchange.holds.free_to_move import ClaimingAdults
from bot.exchange.holds.model import (
    DossierNotFound,
    Evidence,
    Favour,
    HeldByName,
    HeldLikely,
    HoldState,
    Mark,
    MayNotMove,
    NotNow,
    NotSupported,
    Source,
    Tie,
)
from bot.exchange.partners.model import Contact, FocalPoint
from bot.exchange.partners.service import close_partner, name_focal_point
from bot.exchange.post.model import LetterStopped, WaitingLetter
from bot.exchange.requests import answering, drafting, hold_notices, looking, sending, service, thread, thread_store
from bot.exchange.requests import hold_endings as endings
from bot.exchange.requests.answering import Answer
from bot.exchange.requests.attachments import service as attachments
from bot.exchange.requests.attachments.service import Wanted
from bot.exchange.requests.drafting import Draft
from bot.exchange.requests.hold_endings import FocalSays
from bot.exchange.requests.model import Ground, Status
from bot.exchange.requests.model import NotNow as RequestNotNow
from bot.exchange.requests.naming import acts as naming_acts
from bot.exchange.requests.transfer import acts as transfer_acts
from bot.kernel import audit
from bot.kernel.access import Role
from bot.kernel.live import Signals
from tests.integration.cases.world import FixedNumbers
from tests.integration.exchange.two_countries import Country, Courier, a_draft, filled

CANARY = "Kaboul Zitouni"


async def a_dossier(italy: Country, case_id: str, *, name: str = CANARY) -> str:
    dossier = await italy.do(holds.open_dossier, case_id, name=name, claimed="uncle_aunt", once="")
    assert dossier is not None
    return dossier


async def supported(italy: Country, dossier: str) -> None:
    """Everything a human needs to call a tie supported."""
    await italy.do(holds.mark, dossier, {"heard_apart": Mark.GREEN, "child_wish": Mark.GREEN})
    for source in (Source.DOCUMENT, Source.AUTHORITY):
        await italy.do(holds.add_evidence, dossier, Evidence(source, Favour.SUPPORTS), text="seen", once="")
    await italy.do(holds.decide, dossier, Tie.SUPPORTED, reason="two sources, and she wants it")


async def test_two_red_marks_place_a_hold_and_ring(italy: Country):
    case_id = await italy.case()
    dossier = await a_dossier(italy, case_id)

    assert await italy.do(holds.mark, dossier, {"papers": Mark.RED}) is None
    hold = await italy.do(holds.mark, dossier, {"no_debt": Mark.RED})

    assert hold is not None
    assert hold.state is HoldState.PROPOSED
    assert [each.id for each in await italy.see(lambda tx: claimants.standing_holds(tx, case_id))] == [hold.id]
    alarm = await italy.see(lambda tx: case_store.get_alarm(tx, case_id, lock=False))
    assert alarm is not None
    assert alarm.climbing


async def test_a_hold_blocks_every_move_with_this_adult_and_no_other(italy: Country, courier: Courier):
    case_id = await italy.case()
    dossier = await a_dossier(italy, case_id)
    transfer = a_draft(italy.others["TN"], "case_transfer", adult_id=dossier)
    with pytest.raises(MayNotMove):
        await italy.do(drafting.draft, case_id, transfer)  # nobody has supported the tie
    await supported(italy, dossier)
    request_id = await italy.do(drafting.draft, case_id, transfer)
    await italy.do(service.approve, request_id, by=italy.coordinator)

    await italy.do(holds.mark, dossier, {"papers": Mark.RED, "at_ease": Mark.RED})

    with pytest.raises(MayNotMove):
        await italy.do(service.send_request, request_id)
    with pytest.raises(MayNotMove):
        await italy.do(drafting.draft, case_id, transfer)
    alone = a_draft(italy.others["TN"], "case_transfer")
    assert await italy.asked(case_id, alone)


async def test_a_hold_is_not_gone_round_by_writing_the_name(italy: Country, courier: Courier):
    case_id, partner = await italy.case(), italy.others["TN"]
    held = await a_dossier(italy, case_id)
    await italy.do(holds.place_hold, held)

    def with_him(type_key: str, key: str, name: str, **changed: Any) -> Draft:
        return a_draft(partner, type_key, fields={**filled(type_key), key: name}, **changed)

    for type_key, key in (
        ("placement_abroad", "carer_name"),
        ("take_charge", "carer_name"),
        ("readmission_return", "escort"),
        ("case_transfer", "receiver"),
        ("guardian_handover", "receiver"),
    ):
        with pytest.raises(HeldByName):
            await italy.do(drafting.draft, case_id, with_him(type_key, key, f"her uncle, {CANARY.upper()}"))
    assert await italy.do(drafting.draft, case_id, with_him("home_study", "carer_name", CANARY))  # looking moves nobody

    namesake = await a_dossier(italy, case_id)
    await supported(italy, namesake)
    assert await italy.asked(case_id, with_him("placement_abroad", "carer_name", CANARY, adult_id=namesake))

    alone = await italy.do(drafting.draft, case_id, with_him("placement_abroad", "carer_name", "Salma"))
    await italy.do(service.approve, alone, by=italy.coordinator)
    late = await a_dossier(italy, case_id, name="Salma B.")
    with pytest.raises(HeldByName):  # nobody doubted her when it was approved
        await italy.do(service.send_request, alone)
    await supported(italy, late)
    await italy.do(service.send_request, alone)


async def test_a_name_in_another_script_or_in_a_text_stops_a_request_until_two_people_have_written_why(
    italy: Country, courier: Courier
):
    case_id, partner = await italy.case(), italy.others["TN"]
    held = await a_dossier(italy, case_id, name="Samir Haddad")

    def with_words(type_key: str, key: str, words: str) -> Draft:
        return a_draft(partner, type_key, fields={**filled(type_key), key: words})

    with pytest.raises(HeldByName):  # the same name, as Arabic writes it
        await italy.do(drafting.draft, case_id, with_words("placement_abroad", "carer_name", "سمير حداد"))
    for words in (
        with_words("placement_abroad", "carer_name", "سمر حداد"),  # Samar, or Samir in haste
        with_words("guardian_handover", "receiver", "Sameer Hadad"),
        with_words("placement_abroad", "reasons", "Her uncle Samir takes her in."),
        with_words("case_transfer", "summary", "تُسلَّم لسمير حداد في المحطة"),
    ):
        drafted = await italy.do(drafting.draft, case_id, words)
        with pytest.raises(HeldLikely):
            await italy.do(service.approve, drafted, by=italy.coordinator)

    asked = await italy.do(drafting.draft, case_id, with_words("placement_abroad", "reasons", "Never to Samir Haddad."))
    with pytest.raises(RequestNotNow):  # nobody is agreed with who has written nothing
        await italy.do(naming_acts.agree_not_with, asked, held, by=italy.coordinator)
    await italy.do(naming_acts.say_not_with, asked, held, reason="It says that she must not go to him.")
    with pytest.raises(RequestNotNow):  # one person is not two
        await italy.do(naming_acts.agree_not_with, asked, held)
    with pytest.raises(HeldLikely):
        await italy.do(service.approve, asked, by=italy.coordinator)
    await italy.do(naming_acts.agree_not_with, asked, held, by=italy.coordinator)
    await italy.do(service.approve, asked, by=italy.coordinator)

    await italy.do(service.send_back, asked)
    goes = with_words("placement_abroad", "reasons", "She goes to Samir Haddad.")
    await italy.do(drafting.redraft, asked, goes)  # what was said of other words says nothing of these
    with pytest.raises(HeldLikely):
        await italy.do(service.approve, asked, by=italy.coordinator)


async def test_the_title_of_a_file_names_no_adult_with_whom_the_child_may_not_go(italy: Country, courier: Courier):
    case_id, partner = await italy.case(), italy.others["TN"]
    asked = await italy.do(drafting.draft, case_id, a_draft(partner, "placement_abroad"))
    other = await italy.do(drafting.draft, case_id, a_draft(partner, "verify_adult"))
    content = b"%PDF-1.7\n" + b"A letter. " * 40
    await italy.do(
        attachments.attach_upload, asked, content, Wanted("Letter of Samir Haddad: she comes to me", "family")
    )
    held = await a_dossier(italy, case_id, name="سمير حداد")  # nobody doubted him when the letter was attached

    with pytest.raises(HeldLikely):
        await italy.do(service.approve, asked, by=italy.coordinator)
    with pytest.raises(RequestNotNow, match="file_names_adult"):
        await italy.do(attachments.attach_upload, asked, content, Wanted("Passport of Sameer Hadad", "identity"))
    assert await italy.do(attachments.attach_upload, other, content, Wanted("Passport of Samir Haddad", "identity"))

    file = await italy.file(asked)
    (named,) = await italy.see(lambda tx: naming_acts.named_in(tx, italy.vault, file.sealed, file.case))
    assert (named.dossier_id, named.fields) == (held, ("titles",))
    await italy.do(naming_acts.say_not_with, asked, held, reason="He wrote it; she must not go to him.")
    await italy.do(naming_acts.agree_not_with, asked, held, by=italy.coordinator)
    await italy.do(service.approve, asked, by=italy.coordinator)


async def test_a_message_that_may_name_a_held_adult_waits_for_a_second_person(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id = await italy.case()
    request_id = await italy.asked(case_id, a_draft(italy.others["TN"], "case_transfer"))
    about_him = await italy.asked(case_id, a_draft(italy.others["TN"], "verify_adult"))
    await courier.carry()
    await tunisia.do(answering.accept, request_id)
    await tunisia.do(answering.accept, about_him)
    await courier.carry()

    async def write(text: str, to: str = request_id) -> str:
        line = await italy.do(thread.write_message, to, text=text, once="")
        await courier.carry()
        assert line is not None
        return line

    async def arrived() -> list[str]:
        return [said.text for each in (request_id, about_him) for said in (await tunisia.file(each)).lines]

    text = "Kaboul brings her at nine."
    late = await italy.do(thread.write_message, request_id, text=text, once="")  # it stays in the post for a while
    (letter,) = [
        WaitingLetter(put.envelope_id, put.partner_id, put.kind, {"request": request_id, "line": late, "text": text})
        for put in (await italy.file(request_id)).letters
        if put.kind == "request_message"
    ]
    gatekeeper, at = sending.RequestGatekeeper(italy.vault), italy.clock.now()
    assert await italy.see(lambda tx: gatekeeper.clear(tx, letter, at))
    await courier.carry()
    before = await arrived()

    await a_dossier(italy, case_id)

    with pytest.raises(LetterStopped):
        await italy.see(lambda tx: gatekeeper.clear(tx, letter, at))
    await write("She likes football.")
    await write(f"Is {CANARY} known to you?", to=about_him)  # nobody goes anywhere by that
    warning = await write("Never hand her to Kaboul.")
    thrown = await write("زيتوني كابول يستلمها في المحطة")
    assert {*await arrived()} - {*before} == {"She likes football.", f"Is {CANARY} known to you?"}

    def unread(tx: Connection) -> list[str]:
        return [each.request.id for each in looking.listed(tx, italy.coordinator, thread_store.has_waiting_message())]

    assert await italy.see(unread) == [request_id]
    with pytest.raises(RequestNotNow):
        await italy.do(thread.let_message_go, request_id, warning)  # not whoever wrote it
    await italy.do(thread.drop_message, request_id, thrown)
    await italy.do(thread.let_message_go, request_id, warning, by=italy.coordinator)
    await courier.carry()

    assert "Never hand her to Kaboul." in await arrived()
    assert await italy.see(unread) == []
    with pytest.raises(RequestNotNow):
        await italy.do(thread.let_message_go, request_id, thrown, by=italy.coordinator)


async def test_a_hold_on_one_child_stands_for_her_brother_and_for_whoever_lives_with_them(
    italy: Country, courier: Courier
):
    girl, brother, cousin, stranger = [await italy.case() for _ in range(4)]
    known = await a_dossier(italy, brother, name="ZITOUNI Kaboul")  # nobody has found anything against him there
    together = await a_dossier(italy, brother, name="Salma B.")
    await supported(italy, together)
    held = await a_dossier(italy, girl)

    async def say_together(work: Any, *args: Any, **named: Any) -> None:
        await italy.do(work, *args, **named)
        await italy.do(lambda tx, hand: placing.look_around(tx, hand.vault, args[0], at=hand.at))

    async def blocked(case_id: str) -> list[str]:
        return await italy.see(
            lambda tx: ClaimingAdults().in_doubt(tx, italy.vault, case_store.get_case(tx, case_id).case)
        )

    number = (await italy.see(lambda tx: case_store.get_case(tx, brother))).case.number
    await italy.do(transfer_acts.say_siblings, girl, number)
    await italy.do(holds.place_hold, held)
    assert await italy.see(lambda tx: claimants.standing_holds(tx, brother))
    number = (await italy.see(lambda tx: case_store.get_case(tx, cousin))).case.number
    await say_together(household.link, girl, number, kind="household", why="They travel together.")

    for case_id in (brother, cousin):
        (hold,) = await italy.see(lambda tx, case_id=case_id: claimants.standing_holds(tx, case_id))
        assert hold.state is HoldState.PROPOSED
        alarm = await italy.see(lambda tx, case_id=case_id: case_store.get_alarm(tx, case_id, lock=False))
        assert alarm is not None
        assert alarm.climbing
        origin = await italy.see(lambda tx, hold=hold: claimants.origin_of(tx, italy.hand(), hold))
        assert (origin.case.id, origin.stands) == (girl, True)
    assert await blocked(brother) == ["ZITOUNI Kaboul"]  # the dossier that was there, and no second one
    assert await blocked(cousin) == [CANARY]
    assert await blocked(stranger) == []
    fields = {**filled("placement_abroad"), "carer_name": CANARY}
    with_him = a_draft(italy.others["TN"], "placement_abroad", fields=fields)
    with pytest.raises(HeldByName):
        await italy.do(drafting.draft, cousin, with_him)

    # ended by two bodies for the boy, it does not come back by itself
    await italy.do(
        releasing.set_body, italy.coordinator.id, "Red Cross", by=await italy.world.officer("noa", Role.ADMIN)
    )
    await italy.do(releasing.agree_to_release, known, reason="his own father, seen apart")
    assert await italy.do(releasing.agree_to_release, known, reason="I saw both", by=italy.coordinator)
    await italy.do(lambda tx, hand: placing.look_around(tx, hand.vault, girl, at=hand.at))
    assert await italy.see(lambda tx: claimants.standing_holds(tx, brother)) == []
    assert await italy.see(lambda tx: claimants.standing_holds(tx, cousin))

    # ended where nobody knew of the girl yet, it comes for her sake when she is known, and once
    his = await a_dossier(italy, stranger)
    await italy.do(holds.place_hold, his)
    number = (await italy.see(lambda tx: case_store.get_case(tx, stranger))).case.number
    for stands in (1, 0):
        await italy.do(releasing.agree_to_release, his, reason="nothing known")
        assert await italy.do(releasing.agree_to_release, his, reason="I saw both", by=italy.coordinator)
        await italy.do(transfer_acts.say_siblings, girl, number)
        assert len(await italy.see(lambda tx: claimants.standing_holds(tx, stranger))) == stands


async def test_a_guardianship_goes_to_a_guardian_of_the_held_name_when_two_bodies_say_that_it_is_somebody_else(
    italy: Country, courier: Courier
):
    case_id, partner = await italy.case(), italy.others["TN"]
    held = await a_dossier(italy, case_id)
    await italy.do(
        releasing.set_body, italy.coordinator.id, "Red Cross", by=await italy.world.officer("noa", Role.ADMIN)
    )

    def to_him(type_key: str) -> Draft:
        return a_draft(partner, type_key, fields={**filled(type_key), "receiver": CANARY})

    with pytest.raises(HeldByName):
        await italy.do(drafting.draft, case_id, to_him("guardian_handover"))
    other = await italy.do(namesakes.say_another, held, name=CANARY, reason="guardian by court order 12/26", once="")
    with pytest.raises(HeldByName):  # one body alone says so
        await italy.do(drafting.draft, case_id, to_him("guardian_handover"))
    await italy.do(namesakes.agree_another, held, other, by=italy.coordinator)

    request_id = await italy.do(drafting.draft, case_id, to_him("guardian_handover"))
    with pytest.raises(HeldLikely):
        await italy.do(service.approve, request_id, by=italy.coordinator)
    with pytest.raises(HeldByName):  # a child who travels with somebody travels with an adult who was looked at
        await italy.do(drafting.draft, case_id, to_him("case_transfer"))


async def test_a_new_red_mark_undoes_support_and_every_word_for_a_release(italy: Country):
    case_id = await italy.case()
    dossier = await a_dossier(italy, case_id)
    await supported(italy, dossier)
    hold = await italy.do(holds.place_hold, dossier)
    await italy.do(releasing.agree_to_release, dossier, reason="she is his niece")

    await italy.do(holds.add_evidence, dossier, Evidence(Source.CHILD, Favour.CONTRADICTS), text="not him", once="")

    file = await italy.do(claimants.open_dossier_file, dossier)
    assert file.dossier.tie is Tie.UNVERIFIED
    assert file.hold is not None
    assert file.hold.id == hold.id
    assert file.agreed == []
    with pytest.raises(NotSupported) as lacking:
        await italy.do(holds.decide, dossier, Tie.SUPPORTED, reason="all the same")
    assert "hold_stands" in lacking.value.lacks


async def test_only_two_officers_of_two_bodies_end_a_hold(italy: Country):
    dossier = await a_dossier(italy, await italy.case())
    await italy.do(holds.place_hold, dossier)
    admin = await italy.world.officer("admin", Role.ADMIN)
    other = await italy.world.officer("other", Role.COORDINATOR)

    assert not await italy.do(releasing.agree_to_release, dossier, reason="checked")
    with pytest.raises(NotNow):
        await italy.do(releasing.agree_to_release, dossier, reason="checked again")  # the same person
    assert not await italy.do(releasing.agree_to_release, dossier, reason="I too", by=other)  # the same body
    await italy.do(releasing.set_body, italy.coordinator.id, "Questura", by=admin)
    assert await italy.do(releasing.agree_to_release, dossier, reason="the police found nothing", by=italy.coordinator)

    assert (await italy.do(claimants.open_dossier_file, dossier)).hold is None


async def test_a_partner_who_was_told_of_a_hold_takes_no_child_over(italy: Country, tunisia: Country, courier: Courier):
    case_id = await italy.case()
    request_id = await italy.asked(case_id, a_draft(italy.others["TN"], "case_transfer"))
    dossier = await a_dossier(italy, case_id)
    hold = await italy.do(holds.place_hold, dossier)
    await italy.do(hold_notices.tell_hold, hold.id, [request_id])
    await courier.carry()

    with pytest.raises(MayNotMove):
        await tunisia.do(answering.accept, request_id)


async def test_a_partner_is_told_of_the_hold_and_its_officer_can_be_the_second_body(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id = await italy.case()
    request_id = await italy.asked(case_id, a_draft(italy.others["TN"], "verify_adult"))
    await courier.carry()
    dossier = await a_dossier(italy, case_id)
    hold = await italy.do(holds.mark, dossier, {"papers": Mark.RED, "host": Mark.RED})
    assert hold is not None
    await italy.do(hold_notices.tell_hold, hold.id, [request_id])
    await courier.carry()

    assert [each.id for each in (await tunisia.file(request_id)).holds] == [hold.id]
    await tunisia.do(answering.accept, request_id)  # to look at him is what is asked
    await tunisia.do(hold_notices.agree_to_their_hold, request_id, hold.id)
    await courier.carry()
    assert (await italy.do(claimants.open_dossier_file, dossier)).hold is not None  # one body is not two
    await italy.do(releasing.agree_to_release, dossier, reason="both sides know him")
    await italy.database.write(
        lambda tx: hold_notices.tell_hold_ended(tx, italy.vault, case_id, hold.id, at=italy.clock.now())
    )
    await courier.carry()

    assert (await italy.do(claimants.open_dossier_file, dossier)).hold is None
    assert (await tunisia.file(request_id)).holds == []
    assert courier.refused == []


async def test_a_told_hold_whose_partner_cannot_be_heard_is_ended_by_two_roles_after_the_focal_point(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id = await italy.case()
    request_id = await italy.asked(case_id, a_draft(italy.others["TN"], "case_transfer"))
    hold = await italy.do(holds.place_hold, await a_dossier(italy, case_id))
    await italy.do(hold_notices.tell_hold, hold.id, [request_id])
    await courier.carry()

    async def end(role: str, **named: Any) -> bool:
        return await tunisia.do(endings.agree_to_end, request_id, hold.id, role=role, reason="He died.", **named)

    with pytest.raises(RequestNotNow, match="hold_of_theirs"):  # it can say so itself
        await end("officer")
    at, rome = tunisia.clock.now(), tunisia.others["IT"]
    await tunisia.database.write(lambda tx: close_partner(tx, tunisia.vault, rome, by=tunisia.officer.id, at=at))
    with pytest.raises(RequestNotNow, match="hold_focal"):  # nobody asked the focal point
        await end("officer")
    contact = Contact("Fiamma", "+390912345678", "", ("it",))
    await tunisia.database.write(
        lambda tx: name_focal_point(tx, tunisia.vault, FocalPoint("IT", contact), by=tunisia.officer.id, at=at)
    )
    for said in (FocalSays.AGAINST, FocalSays.WAITS):
        await tunisia.do(endings.focal_point_asked, request_id, hold.id, said)
        with pytest.raises(RequestNotNow, match="hold_focal"):  # against it, or asked a moment ago
            await end("officer")
    with pytest.raises(RequestNotNow, match="hold_focal"):  # somebody is named, and was not asked
        await tunisia.do(endings.focal_point_asked, request_id, hold.id, FocalSays.NOBODY)
    tunisia.clock.advance(endings.SILENT_AFTER)

    both = await tunisia.world.officer("both", Role.OFFICER, Role.COORDINATOR)
    assert not await end("officer", by=both)
    with pytest.raises(RequestNotNow, match="override_same"):  # another, in the same role
        await end("officer")
    with pytest.raises(RequestNotNow, match="override_same"):  # the same, in another role
        await end("coordinator", by=both)
    assert [each.id for each in (await tunisia.file(request_id)).holds] == [hold.id]
    assert await end("coordinator", by=tunisia.coordinator)

    assert (await tunisia.file(request_id)).holds == []
    acts = [event.act for event in (await tunisia.file(request_id)).events]
    assert acts[-3:] == ["hold_end_agreed", "hold_end_agreed", "hold_ended_here"]


async def test_the_story_of_a_false_uncle(italy: Country, tunisia: Country, courier: Courier):
    """Doubt, a question to the country she came from, a contradicting answer, and no move with him."""
    case_id = await italy.case()
    dossier = await a_dossier(italy, case_id)
    await italy.do(holds.mark, dossier, {"papers": Mark.RED})
    request_id = await italy.asked(case_id, a_draft(italy.others["TN"], "verify_adult"))
    await courier.carry()
    await tunisia.do(answering.accept, request_id)
    await courier.carry()
    answer = Answer("tie", "لا عمّ لها بهذا الاسم.", "document", "high")
    await tunisia.do(answering.write_answer, request_id, answer, once="1")
    await tunisia.do(answering.release_answers, request_id, endangers=False, ground=Ground.CHILD_ONLY)
    await courier.carry()
    assert (await italy.file(request_id)).request.status is Status.PARTLY_ANSWERED

    found = Evidence(Source.AUTHORITY, Favour.CONTRADICTS)
    hold = await italy.do(holds.add_evidence, dossier, found, text="No uncle of that name.", once="")
    assert hold is not None
    await italy.do(holds.decide, dossier, Tie.CONTRADICTED, reason="the register knows no such brother")
    with pytest.raises(MayNotMove):
        await italy.do(drafting.draft, case_id, a_draft(italy.others["TN"], "placement_abroad", adult_id=dossier))


@pytest.mark.on_both
async def test_no_conversation_ever_says_a_word_of_an_adult_or_a_hold(italy: Country, courier: Courier):
    """Every line of every talk, to people and to officers' phones, after everything that can be done to a dossier."""
    paged = italy.officer = await italy.world.officer("paged", paged=True)
    case_id = await italy.case()
    request_id = await italy.asked(case_id, a_draft(italy.others["TN"], "verify_adult"))
    dossier = await a_dossier(italy, case_id)
    hold = await italy.do(holds.mark, dossier, {"papers": Mark.RED, "no_debt": Mark.RED})
    assert hold is not None
    await italy.do(holds.place_hold, dossier)
    await italy.do(hold_notices.tell_hold, hold.id, [request_id])
    found = Evidence(Source.CHILD, Favour.CONTRADICTS)
    await italy.do(holds.add_evidence, dossier, found, text="she fears him", once="", by=paged)
    await italy.do(holds.decide, dossier, Tie.REFUSED, reason="he is not her uncle")
    pager = Pager(italy.database, italy.clock, Signals(), italy.world.paging, FixedNumbers())
    await pager.look()

    ids = await italy.see(lambda tx: list(tx.execute(sa.select(conversation_store.conversations.c.id)).scalars()))
    said = [
        line.text
        for each in ids
        for line in await italy.see(lambda tx, each=each: conversations.transcript(tx, italy.vault, each))
    ]
    assert any("case waits" in text for text in said)  # the page did go out
    for text in said:
        for word in (CANARY, "hold", "adult", "uncle", "move this child", hold.id, dossier):
            assert word.casefold() not in text.casefold()
    acts = [row.act for row in await italy.see(lambda tx: audit.read_log(tx, object=f"dossier:{dossier}"))]
    assert {"dossier.open", "dossier.mark", "hold.propose", "hold.confirm", "dossier.decide"} <= set(acts)


async def test_what_is_written_about_an_adult_is_unreadable_on_the_disk(italy: Country):
    dossier = await a_dossier(italy, await italy.case())
    found = Evidence(Source.CHILD, Favour.CONTRADICTS)
    await italy.do(holds.add_evidence, dossier, found, text=CANARY, once="")

    for table in (hold_store.adult_dossiers, hold_store.adult_evidence):
        rows = await italy.see(lambda tx, table=table: tx.execute(sa.select(table)).all())
        assert CANARY not in str(rows)
        assert CANARY.encode() not in b"".join(value for row in rows for value in row if isinstance(value, bytes))


async def test_a_dossier_of_somebody_elses_case_is_not_found(italy: Country):
    dossier = await a_dossier(italy, await italy.case())
    stranger = await italy.world.officer("stranger")

    for work in (claimants.open_dossier_file, holds.place_hold):
        with pytest.raises(DossierNotFound):
            await italy.do(work, dossier, by=stranger)
