"""A real server of the S3 protocol in a process of its own: moto's."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator

import httpx

from tests.support.waiting import free_port, wait_until

BUCKET = "linli-test"


class S3Server:
    """Starts and stops; what it keeps is lost with the process."""

    def __init__(self) -> None:
        self.port = free_port()
        self.process: asyncio.subprocess.Process | None = None

    @property
    def blob_url(self) -> str:
        """What `LINLI_BLOB_URL` is set to."""
        endpoint = f"http://127.0.0.1:{self.port}"
        return f"s3://key:secret@{BUCKET}/shop?endpoint={endpoint}&region=us-east-1"

    async def start(self) -> None:
        """Start it with an empty bucket."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        await wait_until(self._made)

    async def stop(self) -> None:
        """End it; idempotent."""
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await self.process.wait()

    async def _made(self) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            async with httpx.AsyncClient(trust_env=False) as client:
                url = f"http://127.0.0.1:{self.port}/{BUCKET}"
                return (await client.put(url)).status_code == 200
        return False


@contextlib.asynccontextmanager
async def s3_server() -> AsyncIterator[S3Server]:
    """Run one for the block."""
    server = S3Server()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
