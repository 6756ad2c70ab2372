from __future__ import annotations

import copy
import csv
import io
import json
import pickle

import pytest

from directory.model import WrongRecord
from directory.safe_place_changes import place_of
from directory.safe_places import SafePlace

HOUSE = SafePlace("Vicolo della Fantasia 99", 43.81234, 7.61234)


def test_a_safe_place_does_not_turn_into_text():
    for text in (
        str(HOUSE),
        repr(HOUSE),
        f"{HOUSE}",
        f"{HOUSE:>40}",
        "".join(map(str, [HOUSE])),
        repr([HOUSE]),
        repr({"a": HOUSE}),
    ):
        assert "Vicolo" not in text
        assert "43.8" not in text


def test_a_safe_place_is_not_serialised():
    with pytest.raises(TypeError):
        json.dumps(HOUSE)
    with pytest.raises(TypeError):
        pickle.dumps(HOUSE)
    with pytest.raises(TypeError):
        copy.deepcopy(HOUSE)
    with pytest.raises(TypeError):
        vars(HOUSE)
    with pytest.raises(TypeError):
        list(HOUSE)  # type: ignore[call-overload]
    written = io.StringIO()
    csv.writer(written).writerow([HOUSE])
    assert "Vicolo" not in written.getvalue()


def test_comparing_safe_places_tells_nothing():
    assert SafePlace("a", 1.0, 2.0) != SafePlace("a", 1.0, 2.0)


def test_a_safe_place_is_told_to_a_listener_only():
    told: list[object] = []

    HOUSE.tell(lambda *place: told.append(place))

    assert told == [("Vicolo della Fantasia 99", 43.81234, 7.61234)]


@pytest.mark.parametrize(
    ("address", "latitude", "longitude"),
    [("", "", ""), ("x" * 501, "", ""), ("a\u202eb", "", ""), ("a", "nan", "1"), ("a", "1", "181"), ("a", "", "1")],
)
def test_what_cannot_be_a_place_is_refused_without_being_repeated(address: str, latitude: str, longitude: str):
    with pytest.raises(WrongRecord) as refused:
        place_of(address, latitude, longitude)

    assert not [why for why in refused.value.problems if address and address in why.split()]


def test_degrees_are_read_with_a_point_or_a_comma_in_figures_of_any_script():
    told: list[object] = []
    place_of(" Vicolo 9 ", "43,5", "-7.25").tell(lambda *place: told.append(place))

    place_of("شارع ٩", "٤٣٫٥", "-۷٫۲۵").tell(lambda *place: told.append(place))

    assert told == [("Vicolo 9", 43.5, -7.25), ("شارع ٩", 43.5, -7.25)]
