"""Tells those who agreed: their question has an answer now, or a rule they were given has changed. Once.

What is told is short and says nothing that a phone on a table may not show. A wish is forgotten when it was told,
when its conversation is erased, and after half a year.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, datetime

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.channels.model import Button
from bot.conversations import service as conversations
from bot.conversations.model import ConversationKind, MessageClass, Mode
from bot.kernel.clock import Clock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database, DatabaseUnavailable
from bot.kernel.live import Signals
from bot.kernel.logs import get_log
from bot.kernel.words import N_, Words
from bot.texts import service, store
from bot.texts.model import CHANGE, KEPT, NOT_UNDERSTOOD, SHOWN, Asker, Gap
from bot.texts.shelf import answers
from dialogues.knowledge import Audience, Procedure, Procedures
from dialogues.knowledge.model import LANGUAGES
from dialogues.runtime.payload import payload

log = get_log("texts")

#: Texts come into force and go out of it with the day, not only with an approval.
LOOK_SECONDS = 600.0

ANSWERED = N_("You asked me something I had no checked answer to. Now there is one: {title}.")
CHANGED = N_("A rule I gave you has changed. Please read it again: {title}.")
GONE = N_("A text I gave you is no longer in force. Please do not rely on it: {title}.")
UNDERSTOOD = N_("I did not understand a question of yours. I have learnt since: please ask it again.")
#: A child may not be alone with the phone, so neither subject nor title is named.
FOR_A_CHILD = N_("There is news on what you asked me. Look at it when you are alone and safe.")
SHOW_IT = N_("Show it")
TALK_TO_A_PERSON = N_("Talk to a person")


class News(Struct, frozen=True):
    """What an asker is told, and what they can tap."""

    words: str
    named: dict[str, str]
    button: str
    payload: str


class Askers:
    """Keeps what was agreed. Several replicas may look at once: a wish is told by the one that forgets it."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        clock: Clock,
        signals: Signals,
        *,
        words: Words,
        procedures: Procedures,
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._signals = signals
        self._words = words
        self._procedures = procedures

    async def run(self) -> None:
        """Look whenever texts change, and from time to time, until cancelled."""
        with self._signals.watching("texts") as watch:
            while True:
                try:
                    await self.look()
                except DatabaseUnavailable:
                    log.error("askers.database_unavailable")
                except Exception:  # one wish that cannot be read must not keep the others from being told
                    log.exception("askers.not_told")
                await watch.next(LOOK_SECONDS * random.uniform(0.9, 1.1))

    async def look(self) -> int:
        """Tell everybody who can be told now, and take off the authors' list what is no work any more. Returns how many
        were told."""
        at = self._clock.now()
        await self._database.write(lambda tx: self._tidy(tx, at))
        waiting: Sequence[Asker] = await self._database.read(lambda tx: store.all_askers(tx, self._vault))
        told = 0
        for asker in waiting:
            told += await self._database.write(lambda tx, asker=asker: self._settle(tx, asker, at))  # type: ignore[misc]
        if told:
            self._signals.wake("outbox")
        return told

    def _tidy(self, tx: Connection, at: datetime) -> None:
        """Nothing is work for authors that is too old, or that a text in force has done by itself."""

        def in_force(gap: Gap) -> bool:
            return answers(self._procedures, gap, at.date())

        store.drop_questions_before(tx, at.date() - KEPT)
        service.close_what_is_in_force(tx, self._vault, at=at, in_force=in_force)

    def _settle(self, tx: Connection, asker: Asker, at: datetime) -> bool:
        """Tell one, if there is news; forget what is told, erased or too old."""
        card = conversations.card(tx, asker.conversation_id)
        gone = card is None or card.erased_at is not None or card.kind is not ConversationKind.PERSON
        if card is None or gone or at.date() - asker.asked_on > KEPT:
            store.forget_asker(tx, self._vault, asker.id, at=at)
            return False
        if card.mode is Mode.HUMAN:  # an officer is talking with them: the program does not speak in between
            return False
        contact = conversations.safe_contact(tx, self._vault, asker.conversation_id)
        if contact.way or not contact.is_safe(at):  # it can wait, until they say otherwise or it is too old
            return False
        language = card.language if card.language in LANGUAGES else asker.language
        news = self.news_for(asker, language, at.date())
        if news is None or not store.forget_asker(tx, self._vault, asker.id, at=at):
            return False
        conversations.say(
            tx,
            self._vault,
            asker.conversation_id,
            text=self._words.text(language, news.words, **news.named),
            cls=MessageClass.ROUTINE,
            template="asker_told",
            language=language,
            buttons=[Button(self._words.text(language, news.button), news.payload)],
            at=at,
        )
        self._signals.wake(f"conversation:{asker.conversation_id}")
        return True

    def news_for(self, asker: Asker, language: str, on: date) -> News | None:
        """What there is to tell, None while there is nothing new."""
        if asker.about == NOT_UNDERSTOOD or asker.about.startswith(SHOWN):
            return News(UNDERSTOOD, {}, TALK_TO_A_PERSON, payload("ask_human")) if asker.answered else None
        text = self._text(asker, asker.language, on)
        named = {"title": self._title(asker, language)}
        show = payload("procedure", procedure=asker.procedure)
        if asker.about == CHANGE:
            if text is None:
                return News(GONE, named, TALK_TO_A_PERSON, payload("ask_human"))
            return None if text.mark() == asker.given else News(CHANGED, named, SHOW_IT, show)
        if text is None:
            return None
        if asker.audience == Audience.CHILD:
            return News(FOR_A_CHILD, {}, SHOW_IT, payload("procedure", procedure=asker.procedure, audience="child"))
        return News(ANSWERED, named, SHOW_IT, show)

    def _text(self, asker: Asker, language: str, on: date) -> Procedure | None:
        audience = Audience.CHILD if asker.audience == Audience.CHILD else Audience.WORKER
        return self._procedures.get(asker.procedure, language, on, asker.country or None, audience=audience)

    def _title(self, asker: Asker, language: str) -> str:
        """What the text is called, in force or not."""
        audience = Audience.CHILD if asker.audience == Audience.CHILD else Audience.WORKER
        return self._procedures.title(asker.procedure, language, audience) or asker.procedure.replace("_", " ")
