"""What a person wrote beside what a machine makes of it in the officer's language."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from aiohttp import web

from bot.cases.model import Case, CaseNotFound, NotAllowedNow
from bot.cases.translating import words_to_translate
from bot.conversations.service import Line, Watched
from bot.desk.case import case_screen
from bot.desk.frame import hand_of, show
from bot.kernel.access import Permission
from bot.kernel.translation import NotTranslated, Translator
from bot.kernel.web import LANGUAGE, Routes
from bot.kernel.web_keys import DATABASE


def translation_routes(translator: Translator) -> Routes:
    """The one route, where the settings name a server."""
    routes = Routes()

    @routes.post("/desk/cases/{id}/translate", name="translate", allow=Permission.CASE_ANSWER)
    async def translate(request: web.Request) -> web.StreamResponse:
        """Send the person's words to the server, now, and show both. Nothing of it is kept."""
        case_id, hand, into = request.match_info["id"], hand_of(request), request[LANGUAGE]
        try:
            case, lines = await request.app[DATABASE].write(lambda tx: words_to_translate(tx, hand, case_id, into=into))
        except CaseNotFound:
            raise web.HTTPNotFound from None
        except Watched:
            return await case_screen(request, status=409, problem="not_translated_watched")
        except NotAllowedNow:
            return await case_screen(request, status=409, problem="too_late")
        try:
            pairs = await _translated(translator, case, lines, into)
        except NotTranslated:
            return await case_screen(request, status=502, problem="not_translated")
        context = {"case": case, "pairs": pairs, "into": into, "host": translator.host}
        return await show(request, "desk/translation.html", lambda _tx: context, here="case")

    return routes


async def _translated(translator: Translator, case: Case, lines: Sequence[Line], into: str) -> list[tuple[Line, str]]:
    """Each line with its translation, in order; a request a language."""
    by_language: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        by_language[line.language or case.language].append(line)
    said: dict[int, str] = {}
    for source, some in by_language.items():
        texts = await translator.translate([line.text for line in some], source=source, target=into)
        said.update(zip((line.seq for line in some), texts, strict=True))
    return [(line, said[line.seq]) for line in lines]
