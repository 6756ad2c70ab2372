"""How long things take, counted for Prometheus. The library's histogram takes a lock a bucket; this one is a list."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector


class Timing:
    """The times of one set of labels. For one thread: the event loop's."""

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(self._bounds, seconds)] += 1
        self.total += seconds


class Timings(Collector):
    """A histogram by labels. `bounds` are the upper ends of its buckets, in seconds, rising; the last is infinity."""

    def __init__(
        self,
        name: str,
        documentation: str,
        labels: Sequence[str],
        bounds: Sequence[float],
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        self._name = name
        self._documentation = documentation
        self._labels = tuple(labels)
        self._bounds = tuple(bounds)
        self._timings: dict[tuple[str, ...], Timing] = {}
        registry.register(self)

    def of(self, *values: str) -> Timing:
        """The timing of these label values, made at first use. Worth keeping where it is asked for often."""
        found = self._timings.get(values)
        if found is None:
            found = self._timings[values] = Timing(self._bounds)
        return found

    def describe(self) -> Iterator[HistogramMetricFamily]:
        yield self._family()

    def collect(self) -> Iterator[HistogramMetricFamily]:
        family = self._family()
        bounds = [*(str(bound) for bound in self._bounds), "+Inf"]
        for values, timing in list(self._timings.items()):
            family.add_metric(values, list(zip(bounds, accumulate(timing.counts), strict=True)), timing.total)
        yield family

    def _family(self) -> HistogramMetricFamily:
        return HistogramMetricFamily(self._name, self._documentation, labels=self._labels)
