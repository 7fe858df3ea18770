"""A room of 5,000: what poll, sale and purchases cost beside chat, and that none starves another.

About four minutes on an idle machine: `pytest -m soak tests/soak/test_busy_room.py`.
"""

import asyncio
import itertools
import time
from collections.abc import Iterator

import pytest

from rooms.purchases import INTERVAL_S_MAX
from server.access.policy import Principal, Role
from server.access.tokens import Access
from tests.support.figures import Figures
from tests.support.flooded_room import UNITS
from tests.support.room_crowd import Peer, Worker, enter, worker
from tests.support.room_hubs import SECRET
from tests.support.waiting import wait_until

pytestmark = pytest.mark.soak

VIEWERS, WRITERS = 5_000, 1_000
LINES_PER_S, CHANGES_PER_S, PURCHASES_PER_S = 20, 2, 20
WINDOW_S = 8
TURNS = 3
RATIO_MAX, LINES_SHARE_MIN = 1.25, 0.95
LOST_MAX = 100
KNOWN_S = 30 * 86_400
"""New guests may write less."""


@pytest.mark.timeout(480)
async def test_poll_sale_and_purchases_cost_little_beside_chat_and_starve_nobody(
    figures: Figures,
) -> None:
    access = Access(SECRET)
    async with worker() as room:
        peers: list[Peer] = []
        for number in range(VIEWERS):
            name = f"old{number}"
            member = Principal(
                name,
                frozenset({Role.MEMBER}),
                estate_id="e1",
                nickname=name,
                born_at_s=time.time() - KNOWN_S,
            )
            address = f"10.{number % 7}.{number // 250}.{number % 250}"
            token = access.issue(member, 3_600)
            peers.append(await enter(room.port, Peer(address, token, keeps=number == 0)))
        reader = peers[0]
        assert reader.read is not None
        writers = itertools.cycle(peers[1 : 1 + WRITERS])
        plain: list[tuple[float, int]] = []
        busy: list[tuple[float, int]] = []
        buying: list[tuple[float, int]] = []
        try:
            await asyncio.sleep(5.0)
            for _ in range(TURNS):  # in turns: the machine may be busy with something else
                plain.append(await window(room, writers, reader.read))
                busy.append(await window(room, writers, reader.read, changes_per_s=CHANGES_PER_S))
                buying.append(await window(room, writers, reader.read, buys_per_s=PURCHASES_PER_S))
            # A machine that is busy with something else is late for handshakes and pings.
            assert sum(peer.lost for peer in peers) <= LOST_MAX and not reader.lost
        finally:
            for peer in peers:
                peer.close()
    ratio = min(busy)[0] / min(plain)[0]
    figures.seen("CPU µs per viewer and tick, and lines shown: chat", plain)
    figures.seen("the same with a poll and a flash sale", busy)
    figures.at_most(f"CPU in a room of {VIEWERS:,}, of that with chat alone", ratio, RATIO_MAX, "×")
    figures.seen(f"the same with {PURCHASES_PER_S} purchases a second", buying)
    ratio = min(buying)[0] / min(plain)[0]
    figures.at_most("CPU with purchases, of that with chat alone", ratio, RATIO_MAX, "×")
    # Lines beyond 20/s reach their writers only: after a stall of the machine, too.
    shown = [max(lines for _, lines in each) for each in (plain, busy, buying)]
    assert min(shown[1:]) >= LINES_SHARE_MIN * shown[0] > 0


async def window(
    room: Worker,
    writers: Iterator[Peer],
    read: bytearray,
    *,
    changes_per_s: int = 0,
    buys_per_s: int = 0,
) -> tuple[float, int]:
    """Chat for a while; return the CPU of a tick for a viewer, and the lines that all have seen."""
    loop = asyncio.get_running_loop()
    lines = LINES_PER_S * WINDOW_S
    every = LINES_PER_S // changes_per_s if changes_per_s else 0
    read.clear()
    before, begun = room.cpu_s(), loop.time()
    for number in range(lines):
        next(writers).say(number, f"neighbour {number}")
        if every and number % every == 0:
            room.change()
        for _ in range(buys_per_s // LINES_PER_S):
            room.buy()
        await asyncio.sleep(max(0.0, begun + (number + 1) / LINES_PER_S - loop.time()))
    if every:  # a tick brings what a vote or a tap has changed last
        newest = f'"votes":[{room.changes},7]', f'"left":{UNITS - room.changes},'
        await wait_until(lambda: all(each.encode() in read for each in newest), what="vote and tap")
    if buys_per_s:
        assert read.count(b'"purchase"') <= 1 + WINDOW_S / INTERVAL_S_MAX, "a sample of them"
    await asyncio.sleep(1.0)
    ticks = read.count(b'"t":"tick"')
    cost_us = round((room.cpu_s() - before) / max(1, ticks) / VIEWERS * 1e6, 2)
    return cost_us, read.count(b'"neighbour ')
