"""Workers on loopback with a hop between them: lives at one, viewers at others."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from time import monotonic

import pytest

from loadtest.clients.whep import Crowd
from media.cascade.tree import FANOUT, Capacity
from media.events import MediaEvent
from media.io.cascade.cascade import Cascade
from media.io.cascade.directory import MemoryDirectory
from media.io.webrtc.plane import MediaPlane, PlaneConfig
from media.stream.ports import TrackFormat
from tests.support.media_forwarding import CODEC, DELTA, KEY, TICKS
from tests.support.media_peers import loopback_candidates
from tests.support.media_roads import UnitSource
from tests.support.relay_app import ROOM, relay_app
from tests.support.serving import serving
from tests.support.waiting import wait_until

__all__ = ["Worker", "Workers", "crowd", "loopback_candidates", "workers"]
GOP_FRAMES = 25


@dataclass(slots=True)
class Worker:
    """One worker, with its plane and its end of the hop."""

    plane: MediaPlane
    cascade: Cascade
    events: list[MediaEvent] = field(default_factory=list)
    capacity: Capacity = field(default_factory=Capacity)

    async def publish(self, offer: str) -> str:
        return (await self.plane.publish(ROOM, offer, takeover=True)).answer

    async def play(self, offer: str) -> str:
        return (await self.plane.play(ROOM, offer)).answer

    async def send_frames(self) -> None:
        """Be the source of a live, until cancelled."""
        source = UnitSource("encoder", {"video": TrackFormat(CODEC, ("",))})
        self.plane.roads.publish_source(ROOM, source)
        at = 0
        while True:
            key = at % GOP_FRAMES == 0
            unit = (KEY if key else DELTA) + bytes(900)
            layer = source.send("video", unit, at * TICKS, key=key, now=monotonic())
            self.plane.roads.deliver(ROOM, source, layer)
            at += 1
            await asyncio.sleep(0.01)


class Workers:
    """Workers in one process that find each other."""

    def __init__(self, fanout: int = FANOUT) -> None:
        self.fanout = fanout
        self.directory = MemoryDirectory()
        self.origin = ""
        self.opened: list[Worker] = []

    async def open(self) -> Worker:
        name = f"aaaaaa{len(self.opened):02x}"
        plane = await MediaPlane.open(PlaneConfig(addresses=("127.0.0.1",)))
        cascade = await Cascade.open(
            name, "127.0.0.1", 0, plane.lives, self.directory, self.find,
            fanout=self.fanout, capacity=lambda: worker.capacity,
        )  # fmt: skip
        worker = Worker(plane, cascade)
        await cascade.write_row()
        plane.watch_elsewhere = cascade.edges.watch
        plane.follow_elsewhere = cascade.edges.follow
        plane.begin_public_elsewhere = cascade.edges.begin_public
        plane.listener = worker.events.append
        self.opened.append(worker)
        return worker

    async def find(self, room_id: str) -> str:
        return self.origin

    @contextlib.asynccontextmanager
    async def live(self, worker: Worker) -> AsyncIterator[asyncio.Task[None]]:
        """A live with its source at a worker."""
        self.origin = f"aaaaaa{self.opened.index(worker):02x}"
        task = asyncio.create_task(worker.send_frames())
        try:
            await wait_until(lambda: worker.plane.is_live(ROOM))
            yield task
        finally:
            task.cancel()


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    workers = Workers()
    yield workers
    for worker in workers.opened:
        await worker.cascade.close()
        await worker.plane.close()


@contextlib.asynccontextmanager
async def crowd(worker: Worker) -> AsyncIterator[Crowd]:
    """Viewers of a worker."""
    async with serving(relay_app(worker.plane)) as url, Crowd(f"{url}/live/{ROOM}/whep") as crowd:
        yield crowd
