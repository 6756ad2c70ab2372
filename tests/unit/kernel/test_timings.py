"""Our histogram says what the library's would."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from bot.kernel.timings import Timings

BOUNDS = (0.005, 0.1, 2.0)
seconds = st.one_of(st.sampled_from((0.0, *BOUNDS)), st.floats(0, 100, allow_nan=False))


@given(st.lists(st.tuples(st.sampled_from(["chat", "desk"]), seconds)))
def test_prometheus_reads_the_same_from_both(observed: list[tuple[str, float]]):
    ours_in, theirs_in = CollectorRegistry(), CollectorRegistry()
    ours = Timings("answer_seconds", "Time to answer", ["route"], BOUNDS, registry=ours_in)
    theirs = Histogram("answer_seconds", "Time to answer", ["route"], buckets=BOUNDS, registry=theirs_in)
    for route, value in observed:
        ours.of(route).observe(value)
        theirs.labels(route).observe(value)

    assert lines(ours_in) == lines(theirs_in)


def lines(registry: CollectorRegistry) -> list[str]:
    """What is scraped, without when the library's counting began: that is of no use and not kept."""
    return [line for line in generate_latest(registry).decode().splitlines() if "_created" not in line]
