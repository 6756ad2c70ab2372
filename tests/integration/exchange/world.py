"""Deployments with real databases that speak over real HTTP on loopback, and what they need to know each other."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.exchange.gate import Cleared
from bot.exchange.partners import keys
from bot.exchange.partners import service as partner_service
from bot.exchange.partners import store as partners
from bot.exchange.partners.keys import Identity
from bot.exchange.partners.model import Agreement, Partner, PartnerKind
from bot.exchange.post import service, store
from bot.exchange.post.carrier import Carrier
from bot.exchange.post.intake import Intake
from bot.exchange.post.model import Gatekeeper, LetterRefused, Receipt, ReceivedLetter, WaitingLetter
from bot.exchange.post.routes import exchange_routes
from bot.kernel.access import Role
from bot.kernel.clock import SetClock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database
from bot.kernel.ids import new_id
from bot.kernel.live import Signals
from bot.kernel.officers import add_officer
from bot.kernel.settings import load_settings
from bot.kernel.web import WebParts, build_web, web_runner
from bot.kernel.words import Words
from tests.conftest import MASTER_KEY
from tests.integration.exchange.open_gate import OpenGate, cleared

REQUEST, PURPOSE = "info_child", "family_contact"
CLASSES = frozenset({"identity", "family"})


@dataclass
class Room:
    """The room above: remembers in what order it was called, and refuses or fails when it is told to."""

    letters: list[ReceivedLetter] = field(default_factory=list)
    news: list[Receipt] = field(default_factory=list)
    refuses: str | None = None
    names: tuple[str, ...] = ()
    fails: int = 0
    writes: Callable[[Connection, ReceivedLetter], None] | None = None

    def receive(self, tx: Connection, letter: ReceivedLetter) -> None:
        if self.writes is not None:
            self.writes(tx, letter)
        if self.fails:
            self.fails -= 1
            raise RuntimeError("a fault of the room")
        if self.refuses is not None:
            raise LetterRefused(self.refuses, *self.names)
        self.letters.append(letter)

    def told(self, tx: Connection, receipt: Receipt) -> None:
        self.news.append(receipt)


class Deployment:
    """One helpline, with a server of its own."""

    def __init__(self, name: str, country: str, database: Database, clock: SetClock) -> None:
        self.name = name
        self.country = country
        self.database = database
        self.clock = clock
        self.vault = Vault(MASTER_KEY)
        self.signals = Signals()
        self.room = Room()
        self.gate: Gatekeeper = OpenGate()
        self.intake = Intake(database, self.vault, clock, self.signals, self.room)
        self.url = ""
        self.key_id = ""
        self.admins: list[str] = []
        self.carrier = Carrier(
            database,
            self.vault,
            clock,
            self.signals,
            intake=self.intake,
            receiver=self.room,
            gatekeeper=self,
            draw=lambda: 0.5,
        )

    def clear(self, tx: Connection, letter: WaitingLetter, at: datetime) -> Cleared:
        """As a gatekeeper: ask the one that stands at the gate now."""
        return self.gate.clear(tx, letter, at)

    async def prepare(self) -> None:
        def make(tx: Connection) -> None:
            self.vault.prepare(tx, self.clock.now())
            self.key_id = self.vault.new_key(tx, self.clock.now()).id
            partner_service.current_own_key(tx, self.vault, self.clock.now())
            for name in ("amira", "bruno", "carla"):
                officer = add_officer(
                    tx, self.vault, name=name, sign_in_name=name, roles=[Role.ADMIN], at=self.clock.now()
                )
                self.admins.append(officer.id)

        await self.database.write(make)

    @contextlib.asynccontextmanager
    async def serving(self, folder: Path) -> AsyncIterator[Deployment]:
        identity = Identity(name=self.name, country=self.country, endpoint=self.url or "http://127.0.0.1:1")
        routes = exchange_routes(self.database, self.vault, self.clock, self.intake, self.room, self, identity)
        parts = WebParts(
            settings=load_settings({"WAYMARK_DATA_DIR": str(folder)}),
            database=self.database,
            vault=self.vault,
            clock=self.clock,
            signals=self.signals,
            words=Words.load(),
        )
        runner = web_runner(build_web(parts, routes), shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self
        finally:
            await self.carrier.close()
            await runner.cleanup()

    # Acquaintance

    async def card(self) -> str:
        own = await self.database.write(lambda tx: partner_service.current_own_key(tx, self.vault, self.clock.now()))
        return keys.write_card(own, Identity(self.name, self.country, self.url))

    async def meet(self, other: Deployment, *, signatures: int = 2, **changes: Any) -> Partner:
        """Add the other one, take its key file in, and let so many admins sign for it."""
        card = keys.read_card(await other.card())
        described = replace(a_partner(other, self.clock), **changes)

        def add(tx: Connection) -> str:
            at = self.clock.now()
            partner = partner_service.add_partner(tx, self.vault, described, by=self.admins[0], at=at)
            partner_service.add_key(tx, self.vault, partner.id, card, by=self.admins[0], at=at)
            for admin in self.admins[:signatures]:
                heard = " ".join(card.fingerprint)
                partner_service.sign_key(tx, self.vault, partner.id, heard=heard, officer_id=admin, at=at)
            return partner.id

        return await self.partner(await self.database.write(add))

    async def partner(self, partner_id: str) -> Partner:
        found = await self.database.read(lambda tx: partners.get(tx, partner_id, self.vault))
        assert found is not None
        return found

    # Letters

    async def put(self, partner: Partner, text: str = "Who cared for the child?", **changes: Any) -> str:
        letter: dict[str, Any] = {
            "kind": "request",
            "request_type": REQUEST,
            "purpose": PURPOSE,
            "data_classes": CLASSES,
            "consent_ref": "consent-17",
            "body": {"text": text},
            "key_id": self.key_id,
            "actor": self.admins[0],
            "at": self.clock.now(),
            **changes,
        }
        leave = cleared(partner.id, letter["kind"], letter["body"])
        return await self.database.write(lambda tx: service.put(tx, self.vault, leave, partner_id=partner.id, **letter))

    async def letter(self, envelope_id: str) -> store.Letter:
        found = await self.database.read(lambda tx: store.letter(tx, envelope_id))
        assert found is not None
        return found

    async def send(self) -> None:
        await self.carrier.drain()

    async def work(self) -> None:
        """Hand over what came."""
        while await self.intake.hand_over_due():
            pass

    @property
    def texts(self) -> list[str]:
        return [letter.body["text"] for letter in self.room.letters]


def a_partner(other: Deployment, clock: SetClock) -> Partner:
    return Partner(
        id=new_id(),
        name=other.name,
        country=other.country,
        kind=PartnerKind.DEPLOYMENT,
        reports_to=frozenset(),
        agreement=Agreement(
            purposes=frozenset({PURPOSE}),
            data_classes=CLASSES,
            retention_days=90,
            valid_from=clock.now() - timedelta(days=100),
            valid_to=clock.now() + timedelta(days=200),
        ),
        may_send=frozenset({REQUEST}),
        may_receive=frozenset({REQUEST}),
        endpoint=other.url or None,
    )
