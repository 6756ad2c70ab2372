"""One message, one turn: understood, screened for danger, answered, and all of it committed at once or not at all.

This is the loop: what is due is claimed, decided (`deciding`), written (`effects`), and tried again where it failed.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Mapping
from functools import partial

from bot.channels.model import Channel, PayloadUnreadable
from bot.conversations import store
from bot.conversations.deciding import Deciding
from bot.conversations.effects import Effects, always, no_page
from bot.conversations.model import (
    CRASHES_BEFORE_PARKING,
    FAILURES_BEFORE_PARKING,
    TurnOutcome,
    turn_retry_delay,
)
from bot.conversations.ports import (
    Askers,
    EmergencyNumber,
    Engine,
    Escalations,
    Gaps,
    OwnCases,
    Pairing,
    PressPage,
    ReportWrong,
    SomebodyAnswers,
    Texts,
    Understanding,
    WordScreen,
)
from bot.conversations.store import LeaseLost, TurnClaim
from bot.conversations.triage import Triage
from bot.kernel.clock import Clock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database, DatabaseUnavailable
from bot.kernel.failpoints import failpoint
from bot.kernel.live import Signals
from bot.kernel.logs import get_log
from dialogues.understanding.model import Risk

log = get_log("conversations")

#: How many messages of one conversation are answered in a row before others get their turn.
LONGEST_RUN = 10
#: So many turns that only wait for a long message to be read keep no hand from others.
MOST_ASIDE = 64
IDLE_SECONDS = 1.0
STOP_SECONDS = 20.0


def no_screen(_text: str) -> Risk | None:
    """Where no list of words is at hand."""
    return None


class TurnWorker:
    """Answers what is in the inbox: in order within a conversation, several conversations at once."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        clock: Clock,
        signals: Signals,
        *,
        channels: Mapping[str, Channel],
        understanding: Understanding,
        engine: Engine,
        escalations: Escalations,
        words: Texts,
        emergency_number: EmergencyNumber,
        pairing: Pairing,
        somebody_answers: SomebodyAnswers = always,
        screen: WordScreen = no_screen,
        press_page: PressPage = no_page,
        gaps: Gaps | None = None,
        report_wrong: ReportWrong | None = None,
        askers: Askers | None = None,
        own_cases: OwnCases | None = None,
        triage: Triage | None = None,
        default_language: str = "en",
        default_country: str | None = None,
        workers: int = 8,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._signals = signals
        self._triage = triage
        self._workers = workers
        self._draw = draw
        self._stopping = False
        self._claiming = asyncio.Lock()
        self._held: dict[asyncio.Task[None], TurnClaim] = {}
        self._look_again = False
        self._deciding = Deciding(
            database,
            vault,
            clock,
            channels=channels,
            understanding=understanding,
            engine=engine,
            words=words,
            emergency_number=emergency_number,
            screen=screen,
            somebody_answers=somebody_answers,
            own_cases=own_cases,
            default_language=default_language,
            default_country=default_country,
            makes_room=lambda: signals.wake("inbox"),
        )
        self._effects = Effects(
            vault,
            escalations=escalations,
            words=words,
            pairing=pairing,
            somebody_answers=somebody_answers,
            press_page=press_page,
            gaps=gaps,
            report_wrong=report_wrong,
            askers=askers,
            own_cases=own_cases,
            default_language=default_language,
            default_country=default_country,
        )

    # --- the loop ---

    async def run(self) -> None:
        """Work until `stop`."""
        with self._signals.watching("inbox") as watch:
            while not self._stopping:
                free = self._free()
                try:
                    claimed = await self._start_due()
                except DatabaseUnavailable:
                    log.error("turn.database_unavailable")
                    claimed = 0
                if claimed < free or free == 0:  # fewer than we could do: nothing else is due now
                    await watch.next(IDLE_SECONDS)

    async def stop(self, within: float = STOP_SECONDS) -> None:
        """Claim nothing more and finish what is under way. What takes too long is given back untouched."""
        self._stopping = True
        self._signals.wake("inbox")
        if self._triage is not None:
            await self._triage.stop()
        async with self._claiming:
            pending = set(self._held) | self._deciding.acknowledging
        if not pending:
            return
        _, late = await asyncio.wait(pending, timeout=within)
        claims = [self._held[task] for task in late if task in self._held]
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        for claim in claims:
            with contextlib.suppress(LeaseLost, DatabaseUnavailable):  # it was finished after all, or its lease ends
                await self._database.write(partial(store.give_back, claim=claim, at=self._clock.now()))

    async def drain(self) -> None:
        """Answer everything that is due now, then return."""
        while await self._start_due() or self._held:
            if self._held:
                await asyncio.wait(self._held)
        if self._deciding.acknowledging:
            await asyncio.wait(self._deciding.acknowledging)

    def _free(self) -> int:
        """How many more turns may begin. Whoever sends long messages takes no hand from those in danger. When long
        messages have been read, more than enough go on."""
        aside = min(self._deciding.reading_long, MOST_ASIDE)
        return max(self._workers - (len(self._held) - aside), 0)

    async def _start_due(self) -> int:
        """Claim what is due, as far as hands are free, and start on it. Returns how many conversations."""
        async with self._claiming:
            free = self._free()
            if free == 0 or self._stopping:
                return 0
            at = self._clock.now()
            draw = self._draw()
            claims = await self._database.write(
                lambda tx: store.claim_turns(tx, self._vault, most=free, at=at, draw=draw)
            )
            # Something may be left that a free hand could take. On PostgreSQL a message may also have come in
            # beside the last commit of its conversation; on SQLite that commit sees it, or its own signal comes after.
            self._look_again = len(claims) == free or self._database.dialect != "sqlite"
            if self._triage is not None and len(claims) == free:
                self._triage.begin()
            if claims:
                failpoint("turn.after_claim")
            for claim in claims:
                task = asyncio.create_task(self._work_off(claim), name="turn")
                self._held[task] = claim
                task.add_done_callback(self._ended)
            return len(claims)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._held.pop(task, None)
        if self._look_again:
            self._signals.wake("inbox")
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("turn.failed", error=type(error).__name__)

    async def _work_off(self, claim: TurnClaim) -> None:
        """This message and, while they are due, the next ones of the same conversation."""
        current = claim
        for left in range(LONGEST_RUN - 1, -1, -1):
            following = await self._take_turn(current, go_on=left > 0 and not self._stopping)
            if following is None:
                self._look_again |= left == 0
                return
            current = following
            if (task := asyncio.current_task()) is not None:
                self._held[task] = current

    async def _take_turn(self, claim: TurnClaim, *, go_on: bool) -> TurnClaim | None:
        try:
            if claim.crashes >= CRASHES_BEFORE_PARKING:  # it never came as far as failing: it killed us
                raise _Poisoned("crashed")
            outcome, code = await self._deciding.decide(claim)
            return await self._commit(claim, outcome, code, go_on=go_on)
        except LeaseLost:
            log.info("turn.lease_lost", conversation_id=claim.conversation_id)
            self._signals.wake("inbox")
        except DatabaseUnavailable:
            log.error("turn.database_unavailable", conversation_id=claim.conversation_id)
        except Exception as error:
            await self._failed(claim, error)
        return None

    async def _commit(
        self, claim: TurnClaim, outcome: TurnOutcome, code: str | None, *, go_on: bool
    ) -> TurnClaim | None:
        at = self._clock.now()
        following, topics = await self._database.write(
            lambda tx: self._effects.write(tx, claim, outcome, code, go_on=go_on, at=at)
        )
        failpoint("turn.after_commit")
        self._signals.wake(*topics)
        return following

    # --- failing ---

    async def _failed(self, claim: TurnClaim, error: Exception) -> None:
        """Try again a little later, or set the message aside: its conversation must go on."""
        code = str(error) if isinstance(error, _Poisoned) else type(error).__name__
        hopeless = isinstance(error, (PayloadUnreadable, _Poisoned))
        at = self._clock.now()
        log.error("turn.failed", conversation_id=claim.conversation_id, error=type(error).__name__)
        try:
            if hopeless or claim.failures + 1 >= FAILURES_BEFORE_PARKING:
                may_look = claim.crashes < CRASHES_BEFORE_PARKING
                known = await self._deciding.set_aside(claim, may_look=may_look)
                topics = await self._database.write(lambda tx: self._effects.park(tx, claim, known, code, at))
                self._signals.wake("inbox", *topics)
            else:
                due_at = at + turn_retry_delay(claim.failures + 1)
                await self._database.write(lambda tx: store.try_later(tx, claim, due_at=due_at, error_code=code))
        except (LeaseLost, DatabaseUnavailable):
            log.error("turn.not_given_back", conversation_id=claim.conversation_id)


class _Poisoned(Exception):
    """A message that was tried too often."""
