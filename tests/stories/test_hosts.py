"""Hosts that are none of ours publish over WHIP: FFmpeg with a real clip, and aiortc."""

import asyncio
import sys
from functools import partial
from pathlib import Path

from aiortc.rtcdtlstransport import RTCCertificate
from cryptography.hazmat.primitives import serialization

from tests.support.clips import CLIP
from tests.support.media_peers import host, loopback_candidates, next_frame, viewer
from tests.support.running import Running
from tests.support.waiting import wait_until

__all__ = ["loopback_candidates"]

FRAMES = 10


async def test_ffmpeg_publishes_a_clip_and_an_aiortc_viewer_sees_it(
    linli: Running, tmp_path: Path
) -> None:
    token = await linli.host_token()
    pem = tmp_path / "host.pem"
    pem.write_bytes(_key_and_certificate())
    ffmpeg = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.ffmpeg_host",
        linli.whip,
        token,
        str(CLIP),
        str(pem),
        cwd=Path(__file__).parents[2],
    )
    try:
        await wait_until(lambda: linli.is_in("live"), what="FFmpeg's live")
        async with viewer(linli.play) as tracks:
            for _ in range(FRAMES):
                frame = await next_frame(tracks["video"])
            assert (frame.width, frame.height) == (640, 360)
    finally:
        ffmpeg.terminate()
        await ffmpeg.wait()


async def test_a_room_is_paused_when_its_aiortc_host_leaves(linli: Running) -> None:
    token = await linli.host_token()
    async with host(partial(linli.publish, token=token)):
        await wait_until(lambda: linli.is_in("live"), what="the live")
        async with viewer(linli.play) as tracks:
            await next_frame(tracks["video"])
    await wait_until(lambda: linli.is_in("paused"), what="the pause")


def _key_and_certificate() -> bytes:
    made = RTCCertificate.generateCertificate()
    key = made._key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return key + made._cert.public_bytes(serialization.Encoding.PEM)
