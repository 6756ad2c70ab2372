"""A file of services, sent to the desk: what would become of its rows, and then whether it is taken in."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from functools import partial
from typing import Any

from aiohttp import web
from sqlalchemy.engine import Connection

from bot.desk.frame import go_to, look, show
from bot.desk.live import Screen
from bot.desk.queue import officer_names
from bot.kernel import audit
from bot.kernel.access import Permission
from bot.kernel.logs import get_log
from bot.kernel.streams import stream_events
from bot.kernel.uploads import uploaded
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import CLOCK, DATABASE, OFFICER, SIGNALS, VAULT
from bot.kernel.words import N_
from directory import store
from directory.editing import LANGUAGES
from directory.files import sent, sheet_languages
from directory.files.importing import Became
from directory.files.letters import LETTERS
from directory.files.spreadsheet import NOT_READ, READ, REQUIRED, is_field
from directory.files.unreadable import UnreadableFile
from directory.store import Import, ImportState
from directory.words import reason_of

log = get_log("desk")

SIGNAL = "imports"
#: Look at least this often while a file is worked on; another server's work sends no signal here.
LOOK_EVERY = 2.0
MOST_LISTED = 20

STATES = {
    ImportState.SENT: N_("waits to be looked through"),
    ImportState.CHECKING: N_("is being looked through"),
    ImportState.CHECKED: N_("waits to be taken in"),
    ImportState.TAKING: N_("is being taken in"),
    ImportState.UNDOING: N_("is being taken back"),
    ImportState.DONE: N_("taken in"),
    ImportState.REFUSED: N_("nothing was kept"),
}
ROWS_ARE_WRONG = N_("has rows to put right")
BECAME = {
    Became.NEW: N_("New"),
    Became.CHANGED: N_("Changed"),
    Became.SAME: N_("The same"),
    Became.REJECTED: N_("Rejected"),
}
WORKING = (ImportState.CHECKING, ImportState.TAKING, ImportState.UNDOING)


#: The texts in other languages that a column may be said to be, beside those that its title says.
_SPOKEN = tuple(f"{field}_{code}" for field in sheet_languages.FIELDS for code in LANGUAGES)


def service_import_routes() -> Routes:
    """The form, and a page for each file. To be mounted before the pages of one service."""
    routes, working = Routes(), Working()

    @routes.get("/desk/services/import", name="imports", allow=Permission.SERVICES_EDIT)
    async def show_form(request: web.Request) -> web.StreamResponse:
        return await _form_page(request)

    @routes.post(
        "/desk/services/import",
        name="send_import",
        allow=Permission.SERVICES_EDIT,
        body_cap=sent.MOST_BYTES,
        files=True,
    )
    async def send(request: web.Request) -> web.StreamResponse:
        """Keep the file, and look it through at once."""
        fields, at = await form(request), request.app[CLOCK].now()
        name, by = " ".join(fields.get("name", "").split())[:100], request[OFFICER].id
        letters = fields.get("letters") if fields.get("letters") in LETTERS else None
        content = uploaded(request, "file")
        try:
            import_id = await sent.keep_file(request.app[DATABASE], content, name=name, by=by, at=at, letters=letters)
        except UnreadableFile as error:
            return await _form_page(request, problem=reason_of(error), name=name, status=422)
        await _check(request, import_id, None)
        return go_to(request, "show_import", id=import_id)

    @routes.get("/desk/services/import/{id}", name="show_import", allow=Permission.SERVICES_EDIT)
    async def show_import(request: web.Request) -> web.StreamResponse:
        return await show(request, "desk/service_import.html", lambda tx: _page(tx, request), here="services")

    @routes.get("/desk/services/import/{id}/live", name="live_import", allow=Permission.SERVICES_EDIT)
    async def live(request: web.Request) -> web.StreamResponse:
        """How far it is, for as long as something is done."""
        database, clock, officer = request.app[DATABASE], request.app[CLOCK], request[OFFICER]
        await database.read(lambda tx: _require(tx, request))

        def read(tx: Connection) -> dict[str, Any]:
            return {"frame": look(tx, officer, clock.now()), "here": "services", **_page(tx, request)}

        async with stream_events(request) as events:
            screen = Screen(request, events, here="services")
            with request.app[SIGNALS].watching(SIGNAL, "queue", "watch") as watch:
                while True:
                    try:
                        context = await database.read(read)
                    except web.HTTPNotFound:
                        await events.send("gone", {})
                        break
                    await screen.send_parts(("nav", "duty", "alerts", "import_state"), context)
                    await events.send("fresh", {})
                    await watch.next(timeout=LOOK_EVERY if context["works"] else 10 * LOOK_EVERY)
        return events.response

    @routes.post("/desk/services/import/{id}/check", name="check_import", allow=Permission.SERVICES_EDIT)
    async def check(request: web.Request) -> web.StreamResponse:
        """Look it through once more, with the columns as they are said now."""
        fields, database = await form(request), request.app[DATABASE]
        there = await database.read(lambda tx: _require(tx, request))
        columns = None
        if there.columns is not None:
            said = {title: fields.get(f"column.{n}", NOT_READ) for n, title in enumerate(there.columns)}
            columns = {title: field if is_field(field) else NOT_READ for title, field in said.items()}
        begun = await _check(request, there.id, columns)
        return go_to(request, "show_import", notice=None if begun else "record_moved", id=there.id)

    @routes.post("/desk/services/import/{id}/take", name="take_import", allow=Permission.SERVICES_EDIT)
    async def take(request: web.Request) -> web.StreamResponse:
        """Take in what was looked through."""
        await form(request)
        database, at, by = request.app[DATABASE], request.app[CLOCK].now(), request[OFFICER].id
        there = await database.read(lambda tx: _require(tx, request))
        begun = await sent.begin_take(database, there.id, at=at)
        if begun:
            await database.write(lambda tx: _audit(tx, request, "service.import", there.id))
            working.begin(request, sent.take_file(database, there.id, by=by))
        return go_to(request, "show_import", notice=None if begun else "record_moved", id=there.id)

    @routes.post("/desk/services/import/{id}/away", name="put_import_away", allow=Permission.SERVICES_EDIT)
    async def away(request: web.Request) -> web.StreamResponse:
        """Forget the file. What was taken in stays."""
        await form(request)
        there = await request.app[DATABASE].read(lambda tx: _require(tx, request))
        gone = await sent.put_away(request.app[DATABASE], there.id)
        return go_to(request, "imports", notice="saved") if gone else go_to(request, "show_import", id=there.id)

    async def _check(request: web.Request, import_id: str, columns: Mapping[str, str] | None) -> bool:
        database, at = request.app[DATABASE], request.app[CLOCK].now()
        begun = await sent.begin_check(database, import_id, columns=columns, at=at)
        if begun:
            working.begin(request, sent.check_file(database, import_id))
        return begun

    return routes


class Working:
    """Files that this server looks through or takes in. What a stop interrupts is taken back after a while."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, request: web.Request, work: Coroutine[Any, Any, object]) -> None:
        """Do it beside the request, and say so to those who watch."""
        task = asyncio.create_task(self._run(work, partial(request.app[SIGNALS].wake, SIGNAL)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @staticmethod
    async def _run(work: Coroutine[Any, Any, object], ended: partial[None]) -> None:
        try:
            await work
        except Exception:
            log.exception("import_failed")
        finally:
            ended()


async def _form_page(request: web.Request, *, problem: str = "", name: str = "", status: int = 200) -> web.Response:
    def read(tx: Connection) -> dict[str, Any]:
        listed = store.list_imports(tx, limit=MOST_LISTED)
        return {
            "imports": listed,
            "states": STATES,
            "wrong": ROWS_ARE_WRONG,
            "names": officer_names(tx),
            "problem": problem,
            "name": name,
            "letters": LETTERS,
            "most_mb": sent.MOST_BYTES // 1024**2,
        }

    return await show(request, "desk/service_imports.html", read, here="services", status=status)


def _require(tx: Connection, request: web.Request) -> Import:
    there = store.get_import(tx, request.match_info["id"])
    if there is None:
        raise web.HTTPNotFound
    return there


def _page(tx: Connection, request: web.Request) -> dict[str, Any]:
    there = _require(tx, request)
    told = {"unreadable": "", "rows": [], "refused": [], "left": [], "rejected": 0, **(there.told or {})}
    of = sum(told.get(each.value, 0) for each in (Became.NEW, Became.CHANGED, Became.SAME))
    waits = there.state in (ImportState.SENT, ImportState.CHECKED)
    return {
        "file": there,
        "told": told,
        "state": ROWS_ARE_WRONG if waits and told["rejected"] else STATES[there.state],
        "works": there.state in WORKING,
        "may_take": there.state is ImportState.CHECKED and not told.get("rejected") and bool(of),
        "may_check": waits,
        "may_go": not there.state.value.endswith("ing"),
        "done": there.state is ImportState.DONE,
        "refused": there.state is ImportState.REFUSED,
        "of": of,
        "became": {each.value: title for each, title in BECAME.items()},
        "fields": dict.fromkeys((*READ, *_SPOKEN, *filter(is_field, (there.columns or {}).values()))),
        "required": REQUIRED,
        "not_read": NOT_READ,
        "missing": [field for field in REQUIRED if there.columns is not None and field not in there.columns.values()],
        "names": officer_names(tx),
    }


def _audit(tx: Connection, request: web.Request, act: str, import_id: str) -> None:
    actor, now = request[OFFICER].id, request.app[CLOCK].now()
    audit.append(tx, request.app[VAULT], at=now, actor=actor, act=act, object=f"import:{import_id}", facts={})
