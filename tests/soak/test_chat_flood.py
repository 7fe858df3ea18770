"""500 bots with fresh identities in a room: what neighbours read, and what the worker spends."""

import asyncio
import base64
import contextlib
import json
import os
import random
import sys
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from server.access.policy import Principal, Role
from server.access.tokens import Access
from tests.support.room_hubs import SECRET

pytestmark = pytest.mark.soak

VIEWERS, BOTS, WRITERS = 1_000, 500, 30
NEIGHBOURS_PER_S = 3.0
BOT_EVERY_S = 1.0
WATCHED_S = 25.0
"""Shorter than it takes to close connections that answer no ping."""
DAY_S = 86_400
EXTRA_CPU_MAX = 0.10


def _frame(message: dict[str, object]) -> bytes:
    """A masked text frame with a zero mask (RFC 6455 §5.3)."""
    payload = json.dumps(message).encode()
    size = len(payload)
    head = bytes((0x81, 0x80 | size)) if size < 126 else bytes((0x81, 0xFE)) + size.to_bytes(2)
    return head + bytes(4) + payload


class Peer(asyncio.Protocol):
    """A connection that says hello, writes, and keeps what it reads only if asked to."""

    def __init__(self, address: str, token: str, *, keeps: bool = False) -> None:
        self.transport: asyncio.Transport | None = None
        self.read = bytearray() if keeps else None
        self.lost = False
        key = base64.b64encode(os.urandom(16)).decode()
        self._opening = (
            "GET /ws HTTP/1.1\r\nHost: room\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: linli.v1.json\r\nX-Forwarded-For: {address}\r\n\r\n"
        ).encode()
        self._hello = _frame({"t": "hello", "channel": "room:demo", "token": token})

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Open."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self._opening)

    def data_received(self, data: bytes) -> None:
        """Say hello after the handshake; then read on."""
        assert self.transport is not None
        if self._hello and data.startswith(b"HTTP/1.1 101"):
            self.transport.write(self._hello)
            self._hello = b""
        if self.read is not None:
            self.read += data

    def connection_lost(self, exc: Exception | None) -> None:
        """Note it."""
        self.lost = True

    def say(self, number: int, text: str) -> None:
        """Write a line unless the server has closed."""
        if self.transport is not None and not self.lost:
            self.transport.write(_frame({"t": "chat", "cid": f"c{number}", "text": text}))


def _same(peer: Peer) -> Peer:
    return peer


@contextlib.asynccontextmanager
async def worker() -> AsyncIterator[tuple[int, int]]:
    """A worker in a process of its own; yields its process id and port."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.flooded_room"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin and process.stdout
    try:
        while not (line := (await process.stdout.readline()).strip()).isdigit():
            assert line or process.returncode is None
        yield process.pid, int(line)
    finally:
        process.stdin.close()
        await process.wait()


def cpu_s(pid: int) -> float:
    """Processor time of a process so far, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def evening(*, flood: bool) -> tuple[float, int, int, int]:
    """Return the worker's CPU seconds, and neighbours' lines written, shown, and bots' shown."""
    access, dice = Access(SECRET), random.Random(3)
    loop, now_s = asyncio.get_running_loop(), time.time()

    def token(name: str, age_s: float) -> str:
        member = frozenset({Role.MEMBER})
        return access.issue(
            Principal(name, member, estate_id="e1", nickname=name, born_at_s=now_s - age_s), 600
        )

    async with worker() as (pid, port):
        peers: list[Peer] = []
        for number in range(VIEWERS + BOTS):
            is_bot = number >= VIEWERS
            name = f"bot{number}" if is_bot else f"old{number}"
            address = f"10.{number % 7}.{number // 250}.{number % 250}"
            peer = Peer(address, token(name, 5 if is_bot else 30 * DAY_S), keeps=number == 0)
            await loop.create_connection(partial(_same, peer), "127.0.0.1", port)
            peers.append(peer)
            if number % 50 == 0:
                await asyncio.sleep(0.05)
        await asyncio.sleep(2.0)
        assert not any(peer.lost for peer in peers)
        reader, writers, bots = peers[0], peers[1 : 1 + WRITERS], peers[VIEWERS:]
        before, ends_at, number, written = cpu_s(pid), loop.time() + WATCHED_S, 0, 0
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
        spent = cpu_s(pid) - before
        assert reader.read is not None
        shown, bots_shown = reader.read.count(b'"neighbour '), reader.read.count(b'"buy ')
        for peer in peers:
            if peer.transport is not None:
                peer.transport.abort()
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
