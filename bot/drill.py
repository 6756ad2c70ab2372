"""`./waymark drill`: walk the alarm ladder beside a running server, and say what a person would have met."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable
from contextlib import suppress

from bot.cases import drill
from bot.cases.drill import NobodyWatches, Report
from bot.foreground import CannotDo
from bot.kernel import officers
from bot.kernel.clock import SystemClock
from bot.kernel.settings import Settings
from bot.upkeep.installation import installation
from dialogues.understanding.model import Priority

LOOK_EVERY_SECONDS = 1.0


async def run(settings: Settings, priority: str, *, minutes: float, say: Callable[[str], None]) -> bool:
    """Begin a drill, tell each page as it goes out, and end with a JSON line. True: a human had it in time.

    Raises CannotDo where no server watches. A drill nobody takes within `minutes` is closed again.
    """
    if priority not in set(Priority):
        raise CannotDo(f"there is no priority {priority!r}. There are: {', '.join(Priority)}")
    clock = SystemClock()
    async with installation(settings) as (database, vault):
        try:
            case = await database.write(lambda tx: drill.start(tx, vault, Priority(priority), at=clock.now()))
        except NobodyWatches:
            raise CannotDo("no server is watching the alarms. Start one first with: ./waymark up") from None
        names = {each.id: each.name for each in await database.read(officers.list_officers)}
        say(
            f"Drill {case.number} has begun. It is in the queue, marked as a drill: take it as you would take a person."
        )
        told, waited, stopped = 0, 0.0, asyncio.Event()
        for sign in (signal.SIGTERM, signal.SIGHUP):  # whoever closes the window leaves nobody ringing
            asyncio.get_running_loop().add_signal_handler(sign, stopped.set)
        try:
            while True:
                report = await database.read(lambda tx: drill.look(tx, case))
                for page in report.pages[told:]:
                    who = names.get(page.officer_id, page.officer_id)
                    say(f"{page.after.total_seconds():7.1f} s  step {page.step}: {who}, by {page.way}")
                told = len(report.pages)
                if report.acknowledged_after is not None or waited >= minutes * 60 or stopped.is_set():
                    break
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY_SECONDS):
                        await stopped.wait()
                waited += LOOK_EVERY_SECONDS
        finally:
            await database.write(lambda tx: drill.end(tx, vault, case, at=clock.now()))
    say(json.dumps(summary(report)))
    return report.in_time


def summary(report: Report) -> dict[str, object]:
    """What a drill measured, as one JSON object. Officers stand in it as ids."""
    first = min((page.after.total_seconds() for page in report.pages), default=None)
    after = report.acknowledged_after
    return {
        "drill": report.number,
        "priority": report.priority.value,
        "first_page_s": first,
        "pages": len(report.pages),
        "officers_paged": len({page.officer_id for page in report.pages}),
        "highest_step": max((page.step for page in report.pages), default=None),
        "acknowledged_s": None if after is None else after.total_seconds(),
        "acknowledged_by": report.acknowledged_by,
        "in_time": report.in_time,
    }
