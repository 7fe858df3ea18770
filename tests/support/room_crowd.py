"""A worker of one room in a process of its own, and viewers that cost as little as may be."""

import asyncio
import base64
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path


def _frame(message: dict[str, object]) -> bytes:
    """A masked text frame with a zero mask (RFC 6455 §5.3)."""
    payload = json.dumps(message).encode()
    size = len(payload)
    head = bytes((0x81, 0x80 | size)) if size < 126 else bytes((0x81, 0xFE)) + size.to_bytes(2)
    return head + bytes(4) + payload


PING, PONG = b"\x89\x05linli", b"\x8a\x85\x00\x00\x00\x00linli"


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
        """Say hello after the handshake, and answer pings."""
        assert self.transport is not None
        if PING in data:
            self.transport.write(PONG)
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

    def close(self) -> None:
        """Leave."""
        if self.transport is not None:
            self.transport.abort()


async def enter(port: int, peer: Peer) -> Peer:
    """Connect to a worker."""
    loop = asyncio.get_running_loop()
    await loop.create_connection(lambda: peer, "127.0.0.1", port)
    return peer


@dataclass(slots=True)
class Worker:
    """A worker (tests/support/flooded_room.py), and how often poll and sale have changed."""

    pid: int
    port: int
    input: asyncio.StreamWriter
    changes: int = 0

    def change(self) -> None:
        """The room's poll and flash sale change."""
        self.changes += 1
        self.input.write(b"change\n")

    def buy(self) -> None:
        """A household buys."""
        self.input.write(b"purchase\n")

    def cpu_s(self) -> float:
        """Processor time so far, user and system."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.asynccontextmanager
async def worker() -> AsyncIterator[Worker]:
    """A worker that ends with the block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.flooded_room"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin and process.stdout
    try:
        while not (line := (await process.stdout.readline()).strip()).isdigit():
            assert line or process.returncode is None
        yield Worker(process.pid, int(line), process.stdin)
    finally:
        process.stdin.close()
        await process.wait()
