"""No way round the gate: whatever people do with requests, in whatever order, each letter that says something about a
child was allowed to its reader at the moment it was written.

Worlds are random: what the child fears and says later, what partners are tied to, and what officers try (draft, import
from a file, copy, forward, approve, send, many at once, retry, write, tell of a hold). The rule that judges them is
told a second time, in `tests/unit/exchange/test_gate.py`. By default some hundreds of worlds;
`WAYMARK_TEST_WORLDS=10000` plays as many as one likes.
"""

from __future__ import annotations

import json
import os
import random
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.cases import consent
from bot.cases import store as case_store
from bot.cases.hand import Hand
from bot.cases.model import CaseError
from bot.cases.service import CaseEscalations, claim_case
from bot.conversations import service as conversations
from bot.conversations.ports import Escalation
from bot.exchange.gate import CODES_ONLY, GateShut, Recipient, Situation
from bot.exchange.holds import service as holds
from bot.exchange.holds.model import HoldError, Mark
from bot.exchange.partners import store as partners
from bot.exchange.partners.model import ChannelClosed, PartnerKind
from bot.exchange.post import store as post
from bot.exchange.post.model import LetterRefused, ReceivedLetter
from bot.exchange.requests import sending, service, store
from bot.exchange.requests.intake import RequestIntake
from bot.exchange.requests.model import RequestError
from bot.exchange.requests.service import Draft
from bot.exchange.requests.types import REQUEST_TYPES
from bot.kernel.access import Role
from bot.kernel.crypto import Vault
from bot.kernel.ids import new_id
from bot.kernel.officers import add_officer
from bot.kernel.words import Words
from dialogues.understanding.model import Priority
from tests.conftest import MASTER_KEY, NOON, make_tables
from tests.integration.exchange.two_countries import a_draft, an_agreement_to, filled, put_partner
from tests.unit.exchange.test_gate import may_go

WORLDS = int(os.environ.get("WAYMARK_TEST_WORLDS", "300"))
COUNTRIES = ("ER", "TN", "IT", "DE")
REFUSALS = (GateShut, ChannelClosed, RequestError, HoldError, CaseError, LetterRefused)


@dataclass
class Scene:
    """What all worlds share: officers, partners of every kind, one case."""

    tx: Connection
    vault: Vault
    officer: Hand
    coordinator: Hand
    partners: dict[str, Recipient]
    case_id: str


@pytest.fixture(scope="module")
def scene() -> Any:
    engine = sa.create_engine("sqlite://", connect_args={"isolation_level": None})
    with engine.connect() as tx:
        tx.exec_driver_sql("BEGIN")
        make_tables(tx)
        vault, words = Vault(MASTER_KEY), Words({})
        vault.prepare(tx, NOON)
        hands = [
            Hand(add_officer(tx, vault, name=role, sign_in_name=role, roles=[role], at=NOON), vault, words, NOON)
            for role in (Role.OFFICER, Role.COORDINATOR)
        ]
        made = Scene(tx, vault, hands[0], hands[1], _partners(tx, vault), _case(tx, vault, hands[0]))
        for partner_id in made.partners:
            consent.record(tx, made.officer, made.case_id, an_agreement_to(partner_id))
        yield made


def _partners(tx: Connection, vault: Vault) -> dict[str, Recipient]:
    kinds = [
        (PartnerKind.AUTHORITY, ()),
        (PartnerKind.NGO, ()),
        (PartnerKind.DEPLOYMENT, ()),
        (PartnerKind.INTERNATIONAL, ()),
        (PartnerKind.INTERNATIONAL, (sending.REFUGEE_PROTECTION,)),
        (PartnerKind.INTERNATIONAL, (sending.FAMILY_LINKS,)),
    ]
    ties = [None, frozenset[str](), frozenset({"ER"}), frozenset({"TN", "DE"})]
    found = {}
    for n, (kind, purposes) in enumerate(kinds):
        for tied in ties:
            partner_id = put_partner(
                tx, vault, country=COUNTRIES[n % 4], kind=kind, reports_to=tied, purposes=tuple(purposes)
            )
            partner = partners.get(tx, partner_id, vault)
            assert partner is not None
            found[partner_id] = sending.recipient_of(partner)
    return found


def _case(tx: Connection, vault: Vault, officer: Hand) -> str:
    conversation = conversations.open_conversation(
        tx, vault, channel="webchat", account="web", address="x", language="en", at=NOON
    )
    escalation = Escalation(
        conversation, "non_parent_adult", Priority.P1, "help", "en", None, None, "words", False, "key"
    )
    case_id = CaseEscalations(vault).escalate(tx, escalation, at=NOON).case_id
    claim_case(tx, officer, case_id)
    return case_id


class Play:
    """One world: acts at random, and looks after each of them what was written."""

    def __init__(self, scene: Scene, chance: random.Random) -> None:
        self.scene, self.chance = scene, chance
        self.child = Situation()
        self.overridden: set[str] = set()
        self.letters = 0
        self.refused = 0
        self.acts = [
            self.child_speaks,
            self.draft,
            self.draft,
            self.read_in,
            self.forward,
            self.approve,
            self.approve,
            self.send,
            self.send_many,
            self.partner_accepts,
            self.partner_accepts,
            self.retry,
            self.write,
            self.tell_hold,
            self.override,
        ]

    def run(self) -> None:
        beginning = [self.child_speaks, self.draft, self.approve, self.send, self.partner_accepts]
        more = [self.chance.choice(self.acts) for _ in range(self.chance.randint(5, 15))]
        for act in beginning + more:
            before = self._last_letter()
            savepoint = self.scene.tx.begin_nested()
            try:
                act()
            except REFUSALS:
                savepoint.rollback()
                self.refused += 1
            else:
                savepoint.commit()
            self._judge(before)

    def _last_letter(self) -> int:
        counted = sa.select(sa.func.count()).select_from(post.exchange_letters)
        return int(self.scene.tx.execute(counted).scalar_one())

    def _judge(self, before: int) -> None:
        table = post.exchange_letters
        query = sa.select(table.c.id, table.c.partner_id, table.c.kind).order_by(table.c.id).offset(before)
        for letter in self.scene.tx.execute(query).all():
            self.letters += 1
            put = store.get_letter(self.scene.tx, letter.id)
            assert put is not None
            if letter.kind in CODES_ONLY or put.request_id in self.overridden:
                continue
            sealed = store.get_request(self.scene.tx, put.request_id)
            assert sealed is not None
            reader = self.scene.partners[letter.partner_id]
            made_for_asylum = REQUEST_TYPES[sealed.request.type_key].made_for_asylum
            assert may_go(self.child, reader, made_for_asylum=made_for_asylum), (self.child, reader, letter.kind)

    def _some_request(self) -> str:
        ids = [each.request.id for each in store.of_case(self.scene.tx, self.scene.case_id)]
        return self.chance.choice(ids) if ids else "none"

    def _a_draft(self) -> Draft:
        movers = {key for key, each in REQUEST_TYPES.items() if each.moves_child and not each.made_for_asylum}
        type_key = self.chance.choice(sorted(set(REQUEST_TYPES) - movers))
        return a_draft(self.chance.choice(sorted(self.scene.partners)), type_key)

    def child_speaks(self) -> None:
        def some() -> frozenset[str]:
            return frozenset(self.chance.sample(COUNTRIES, self.chance.randint(0, 2)))

        said = Situation(
            self.chance.choice([None, frozenset(), frozenset(), frozenset(), some()]),
            self.chance.choice([None, False, False, False, True]),
            some(),
        )
        service.record_situation(self.scene.tx, self.scene.officer, self.scene.case_id, said)
        self.child = said
        self.overridden.clear()  # what two people decided before is not decided any more

    def draft(self) -> None:
        service.draft(self.scene.tx, self.scene.officer, self.scene.case_id, self._a_draft())

    def read_in(self) -> None:
        """A draft out of a file."""
        wanted = self._a_draft()
        line = json.dumps({"type_key": wanted.type_key, "partner_id": wanted.partner_id, "asks": list(wanted.asks)})
        read = json.loads(line)
        draft = a_draft(read["partner_id"], read["type_key"], fields=filled(read["type_key"]), asks=tuple(read["asks"]))
        service.draft(self.scene.tx, self.scene.officer, self.scene.case_id, draft)

    def forward(self) -> None:
        to = self.chance.choice(sorted(self.scene.partners))
        service.copy_to(self.scene.tx, self.scene.officer, self._some_request(), to)

    def approve(self) -> None:
        service.approve(self.scene.tx, self.scene.coordinator, self._some_request())

    def send(self) -> None:
        service.send_request(self.scene.tx, self.scene.officer, self._some_request())

    def send_many(self) -> None:
        ids = [each.request.id for each in store.of_case(self.scene.tx, self.scene.case_id)]
        service.send_all(self.scene.tx, self.scene.officer, ids)

    def partner_accepts(self) -> None:
        request_id = self._some_request()
        sealed = store.get_request(self.scene.tx, request_id)
        if sealed is None:
            return
        letter = ReceivedLetter(
            sealed.request.partner_id, new_id(), "request_accepted", None, sending.PURPOSE,
            {"request": request_id}, None, None, NOON, NOON,
        )  # fmt: skip
        RequestIntake(self.scene.vault).receive(self.scene.tx, letter)

    def retry(self) -> None:
        service.disclose_again(self.scene.tx, self.scene.officer, self._some_request())

    def write(self) -> None:
        service.write_message(self.scene.tx, self.scene.officer, self._some_request(), text="one more thing", once="")

    def tell_hold(self) -> None:
        standing = holds.standing_holds(self.scene.tx, self.scene.case_id)
        if not standing:
            dossier = holds.open_dossier(
                self.scene.tx, self.scene.officer, self.scene.case_id, name="x", claimed="uncle_aunt", once=""
            )
            assert dossier is not None
            holds.mark(self.scene.tx, self.scene.officer, dossier, {"papers": Mark.RED, "no_debt": Mark.RED})
            return
        service.tell_hold(self.scene.tx, self.scene.officer, standing[0].id, [self._some_request()])

    def override(self) -> None:
        request_id = self._some_request()
        one, other = self.scene.officer, self.scene.coordinator
        override_id = service.ask_override(self.scene.tx, one, request_id, role="officer", reason="the lawyer agreed")
        with suppress(RequestError):
            service.agree_override(self.scene.tx, one, request_id, override_id, role="coordinator")
            raise AssertionError("one person agreed with themselves")
        if self.chance.random() < 0.5:
            service.agree_override(self.scene.tx, other, request_id, override_id, role="coordinator")
            self.overridden.add(request_id)


def test_no_act_of_anybody_goes_round_the_gate(scene: Scene):
    letters = refused = 0
    for seed in range(WORLDS):
        world = scene.tx.begin_nested()
        play = Play(scene, random.Random(seed))
        play.run()
        letters, refused = letters + play.letters, refused + play.refused
        world.rollback()

    assert case_store.get_case(scene.tx, scene.case_id) is not None
    assert letters > WORLDS / 20  # the worlds are not empty: letters were written,
    assert refused > WORLDS  # and others were stopped
    print(f"{WORLDS} worlds, {letters} letters, {refused} acts refused")
