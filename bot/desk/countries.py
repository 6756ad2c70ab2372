"""Our country and each other one on the desk: how long answers take, what is owed, who is silent, and by which law."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from babel import Locale
from babel.numbers import format_decimal
from sqlalchemy.engine import Connection

from bot.desk.frame import show
from bot.exchange.partners import store as partners
from bot.exchange.requests.pairs import store
from bot.exchange.requests.pairs.model import Pair, Tally, by_type, dues, pairs
from bot.kernel.access import Permission
from bot.kernel.web import Routes
from bot.kernel.web_keys import CLOCK, LANGUAGE, SETTINGS, VAULT

routes = Routes()

#: Below so many answers a middle says little: it is shown with its number, and drawn no bar.
FEWEST_FOR_A_BAR = 1
BAR = 1000  # the longest one, in units of the drawing


@routes.get("/desk/exchange/countries", name="countries", allow=Permission.EXCHANGE_COUNT)
async def show_countries(request: web.Request) -> web.StreamResponse:
    """Every country with a partner or a request, as bars and as a table. It counts, and opens nothing."""
    vault, at, language = request.app[VAULT], request.app[CLOCK].now(), request[LANGUAGE]

    def read(tx: Connection) -> dict[str, Any]:
        known = {partner.country for partner in partners.everyone(tx, vault)}
        found = pairs(store.outcomes(tx), known, at)
        longest = max((days for pair in found for days in _days(pair)), default=0.0)
        return {
            "pairs": found,
            "own": request.app[SETTINGS].country,
            "drawn": [pair for pair in found if any(True for _ in _days(pair))],
            "bar": lambda tally: round(BAR * tally.median_days / longest) if longest and tally.median_days else 0,
            "most": BAR,
            "days": lambda tally: _said(tally, language),
        }

    return await show(request, "desk/countries.html", read, here="exchange")


@routes.get("/desk/exchange/countries/{code}", name="country", allow=Permission.EXCHANGE_COUNT)
async def show_country(request: web.Request) -> web.StreamResponse:
    """One pair: each of the fifteen requests with its time, what that rests on, and how it went so far."""
    vault, at, language = request.app[VAULT], request.app[CLOCK].now(), request[LANGUAGE]
    code, own = request.match_info["code"], request.app[SETTINGS].country
    if code not in Locale.parse("en").territories or len(code) != 2:
        raise web.HTTPNotFound

    def read(tx: Connection) -> dict[str, Any]:
        outcomes = store.outcomes(tx, country=code)
        here = [partner for partner in partners.everyone(tx, vault) if partner.country == code]
        return {
            "code": code,
            "own": own,
            "pair": next(iter(pairs(outcomes, [code], at))),
            "dues": dues(own or "", code),
            "tallies": by_type(outcomes, at),
            "agreements": [partner for partner in here if partner.agreement is not None],
            "focal": partners.focal_point(tx, code),
            "days": lambda tally: _said(tally, language),
            "at": at,
        }

    return await show(request, "desk/country.html", read, here="exchange")


def _days(pair: Pair) -> list[float]:
    """The middles of a pair that rest on an answer."""
    return [
        tally.median_days
        for tally in (pair.we_ask, pair.we_are_asked)
        if tally.median_days is not None and tally.answered >= FEWEST_FOR_A_BAR
    ]


def _said(tally: Tally | None, language: str) -> str:
    """A middle in days, with one digit after the point, as the language writes it; "" where nobody has answered."""
    if tally is None or tally.median_days is None:
        return ""
    return str(format_decimal(round(tally.median_days, 1), locale=Locale.parse(language), numbering_system="latn"))
