"""Where an officer is paged while the desk is closed: by e-mail, and in browsers that they connect themselves."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from aiohttp import web
from sqlalchemy.engine import Connection

from bot.cases import page_ways
from bot.cases.page_ways import TooMany, UnfitAddress
from bot.desk.frame import go_to, show
from bot.kernel import sessions
from bot.kernel.access import Permission
from bot.kernel.mail import Mailer, MailInDoubt, MailLater, MailRefused
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import CLOCK, DATABASE, OFFICER, SESSION, VAULT, WORDS
from bot.kernel.web_push import NotASubscription, PushServices, Subscription
from bot.kernel.words import N_

SUBJECT = N_("Your code for the desk")
TEXT = N_(
    "Type this code at the desk, and you are paged at this address: {code}\n\n"
    "It works for 30 minutes. If you did not ask for it, do nothing."
)
PROBLEMS = {
    "address": N_("This is no e-mail address. Nothing was changed."),
    "too_many": N_("There are five already. Take one away first."),
    "not_mailed": N_("The mail server did not take the code. Nothing was changed: try again later."),
    "wait": N_("A code was sent a moment ago. Wait a minute and try again."),
    "wrong_code": N_("The code was wrong or too old. After five wrong ones ask for a new one."),
}


def page_ways_routes(mailer: Mailer | None, push: PushServices | None) -> Routes:
    """The screen and what it does; by each way only where it is set up."""
    routes = Routes()

    async def screen(request: web.Request, *, problem: str = "", typed: str = "", status: int = 200) -> web.Response:
        vault, session = request.app[VAULT], request[SESSION]

        def read(tx: Connection) -> dict[str, Any]:
            own = page_ways.own(tx, vault, session)
            return {
                "own": own,
                "waits_for_code": next((way for way in own if not way.confirmed), None),
                "mails": mailer is not None,
                "push_key": push.key.public if push is not None else "",
                "problem": PROBLEMS.get(problem, ""),
                "typed": typed,
                "languages_at": request.app.router["page_ways"].url_for(),  # this may be the answer to a form
            }

        return await show(request, "desk/page_ways.html", read, here="account", status=status)

    @routes.get("/desk/account/pages", name="page_ways", allow=Permission.ACCOUNT_OWN)
    async def show_ways(request: web.Request) -> web.StreamResponse:
        return await screen(request)

    @routes.get("/desk/worker.js", name="page_worker", allow=Permission.ACCOUNT_OWN)
    async def worker(_request: web.Request) -> web.StreamResponse:
        """What shows a page while no desk is open. Its address must stay, so it is not among the hashed files."""
        return web.Response(text=_worker(), content_type="text/javascript")

    @routes.post("/desk/account/pages/remove", name="remove_page_way", allow=Permission.ACCOUNT_OWN)
    async def remove(request: web.Request) -> web.StreamResponse:
        way_id = (await form(request)).get("way", "")[:36]
        vault, session, at = request.app[VAULT], request[SESSION], request.app[CLOCK].now()
        await request.app[DATABASE].write(lambda tx: page_ways.remove(tx, vault, session, way_id, at=at))
        return go_to(request, "page_ways", notice="unpaired")

    if mailer is not None:

        @routes.post("/desk/account/pages/email", name="begin_page_email", allow=Permission.ACCOUNT_OWN)
        async def begin_email(request: web.Request) -> web.StreamResponse:
            """Mail a code to the address. Nobody is paged at one that they cannot read."""
            address = (await form(request)).get("address", "").strip()
            vault, session, at = request.app[VAULT], request[SESSION], request.app[CLOCK].now()

            def begin(tx: Connection) -> tuple[str, str] | None:
                key = vault.index("page way code", session.officer.id)
                if sessions.must_wait(tx, key, at):
                    return None
                sessions.note_failure(tx, key, at)  # every code counts: nobody's mailbox is to be filled from here
                return page_ways.begin_email(tx, vault, session, address, at=at)

            try:
                begun = await request.app[DATABASE].write(begin)
            except UnfitAddress:
                return await screen(request, problem="address", typed=address, status=400)
            except TooMany:
                return await screen(request, problem="too_many", status=409)
            if begun is None:
                return await screen(request, problem="wait", typed=address, status=429)
            way_id, code = begun
            if not await _mailed(request, mailer, address, code):
                await request.app[DATABASE].write(lambda tx: page_ways.remove(tx, vault, session, way_id, at=at))
                return await screen(request, problem="not_mailed", typed=address, status=502)
            return go_to(request, "page_ways", notice="code_mailed")

        @routes.post("/desk/account/pages/email/confirm", name="confirm_page_email", allow=Permission.ACCOUNT_OWN)
        async def confirm_email(request: web.Request) -> web.StreamResponse:
            code = (await form(request)).get("code", "")[:20]
            vault, session, at = request.app[VAULT], request[SESSION], request.app[CLOCK].now()
            right = await request.app[DATABASE].write(
                lambda tx: page_ways.confirm_email(tx, vault, session, code, at=at)
            )
            if not right:
                return await screen(request, problem="wrong_code", status=403)
            return go_to(request, "page_ways", notice="page_way_added")

    if push is not None:

        @routes.post("/desk/account/pages/browser", name="add_page_browser", allow=Permission.ACCOUNT_OWN)
        async def add_browser(request: web.Request) -> web.StreamResponse:
            """For the script of the page: this browser let us write to it."""
            return await _with_subscription(request, push, add=True)

        @routes.post("/desk/account/pages/browser/back", name="page_browser_back", allow=Permission.ACCOUNT_OWN)
        async def browser_back(request: web.Request) -> web.StreamResponse:
            """For the script of the desk: somebody signed in where pages arrive."""
            return await _with_subscription(request, push, add=False)

    return routes


async def _mailed(request: web.Request, mailer: Mailer, address: str, code: str) -> bool:
    officer, words = request[OFFICER], request.app[WORDS]
    language = officer.languages[0] if officer.languages else "en"
    try:
        await mailer.send(address, words.text(language, SUBJECT), words.text(language, TEXT, code=code))
    except MailInDoubt:  # it may have come: then the code works
        return True
    except (MailLater, MailRefused):
        return False
    return True


async def _with_subscription(request: web.Request, push: PushServices, *, add: bool) -> web.StreamResponse:
    text = (await form(request)).get("subscription", "")
    vault, session, at = request.app[VAULT], request[SESSION], request.app[CLOCK].now()

    def work(tx: Connection) -> bool:
        if not add:
            return page_ways.browser_is_back(tx, vault, session, subscription, at=at)
        page_ways.add_browser(tx, vault, session, subscription, at=at)
        return True

    try:
        subscription = Subscription.from_browser(text, push.services)
        paged = await request.app[DATABASE].write(work)
    except NotASubscription:
        return web.json_response({"paged": False, "problem": "unknown"}, status=400)
    except TooMany:
        return web.json_response({"paged": False, "problem": "too_many"}, status=409)
    return web.json_response({"paged": paged})


@cache
def _worker() -> str:
    return (Path(__file__).parent / "static" / "worker.js").read_text("utf-8")
