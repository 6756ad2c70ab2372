"""The audit log: who did what to which object, and whether the chain is whole."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from sqlalchemy.engine import Connection

from bot.cases import store as cases
from bot.desk.frame import show
from bot.desk.queue import officer_names
from bot.kernel import audit
from bot.kernel.access import Permission
from bot.kernel.web import Routes
from bot.kernel.web_keys import VAULT

routes = Routes()

ROWS = 100


@routes.get("/desk/audit", name="audit", allow=Permission.AUDIT_READ)
async def show_audit(request: web.Request) -> web.StreamResponse:
    """The latest acts. `check` walks the whole chain; `case` shows who has seen and changed one case."""
    vault, query = request.app[VAULT], request.query
    before = int(query["before"]) if query.get("before", "").isdecimal() else None
    number = query.get("case", "").strip().upper()[:12]

    def read(tx: Connection) -> dict[str, Any]:
        about = None
        if number:
            case_id = cases.id_of_number(tx, number)
            about = f"case:{case_id}" if case_id else "none"
        rows = audit.read_log(tx, object=about, before=before, limit=ROWS)
        report = audit.verify(tx, vault) if "check" in query else None
        return {
            "rows": rows,
            "names": officer_names(tx),
            "number": number,
            "report": report,
            "earlier": rows[-1].seq if len(rows) == ROWS else None,
        }

    return await show(request, "desk/audit.html", read, here="audit")
