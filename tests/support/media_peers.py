"""aiortc peers on loopback: hosts and viewers that are none of ours."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from fractions import Fraction
from typing import Any

import aioice.ice
import numpy as np
import pytest
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.codecs.h264 import H264Decoder
from aiortc.codecs.vpx import Vp8Decoder
from aiortc.jitterbuffer import JitterFrame
from aiortc.mediastreams import AudioStreamTrack
from av import VideoFrame

from tests.support.waiting import WAIT_S

FRAME_S = 1 / 15
Negotiate = Callable[[str], Awaitable[str]]
Decode = Callable[[Any, JitterFrame], list[Any]]


@pytest.fixture(autouse=True)
def loopback_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    """aioice leaves out 127.0.0.1; here it is all there is."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])
    for decoder in (H264Decoder, Vp8Decoder):
        monkeypatch.setattr(decoder, "decode", _without_empty_frames(decoder.decode))


def _without_empty_frames(decode: Decode) -> Decode:
    """Leave out frames of padding alone, which high-RTT viewers are sent when they join.

    aiortc hands them to FFmpeg, which takes an empty packet for the end of the stream.
    """
    return lambda decoder, frame: decode(decoder, frame) if frame.data else []


class NoiseTrack(MediaStreamTrack):
    """Noise that moves and gets brighter with every frame."""

    kind = "video"

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.number = 0
        # Noise, so that a large frame needs several packets.
        width, height = size
        self._noise = np.random.default_rng(1).integers(0, 64, (height, width, 3), np.uint8)

    async def recv(self) -> VideoFrame:
        """The next frame, in its time."""
        await asyncio.sleep(FRAME_S)
        pixels = np.roll(self._noise, self.number, axis=1) + np.uint8(self.number % 192)
        frame = VideoFrame.from_ndarray(pixels)
        frame.pts, frame.time_base = round(self.number * FRAME_S * 90_000), Fraction(1, 90_000)
        self.number += 1
        return frame


@asynccontextmanager
async def host(
    negotiate: Negotiate,
    codec: str = "video/H264",
    size: tuple[int, int] = (160, 120),
    *,
    audio: bool = True,
) -> AsyncIterator[RTCPeerConnection]:
    """A peer that publishes; `negotiate` takes its offer and returns the answer."""
    peer = RTCPeerConnection()
    video = peer.addTransceiver(NoiseTrack(size), direction="sendonly")
    video.setCodecPreferences(
        [one for one in RTCRtpSender.getCapabilities("video").codecs if one.mimeType == codec]
    )
    if audio:
        peer.addTransceiver(AudioStreamTrack(), direction="sendonly")
    await _negotiate(peer, negotiate)
    try:
        yield peer
    finally:
        await peer.close()


@asynccontextmanager
async def viewer(negotiate: Negotiate) -> AsyncIterator[dict[str, MediaStreamTrack]]:
    """A peer that watches; yields its tracks by kind."""
    peer = RTCPeerConnection()
    tracks: dict[str, MediaStreamTrack] = {}
    peer.on("track", lambda track: tracks.__setitem__(track.kind, track))
    peer.addTransceiver("video", direction="recvonly")
    peer.addTransceiver("audio", direction="recvonly")
    await _negotiate(peer, negotiate)
    try:
        yield tracks
    finally:
        await peer.close()


async def _negotiate(peer: RTCPeerConnection, negotiate: Negotiate) -> None:
    await peer.setLocalDescription(await peer.createOffer())
    answer = await negotiate(peer.localDescription.sdp)
    await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))


async def next_frame(layer: MediaStreamTrack) -> VideoFrame:
    """The next decoded frame, within ten seconds."""
    async with asyncio.timeout(WAIT_S):
        frame = await layer.recv()
    assert isinstance(frame, VideoFrame)
    return frame
