"""Figures of a measurement: several runs, their median and spread, and the machine."""

import os
import platform
import ssl
import statistics
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Better(StrEnum):
    """Which way a figure improves."""

    LOWER = "lower"
    HIGHER = "higher"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured quantity over several runs; `target` is the goal for it, if any."""

    name: str
    unit: str
    runs: tuple[float, ...]
    better: Better = Better.LOWER
    target: float | None = None

    @property
    def median(self) -> float:
        """The middle of the runs."""
        return statistics.median(self.runs)

    @property
    def spread(self) -> tuple[float, float]:
        """Least and most of the runs."""
        return min(self.runs), max(self.runs)

    @property
    def meets(self) -> bool | None:
        """Whether the median reaches the target; None without one."""
        if self.target is None:
            return None
        if self.better is Better.LOWER:
            return self.median <= self.target
        return self.median >= self.target


@dataclass(frozen=True, slots=True)
class Machine:
    """Where figures come from."""

    cpu: str
    cores: int
    memory_gib: float
    kernel: str
    python: str
    openssl: str

    @classmethod
    def this(cls) -> "Machine":
        """Describe this machine, without its name."""
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return cls(
            cpu=_cpu_model(),
            cores=os.cpu_count() or 1,
            memory_gib=round(pages / 2**30, 1),
            kernel=platform.release().split("-")[0],
            python=f"{sys.implementation.name} {platform.python_version()}",
            openssl=ssl.OPENSSL_VERSION,
        )


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def percentile(values: list[float], percent: float) -> float:
    """Return the value that `percent` of `values` do not exceed (nearest rank); 0 for none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * percent // 100))
    return ordered[int(rank) - 1]
