"""Cold cabinets: when a reading is an alarm, and when the alarm is over.

A cabinet without power, or too warm or cold with its door shut, is an alarm at once: what is inside
gets bad in minutes. With the door open it may be out of its range for `DOOR_MS`, as a shop fills
it; a door that is open for longer than `OPEN_MS` is an alarm in any range. An alarm is over with
the first reading that is in range, with power and the door shut. Times are UTC milliseconds.
"""

from dataclasses import dataclass
from enum import StrEnum

DOOR_MS = 120_000
OPEN_MS = 300_000
TENTHS_MAX = 1_000  # of a degree Celsius, either side of zero


class Alarm(StrEnum):
    """Why."""

    NO_POWER = "no_power"
    TOO_WARM = "too_warm"
    TOO_COLD = "too_cold"
    DOOR_OPEN = "door_open"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a cabinet's sensor says; numbers of a cabinet grow, and each counts once."""

    number: int
    at_ms: int
    celsius_tenths: int
    door_open: bool
    powered: bool


@dataclass(frozen=True, slots=True)
class Range:
    """The temperatures that are right, in tenths of a degree, both included."""

    low_tenths: int
    high_tenths: int


@dataclass(frozen=True, slots=True)
class CabinetState:
    """What is known after the last reading; times are None while it is not so."""

    number: int = 0
    out_since_ms: int | None = None  # of its range
    open_since_ms: int | None = None
    alarm: Alarm | None = None
    alarm_since_ms: int | None = None


@dataclass(frozen=True, slots=True)
class AlarmNow:
    """What a store is shown of a cabinet whose alarm began, changed or is over."""

    id: str
    name: str
    alarm: Alarm | None
    since_ms: int | None
    celsius_tenths: int | None


def step(state: CabinetState, within: Range, reading: Reading) -> CabinetState:
    """Return the state after a reading; one with a number that was had before changes nothing."""
    if reading.number <= state.number:
        return state
    too_warm = reading.celsius_tenths > within.high_tenths
    too_cold = reading.celsius_tenths < within.low_tenths
    out_since = _since(state.out_since_ms, too_warm or too_cold, reading.at_ms)
    open_since = _since(state.open_since_ms, reading.door_open, reading.at_ms)
    alarm = state.alarm
    if not reading.powered:
        alarm = Alarm.NO_POWER
    elif out_since is not None and (not reading.door_open or reading.at_ms - out_since >= DOOR_MS):
        alarm = Alarm.TOO_WARM if too_warm else Alarm.TOO_COLD
    elif open_since is not None and reading.at_ms - open_since >= OPEN_MS:
        alarm = Alarm.DOOR_OPEN
    elif out_since is None and open_since is None:
        alarm = None
    since = None if alarm is None else state.alarm_since_ms
    if alarm is not None and since is None:
        since = reading.at_ms
    return CabinetState(reading.number, out_since, open_since, alarm, since)


def _since(before_ms: int | None, now: bool, at_ms: int) -> int | None:
    if not now:
        return None
    return at_ms if before_ms is None else before_ms
