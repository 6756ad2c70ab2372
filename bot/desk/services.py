"""The services of the directory, to look one up while talking."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web
from sqlalchemy.engine import Connection

from bot.desk.frame import show
from bot.kernel.access import Permission
from bot.kernel.web import Routes
from bot.kernel.web_keys import CLOCK, LANGUAGE
from directory import service as directory
from directory.model import NEEDS
from directory.service import Directory

MOST = 100


@dataclass(frozen=True, slots=True)
class Listed:
    """One service as the desk lists it. Of a safe place, never more than its town."""

    id: str
    name: str
    language: str
    organization: str
    needs: tuple[str, ...]  # their names in English, which are translated where they are shown
    place: str
    state: str
    checked_days_ago: int | None
    stale: bool
    confidential: bool
    phone: str
    demo: bool


def list_services(
    tx: Connection, places: Directory, *, words: str, language: str, at: datetime, limit: int = MOST
) -> list[Listed]:
    """Services whose name, organization, place or need fits `words`; the least recently checked first."""
    return [_listed(found, places, language) for found in directory.list_services(tx, at=at, words=words, limit=limit)]


def _listed(found: directory.ListedService, places: Directory, language: str) -> Listed:
    service = found.service
    name = service.name_in(language)
    towns = [places.place_name(at.city, at.country, language=language) for at in service.locations if at.city]
    return Listed(
        id=service.id,
        name=name.text,
        language=name.language,
        organization=found.organization,
        needs=tuple(NEEDS.get(need, need) for need in service.needs),
        place=", ".join(dict.fromkeys(towns)) or ", ".join(service.countries[:6]),
        state=service.state.value,
        checked_days_ago=found.checked_days_ago,
        stale=found.stale,
        confidential=service.confidential,
        phone=service.phones[0].number if service.phones else "",
        demo=service.demo,
    )


def services_routes(places: Directory) -> Routes:
    """The routes of the list of services."""
    routes = Routes()

    @routes.get("/desk/services", name="services", allow=Permission.SERVICES_READ)
    async def show_services(request: web.Request) -> web.StreamResponse:
        words, at = request.query.get("q", "").strip()[:200], request.app[CLOCK].now()

        def read(tx: Connection) -> dict[str, Any]:
            listed = list_services(tx, places, words=words, language=request[LANGUAGE], at=at)
            return {"services": listed, "q": words, "most": MOST}

        return await show(request, "desk/services.html", read, here="services")

    return routes
