"""Glass-to-glass latency: a viewer (aiortc) that reads clock and number in each decoded frame."""

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator

import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.codecs.h264 import H264Decoder
from aiortc.jitterbuffer import JitterFrame
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from aiortc.stats import RTCInboundRtpStreamStats
from av import VideoFrame
from av.frame import Frame

from loadtest.clients.audit import FreezeAudit
from loadtest.clients.http import PlainHttp
from loadtest.clients.whep import post_offer
from loadtest.clients.whip import loopback_candidates, only
from loadtest.errors import LoadError
from loadtest.sources.clock_pattern import clock_delay_ms, read_clock, read_number
from loadtest.sources.encoded import VIDEO_CLOCK_HZ

JITTER_EVERY_S = 1.0


class GlassViewer:
    """Collects the latency of every frame whose clock can be read, and how frames follow."""

    def __init__(self) -> None:
        self.delays_ms: list[float] = []
        self.jitters_ms: list[float] = []  # of the video's packets, once a second
        self.frames = self.unreadable = self.undecodable = self.size_changes = 0
        self.skipped = self.repeated = 0  # frames, by the numbers in them
        self.freezes = FreezeAudit()
        self.first_frame_ns: int | None = None
        self.ended = False
        self._size: tuple[int, int] | None = None
        self._shown_ms: int | None = None
        self._number: int | None = None

    def look(self, frame: VideoFrame, at_ms: float, *, timed: bool = True) -> None:
        """Read the clock of one decoded frame; its delay counts if `timed`."""
        self.frames += 1
        if self.first_frame_ns is None:
            self.first_frame_ns = time.monotonic_ns()
        size = frame.width, frame.height
        self.size_changes += self._size not in (None, size)
        self._size = size
        plane = frame.planes[0]
        luma = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
        shown_ms = read_clock(luma[:, : plane.width])
        if (number := read_number(luma[:, : plane.width])) is not None:
            self._count(number)
        if shown_ms is None:
            self.unreadable += 1
        elif timed:
            self.delays_ms.append(clock_delay_ms(shown_ms, int(at_ms)))
        # The same clock again is no new frame.
        if shown_ms is None or shown_ms != self._shown_ms:
            self.freezes.frame(at_ms / 1e3)
        self._shown_ms = shown_ms

    def _count(self, number: int) -> None:
        """Compare a frame with the one before; a smaller number is a host who began anew."""
        if self._number is not None:
            self.repeated += number == self._number
            self.skipped += max(0, number - self._number - 1)
        self._number = number


@contextlib.asynccontextmanager
async def glass_viewer(
    whep_url: str, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[GlassViewer]:
    """Watch `whep_url` and read its clock until left.

    Raises:
        LoadError: There is nothing to watch.
    """
    viewer = GlassViewer()
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    tasks: list[asyncio.Task[None]] = []

    @peer.on("track")
    def take(track: MediaStreamTrack) -> None:
        tasks.append(asyncio.create_task(_watch(track, viewer)))

    http = PlainHttp(whep_url, tls=tls)
    try:
        for kind, mime_type in (("video", "video/H264"), ("audio", "audio/opus")):
            only(peer.addTransceiver(kind, direction="recvonly"), mime_type)
        with loopback_candidates(whep_url):
            await peer.setLocalDescription(await peer.createOffer())
        answer, session = await post_offer(http, whep_url, peer.localDescription.sdp)
        await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        tasks.append(asyncio.create_task(_watch_jitter(peer, viewer)))
        try:
            yield viewer
        finally:
            tasks[-1].cancel()
            with contextlib.suppress(LoadError):
                await http.request("DELETE", session)
    finally:
        await peer.close()
        await asyncio.gather(*tasks, return_exceptions=True)
        await http.close()


async def _watch(track: MediaStreamTrack, viewer: GlassViewer) -> None:
    with contextlib.suppress(MediaStreamError):
        while True:
            frame = await track.recv()
            if isinstance(frame, VideoFrame):
                viewer.look(frame, time.time_ns() / 1e6)
    viewer.ended = True


async def _watch_jitter(peer: RTCPeerConnection, viewer: GlassViewer) -> None:
    """Note the interarrival jitter of the video now and then (RFC 3550 §6.4.1)."""
    while True:
        await asyncio.sleep(JITTER_EVERY_S)
        for one in (await peer.getStats()).values():
            if isinstance(one, RTCInboundRtpStreamStats) and one.kind == "video":
                viewer.jitters_ms.append(one.jitter * 1e3 / VIDEO_CLOCK_HZ)


def _decode(decoder: H264Decoder, frame: JitterFrame) -> list[Frame]:
    """Leave out what has no data: to FFmpeg it would be the end of the stream.

    aiortc makes a frame of packets that are padding alone, as servers send to probe a network.
    """
    return _original_decode(decoder, frame) if frame.data else []


_original_decode = H264Decoder.decode
H264Decoder.decode = _decode  # type: ignore[method-assign, assignment]
