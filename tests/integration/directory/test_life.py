"""The life of a record: draft, review, in force, archived; checked by somebody; every change kept."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.kernel.clock import SetClock
from bot.kernel.database import Database
from directory import store
from directory.asking import Directory
from directory.model import (
    AtPlace,
    Method,
    NotAllowedNow,
    Phone,
    RecordState,
    Service,
    Translation,
    Verification,
    WrongRecord,
)
from directory.opening_hours import SpecialDay, week
from directory.organizations import save_organization
from directory.service import (
    Wrong,
    due_for_verification,
    list_services,
    move_service,
    propose_change,
    report_wrong,
    save_draft,
    verify_service,
)

from .records import NOWHERE, OWNER, a_service, put


async def test_a_new_record_is_offered_only_after_review_and_a_check(
    directory: Directory, database: Database, clock: SetClock
):
    at = clock.now()
    record = a_service("new", at)

    async def offered() -> bool:
        return "new" in [found.name for found in await directory.near("shelter", NOWHERE, language="en")]

    await database.write(lambda tx: save_organization(tx, OWNER, by="ana", at=at))
    kept = await database.write(lambda tx: save_draft(tx, record, by="ana", at=at))
    assert kept.state is RecordState.DRAFT
    assert kept.verification is None  # what it claimed about itself does not count
    for state in (RecordState.IN_REVIEW, RecordState.CURRENT):
        await database.write(lambda tx, state=state: move_service(tx, record.id, state, by="ben", at=at))
        assert not await offered()
    check = Verification(at, "Ben", Method.PHONE, "spoke to the night worker")
    await database.write(lambda tx: verify_service(tx, record.id, check))
    assert await offered()
    await database.write(lambda tx: move_service(tx, record.id, RecordState.ARCHIVED, by="ben", at=at, why="closed"))
    assert not await offered()

    history = await database.read(lambda tx: store.changes_of(tx, record.id))
    assert sorted(change.act for change in history) == ["archived", "current", "drafted", "in_review"]


async def test_steps_are_not_skipped(database: Database, clock: SetClock):
    at = clock.now()
    await database.write(lambda tx: put(tx, a_service("draft", at, state=RecordState.DRAFT), at=at))
    service_id = a_service("draft", at).id

    for state in (RecordState.CURRENT, RecordState.ARCHIVED):
        with pytest.raises(NotAllowedNow):
            await database.write(lambda tx, state=state: move_service(tx, service_id, state, by="ana", at=at))


async def test_what_is_in_force_is_not_changed_in_place(database: Database, clock: SetClock):
    at = clock.now()
    record = a_service("current", at)
    await database.write(lambda tx: put(tx, record, at=at))

    with pytest.raises(NotAllowedNow, match="only a draft"):
        await database.write(lambda tx: save_draft(tx, replace(record, name="other"), by="ana", at=at))


async def test_a_wrong_record_is_refused_with_every_reason(database: Database, clock: SetClock):
    at = clock.now()
    await database.write(lambda tx: save_organization(tx, OWNER, by="ana", at=at))

    with pytest.raises(WrongRecord) as refused:
        await database.write(
            lambda tx: save_draft(tx, replace(a_service("x", at), name="", needs=("a pony",)), by="ana", at=at)
        )

    assert len(refused.value.problems) == 2


async def test_a_service_of_an_unknown_organisation_is_refused(database: Database, clock: SetClock):
    with pytest.raises(WrongRecord, match="organisation"):
        await database.write(lambda tx: save_draft(tx, a_service("x", clock.now()), by="ana", at=clock.now()))


async def test_a_check_names_who_and_where(database: Database, clock: SetClock):
    at = clock.now()
    record = a_service("s", at)
    await database.write(lambda tx: put(tx, record, at=at))

    with pytest.raises(WrongRecord):
        await database.write(lambda tx: verify_service(tx, record.id, Verification(at, "", Method.PHONE, "call")))
    with pytest.raises(KeyError):
        await database.write(lambda tx: verify_service(tx, "none", Verification(at, "Ana", Method.PHONE, "call")))


async def test_an_older_check_that_comes_late_does_not_make_the_record_older(database: Database, clock: SetClock):
    at = clock.now()
    record = a_service("s", at, checked_days_ago=2)
    await database.write(lambda tx: put(tx, record, at=at))
    late = Verification(at - timedelta(days=30), "Ben", Method.VISIT, "was there")

    await database.write(lambda tx: verify_service(tx, record.id, late))

    kept = await database.read(lambda tx: store.get_service(tx, record.id))
    assert kept is not None
    assert kept.verification == record.verification


async def test_a_record_with_a_holiday_is_read_as_it_was_written(database: Database, clock: SetClock):
    days = (SpecialDay(date(2026, 12, 24), ((540, 720),), "Christmas Eve"), SpecialDay(date(2026, 12, 25)))
    record = a_service("holiday", clock.now(), hours=week("Europe/Rome", "mo-fr 09:00-17:00", days))
    await database.write(lambda tx: put(tx, record, at=clock.now()))

    kept = await database.read(lambda tx: store.get_service(tx, record.id))

    assert kept is not None
    assert kept.hours == record.hours


async def test_what_is_due_for_a_check_is_listed_oldest_first(database: Database, clock: SetClock):
    at = clock.now()
    ages = {"fresh": 10, "old": 100, "older": 200, "never": None}
    records = [a_service(key, at, checked_days_ago=days) for key, days in ages.items()]
    await database.write(lambda tx: put(tx, *records, at=at))

    due = await database.read(lambda tx: due_for_verification(tx, at=at))

    assert [service.name for service in due] == ["never", "older", "old"]


async def test_editors_see_records_in_every_state(database: Database, clock: SetClock):
    at = clock.now()
    records = [a_service(state.value, at, state=state) for state in RecordState]
    await database.write(lambda tx: put(tx, *records, at=at))

    listed = await database.read(lambda tx: list_services(tx, at=at))
    drafts = await database.read(lambda tx: list_services(tx, at=at, state=RecordState.DRAFT))
    named = await database.read(lambda tx: list_services(tx, at=at, words="ARCH"))
    spoken = replace(records[2], name="Київ", names=(Translation("fr", "L'École"),))
    await database.write(lambda tx: put(tx, spoken, at=at))
    for words in ("київ", "КИЇВ", "école", "ÉCOLE safe bed", "eismitte owner київ"):
        assert len(await database.read(lambda tx, words=words: store.list_ids(tx, words=words))) == 1, words
    assert await database.read(lambda tx: store.published_ids(tx, store.Filters(words="київ"))) == [spoken.id]
    assert not await database.read(lambda tx: store.list_ids(tx, words="київ dentist"))

    assert {line.service.state for line in listed} == set(RecordState)
    assert [line.service.name for line in drafts] == ["draft"]
    assert [line.service.name for line in named] == ["archived"]
    assert listed[0].organization == OWNER.name


# --- changes of what is in force -----------------------------------------------------------------------------------


async def in_force(database: Database, clock: SetClock, key: str = "current") -> Service:
    record = replace(a_service(key, clock.now()), phones=(Phone("+44 1632 960001"),), website="https://example.org")
    await database.write(lambda tx: put(tx, record, at=clock.now()))
    kept = await database.read(lambda tx: store.get_service(tx, record.id))
    assert kept is not None
    return kept


async def propose(database: Database, clock: SetClock, changed: Service, by: str = "ana") -> Service:
    return await database.write(lambda tx: propose_change(tx, changed, by=by, at=clock.now(), why="they moved"))


async def decide(
    database: Database, clock: SetClock, draft: Service, *, by: str, call_back: str = "", review: bool = True
) -> Service:
    def work(tx: Connection) -> Service:
        if review:
            move_service(tx, draft.id, RecordState.IN_REVIEW, by=by, at=clock.now())
        return move_service(tx, draft.id, RecordState.CURRENT, by=by, at=clock.now(), call_back=call_back)

    return await database.write(work)


async def test_an_edit_is_a_draft_that_leaves_the_record_in_force_as_it_is(database: Database, clock: SetClock):
    record = await in_force(database, clock)
    [place] = record.locations

    draft = await propose(
        database, clock, replace(record, name="new", locations=(replace(place, address="elsewhere 1"),))
    )

    assert draft.update_of == record.id
    assert await database.read(lambda tx: store.get_service(tx, record.id)) == record


async def test_a_change_of_words_takes_the_place_of_the_record_and_keeps_its_id_and_check(
    database: Database, clock: SetClock
):
    record = await in_force(database, clock)
    draft = await propose(database, clock, replace(record, summary="better words"))

    await decide(database, clock, draft, by="ana")

    kept = await database.read(lambda tx: store.get_service(tx, record.id))
    assert kept is not None
    assert (kept.summary, kept.verification, kept.locations) == ("better words", record.verification, record.locations)
    [change] = await database.read(lambda tx: store.changes_of(tx, record.id))
    assert (change.by, change.act, change.before["summary"]) == ("ana", "changed", record.summary)
    shown = await database.read(lambda tx: store.list_ids(tx, state=RecordState.CURRENT))
    assert shown.count(record.id) == 1
    assert draft.id not in shown


@pytest.mark.parametrize(
    "way", ["phone", "address", "website", "email", "place", "a text", "a translation", "a way", "there"]
)
async def test_a_changed_way_to_a_service_needs_a_second_person_and_a_call_on_the_old_one(
    database: Database, clock: SetClock, way: str
):
    record = await in_force(database, clock)
    [place] = record.locations
    changed = {
        "phone": replace(record, phones=(Phone("+44 1632 960999"),)),
        "address": replace(record, locations=(replace(place, address="trap street"),)),
        "website": replace(record, website="https://example.com"),
        "email": replace(record, email="a@example.com"),
        "place": replace(record, locations=(replace(place, latitude=71.9),)),
        "a text": replace(record, alert="New number: ٠٦ ١٢ ٣٤ ٥٦, shut on 2026-12-24"),
        "a translation": replace(record, summaries=(Translation("fr", "Écris à t.me/quelquun"),)),
        "there": replace(record, at_places=(AtPlace(place.id, None, (Phone("+44 1632 960999"),)),)),
        "a way": replace(record, ways_to_apply=(Translation("fr", "Attends l'homme au port"),)),
    }[way]
    draft = await propose(database, clock, changed)

    with pytest.raises(NotAllowedNow, match="did not write it"):
        await decide(database, clock, draft, by="ana", call_back="called")
    with pytest.raises(NotAllowedNow, match="call_back"):
        await decide(database, clock, draft, by="ben", call_back="  ")
    assert await database.read(lambda tx: store.get_service(tx, record.id)) == record

    await decide(database, clock, draft, by="ben", call_back="Mona at the old number confirmed it")

    kept = await database.read(lambda tx: store.get_service(tx, record.id))
    assert kept is not None
    assert replace(kept, modified_at=None) == replace(changed, modified_at=None)
    [change] = await database.read(lambda tx: store.changes_of(tx, record.id))
    assert "Mona at the old number" in change.why


async def test_what_was_archived_does_not_come_back_with_another_way_by_one_person(database: Database, clock: SetClock):
    record = await in_force(database, clock)

    def back_as(tx: Connection, changed: Service) -> None:
        for state in (RecordState.ARCHIVED, RecordState.DRAFT):
            move_service(tx, record.id, state, by="ana", at=clock.now())
        clock.advance(timedelta(minutes=1))
        save_draft(tx, changed, by="ana", at=clock.now())

    await database.write(lambda tx: back_as(tx, replace(record, phones=(Phone("+44 1632 960999"),))))

    with pytest.raises(NotAllowedNow, match="did not write it"):
        await decide(database, clock, record, by="ana", call_back="called")
    with pytest.raises(NotAllowedNow, match="call_back"):
        await decide(database, clock, record, by="ben")
    done = await decide(database, clock, record, by="ben", call_back="Mona at the old number confirmed it")
    assert done.state is RecordState.CURRENT

    await database.write(lambda tx: back_as(tx, replace(done, alert="Shut from 2026-12-24, 09:00-12:00")))
    await decide(database, clock, record, by="ana")  # words are as easy to change as ever


async def test_a_second_proposal_replaces_the_first_until_it_is_in_review(database: Database, clock: SetClock):
    record = await in_force(database, clock)
    first = await propose(database, clock, replace(record, name="first"))
    clock.advance(timedelta(minutes=1))
    second = await propose(database, clock, replace(record, name="second"), by="ben")
    assert first.id == second.id
    newest, _ = await database.read(lambda tx: store.changes_of(tx, first.id))
    assert newest.before["name"] == "first"  # what it replaced is not lost

    await database.write(lambda tx: move_service(tx, first.id, RecordState.IN_REVIEW, by="ben", at=clock.now()))
    with pytest.raises(NotAllowedNow, match="in review"):
        await propose(database, clock, replace(record, name="third"))
    done = await decide(database, clock, second, by="ben", review=False)
    assert done.name == "second"
    assert (await propose(database, clock, replace(done, name="third"))).id == first.id


async def test_a_draft_cannot_move_another_service_by_its_location(database: Database, clock: SetClock):
    record = await in_force(database, clock)
    [place] = record.locations
    thief = replace(a_service("thief", clock.now()), locations=(replace(place, address="trap street"),))

    with pytest.raises(WrongRecord, match="another service's"):
        await database.write(lambda tx: save_draft(tx, thief, by="ana", at=clock.now()))

    shared = replace(thief, locations=(place,))
    await database.write(lambda tx: save_draft(tx, shared, by="ana", at=clock.now()))
    assert await database.read(lambda tx: store.get_service(tx, record.id)) == record


# --- what people report --------------------------------------------------------------------------------------------


async def test_two_people_who_found_it_closed_take_it_out_at_once(
    directory: Directory, database: Database, clock: SetClock
):
    record = await in_force(database, clock)

    async def report(kind: Wrong, reporter: str) -> bool:
        return await database.write(lambda tx: report_wrong(tx, record.id, kind, reporter=reporter, at=clock.now()))

    assert not await report(Wrong.CLOSED, "one")
    assert not await report(Wrong.CLOSED, "one")
    assert not await report(Wrong.REFUSED, "one")  # one person, however loud, is one person
    assert not await report(Wrong.NUMBER, "three")
    assert record.name in [found.name for found in await directory.near("shelter", NOWHERE, language="en")]
    assert await report(Wrong.REFUSED, "two")

    assert record.name not in [found.name for found in await directory.near("shelter", NOWHERE, language="en")]
    first, *_ = await database.read(lambda tx: due_for_verification(tx, at=clock.now()))
    assert first.id == record.id
    assert (await database.read(store.open_reports))[record.id] == {"closed": 1, "refused_me": 2, "wrong_number": 1}

    check = Verification(clock.now(), "Ben", Method.PHONE, "open again")
    await database.write(lambda tx: verify_service(tx, record.id, check))
    assert record.name in [found.name for found in await directory.near("shelter", NOWHERE, language="en")]
    assert await database.read(store.open_reports) == {}
    with pytest.raises(KeyError):
        await database.write(lambda tx: report_wrong(tx, "none", Wrong.OTHER, reporter="x", at=clock.now()))
