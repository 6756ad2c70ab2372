"""No way round: whatever people do with requests, in whatever order, each letter that says something about a child was
allowed to its reader at the moment it was written, and again at the moment it left.

Worlds are random: what the child fears and says later, what it agrees to and takes back, what partners are tied to, the
doubt about an adult, and what officers try (draft, import from a file, copy, forward, approve, send, many at once,
retry, write, tell of a hold, send what waits). The rules that judge them are told a second time, here and in
`tests/unit/exchange/test_gate.py`.

Everything goes through the services, over one SQLite database. A world is one history of acts from beginning to end;
worlds that begin alike share their beginning, as the leaves of a tree share its stem: the database goes back to where
they part by a savepoint. By default 1,000 of them; `WAYMARK_TEST_WORLDS=10000` plays as many as one likes.
"""

from __future__ import annotations

import gc
import json
import os
import random
from collections.abc import Iterator
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field
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
from bot.exchange.holds import claimants
from bot.exchange.holds import service as holds
from bot.exchange.holds.model import Evidence, Favour, HoldError, Mark, Source, Tie
from bot.exchange.partners import service as partner_service
from bot.exchange.partners import store as partners
from bot.exchange.partners.model import ChannelClosed, PartnerKind
from bot.exchange.post import service as post
from bot.exchange.post import store as post_store
from bot.exchange.post.model import LetterRefused, LetterStopped, ReceiptState, ReceivedLetter
from bot.exchange.requests import (
    again,
    drafting,
    hold_notices,
    letters_store,
    overrides,
    sending,
    service,
    situations,
    store,
    thread,
)
from bot.exchange.requests.attachments import service as attachments
from bot.exchange.requests.attachments.service import Wanted
from bot.exchange.requests.consent_ends import WithdrawnConsents
from bot.exchange.requests.drafting import Draft
from bot.exchange.requests.intake import RequestIntake
from bot.exchange.requests.model import OWED, Request, RequestError, Side, Status
from bot.exchange.requests.passing.model import PASSED_FURTHER, PASSED_ON
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

WORLDS = int(os.environ.get("WAYMARK_TEST_WORLDS", "1000"))
#: After the five acts with which every world begins: how many ways it goes on after each. Their product is how many
#: worlds grow on one stem.
BRANCHES = (2, 2, 3, 8)
ON_A_STEM = 96
COUNTRIES = ("ER", "TN", "IT", "DE")
REFUSALS = (GateShut, ChannelClosed, RequestError, HoldError, CaseError, LetterRefused)


@dataclass
class Scene:
    """What all worlds share: officers, partners of every kind, one case, and an adult whose tie was supported."""

    tx: Connection
    vault: Vault
    officer: Hand
    coordinator: Hand
    partners: dict[str, Recipient]
    case_id: str
    adult: str
    consents: dict[str, frozenset[str]]  # the entries in force, by partner
    told: list[str]  # requests of partners with which something came that may be passed on


@pytest.fixture(scope="module")
def scene() -> Any:
    engine = sa.create_engine("sqlite://", connect_args={"isolation_level": None, "cached_statements": 1024})
    with engine.connect() as tx:
        tx.exec_driver_sql("BEGIN")
        make_tables(tx)
        vault, words = Vault(MASTER_KEY), Words({})
        vault.prepare(tx, NOON)
        partner_service.current_own_key(tx, vault, NOON)
        hands = [
            Hand(add_officer(tx, vault, name=role, sign_in_name=role, roles=[role], at=NOON), vault, words, NOON)
            for role in (Role.OFFICER, Role.COORDINATOR)
        ]
        known, case_id = _partners(tx, vault), _case(tx, vault, hands[0])
        agreed = {each: frozenset({consent.record(tx, hands[0], case_id, an_agreement_to(each)).id}) for each in known}
        told = [_told_by(tx, vault, hands[0], partner_id) for partner_id in list(known)[4:8]]  # of every tie, by an NGO
        yield Scene(tx, vault, hands[0], hands[1], known, case_id, _adult(tx, hands[0], case_id), agreed, told)


def _told_by(tx: Connection, vault: Vault, officer: Hand, partner_id: str) -> str:
    """A request of a partner that was accepted, and whose personal part is here."""
    request = Request(
        new_id(), "XAAA-AAA", Side.THEIRS, partner_id, "info_child", Status.ACCEPTED, None, vault.new_key(tx, NOON).id,
        ("harm",), "usual", "en", None, officer.officer.id, NOON, asked_on=NOON,
    )  # fmt: skip
    store.add_request(tx, request, body_sealed=b"words")
    return request.id


def _adult(tx: Connection, officer: Hand, case_id: str) -> str:
    adult = holds.open_dossier(tx, officer, case_id, name="x", claimed="uncle_aunt", once="")
    assert adult is not None
    holds.mark(tx, officer, adult, {"heard_apart": Mark.GREEN, "child_wish": Mark.GREEN})
    for source in (Source.DOCUMENT, Source.AUTHORITY):
        holds.add_evidence(tx, officer, adult, Evidence(source, Favour.SUPPORTS), text="seen", once="")
    holds.decide(tx, officer, adult, Tie.SUPPORTED, reason="two sources, and she wants it")
    return adult


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


@dataclass
class Count:
    """What all worlds together saw."""

    worlds: int = 0
    acts: int = 0
    said_again: int = 0
    letters: int = 0
    left: int = 0
    stopped: int = 0
    refused: int = 0
    by_kind: dict[str, int] = field(default_factory=dict)


class Play:
    """A world as far as it has come: acts at random, and a look after each of them at what was written."""

    def __init__(self, scene: Scene, seed: str, count: Count) -> None:
        self.scene, self.tx, self.count = scene, scene.tx, count
        self.seed, self.chance = seed, random.Random(seed)
        self.child = Situation()
        self.consents = dict(scene.consents)
        self.overridden: frozenset[str] = frozenset()
        self.held = False
        self.last_letter = 0
        self.acts = [
            self.child_speaks, self.draft, self.draft, self.read_in, self.forward, self.approve, self.approve,
            self.send, self.send_many, self.partner_accepts, self.partner_accepts, self.retry, self.write,
            self.attach, self.attach, self.doubt, self.tell_hold, self.override, self.take_back, self.agree,
            self.attempt, self.attempt, self.say_again, self.say_again,
        ]  # fmt: skip

    def begin(self) -> None:
        for act in (self.child_speaks, self.draft, self.approve, self.send, self.partner_accepts):
            self.take(act.__name__)
        self.grow(BRANCHES)

    def grow(self, branches: tuple[int, ...]) -> None:
        """Go on in so many ways, one after the other, each from here."""
        if not branches:
            self.count.worlds += 1
            return
        for way in range(branches[0]):
            savepoint = self.tx.begin_nested()
            other = copy(self)
            other.seed = f"{self.seed}.{way}"
            other.chance, other.consents = random.Random(other.seed), dict(self.consents)
            other.take(other.chance.choice(self.acts).__name__)
            other.grow(branches[1:])
            savepoint.rollback()

    def take(self, act: str) -> None:
        savepoint = self.tx.begin_nested()
        before = copy(self)
        try:
            getattr(self, act)()
        except REFUSALS:
            savepoint.rollback()
            self.overridden, self.child, self.consents = before.overridden, before.child, before.consents
            self.last_letter = before.last_letter  # the numbers of what was undone are given again
            self.count.refused += 1
        else:
            savepoint.commit()
        self.count.acts += 1
        self._judge()

    # The rules, told a second time

    def _judge(self) -> None:
        """Every letter that was just written was allowed to its reader."""
        table, put, asked = post_store.exchange_letters, letters_store.request_letters, store.exchange_requests
        number = sa.literal_column("exchange_letters.rowid")
        told = (table.c.partner_id, table.c.kind, put.c.request_id, asked.c.type_key, asked.c.adult_id)
        query = (
            sa.select(number.label("number"), *told)
            .select_from(table)
            .join(put, put.c.envelope_id == table.c.id)
            .join(asked, asked.c.id == put.c.request_id)
            .where(number > self.last_letter)
        )
        for letter in self.tx.execute(query.order_by(number)).all():
            self.last_letter = letter.number
            self.count.letters += 1
            self.count.by_kind[letter.kind] = self.count.by_kind.get(letter.kind, 0) + 1
            self._must_be_allowed(letter)

    def _must_be_allowed(self, letter: Any) -> None:
        if letter.kind in CODES_ONLY - {PASSED_ON}:
            return
        reader, request_type = self.scene.partners[letter.partner_id], REQUEST_TYPES[letter.type_key]
        if letter.request_id not in self.overridden:
            allowed = may_go(self.child, reader, made_for_asylum=request_type.made_for_asylum)
            assert allowed, (self.seed, self.child, reader, letter.kind)
        if letter.kind in ("hold_placed", PASSED_ON):
            return
        assert self.consents[letter.partner_id], (self.seed, letter.kind)
        assert not (request_type.moves_child and letter.adult_id and self.held), (self.seed, letter.kind)

    # What people do

    def _some_request(self) -> str:
        table = store.exchange_requests
        ours = sa.select(table.c.id).where(table.c.side == Side.OURS.value)
        ids = list(self.tx.execute(ours.order_by(table.c.id)).scalars())
        return self.chance.choice(ids) if ids else "none"

    def _a_draft(self) -> Draft:
        request_type = REQUEST_TYPES[self.chance.choice(sorted(REQUEST_TYPES))]
        adult = self.chance.choice([None, self.scene.adult]) if request_type.moves_child else None
        passes_on = random.Random(f"{self.seed} told").choice(["", *self.scene.told])
        to = self.chance.choice(sorted(self.scene.partners))
        return a_draft(to, request_type.key, adult_id=adult, passes_on=passes_on)

    def child_speaks(self) -> None:
        def some() -> frozenset[str]:
            return frozenset(self.chance.sample(COUNTRIES, self.chance.randint(0, 2)))

        said = Situation(
            self.chance.choice([None, *[frozenset()] * 5, some()]),
            self.chance.choice([None, *[False] * 5, True]),
            some(),
        )
        situations.record_situation(self.tx, self.scene.officer, self.scene.case_id, said)
        self.child = said
        self.overridden = frozenset()  # what two people decided before is not decided any more

    def draft(self) -> None:
        drafting.draft(self.tx, self.scene.officer, self.scene.case_id, self._a_draft())

    def read_in(self) -> None:
        """A draft out of a file."""
        wanted = self._a_draft()
        line = json.dumps({"type_key": wanted.type_key, "partner_id": wanted.partner_id, "asks": list(wanted.asks)})
        read = json.loads(line)
        draft = a_draft(read["partner_id"], read["type_key"], fields=filled(read["type_key"]), asks=tuple(read["asks"]))
        drafting.draft(self.tx, self.scene.officer, self.scene.case_id, draft)

    def forward(self) -> None:
        to = self.chance.choice(sorted(self.scene.partners))
        drafting.copy_to(self.tx, self.scene.officer, self._some_request(), to)

    def approve(self) -> None:
        service.approve(self.tx, self.scene.coordinator, self._some_request())

    def send(self) -> None:
        service.send_request(self.tx, self.scene.officer, self._some_request())

    def send_many(self) -> None:
        """Each as if it were alone: what may not go keeps none of the others."""
        for request_id in self.tx.execute(sa.select(store.exchange_requests.c.id)).scalars().all():
            point = self.tx.begin_nested()
            try:
                service.send_request(self.tx, self.scene.officer, request_id)
            except REFUSALS:
                point.rollback()
            else:
                point.commit()

    def partner_accepts(self) -> None:
        request_id = self._some_request()
        sealed = store.get_request(self.tx, request_id)
        if sealed is None:
            return
        letter = ReceivedLetter(
            sealed.request.partner_id, new_id(), "request_accepted", sealed.request.type_key, sending.PURPOSE,
            {"request": request_id}, None, None, NOON, NOON,
        )  # fmt: skip
        RequestIntake(self.scene.vault).receive(self.tx, letter)

    def retry(self) -> None:
        service.disclose_again(self.tx, self.scene.officer, self._some_request())

    def say_again(self) -> None:
        """A letter did not get there, the child may say something meanwhile, and somebody presses the button."""
        officer, request_id = self.scene.officer, self._some_request()
        if self.chance.random() < 0.7:
            request_id = drafting.draft(self.tx, officer, self.scene.case_id, self._a_draft())
            service.approve(self.tx, self.scene.coordinator, request_id)
            service.send_request(self.tx, officer, request_id)
            self._judge()
        for letter in letters_store.letters_of(self.tx, request_id):
            if letter.kind in again.KINDS | {*service.ASKS_TO_FORGET.values()}:
                letters_store.mark_letter(self.tx, letter.envelope_id, ReceiptState.UNDELIVERED.value)
        if self.chance.random() < 0.5:
            self.child_speaks()
        again.send_again(self.tx, officer, request_id)
        self.count.said_again += 1

    def write(self) -> None:
        thread.write_message(self.tx, self.scene.officer, self._some_request(), text="one more thing", once="")

    def attach(self) -> None:
        """A file, which leaves at once, with the personal part, or never."""
        request_id = self._some_request()
        sealed = store.get_request(self.tx, request_id)
        if sealed is not None:
            wanted = Wanted("A paper", self.chance.choice(sealed.request.type.data))
            attachments.attach_upload(self.tx, self.scene.officer, request_id, b"%PDF-1.7 a paper", wanted)

    def doubt(self) -> None:
        holds.mark(self.tx, self.scene.officer, self.scene.adult, {"papers": Mark.RED, "no_debt": Mark.RED})
        self.held = True

    def tell_hold(self) -> None:
        standing = claimants.standing_holds(self.tx, self.scene.case_id)
        if standing:
            hold_notices.tell_hold(self.tx, self.scene.officer, standing[0].id, [self._some_request()])

    def override(self) -> None:
        request_id = self._some_request()
        one, other = self.scene.officer, self.scene.coordinator
        override_id = overrides.ask_override(self.tx, one, request_id, role="officer", reason="the lawyer agreed")
        with suppress(RequestError):
            overrides.agree_override(self.tx, one, request_id, override_id, role="coordinator")
            raise AssertionError("one person agreed with themselves")
        if self.chance.random() < 0.5:
            overrides.agree_override(self.tx, other, request_id, override_id, role="coordinator")
            self.overridden = self.overridden | {request_id}

    def agree(self) -> None:
        partner_id = self.chance.choice(sorted(self.scene.partners))
        row = consent.record(self.tx, self.scene.officer, self.scene.case_id, an_agreement_to(partner_id))
        self.consents[partner_id] = self.consents[partner_id] | {row.id}

    def take_back(self) -> None:
        """The child takes back what it agreed to for the partner of some request; nothing goes on on its strength."""
        sealed = store.get_request(self.tx, self._some_request())
        if sealed is None or not (rows := self.consents[sealed.request.partner_id]):
            return
        row = self.chance.choice(sorted(rows))
        self.consents[sealed.request.partner_id] = rows - {row}
        officer, holders = self.scene.officer, [WithdrawnConsents()]
        consent.withdraw(self.tx, officer, self.scene.case_id, row, holders=holders)
        for each in store.of_case(self.tx, self.scene.case_id):
            assert each.request.consent_ref != f"consent:{row}" or each.request.status not in OWED | {Status.APPROVED}

    def attempt(self) -> None:
        """The carrier tries to send something that waits: what leaves is allowed now, whatever was true before."""
        table = post_store.exchange_letters
        waiting = list(self.tx.execute(sa.select(table.c.id).where(table.c.state == "waiting")).scalars())
        if not waiting:
            return
        letter = post_store.letter(self.tx, self.chance.choice(waiting))
        put = letters_store.get_letter(self.tx, letter.id) if letter else None
        sealed = store.get_request(self.tx, put.request_id) if put else None
        assert letter is not None
        assert sealed is not None
        try:
            gatekeeper = sending.RequestGatekeeper(self.scene.vault)
            post.sealed(self.tx, self.scene.vault, gatekeeper, letter, NOON)
        except LetterStopped as stopped:
            intake = RequestIntake(self.scene.vault)
            post.shut(self.tx, self.scene.vault, intake, letter.id, stopped.code, NOON)
            self.count.stopped += 1
            return
        self.count.left += 1
        asked = sealed.request
        self._must_be_allowed(_Leaving(letter.partner_id, letter.kind, asked.id, asked.type_key, asked.adult_id))
        assert letter.kind in CODES_ONLY | {"hold_placed"} or asked.status is not Status.WITHDRAWN


@dataclass(frozen=True)
class _Leaving:
    partner_id: str
    kind: str
    request_id: str
    type_key: str
    adult_id: str | None


@pytest.fixture
def settled_heap() -> Iterator[None]:
    """What is loaded is not looked at again and again for rubbish."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("settled_heap")
def test_no_act_of_anybody_goes_round_the_gate_the_ledger_or_a_hold(scene: Scene):
    count = Count()
    for stem in range(-(-WORLDS // ON_A_STEM)):
        ground = scene.tx.begin_nested()
        Play(scene, str(stem), count).begin()
        ground.rollback()

    assert count.worlds >= WORLDS
    assert case_store.get_case(scene.tx, scene.case_id) is not None
    print(count)
    assert count.letters > WORLDS / 20  # the worlds are not empty: letters were written,
    assert min(count.by_kind.get(kind, 0) for kind in ("request_preview", "request_body", "request_withdrawn")) > 5
    assert count.by_kind["request_file"] > 5
    assert sum(count.by_kind.get(kind, 0) for kind in (PASSED_ON, PASSED_FURTHER)) > 2
    assert count.said_again > WORLDS / 200
    assert count.refused > WORLDS / 10  # others were refused,
    assert count.left > WORLDS / 50  # of those that waited some left,
    assert count.stopped > WORLDS / 500  # and some were stopped at the door
