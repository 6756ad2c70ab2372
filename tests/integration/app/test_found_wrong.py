"""From "this was wrong" under a result to what the next person is offered, and what the desk has to do."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from sqlalchemy.engine import Connection

from bot.kernel.access import Role
from directory import store
from directory.model import (
    Location,
    LocationKind,
    Method,
    Organization,
    Phone,
    RecordState,
    Service,
    Verification,
    fixed_id,
)
from tests.integration.app.program import Helpline, Person

QUESTION = "I need a place to sleep in Ventimiglia"
NAME = "Lantern of the test"


def a_shelter(tx: Connection) -> str:
    at = datetime.now(UTC)
    owner = Organization(fixed_id("test", "wrong"), "Owner", "")
    place = Location(
        fixed_id("test place", "wrong"), LocationKind.PHYSICAL, NAME, "IT", "Ventimiglia", address="1 Example Street",
        latitude=43.79, longitude=7.61,
    )  # fmt: skip
    service = Service(
        fixed_id("test service", "wrong"),
        owner.id,
        NAME,
        "A bed for the night",
        ("shelter",),
        state=RecordState.CURRENT,
        locations=(place,),
        phones=(Phone("+39 0184 000 000"),),
        documents=("birth_certificate",),
        verification=Verification(at - timedelta(days=3), "Ana", Method.PHONE, "called"),
    )
    store.put_organization(tx, owner, at=at)
    store.put_service(tx, service, at=at)
    return service.id


async def tap(helpline: Helpline, person: Person, title: str) -> str:
    """Tap the last button with a title, and read the page once it is answered."""
    buttons = re.findall(r'name="tap" value="([^"]+)">([^<]+)</button>', await person.source())
    value = [value for value, shown in buttons if shown == title][-1]
    assert await person.send(tap=value) == 303
    await helpline.settled()
    return await person.page()


async def test_two_people_who_found_it_closed_spare_the_third_the_way(helpline: Helpline):
    service_id = await helpline.database.write(a_shelter)

    for number in range(2):
        async with Person(helpline) as person:
            page = await person.write(QUESTION)
            assert NAME in page
            assert "Bring, if you have it: Birth certificate" in page
            await tap(helpline, person, "This was wrong")
            assert "so that nobody else goes there for nothing" in await tap(helpline, person, "It was closed")
            await tap(helpline, person, "It was closed")  # the same person again counts once
        record = await helpline.database.read(lambda tx: store.get_service(tx, service_id))
        assert record is not None
        assert (record.verification is None) == (number == 1)

    async with Person(helpline) as third:
        assert NAME not in await third.write(QUESTION)
    desk = await helpline.at_desk(await helpline.officer(Role.ADMIN))
    _, listed = await desk.get("/desk/services?show=reported")
    assert NAME in listed
