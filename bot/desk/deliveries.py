"""Messages that did not arrive, and messages nobody could read: what is wrong, without the words."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from sqlalchemy.engine import Connection

from bot.conversations import stuck
from bot.desk.frame import go_to, show
from bot.kernel import audit
from bot.kernel.access import Permission
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import CLOCK, DATABASE, OFFICER, SIGNALS, VAULT

routes = Routes()


@routes.get("/desk/deliveries", name="deliveries", allow=Permission.DELIVERIES_READ)
async def show_deliveries(request: web.Request) -> web.StreamResponse:
    def read(tx: Connection) -> dict[str, Any]:
        return {"dead": stuck.dead_letters(tx), "parked": stuck.parked(tx)}

    return await show(request, "desk/deliveries.html", read, here="deliveries")


@routes.post("/desk/deliveries/retry", name="retry_delivery", allow=Permission.DELIVERIES_RETRY)
async def retry(request: web.Request) -> web.StreamResponse:
    """Try a message again: one that was not delivered by its id, one that was parked by its number."""
    fields, officer, vault, now = await form(request), request[OFFICER], request.app[VAULT], request.app[CLOCK].now()
    delivery, parked = fields.get("delivery", ""), fields.get("parked", "")

    def again(tx: Connection) -> bool:
        if delivery:
            done, what = stuck.retry_delivery(tx, delivery, now), f"delivery:{delivery}"
        else:
            done, what = parked.isdecimal() and stuck.retry_parked(tx, int(parked), now), f"inbox:{parked}"
        if done:
            audit.append(tx, vault, at=now, actor=officer.id, act=Permission.DELIVERIES_RETRY, object=what)
        return done

    done = await request.app[DATABASE].write(again)
    request.app[SIGNALS].wake("outbox", "inbox")
    return go_to(request, "deliveries", notice="retried" if done else "not_retried")
