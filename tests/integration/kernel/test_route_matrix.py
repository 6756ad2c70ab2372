"""Who gets in where: every role, every guarded route, every state of an object."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import pytest

from bot.kernel import officers, sessions
from bot.kernel.access import Role
from bot.kernel.web import Route
from tests.integration.kernel.conftest import SampleCase, Served
from tests.integration.kernel.route_matrix import MakeTarget, Person, Target, walk

STATES = ("own", "foreign", "unheld", "closed", "missing")


async def everybody(served: Served) -> Sequence[Person]:
    """Nobody, each role, two roles at once, and a cookie of somebody who was switched off since."""
    people = [Person("nobody"), Person("a forged cookie", None, _always("forged"))]
    for roles in [[role] for role in Role] + [[Role.OFFICER, Role.ADMIN]]:
        officer = await served.officer(*roles)
        people.append(Person("+".join(roles), officer, partial(_signed_in, served, officer.id)))
    leaver = await served.officer(Role.COORDINATOR)
    token = await _signed_in(served, leaver.id)
    await served.database.write(lambda tx: officers.disable_officer(tx, leaver.id, served.clock.now()))
    return [*people, Person("leaver", None, _always(token))]


async def _signed_in(served: Served, officer_id: str) -> str:
    return await served.database.write(lambda tx: sessions.start(tx, officer_id, served.clock.now()))


def _always(token: str) -> Callable[[], Awaitable[str]]:
    async def same() -> str:
        return token

    return same


@pytest.fixture
def make_target(served: Served) -> MakeTarget:
    """Objects of the sample program; the whole program has its own."""

    async def make(route: Route, state: str, person: Person) -> Target | None:
        if state == "missing":
            return Target({"case_id": "missing"}, None, exists=False)
        mine = person.officer.id if person.officer else "nobody"
        case = SampleCase(state, {"own": mine, "closed": mine, "foreign": "somebody-else"}.get(state))
        served.sample.cases[state] = case
        return Target({"case_id": state}, case)

    return make


async def test_every_role_finds_at_every_route_what_the_rules_declare(served: Served, make_target: MakeTarget):
    everyone = await everybody(served)

    matrix = await walk(served.app, served.base, everyone, STATES, make_target)

    assert matrix.routes == {"leave", "queue", "case", "case.answer", "events", "officers"}
    assert matrix.wrong == ()
    assert matrix.cells == len(everyone) * (4 + 2 * len(STATES))


async def test_the_matrix_notices_a_handler_that_forgets_to_ask(served: Served, make_target: MakeTarget):
    everyone = await everybody(served)

    async def careless(route: Route, state: str, person: Person) -> Target | None:
        target = await make_target(route, state, person)
        if person.officer is not None:
            served.sample.cases["foreign"] = SampleCase("foreign", person.officer.id)  # as if the check were missing
        return target

    matrix = await walk(served.app, served.base, everyone, ("foreign",), careless)

    assert {cell.person for cell in matrix.wrong} == {
        "officer",
        "coordinator",
        "officer+admin",
    }  # an admin never gets that far
