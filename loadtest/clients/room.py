"""Thousands of WebSocket viewers of one room in one process, and a few who chat.

Each viewer is a bare `asyncio.Protocol`: it frames messages, looks for marked chat lines to measure
publish → receive, and answers pings. One in many decodes everything and audits it by offset.
"""

import asyncio
import contextlib
import re
import time
from array import array
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgpack  # type: ignore[import-untyped]  # it has no stubs

from loadtest.clients.audit import OffsetAudit
from loadtest.clients.websocket import WebSocketClient, handshake
from loadtest.errors import NoAnswer

JOIN_TIMEOUT_S = 20.0
LEAVE_TIMEOUT_S = 5.0
DECODE_EVERY = 50
# The server limits connections per address; a tester has the whole loopback net.
VIEWERS_PER_ADDRESS = 100
JOINING_AT_ONCE_MAX = 64
_MARK = re.compile(rb"~(\d{1,19})~")


def marked(text: str, at_ns: int) -> str:
    """Return a chat line that carries its sending time."""
    return f"{text} ~{at_ns}~"


@dataclass(slots=True)
class RoomTotals:
    """What an crowd has received so far."""

    viewers: int = 0
    lost: int = 0
    frames: int = 0
    bytes: int = 0
    events: int = 0
    gaps: int = 0
    duplicates: int = 0
    audited: int = 0
    rejected_lines: int = 0


class RoomViewer(WebSocketClient):
    """One connection to the room."""

    def __init__(self, crowd: "RoomCrowd", token: str | None, *, decode: bool) -> None:
        super().__init__(crowd.handshake)
        self._audience = crowd
        self._token = token
        self.audit = OffsetAudit() if decode else None
        self.joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.rejected_lines = 0

    def on_open(self) -> None:
        """Say which channel."""
        hello = {"t": "hello", "channel": self._audience.channel}
        self.post(hello | ({"token": self._token} if self._token else {}))

    def on_message(self, payload: bytes) -> None:
        """Count, and look for marks."""
        crowd = self._audience
        crowd.frames += 1
        crowd.bytes += len(payload)
        if not self.joined.done() and b"\xa8snapshot" in payload:
            self.joined.set_result(None)
        if crowd.watched and crowd.watched in payload:
            crowd.seen_s.append(time.monotonic())
        mark = _MARK.search(payload)
        if mark is not None:
            crowd.on_marked_line(payload, mark)
        if self.audit is not None:
            self._judge(self.audit, msgpack.unpackb(payload))

    def on_end(self, code: int, refusal: str) -> None:
        """Note a refusal."""
        if not self.joined.done():
            self.joined.set_exception(NoAnswer(refusal or f"closed with {code}"))
            self.joined.exception()  # retrieved: asyncio logs nothing

    def connection_lost(self, exc: Exception | None) -> None:
        """Count connections that ended before the crowd left."""
        super().connection_lost(exc)
        self._audience.on_closed(self)

    def post(self, message: dict[str, Any]) -> None:
        """Send one message."""
        self.send(msgpack.packb(message))

    def _judge(self, audit: OffsetAudit, message: dict[str, Any]) -> None:
        match message["t"]:
            case "snapshot":
                audit.snapshot(message["epoch"], message["offset"])
            case "tick":
                numbers = [event["o"] for event in message.get("events", ())]
                audit.tick(message["epoch"], message["offset"], numbers)
            case "error":
                self.rejected_lines += 1


class RoomCrowd:
    """All viewers of one room in this process. `async with`; then `join`, `totals`."""

    def __init__(self, base_url: str, room_id: str) -> None:
        parts = urlsplit(base_url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self.channel = f"room:{room_id}"
        self.handshake = handshake(self._host, self._port)
        self.frames = 0
        self.bytes = 0
        self._measured_from_ns: int | None = None
        self.latencies_us = array("L")
        self.watched = b""
        self.seen_s = array("d")
        self._viewers: dict[RoomViewer, None] = {}
        self._lost = 0
        self._leaving = False
        self._empty = asyncio.Event()

    async def __aenter__(self) -> "RoomCrowd":
        return self

    async def __aexit__(self, *_: object) -> None:
        self._leaving = True
        for viewer in list(self._viewers):
            viewer.close()
        if self._viewers:  # every transport reports its end in its own time
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LEAVE_TIMEOUT_S):
                    await self._empty.wait()

    async def join(
        self, count: int, *, tokens: list[str] | None = None, per_s: float = 500.0
    ) -> list[RoomViewer]:
        """Bring in `count` viewers at a steady pace; return them when each has its snapshot.

        Raises:
            NoAnswer: One of them was refused.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        limit = asyncio.Semaphore(JOINING_AT_ONCE_MAX)

        async def one(number: int) -> RoomViewer:
            await asyncio.sleep(max(0.0, began + number / per_s - loop.time()))
            async with limit, asyncio.timeout(JOIN_TIMEOUT_S):
                return await self._join(tokens[number] if tokens else None)

        return await asyncio.gather(*(one(number) for number in range(count)))

    async def _join(self, token: str | None) -> RoomViewer:
        number = len(self._viewers)
        decode = token is not None or number % DECODE_EVERY == 0
        viewer = RoomViewer(self, token, decode=decode)
        self._viewers[viewer] = None
        source = (self._source(number), 0) if self._host.startswith("127.") else None
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: viewer, self._host, self._port, local_addr=source
            )
        except OSError as error:
            self._viewers.pop(viewer, None)
            raise NoAnswer(f"no answer from {self._host}:{self._port} ({error.strerror})") from None
        await viewer.joined
        return viewer

    @staticmethod
    def _source(number: int) -> str:
        host = 2 + number // VIEWERS_PER_ADDRESS
        return f"127.0.{host // 250}.{host % 250 + 1}"

    def measure(self) -> None:
        """Drop the delays so far; count those of lines sent from now on."""
        del self.latencies_us[:]
        self._measured_from_ns = time.monotonic_ns()

    def watch(self, words: bytes) -> None:
        """Note when viewers receive a message with these words, monotonic, from now on."""
        self.watched = words
        del self.seen_s[:]

    def on_marked_line(self, payload: bytes, first: re.Match[bytes]) -> None:
        """Note the delay of every marked line in one message."""
        if (from_ns := self._measured_from_ns) is None:
            return
        now_ns = time.monotonic_ns()
        for mark in _MARK.finditer(payload, first.start()):
            sent_ns = int(mark[1])
            if from_ns <= sent_ns <= now_ns:
                self.latencies_us.append((now_ns - sent_ns) // 1_000)

    def on_closed(self, viewer: RoomViewer) -> None:
        """Note that a viewer's connection has ended."""
        if viewer not in self._viewers:
            return
        del self._viewers[viewer]
        self._lost += not self._leaving
        if not self._viewers:
            self._empty.set()

    def totals(self) -> RoomTotals:
        """Return what everybody who is still here has received so far."""
        totals = RoomTotals(len(self._viewers), self._lost, self.frames, self.bytes)
        for viewer in self._viewers:
            totals.rejected_lines += viewer.rejected_lines
            if viewer.audit is not None:
                totals.audited += 1
                totals.events += viewer.audit.events
                totals.gaps += viewer.audit.gaps
                totals.duplicates += viewer.audit.duplicates
        return totals


async def talk(talkers: list[RoomViewer], lines_per_s: float, seconds: float) -> int:
    """Let `talkers` take turns sending marked lines, evenly spaced; return how many were sent."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    sent = 0
    while (due := sent / lines_per_s) < seconds:
        await asyncio.sleep(max(0.0, began + due - loop.time()))
        text = marked("今天的草莓很新鲜 fresh today", time.monotonic_ns())
        talkers[sent % len(talkers)].post({"t": "chat", "cid": f"load-{sent}", "text": text})
        sent += 1
    return sent
