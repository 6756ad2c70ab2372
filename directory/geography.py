"""Distances on a round earth, and boxes that an index can search."""

from __future__ import annotations

import math

from msgspec import Struct

EARTH_RADIUS_M = 6_371_008.8
METRES_A_DEGREE = math.pi * EARTH_RADIUS_M / 180

#: The map is cut into cells of a quarter of a degree (28 km from north to south), numbered from the south-west corner,
#: row after row: a box is as many runs of numbers as it has rows. The last column holds the date line itself.
CELLS_A_DEGREE = 4
CELLS_A_ROW = 360 * CELLS_A_DEGREE + 1
#: A box of more rows is looked through as one run, from its first row to its last.
MOST_RUNS = 16


class Box(Struct, frozen=True):
    """Between two parallels and two meridians; `west` is never above `east`."""

    south: float
    north: float
    west: float
    east: float


def distance_m(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Metres between two points as the crow flies (haversine)."""
    phi, other_phi = math.radians(latitude), math.radians(other_latitude)
    half_up = math.sin((other_phi - phi) / 2)
    half_across = math.sin(math.radians(other_longitude - longitude) / 2)
    chord = half_up * half_up + math.cos(phi) * math.cos(other_phi) * half_across * half_across
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(chord)))


def boxes_around(latitude: float, longitude: float, radius_m: float) -> tuple[Box, ...]:
    """Boxes that hold every point within the radius: two where it crosses the date line, a cap near a pole."""
    angle = radius_m / METRES_A_DEGREE
    south, north = latitude - angle, latitude + angle
    if south <= -90 or north >= 90:
        return (Box(max(south, -90.0), min(north, 90.0), -180.0, 180.0),)
    reach = math.sin(math.radians(angle)) / math.cos(math.radians(latitude))
    if angle >= 90 or reach >= 1:
        return (Box(south, north, -180.0, 180.0),)
    across = math.degrees(math.asin(reach)) * (1 + 1e-9)
    west, east = longitude - across, longitude + across
    if west < -180:
        return Box(south, north, -180.0, east), Box(south, north, west + 360, 180.0)
    if east > 180:
        return Box(south, north, west, 180.0), Box(south, north, -180.0, east - 360)
    return (Box(south, north, west, east),)


def cell_of(latitude: float, longitude: float) -> int:
    """The number of the cell in which a point lies."""
    return _row(latitude) * CELLS_A_ROW + _column(longitude)


def runs_of_cells(boxes: tuple[Box, ...]) -> list[tuple[int, int]]:
    """First and last number of the cells that hold every point of the boxes."""
    runs = [
        (row * CELLS_A_ROW + _column(box.west), row * CELLS_A_ROW + _column(box.east))
        for box in boxes
        for row in range(_row(box.south), _row(box.north) + 1)
    ]
    if len(runs) <= MOST_RUNS * len(boxes):
        return runs
    south, north = min(_row(box.south) for box in boxes), max(_row(box.north) for box in boxes)
    return [(south * CELLS_A_ROW, (north + 1) * CELLS_A_ROW - 1)]


def _row(latitude: float) -> int:
    return math.floor((latitude + 90) * CELLS_A_DEGREE)


def _column(longitude: float) -> int:
    return math.floor((longitude + 180) * CELLS_A_DEGREE)
