"""A case that changes hands between two countries: what its tests have in common."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from bot.cases import alarm
from bot.cases import store as case_store
from bot.cases.record import service as record
from bot.cases.record.risk import Risk
from bot.cases.service import write_note
from bot.exchange.gate import Situation
from bot.exchange.holds import service as holds
from bot.exchange.holds.model import Evidence, Favour, Mark, Source
from bot.exchange.requests import answering, store
from bot.exchange.requests.transfer import store as transfers
from bot.exchange.requests.transfer.model import Transfer
from tests.conftest import NOON
from tests.integration.exchange.two_countries import (
    Country,
    Courier,
    a_draft,
)

NAME = "Amina Trabelsi"


async def a_followed_case(country: Country, name: str = NAME) -> str:
    """A case with a record, a task, a note, a risk, and an adult on whom a hold stands."""
    case_id = await country.case(situation=Situation(frozenset({"LY"}), False, frozenset({"SO"})))
    facts = {"name": [name], "born": ["2011-03-05"], "goal": ["Live with her aunt in Tunis"], "religion": ["x"]}
    await country.do(record.write_fields, case_id, facts, seen={})
    due = country.clock.now() + timedelta(days=3)
    await country.do(record.add_task, case_id, what="Call her aunt", why="She asked for it", due_at=due)
    await country.do(record.assess, case_id, Risk.HIGH, why="He waits at the gate")
    await country.do(write_note, case_id, text="Sleeps badly", once="", shared=True)
    await country.do(write_note, case_id, text="Between us", once="", shared=False)
    adult = await country.do(holds.open_dossier, case_id, name="Sami", claimed="uncle_aunt", once="")
    await country.do(holds.mark, str(adult), {"papers": Mark.RED, "no_debt": Mark.RED})
    found = Evidence(Source.CHILD, Favour.CONTRADICTS)
    await country.do(holds.add_evidence, str(adult), found, text="She has never seen him", once="")
    return case_id


async def transfer_of(country: Country, request_id: str) -> Transfer:
    found = await country.see(lambda tx: transfers.get(tx, request_id))
    assert found is not None
    return found


async def offered(giver: Country, taker: str, case_id: str, **changed: Any) -> str:
    return await giver.asked(case_id, a_draft(giver.others[taker], "case_transfer", **changed))


async def moved(giver: Country, taker: Country, courier: Courier, case_id: str) -> tuple[str, str]:
    """The request, and the case that was opened there."""
    request_id = await offered(giver, taker.country, case_id)
    await courier.carry()
    await taker.do(answering.accept, request_id)
    await courier.carry()
    there = (await transfer_of(taker, request_id)).case_id
    assert there is not None
    return request_id, there


def a_preview(request_id: str, **transfer: Any) -> dict[str, Any]:
    said = {"group": "2" * 36, "size": 1, "band": "12-15", "language": "ar", "hold": False, "wanted_by": ""}
    return {
        "request": request_id,
        "number": "XAAA-AAA",
        "type": "case_transfer",
        "asks": ["case_worker", "arrived"],
        "limit": "usual",
        "due_at": (NOON + timedelta(days=7)).isoformat(),
        "language": "en",
        "transfer": said | transfer,
    }


def case_of(tx: sa.Connection, case_id: str) -> Any:
    found = case_store.get_case(tx, case_id)
    assert found is not None
    return found.case


def request_of(tx: sa.Connection, request_id: str) -> Any:
    found = store.get_request(tx, request_id)
    assert found is not None
    return found.request


def silenced(tx: sa.Connection, case_id: str, officer_id: str, at: Any) -> None:
    alarm.acknowledge(tx, case_id, officer_id=officer_id, at=at)
