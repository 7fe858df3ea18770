"""How long each viewer was without video or without its room, and which fault that followed.

Pure. `now` is monotonic seconds; outages and faults are in the same seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from tests.support.chaos.schedule import Fault

OUTAGE_S_MIN = 1.0
"""Below this it is a hiccup, which loss on a link makes, too."""
CAUSE_SLACK_S = 0.5
"""The last packet may be older than the fault by this: frames come in bursts, looks in turns."""


class Lane(StrEnum):
    """What a viewer can be without."""

    VIDEO = "video"
    ROOM = "room"


@dataclass(frozen=True, slots=True)
class Outage:
    """From the last sign to the next one; one without an end lasted to the end of the run."""

    viewer: str
    lane: Lane
    since: float
    until: float
    ended: bool = True

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return self.until - self.since


@dataclass(slots=True)
class Continuity:
    """What one viewer had of one lane. Call `seen` for each sign of it, then `close`."""

    viewer: str
    lane: Lane
    outages: list[Outage] = field(default_factory=list)
    _last: float | None = None

    def seen(self, now: float) -> None:
        """A packet came, or the room was there; never older than the one before."""
        if self._last is not None and now - self._last >= OUTAGE_S_MIN:
            self.outages.append(Outage(self.viewer, self.lane, self._last, now))
        self._last = now

    def has_it(self, now: float) -> bool:
        """Whether the last sign is not older than a hiccup."""
        return self._last is not None and now - self._last < OUTAGE_S_MIN

    def close(self, now: float) -> None:
        """The run is over; who never had anything was without it for all of it."""
        since = self._last if self._last is not None else 0.0
        if now - since >= OUTAGE_S_MIN:
            self.outages.append(Outage(self.viewer, self.lane, since, now, ended=False))


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What viewers missed after one fault, until the next one."""

    fault: Fault
    outages: tuple[Outage, ...]

    def longest_s(self, lane: Lane) -> float:
        """The time until the last viewer was back; 0 where nobody was away."""
        return max((each.seconds for each in self.outages if each.lane is lane), default=0.0)

    def count(self, lane: Lane) -> int:
        """How many viewers were away."""
        return len({each.viewer for each in self.outages if each.lane is lane})


def aftermaths(
    injected: Sequence[tuple[float, Fault]], outages: Sequence[Outage]
) -> tuple[list[Aftermath], list[Outage]]:
    """Return for each fault, given when it came, what followed it; and what no fault explains."""
    of: list[list[Outage]] = [[] for _ in injected]
    unexplained = []
    for outage in outages:
        before = [n for n, (at, _) in enumerate(injected) if at <= outage.since + CAUSE_SLACK_S]
        if before:
            of[before[-1]].append(outage)
        else:
            unexplained.append(outage)
    found = [Aftermath(fault, tuple(of[number])) for number, (_, fault) in enumerate(injected)]
    return found, unexplained
