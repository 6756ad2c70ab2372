"""Records that look like one service: shown side by side, merged or told apart by a person.

The pairs are there when the page is opened: `Seeker` has everything compared when records changed, or somebody asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from aiohttp import web
from sqlalchemy.engine import Connection

from bot.desk.frame import go_to, look, show
from bot.desk.live import Screen
from bot.kernel import audit
from bot.kernel.access import Permission
from bot.kernel.clock import Clock
from bot.kernel.database import Database, DatabaseUnavailable
from bot.kernel.live import Signals
from bot.kernel.logs import get_log
from bot.kernel.streams import stream_events
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import CLOCK, DATABASE, LANGUAGE, OFFICER, SIGNALS, VAULT, WORDS
from bot.kernel.words import N_
from directory import store
from directory.differences import FIELDS
from directory.duplicates import SIGNS, LookFailed
from directory.merging import LISTS, Take, merge_services, takeable
from directory.model import NotAllowedNow, Service, WrongRecord
from directory.values import NOTHING, Tongue, said

log = get_log("desk")

MOST = 50

SIGNAL = "duplicates"
#: How often a page asks while everything is compared; another server's work sends no signal here.
LOOK_EVERY = 2.0
#: How often it is asked whether records changed.
SEEK_EVERY = 60.0

TAKES = {Take.KEEP: N_("Keep as it is"), Take.OTHER: N_("Take the other"), Take.BOTH: N_("Both")}


def duplicates_routes() -> Routes:
    """The list of pairs, and two records side by side. To be mounted before the pages of one service."""
    routes = Routes()

    @routes.get("/desk/services/duplicates", name="duplicates", allow=Permission.SERVICES_EDIT)
    async def show_pairs(request: web.Request) -> web.StreamResponse:
        at = request.app[CLOCK].now()
        return await show(request, "desk/duplicates.html", lambda tx: _pairs(tx, at), here="services")

    @routes.get("/desk/services/duplicates/live", name="live_duplicates", allow=Permission.SERVICES_EDIT)
    async def live(request: web.Request) -> web.StreamResponse:
        """The pairs as they are found."""
        clock, officer = request.app[CLOCK], request[OFFICER]

        def read(tx: Connection) -> dict[str, Any]:
            at = clock.now()
            return {"frame": look(tx, officer, at), "here": "services", **_pairs(tx, at)}

        async with stream_events(request) as events:
            screen = Screen(request, events, here="services")
            with request.app[SIGNALS].watching(SIGNAL, "queue", "watch") as watch:
                while True:
                    context = await request.app[DATABASE].read(read)
                    await screen.send_parts(("nav", "duty", "alerts", "duplicates"), context)
                    await events.send("fresh", {})
                    await watch.next(timeout=LOOK_EVERY if context["works"] else 10 * LOOK_EVERY)
        return events.response

    @routes.post("/desk/services/duplicates", name="look_for_duplicates", allow=Permission.SERVICES_EDIT)
    async def ask(request: web.Request) -> web.StreamResponse:
        """Have everything compared. The page shows what is found when it is."""
        at = request.app[CLOCK].now()
        await request.app[DATABASE].write(lambda tx: store.ask_for_look(tx, at=at))
        request.app[SIGNALS].wake(SIGNAL)
        return go_to(request, "duplicates")

    @routes.get("/desk/services/{id}/with/{other}", name="merge_form", allow=Permission.SERVICES_EDIT)
    async def show_both(request: web.Request) -> web.StreamResponse:
        return await show(request, "desk/merge.html", lambda tx: _side_by_side(tx, request), here="services")

    @routes.post("/desk/services/{id}/with/{other}", name="merge", allow=Permission.SERVICES_EDIT)
    async def merge(request: web.Request) -> web.StreamResponse:
        fields, stays, other = await form(request), request.match_info["id"], request.match_info["other"]
        at, by, why = request.app[CLOCK].now(), request[OFFICER].id, fields.get("why", "").strip()[:2000]
        known = {take.value for take in Take}
        take = {field: Take(how) for field in FIELDS if (how := fields.get(f"take.{field}", "")) in known}

        def work(tx: Connection) -> str:
            result = merge_services(tx, other, stays, take=take, by=by, at=at, why=why)
            _audit(tx, request, "service.merged", other)
            return result.id

        notice, shown = "merged", stays
        try:
            shown = await request.app[DATABASE].write(work)
        except KeyError:
            raise web.HTTPNotFound from None
        except (NotAllowedNow, WrongRecord):
            notice = "not_merged"
        return go_to(request, "service", notice=notice, id=shown)

    @routes.post("/desk/services/{id}/apart/{other}", name="tell_apart", allow=Permission.SERVICES_EDIT)
    async def apart(request: web.Request) -> web.StreamResponse:
        stays, other = request.match_info["id"], request.match_info["other"]

        def work(tx: Connection) -> None:
            if len(store.get_services(tx, [stays, other])) != 2:
                raise web.HTTPNotFound
            if store.tell_apart(tx, stays, other, by=request[OFFICER].id, at=request.app[CLOCK].now()):
                _audit(tx, request, "service.apart", stays)

        await request.app[DATABASE].write(work)
        return go_to(request, "duplicates", notice="saved")

    return routes


class Seeker:
    """Has everything compared when somebody asks, and when records changed. Any server may do it, and one does."""

    def __init__(
        self, database: Database, clock: Clock, signals: Signals, compare: Callable[[], Awaitable[None]]
    ) -> None:
        self._database, self._clock, self._signals, self._compare = database, clock, signals, compare

    async def run(self) -> None:
        with self._signals.watching(SIGNAL) as watch:
            while True:
                await watch.next(timeout=SEEK_EVERY)
                try:
                    await self.seek()
                except (DatabaseUnavailable, LookFailed):
                    log.exception("looking_for_duplicates_failed")
                    await asyncio.sleep(SEEK_EVERY)
                watch.came()

    async def seek(self) -> bool:
        """Have everything compared if it is time. True when it was."""
        due = await self._database.read(lambda tx: store.look_is_due(tx, at=self._clock.now()))
        if due:
            await self._compare()
            self._signals.wake(SIGNAL)
        return due


def _pairs(tx: Connection, at: datetime) -> dict[str, Any]:
    """What waits for somebody to decide, and when everything was last compared."""
    pairs, looked = store.suggested(tx, limit=MOST), store.get_look(tx)
    ids = list(dict.fromkeys(each for pair in pairs for each in (pair.first_id, pair.second_id)))
    return {
        "pairs": pairs,
        "records": {record.id: record for record in store.get_services(tx, ids)},
        "signs": SIGNS,
        "total": store.count_suggested(tx),
        "looked_at": looked.ended_at,
        "works": looked.works(at) or looked.waits(),
    }


def _side_by_side(tx: Connection, request: web.Request) -> dict[str, Any]:
    """Two records field by field. A safe place beside a public record is not found: it would say where it is."""
    found = store.get_services(tx, [request.match_info["id"], request.match_info["other"]])
    if len(found) != 2 or found[0].id == found[1].id or found[0].confidential != found[1].confidential:
        raise web.HTTPNotFound
    stays, other = found
    tongue = Tongue(request.app[WORDS], request[LANGUAGE])
    owners = store.get_organizations(tx, [stays.organization_id, other.organization_id])
    return {
        "stays": stays,
        "other": other,
        "owners": [owners[each.organization_id].name for each in found],
        "rows": _rows(stays, other, tongue),
        "takes": TAKES,
    }


def _rows(stays: Service, other: Service, tongue: Tongue) -> list[tuple[str, str, str, str, list[Take]]]:
    """Field, its name (a msgid), what each record says of it, and what can be chosen. The differing first."""
    mine, theirs = store.kept_as(stays), store.kept_as(other)
    open_fields, rows = takeable(stays, other), []
    for field, title in FIELDS.items():
        here, there = said(field, mine[field], tongue), said(field, theirs[field], tongue)
        choices = [Take.KEEP, Take.OTHER, *([Take.BOTH] if field in LISTS else [])] if field in open_fields else []
        if (here, there) != (NOTHING, NOTHING):
            rows.append((field, title, here, there, choices))
    return sorted(rows, key=lambda row: not row[4])


def _audit(tx: Connection, request: web.Request, act: str, service_id: str) -> None:
    actor, now = request[OFFICER].id, request.app[CLOCK].now()
    audit.append(tx, request.app[VAULT], at=now, actor=actor, act=act, object=f"service:{service_id}", facts={})
