"""Pushes the lives of this worker to the targets of their rooms, and knows how that goes."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import structlog

from media.errors import NotLive, NotPackaged
from media.forwarding.live import Live
from media.io.fed_child import FedChild
from media.io.hls.road import HlsRoad
from media.io.hls.sink import HlsSink
from media.io.restream.child import ACCEPTED, Exit, greeting
from media.wire.rtmp_url import PushTarget

LOOK_EVERY_S = 0.5
CHILD = "media.io.restream.child"

log = structlog.get_logger()


class PushState(StrEnum):
    """How the push of a room goes, as its host is shown."""

    IDLE = "idle"  # not live on this worker
    CONNECTING = "connecting"
    LIVE = "live"
    NOT_H264 = "not-h264"
    # It failed, and is tried again.
    NO_SUCH_HOST = "no-such-host"
    PRIVATE_ADDRESS = "private-address"
    NOT_ACCEPTED = "not-accepted"
    BROKE_OFF = "broke-off"


_STATES = {
    Exit.NO_SUCH_HOST: PushState.NO_SUCH_HOST,
    Exit.PRIVATE_ADDRESS: PushState.PRIVATE_ADDRESS,
    Exit.NOT_ACCEPTED: PushState.NOT_ACCEPTED,
}


Closed = Callable[[], frozenset[str]]


class Lives(Protocol):
    """What the road needs of the media plane."""

    def lives(self) -> Sequence[Live]:
        """Return the lives of this worker."""


@dataclass(frozen=True, slots=True)
class RestreamStats:
    """A gauge, and a counter since the start."""

    pushes: int
    restarts: int


class RestreamRoad:
    """Give it targets; `close` it before HLS."""

    def __init__(
        self, lives: Lives, hls: HlsRoad, *, private: bool, closed: Closed = frozenset
    ) -> None:
        """With `private`, targets may be on this machine or in its network.

        `closed` returns the rooms that are pushed nowhere now.
        """
        self._lives = lives
        self._hls = hls
        self._private = private
        self._closed = closed
        self._targets: dict[str, PushTarget] = {}  # by room
        self._pushes: dict[str, _Push] = {}
        self._not_h264: set[str] = set()
        self._restarts = 0  # of pushes that are over
        self._task = asyncio.create_task(self._run(), name="restream")

    def set_targets(self, targets: dict[str, PushTarget]) -> None:
        """Push these rooms, and no others, from now on."""
        self._targets = dict(targets)

    def state(self, room_id: str) -> PushState:
        """Return how the push of a room goes."""
        push = self._pushes.get(room_id)
        if push is not None:
            return push.state
        return PushState.NOT_H264 if room_id in self._not_h264 else PushState.IDLE

    def stats(self) -> RestreamStats:
        """Return the figures."""
        live = [push for push in self._pushes.values() if push.state is PushState.LIVE]
        restarts = sum(push.child.restarts for push in self._pushes.values())
        return RestreamStats(len(live), self._restarts + restarts)

    async def close(self) -> None:
        """End all children; idempotent."""
        self._task.cancel()
        for room_id in list(self._pushes):
            await self._end(room_id)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            lives = {live.room_id: live for live in self._lives.lives()}
            for room_id, push in list(self._pushes.items()):
                if push.target != self._targets.get(room_id) or push.packaged.segmenter.ended:
                    await self._end(room_id)
            self._not_h264 &= lives.keys()
            for room_id, target in self._targets.items():
                live = lives.get(room_id)
                if room_id in self._closed():
                    continue
                if live is not None and live.on_air and room_id not in self._pushes:
                    self._begin(room_id, target)

    def _begin(self, room_id: str, target: PushTarget) -> None:
        try:
            packaged = self._hls.open(room_id)
        except NotLive:
            return
        except NotPackaged:
            self._not_h264.add(room_id)
            return
        log.info("a live is pushed", room=room_id, host=target.host)
        self._pushes[room_id] = _Push(target, packaged, private=self._private)

    async def _end(self, room_id: str) -> None:
        push = self._pushes.pop(room_id)
        self._restarts += push.child.restarts
        await push.close()


class _Push:
    """One live's child."""

    def __init__(self, target: PushTarget, packaged: HlsSink, *, private: bool) -> None:
        self.target, self.packaged = target, packaged
        self.state = PushState.CONNECTING
        first = greeting(target, private=private)
        self.child = FedChild(CHILD, first, self._take, on_end=self._on_end)
        packaged.attach(self.child.muxer)

    async def close(self) -> None:
        self.packaged.detach(self.child.muxer)
        await self.child.close()

    def _take(self, data: bytes) -> None:
        if data.endswith(ACCEPTED):
            self.state = PushState.LIVE

    def _on_end(self, code: int) -> None:
        # Killed by its alarm it was not accepted in time.
        was_live = self.state is PushState.LIVE
        default = PushState.BROKE_OFF if was_live else PushState.NOT_ACCEPTED
        self.state = _STATES[Exit(code)] if code in _STATES else default
