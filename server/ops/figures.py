"""The figures of docs/performance.md that planning uses, each with the words that it stands in.

A test compares them: whoever measures anew changes both.
"""

from typing import NamedTuple


class Figure(NamedTuple):
    """A measured value, what it is of, and where in docs/performance.md it stands."""

    value: float
    what: str
    quote: str


PACKET_US = Figure(
    4.08,
    "µs of CPU per RTP packet to a viewer with transport-wide feedback",
    "| 300 viewers with transport-wide feedback, as of a simulcast live | 4.08 µs |",
)
VIEWERS_PER_CORE = Figure(
    1_225,
    "viewers of 720p at 1.4 Mbit/s per core",
    "| viewers per core, transport-wide feedback | 1,225 |",
)
JOIN_MS = Figure(3.8, "ms of CPU per WHEP join, on a slower day", "3.8 on a slower day")
IDLE_PERCENT = Figure(0.6, "% of a core for an idle worker", "An idle server uses 0.6 % of a core")
HOST_PERCENT = Figure(
    3.9, "% of a core with one live and no viewer", "with a host and no viewer 3.9 %"
)
TICK_US = Figure(
    13.5,
    "µs of CPU per room viewer and tick",
    "| CPU per viewer and tick, 1,000 viewers | 13.5 µs |",
)
ROOM_VIEWER_KIB = Figure(
    6.7, "KiB of memory per room viewer", "| memory per idle room viewer | 6.7 KiB |"
)
ORDERS_PER_CORE = Figure(
    775,
    "orders a second per core, its Valkey and SQLite included",
    "| group joins, durable in SQLite, per core (Valkey on the same core) | 775 /s |",
)

FIGURES = (
    PACKET_US,
    VIEWERS_PER_CORE,
    JOIN_MS,
    IDLE_PERCENT,
    HOST_PERCENT,
    TICK_US,
    ROOM_VIEWER_KIB,
    ORDERS_PER_CORE,
)
