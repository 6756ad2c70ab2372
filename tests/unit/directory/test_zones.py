"""Hours that came without a time zone are those of the place, where that can be known."""

from __future__ import annotations

import pytest

from directory.zones import zone_of


@pytest.mark.parametrize(
    ("country", "point", "offset", "zone"),
    [
        ("IT", (None, None), None, "Europe/Rome"),
        ("FR", (50.95, 1.85), None, "Europe/Paris"),
        ("ES", (28.1, -15.4), None, "Atlantic/Canary"),
        ("ES", (40.4, -3.7), None, "Europe/Madrid"),
        ("US", (34.05, -118.24), None, "America/Los_Angeles"),
        ("US", (34.05, -118.24), -8.0, "America/Los_Angeles"),
        ("MX", (32.5, -117.0), None, "America/Tijuana"),
        ("US", (None, None), None, None),  # which of them nobody can know
        ("IT", (None, None), 5.0, None),  # the hours are another country's
        ("XX", (0, 0), None, None),
    ],
)
def test_the_zone_is_that_of_the_place(country: str, point: tuple, offset: float | None, zone: str | None):
    assert zone_of(country, *point, offset=offset) == zone
