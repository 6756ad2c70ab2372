"""Which records look like one service, and which do not."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from directory.duplicates import MOST_IN_A_BLOCK, alike
from directory.store import Light

KITCHEN = Light(
    "1",
    "The Lantern kitchen",
    "IT",
    "Ventimiglia",
    (43.79, 7.6),
    ("+39 0184 960001",),
    frozenset({"food"}),
    False,
    False,
)


def twin(**changes: object) -> Light:
    return replace(KITCHEN, **{"id": "2", **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("other", "signs"),
    [
        (twin(name="Lantern Kitchen, The"), {"name", "phone", "point"}),
        (twin(name="the lantern kítchen", phones=(), point=None), {"name", "town"}),
        (twin(name="Lantern kitchen Roya", city="Roya", point=None, phones=("0184960001",)), {"phone"}),
        (twin(name="Association The Lantern kitchen, Ventimiglia", phones=(), point=None), {"name", "town"}),
        (twin(name="The Lantern kitchen", city="Vintimille", phones=(), point=(43.7905, 7.6004)), {"name", "point"}),
        (twin(name="The Lantren kitchen", phones=(), point=None), {"name", "town"}),
        (twin(name="مطبخ الفانوس", point=None), {"phone", "town"}),
        (twin(name="مطبخ الفانوس", other_names=("Lantern kitchen",), phones=(), point=None), {"name", "town"}),
    ],
)
def test_one_service_written_twice_is_suggested(other: Light, signs: set[str]):
    [pair] = alike([KITCHEN, other])
    assert (pair.first_id, pair.second_id) == ("1", "2")
    assert signs <= set(pair.signs)


@pytest.mark.parametrize(
    "other",
    [
        twin(name="Harbour night shelter"),
        twin(name="The Lantern clinic", needs=frozenset({"health"})),
        twin(city="Menton", country="FR", point=(43.77, 7.5), phones=("+33 4 93 00 00 01",)),
        twin(name="The Lantern kitchen 2"),
        twin(demo=True),
        twin(name="مطبخ الفانوس", phones=("+39 0184 960002",)),
        twin(name="مطبخ الفانوس", needs=frozenset({"health"})),
        twin(name="The Lantern kitchen", city="Vintimille", phones=(), point=(43.7935, 7.6)),
    ],
    ids=[
        "another name",
        "another need",
        "another town",
        "another number",
        "a demonstration",
        "another script and phone",
        "another script and need",
        "another town, four hundred metres away",
    ],
)
def test_two_services_are_not_taken_for_one(other: Light):
    assert alike([KITCHEN, other]) == []


def test_a_safe_place_is_never_paired_with_a_public_record():
    safe = twin(confidential=True, point=None)
    assert alike([KITCHEN, safe]) == []
    assert alike([safe, replace(safe, id="3")]) != []


def test_a_short_code_and_a_switchboard_bring_nobody_together():
    helplines = [
        twin(id=str(number), name=f"Line {chr(97 + number)}ria", city="", point=None, phones=("116 111",))
        for number in range(9)
    ]
    assert alike(helplines) == []
    departments = [
        twin(id=f"{n:02}", name=f"Red house {chr(97 + n % 26) * 9}{chr(97 + n // 26) * 9}", city=f"t{n}", point=None)
        for n in range(MOST_IN_A_BLOCK + 1)
    ]
    assert alike(departments) == []
