"""Two deployments, each with a database of its own, and a courier who carries letters between them by hand.

The courier stands where the carrier of `bot.exchange.post` stands: it takes what is waiting, and hands it over once.
Everything else is the real thing, down to the sealed rows.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.cases import consent
from bot.cases.hand import Hand
from bot.exchange.gate import Situation
from bot.exchange.partners import store as partners
from bot.exchange.partners.model import Agreement, Contact, Partner, PartnerKey, PartnerKind, Signature
from bot.exchange.post import store as post
from bot.exchange.post.model import RECEIPT, LetterRefused, Receipt, ReceiptState, ReceivedLetter
from bot.exchange.requests import drafting, looking, sending, service, situations
from bot.exchange.requests.drafting import Draft
from bot.exchange.requests.intake import RequestIntake
from bot.exchange.requests.types import FIELDS, REQUEST_TYPES, Input
from bot.kernel.access import Role
from bot.kernel.clock import SetClock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database
from bot.kernel.ids import new_id
from bot.kernel.officers import Officer
from tests.conftest import NOON
from tests.integration.cases.world import World

T = TypeVar("T")

ALL_TYPES = frozenset(REQUEST_TYPES)
ALL_DATA = frozenset({"identity", "family", "health", "education", "justice"})
NO_FEAR = Situation(frozenset(), False)


def an_agreement(*purposes: str) -> Agreement:
    return Agreement(
        frozenset({sending.PURPOSE, *purposes}),
        ALL_DATA,
        365,
        NOON - timedelta(days=1),
        NOON + timedelta(days=900),
        "protocol 7",
    )


def an_agreement_to(partner_id: str, **changed: Any) -> consent.Agreement:
    """What a child agreed to: that this partner is told everything a request can tell."""
    agreed = consent.Agreement(
        kind=consent.Kind.CONSENT,
        purpose=consent.Purpose.CROSS_BORDER,
        recipient=f"partner:{partner_id}",
        named="The people in Tunis who look after children",
        giver="child",
        capacity="understands",
        language="ar",
        way="spoken",
        text="May we ask the people in Tunis who cared for you? We would tell them your name and your family's.",
        items=tuple(consent.CLASSES),
        age=15,
    )
    return replace(agreed, **changed)


def put_partner(
    tx: Connection,
    vault: Vault,
    *,
    country: str,
    kind: PartnerKind = PartnerKind.DEPLOYMENT,
    reports_to: frozenset[str] | None = frozenset(),
    purposes: tuple[str, ...] = (),
    name: str = "",
    verified: bool = True,
) -> str:
    """A partner whose key two admins have compared by phone."""
    partner = Partner(
        id=new_id(),
        name=name or f"Partner {new_id()[-6:]}",
        country=country,
        kind=kind,
        reports_to=reports_to,
        contacts=(Contact("Ines", "+351 1 234", "", ("pt",)),),
        agreement=an_agreement(*purposes),
        may_send=ALL_TYPES,
        may_receive=ALL_TYPES,
        deployment=new_id(),
    )
    partners.add(tx, partner, skeleton=partner.name.casefold(), at=NOON)
    unsigned = PartnerKey(
        new_id(), partner.id, os.urandom(32), os.urandom(32), NOON - timedelta(days=1), NOON + timedelta(days=900), NOON
    )
    signatures = tuple(
        Signature(admin, NOON, partners.signature_mark(vault, partner, unsigned, admin, NOON))
        for admin in ("admin-1", "admin-2")
    )
    key = PartnerKey(
        unsigned.kid,
        partner.id,
        unsigned.sign_public,
        unsigned.seal_public,
        unsigned.not_before,
        unsigned.not_after,
        NOON,
        signatures if verified else (),
    )
    partners.add_key(tx, key)
    return partner.id


def filled(type_key: str, words: str = "told") -> dict[str, str]:
    """Every field of a type, with something in it that fits."""
    values = {Input.YEAR: "2010", Input.DAY: "2026-12-24"}
    request_type = REQUEST_TYPES[type_key]
    return {
        key: next(iter(FIELDS[key].choices or {}), values.get(FIELDS[key].input, f"{words} {key}"))
        for key in (*request_type.tells, *request_type.may_tell)
    }


def a_draft(partner_id: str, type_key: str = "info_child", **changed: Any) -> Draft:
    given: dict[str, Any] = {
        "type_key": type_key,
        "partner_id": partner_id,
        "asks": REQUEST_TYPES[type_key].asks,
        "fields": filled(type_key),
        "decision": "To decide where she may live we need to know who cared for her.",
        "assent": "agrees",
        "language": "en",
        "decision_translated": "Pour décider où elle peut vivre, nous devons savoir qui s'occupait d'elle.",
        "translated_into": "fr",
    }
    return Draft(**{**given, **changed})


@dataclass
class Country:
    """One country's Waymark."""

    world: World
    clock: SetClock
    country: str
    others: dict[str, str] = field(default_factory=dict)  # country to partner id here
    officer: Officer = field(init=False)
    coordinator: Officer = field(init=False)

    @property
    def database(self) -> Database:
        return self.world.database

    @property
    def vault(self) -> Vault:
        return self.world.vault

    async def prepare(self) -> None:
        self.officer = await self.world.officer(f"officer-{self.country}", Role.OFFICER)
        self.coordinator = await self.world.officer(f"coordinator-{self.country}", Role.COORDINATOR)

    def hand(self, officer: Officer | None = None) -> Hand:
        return Hand(officer or self.officer, self.vault, self.world.words, self.clock.now())

    async def do(self, work: Callable[..., T], *args: Any, by: Officer | None = None, **named: Any) -> T:
        """One act of somebody here."""
        hand = self.hand(by)
        return await self.database.write(lambda tx: work(tx, hand, *args, **named))

    async def see(self, work: Callable[[Connection], T]) -> T:
        return await self.database.read(work)

    async def case(self, *, situation: Situation | None = NO_FEAR, consented: bool = True) -> str:
        """A case that our officer holds, the child asked about fear, and whether each partner may be told."""
        from bot.cases.service import claim_case

        escalated = await self.world.escalate()
        await self.do(claim_case, escalated.case_id)
        if situation is not None:
            await self.do(situations.record_situation, escalated.case_id, situation)
        if consented:
            for partner_id in self.others.values():
                await self.do(consent.record, escalated.case_id, an_agreement_to(partner_id))
        return escalated.case_id

    async def asked(self, case_id: str, draft: Draft) -> str:
        """A request of ours, drafted, approved and sent."""
        request_id = await self.do(drafting.draft, case_id, draft)
        await self.do(service.approve, request_id, by=self.coordinator)
        await self.do(service.send_request, request_id)
        return request_id

    async def file(self, request_id: str) -> looking.RequestFile:
        at = self.clock.now()
        return await self.see(lambda tx: looking.watch_request(tx, self.vault, self.coordinator, request_id, at=at))


class Courier:
    """Carries what is waiting, in both directions, until nothing is."""

    def __init__(self, *deployments: Country) -> None:
        self._by_country = {each.country: each for each in deployments}
        self.carried: list[tuple[str, str, dict[str, Any]]] = []
        self.refused: list[tuple[str, str]] = []

    async def carry(self) -> None:
        while any([await self._carry_one(each) for each in self._by_country.values()]):
            pass

    async def _carry_one(self, sender: Country) -> bool:
        found = await sender.see(_next_waiting)
        if found is None:
            return False
        at = sender.clock.now()
        country = {partner: country for country, partner in sender.others.items()}.get(found.partner_id)
        receiver = self._by_country.get(country or "")
        if receiver is None:  # nobody at home: it stays where it is, out of the way
            await sender.database.write(lambda tx: _mark(tx, found.id, "held"))
            return True
        body = await sender.see(
            lambda tx: json.loads(
                sender.vault.key(tx, found.key_id).open(
                    found.body, table="exchange_letters", row=found.id, field="body"
                )
            )
        )
        self.carried.append((sender.country, found.kind, body))
        if found.kind == RECEIPT:
            news = Receipt(receiver.others[sender.country], body["of"], ReceiptState(body["state"]), body["code"], at)
            await receiver.database.write(lambda tx: RequestIntake(receiver.vault).told(tx, news))
            await sender.database.write(lambda tx: _mark(tx, found.id, "stored"))
            return True
        letter = ReceivedLetter(
            receiver.others[sender.country],
            found.id,
            found.kind,
            found.request_type,
            found.purpose,
            body,
            found.consent_ref,
            found.in_reply_to,
            found.made_at,
            receiver.clock.now(),
        )
        state, code = ReceiptState.STORED, None
        try:
            await receiver.database.write(lambda tx: RequestIntake(receiver.vault).receive(tx, letter))
        except LetterRefused as error:
            state, code = ReceiptState.REFUSED, error.code
            self.refused.append((found.kind, error.code))
        await sender.database.write(lambda tx: _mark(tx, found.id, state.value))
        receipt = Receipt(found.partner_id, found.id, state, code, at)
        await sender.database.write(lambda tx: RequestIntake(sender.vault).told(tx, receipt))
        return True


async def hand_over(receiver: Country, sender: str, kind: str, body: dict[str, Any], **more: Any) -> str:
    """Give a letter in as if a partner had sent it: for what a partner of ours would never send."""
    at: datetime = receiver.clock.now()
    letter = ReceivedLetter(
        receiver.others[sender],
        more.pop("envelope_id", new_id()),
        kind,
        more.pop("request_type", None),
        sending.PURPOSE,
        body,
        "consent:1",
        None,
        at,
        at,
    )
    await receiver.database.write(lambda tx: RequestIntake(receiver.vault).receive(tx, letter))
    return letter.envelope_id


def described_anew(tx: Connection, country: Country, partner_id: str, **change: Any) -> None:
    """Something else is said of a partner, and was signed for already."""
    found = partners.get(tx, partner_id, country.vault)
    assert found is not None
    changed = replace(found, **change)
    partners.save(tx, changed, skeleton=changed.name.casefold())
    for key in changed.keys:
        signed = tuple(
            replace(each, mark=partners.signature_mark(country.vault, changed, key, each.officer_id, each.at))
            for each in key.signatures
        )
        partners.save_key(tx, replace(key, signatures=signed))


def _next_waiting(tx: Connection) -> Any:
    table = post.exchange_letters
    return tx.execute(sa.select(table).where(table.c.state == "waiting").order_by(table.c.seq).limit(1)).first()


def _mark(tx: Connection, letter_id: str, state: str) -> None:
    table = post.exchange_letters
    tx.execute(table.update().where(table.c.id == letter_id).values(state=state))
