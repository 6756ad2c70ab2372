"""Who watches the watcher: a second look at every open alarm, once a minute.

The auditor trusts nobody. It looks for cases that wait while nothing climbs, for steps that nobody took in time, for
alarms whose next step lies further away than any ladder allows, and for cases held by an officer who is gone. It
repairs what it can, and only when everything is well does it say so outside: an outside watch that hears nothing
for a few minutes raises the alarm about us.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import aiohttp
from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases import alarm, alarm_store, handover, spoken, store, watch_store
from bot.cases.hand import SYSTEM
from bot.cases.model import CaseStatus
from bot.cases.referrals import service as referrals
from bot.cases.rota import service as rota
from bot.kernel import audit, officers
from bot.kernel.clock import Clock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database
from bot.kernel.live import Signals
from bot.kernel.logs import get_log
from bot.kernel.words import Words

log = get_log("auditor")

AUDITOR = "auditor"
ROTA = "rota"
AUDIT_EVERY = timedelta(seconds=60)
#: A step may be taken so much later than it was due.
STEP_MAY_BE_LATE = timedelta(seconds=30)
#: After so long without a good beat the desk shows that nobody watches.
BEAT_IS_OLD = timedelta(minutes=3)
HEARTBEAT_LIMIT = timedelta(seconds=10)

Heartbeat = Callable[[], Awaitable[None]]


class AuditOfAlarms(Struct, frozen=True):
    """What one audit found. `well` means that nobody was waiting unseen."""

    climbing: int
    late: int
    repaired: int
    pager_alive: bool

    @property
    def well(self) -> bool:
        return self.pager_alive and self.late == 0 and self.repaired == 0


def audit_alarms(tx: Connection, vault: Vault, words: Words, *, at: datetime) -> AuditOfAlarms:
    """Look at every open alarm and repair what is stuck. Leaves a beat, good or bad."""
    handover.lapse(tx, vault, at=at)
    referrals.remind_late(tx, vault, at=at)
    _look_ahead(tx, vault, at=at)
    repaired = _give_back_cases_of_absent(tx, vault, words, at=at)
    for case in alarm_store.waiting_without_alarm(tx):
        alarm.ring(tx, case, at=at)
        repaired += 1
    climbing = late = 0
    for ringing, status in alarm_store.climbing_alarms(tx):
        climbing += 1
        if status is CaseStatus.CLOSED:
            store.put_alarm(tx, ringing.acknowledged(SYSTEM, at))
            repaired += 1
        elif ringing.stuck(at):
            store.put_alarm(tx, ringing.repaired(at))
            repaired += 1
        elif ringing.next_step_at is not None and at - ringing.next_step_at > STEP_MAY_BE_LATE:
            late += 1
    pager = watch_store.beats(tx).get(watch_store.PAGER)
    alive = pager is not None and abs(at - pager.at) <= BEAT_IS_OLD
    found = AuditOfAlarms(climbing, late, repaired, alive)
    facts = {"climbing": climbing, "late": late, "repaired": repaired, "pager_alive": alive}
    watch_store.put_beat(tx, AUDITOR, at=at, ok=alive and late == 0, facts=facts)
    return found


def _give_back_cases_of_absent(tx: Connection, vault: Vault, words: Words, *, at: datetime) -> int:
    present = {officer.id for officer in officers.list_officers(tx) if officer.active}
    gone = store.owners_of_open_cases(tx) - present
    return sum(handover.give_back_all(tx, vault, words, owner, at=at, limit=100) for owner in gone)


def _look_ahead(tx: Connection, vault: Vault, *, at: datetime) -> None:
    """Notice beforehand that nobody will be on duty: for the banner, and once for each gap in the audit log. And that
    a language people write in will not be spoken: for the number beside the rota. Who is there is for the top of the
    desk, so that not every screen of every officer asks the rota."""
    gap, unspoken = rota.next_gap(tx, at), spoken.next_unspoken(tx, at)
    known = watch_store.beats(tx).get(ROTA)
    facts: dict[str, Any] = {"from": gap[0].isoformat(), "until": gap[1].isoformat()} if gap else {}
    facts["unspoken"] = list(unspoken.languages) if unspoken else []
    there = rota.there_until(tx, at)
    facts["there"] = None if there is None else {each: until.isoformat() for each, until in there.items()}
    known_until = datetime.fromisoformat(known.facts["until"]) if known and not known.ok else None
    if gap and (known_until is None or gap[0] > known_until):
        at_minute = f"{gap[0]:%Y-%m-%dT%H:%MZ}"
        audit.append(tx, vault, at=at, actor=SYSTEM, act="rota.nobody", object="rota", facts={"from": at_minute})
    watch_store.put_beat(tx, ROTA, at=at, ok=gap is None, facts=facts)


def check_invariants(tx: Connection, *, at: datetime) -> list[str]:
    """What no audit should ever find, a sentence each; nothing if all is well. Changes nothing."""
    problems = [f"case {case.number}: waits, and no alarm climbs" for case in alarm_store.waiting_without_alarm(tx)]
    for ringing, status in alarm_store.climbing_alarms(tx):
        if status is CaseStatus.CLOSED:
            problems.append(f"alarm of {ringing.case_id}: climbs for a closed case")
        elif ringing.stuck(at):
            problems.append(f"alarm of {ringing.case_id}: the next step lies too far away")
        elif ringing.next_step_at is not None and at - ringing.next_step_at > STEP_MAY_BE_LATE:
            problems.append(f"alarm of {ringing.case_id}: a step is late")
    present = {officer.id for officer in officers.list_officers(tx, active_only=True)}
    problems.extend(f"officer {owner}: holds cases and is gone" for owner in store.owners_of_open_cases(tx) - present)
    return problems


class Watch(Struct, frozen=True):
    """Whether somebody watches over the alarms at this moment."""

    pager_at: datetime | None
    alive: bool
    nobody_from: datetime | None = None  # when nobody is on duty, as far as the rota is planned
    unspoken: tuple[str, ...] = ()  # languages people write in that nobody on duty will speak, before long
    there: tuple[tuple[str, datetime], ...] | None = None  # who is at the desk, and until when; None: no rota is kept


def look_at_watch(tx: Connection, *, at: datetime) -> Watch:
    """For the banner on the desk: alive when the last good beats of pager and auditor are both fresh."""
    beats = watch_store.beats(tx)
    pager, auditor = beats.get(watch_store.PAGER), beats.get(AUDITOR)
    fresh = [beat for beat in (pager, auditor) if beat is not None and beat.ok and abs(at - beat.at) <= BEAT_IS_OLD]
    planned = beats.get(ROTA)
    nobody = planned.facts.get("from") if planned else None
    return Watch(
        pager.at if pager else None,
        alive=len(fresh) == 2,
        nobody_from=datetime.fromisoformat(nobody) if nobody else None,
        unspoken=tuple(planned.facts.get("unspoken", ())) if planned else (),
        there=_there(planned.facts, at) if planned else None,
    )


def _there(facts: Mapping[str, Any], at: datetime) -> tuple[tuple[str, datetime], ...] | None:
    known: Mapping[str, str] | None = facts.get("there")
    if known is None:
        return None
    ends = [(officer_id, datetime.fromisoformat(until)) for officer_id, until in known.items()]
    return tuple((officer_id, until) for officer_id, until in ends if until > at)


class Auditor:
    """Audits once a minute, for as long as the program runs."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        signals: Signals,
        vault: Vault,
        words: Words,
        heartbeat: Heartbeat | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._signals = signals
        self._vault = vault
        self._words = words
        self._heartbeat = heartbeat

    async def run(self) -> None:
        """Until cancelled. An audit that fails is a bad audit, not the end of auditing."""
        while True:
            try:
                await self.look()
            except Exception as error:
                log.error("auditor.look_failed", exc_info=error)
            await asyncio.sleep(AUDIT_EVERY.total_seconds())

    async def look(self) -> AuditOfAlarms:
        """Audit once; tell the outside only if all is well."""
        at = self._clock.now()
        found = await self._database.write(lambda tx: audit_alarms(tx, self._vault, self._words, at=at))
        self._signals.wake("queue", "pages", "watch", "outbox")
        if not found.well:
            log.error("auditor.not_well", late_count=found.late, repaired_count=found.repaired)
        elif self._heartbeat is not None:
            await self._heartbeat()
        return found


def heartbeat_to(url: str) -> Heartbeat:
    """A heartbeat that asks for `url`, as Healthchecks and its like expect. It never raises: missing is the message."""

    async def beat() -> None:
        try:
            limit = aiohttp.ClientTimeout(total=HEARTBEAT_LIMIT.total_seconds())
            async with aiohttp.ClientSession(timeout=limit) as session, session.get(url) as answer:
                if answer.status >= 400:
                    log.warning("auditor.heartbeat_refused", status=answer.status)
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("auditor.heartbeat_failed", exc_info=error)

    return beat
