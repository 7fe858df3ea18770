"""One viewer of the room: joins, follows numbered events, reconnects as the protocol says."""

import asyncio
import random
import time
from typing import Any

import msgpack  # type: ignore[import-untyped]  # it has no stubs

from loadtest.clients.websocket import WebSocketClient
from loadtest.runner.decoding import Seen
from loadtest.runner.position import Position, Verdict
from loadtest.runner.room import Room

BACKOFF_S, BACKOFF_S_MAX = 0.5, 30.0
CONNECT_TIMEOUT_S = 10.0
# From this close code on a client does not come back by itself.
FINAL_CODES = 3500
# Trying for this long counts as never having got in.
IN_VAIN_NS = 10_000_000_000
# A pin must have been seen this long after it was due.
PIN_WAIT_NS = 5_000_000_000


class Connection(WebSocketClient):
    """One connection of a viewer."""

    __slots__ = ("_viewer",)

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__(viewer.room.request)
        self._viewer = viewer

    def on_open(self) -> None:
        """Say hello."""
        self._viewer.on_open(self)

    def on_message(self, payload: bytes) -> None:
        """Hand it on."""
        self._viewer.on_message(self, payload)

    def on_end(self, code: int, refusal: str) -> None:
        """Hand it on."""
        self._viewer.on_end(self, code, refusal)


class Viewer:
    """A lurker; what others do besides is theirs to add. `arrive`, later `leave`."""

    # Whether delays of chat lines to this viewer say something about the server.
    times_delivery = True

    def __init__(self, room: Room, number: int, seed: int, token: str = "") -> None:
        self.room = room
        self.number = number
        self.rng = random.Random(seed)
        self.position = Position()
        self.joined = self.left = False
        self._is_refused = False
        self._token = token
        self._connection: Connection | None = None
        self._due_ns = 0
        self._since_ns = 0  # connected without a break
        self._recovering = False
        self._attempts = 0
        self._pins_seen = 0
        # With their times: uvloop gives a handle without one for what is due at once.
        self._timers: list[tuple[float, asyncio.Handle]] = []

    def arrive(self, due_ns: int) -> None:
        """Connect; `due_ns` is when the plan wants it."""
        self.room.recorder.population += 1
        self._due_ns = due_ns
        self.room.spawn(self._connect())

    def leave(self) -> None:
        """Close in order and end all that is planned."""
        if self.left:
            return
        self.left = True
        for _, timer in self._timers:
            timer.cancel()
        recorder = self.room.recorder
        recorder.population -= 1
        now_ns = time.monotonic_ns()
        # Who leaves in the middle of a first try was not refused.
        in_vain = self._is_refused or now_ns - self._due_ns > IN_VAIN_NS
        if not self.joined:
            recorder.counts["viewers.refused"] += in_vain
        elif self._recovering:
            recorder.counts["room.unrecovered"] += in_vain
        self._count_missed_pins(now_ns)
        if self._connection:
            self._connection.close()

    def reconnect(self, after_s: float) -> None:
        """Lose the connection now, and try to be back after `after_s`."""
        if self.left or self._connection is None:
            return
        connection, self._connection = self._connection, None
        connection.drop()
        self._lost(after_s)

    def after(self, delay_s: float, action: Any, *arguments: Any) -> None:
        """Do something later, unless the viewer has left by then."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._timers = [(at, timer) for at, timer in self._timers if at > now]
        if not self.left:
            at = now + delay_s
            self._timers.append((at, loop.call_at(at, action, *arguments)))

    def send(self, message: dict[str, Any]) -> None:
        """Send a message, if connected."""
        if self._connection:
            self._connection.send(msgpack.packb(message))

    @property
    def connection(self) -> Connection | None:
        """The connection of now."""
        return self._connection

    @property
    def is_in(self) -> bool:
        """Whether the viewer has the room's state and follows it."""
        return self._connection is not None and not self._recovering and self.joined

    def on_joined(self) -> None:
        """The first snapshot came."""

    def on_private(self, message: dict[str, Any]) -> None:
        """A message for this viewer alone came."""

    def on_open(self, connection: Connection) -> None:
        """Send the hello, with the position if there is one."""
        hello: dict[str, Any] = {"t": "hello", "channel": self.room.channel}
        if self._token:
            hello["token"] = self._token
        if self.position.epoch is not None:
            hello |= {"epoch": self.position.epoch, "offset": self.position.offset}
        connection.send(msgpack.packb(hello))

    def on_message(self, connection: Connection, payload: bytes) -> None:
        """Take one message."""
        if connection is not self._connection:
            return
        seen = self.room.decode(payload)
        if seen.kind == "tick":
            self._tick(seen)
        elif seen.kind == "snapshot":
            self.position.snapshot(seen)
            if self.joined and self._recovering:
                self.room.recorder.counts["room.snapshots"] += 1
            self._whole()
            self._see_pins(seen, time.monotonic_ns(), timed=False)
        elif seen.message is not None:
            if seen.kind == "welcome":
                self._attempts = 0
                self.room.recorder.counts["room.recovered"] += bool(seen.message.get("recovered"))
            elif seen.kind == "error":
                self.room.recorder.counts["room.errors"] += 1
                self.room.recorder.errors[f"room: {seen.message.get('code')}"] += 1
            self.on_private(seen.message)

    def on_end(self, connection: Connection, code: int, refusal: str) -> None:
        """A connection is over that we did not close."""
        if connection is not self._connection or self.left:
            return
        self._connection = None
        recorder = self.room.recorder
        if self.joined and not self._recovering:
            recorder.counts["room.lost"] += 1
        self._is_refused = bool(refusal)
        kind = f"handshake: {refusal}" if refusal else f"close {code}"
        recorder.errors[kind] += 1
        if code >= FINAL_CODES:
            self._is_refused = True
            if self.joined:
                self._recovering = True
            return
        self._lost(None)

    def _tick(self, seen: Seen) -> None:
        position, recorder = self.position, self.room.recorder
        missed, duplicates = position.missed, position.duplicates
        verdict = position.tick(seen)
        if position.duplicates != duplicates:
            recorder.counts["room.duplicates"] += position.duplicates - duplicates
        if verdict is Verdict.GAP:
            recorder.counts["room.gaps"] += position.missed - missed
            if self._connection:
                self._connection.close()
                self._connection = None
            self._lost(None)
            return
        if verdict is Verdict.TAKEN and self._recovering:
            self._whole()
        if seen.marks and self.times_delivery and self.joined:
            now_ns = time.monotonic_ns()
            for due_ns in seen.marks:
                if due_ns >= self._since_ns:
                    recorder.delay("room.delivery", due_ns, now_ns)
        if seen.pinned:
            self._see_pins(seen, time.monotonic_ns(), timed=True)

    def _whole(self) -> None:
        """The room's state is here, for the first time or again."""
        now_ns = time.monotonic_ns()
        recorder = self.room.recorder
        if not self.joined:
            self.joined = True
            self._since_ns = now_ns
            recorder.counts["viewers.joined"] += 1
            recorder.delay("join", self._due_ns, now_ns)
            self.on_joined()
        elif self._recovering:
            self._since_ns = now_ns
            recorder.delay("room.recovery", self._due_ns, now_ns)
        self._recovering = self._is_refused = False

    def _lost(self, after_s: float | None) -> None:
        """Come back after `after_s`, or after a random back-off that doubles."""
        now_ns = time.monotonic_ns()
        self._count_missed_pins(now_ns)
        if after_s is None:
            longest = min(BACKOFF_S_MAX, 2 * BACKOFF_S * 2**self._attempts)
            after_s = self.rng.uniform(longest / 2, longest)
        if self.joined and not self._recovering:
            self._recovering = True
            self._due_ns = now_ns + int(after_s * 1e9)
        self._attempts += 1
        self.after(after_s, self._again)

    def _again(self) -> None:
        self.room.spawn(self._connect())

    async def _connect(self) -> None:
        room, connection = self.room, Connection(self)
        self._connection = connection
        source = room.address.source(self.number)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await asyncio.get_running_loop().create_connection(
                    lambda: connection,
                    room.address.host,
                    room.address.port,
                    ssl=room.address.tls,
                    local_addr=(source, 0) if source else None,
                )
        except OSError as error:  # TimeoutError is one
            room.watch.on_os_error(error)
            room.recorder.errors[f"connect: {type(error).__name__}"] += 1
            if self._connection is connection:
                self._connection = None
                self._is_refused = True
                if not self.left:
                    self._lost(None)
            return
        if self.left or self._connection is not connection:
            connection.drop()

    def _see_pins(self, seen: Seen, now_ns: int, *, timed: bool) -> None:
        for pin in self.room.pins:
            if pin.product_id in seen.pinned and pin.due_ns <= now_ns:
                if timed and not self._pins_seen & 1 << pin.bit and self._since_ns < pin.due_ns:
                    self.room.recorder.delay("pin.shown", pin.due_ns, now_ns)
                self._pins_seen |= 1 << pin.bit

    def _count_missed_pins(self, now_ns: int) -> None:
        """At the end of an unbroken connection, count the pins that should have come by it."""
        if not self._since_ns or self._recovering or not self.times_delivery:
            return
        for pin in self.room.pins:
            if (
                self._since_ns < pin.due_ns < now_ns - PIN_WAIT_NS
                and not self._pins_seen & 1 << pin.bit
            ):
                self._pins_seen |= 1 << pin.bit
                self.room.recorder.counts["pins.missed"] += 1
