"""What is due: an officer's own tasks, and for those who coordinate what stayed undone in urgent cases."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from sqlalchemy.engine import Connection

from bot.cases import due, service
from bot.cases.record import service as record
from bot.desk.frame import hand_of, show
from bot.desk.queue import officer_names
from bot.kernel.access import Permission, may_enter
from bot.kernel.web import Routes

routes = Routes()


@routes.get("/desk/due", name="due", allow=Permission.QUEUE_READ)
async def show_due(request: web.Request) -> web.StreamResponse:
    """One's own tasks by their words; those of colleagues by the number of the case and what kind it is."""
    hand = hand_of(request)

    def read(tx: Connection) -> dict[str, Any]:
        service.note_queue_read(tx, hand)
        late = due.overdue(tx, hand.at)
        supervises = may_enter(hand.officer, Permission.SUPERVISION_READ)
        return {
            "tasks": record.tasks_of_owner(tx, hand.vault, hand.officer),
            "risk_tasks": record.MADE_TASKS,
            "late": late.for_supervisor(hand.officer, hand.at),
            "late_reviews": late.reviews if supervises else (),
            "supervises": supervises,
            "names": officer_names(tx),
        }

    return await show(request, "desk/due.html", read, here="due", writes=True)
