"""The rota on the screen: who is there now, the coming week, swaps, absences, and the note to the next shift."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace
from multidict import MultiDict
from sqlalchemy.engine import Connection

from bot.cases import due, handover, spoken
from bot.cases.record import service as record
from bot.cases.rota import service, store
from bot.cases.rota.model import Duty, Part, Shift, WrongShift, moment_of, uncovered, zone_of
from bot.cases.rota.service import NotYourDuty
from bot.cases.spoken import Unspoken
from bot.desk.frame import go_to, hand_of, show
from bot.desk.queue import officer_names
from bot.kernel.access import Permission, allows
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import CLOCK, DATABASE, OFFICER, SIGNALS, VAULT, WORDS
from bot.kernel.words import N_

routes = Routes()

DAYS_SHOWN = 7
#: The next shift reads so many lines of what is overdue; the page "Due" has the rest.
MOST_LATE = 20
WEEKDAYS = {
    1: N_("Monday"),
    2: N_("Tuesday"),
    3: N_("Wednesday"),
    4: N_("Thursday"),
    5: N_("Friday"),
    6: N_("Saturday"),
    7: N_("Sunday"),
}


class Line(Struct, frozen=True):
    """One duty as the week shows it, by the clocks of its shift."""

    duty: Duty
    begins: datetime
    ends: datetime
    zone: str
    swapped: bool


class Day(Struct, frozen=True):
    """One day of the week, with its duties, the stretches nobody is there, and those a language is not spoken in."""

    day: date
    lines: list[Line]
    gaps: list[tuple[datetime, datetime]]
    unspoken: list[Unspoken]


@routes.get("/desk/rota", name="rota", allow=Permission.ROTA_READ)
async def show_rota(request: web.Request) -> web.StreamResponse:
    return await _screen(request)


async def _screen(request: web.Request, *, typed: MultiDict[str] | None = None, problem: str = "") -> web.Response:
    officer, vault, at = request[OFFICER], request.app[VAULT], request.app[CLOCK].now()

    def read(tx: Connection) -> dict[str, Any]:
        shifts = store.all_shifts(tx, since=at.date() - timedelta(days=1))
        zone = service.zones(shifts)[0] if shifts else "UTC"
        languages = spoken.wanted(tx, request.app[WORDS].languages, at)
        return {
            "present": service.on_duty(tx, at),
            "week": week(tx, shifts, languages, at, zone),
            "spoken_by_nobody": spoken.spoken_by_nobody(tx, languages),
            "languages_of": {each.id: each.languages for each in handover.colleagues(tx, besides=None)},
            "zone": zone,
            "shifts": shifts,
            "weekdays": WEEKDAYS,
            "all_zones": sorted(available_timezones()),
            "names": officer_names(tx),
            "colleagues": handover.colleagues(tx, besides=officer.id),
            "team": handover.colleagues(tx, besides=None),
            "swaps": service.swaps_of(tx, officer.id),
            "absences": store.absences_after(tx, at),
            "late": due.overdue(tx, at).grave[:MOST_LATE] if allows(officer, Permission.DUTY_NOTE) else [],
            "risk_tasks": record.MADE_TASKS,
            "notes": service.read_notes(tx, vault, at) if allows(officer, Permission.DUTY_NOTE) else [],
            "typed": typed or MultiDict(),
            "problem": problem,
            "today": at.astimezone(ZoneInfo(zone)).date(),
        }

    return await show(request, "desk/rota.html", read, here="rota", status=409 if problem else 200)


def week(tx: Connection, shifts: Sequence[Shift], languages: Collection[str], at: datetime, zone: str) -> list[Day]:
    """The coming days by the clocks of the desk, each with what is planned and what is missing, and when nobody is
    there for one of the `languages`."""
    place = zone_of(zone)
    first = at.astimezone(place).date()
    known = {shift.id: shift for shift in shifts}
    days = []
    for day in (first + timedelta(days=n) for n in range(DAYS_SHOWN)):
        start, end = moment_of(day, time(0), place), moment_of(day + timedelta(days=1), time(0), place)
        found = [duty for duty in service.planned(tx, start, end) if duty.shift_id in known]
        lines = [_line(duty, known[duty.shift_id]) for duty in found if start <= duty.start]
        gaps = uncovered(found, max(start, at), end) if shifts else []
        left_out = spoken.unspoken(tx, languages, found, max(start, at), end) if shifts else []
        days.append(
            Day(
                day,
                lines,
                [(one.astimezone(place), other.astimezone(place)) for one, other in gaps],
                [replace(one, start=one.start.astimezone(place), end=one.end.astimezone(place)) for one in left_out],
            )
        )
    return days


def _line(duty: Duty, shift: Shift) -> Line:
    place = zone_of(shift.zone)
    swapped = duty.officer_id != shift.officer_id
    return Line(duty, duty.start.astimezone(place), duty.end.astimezone(place), shift.zone, swapped)


@routes.post("/desk/rota/shifts", name="add_shift", allow=Permission.ROTA_EDIT)
async def add_shift(request: web.Request) -> web.StreamResponse:
    """Put a shift into the rota. What is wrong with it is said, and nothing typed is lost."""
    fields, hand = await form(request), hand_of(request)
    try:
        shift = _shift(fields)
        await request.app[DATABASE].write(lambda tx: service.add_shift(tx, hand, shift))
    except WrongShift as wrong:
        return await _screen(request, typed=fields, problem=str(wrong.args[0]))
    except NotYourDuty:
        return await _screen(request, typed=fields, problem="officer")
    request.app[SIGNALS].wake("watch")
    return go_to(request, "rota", notice="saved")


def _shift(fields: MultiDict[str]) -> Shift:
    """What the form says. Raises WrongShift."""
    parts = []
    for start, end in zip(fields.getall("start", []), fields.getall("end", []), strict=False):
        if start or end:
            parts.append(Part(_hour(start), _hour(end)))
    days = frozenset(int(day) for day in fields.getall("days", []) if day.isdecimal() and len(day) == 1)
    last = fields.get("last", "")
    return Shift(
        id="",
        officer_id=fields.get("officer", "")[:36],
        zone=fields.get("zone", "")[:64],
        days=days,
        parts=tuple(parts),
        first=_day(fields.get("first", "")),
        last=_day(last) if last else None,
        on_call=bool(fields.get("on_call")),
    )


def _hour(text: str) -> time:
    try:
        return datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 - an hour on the wall has no zone yet
    except ValueError:
        raise WrongShift("parts") from None


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise WrongShift("dates") from None


async def _change(request: web.Request, work: Callable[[Connection], object]) -> web.StreamResponse:
    """Do one thing to the rota and show it. What cannot be done any more changes nothing, and is said."""
    try:
        await request.app[DATABASE].write(work)
    except (NotYourDuty, WrongShift):
        return go_to(request, "rota", notice="duty_moved")
    request.app[SIGNALS].wake("watch")
    return go_to(request, "rota", notice="saved")


@routes.post("/desk/rota/shifts/end", name="end_shift", allow=Permission.ROTA_EDIT)
async def end_shift(request: web.Request) -> web.StreamResponse:
    """From today on this shift is no more; or, with a day, it is left out on that day alone."""
    fields, hand = await form(request), hand_of(request)
    shift_id, day = fields.get("shift", "")[:36], fields.get("day", "")
    if day:
        return await _change(request, lambda tx: service.leave_out(tx, hand, shift_id, _day(day)))
    yesterday = hand.at.date() - timedelta(days=1)
    return await _change(request, lambda tx: service.end_shift(tx, hand, shift_id, last=yesterday))


@routes.post("/desk/rota/swaps", name="ask_swap", allow=Permission.DUTY_SWAP)
async def ask_swap(request: web.Request) -> web.StreamResponse:
    fields, hand = await form(request), hand_of(request)
    shift_id, day, to = fields.get("shift", "")[:36], fields.get("day", ""), fields.get("to", "")[:36]
    return await _change(request, lambda tx: service.ask_swap(tx, hand, shift_id, _day(day), to=to))


@routes.post("/desk/rota/swaps/answer", name="answer_swap", allow=Permission.DUTY_SWAP)
async def answer_swap(request: web.Request) -> web.StreamResponse:
    fields, hand = await form(request), hand_of(request)
    swap_id, yes = fields.get("swap", "")[:36], fields.get("answer") == "yes"
    return await _change(request, lambda tx: service.answer_swap(tx, hand, swap_id, yes=yes))


@routes.post("/desk/rota/away", name="be_away", allow=Permission.DUTY_SWAP)
async def be_away(request: web.Request) -> web.StreamResponse:
    """Away from the beginning of one day to the end of another, by the clocks of the desk; or back, now."""
    fields, hand = await form(request), hand_of(request)
    back = fields.get("back", "")[:36]
    if back:
        return await _change(request, lambda tx: service.come_back(tx, hand, back))

    def work(tx: Connection) -> object:
        place = zone_of(fields.get("zone", "UTC")[:64])
        first, last = _day(fields.get("first", "")), _day(fields.get("last", ""))
        start, end = moment_of(first, time(0), place), moment_of(last + timedelta(days=1), time(0), place)
        return service.be_away(tx, hand, fields.get("officer", "")[:36] or hand.officer.id, start, end)

    return await _change(request, work)


@routes.post("/desk/rota/notes", name="shift_note", allow=Permission.DUTY_NOTE)
async def write_note(request: web.Request) -> web.StreamResponse:
    fields, hand = await form(request), hand_of(request)
    text, once = fields.get("text", ""), fields.get("once", "")[:36]
    return await _change(request, lambda tx: service.write_note(tx, hand, text, once=once))
