"""The pager: the one who looks, again and again, whether somebody has to be told."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Protocol

from sqlalchemy.engine import Connection

from bot.cases import alarm_store, drill, due, notice, offer_pages, waiting_store, watch_store
from bot.cases.alarm import Paging, take_step
from bot.cases.silence import break_silence, owed_answers
from bot.cases.waiting import send_waiting
from bot.kernel.clock import Clock
from bot.kernel.database import Database
from bot.kernel.failpoints import failpoint
from bot.kernel.live import Signals, keep_looking
from bot.kernel.logs import get_log

log = get_log("alarm")

#: The pager looks at least this often, whatever signals say.
LOOK_EVERY = timedelta(seconds=5)
#: At most so many steps between two beats.
STEPS_AT_ONCE = 50
#: What does not ring is looked for this often.
NOTICES_EVERY = timedelta(minutes=1)


class EmergencyNumbers(Protocol):
    """Where the pager learns what to dial in a country."""

    async def emergency_number(self, country: str | None) -> str: ...


class Pager:
    """Breaks silences, takes every step that is due, and says after each look that it is alive."""

    def __init__(
        self, database: Database, clock: Clock, signals: Signals, paging: Paging, numbers: EmergencyNumbers
    ) -> None:
        self._database = database
        self._clock = clock
        self._signals = signals
        self._paging = paging
        self._numbers = numbers
        self._notices_due = clock.now()

    async def run(self) -> None:
        """Until cancelled. A look that fails is tried again: it never ends the watch."""
        topics = ("pages", "queue")
        await keep_looking(self._signals, topics, self.look, every=LOOK_EVERY, failed=_failed, rest=self._pause)

    async def look(self) -> int:
        """Take what is due and leave a beat. Returns the number of steps taken."""
        failed = await self._break_silences()
        failed += await self._send_waiting()
        failed += await self._page_offers()
        if self._clock.now() >= self._notices_due:
            await self._tell_of_what_is_late()
        at = self._clock.now()
        due = await self._database.read(lambda tx: alarm_store.due_alarms(tx, at, limit=STEPS_AT_ONCE))
        taken = 0
        for case_id, country in due:
            try:
                await self._take(case_id, country)
                taken += 1
            except Exception as error:  # one broken alarm must not silence the others
                failed += 1
                log.error("pager.step_failed", case_id=case_id, exc_info=error)
        facts = {"taken": taken, "failed": failed}
        await self._database.write(
            lambda tx: watch_store.put_beat(tx, watch_store.PAGER, at=self._clock.now(), ok=failed == 0, facts=facts)
        )
        return taken

    async def _break_silences(self) -> int:
        """Ring for those whom the officer who holds their case leaves waiting. Returns how often that failed."""
        at = self._clock.now()
        failed = 0
        for case_id in await self._database.read(lambda tx: owed_answers(tx, at)):
            try:
                topics = await self._database.write(partial(break_silence, paging=self._paging, case_id=case_id, at=at))
                self._signals.wake(*topics)
            except Exception as error:  # one broken case must not silence the others
                failed += 1
                log.error("pager.silence_failed", case_id=case_id, exc_info=error)
        return failed

    async def _send_waiting(self) -> int:
        """Send the answers that waited until it was safe. Returns how often that failed."""
        vault, at = self._paging.vault, self._clock.now()
        failed = 0
        for answer_id in await self._database.read(lambda tx: waiting_store.due(tx, at)):
            try:
                self._signals.wake(
                    *await self._database.write(partial(send_waiting, vault=vault, answer_id=answer_id, at=at))
                )
            except Exception as error:  # one that cannot be sent must not keep the others, nor the alarms
                failed += 1
                log.error("pager.waiting_answer_failed", exc_info=error)
        return failed

    async def _page_offers(self) -> int:
        """Page those to whom a case is offered that cannot wait. Returns how often that failed."""
        paging, at = self._paging, self._clock.now()
        failed = 0
        for case_id in await self._database.read(lambda tx: offer_pages.untold(tx, at)):
            try:
                topics = await self._database.write(
                    partial(offer_pages.page_offer, paging=paging, case_id=case_id, at=at)
                )
                self._signals.wake(*topics)
            except Exception as error:  # one that cannot be paged must not keep the others, nor the alarms
                failed += 1
                log.error("pager.offer_failed", case_id=case_id, exc_info=error)
        return failed

    async def _tell_of_what_is_late(self) -> None:
        """Who coordinates hears of each referral that nobody answers, once; and of each overdue task and review of an
        urgent case, after its owner."""
        vault, words, at = self._paging.vault, self._paging.words, self._clock.now()
        self._notices_due = at + NOTICES_EVERY
        try:
            told = 0
            if await self._database.read(notice.silent_referrals):
                told += await self._database.write(lambda tx: notice.tell_of_silent_referrals(tx, vault, words, at=at))
            if await self._database.read(lambda tx: due.anything_to_tell(tx, at)):
                told += await self._database.write(lambda tx: due.tell(tx, vault, words, at=at))
            if told:
                self._signals.wake("outbox")
        except Exception as error:  # a word that cannot be said must not keep the alarms from ringing
            log.error("pager.notice_failed", exc_info=error)

    async def _take(self, case_id: str, country: str | None) -> None:
        number = await self._emergency_number(country)
        at = self._clock.now()

        def step(tx: Connection) -> list[str]:
            ended = drill.end_forgotten(tx, self._paging.vault, case_id, at=at)
            return ended or take_step(tx, self._paging, case_id, emergency_number=number, at=at)

        topics = await self._database.write(step)
        failpoint("alarm.after_step")
        self._signals.wake(*topics)

    async def _emergency_number(self, country: str | None) -> str:
        try:
            return await self._numbers.emergency_number(country)
        except Exception as error:  # the directory is away: the number that works in most places is better than none
            log.error("pager.no_emergency_number", exc_info=error)
            return "112"

    async def _pause(self) -> float:
        at = self._clock.now()
        upcoming = await self._database.read(alarm_store.next_step)
        if upcoming is None:
            return LOOK_EVERY.total_seconds()
        return max(0.05, min((upcoming - at).total_seconds(), LOOK_EVERY.total_seconds()))


def _failed(error: Exception) -> None:
    log.error("pager.look_failed", exc_info=error)
