"""Somebody with a phone in their hand: the message path over the real cases."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from bot.cases import consent, receipts, service, store
from bot.cases.consent import Agreement, Kind, Purpose
from bot.cases.hand import Hand
from bot.cases.model import Case
from bot.cases.own import OwnCases
from bot.cases.presence import Presence
from bot.cases.queue_time import QueueTime
from bot.cases.service import CaseEscalations
from bot.conversations import service as conversations
from bot.conversations.effects import always
from bot.kernel.access import Role
from bot.kernel.officers import Officer, add_officer, get_officer
from bot.kernel.words import Words
from dialogues.runtime.model import Reply
from tests.conftest import NOON
from tests.integration.conversations.world import World as Talk
from tests.integration.conversations.world import calls

PERSON_COMES = Reply(
    "A person comes.", custom={"waymark": "call_officer", "reason": "asked_for_person", "priority": "P2"}
)
ECHO = Reply("echo")


@dataclass
class Phone:
    """The message path over the real cases."""

    talk: Talk
    words: Words

    async def say(self, text: str, who: str = "+1") -> list[str]:
        """Write, and read what comes back."""
        before = len(self.talk.channel.sent)
        await self.talk.write(text, who=who)
        await self.talk.settle()
        return [message.text for message in self.talk.channel.sent[before:]]

    async def asks_for_a_person(self, who: str = "+1") -> str:
        """They ask, and get their code. Returns its digits."""
        self.talk.engine.replies = (PERSON_COMES,)
        answers = await self.say("I want a person", who)
        self.talk.engine.replies = (ECHO,)
        assert answers[0] == "A person comes."
        digits = [re.sub(r"\D", "", answer) for answer in answers]
        return next(code for code in digits if receipts.is_whole(code))

    async def officer(self, name: str, *roles: Role) -> Officer:
        def make(tx: sa.Connection) -> Officer:
            roles_of = roles or (Role.OFFICER,)
            made = add_officer(tx, self.talk.vault, name=name, sign_in_name=name, roles=roles_of, at=NOON)
            found = get_officer(tx, made.id)
            assert found is not None
            return found

        return await self.talk.database.write(make)

    def hand(self, officer: Officer) -> Hand:
        return Hand(officer, self.talk.vault, self.words, self.talk.clock.now())

    async def case(self, who: str = "+1") -> Case:
        conversation_id = await self.talk.conversation(who)
        found = await self.talk.database.write(lambda tx: store.open_case_of(tx, conversation_id))
        assert found is not None
        return found

    async def claimed(self, officer: Officer, who: str = "+1") -> Case:
        case = await self.case(who)
        claimed = await self.talk.database.write(lambda tx: service.claim_case(tx, self.hand(officer), case.id))
        await self.talk.settle()
        return claimed

    async def on_phone(self, who: str = "+1") -> list[str]:
        """What a page that is opened anew shows on this phone."""
        conversation_id = await self.talk.conversation(who)
        lines = await self.talk.database.read(
            lambda tx: conversations.seen_by_person(
                tx, self.talk.vault, conversation_id, after=0, at=self.talk.clock.now()
            )
        )
        return [line.text for line in lines]

    async def acts(self, case: Case) -> list[str]:
        return [event.act for event in await self.talk.database.read(lambda tx: store.events_of(tx, case.id))]


@asynccontextmanager
async def switched_on(
    database: Any, vault: Any, clock: Any, signals: Any, *, told: bool = False, there: bool = True
) -> AsyncIterator[Phone]:
    """A phone on which people write. `told`: whoever waits is told how long it takes. `there`: somebody can answer,
    whoever works here; else it is asked who does."""
    await database.write(calls.create_all)
    talk, words = Talk(database, vault, clock, signals), Words.load()
    presence = Presence()
    queue_time = QueueTime(vault, words, presence) if told else None
    answers = always if there else presence.somebody_answers
    talk.cases = CaseEscalations(vault, words, queue_time)  # type: ignore[assignment]
    talk.worker = talk.new_worker(own_cases=OwnCases(vault, words, queue_time, answers))
    yield Phone(talk, words)
    await talk.inbox.close()
    await talk.worker.stop()
    await talk.sender.stop()
    assert await talk.problems() == []


async def shared(phone: Phone, officer: Officer, case: Case) -> str:
    """Something of the case went to a shelter. Returns the consent."""

    def work(tx: sa.Connection) -> str:
        hand = phone.hand(officer)
        agreement = Agreement(
            kind=Kind.CONSENT,
            purpose=Purpose.REFERRAL,
            recipient="service:shelter",
            named="Casa Marina",
            giver="child",
            capacity="understands",
            language="en",
            way="spoken",
            text="May we tell Casa Marina your name and age?",
            items=("name", "age"),
        )
        row = consent.record(tx, hand, case.id, agreement)
        consent.share(tx, hand, case, row, "referral:one", ["name", "age"])
        return row.id

    return await phone.talk.database.write(work)
