"""Draining a worker: nobody new, and those who are here move to other workers, live by live.

A live's host goes first, since its page publishes elsewhere at once; its viewers follow, spread, so
that they find it there and do not all join in the same moment.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from server.services import Services

HOST_LEAD_S = 1.0
"""How long before its viewers a host goes, at most half of its live's time."""
MOVE_S_MAX = 5.0
"""Over how long the viewers of one live are spread: their video stands until they have moved."""
SOCKETS_LEFT_S = 2.0
POLL_S = 0.1

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Move:
    """At `after_s`, a viewer's session ends, or without one the room's host."""

    after_s: float
    room_id: str
    viewer_id: str = ""


def moves(lives: Mapping[str, Sequence[str]], drain_s: float) -> list[Move]:
    """Return who goes when, from viewers' session ids by room; small lives first."""
    found: list[Move] = []
    share_s = drain_s / max(1, len(lives))
    lead_s = min(HOST_LEAD_S, share_s / 2)
    spread_s = min(MOVE_S_MAX, share_s - lead_s)
    for place, (room_id, viewers) in enumerate(sorted(lives.items(), key=lambda x: len(x[1]))):
        begins_s = place * share_s
        found.append(Move(begins_s, room_id))
        for number, viewer_id in enumerate(viewers):
            after_s = begins_s + lead_s + spread_s * number / len(viewers)
            found.append(Move(after_s, room_id, viewer_id))
    return found


async def drain(services: Services, close_sockets: Callable[[float], None]) -> None:
    """Refuse newcomers and let everybody go within `LINLI_DRAIN_S`; at once if nobody is here.

    Requests are still answered, so that orders in flight are finished. `close_sockets` closes the
    room sockets over so many seconds.
    """
    drain_s, media = services.settings.drain_s, services.media
    media.draining = True
    sockets = services.rooms.counts.connections
    lives = {live.room_id: list(live.viewers) for live in media.roads.lives()}
    if not drain_s or not (sockets or lives):
        return
    log.info("draining", lives=len(lives), sockets=sockets, within_s=drain_s)
    close_sockets(drain_s)
    began_s = time.monotonic()
    for move in moves(lives, drain_s):
        await asyncio.sleep(max(0.0, began_s + move.after_s - time.monotonic()))
        if move.viewer_id:
            media.end_session(move.viewer_id)
        else:
            media.roads.end_host(move.room_id)
    # The last closes are due at the end of the time, and are answered a moment later.
    ends_s = began_s + drain_s + SOCKETS_LEFT_S
    while True:
        if not services.rooms.counts.connections or time.monotonic() > ends_s:
            return
        await asyncio.sleep(POLL_S)
