"""What the work asks of each officer: how much they hold, how long they are on duty, at night, and how much danger they
met.

The hours are those of the rota, with swaps and absences: the program does not watch when somebody sits at the desk.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from itertools import groupby

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases import choosing, store
from bot.cases.hand import Hand
from bot.cases.handover import takes_cases
from bot.cases.rota import service as rota
from bot.cases.rota import store as rota_store
from bot.cases.rota.hours import at_night, within
from bot.cases.rota.model import Duty, zone_of
from bot.kernel import access, officers
from bot.kernel.access import Permission

#: So far back the hours and the urgent cases are counted.
LOOKS_BACK = timedelta(days=7)


class Workload(Struct, frozen=True):
    """One officer's. Hours and urgent cases are those of the last seven days."""

    officer_id: str
    name: str
    held: int
    capacity: int
    waiting: int  # of those they hold: whose person waits for an answer
    on_duty: timedelta
    at_night: timedelta
    on_call: timedelta
    urgent: int  # cases of P0 and P1 that they took and hold, or held last

    @property
    def full(self) -> bool:
        return self.held >= self.capacity


def of_team(tx: Connection, hand: Hand) -> list[Workload]:
    """Everyone who can hold a case; who was on duty longest comes first. Nothing for who does not supervise."""
    if not access.allows(hand.officer, Permission.SUPERVISION_READ):
        return []
    held = [sealed.case for sealed in store.all_held(tx)]
    holding, waiting = Counter(case.owner_id for case in held), Counter(c.owner_id for c in held if c.person_waits)
    urgent, hours = store.urgent_taken(tx, hand.at - LOOKS_BACK), _hours(tx, hand.at)
    found = []
    for officer in officers.list_officers(tx, active_only=True):
        if not takes_cases(officer):
            continue
        on_duty, night, on_call = hours.get(officer.id, (timedelta(0),) * 3)
        capacity = choosing.profile_of(tx, officer.id).capacity
        numbers = (holding[officer.id], capacity, waiting[officer.id], on_duty, night, on_call)
        found.append(Workload(officer.id, officer.name, *numbers, urgent.get(officer.id, 0)))
    return sorted(found, key=lambda each: (-each.on_duty, -each.held, each.name))


def _hours(tx: Connection, at: datetime) -> dict[str, tuple[timedelta, timedelta, timedelta]]:
    """On duty at the desk, of it at night, and on call, by officer."""
    start = at - LOOKS_BACK
    zones = {shift.id: zone_of(shift.zone) for shift in rota_store.all_shifts(tx, since=(start - LOOKS_BACK).date())}
    duties = sorted(rota.planned(tx, start, at), key=lambda duty: duty.officer_id)
    found = {}
    for officer_id, theirs in groupby(duties, key=lambda duty: duty.officer_id):
        of_one = list(theirs)
        desk = [duty for duty in of_one if not duty.on_call]
        night = [at_night(duty, zones[duty.shift_id], start, at) for duty in desk]
        call = [duty for duty in of_one if duty.on_call]
        found[officer_id] = (_sum(desk, start, at), sum(night, timedelta(0)), _sum(call, start, at))
    return found


def _sum(duties: list[Duty], start: datetime, end: datetime) -> timedelta:
    return sum((within(duty, start, end) for duty in duties), timedelta(0))
