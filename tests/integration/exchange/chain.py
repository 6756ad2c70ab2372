"""Four countries in a row, each of which may pass on what it had from the one before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.cases import consent
from bot.exchange.requests import answering
from bot.exchange.requests.consent_ends import WithdrawnConsents
from bot.exchange.requests.passing.model import Branch
from tests.integration.exchange.two_countries import Country, Courier, a_draft


@dataclass
class Chain:
    """Italy asked Tunisia, Tunisia asked Libya with what it had from Italy, and Libya Chad."""

    italy: Country
    tunisia: Country
    libya: Country
    chad: Country
    courier: Courier
    case_id: str = ""
    consent_id: str = ""
    asked: str = ""  # by Italy
    passed: str = ""  # by Tunisia
    further: str = ""  # by Libya

    async def below(self) -> tuple[Branch, ...]:
        return (await self.italy.file(self.asked)).below_partner

    async def taken_back(self) -> None:
        await self.italy.do(consent.withdraw, self.case_id, self.consent_id, holders=[WithdrawnConsents()])

    async def red(self) -> list[bool]:
        """For each share of the case, whether it still waits for whoever got it."""
        shares = await self.italy.see(lambda tx: consent.shares_of(tx, self.case_id))
        return [share.waits_for_recipient for share in shares]

    async def on_to_libya(self, **situation: Any) -> None:
        """Libya takes on what Tunisia has and passes on."""
        self.passed = await passed_on(self.tunisia, "LY", self.asked, self.courier, **situation)
        await self.libya.do(answering.accept, self.passed)
        await self.courier.carry()

    async def on_to_chad(self) -> None:
        """Chad takes on what Libya has and passes on."""
        self.further = await passed_on(self.libya, "TD", self.passed, self.courier)
        await self.chad.do(answering.accept, self.further)
        await self.courier.carry()


async def passed_on(holder: Country, to: str, source: str, courier: Courier, **situation: Any) -> str:
    """A request for a case of its own that tells what came with `source`; it has arrived. Its id."""
    case_id = await holder.case(**situation)
    request_id = await holder.asked(case_id, a_draft(holder.others[to], passes_on=source))
    await courier.carry()
    return request_id
