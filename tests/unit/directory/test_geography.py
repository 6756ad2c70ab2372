from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.geography import boxes_around, distance_m

LATITUDES = st.floats(-90, 90)
LONGITUDES = st.floats(-180, 180)


def test_ventimiglia_is_about_nine_kilometres_from_menton():
    assert distance_m(43.7896, 7.6087, 43.7765, 7.5043) == pytest.approx(8510, rel=0.01)


@given(LATITUDES, LONGITUDES, LATITUDES, LONGITUDES)
def test_there_is_as_far_as_back(a: float, b: float, c: float, d: float):
    assert distance_m(a, b, c, d) == pytest.approx(distance_m(c, d, a, b), abs=1e-3)
    assert 0 <= distance_m(a, b, c, d) <= 20_016_000


@given(LATITUDES, LONGITUDES, LATITUDES, LONGITUDES, st.floats(1, 500_000))
def test_the_boxes_hold_everything_within_the_radius(a: float, b: float, c: float, d: float, radius: float):
    if distance_m(a, b, c, d) <= radius * (1 - 1e-9):
        assert any(box.south <= c <= box.north and box.west <= d <= box.east for box in boxes_around(a, b, radius))


@given(LATITUDES, LONGITUDES, st.floats(1, 2_000_000))
def test_boxes_lie_on_the_earth(latitude: float, longitude: float, radius: float):
    for box in boxes_around(latitude, longitude, radius):
        assert -90 <= box.south <= box.north <= 90
        assert -180 <= box.west <= box.east <= 180
