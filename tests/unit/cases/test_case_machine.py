"""The case machine against a model of it: whatever officers try, in whatever order, over a real database."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bot.cases import handover, handover_store, service, store
from bot.cases.auditor import audit_alarms, check_invariants
from bot.cases.hand import Hand
from bot.cases.model import CaseError, CaseStatus
from bot.cases.service import CaseEscalations
from bot.conversations import service as conversations
from bot.conversations.ports import Escalation
from bot.kernel.access import Role
from bot.kernel.crypto import Vault
from bot.kernel.officers import add_officer, disable_officer, enable_officer, get_officer
from bot.kernel.words import Words
from dialogues.understanding.model import Priority
from tests.conftest import MASTER_KEY, NOON, make_tables

WORDS = Words.load()
NAMES = ("amira", "omar", "ines")
names = st.sampled_from(NAMES)


class CaseMachine(RuleBasedStateMachine):
    """One case, three officers (Ines coordinates), and the auditor now and then."""

    @initialize(priority=st.sampled_from(Priority))
    def a_case_waits(self, priority: Priority) -> None:
        engine = sa.create_engine("sqlite://", isolation_level="AUTOCOMMIT")
        self.tx = engine.connect()
        make_tables(self.tx)
        self.vault, self.at = Vault(MASTER_KEY), NOON
        self.vault.prepare(self.tx, self.at)
        roles = {"amira": [Role.OFFICER], "omar": [Role.OFFICER], "ines": [Role.OFFICER, Role.COORDINATOR]}
        self.ids = {
            name: add_officer(self.tx, self.vault, name=name, sign_in_name=name, roles=roles[name], at=self.at).id
            for name in NAMES
        }
        person = conversations.open_conversation(
            self.tx, self.vault, channel="webchat", account="web", address="p", language="en", at=self.at
        )
        escalation = Escalation(person, "threats", priority, "help", "en", None, None, "words", False, "key-1")
        escalated = CaseEscalations(self.vault).escalate(self.tx, escalation, at=self.at)
        self.case_id = escalated.case_id
        self.owner: str | None = None
        self.active = set(NAMES)

    def attempt(self, name: str, work) -> bool:
        """What an officer tries: all of it or, when it is refused, nothing."""
        officer = get_officer(self.tx, self.ids[name])
        hand = Hand(officer, self.vault, WORDS, self.at)
        before = self.case
        try:
            work(hand)
        except CaseError:
            assert self.case == before
            return False
        return True

    @property
    def case(self):
        return store.get_case(self.tx, self.case_id).case

    @rule(minutes=st.integers(0, 400))
    def time_goes_by(self, minutes: int) -> None:
        self.at += timedelta(minutes=minutes)

    @rule(name=names)
    def somebody_claims(self, name: str) -> None:
        waiting = self.case.status is CaseStatus.NEW
        done = self.attempt(name, lambda hand: service.claim_case(self.tx, hand, self.case_id))
        assert done == (waiting and name in self.active)
        if done:
            self.owner = name

    @rule(name=names)
    def somebody_releases(self, name: str) -> None:
        held = self.case.status is CaseStatus.CLAIMED
        done = self.attempt(name, lambda hand: service.release_case(self.tx, hand, self.case_id))
        assert done == (held and name in self.active and (name == self.owner or name == "ines"))
        if done:
            self.owner = None

    @rule(name=names, to=names)
    def somebody_offers(self, name: str, to: str) -> None:
        held = self.case.status is CaseStatus.CLAIMED
        done = self.attempt(
            name, lambda hand: handover.offer(self.tx, hand, self.case_id, to=self.ids[to], note="a word")
        )
        may = name in self.active and (name == self.owner or name == "ines")
        assert done == (held and may and to != self.owner and to in self.active)

    @rule(name=names)
    def somebody_accepts(self, name: str) -> None:
        case = self.case
        offer = handover_store.open_offer(self.tx, self.case_id)
        done = self.attempt(name, lambda hand: handover.accept(self.tx, hand, self.case_id))
        in_time = offer is not None and self.at < offer.expires_at
        assert done == (case.offered_to == self.ids[name] and in_time and name in self.active)
        if done:
            self.owner = name

    @rule(name=names)
    def somebody_takes_over(self, name: str) -> None:
        held = self.case.status is CaseStatus.CLAIMED
        done = self.attempt(name, lambda hand: service.take_over(self.tx, hand, self.case_id))
        assert done == (held and name == "ines" and name in self.active and self.owner != name)
        if done:
            self.owner = name

    @rule(name=names)
    def somebody_closes(self, name: str) -> None:
        held = self.case.status is CaseStatus.CLAIMED
        done = self.attempt(name, lambda hand: service.close_case(self.tx, hand, self.case_id, closing="helped"))
        assert done == (held and name == self.owner and name in self.active)

    @rule(name=names)
    def somebody_reopens(self, name: str) -> None:
        closed = self.case.status is CaseStatus.CLOSED
        done = self.attempt(name, lambda hand: service.reopen_case(self.tx, hand, self.case_id))
        assert done == (closed and name in self.active and (name == self.owner or name == "ines"))
        if done:
            self.owner = name

    @rule(name=st.sampled_from(("amira", "omar")))
    def somebody_leaves_or_comes_back(self, name: str) -> None:
        if name not in self.active:
            enable_officer(self.tx, self.ids[name])
            self.active.add(name)
            return
        disable_officer(self.tx, self.ids[name], self.at)
        self.active.discard(name)
        if handover.give_back_all(self.tx, self.vault, WORDS, self.ids[name], at=self.at):
            self.owner = None

    @rule()
    def the_auditor_looks(self) -> None:
        audit_alarms(self.tx, self.vault, WORDS, at=self.at)

    @invariant()
    def the_case_is_where_the_model_says(self) -> None:
        case = self.case
        if case.status is CaseStatus.NEW:
            assert case.owner_id is None
        elif case.status is CaseStatus.CLAIMED:
            assert case.owner_id == self.ids[self.owner]
            assert self.owner in self.active

    @invariant()
    def an_offer_stands_on_the_case_and_in_the_list_or_on_neither(self) -> None:
        offer = handover_store.open_offer(self.tx, self.case_id)
        assert (offer.to_officer if offer else None) == self.case.offered_to
        if self.case.status is not CaseStatus.CLAIMED:
            assert offer is None

    @invariant()
    def nobody_waits_while_nothing_climbs(self) -> None:
        problems = check_invariants(self.tx, at=NOON)  # lateness is the pager's, which does not run here
        assert [problem for problem in problems if "late" not in problem and "too far" not in problem] == []

    def teardown(self) -> None:
        if hasattr(self, "tx"):
            self.tx.close()


TestCaseMachine = CaseMachine.TestCase
TestCaseMachine.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
