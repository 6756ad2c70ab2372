"""A case changes hands between two deployments: once and only once, with all that protects the child."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.cases import household_store
from bot.cases import store as case_store
from bot.cases.answering import answer_person
from bot.cases.model import CaseStatus, NotAllowedNow
from bot.cases.record import service as record
from bot.cases.record.risk import Risk
from bot.cases.service import LONGEST_NOTE, open_file, reopen_case, write_note
from bot.exchange.gate import Situation
from bot.exchange.holds import claimants
from bot.exchange.holds import service as holds
from bot.exchange.holds.model import Evidence, Favour, Mark, MayNotMove, Source, Tie
from bot.exchange.post.service import LONGEST_BODY
from bot.exchange.requests import answering, drafting, looking, service, situations, store
from bot.exchange.requests.model import Alternative, NotNow, Refusal, Status
from bot.exchange.requests.reminders import Reminders
from bot.exchange.requests.transfer import acts
from bot.exchange.requests.transfer.model import State
from bot.kernel.crypto import Erased
from bot.kernel.ids import new_id
from bot.kernel.live import Signals
from dialogues.understanding.model import Priority
from tests.integration.exchange.transfers import (
    NAME,
    a_followed_case,
    a_preview,
    case_of,
    moved,
    offered,
    request_of,
    silenced,
    transfer_of,
)
from tests.integration.exchange.two_countries import (
    Country,
    Courier,
    a_draft,
    hand_over,
)

#: Of the longest notes, more than go into one letter.
TOO_MANY_NOTES = LONGEST_BODY // LONGEST_NOTE + 1


async def test_nobody_reads_who_it_is_before_the_other_side_has_accepted(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id = await a_followed_case(italy)
    request_id = await offered(italy, "TN", case_id)
    await courier.carry()

    preview = await tunisia.do(looking.open_request, request_id)
    assert preview.transfer is not None
    assert (preview.transfer.preview.band, preview.transfer.preview.hold) == ("16-17", True)
    assert preview.fields == {}
    said = str(courier.carried)
    assert not any(word in said for word in (NAME, "2011-", "Sami", "aunt", "told"))


async def test_all_that_is_needed_to_go_on_arrives_and_what_was_between_us_does_not(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id = await a_followed_case(italy)
    request_id, there = await moved(italy, tunisia, courier, case_id)

    opened = await tunisia.do(record.open_record, there)
    assert opened.facts["name"].values == (NAME,)
    assert opened.facts["religion"].values == ("x",)
    assert {(task.kind, task.what) for task in opened.tasks} >= {("own", "Call her aunt"), ("see", "")}
    assert opened.risk is not None
    assert opened.risk.level is Risk.HIGH
    file = await tunisia.do(open_file, there)
    assert [note.text for note in file.notes] == ["Sleeps badly"]
    assert file.case.owner_id == tunisia.officer.id
    known = await tunisia.see(lambda tx: situations.situation_of_case(tx, tunisia.vault, file.case))
    assert known == Situation(frozenset({"LY"}), False, frozenset({"SO"}))
    here, gone = await transfer_of(italy, request_id), await transfer_of(tunisia, request_id)
    assert (here.state, here.is_ours, gone.state, gone.is_ours) == (State.MOVED, False, State.MOVED, True)
    assert courier.refused == []
    left = (await italy.do(record.open_record, case_id)).tasks
    assert left
    assert all(task.is_overtaken for task in left)  # what went along is overdue to nobody here, and closes no door


async def test_a_hold_travels_along_and_stands_there(italy: Country, tunisia: Country, courier: Courier):
    case_id = await a_followed_case(italy)
    _, there = await moved(italy, tunisia, courier, case_id)

    adults = await tunisia.do(lambda tx, hand: claimants.adults_of(tx, hand.vault, case_of(tx, there)))
    assert [(adult.name, adult.hold is not None) for adult in adults] == [("Sami", True)]
    assert len(await tunisia.see(lambda tx: claimants.standing_holds(tx, there))) == 1
    draft = a_draft(tunisia.others["IT"], "placement_abroad", adult_id=adults[0].dossier.id)
    with pytest.raises(MayNotMove):
        await tunisia.do(drafting.draft, there, draft)
    dossier = await tunisia.do(claimants.open_dossier_file, adults[0].dossier.id)
    assert [piece.text for piece in dossier.evidence] == ["She has never seen him"]


async def test_a_held_adult_does_not_travel_with_the_child(italy: Country, courier: Courier):
    case_id = await a_followed_case(italy)
    adult = (await italy.do(lambda tx, hand: claimants.adults_of(tx, hand.vault, case_of(tx, case_id))))[0]

    with pytest.raises(MayNotMove):
        await offered(italy, "TN", case_id, adult_id=adult.dossier.id)


async def test_a_tie_that_was_supported_here_is_looked_at_again_there(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id = await italy.case()
    adult = str(await italy.do(holds.open_dossier, case_id, name="Aunt Leila", claimed="uncle_aunt", once=""))
    await italy.do(holds.mark, adult, {"heard_apart": Mark.GREEN, "child_wish": Mark.GREEN})
    for source in (Source.CHILD, Source.AUTHORITY):
        await italy.do(holds.add_evidence, adult, Evidence(source, Favour.SUPPORTS), text="yes", once="")
    await italy.do(holds.decide, adult, Tie.SUPPORTED, reason="all fits")
    _, there = await moved(italy, tunisia, courier, case_id)

    came = await tunisia.do(lambda tx, hand: claimants.adults_of(tx, hand.vault, case_of(tx, there)))
    assert [each.dossier.tie for each in came] == [Tie.UNVERIFIED]


async def test_a_hold_that_is_told_of_after_the_case_has_come_stands_on_every_adult_of_it(
    italy: Country, tunisia: Country, courier: Courier
):
    request_id, there = await moved(italy, tunisia, courier, await italy.case())
    aunt = str(await tunisia.do(holds.open_dossier, there, name="Aunt Leila", claimed="uncle_aunt", once=""))
    await tunisia.do(holds.mark, aunt, {"heard_apart": Mark.GREEN, "child_wish": Mark.GREEN})
    for source in (Source.CHILD, Source.AUTHORITY):
        await tunisia.do(holds.add_evidence, aunt, Evidence(source, Favour.SUPPORTS), text="yes", once="")
    await tunisia.do(holds.decide, aunt, Tie.SUPPORTED, reason="all fits")
    placement = a_draft(tunisia.others["IT"], "placement_abroad", adult_id=aunt)
    assert await tunisia.do(drafting.draft, there, placement)

    told = {"request": request_id, "hold": new_id()}  # which adult they mean, the letter does not say
    await hand_over(tunisia, "IT", "hold_placed", told, request_type="case_transfer")

    with pytest.raises(MayNotMove):
        await tunisia.do(drafting.draft, there, placement)
    await hand_over(tunisia, "IT", "hold_released", told, request_type="case_transfer")
    assert await tunisia.do(drafting.draft, there, placement)


async def test_the_sender_keeps_a_pointer_and_not_a_copy_once_the_child_has_arrived(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id = await a_followed_case(italy)
    request_id, _ = await moved(italy, tunisia, courier, case_id)
    kept = await italy.do(open_file, case_id)
    assert kept.case.is_open  # until the first report: somebody watches
    assert kept.notes

    await italy.database.write(lambda tx: silenced(tx, case_id, italy.officer.id, italy.clock.now()))
    await tunisia.do(acts.child_arrived, request_id)
    await courier.carry()
    await looked(italy)
    assert (await italy.do(open_file, case_id)).case.is_open  # whoever writes here has had no answer yet
    rings = await italy.see(lambda tx: case_store.get_alarm(tx, case_id, lock=False))
    assert rings is not None
    assert rings.climbing

    await italy.do(answer_person, case_id, text="Ines in Tunis is with you now.", once="")
    assert await looked(italy) == 1
    assert await looked(italy) == 0
    case = await italy.see(lambda tx: case_of(tx, case_id))
    assert (case.status, case.closing) == (CaseStatus.CLOSED, "transferred")
    with pytest.raises(Erased):
        await italy.see(lambda tx: italy.vault.key(tx, case.key_id))
    file = await italy.file(request_id)
    assert file.erased
    assert file.fields == {}
    assert file.request.status is Status.ANSWERED
    assert file.partner is not None  # where the case is
    with pytest.raises(NotAllowedNow):
        await italy.do(reopen_case, case_id)


async def test_a_child_who_is_not_seen_within_a_day_rings_on_both_sides(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id = await a_followed_case(italy)
    draft = a_draft(italy.others["TN"], "case_transfer")
    draft.fields["arrival"] = italy.clock.now().date().isoformat()
    request_id = await italy.asked(case_id, draft)
    await courier.carry()
    await tunisia.do(answering.accept, request_id)
    await courier.carry()
    there = (await transfer_of(tunisia, request_id)).case_id
    cases = ((italy, case_id), (tunisia, str(there)))
    for country, ringing in cases:
        await country.database.write(lambda tx, c=ringing, o=country: silenced(tx, c, o.officer.id, o.clock.now()))

    italy.clock.advance(timedelta(hours=23))
    assert await looked(italy) + await looked(tunisia) == 0
    italy.clock.advance(timedelta(hours=1))
    assert (await looked(italy), await looked(tunisia)) == (1, 1)
    assert (await looked(italy), await looked(tunisia)) == (0, 0)  # once; the ladder of the alarm goes on by itself
    for country, ringing in cases:
        alarm = await country.see(lambda tx, c=ringing: case_store.get_alarm(tx, c, lock=False))
        assert alarm is not None
        assert alarm.climbing


async def test_a_child_who_did_not_come_rings_at_the_sender_at_once(italy: Country, tunisia: Country, courier: Courier):
    case_id = await a_followed_case(italy)
    request_id, _ = await moved(italy, tunisia, courier, case_id)
    await italy.database.write(lambda tx: silenced(tx, case_id, italy.officer.id, italy.clock.now()))
    await tunisia.do(acts.child_missed, request_id)
    await courier.carry()

    alarm = await italy.see(lambda tx: case_store.get_alarm(tx, case_id, lock=False))
    assert alarm is not None
    assert alarm.climbing
    alert = a_draft(italy.others["TN"], "missing_across_border")
    await italy.do(drafting.draft, case_id, alert)  # an alert still goes, and our copy is still there for it


async def test_what_was_declined_stays(italy: Country, tunisia: Country, courier: Courier):
    case_id = await a_followed_case(italy)
    request_id = await offered(italy, "TN", case_id)
    await courier.carry()
    await tunisia.do(answering.refuse, request_id, reason=Refusal.NO_CAPACITY, alternative=Alternative.SOCIAL_SERVICE)
    await courier.carry()

    assert (await transfer_of(italy, request_id)).state is State.STAYED
    assert (await italy.see(lambda tx: case_of(tx, case_id))).is_open
    assert NAME not in str(courier.carried)
    await offered(italy, "TN", case_id)  # somebody else, or the same again


async def test_a_case_is_offered_to_one_partner_at_a_time(italy: Country, tunisia: Country, courier: Courier):
    case_id = await a_followed_case(italy)
    first = await offered(italy, "TN", case_id)
    with pytest.raises(NotNow, match="already_offered"):
        await offered(italy, "TN", case_id)
    await courier.carry()
    await tunisia.do(answering.accept, first)
    await courier.carry()
    with pytest.raises(NotNow, match="handed_over"):
        await italy.do(drafting.draft, case_id, a_draft(italy.others["TN"]))


async def test_a_case_that_still_asks_somebody_does_not_leave(italy: Country, courier: Courier):
    case_id = await a_followed_case(italy)
    await italy.asked(case_id, a_draft(italy.others["TN"]))

    with pytest.raises(NotNow, match="still_asking"):
        await offered(italy, "TN", case_id)


async def test_a_hold_that_came_while_the_file_waited_stops_it_and_the_new_file_has_it(
    italy: Country, tunisia: Country, courier: Courier
):
    from bot.exchange.post.model import LetterStopped, WaitingLetter
    from bot.exchange.requests.sending import RequestGatekeeper

    case_id = await italy.case()
    request_id = await offered(italy, "TN", case_id)
    await courier.carry()
    await tunisia.do(answering.accept, request_id)
    file = await italy.do(lambda tx, hand: service.transfers.part_of_body(tx, hand.vault, request_of(tx, request_id)))
    adult = str(await italy.do(holds.open_dossier, case_id, name="Sami", claimed="uncle_aunt", once=""))
    await italy.do(holds.place_hold, adult)
    await courier.carry()
    letter = (await italy.file(request_id)).letters[-1]
    assert letter.kind == "request_body"
    waiting = WaitingLetter(letter.envelope_id, letter.partner_id, letter.kind, {"request": request_id, **file})
    with pytest.raises(LetterStopped, match="file_is_old"):
        await italy.see(lambda tx: RequestGatekeeper(italy.vault).clear(tx, waiting, italy.clock.now()))


async def test_brothers_and_sisters_are_handed_over_together_or_not_at_all(
    italy: Country, tunisia: Country, courier: Courier
):
    amina, omar = await a_followed_case(italy), await a_followed_case(italy, "Omar")
    number = (await italy.see(lambda tx: case_of(tx, omar))).number
    await italy.do(acts.say_siblings, amina, number)
    with pytest.raises(NotNow, match="siblings"):
        await offered(italy, "TN", amina)

    drafts = [
        await italy.do(drafting.draft, each, a_draft(italy.others["TN"], "case_transfer")) for each in (amina, omar)
    ]
    waiting = [each for each in await asked_of(italy, amina) if each not in drafts]
    for each in drafts:
        await italy.do(service.approve, each, by=italy.coordinator)
    await italy.do(service.send_request, drafts[0])
    assert waiting  # the one that could not go alone is still approved, and did not leave
    await courier.carry()
    await tunisia.do(answering.accept, drafts[1])
    await courier.carry()

    there = [(await transfer_of(tunisia, each)).case_id for each in drafts]
    assert None not in there
    assert len(set(there)) == 2
    assert await tunisia.see(lambda tx: household_store.siblings_of(tx, str(there[0]))) == [there[1]]


async def test_while_one_offer_of_two_is_missing_none_is_accepted(italy: Country, tunisia: Country, courier: Courier):
    body = a_preview("1" * 36, size=2)
    await hand_over(tunisia, "IT", "request_preview", body, request_type="case_transfer")

    with pytest.raises(NotNow, match="siblings_missing"):
        await tunisia.do(answering.accept, body["request"])

    await tunisia.do(answering.refuse, body["request"], reason=Refusal.NO_CAPACITY, alternative=Alternative.UNHCR)
    late = a_preview("3" * 36, size=2)
    await hand_over(tunisia, "IT", "request_preview", late, request_type="case_transfer")
    with pytest.raises(NotNow, match="sibling_stays"):  # whoever reads it refuses the second, too
        await tunisia.do(answering.accept, late["request"])


async def test_a_deployment_asks_for_the_file_of_a_child_and_gets_it_into_its_own_case(
    italy: Country, tunisia: Country, courier: Courier
):
    known = await a_followed_case(italy)
    arrived = await tunisia.case()
    await tunisia.do(record.write_fields, arrived, {"name": ["Amina T."]}, seen={})
    pull = await tunisia.asked(arrived, a_draft(tunisia.others["IT"], asks=("hand_over",)))
    await courier.carry()
    await italy.do(answering.accept, pull)
    await courier.carry()
    request_id = await offered(italy, "TN", known, wanted_by=pull)
    await courier.carry()
    await tunisia.do(answering.accept, request_id)
    at, officer_id = tunisia.clock.now(), tunisia.officer.id
    calm = case_store.cases.update().where(case_store.cases.c.id == arrived).values(priority=Priority.P2.value)
    await tunisia.database.write(lambda tx: (silenced(tx, arrived, officer_id, at), tx.execute(calm)))
    await courier.carry()

    here = await tunisia.see(lambda tx: case_of(tx, arrived))
    alarm = await tunisia.see(lambda tx: case_store.get_alarm(tx, arrived, lock=False))
    assert here.priority is Priority.P0  # as urgent as the file says, and whoever holds it is called to read it
    assert alarm is not None
    assert alarm.climbing
    assert (await transfer_of(tunisia, request_id)).case_id == arrived
    opened = await tunisia.do(record.open_record, arrived)
    assert opened.facts["name"].values == ("Amina T.",)  # ours stands, theirs is in a note for a human to weigh
    assert opened.facts["goal"].values == ("Live with her aunt in Tunis",)
    notes = [note.text for note in (await tunisia.do(open_file, arrived)).notes]
    assert any(NAME in note for note in notes)
    situation = await tunisia.see(lambda tx: situations.situation_of_case(tx, tunisia.vault, case_of(tx, arrived)))
    assert situation == Situation(frozenset({"LY"}), False, frozenset({"SO"}))


@pytest.mark.parametrize(
    "change",
    [
        {"facts": [{"name": ["x"]}]},
        {"facts": {"sex": ["neither"]}},
        {"priority": "P9"},
        {"adults": [{"name": "x"}]},
        {"situation": {"fears": "nobody", "asylum": False, "origins": []}},
        {"situation": {"fears": [], "asylum": "no", "origins": []}},
        {"tasks": [{"kind": "own", "what": "", "why": "", "due_at": "soon"}]},
        {"notes": ["x" * 9000]},
        {"risk": {"level": "worst", "why": "x"}},
    ],
)
async def test_a_file_that_cannot_be_read_opens_nothing_and_the_case_stays(
    italy: Country, tunisia: Country, courier: Courier, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
):
    from bot.exchange.requests.transfer import file as files

    case_id = await a_followed_case(italy)
    request_id = await offered(italy, "TN", case_id)
    await courier.carry()
    await tunisia.do(answering.accept, request_id)
    right = files.gather
    monkeypatch.setattr(files, "gather", lambda *args: {**right(*args), **change})
    await courier.carry()

    assert ("request_body", "bad_file") in courier.refused
    assert (await transfer_of(italy, request_id)).state is State.OFFERED  # ours, and it may be sent once more
    assert (await transfer_of(tunisia, request_id)).case_id is None
    monkeypatch.setattr(files, "gather", right)
    await italy.do(service.disclose_again, request_id)
    await courier.carry()
    assert (await transfer_of(italy, request_id)).state is State.MOVED


async def test_a_file_too_large_for_one_letter_stays_here_whole_and_leaves_once_it_is_shorter(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id = await italy.case(situation=Situation(frozenset({"LY"}), False, frozenset({"SO"})))
    for number in range(TOO_MANY_NOTES):
        await italy.do(write_note, case_id, text=f"{number} {'x' * (LONGEST_NOTE - 10)}", once="", shared=True)
    request_id = await offered(italy, "TN", case_id)
    await courier.carry()
    await tunisia.do(answering.accept, request_id)
    await courier.carry()

    last = (await italy.file(request_id)).events[-1]
    assert (last.act, last.facts) == ("body_kept_back", {"why": "file_too_large"})
    with pytest.raises(NotNow, match="file_too_large"):
        await italy.do(service.disclose_again, request_id)
    assert (await transfer_of(italy, request_id)).state is State.OFFERED
    assert courier.refused == []
    assert (await italy.do(open_file, case_id)).case.status is not CaseStatus.CLOSED


async def test_a_withdrawal_that_comes_too_late_destroys_nothing_of_the_case(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id = await a_followed_case(italy)
    request_id, there = await moved(italy, tunisia, courier, case_id)
    with pytest.raises(NotNow, match="handed_over"):
        await italy.do(service.withdraw, request_id)
    await hand_over(tunisia, "IT", "request_withdrawn", {"request": request_id}, request_type="case_transfer")

    opened = await tunisia.do(record.open_record, there)
    assert opened.facts["name"].values == (NAME,)


async def asked_of(country: Country, case_id: str) -> list[str]:
    return [each.request.id for each in await country.see(lambda tx: store.of_case(tx, case_id))]


async def looked(country: Country) -> int:
    return await Reminders(country.database, country.clock, Signals(), country.vault).look()
