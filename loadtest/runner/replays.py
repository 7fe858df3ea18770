"""Viewers of the room's newest recording, who load it as fast as they watch it."""

import asyncio
import time

from loadtest.clients.http import PlainHttp
from loadtest.clients.replay import Playback, Segment, segments_of
from loadtest.errors import RequestRefused
from loadtest.measure.recorder import Recorder
from loadtest.runner.target import Address, get_json

# Until the first recording is there it is looked for this often.
LOOK_S = 1.0
PARTIAL_CONTENT = 206


class Replays:
    """All replay viewers of one process; each watches until it is cancelled, again and again."""

    def __init__(self, address: Address, room: str, recorder: Recorder) -> None:
        self._address = address
        self._room = room
        self._recorder = recorder

    async def watch(self, number: int, due_ns: int, until_s: float, over: asyncio.Event) -> None:
        """Watch until `until_s` of the loop's clock, or until `over` is set."""
        recorder, counts = self._recorder, self._recorder.counts
        recorder.population += 1
        http = self._address.http(self._address.source(number))
        viewer = _ReplayViewer(http, recorder)
        watching = asyncio.create_task(viewer.watch(self._room, due_ns))
        ending = asyncio.create_task(over.wait())
        try:
            async with asyncio.timeout_at(until_s):
                await asyncio.wait([watching, ending], return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            pass
        finally:
            for task in (watching, ending):
                task.cancel()
            await asyncio.gather(watching, ending, return_exceptions=True)
            if not watching.cancelled() and (error := watching.exception()):
                recorder.errors[f"replay: {error}"] += 1
                recorder.counts["replay.failed"] += viewer.has_begun
            recorder.population -= 1
            counts["replay.refused"] += not viewer.has_begun
            await http.close()


class _ReplayViewer:
    """One of them."""

    def __init__(self, http: PlainHttp, recorder: Recorder) -> None:
        self._http = http
        self._recorder = recorder
        self.has_begun = False

    async def watch(self, room: str, due_ns: int) -> None:
        """Watch the newest recording, from its beginning, over and over.

        Raises:
            LoadError: The target gives it no more.
        """
        live_id = None
        while live_id is None:
            live_id = (await get_json(self._http, f"/api/rooms/{room}"))["replay_live_id"]
            if live_id is None:
                await asyncio.sleep(LOOK_S)
                due_ns = time.monotonic_ns()
        path = f"/live/{room}/replay/{live_id}.m3u8"
        while True:
            await self._play(path, due_ns)

    async def _play(self, path: str, due_ns: int) -> None:
        answer = await self._http.request("GET", path)
        if answer.status != 200:
            raise RequestRefused(answer.status, f"GET {path}")
        segments = segments_of(answer.body.decode(), path)
        if not segments:
            raise RequestRefused(answer.status, "the playlist is empty")
        loop, playback = asyncio.get_running_loop(), Playback()
        for segment in segments:
            at = playback.load_at(loop.time())
            await asyncio.sleep(at - loop.time())
            await self._load(segment)
            if not self.has_begun:
                self.has_begun = True
                self._recorder.counts["replay.joined"] += 1
                self._recorder.delay("replay.first_segment", due_ns, time.monotonic_ns())
            stalls = playback.stalls
            playback.loaded(segment.seconds, loop.time())
            self._recorder.counts["replay.stalls"] += playback.stalls - stalls
        await asyncio.sleep((playback.began or 0.0) + playback.loaded_s - loop.time())

    async def _load(self, segment: Segment) -> None:
        asked_ns = time.monotonic_ns()
        answer = await self._http.request("GET", segment.path, headers=segment.headers())
        wanted = PARTIAL_CONTENT if segment.length else 200
        if answer.status != wanted or (segment.length and len(answer.body) != segment.length):
            raise RequestRefused(answer.status, f"GET {segment.path}")
        self._recorder.delay("replay.segment", asked_ns, time.monotonic_ns())
        self._recorder.counts["replay.segments"] += 1
