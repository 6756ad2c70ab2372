"""A partner without Waymark, asked behind a link: what the tests of it have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace

from bot.exchange.outside import service as outside
from bot.exchange.outside.service import Made, Page
from bot.exchange.partners import service as partner_service
from bot.exchange.partners.model import Contact, Partner, PartnerKind
from bot.exchange.requests.model import Ground, Status
from bot.kernel.access import Role
from bot.kernel.clock import SetClock
from bot.kernel.ids import new_id
from tests.conftest import NOON
from tests.integration.exchange.two_countries import ALL_TYPES, Country, a_draft, an_agreement

EMAIL = "amel@tunis.example"
PDF = b"%PDF-1.7 a certificate"
PNG = b"\x89PNG\r\n\x1a\n" + b"a picture"


@dataclass
class Outside:
    """Italy, and a partner in Tunis who has a telephone and an e-mail address."""

    italy: Country
    clock: SetClock
    partner_id: str

    async def asked(self) -> tuple[str, str]:
        case_id = await self.italy.case()
        return case_id, await self.italy.asked(case_id, a_draft(self.partner_id))

    async def link(self, request_id: str, *, mails: bool = False) -> Made:
        return await self.italy.do(outside.make_link, request_id, mails=mails)

    async def open(self, made: Made, code: str | None = None) -> Page | None:
        given = made.code if code is None else code
        return await self._do(outside.open_link, made.token, given)

    async def accepted(self, made: Made) -> Page:
        page = await self.open(made)
        assert page is not None
        return await self._do(outside.accept, page.reply)

    async def answer(self, page: Page, *keys: str, ground: str = Ground.CHILD_ONLY) -> Page:
        said = [
            {"key": key, "text": f"about {key}", "language": "fr", "how": "seen", "confidence": "high"} for key in keys
        ]
        return await self._do(outside.answer, page.reply, said, ground=ground)

    async def write(self, page: Page, *, text: str, language: str) -> Page:
        vault, at = self.italy.vault, self.clock.now()
        return await self.italy.database.write(
            lambda tx: outside.write(tx, vault, page.reply, text=text, language=language, at=at)
        )

    async def _do(self, work: Any, *args: Any, **named: Any) -> Any:
        vault, at = self.italy.vault, self.clock.now()
        if work is outside.answer:
            return await self.italy.database.write(lambda tx: work(tx, vault, *args, at=at, **named))
        return await self.italy.database.write(lambda tx: work(tx, vault, *args, at, **named))

    async def give(self, page: Page, file_id: str) -> Any:
        return await self._do(outside.save_given, page.reply, file_id)

    async def status(self, request_id: str) -> Status:
        return (await self.italy.file(request_id)).request.status


def a_partner(**changed: Any) -> Partner:
    partner = Partner(
        id=new_id(),
        name="Tunis Child Protection",
        country="TN",
        kind=PartnerKind.NGO,
        reports_to=frozenset(),
        contacts=(Contact("Amel", "+216 71 000 000", EMAIL, ("fr",)),),
        agreement=an_agreement(),
        may_send=ALL_TYPES,
        by_link=True,
    )
    return replace(partner, **changed)


@pytest.fixture
async def tunis(italy: Country, clock: SetClock, request: pytest.FixtureRequest) -> Outside:
    contact = Contact("Amel", "+216 71 000 000", EMAIL, getattr(request, "param", ("fr",)))
    partner, vault = a_partner(contacts=(contact,)), italy.vault
    admins = [await italy.world.officer(f"admin-{n}", Role.ADMIN) for n in (1, 2)]
    await italy.database.write(lambda tx: partner_service.add_partner(tx, vault, partner, by="test", at=NOON))
    for admin in admins:
        await italy.database.write(
            lambda tx, admin=admin: partner_service.sign_contact(
                tx, vault, partner.id, heard=EMAIL, officer_id=admin.id, at=NOON
            )
        )
    italy.others["TN"] = partner.id
    return Outside(italy, clock, partner.id)
