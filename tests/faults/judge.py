"""The morning after a night of calls: what must have happened, worked out once more from the ladder as a table and from
what the people did, and held against the pages, the messages and the mails."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from bot.cases import page_ways_store as ways
from bot.cases import store
from bot.cases.auditor import AUDIT_EVERY, BEAT_IS_OLD, STEP_MAY_BE_LATE, check_invariants
from bot.cases.model import LADDERS, TELL_AGAIN_AFTER, Audience
from bot.conversations.store import messages, outbox
from bot.kernel.database import Database

if TYPE_CHECKING:
    from tests.faults.alarms import Call, Night, Report, Round


@dataclass
class Judge:
    """Holds what must have happened against what stands in the database and at the mail server."""

    night: Night
    report: Report
    whom: dict[Audience, set[str]]

    async def judge(self) -> None:
        database, report = self.night.world.database, self.report
        rows = await database.read(lambda tx: tx.execute(sa.select(store.pages)).all())
        paged: dict[tuple[str, int], dict[int, dict[datetime, set[str]]]] = defaultdict(lambda: defaultdict(dict))
        for row in rows:
            case_id, number, step, officer_id, _ = row.key.split(":")
            paged[case_id, int(number)][int(step)].setdefault(row.at, set()).add(officer_id)
        report.pages = len(rows)
        for call in self.night.calls:
            for number, each in enumerate(call.rounds, 1):
                self._judge_round(call, each, dict(paged.pop((call.case_id, number), {})))
        if paged:
            report.wrong.append(f"{len(paged)} rounds that nobody began were paged")
        await self._judge_ends(database)
        await self._judge_messages(database, rows)
        await self._judge_mails(database)
        self._judge_heartbeats()
        report.wrong += await database.read(lambda tx: check_invariants(tx, at=self.night.now))
        for name in (
            "steps_before_their_time", "steps_twice", "mails_twice_without_cause", "repaired",
            "heartbeats_while_nobody_watched",
        ):  # fmt: skip
            if getattr(report, name):
                report.wrong.append(f"{name}: {getattr(report, name)}")

    def _judge_round(self, call: Call, each: Round, steps: dict[int, dict[datetime, set[str]]]) -> None:
        ladder, report = LADDERS[each.priority], self.report
        top = len(ladder.steps) - 1
        end = each.end or self.night.now
        taken: dict[int, datetime] = {}
        for step, moments in sorted(steps.items()):
            taken[step] = min(moments)
            report.steps += 1
            report.steps_twice += len(moments) - 1
            whom = self.whom[ladder.steps[min(step, top)].whom]
            if any(officers != whom for officers in moments.values()):
                report.wrong.append(f"{call.case_id} round from {each.start:%H:%M:%S}, step {step}: not whom it pages")
            if max(moments) > end:
                report.wrong.append(f"{call.case_id}: paged although a human had it")
        report.rounds += 1
        for due, since, did in self._promises(each, taken, end):
            if did is not None and did < due:
                report.steps_before_their_time += 1
            self._judge_lateness(call, due, did if did is not None else end, step=since)

    def _promises(
        self, each: Round, taken: dict[int, datetime], end: datetime
    ) -> Iterator[tuple[datetime, int, datetime | None]]:
        """When each step was due, its number, and when it or a higher one was taken."""
        ladder = LADDERS[each.priority]
        top = len(ladder.steps) - 1
        for number, step in enumerate(ladder.steps):
            due = each.start + step.after
            if due < end:
                by = [at for above, at in taken.items() if above >= number]
                exactly = taken.get(number)
                yield due, number, exactly if exactly is not None else min(by, default=None)
        above = sorted((number, at) for number, at in taken.items() if number >= top)
        for (_, before), (number, at) in pairwise(above):
            yield before + ladder.repeat, number, at
        if above and above[-1][1] + ladder.repeat < end:
            yield above[-1][1] + ladder.repeat, above[-1][0] + 1, None

    def _judge_lateness(self, call: Call, due: datetime, did: datetime, *, step: int) -> None:
        late = did - due
        excused = max(
            (until - due for start, until in self.night.outages if start <= did and due < until), default=None
        )
        if excused is not None:
            self.report.late_for_an_outage += late > STEP_MAY_BE_LATE
            late = max(late - excused, timedelta(0))
        self.report.latest_step_s = max(self.report.latest_step_s, round(late.total_seconds(), 1))
        if late > STEP_MAY_BE_LATE:
            self.report.wrong.append(f"{call.case_id}: step {step} was due {due:%H:%M:%S} and is late by {late}")

    async def _judge_ends(self, database: Database) -> None:
        """Heard by a human, or at the top and still climbing."""
        for call in self.night.calls:
            alarm = await database.read(partial(store.get_alarm, case_id=call.case_id, lock=False))
            assert alarm is not None
            if alarm.acknowledged_by is not None and call.owner is not None:
                self.report.acknowledged += 1
            elif alarm.climbing and call.owner is None and alarm.step >= len(alarm.ladder.steps):
                self.report.at_the_top += 1
            elif alarm.climbing and alarm.started_at + alarm.ladder.steps[-1].after > self.night.now:
                self.report.still_climbing += 1  # given back late: each step of it was judged above
            else:
                self.report.wrong.append(f"{call.case_id}: {alarm.priority} neither heard nor at the top")

    async def _judge_messages(self, database: Database, rows: Any) -> None:
        """A message is in the outbox exactly where a page says so; the truth is told, and not too often."""
        paged = Counter(row.officer_id for row in rows if row.way == "message")
        wrote = sa.select(messages.c.conversation_id, sa.func.count()).join(outbox, outbox.c.id == messages.c.id)

        def said(tx: sa.Connection, template: str) -> dict[str, int]:
            query = wrote.where(messages.c.template == template).group_by(messages.c.conversation_id)
            return {row[0]: row[1] for row in tx.execute(query)}

        pages, told = await database.read(lambda tx: (said(tx, "page"), said(tx, "still_looking")))
        if sorted(pages.values()) != sorted(paged.values()):
            self.report.wrong.append(f"pages by message {sorted(paged.values())}, messages {sorted(pages.values())}")
        for call in self.night.calls:
            unheard = [
                ((each.end or self.night.now) - each.start, LADDERS[each.priority].steps[-1].after)
                for each in call.rounds
            ]
            must = any(lasted > top + STEP_MAY_BE_LATE + self.night.plan.outage for lasted, top in unheard)
            most = sum(1 + (lasted - top) // TELL_AGAIN_AFTER for lasted, top in unheard if lasted > top)
            if not (1 if must else 0) <= told.get(call.conversation_id, 0) <= most:
                self.report.wrong.append(
                    f"{call.case_id}: told {told.get(call.conversation_id, 0)} times, not 1..{most}"
                )

    async def _judge_mails(self, database: Database) -> None:
        """Each page by mail arrived or has a cause why not, and no oftener than there are doubts beside it."""
        assert self.night.mails is not None
        sends = await database.read(lambda tx: tx.execute(sa.select(ways.page_sends)).all())
        came = Counter(str(mail["Message-ID"]).partition("@")[0].lstrip("<") for mail in self.night.mails.mails)
        self.report.mails = sum(came.values())
        self.report.mails_twice = sum(number - 1 for number in came.values())
        for send in sends:
            number = came[hashlib.sha256(send.key.encode()).hexdigest()[:32]]
            if send.state == "sent" and not number:
                self.report.wrong.append(f"{send.key}: said to be sent, and did not come")
            self.report.mails_twice_without_cause += max(0, number - 1 - send.doubts)
        if not sends:
            self.report.wrong.append("no page went out by mail")

    def _judge_heartbeats(self) -> None:
        """Once a minute, but for a pager that is dead: then the outside hears nothing."""
        self.report.heartbeats = len(self.night.beats)
        for start, until in self.night.outages:
            silent_from = start + BEAT_IS_OLD + AUDIT_EVERY
            self.report.heartbeats_while_nobody_watched += sum(
                1 for beat in self.night.beats if silent_from < beat < until
            )
        if not self.night.beats:
            self.report.wrong.append("the outside was never told that all is well")
