"""500 bots with fresh identities in a room: what neighbours read, and what the worker spends."""

import asyncio
import random
import time

import pytest

from server.access.policy import Principal, Role
from server.access.tokens import Access
from tests.support.room_crowd import Peer, enter, worker
from tests.support.room_hubs import SECRET

pytestmark = pytest.mark.soak

VIEWERS, BOTS, WRITERS = 1_000, 500, 30
NEIGHBOURS_PER_S = 3.0
BOT_EVERY_S = 1.0
WATCHED_S = 25.0
"""Shorter than it takes to close connections that answer no ping."""
DAY_S = 86_400
EXTRA_CPU_MAX = 0.10


async def evening(*, flood: bool) -> tuple[float, int, int, int]:
    """Return the worker's CPU seconds, and neighbours' lines written, shown, and bots' shown."""
    access, dice = Access(SECRET), random.Random(3)
    loop, now_s = asyncio.get_running_loop(), time.time()

    def token(name: str, age_s: float) -> str:
        member = frozenset({Role.MEMBER})
        return access.issue(
            Principal(name, member, estate_id="e1", nickname=name, born_at_s=now_s - age_s), 600
        )

    async with worker() as room:
        peers: list[Peer] = []
        for number in range(VIEWERS + BOTS):
            is_bot = number >= VIEWERS
            name = f"bot{number}" if is_bot else f"old{number}"
            address = f"10.{number % 7}.{number // 250}.{number % 250}"
            peer = Peer(address, token(name, 5 if is_bot else 30 * DAY_S), keeps=number == 0)
            peers.append(await enter(room.port, peer))
            if number % 50 == 0:
                await asyncio.sleep(0.05)
        await asyncio.sleep(2.0)
        assert not any(peer.lost for peer in peers)
        reader, writers, bots = peers[0], peers[1 : 1 + WRITERS], peers[VIEWERS:]
        before, ends_at, number, written = room.cpu_s(), loop.time() + WATCHED_S, 0, 0
        next_line = loop.time()
        due = sorted(((loop.time() + dice.uniform(0, BOT_EVERY_S)), at) for at in range(BOTS))
        while (now := loop.time()) < ends_at:
            number += 1
            if now >= next_line:
                next_line += 1 / NEIGHBOURS_PER_S
                written += 1
                dice.choice(writers).say(number, f"neighbour {number}")
            while flood and due[0][0] <= now:
                at, which = due.pop(0)
                bots[which].say(number, f"buy {number}")
                due.append((at + BOT_EVERY_S, which))
            await asyncio.sleep(0.01)
        await asyncio.sleep(1.0)
        spent = room.cpu_s() - before
        assert reader.read is not None
        shown, bots_shown = reader.read.count(b'"neighbour '), reader.read.count(b'"buy ')
        for peer in peers:
            peer.close()
        return spent, written, shown, bots_shown


async def test_flood_of_new_identities_leaves_the_room_readable_and_costs_little() -> None:
    quiet: list[float] = []
    flooded: list[float] = []
    for _ in range(2):  # in turns: the machine may be busy with something else
        spent, written, shown, _ = await evening(flood=False)
        assert shown == written
        quiet.append(spent)
        spent, written, shown, bots_shown = await evening(flood=True)
        print(f"shown {shown} of {written} neighbours' lines, {bots_shown} of bots")
        assert shown >= 0.95 * written
        assert 0 < bots_shown <= shown
        flooded.append(spent)
    extra = min(flooded) / min(quiet) - 1
    print(f"CPU s in {WATCHED_S:g} s: quiet {quiet}, flooded {flooded}, {extra:+.1%}")
    assert extra <= EXTRA_CPU_MAX
