"""What a run measures, second by second: histograms, counts and errors that add up exactly.

Delays are microseconds in HdrHistograms of three digits. Intervals of several processes are merged
bucket by bucket, so that percentiles of the whole are those of all values.
"""

import functools
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from hdrh.histogram import HdrHistogram

from loadtest.scenario.measures import COUNTS, PERCENTILES, TIMINGS

DELAY_US_MAX = 3_600_000_000
ERROR_KINDS_MAX = 100
OTHER_ERRORS = "other errors"


def delay_histogram() -> HdrHistogram:
    """Return an empty histogram of microseconds."""
    return HdrHistogram(1, DELAY_US_MAX, 3)


@functools.cache
def _bucket_values() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the least and the largest value of each bucket of `delay_histogram`."""
    histogram = delay_histogram()
    least = [histogram.get_value_from_index(index) for index in range(histogram.counts_len)]
    largest = [histogram.get_highest_equivalent_value(value) for value in least]
    return np.array(least, np.int64), np.array(largest, np.int64)


def percentiles(histogram: HdrHistogram, percents: Sequence[float]) -> list[int]:
    """Return the values at `percents` of a histogram that has any.

    The same as its own method, which walks through all 23,552 buckets in Python: the loop of a run
    would stand still for that, once a second for each timing.
    """
    least, largest = _bucket_values()
    reached = np.cumsum(np.frombuffer(histogram.counts, np.uint64))
    ranks = [histogram.get_target_count_at_percentile(percent) for percent in percents]
    buckets = np.searchsorted(reached, np.array(ranks, np.uint64))
    return [
        int((largest if percent else least)[bucket])
        for percent, bucket in zip(percents, buckets, strict=True)
    ]


@dataclass(slots=True)
class Interval:
    """What was measured in one second of a run, or in all of it."""

    second: int = 0
    population: int = 0
    # The longest that the tester stood still, see `stalls`.
    stall_s: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    delays: dict[str, HdrHistogram] = field(default_factory=dict)

    def add(self, other: "Interval") -> None:
        """Take in what was measured elsewhere, or later; the population is the caller's."""
        self.stall_s = max(self.stall_s, other.stall_s)
        self.counts.update(other.counts)
        for kind, count in other.errors.items():
            known = kind in self.errors or len(self.errors) < ERROR_KINDS_MAX
            self.errors[kind if known else OTHER_ERRORS] += count
        for name, delays in other.delays.items():
            self.delays.setdefault(name, delay_histogram()).add(delays)

    def measured(self) -> dict[str, float]:
        """Return every measure by its name; of timings without a value only the count."""
        found: dict[str, float] = {name: float(self.counts[name]) for name in COUNTS}
        for name in TIMINGS:
            delays = self.delays.get(name)
            count = delays.get_total_count() if delays else 0
            found[f"{name}.count"] = float(count)
            if delays and count:
                values = percentiles(delays, tuple(PERCENTILES.values()))
                for member, value in zip(PERCENTILES, values, strict=True):
                    found[f"{name}.{member}"] = value / 1e3
                found[f"{name}.max_ms"] = delays.get_max_value() / 1e3
        return found

    def encode(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "second": self.second,
            "population": self.population,
            "stall_s": self.stall_s,
            "counts": dict(self.counts),
            "errors": dict(self.errors),
            "delays": {name: delays.encode().decode() for name, delays in self.delays.items()},
        }

    @classmethod
    def decode(cls, data: dict[str, Any]) -> "Interval":
        """Return what `encode` was given."""
        delays = {name: HdrHistogram.decode(text) for name, text in data["delays"].items()}
        return cls(
            data["second"],
            data["population"],
            data["stall_s"],
            Counter(data["counts"]),
            Counter(data["errors"]),
            delays,
        )


class Recorder:
    """Collects for the interval that is not yet over; the hot calls append and add only."""

    def __init__(self) -> None:
        _bucket_values()  # made before there is anything to measure
        self.population = 0
        self.counts: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self._delays: dict[str, array[int]] = {name: array("Q") for name in TIMINGS}

    def delay(self, name: str, since_ns: int, now_ns: int) -> None:
        """Note one delay under one of the TIMINGS."""
        self._delays[name].append(max(1, (now_ns - since_ns) // 1_000))

    def cut(self, second: int, stall_s: float = 0.0) -> Interval:
        """Return what came since the last cut and begin anew."""
        interval = Interval(second, self.population, stall_s, self.counts, self.errors)
        self.counts, self.errors = Counter(), Counter()
        for name, values in self._delays.items():
            if values:
                interval.delays[name] = _histogram(values)
                self._delays[name] = array("Q")
        return interval


def _histogram(values: "array[int]") -> HdrHistogram:
    delays = delay_histogram()
    unique, counts = np.unique(np.frombuffer(values, np.uint64), return_counts=True)
    for value, count in zip(unique.tolist(), counts.tolist(), strict=True):
        delays.record_value(min(value, DELAY_US_MAX), count)
    return delays
