"""Short answers at the desk: put into the field, in the language of the person, for the officer to read and send."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy.engine import Connection

from bot.cases import replies
from bot.cases.hand import target
from bot.cases.model import CaseError
from bot.cases.pager import EmergencyNumbers
from bot.conversations import service as conversations
from bot.desk.case import case_screen
from bot.desk.frame import hand_of
from bot.kernel.access import Permission
from bot.kernel.web import Routes
from bot.kernel.web_keys import DATABASE, WORDS


def replies_routes(numbers: EmergencyNumbers) -> Routes:
    """The route that fills the field; `numbers` knows what to dial where the person is."""
    routes = Routes()

    @routes.get("/desk/cases/{id}/reply", name="short_reply", allow=Permission.CASE_ANSWER)
    async def fill_in(request: web.Request) -> web.StreamResponse:
        """The talk, with a short answer in the field. Nothing is sent."""
        hand, case_id, code = hand_of(request), request.match_info["id"], request.query.get("say", "")

        def read(tx: Connection) -> tuple[str, str | None]:
            case = target(tx, hand, case_id, Permission.CASE_ANSWER, lock=False)
            card = conversations.card(tx, case.conversation_id)
            return (card and card.language) or case.language, case.country

        try:
            language, country = await request.app[DATABASE].read(read)
        except CaseError:
            raise web.HTTPNotFound from None
        if code not in replies.REPLIES:
            return await case_screen(request)
        number = await numbers.emergency_number(country)
        draft = replies.text_of(request.app[WORDS], language, code, emergency_number=number)
        return await case_screen(request, draft=draft)

    return routes
