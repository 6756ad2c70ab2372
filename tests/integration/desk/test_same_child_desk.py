"""Two cases of one child, from the talk to the case that goes on and back, over HTTP."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from bot.cases import consent, service, store
from bot.cases.service import CaseEscalations
from bot.exchange.holds import service as holds
from bot.kernel.access import Role
from dialogues.understanding.model import Priority
from tests.conftest import NOON
from tests.integration.cases.test_consent import AGREED


@pytest.mark.on_both
async def test_looked_for_compared_said_and_undone(world, at_desk):
    amira = await world.officer("amira")
    kept, case = [(await world.escalate(priority=each)).case_id for each in (Priority.P2, Priority.P0)]
    for each in (kept, case):
        await world.database.write(lambda tx, each=each: service.claim_case(tx, world.hand(amira), each))
    first = (await world.database.read(lambda tx: store.get_case(tx, kept))).case
    number, left = first.number, first.conversation_id
    await world.database.write(lambda tx: store.officer_wrote(tx, kept, NOON))
    await world.database.write(lambda tx: consent.record(tx, world.hand(amira), case, AGREED))
    hers, page = await at_desk(amira), f"/desk/cases/{case}/same-child"

    assert f'href="{page}"' in await hers.go(f"/desk/cases/{case}")
    await hers.go(page)
    await hers.send(f"{page}/search", name="Lina", phone="", born="")
    assert "No open case fits." in hers.page
    assert "No case with this number is yours to see." in await hers.go(f"{page}?number=ZZZ-ZZZ")
    assert "How you know that it is the same child" in await hers.go(f"{page}?number={number.lower()}")
    await hers.send(page, why="", talk="here")
    assert "These two cannot become one" in hers.page
    await hers.send(page, why="She told both of us of the blue door.", talk="here")

    assert hers.path == f"/desk/cases/{kept}"
    assert "One case goes on: this one." in hers.page
    assert "From their other talk" in hers.page
    assert '<span class="chip chip-p0">P0' in hers.page
    assert f'href="/desk/cases/{case}"' in hers.page
    gone = await hers.go(f"/desk/cases/{case}")
    assert "Closed: it is about the same child as another case" in gone
    assert "Open this case again" not in gone
    assert "Open again" not in gone

    assert '<details class="card" open><summary>From their other talk' not in hers.page
    await world.database.write(
        lambda tx: CaseEscalations(world.vault).person_wrote(tx, left, at=NOON + timedelta(minutes=1))
    )
    assert '<details class="card" open><summary>From their other talk' in await hers.go(f"/desk/cases/{kept}")
    await hers.send(f"/desk/cases/{kept}/same-child/there", talk=left)
    assert "You answer in the other talk now." in hers.page

    assert "Agreed to in a case that was closed as a duplicate" in await hers.go(f"/desk/cases/{kept}/file")
    assert AGREED.named in hers.page
    row = re.search(r'/consents/withdraw">.*?name="consent" value="([^"]+)"', hers.page)
    assert row is not None
    await hers.send(f"/desk/cases/{case}/consents/withdraw", consent=row[1])
    assert f'action="/desk/cases/{kept}/consents"' in hers.page  # back in the file in which it was done
    assert "taken back" in hers.page

    ines = await at_desk(await world.officer("ines", Role.COORDINATOR))
    await ines.go(f"/desk/cases/{case}")
    await ines.send(f"{page}/undo", why="Two sisters.")
    assert "The case is open again and yours." in ines.page
    assert "Also about this child" not in await ines.go(f"/desk/cases/{kept}")


async def test_a_case_with_a_hold_is_the_one_that_goes_on(world, at_desk):
    amira = await world.officer("amira")
    kept, case = [(await world.escalate()).case_id for _ in range(2)]
    for each in (kept, case):
        await world.database.write(lambda tx, each=each: service.claim_case(tx, world.hand(amira), each))
    number = (await world.database.read(lambda tx: store.get_case(tx, kept))).case.number

    def hold(tx):
        dossier = holds.open_dossier(tx, world.hand(amira), case, name="Karim", claimed="uncle", once="")
        holds.place_hold(tx, world.hand(amira), dossier)

    await world.database.write(hold)
    hers, page = await at_desk(amira), f"/desk/cases/{case}/same-child"
    await hers.go(f"{page}?number={number}")

    await hers.send(page, why="The same scar.", talk="there")

    assert "A hold stands in this case" in hers.page
    assert (await world.database.read(lambda tx: store.get_case(tx, case))).case.is_open
