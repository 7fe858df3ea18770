"""The load tester's media part at servers of others, and what it finds when they are at fault."""

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from loadtest.report.result import Result
from loadtest.runner.run import Request, Run
from loadtest.scenario.reading import read_scenario
from tests.support.waiting import free_port, wait_until
from tests.support.whep_peer import MediaFault, whep_peer
from tests.support.whip_peer import whip_peer

MEDIAMTX = shutil.which("mediamtx")
SCENARIO = """
title = { en = "Video", zh = "视频" }
thresholds = [
    "media.joined == 3", "media.refused == 0", "media.ended == 0", "media.packets > 300",
    "media.missing == 0", "media.forged == 0", "media.layer_changes == 0", "media.freezes == 0",
    "glass.freezes == 0", "glass.repeated == 0", "glass.skipped == 0",
    "media.jitter.count > 3", "glass.webrtc.p50_ms < 300", "host.failed == 0",
]
[[profiles]]
kind = "webrtc"
weight = 1
[[stages]]
seconds = 0.1
viewers = 3
[[stages]]
seconds = 12
viewers = 3
"""
HOST = """
[[host]]
at_s = 0
do = "live"
[[host]]
at_s = 11.5
do = "end"
"""
# What a machine that is short of time does to a picture.
OF_TIME = {"media.freezes", "glass.freezes", "glass.skipped", "glass.webrtc.p50_ms"}


async def watched(whep: str, whip: str = "") -> Result:
    text = SCENARIO + (HOST if whip else "")
    url = whep.rpartition("/")[0]
    return await Run(Request(read_scenario(text, "s"), "s", url, "", whep=whep, whip=whip)).play()


def broken(result: Result) -> set[str]:
    """The thresholds that do not hold, by name."""
    return {one.threshold.split()[0] for one in result.thresholds if not one.holds}


async def test_a_server_of_aiortc_without_a_fault_has_nothing_found() -> None:
    async with whep_peer() as server:
        result = await watched(server.url)
        assert server.left == 3
    assert broken(result) - OF_TIME == set()
    assert result.target == server.url


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        (MediaFault.FORGE, "media.forged"),
        (MediaFault.FREEZE, "media.freezes"),
        (MediaFault.FREEZE, "glass.freezes"),
        (MediaFault.DELAY, "glass.webrtc.p50_ms"),
    ],
    ids=["forged", "frozen", "frozen and decoded", "late"],
)
async def test_a_fault_of_a_server_is_found(fault: MediaFault, found: str) -> None:
    async with whep_peer(fault) as server:
        result = await watched(server.url)
    assert found in broken(result)


async def test_a_host_publishes_to_a_server_of_aiortc() -> None:
    async with whep_peer() as server, whip_peer() as host:
        result = await watched(server.url, host.url)
        assert len(host.video_frames) > 20
        assert host.deleted == 1
    assert result.measures["host.failed"] == 0


@contextlib.asynccontextmanager
async def mediamtx(folder: Path) -> AsyncIterator[str]:
    """Run it with WHIP and WHEP alone; yield its address."""
    assert MEDIAMTX
    port = free_port()
    config = folder / "mediamtx.yml"
    off = "\n".join(f"{name}: no" for name in ("rtsp", "rtmp", "hls", "srt"))
    webrtc = f"webrtcAddress: 127.0.0.1:{port}\nwebrtcLocalUDPAddress: 127.0.0.1:"
    udp = free_port(socket.SOCK_DGRAM)
    config.write_text(f"{off}\n{webrtc}{udp}\npaths:\n  all_others:\n")
    process = await asyncio.create_subprocess_exec(MEDIAMTX, str(config))
    try:
        async with httpx.AsyncClient() as http:

            async def answers() -> bool:
                with contextlib.suppress(httpx.HTTPError):
                    return (await http.get(f"http://127.0.0.1:{port}/")).status_code > 0
                return False

            await wait_until(answers)
        yield f"http://127.0.0.1:{port}/live"
    finally:
        process.terminate()
        await process.wait()


@pytest.mark.skipif(MEDIAMTX is None, reason="no mediamtx")
async def test_mediamtx_without_a_fault_has_nothing_found(tmp_path: Path) -> None:
    async with mediamtx(tmp_path) as url:
        result = await watched(f"{url}/whep", f"{url}/whip")
    assert broken(result) - OF_TIME == set()
