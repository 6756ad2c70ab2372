"""Days as each language writes them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from directory.dates import written

FIRST = date(2026, 11, 1)


@pytest.mark.parametrize(
    ("moment", "pattern", "language", "said"),
    [
        (FIRST, "long", "fr", "1er novembre 2026"),
        (FIRST, "d MMM y", "fr-CA", "1er nov. 2026"),
        (datetime(2026, 11, 1, 1, 1, tzinfo=UTC), "d MMM, HH:mm", "fr", "1er nov., 01:01"),
        (date(2026, 11, 21), "long", "fr", "21 novembre 2026"),
        (date(2026, 1, 11), "d MMMM", "fr", "11 janvier"),
        (FIRST, "long", "en", "November 1, 2026"),
        (FIRST, "d MMM y", "es", "1 nov 2026"),
        (datetime(2026, 11, 28, 13, 1, tzinfo=UTC), "d MMM, HH:mm", "ar", "28 نوفمبر، 13:01"),
    ],
)
def test_a_day_is_written_as_its_language_writes_it(moment: date, pattern: str, language: str, said: str):
    assert written(moment, pattern, language) == said
