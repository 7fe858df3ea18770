"""RTMPS by the sample in docs/deploy: FFmpeg publishes through nginx's TLS to the listener."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from media.io.rtmp.listener import RtmpListener
from media.io.webrtc.plane import MediaPlane
from tests.support.media_plane import ROOM, live, plane
from tests.support.rtmp_publisher import publishing
from tests.support.waiting import free_port, wait_until

__all__ = ["plane"]

SAMPLE = Path(__file__).parents[4] / "docs" / "deploy" / "nginx-rtmps.conf"
MODULE = Path("/usr/lib/nginx/modules/ngx_stream_module.so")

pytestmark = pytest.mark.skipif(
    shutil.which("nginx") is None or not MODULE.exists(), reason="no nginx with its stream module"
)


async def _certificate(folder: Path) -> None:
    made = await asyncio.create_subprocess_exec(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
        *("-nodes", "-days", "2", "-subj", "/CN=shop.example"),
        *("-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")),
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert await made.wait() == 0


@contextlib.asynccontextmanager
async def nginx(folder: Path, upstream: int) -> AsyncIterator[int]:
    """Run the sample as it is but for ports and certificates; yield its port."""
    port = free_port()
    await _certificate(folder)
    sample = (
        SAMPLE.read_text()
        .replace("listen 1936", f"listen 127.0.0.1:{port}")
        .replace("127.0.0.1:1935", f"127.0.0.1:{upstream}")
        .replace("/etc/ssl/shop.example.pem", f"{folder}/cert.pem")
        .replace("/etc/ssl/shop.example.key", f"{folder}/key.pem")
    )
    (folder / "nginx.conf").write_text(
        f"load_module {MODULE};\ndaemon off;\npid {folder}/pid;\nerror_log {folder}/log;\n"
        f"events {{}}\n{sample}"
    )
    command = ["nginx", "-e", f"{folder}/log", "-c", f"{folder}/nginx.conf"]
    checked = await asyncio.create_subprocess_exec(*command, "-t", stderr=asyncio.subprocess.PIPE)
    _, said = await checked.communicate()
    assert checked.returncode == 0, said.decode()
    process = await asyncio.create_subprocess_exec(*command)
    try:
        yield port
    finally:
        process.terminate()
        await process.wait()


async def test_an_encoder_publishes_by_rtmps(plane: MediaPlane, tmp_path: Path) -> None:
    async def authorize(address: str, key: str) -> str | None:
        return ROOM if key == "key" else None

    listener = await RtmpListener.open(plane.roads, authorize, "127.0.0.1", 0)
    async with nginx(tmp_path, listener.port) as port:
        async with publishing(f"rtmps://127.0.0.1:{port}/live/key"):
            await wait_until(lambda: live(plane))
        await wait_until(lambda: not live(plane))
    await listener.close()
