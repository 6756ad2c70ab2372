"""When a service was last checked: exact while that matters, at a glance afterwards."""

from __future__ import annotations

import pytest

from bot.desk.frame import EXACT_DAYS, days_ago


@pytest.mark.parametrize(
    ("days", "language", "told"),
    [
        (12, "en", "12 days ago"), (EXACT_DAYS - 1, "en", "59 days ago"), (200, "en", "7 months ago"),
        (6176, "en", "17 years ago"), (6176, "fr", "il y a 17 ans"), (200, "es", "hace 7 meses"),
        (2, "ar", "قبل يومين"),
    ],
)  # fmt: skip
def test_a_check_of_long_ago_is_told_in_months_and_years(days: int, language: str, told: str):
    assert days_ago(days, language) == told
