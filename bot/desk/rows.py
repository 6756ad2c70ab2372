"""The rows of a list of cases, each rendered once for all who are shown it in one language."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Set
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web
from markupsafe import Markup
from msgspec import Struct

from bot.cases import choosing
from bot.cases.service import CaseSummary, Queue
from bot.desk.frame import Frame, tools_of
from bot.kernel.pages import PIECES
from bot.kernel.web_keys import CLOCK, LANGUAGE, OFFICER


class Row(Struct, frozen=True):
    """One element of a list. The key stays with the case, whatever its row says."""

    key: str
    html: Markup


def case_rows(
    app: web.Application,
    language: str,
    summaries: Iterable[CaseSummary],
    *,
    held: Set[str],
    now: datetime,
    here: str | None = None,
) -> tuple[Row, ...]:
    """A row for each case. `held` are the cases on which a hold stands, `here` the one that is open on the screen."""
    pieces, tools = app[PIECES], tools_of(app)

    def html(summary: CaseSummary) -> Markup:
        case = summary.case
        return pieces.html(
            app,
            "desk/parts/row.html",
            language=language,
            tools=tools,
            summary=summary,
            on_hold=case.id in held,
            here=here if here == case.id else None,
            now=as_of(case.due_at, now),
        )

    return tuple(Row(summary.case.id, html(summary)) for summary in summaries)


def queue_rows(
    app: web.Application,
    language: str,
    queue: Queue,
    *,
    speaks: Collection[str],
    held: Set[str],
    now: datetime,
    here: str | None = None,
) -> tuple[Row, ...]:
    """The rows of the queue in the order for whoever `speaks` these languages, and a last one that says that nobody or
    how many more wait."""
    waiting = choosing.in_order_for(speaks, queue.waiting, now)
    listed = case_rows(app, language, waiting, held=held, now=now, here=here)
    end = app[PIECES].html(
        app,
        "desk/parts/queue_end.html",
        language=language,
        tools={},
        listed=bool(listed),
        more=queue.total - len(listed),
    )
    return (*listed, Row("end", end)) if end.strip() else listed


def lists_of(request: web.Request, matter: Mapping[str, Any], frame: Frame) -> Mapping[str, Any]:
    """What a page with the queue on it shows beside its own matter: `queue`, and `own` where there is one."""
    app, language, now = request.app, request[LANGUAGE], request.app[CLOCK].now()
    queue: Queue = matter["queue"]
    here = matter["case"].id if "case" in matter else None
    return {
        "queue_rows": queue_rows(
            app, language, queue, speaks=request[OFFICER].languages, held=frame.held, now=now, here=here
        ),
        "own_rows": case_rows(app, language, matter.get("own", ()), held=frame.held, now=now),
        "counts": tuple(queue.counts.items()),
    }


def as_of(due_at: datetime, now: datetime) -> datetime:
    """A moment at which a row says of its time what it says `now`, the same for the whole minute."""
    left = due_at - now
    minutes = timedelta(minutes=int(abs(left.total_seconds())) // 60)
    if left >= timedelta(0):
        return due_at - minutes
    return due_at + minutes + timedelta(seconds=1)
