"""The result of a run, as its JSON file has it (docs/loadtest.md): read and written by one type."""

from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from loadtest.errors import LoadError
from loadtest.measure.recorder import Interval, percentiles
from loadtest.scenario.measures import TIMINGS

FORMAT = 1
CURVE_PERCENTS = (0.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.5, 99.9, 99.99, 100.0)
ERRORS_SHOWN = 3


class ReportError(LoadError):
    """A report cannot be written, or read."""


class Verdict(StrEnum):
    """Whether all thresholds hold; `invalid` where the run cannot say."""

    PASS = "pass"
    FAIL = "fail"
    INVALID = "invalid"


class Percentiles(msgspec.Struct, frozen=True):
    """One timing in one second, in milliseconds."""

    count: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


class Second(msgspec.Struct, frozen=True):
    """One second of the run."""

    second: int
    population: int
    counts: dict[str, int]
    delays: dict[str, Percentiles]
    stall_ms: float = 0.0


class Span(msgspec.Struct, frozen=True):
    """A stage of the scenario, in seconds from the start."""

    name: str
    begin_s: float
    end_s: float


class Judged(msgspec.Struct, frozen=True):
    """A threshold; `holds` is null where nothing was measured."""

    threshold: str
    measured: float | None
    holds: bool | None


class Health(msgspec.Struct, frozen=True):
    """How the tester itself fared, the worst of its processes."""

    lag_p99_ms: float
    lag_max_ms: float
    cpu_share: float
    others_cores: float
    clock_step_ms: float
    own_errors: int


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one run. `objections` say why its figures mean nothing."""

    format: int = FORMAT
    scenario: str
    title: dict[str, str]
    target: str
    room: str
    factor: float
    seed: int
    workers: int
    started_at: str
    planned_s: float
    played_s: float
    stages: list[Span]
    verdict: Verdict
    thresholds: list[Judged]
    objections: list[str]
    notes: list[str]
    measures: dict[str, float]
    errors: dict[str, int]
    curves: dict[str, list[tuple[float, float]]]
    histograms: dict[str, str]
    seconds: list[Second]
    tester: Health
    machine: dict[str, Any]

    def json(self) -> bytes:
        """Return the report file."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"

    def summary(self) -> str:
        """Return the verdict in one line."""
        return f"{self.verdict.value}: {'; '.join(self.reasons()) or 'every threshold holds'}"

    def reasons(self) -> list[str]:
        """Return what speaks against `pass`."""
        broken = [
            f"{one.threshold} (measured {one.measured:,.6g})"
            for one in self.thresholds
            if one.holds is False and one.measured is not None
        ]
        return [*self.objections, *broken]


def verdict_of(judged: list[Judged], objections: list[str]) -> Verdict:
    """Return the verdict; an objection outweighs every threshold."""
    if objections:
        return Verdict.INVALID
    return Verdict.FAIL if any(one.holds is False for one in judged) else Verdict.PASS


def second_of(interval: Interval) -> Second:
    """Return what the report keeps of one second."""
    measured = interval.measured()
    delays = {
        name: Percentiles(
            int(measured[f"{name}.count"]),
            measured[f"{name}.p50_ms"],
            measured[f"{name}.p95_ms"],
            measured[f"{name}.p99_ms"],
            measured[f"{name}.max_ms"],
        )
        for name in TIMINGS
        if measured[f"{name}.count"]
    }
    counts = {name: count for name, count in interval.counts.items() if count}
    stall_ms = round(interval.stall_s * 1e3, 1)
    return Second(interval.second, interval.population, counts, delays, stall_ms)


def curves_of(total: Interval) -> dict[str, list[tuple[float, float]]]:
    """Return (percentile, milliseconds) of every timing that has values."""
    return {
        name: [
            (percent, value / 1e3)
            for percent, value in zip(
                CURVE_PERCENTS, percentiles(delays, CURVE_PERCENTS), strict=True
            )
        ]
        for name, delays in total.delays.items()
        if delays.get_total_count()
    }


def read_result(path: Path) -> Result:
    """Read a report file.

    Raises:
        ReportError: It cannot be read, or is none.
    """
    try:
        result = msgspec.json.decode(path.read_bytes(), type=Result)
    except OSError as error:
        raise ReportError(f"{path} cannot be read: {error.strerror}") from None
    except msgspec.MsgspecError as error:
        raise ReportError(f"{path} is no report of a load test: {error}") from None
    if result.format != FORMAT:
        raise ReportError(f"{path} has format {result.format}; this version reads {FORMAT}")
    return result


def write_file(path: Path, data: bytes) -> None:
    """Write a report whole, or leave nothing behind; to a pipe or a device, as it is.

    Raises:
        ReportError: There is no room, or no right to.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
            return
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise ReportError(f"the report {path} cannot be written: {error.strerror}") from None


def result_schema() -> dict[str, Any]:
    """Return the JSON schema of report files."""
    return msgspec.json.schema(Result)
