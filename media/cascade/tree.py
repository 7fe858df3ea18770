"""Whom an edge is to receive a live from: a rule over what a worker knows of its own edges.

    origin ─┬─ edge ─┬─ edge
            │        └─ edge          depth: how many hops a worker is from the origin
            └─ edge ─── edge

An edge asks the origin first. A worker that serves as many edges as it may names one of them, which
is asked next, so that edges fill the tree level by level. Nobody knows the whole of it: each worker
knows the path from the origin to itself and what is directly below it. Pure.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

FANOUT = 8  # edges of one live at one worker
# Beyond it the origin serves whoever comes: each hop takes a few milliseconds, and a loss on the
# first is repaired at all that follow before these can go on.
DEPTH_MAX = 4


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a worker can do for edges now."""

    accepts: bool = True  # takes one more as it would take a viewer
    busy_percent: int = 0  # of a core
    drains: bool = False  # its edges are to go elsewhere


@dataclass(frozen=True, slots=True)
class Child:
    """An edge of this worker, as it last said of itself."""

    worker: str
    below: int  # how many edges receive the live through it
    busy_percent: int
    accepts: bool


@dataclass(frozen=True, slots=True)
class Serve:
    """The edge is served here."""


@dataclass(frozen=True, slots=True)
class Name:
    """The edge is to ask `worker`; "": here is nobody for it, and the origin has to know."""

    worker: str


def place(
    asking: str,
    children: Iterable[Child],
    path: Sequence[str],
    capacity: Capacity,
    *,
    fanout: int,
    avoids: Collection[str] = (),
) -> Serve | Name:
    """Return who serves an edge, the worker `asking`, which cannot reach those in `avoids`.

    `path` are the workers from the origin to this one, which is the last of them; empty: this
    worker has lost its own way to the live. The origin serves an edge that nobody else can.
    """
    is_origin, depth = len(path) == 1, len(path) - 1
    if not path or asking in path or (capacity.drains and not is_origin):
        return Name("")
    others = [child for child in children if child.worker != asking]
    free = len(others) < fanout and (is_origin or capacity.accepts)
    if free and depth < DEPTH_MAX:
        return Serve()
    named = [child for child in others if child.accepts and child.worker not in avoids]
    # A child has children of its own one hop further down.
    if named and depth + 1 < DEPTH_MAX:
        best = min(named, key=lambda child: (child.below, child.busy_percent, child.worker))
        return Name(best.worker)
    return Serve() if is_origin else Name("")


def must_leave(worker: str, path: Sequence[str]) -> bool:
    """Whether an edge whose parent says that `path` leads to it is to look for another parent.

    It receives from itself, or the tree grew above it.
    """
    return worker in path or len(path) > DEPTH_MAX
