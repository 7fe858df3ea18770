"""WebSockets by hand: handshakes and frames that no client library would send."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

from websockets.frames import Frame, Opcode

from tests.support.room_hubs import Server
from tests.support.waiting import WAIT_S

HANDSHAKE = (
    b"GET %s HTTP/1.1\r\nHost: shop.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n"
)
PROTOCOL = b"Sec-WebSocket-Protocol: linli.v1.json\r\n"


def client_frame(opcode: Opcode, payload: bytes, fin: bool = True) -> bytes:
    """Return a masked frame."""
    return Frame(opcode, payload, fin).serialize(mask=True)


HELLO = client_frame(Opcode.TEXT, b'{"t":"hello","channel":"room:demo"}')


@contextlib.asynccontextmanager
async def raw(
    server: Server, *frames: bytes, buffer: int = 0
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A raw connection, after the handshake and these frames."""
    plain = socket.socket()
    if buffer:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    plain.setblocking(False)
    await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", server.port))
    reader, writer = await asyncio.open_connection(sock=plain, limit=2**16)
    try:
        writer.write(HANDSHAKE % (b"/ws", PROTOCOL))
        async with asyncio.timeout(WAIT_S):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        writer.write(b"".join(frames))
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def raw_close(server: Server, *frames: bytes) -> bytes:
    """Send frames after a handshake; return all that is received until the end."""
    async with raw(server, *frames) as (reader, _), asyncio.timeout(WAIT_S):
        return await reader.read()
