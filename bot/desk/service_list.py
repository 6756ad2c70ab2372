"""The list of services: found, filtered, many taken a step on at once; and what of the minimum package is covered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aiohttp import web
from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.desk.frame import country_name, go_to, show
from bot.desk.maps import with_map
from bot.desk.services import Listed, for_case, forgotten, keeps_alone, level, listed_as, moved_on
from bot.desk.two_people import two_with
from bot.kernel.access import Permission
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import CLOCK, DATABASE, LANGUAGE, OFFICER
from bot.kernel.words import N_
from directory import safe_place_changes, store
from directory import service as directory
from directory.asking import Directory
from directory.coverage import coverage
from directory.model import NEEDS, STALE_AFTER, NeedsColleague, NotAllowedNow, NotTwoYet, RecordState

#: So many are shown at once, and so many can be taken on at once.
MOST = 100
LAST_PAGE = 100_000
#: More signs than this hide one another; those where most is missing come first.
MOST_ON_MAP = 300

#: What the list may show, with its name: one after another, what somebody should do something about.
VIEWS = {
    "all": N_("All"),
    "in_review": N_("To review"),
    "alone": N_("Seen by one person only"),
    "draft": N_("Drafts"),
    "due": N_("To check again"),
    "reported": N_("Reported as wrong"),
    "archived": N_("Archived"),
    "translate": N_("To translate again"),
    "address": N_("Secret address to approve"),
}


#: In these something may wait that whoever looks wrote themselves.
WRITTEN_VIEWS = ("draft", "in_review", "all")


def page_asked(said: str) -> int:
    """The number of a page, whatever stands in the address."""
    return min(int(said[:9]), LAST_PAGE) if said.isdecimal() and int(said[:9]) else 1


class Wanted(Struct, frozen=True):
    """What somebody looks for in the list."""

    view: str = "all"
    words: str = ""
    need: str = ""
    country: str = ""
    page: int = 1

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> Wanted:
        """As an address or a form says it. What means nothing is left out."""
        view, need, page = asked.get("show", ""), asked.get("need", ""), asked.get("page", "")
        country = asked.get("country", "").upper()
        return cls(
            view if view in VIEWS else "all",
            asked.get("q", "").strip()[:200],
            need if need in NEEDS else "",
            country if len(country) == 2 and country.isalpha() else "",
            page_asked(page),
        )

    def asked(self) -> dict[str, str]:
        """As an address says it again."""
        said = {"q": self.words, "need": self.need, "country": self.country}
        said |= {"show": self.view} if self.view != "all" else {}
        said |= {"page": str(self.page)} if self.page > 1 else {}
        return {name: value for name, value in said.items() if value}


def list_services(
    tx: Connection, places: Directory, wanted: Wanted, *, language: str, at: datetime, checked_first: bool = False
) -> list[Listed]:
    """A page of the services that are wanted, and one more where there are more; the least recently checked first, or
    last."""
    view, only = wanted.view, None
    if view == "alone":
        only = store.put_in_force_alone(tx)
    elif view == "address":
        only = safe_place_changes.waiting_ids(tx, limit=LAST_PAGE)
    elif view == "reported":
        only = directory.reported(tx)
    found = directory.list_services(
        tx,
        at=at,
        words=wanted.words,
        needs=places.need_names(language),
        state=RecordState(view) if view in {each.value for each in RecordState} else None,
        need=wanted.need,
        country=wanted.country,
        due_only=view == "due",
        stale_texts_only=view == "translate",
        only=only,
        limit=MOST + 1,
        offset=(wanted.page - 1) * MOST,
        checked_first=checked_first,
    )
    alone = store.put_in_force_alone(tx, [each.service.id for each in found])
    return [listed_as(each, places, language, alone) for each in found]


#: What can be done with many records at once, with its name.
MOVES = {
    "in_review": N_("Give to review"),
    "current": N_("Put in force"),
    "draft": N_("Back to draft"),
    "rejected": N_("Reject"),
    "archived": N_("Archive"),
}


def service_list_routes(places: Directory) -> Routes:
    """The routes of the list, and of what is covered."""
    routes = Routes()

    @routes.get("/desk/services", name="services", allow=Permission.SERVICES_READ)
    async def show_services(request: web.Request) -> web.StreamResponse:
        wanted, at, language = Wanted.of(request.query), request.app[CLOCK].now(), request[LANGUAGE]

        def read(tx: Connection) -> dict[str, Any]:
            found_for = for_case(tx, request)
            first = found_for is not None  # who looks for somebody to go to wants what was checked
            listed = list_services(tx, places, wanted, language=language, at=at, checked_first=first)
            stopped = directory.list_services(tx, at=at, only=[request.query.get("stopped", "")[:36]])
            countries = [(code, country_name(code, language)) for code in store.listed_countries(tx)]
            return {
                "services": listed[:MOST],
                "more": len(listed) > MOST,
                "wanted": wanted,
                "needs": NEEDS,
                "countries": sorted(countries, key=lambda country: country[1]),
                "views": VIEWS,
                "moves": MOVES,
                "alone": wanted.view in WRITTEN_VIEWS and keeps_alone(tx, request[OFFICER], at),
                "for_case": found_for,
                "stopped": [listed_as(each, places, language) for each in stopped],
            }

        return await show(request, "desk/services.html", read, here="services")

    @routes.get("/desk/services/coverage", name="services_coverage", allow=Permission.SERVICES_READ)
    async def show_coverage(request: web.Request) -> web.StreamResponse:
        at = request.app[CLOCK].now()

        def read(tx: Connection) -> dict[str, Any]:
            covered = coverage(tx, at=at)
            shown = {"places": covered, "needs": NEEDS, "fresh_days": STALE_AFTER.days, "level": level}
            return {**shown, "most_on_map": MOST_ON_MAP, **with_map(request)}

        return await show(request, "desk/services_coverage.html", read, here="services")

    @routes.post("/desk/services/move", name="move_services", allow=Permission.SERVICES_EDIT)
    async def move_many(request: web.Request) -> web.StreamResponse:
        """Take many records a step on: all of them or, if one cannot go, none."""
        fields, at, who = await form(request), request.app[CLOCK].now(), request[OFFICER].id
        ids, to, why = list(dict.fromkeys(fields.getall("id", []))), fields.get("to", ""), fields.get("why", "")[:2000]
        why, back = why.strip(), Wanted.of(fields).asked()
        if to not in MOVES or len(ids) > MOST:
            raise web.HTTPBadRequest

        tried = ""

        def work(tx: Connection) -> None:
            nonlocal tried
            alone = fields.get("alone") == "yes" and keeps_alone(tx, request[OFFICER], at)
            for service_id in ids:
                tried = service_id
                moved = directory.move_service(
                    tx, service_id, RecordState(to), by=who, at=at, why=why, alone=alone, two=two_with(tx, who, at)
                )
                moved_on(tx, request, moved, to)

        notice = "saved" if ids else "none_chosen"
        try:
            await request.app[DATABASE].write(work)
            tried = ""
            await forgotten(request, to)
        except KeyError:
            notice = "one_is_gone"
        except NotTwoYet:
            notice = "not_two_yet"
        except NeedsColleague:
            alone = await request.app[DATABASE].read(lambda tx: keeps_alone(tx, request[OFFICER], at))
            notice = "one_is_yours_alone" if alone else "one_is_yours"
        except NotAllowedNow:
            notice = "one_cannot"
        return go_to(request, "services", notice=notice, query=back | ({"stopped": tried} if tried else {}))

    return routes
