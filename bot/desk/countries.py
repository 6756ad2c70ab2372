"""Our country and each other one on the desk: how long answers take, what is owed, who is silent, and by which law."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from babel import Locale
from babel.numbers import format_decimal
from multidict import MultiDict
from sqlalchemy.engine import Connection

from bot.desk.frame import go_to, hand_of, show
from bot.desk.proving import NOT_PROVEN, prove, proves_by
from bot.exchange.partners import service as partner_service
from bot.exchange.partners import store as partners
from bot.exchange.partners.model import Contact, FocalPoint
from bot.exchange.requests.pairs import store
from bot.exchange.requests.pairs.model import Pair, Tally, by_type, dues, pairs
from bot.kernel.access import Permission, allows
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import CLOCK, DATABASE, LANGUAGE, OFFICER, SETTINGS, SIGNALS, VAULT

routes = Routes()

#: Whoever reads no request is told of fewer as "1–4", and of no middle of so few answers: a one is a child.
FEW = 5
LONGEST_NAME, LONGEST_PHONE = 200, 40
BAR = 1000  # the longest one, in units of the drawing


@routes.get("/desk/exchange/countries", name="countries", allow=Permission.EXCHANGE_COUNT)
async def show_countries(request: web.Request) -> web.StreamResponse:
    """Every country with a partner or a request, as bars and as a table. It counts, and opens nothing."""
    vault, at, told = request.app[VAULT], request.app[CLOCK].now(), _Told(request)

    def read(tx: Connection) -> dict[str, Any]:
        known = {partner.country for partner in partners.everyone(tx, vault)}
        found = pairs(store.outcomes(tx), known, at)
        longest = max((days for pair in found for days in _days(pair, told)), default=0.0)
        return {
            "pairs": found,
            "own": request.app[SETTINGS].country,
            "without_focal": sorted({pair.country for pair in found} - partners.focal_points(tx)),
            "drawn": [pair for pair in found if _days(pair, told)],
            "bar": lambda tally: round(BAR * tally.median_days / longest) if longest and told.days(tally) else 0,
            "most": BAR,
            "told": told,
        }

    return await show(request, "desk/countries.html", read, here="exchange")


@routes.get("/desk/exchange/countries/{code}", name="country", allow=Permission.EXCHANGE_COUNT)
async def show_country(request: web.Request) -> web.StreamResponse:
    """One pair: each of the fifteen requests with its time, what that rests on, and how it went so far."""
    return await _country_screen(request)


async def _country_screen(
    request: web.Request, *, wrong: str | None = None, typed: MultiDict[str] | None = None
) -> web.Response:
    vault, at, told = request.app[VAULT], request.app[CLOCK].now(), _Told(request)
    code, own = _known_country(request), request.app[SETTINGS].country

    def read(tx: Connection) -> dict[str, Any]:
        outcomes = store.outcomes(tx, country=code)
        here = [partner for partner in partners.everyone(tx, vault) if partner.country == code]
        return {
            "code": code,
            "own": own,
            "pair": next(iter(pairs(outcomes, [code], at))),
            "dues": dues(own or "", code),
            "tallies": by_type(outcomes, at) if told.exactly else {},
            "agreements": [partner for partner in here if partner.agreement is not None],
            "focal": partners.focal_point(tx, code),
            "may_name": allows(request[OFFICER], Permission.EXCHANGE_FOCAL),
            "proves_by": proves_by(request[OFFICER]),
            "problem": NOT_PROVEN[wrong] if wrong else None,
            "typed": typed if typed is not None else MultiDict(),
            "told": told,
            "at": at,
        }

    return await show(request, "desk/country.html", read, here="exchange", status=409 if wrong else 200)


@routes.post("/desk/exchange/countries/{code}/focal", name="name_focal_point", allow=Permission.EXCHANGE_FOCAL)
async def name_focal_point(request: web.Request) -> web.StreamResponse:
    """Say whom to call in a country when nobody there answers. Whoever names them proves again who they are: officers
    will believe what that number says."""
    fields, hand, code = await form(request), hand_of(request), _known_country(request)
    if wrong := await prove(request, fields):
        return await _country_screen(request, wrong=wrong, typed=fields)
    named = {key: fields.get(key, "").strip() for key in ("name", "phone", "email")}
    contact = Contact(named["name"][:LONGEST_NAME], named["phone"][:LONGEST_PHONE], named["email"][:LONGEST_NAME])

    def work(tx: Connection) -> None:
        point = FocalPoint(code, contact)
        partner_service.name_focal_point(tx, hand.vault, point, by=hand.officer.id, at=hand.at)

    try:
        await request.app[DATABASE].write(work)
    except partner_service.NobodyToCall:
        return go_to(request, "country", code=code, notice="incomplete")
    request.app[SIGNALS].wake("exchange")
    return go_to(request, "country", code=code, notice="saved")


def _known_country(request: web.Request) -> str:
    """The country of the address. Raises HTTPNotFound for two letters that are none."""
    code = request.match_info["code"]
    if code not in Locale.parse("en").territories or len(code) != 2:
        raise web.HTTPNotFound
    return code


class _Told:
    """Numbers as somebody may see them: whoever reads no request sees no child in them."""

    def __init__(self, request: web.Request) -> None:
        self.exactly = allows(request[OFFICER], Permission.QUEUE_READ)
        self._language = request[LANGUAGE]

    def number(self, number: int) -> str:
        return str(number) if self.exactly or number == 0 or number >= FEW else f"1–{FEW - 1}"

    def days(self, tally: Tally | None) -> str:
        """A middle in days, with one digit after the point, as the language writes it; "" where nobody has answered."""
        if tally is None or tally.median_days is None or not (self.exactly or tally.answered >= FEW):
            return ""
        locale = Locale.parse(self._language)
        return str(format_decimal(round(tally.median_days, 1), locale=locale, numbering_system="latn"))


def _days(pair: Pair, told: _Told) -> list[float]:
    """The middles of a pair that rest on an answer, and may be seen."""
    return [
        tally.median_days
        for tally in (pair.we_ask, pair.we_are_asked)
        if tally.median_days is not None and told.days(tally)
    ]
