"""The time zone of a place, for hours that came without one: HSDS knows an offset from UTC, and often not even that.

Countries and the town that each of their zones is called after are those of the IANA database (`zone.tab`).
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from msgspec import Struct

from directory.geography import distance_m

_POINT = re.compile(r"([+-])(\d{2})(\d{2})(?:\d{2})?([+-])(\d{3})(\d{2})(?:\d{2})?")


class _Zone(Struct, frozen=True):
    name: str
    latitude: float
    longitude: float
    offsets: frozenset[float]  # hours from UTC, in January and in July


@cache
def _zones() -> dict[str, list[_Zone]]:
    found: dict[str, list[_Zone]] = {}
    for line in (files("tzdata.zoneinfo") / "zone.tab").read_text(encoding="utf-8").splitlines():
        if line.startswith("#") or len(parts := line.split("\t")) < 3:
            continue
        country, point, name = parts[:3]
        if at := _POINT.fullmatch(point):
            latitude = float(f"{at[1]}1") * (int(at[2]) + int(at[3]) / 60)
            longitude = float(f"{at[4]}1") * (int(at[5]) + int(at[6]) / 60)
            found.setdefault(country, []).append(_Zone(name, latitude, longitude, _offsets(name)))
    return found


def _offsets(name: str) -> frozenset[float]:
    days = (datetime(2026, month, 15, tzinfo=ZoneInfo(name)).utcoffset() for month in (1, 7))
    return frozenset(offset.total_seconds() / 3600 for offset in days if offset is not None)


def zone_of(
    country: str, latitude: float | None, longitude: float | None, *, offset: float | None = None
) -> str | None:
    """The zone of a country whose town is nearest, of those with that many hours from UTC where they are told.

    None where a country has several zones and no point was given, or none with these hours.
    """
    zones = [zone for zone in _zones().get(country, []) if offset is None or offset in zone.offsets]
    if not zones:
        return None
    if latitude is None or longitude is None:
        return zones[0].name if len({zone.offsets for zone in zones}) == 1 else None
    return min(zones, key=lambda zone: distance_m(latitude, longitude, zone.latitude, zone.longitude)).name
