"""What all viewers of one process share: the target, the clock, the recorder, the host's pins."""

import asyncio
import contextlib
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from loadtest.clients.websocket import handshake
from loadtest.measure.recorder import Recorder
from loadtest.measure.self_check import SelfWatch
from loadtest.runner.decoding import Decoder, Seen
from loadtest.runner.target import Address

ENDING_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class PinDue:
    """A pin of the host's script; viewers note which of these they have seen by `bit`."""

    bit: int
    product_id: str
    due_ns: int
    flash_s: float | None


@dataclass(slots=True)
class Room:
    """Shared by the viewers of a process, and owner of their tasks."""

    address: Address
    name: str
    decoder: Decoder
    recorder: Recorder
    watch: SelfWatch
    pins: tuple[PinDue, ...] = ()
    pinned: dict[str, None] = field(default_factory=dict)
    request: bytes = field(init=False)
    channel: str = field(init=False)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.request = handshake(self.address.host, self.address.port)
        self.channel = f"room:{self.name}"

    def decode(self, payload: bytes) -> Seen:
        """Return a message; what is new also updates which products are pinned."""
        self.recorder.counts["room.messages"] += 1
        self.recorder.counts["room.bytes"] += len(payload)
        seen, is_new = self.decoder.decode(payload)
        if is_new:
            if seen.kind == "snapshot":
                self.pinned = dict.fromkeys(seen.pinned)
            self.pinned.update(dict.fromkeys(seen.pinned))
            for product_id in seen.unpinned:
                self.pinned.pop(product_id, None)
            if seen.kind == "undecodable":
                self.recorder.errors["message that cannot be decoded"] += 1
        return seen

    def spawn(self, job: Coroutine[Any, Any, None]) -> None:
        """Run a task of a viewer's; it ends with the room."""
        task = asyncio.get_running_loop().create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self, timeout_s: float = ENDING_TIMEOUT_S) -> None:
        """Wait until nothing is in flight, then end what still is."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self._tasks:
                    await asyncio.wait(self._tasks)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
