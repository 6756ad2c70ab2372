"""Who is there to answer people at this moment: the one place from which it is told, and from which it is promised."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases.rota import service as rota
from bot.cases.rota.service import OnDuty
from bot.kernel import officers, sessions
from bot.kernel.access import Role
from bot.kernel.officers import Officer

#: Who works here, and who is on duty, are asked again after this. That nobody works here is always asked anew.
REMEMBERED = timedelta(minutes=1)


class Present(Struct, frozen=True):
    """Those who answer people, at one moment."""

    team: tuple[Officer, ...]  # everybody with an account
    there: tuple[Officer, ...]  # of them who count as there: at the desk by the rota, or all where none is kept
    rota_kept: bool
    signed_in: bool  # at least one of the team has the desk open

    @property
    def somebody_answers(self) -> bool:
        """Whether "a person will answer you here" is true now. Without a rota only an open desk tells that anybody is
        there; whoever is called from home may come, and is not promised."""
        return bool(self.there) and (self.rota_kept or self.signed_in)


class Presence:
    """Knows who is there. One for the process, so that all that is said in one breath says the same."""

    def __init__(self) -> None:
        self._duty: tuple[datetime, OnDuty, tuple[Officer, ...]] | None = None

    def now(self, tx: Connection, at: datetime) -> Present:
        """Everybody who could answer, and who is there."""
        duty, team = self._on_duty(tx, at)
        there = tuple(one for one in team if not duty.kept or one.id in duty.at_desk)
        return Present(team, there, duty.kept, sessions.is_anybody_in(tx, [one.id for one in team], at))

    def somebody_answers(self, tx: Connection, at: datetime) -> bool:
        """Whether a person may be promised now."""
        return self.now(tx, at).somebody_answers

    def _on_duty(self, tx: Connection, at: datetime) -> tuple[OnDuty, tuple[Officer, ...]]:
        known = self._duty
        if known is None or not known[2] or not timedelta(0) <= at - known[0] < REMEMBERED:
            team = tuple(one for one in officers.list_officers(tx, active_only=True) if Role.OFFICER in one.roles)
            known = self._duty = (at, rota.on_duty(tx, at), team)
        return known[1], known[2]
