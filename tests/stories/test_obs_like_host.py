"""A host built like OBS publishes: libdatachannel, x264, and three layers as OBS 32 sends them."""

import asyncio
import json
import os
import shutil
import struct
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
from aiortc.codecs.h264 import H264Encoder
from av.video.frame import VideoFrame

from tests.support.media_peers import loopback_candidates, next_frame, viewer
from tests.support.running import Running
from tests.support.waiting import WAIT_S, wait_until

__all__ = ["loopback_candidates"]

CLIENTS = Path(__file__).parents[1] / "clients"
FPS, KEY_FRAME_EVERY_S, LENGTH_S = 15, 2, 14
SIZES = {"0": (640, 360), "1": (320, 180), "2": (160, 90)}
AUDIO_SSRC, VIDEO_SSRC = 1000, 2000
MID_ID, RID_ID = 1, 2
OPUS_SILENCE, OPUS_S = bytes.fromhex("f8fffe"), 0.02
FRAMES = 10


class Obs:
    """A running obs_host.mjs."""

    def __init__(self, process: asyncio.subprocess.Process, created: dict[str, Any]) -> None:
        self.process = process
        self.created = created

    async def stop(self) -> int:
        """Stop the stream in its interface; return how its DELETE was answered."""
        assert self.process.stdin
        self.process.stdin.close()
        deleted: int = (await _answer_of(self.process))["deleted"]
        await self.process.wait()
        return deleted


@asynccontextmanager
async def _obs(linli: Running, *rids: str) -> AsyncIterator[tuple[Obs, httpx.AsyncClient]]:
    """OBS goes live; yields it and an HTTP client of its staff."""
    packets = linli.folder / f"packets-{linli.room}"
    packets.write_bytes(_packets(rids))
    token = await linli.host_token()
    process = await asyncio.create_subprocess_exec(
        _node(),
        "obs_host.mjs",
        linli.whip,
        token,
        str(packets),
        *rids,
        cwd=CLIENTS,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with linli.client(token) as client:
            created = await _answer_of(process)
            await wait_until(lambda: linli.is_in("live"), what="OBS' live")
            yield Obs(process, created), client
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.soak
async def test_an_obs_like_host_goes_live_and_stops(linli: Running) -> None:
    async with _obs(linli) as (obs, client):
        assert "a=candidate" not in obs.created["offer"]
        assert obs.created["status"] == 201
        location = obs.created["location"]
        assert location.startswith(f"/live/{linli.room}/whip/")
        assert "a=simulcast" not in obs.created["answer"]
        await _a_viewer_decodes(linli, [SIZES["0"]])
        assert (await client.get(location)).status_code == 204
        assert await obs.stop() == 200
        assert (await client.get(location)).status_code == 404
        await wait_until(lambda: linli.is_in("paused"), what="the pause")


@pytest.mark.soak
async def test_an_obs_like_host_sends_three_layers(linli: Running) -> None:
    async with _obs(linli, *SIZES) as (obs, client):
        assert obs.created["status"] == 201
        answer = obs.created["answer"].split("\r\n")
        assert "a=simulcast:recv 0;1;2" in answer
        assert [line for line in answer if line.startswith("a=rid:")] == [
            "a=rid:0 recv",
            "a=rid:1 recv",
            "a=rid:2 recv",
        ]

        async def sizes() -> dict[str, tuple[int, int]]:
            stats = (await client.get(f"/api/lives/{linli.room}/stats")).json()
            return {
                one["rid"]: (one["width"], one["height"])
                for one in stats["streams"]
                if one["kind"] == "video" and one["flows"]
            }

        async def all_sizes() -> bool:
            return await sizes() == SIZES

        await wait_until(all_sizes, what="three sizes")
        await _a_viewer_decodes(linli, list(SIZES.values()))
        assert await obs.stop() == 200


async def _a_viewer_decodes(linli: Running, sizes: list[tuple[int, int]]) -> None:
    async with viewer(linli.play) as tracks:
        for _ in range(FRAMES):
            frame = await next_frame(tracks["video"])
            assert (frame.width, frame.height) in sizes


def _node() -> str:
    """Node of the machine, or the one that scripts/node-tools put beside our Python."""
    places = [os.environ.get("PATH", ""), str(Path(sys.executable).parent)]
    node = shutil.which("node", path=os.pathsep.join(places))
    assert node, "Node is missing; `make test` installs it"
    return node


async def _answer_of(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout
    async with asyncio.timeout(WAIT_S):
        said: dict[str, Any] = json.loads(await process.stdout.readline())
    return said


def _packets(rids: Sequence[str]) -> bytes:
    """RTP in the order of its time, as obs_host.mjs reads it; without `rids` the first size."""
    timed = [
        (number * OPUS_S, 0, _rtp(111, number, number * 960, AUDIO_SSRC, OPUS_SILENCE))
        for number in range(round(LENGTH_S / OPUS_S))
    ]
    for layer, rid in enumerate(rids or [""]):
        sequence = 0
        extensions = _extension(MID_ID, "1") + _extension(RID_ID, rid) if rid else b""
        for number, payloads in enumerate(_h264(SIZES[rid or "0"])):
            for payload in payloads:
                last = payload is payloads[-1]
                ticks = number * 90_000 // FPS
                ssrc = VIDEO_SSRC + layer
                packet = _rtp(96, sequence, ticks, ssrc, payload, extensions, marker=last)
                timed.append((number / FPS, 1, packet))
                sequence += 1
    timed.sort(key=lambda one: one[0])  # keeps the order of packets of one time
    return b"".join(
        struct.pack("!IBH", round(at_s * 1_000), section, len(packet)) + packet
        for at_s, section, packet in timed
    )


def _h264(size: tuple[int, int]) -> list[list[bytes]]:
    """The payloads of each frame of moving noise, as x264 makes them for OBS."""
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height = size
    encoder.pix_fmt = "yuv420p"
    encoder.framerate, encoder.time_base = Fraction(FPS), Fraction(1, FPS)
    encoder.options = {
        "profile": "baseline",
        "preset": "ultrafast",
        "tune": "zerolatency",
        "g": str(FPS * KEY_FRAME_EVERY_S),
    }
    width, height = size
    noise = np.random.default_rng(1).integers(0, 64, (height, width, 3), np.uint8)
    frames = []
    for number in range(FPS * LENGTH_S):
        raw = VideoFrame.from_ndarray(np.roll(noise, number, axis=1)).reformat(format="yuv420p")
        raw.pts, raw.time_base = number, Fraction(1, FPS)
        packets = encoder.encode(raw)
        units = H264Encoder._split_bitstream(b"".join(bytes(one) for one in packets))
        frames.append(H264Encoder._packetize(units))
    return frames


def _extension(number: int, value: str) -> bytes:
    """One element of RFC 8285 section 4.2."""
    return bytes([number << 4 | len(value) - 1]) + value.encode()


def _rtp(
    payload_type: int,
    sequence: int,
    ticks: int,
    ssrc: int,
    payload: bytes,
    extensions: bytes = b"",
    *,
    marker: bool = False,
) -> bytes:
    header = struct.pack(
        "!BBHII",
        0x90 if extensions else 0x80,
        marker << 7 | payload_type,
        sequence & 0xFFFF,
        ticks,
        ssrc,
    )
    if extensions:
        words = -(-len(extensions) // 4)
        header += struct.pack("!HH", 0xBEDE, words) + extensions.ljust(words * 4, b"\0")
    return header + payload
