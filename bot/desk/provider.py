"""The page on which a provider answers for its own record, and the link that leads there."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from bot.desk.frame import context_of, show
from bot.kernel import audit
from bot.kernel.access import Permission
from bot.kernel.pages import render
from bot.kernel.web import PUBLIC, Routes, form
from bot.kernel.web_keys import CLOCK, DATABASE, LANGUAGE, OFFICER, SETTINGS, VAULT, WORDS
from bot.kernel.words import N_
from directory import provider
from directory.differences import FIELDS
from directory.editing import form_of, phone_rows, single_places
from directory.model import NotAllowedNow, Service, WrongRecord
from directory.store import kept_as
from directory.values import NOTHING, PHONE_KINDS, Tongue, said

PATH = "/provider"

#: What a provider is shown of its record: what people are told.
SHOWN = (
    "name",
    "summary",
    "locations",
    "phones",
    "website",
    "email",
    "hours",
    "at_places",
    "languages",
    "documents",
    "how_to_apply",
)

BUSY = N_("Somebody is working on this record just now. Please try again in a few days: your link still works.")


def provider_routes() -> Routes:
    routes = Routes()

    @routes.post("/desk/services/{id}/link", name="provider_link", allow=Permission.SERVICES_EDIT)
    async def make_link(request: web.Request) -> web.StreamResponse:
        """Make the link and show it once: only its fingerprint is kept."""
        service_id, at, by = request.match_info["id"], request.app[CLOCK].now(), request[OFFICER].id

        def work(tx: Any) -> str:
            token = provider.make_link(tx, service_id, by=by, at=at)
            entry = f"service:{service_id}"
            audit.append(tx, request.app[VAULT], at=at, actor=by, act="service.link", object=entry, facts={})
            return token

        try:
            token = await request.app[DATABASE].write(work)
        except (KeyError, NotAllowedNow):
            raise web.HTTPNotFound from None
        link = f"{request.app[SETTINGS].public_url}{PATH}?token={token}"
        held = {"link": link, "id": service_id, "days": provider.LINK_HOLDS.days}
        return await show(request, "desk/service_link.html", lambda _tx: held, here="services")

    @routes.get(PATH, name="provider", allow=PUBLIC)
    async def ask(request: web.Request) -> web.StreamResponse:
        return await _page(request, request.query.get("token", ""))

    @routes.post(PATH, name="provider", allow=PUBLIC)
    async def answer(request: web.Request) -> web.StreamResponse:
        fields, at = dict(await form(request)), request.app[CLOCK].now()
        token, note = fields.get("token", ""), fields.get("note", "").strip()[:2000]
        right = fields.get("answer") == "right"

        def work(tx: Any) -> str:
            if right:
                return provider.confirm(tx, token, at=at)
            return provider.correct(tx, token, fields, note=note, at=at)

        try:
            service_id = await request.app[DATABASE].write(work)
        except provider.LinkClosed:
            return _closed(request)
        except WrongRecord as error:
            return await _page(request, token, filled=fields, problems=error.problems, status=422)
        except NotAllowedNow:
            return await _page(request, token, filled=fields, busy=BUSY, status=409)
        entry, act = f"service:{service_id}", "service.confirmed" if right else "service.corrected"
        await request.app[DATABASE].write(
            lambda tx: audit.append(tx, request.app[VAULT], at=at, actor="provider", act=act, object=entry, facts={})
        )
        return render(request, "desk/provider.html", {**context_of(request), "thanks": True})

    async def _page(
        request: web.Request,
        token: str,
        *,
        filled: dict[str, str] | None = None,
        problems: list[str] | None = None,
        busy: str = "",
        status: int = 200,
    ) -> web.Response:
        at = request.app[CLOCK].now()
        try:
            asked = await request.app[DATABASE].read(lambda tx: provider.asked_about(tx, token, at=at))
        except provider.LinkClosed:
            return _closed(request)
        shown = form_of(asked.service) if filled is None else filled
        page = {
            "record": _told(asked.service, Tongue(request.app[WORDS], request[LANGUAGE])),
            "form": shown,
            "phone_rows": phone_rows(shown),
            "single": single_places(asked.service, shown),
            "phone_kinds": PHONE_KINDS,
            "token": token,
            "confidential": asked.service.confidential,
            "problems": problems or [],
            "busy": busy,
        }
        return render(request, "desk/provider.html", {**context_of(request), **page}, status=status)

    return routes


def _closed(request: web.Request) -> web.Response:
    return render(request, "desk/provider.html", {**context_of(request), "closed": True}, status=404)


def _told(record: Service, tongue: Tongue) -> list[tuple[str, str]]:
    """What people are told of it, by the names of the fields (msgids): in the provider's own language where it is told
    in it, for what they cannot read they cannot confirm."""
    name, summary = record.name_in(tongue.language), record.summary_in(tongue.language)
    kept = kept_as(record) | {"name": name.text, "summary": summary.text}
    return [(FIELDS[field], shown) for field in SHOWN if (shown := said(field, kept[field], tongue)) != NOTHING]
