"""How much danger a child is in, and by when something has to happen because of it.

The windows are common practice of child protection (section f of the domain pack, not confirmed by a standard there).
A level that goes down counts only once a supervisor has signed it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import IntEnum
from types import MappingProxyType

from msgspec import Struct

from bot.kernel.words import N_


class Risk(IntEnum):
    """Higher is worse."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3


RISKS: Mapping[Risk, str] = MappingProxyType(
    {
        Risk.HIGH: N_("high: life, severe harm, trafficking, suicide, alone and under five"),
        Risk.MEDIUM: N_("medium: harm is likely, or the care is unstable"),
        Risk.LOW: N_("low: needs help, and is well cared for"),
    }
)


class Window(Struct, frozen=True):
    """By when the child is seen, there is a plan, and the risk is looked at again."""

    see: timedelta
    plan: timedelta
    review: timedelta


WINDOWS: Mapping[Risk, Window] = MappingProxyType(
    {
        Risk.HIGH: Window(timedelta(hours=24), timedelta(hours=72), timedelta(days=3)),
        Risk.MEDIUM: Window(timedelta(hours=72), timedelta(weeks=1), timedelta(weeks=1)),
        Risk.LOW: Window(timedelta(weeks=1), timedelta(weeks=2), timedelta(days=30)),
    }
)


class Assessment(Struct, frozen=True):
    """One look at the risk."""

    id: str
    level: Risk
    why: str
    officer_id: str
    at: datetime
    signed_by: str | None
    needs_signature: bool  # it lowers the level

    @property
    def counts(self) -> bool:
        return not self.needs_signature or self.signed_by is not None


def in_force(assessments: Sequence[Assessment]) -> Assessment | None:
    """The newest assessment that counts. `assessments` are in the order in which they were made."""
    return next((each for each in reversed(assessments) if each.counts), None)
