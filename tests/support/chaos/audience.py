"""A host, viewers of its video and of its room, on both nodes; what each had is noted all the time.

They are those of the load tester, driven as pages are: a viewer whose video stands still for
RECEIVE_TIMEOUT_S joins again, at whichever node its front has.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator

from loadtest.actors.publish import Programme, publish
from loadtest.clients.whep import Crowd
from loadtest.clients.whep_viewer import WhepViewer
from loadtest.errors import LoadError, TryLater
from loadtest.measure.recorder import Recorder
from loadtest.measure.self_check import SelfWatch
from loadtest.runner.decoding import Decoder
from loadtest.runner.room import Room
from loadtest.runner.target import Address
from loadtest.runner.viewer import Viewer
from tests.support.chaos.outages import Continuity, Lane, Outage
from tests.support.clips import CLIP

LOOK_S = 0.05
# Of web/src/lib/media/player.ts and base/backoff.ts.
RECEIVE_TIMEOUT_S = (2.0, 2.5)
BACKOFF_S, BACKOFF_S_MAX = 0.5, 8.0
# A page joins as soon as its room says that the host is back; these viewers ask that often.
NOT_LIVE_S = 0.5


class Audience:
    """`async with`; then `settled`, and at the end `outages`."""

    def __init__(self, room: str, recorder: Recorder, rng: random.Random) -> None:
        self._room = room
        self._recorder = recorder
        self._rng = rng
        self._lanes: list[Continuity] = []
        self._in_rooms: list[tuple[Viewer, Continuity]] = []
        self._rooms: list[Room] = []

    @contextlib.asynccontextmanager
    async def watching(
        self, fronts: dict[str, str], videos: int, rooms: int
    ) -> AsyncIterator[None]:
        """So many viewers of each kind at each front."""
        async with contextlib.AsyncExitStack() as stack:
            tasks = await stack.enter_async_context(asyncio.TaskGroup())
            running = [tasks.create_task(self._look())]
            for name, url in fronts.items():
                crowd = await stack.enter_async_context(Crowd(f"{url}/live/{self._room}/whep"))
                for number in range(videos):
                    lane = self._lane(f"video {name}{number}", Lane.VIDEO)
                    running.append(tasks.create_task(self._watch(crowd, lane)))
                self._enter_room(url, name, rooms)
            try:
                yield
            finally:
                for task in running:
                    task.cancel()
                for viewer, _ in self._in_rooms:
                    viewer.leave()
                for room in self._rooms:
                    await room.settle(1.0)

    def outages(self) -> list[Outage]:
        """Everything that was missed, of the run that ends now."""
        now = time.monotonic()
        for lane in self._lanes:
            lane.close(now)
        return [outage for lane in self._lanes for outage in lane.outages]

    def everybody_is_in(self) -> bool:
        """Whether each has what it came for."""
        now = time.monotonic()
        return all(lane.has_it(now) for lane in self._lanes)

    def forget(self) -> None:
        """Drop what was missed until now: people were only coming."""
        for lane in self._lanes:
            lane.outages.clear()

    def _lane(self, viewer: str, lane: Lane) -> Continuity:
        self._lanes.append(Continuity(viewer, lane))
        return self._lanes[-1]

    def _enter_room(self, url: str, name: str, count: int) -> None:
        room = Room(Address.parse(url), self._room, Decoder("chaos"), self._recorder, SelfWatch())
        self._rooms.append(room)
        for number in range(count):
            viewer = Viewer(room, number, self._rng.randrange(1 << 32))
            viewer.arrive(time.monotonic_ns())
            self._in_rooms.append((viewer, self._lane(f"room {name}{number}", Lane.ROOM)))

    async def _look(self) -> None:
        while True:
            now = time.monotonic()
            for viewer, lane in self._in_rooms:
                if viewer.is_in:
                    lane.seen(now)
            await asyncio.sleep(LOOK_S)

    async def _watch(self, crowd: Crowd, lane: Continuity) -> None:
        """One viewer of the video, for as long as the run."""
        failures = 0
        leaving: list[asyncio.Task[None]] = []
        while True:
            try:
                viewer = await crowd.join()
            except TryLater as later:
                self._recorder.errors[f"whep: {later}"] += 1
                await asyncio.sleep(NOT_LIVE_S * self._rng.uniform(0.5, 1.0))
                continue
            except LoadError as error:
                self._recorder.errors[f"whep: {error}"] += 1
                longest = min(BACKOFF_S_MAX, BACKOFF_S * 2**failures)
                failures += 1
                await asyncio.sleep(longest * self._rng.uniform(0.5, 1.0))
                continue
            failures = 0
            await self._follow(viewer, lane)
            leaving.append(asyncio.create_task(_leave(crowd, viewer)))

    async def _follow(self, viewer: WhepViewer, lane: Continuity) -> None:
        """Return when nothing has come for too long."""
        timeout_s = self._rng.uniform(*RECEIVE_TIMEOUT_S)
        while True:
            now = time.monotonic()
            if (last := viewer.freezes.last) is not None:
                lane.seen(last)
            if (
                viewer.ended_because
                or now - max(last or 0.0, viewer.first_packet_at or now) > timeout_s
            ):
                return
            await asyncio.sleep(LOOK_S)


async def _leave(crowd: Crowd, viewer: WhepViewer) -> None:
    """End a session that may have no node any more; nobody waits for it."""
    with contextlib.suppress(LoadError):
        await crowd.leave(viewer)


async def be_host(url: str, room: str, token: str, rng: random.Random) -> None:
    """Publish a film in a loop, whatever happens, until cancelled."""
    await publish(f"{url}/live/{room}/whip", token, Programme(CLIP, copy=True), rng=rng)
