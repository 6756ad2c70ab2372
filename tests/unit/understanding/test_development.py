"""Floors a little under what was measured on sentences never learnt from: a change that loses more fails.

The figures are counted anew when anything they hang on has changed since they were recorded.
"""

import pytest

from tests.unit.understanding.figures import Count
from tests.unit.understanding.recorded import FIGURES, figures_of, is_of_now, recorded_figures

AT_LEAST = {
    "crisis recall": 0.95,
    "crisis recall, plain": 0.94,
    "crisis recall, oblique": 0.92,
    "P0 recall": 0.96,
    "P0 as P0": 0.96,
    "procedure top-1": 0.89,
    "procedure top-3": 0.94,
    "need": 0.91,
    "place": 0.94,
    "small talk": 0.90,
    "out of scope": 0.85,
    "language": 0.97,
}
AT_MOST = {"false alarms on tricky negatives": 0.11, "false alarms elsewhere": 0.04}


@pytest.fixture(scope="module")
def measured(request: pytest.FixtureRequest) -> dict[str, Count]:
    return counted("earlier", request)


def counted(name: str, request: pytest.FixtureRequest) -> dict[str, Count]:
    if is_of_now(FIGURES):
        return recorded_figures(name)
    return figures_of(request.getfixturevalue("understanding"), name)


@pytest.mark.parametrize(("name", "floor"), AT_LEAST.items())
def test_understanding_does_not_get_worse(measured: dict[str, Count], name: str, floor: float):
    assert measured[name].share >= floor, "\n".join(measured[name].wrong)


@pytest.mark.parametrize(("name", "ceiling"), AT_MOST.items())
def test_the_help_desk_is_not_flooded(measured: dict[str, Count], name: str, ceiling: float):
    assert measured[name].share <= ceiling


#: The same for what four authors wrote who saw no sentence of ours; two of them are stricter judges, never read.
OUTSIDE_AT_LEAST = {
    "crisis recall": 0.97,
    "crisis recall, oblique": 0.94,
    "P0 recall": 0.99,
    "procedure top-1": 0.90,
    "procedure top-3": 0.96,
    "need": 0.92,
    "place resolved": 0.90,
    "out of scope": 0.88,
    "children known": 0.5,
}
OUTSIDE_AT_MOST = {
    "false alarms on tricky negatives": 0.10,  # 25 of 253: what sounds like now is heard over a question
    "false alarms elsewhere": 0.035,
    "workers taken for a child": 0.02,
}


@pytest.fixture(scope="module")
def measured_outside(request: pytest.FixtureRequest) -> dict[str, Count]:
    return counted("outside", request)


@pytest.mark.parametrize(("name", "floor"), OUTSIDE_AT_LEAST.items())
def test_strangers_are_understood_no_worse(measured_outside: dict[str, Count], name: str, floor: float):
    assert measured_outside[name].share >= floor, "\n".join(measured_outside[name].wrong)


@pytest.mark.parametrize(("name", "ceiling"), OUTSIDE_AT_MOST.items())
def test_strangers_raise_few_false_alarms(measured_outside: dict[str, Count], name: str, ceiling: float):
    assert measured_outside[name].share <= ceiling, "\n".join(measured_outside[name].wrong)
