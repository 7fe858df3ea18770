"""An RTMP publisher that sends what a test gives it, and reads what the server answers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from media.errors import PublishRefused
from media.wire.flv_tags import TagType
from media.wire.rtmp_publisher import RtmpPublisher


class RtmpClient:
    """One connection."""

    def __init__(
        self,
        publisher: RtmpPublisher,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._publisher = publisher
        self._reader, self._writer = streams

    async def publish(self) -> None:
        """Come as far as the server's consent.

        Raises:
            PublishRefused: It says no.
        """
        while not self._publisher.accepted:
            await self._exchange()

    async def refusal_of(self, *tags: tuple[TagType, bytes]) -> str:
        """Send the bodies of some tags; return why the server does not take them."""
        for at, (kind, body) in enumerate(tags):
            self._publisher.send_media(kind, at * 40, body)
        try:
            while True:
                await self._exchange()
        except PublishRefused as refused:
            return refused.description

    async def _exchange(self) -> None:
        self._writer.write(self._publisher.data_to_send())
        data = await self._reader.read(1 << 16)
        assert data, "the server closes without a reason"
        self._publisher.receive(data)


@contextlib.asynccontextmanager
async def rtmp_client(port: int, key: str) -> AsyncIterator[RtmpClient]:
    """Connect to a listener on this machine."""
    streams = await asyncio.open_connection("127.0.0.1", port)
    publisher = RtmpPublisher(f"rtmp://127.0.0.1:{port}/live", key, b"nonce")
    try:
        yield RtmpClient(publisher, streams)
    finally:
        streams[1].close()
