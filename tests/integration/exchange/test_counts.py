"""How many requests wait: counted once for all open desks, and for each officer only what exists for them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.cases import service as cases
from bot.exchange.requests import drafting, looking, store
from bot.exchange.requests.model import Side, Status
from bot.kernel.access import Role
from tests.conftest import NOON
from tests.integration.cases.world import World
from tests.integration.exchange.two_countries import a_draft, put_partner


@pytest.fixture
def world(database, vault) -> World:
    return World(database, vault)


@pytest.mark.on_both
async def test_the_shared_count_says_to_each_what_their_own_query_says(world):
    amira, bruno = await world.officer("amira"), await world.officer("bruno")
    everybody = [
        amira,
        bruno,
        await world.officer("rosa", Role.COORDINATOR),
        await world.officer("both", Role.OFFICER, Role.COORDINATOR),
        await world.officer("root", Role.ADMIN),
    ]
    partner = await world.database.write(lambda tx: put_partner(tx, world.vault, country="TN"))
    table = store.exchange_requests
    theirs = {"side": Side.THEIRS.value, "status": Status.DELIVERED.value, "due_at": NOON + timedelta(days=1)}
    late = {"status": Status.ACCEPTED.value, "due_at": NOON - timedelta(minutes=1)}
    for owner, handler, changed in (
        (amira, None, late),
        (amira, None, {}),
        (bruno, None, late),
        (amira, bruno, theirs),
        (bruno, amira, {**theirs, "due_at": NOON}),
        (None, None, theirs),
        (None, None, late),
    ):
        case_id = (await world.escalate()).case_id

        def put(tx, case_id=case_id, owner=owner, handler=handler, changed=changed):
            cases.claim_case(tx, world.hand(amira), case_id)
            request_id = drafting.draft(tx, world.hand(amira), case_id, a_draft(partner))
            values = {**changed, "handler_id": handler.id if handler else None}
            tx.execute(table.update().where(table.c.id == request_id).values(**values))
            held = {"owner_id": owner.id if owner else None, "status": "claimed" if owner else "new"}
            tx.execute(store.cases.update().where(store.cases.c.id == case_id).values(**held))

        await world.database.write(put)
    fresh = table.c.status.in_([Status.DELIVERED.value, Status.SEEN.value])
    waits = (table.c.side == Side.THEIRS.value) & fresh

    def both(tx):
        shared = looking.waiting_by_holder(tx, NOON)
        for officer in everybody:
            own = looking.counted(tx, officer, waits), looking.counted(tx, officer, store.is_overdue(NOON))
            yield officer.name, looking.counts_of(officer, shared), own

    told = await world.database.read(lambda tx: list(both(tx)))
    assert [(name, shared) for name, shared, _ in told] == [(name, own) for name, _, own in told]
    assert len({shared for _, shared, _ in told}) >= 3, told  # not everybody sees the same
