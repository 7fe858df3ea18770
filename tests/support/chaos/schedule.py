"""Which faults a seed gives: what fails, when, for how long. Pure; seconds from the rush's start.

A schedule is bounded: so many faults, each at least SPACING_S after the one before, all within the
rush. At most one node is away at a time, since two nodes promise to outlive one.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

NODES = ("a", "b")
FIRST_S = (3.0, 7.0)  # the rush has begun, and everybody is in
SPACING_S = (8.0, 11.0)  # a viewer has 5 s to be back, and time to settle
FAULTS_MAX = 20
# From the kill of a node until it serves again, beyond the time that it is kept away.
NODE_START_S = 25.0


class Kind(StrEnum):
    """What is killed (SIGKILL), or stops answering (SIGSTOP)."""

    NODE = "node"
    WORKER = "worker"
    STOPPED = "stopped"  # a worker
    REDIS = "redis"
    POSTGRES = "postgres"


OF_WORKERS = (Kind.WORKER, Kind.STOPPED)
# For how long it is kept away before it is started again; a supervisor replaces its worker itself.
AWAY_S = {
    Kind.NODE: (1.0, 3.0),
    Kind.WORKER: (0.0, 0.0),
    Kind.STOPPED: (0.0, 0.0),
    Kind.REDIS: (0.5, 2.5),
    Kind.POSTGRES: (0.5, 2.5),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `node` is "" where it concerns none; `worker` is its place among the node's."""

    at_s: float
    kind: Kind
    away_s: float = 0.0
    node: str = ""
    worker: int = 0

    def __str__(self) -> str:
        away = f", away for {self.away_s:.1f} s" if self.away_s else ""
        match self.kind:
            case Kind.NODE:
                return f"kill -9 node {self.node}{away}"
            case Kind.WORKER | Kind.STOPPED:
                signal = "9" if self.kind is Kind.WORKER else "STOP"
                return f"kill -{signal} worker {self.node}{self.worker}"
        return f"kill -9 {self.kind}{away}"


def draw(seed: int, *, faults: int = len(Kind), workers: int = 2) -> tuple[Fault, ...]:
    """Return the schedule of `seed`, in order of time; every kind comes up before any twice.

    Raises:
        ValueError: More than FAULTS_MAX faults, or nodes without workers.
    """
    if not 0 <= faults <= FAULTS_MAX or workers < 1:
        raise ValueError(f"at most {FAULTS_MAX} faults, of nodes with at least a worker")
    rng = random.Random(seed)
    drawn: list[Fault] = []
    at_s = rng.uniform(*FIRST_S)
    for _ in range(faults):
        drawn.append(_draw_one(rng, at_s, drawn, workers))
        at_s += rng.uniform(*SPACING_S)
    return tuple(drawn)


def length_s(schedule: Sequence[Fault]) -> float:
    """How long the rush has to be for every fault to be in the middle of it."""
    return max((fault.at_s + fault.away_s for fault in schedule), default=0.0) + SPACING_S[0]


def _draw_one(rng: random.Random, at_s: float, before: list[Fault], workers: int) -> Fault:
    away = _node_away(before, at_s)
    used = [fault.kind for fault in before]
    kinds = [kind for kind in Kind if not (away and kind is Kind.NODE)]
    least = min(used.count(kind) for kind in kinds)
    kind = rng.choice([kind for kind in kinds if used.count(kind) == least])
    away_s = rng.uniform(*AWAY_S[kind])
    if kind in (Kind.REDIS, Kind.POSTGRES):
        return Fault(at_s, kind, away_s)
    node = rng.choice([node for node in NODES if node != away])
    return Fault(at_s, kind, away_s, node, rng.randrange(workers) if kind in OF_WORKERS else 0)


def _node_away(before: list[Fault], at_s: float) -> str:
    """Return the node that was killed and may not serve again at `at_s`."""
    for fault in reversed(before):
        if fault.kind is Kind.NODE:
            return fault.node if at_s < fault.at_s + fault.away_s + NODE_START_S else ""
    return ""
