"""The life of a record: draft, review, in force, archived; checked by somebody; every change kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.kernel.clock import SetClock
from bot.kernel.database import Database
from directory import store
from directory.model import Method, NotAllowedNow, RecordState, Verification, WrongRecord
from directory.service import (
    Directory,
    due_for_verification,
    list_services,
    move_service,
    save_draft,
    save_organization,
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

    await database.write(lambda tx: save_organization(tx, OWNER, at=at))
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

    history = await database.read(lambda tx: store.history(tx, record.id))
    assert sorted(act for _, _, act, _ in history) == ["archived", "current", "drafted", "in_review"]


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
    await database.write(lambda tx: save_organization(tx, OWNER, at=at))

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

    assert {line.service.state for line in listed} == set(RecordState)
    assert [line.service.name for line in drafts] == ["draft"]
    assert [line.service.name for line in named] == ["archived"]
    assert listed[0].organization == OWNER.name
