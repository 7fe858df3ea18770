"""A WebSocket client at the least cost: RFC 6455 framing and a bare `asyncio.Protocol`.

No fragments and no extensions: the server sends whole messages without compression.
"""

import asyncio
import base64
import os
from typing import cast

SUBPROTOCOL = "linli.v1.msgpack"
NO_CLOSE_FRAME = 1006
HEAD_BYTES_MAX = 64 * 1024
_OPCODE_BINARY, _OPCODE_CLOSE, _OPCODE_PING, _OPCODE_PONG = 2, 8, 9, 10


def handshake(host: str, port: int) -> bytes:
    """Return the request that opens `/ws` (RFC 6455 §4.1)."""
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET /ws HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
        f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
    ).encode()


def masked_frame(opcode: int, payload: bytes, mask: bytes) -> bytes:
    """Return one client frame (RFC 6455 §5.2), at most 65,535 bytes of payload."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, 0x80 | size))
    else:
        head = bytes((0x80 | opcode, 0x80 | 126)) + size.to_bytes(2, "big")
    stream = (mask * (size // 4 + 1))[:size]
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")
    return head + mask + mixed.to_bytes(size, "big")


def split_frames(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Return the whole server frames at the start of `data` as (opcode, payload), and the rest."""
    frames = []
    at, size = 0, len(data)
    while size - at >= 2:
        length, head = data[at + 1] & 0x7F, 2
        if length == 126:
            if size - at < 4:
                break
            length, head = int.from_bytes(data[at + 2 : at + 4], "big"), 4
        elif length == 127:
            if size - at < 10:
                break
            length, head = int.from_bytes(data[at + 2 : at + 10], "big"), 10
        end = at + head + length
        if end > size:
            break
        frames.append((data[at] & 0x0F, data[at + head : end]))
        at = end
    return frames, data[at:]


class WebSocketClient(asyncio.Protocol):
    """One connection. Subclasses get `on_open`, then `on_message` each, and `on_end` once."""

    __slots__ = ("_ended", "_open", "_pending", "_request", "transport")

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._pending = b""
        self._open = self._ended = False
        self.transport: asyncio.Transport | None = None

    def on_open(self) -> None:
        """The server has accepted the handshake."""

    def on_message(self, payload: bytes) -> None:
        """A binary message came."""

    def on_end(self, code: int, refusal: str) -> None:
        """The connection is over. `refusal` is the status line of an answer that was not 101."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the handshake."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Split received bytes into messages."""
        if self._pending:
            data = self._pending + data
        if not self._open:
            head, blank, data = data.partition(b"\r\n\r\n")
            if not blank:
                self._pending = head
                if len(head) > HEAD_BYTES_MAX:
                    self._end(NO_CLOSE_FRAME, "an endless head")
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self._end(NO_CLOSE_FRAME, head.split(b"\r\n", 1)[0].decode("latin-1"))
                return
            self._open = True
            self.on_open()
        frames, self._pending = split_frames(data)
        for opcode, payload in frames:
            if opcode == _OPCODE_BINARY:
                self.on_message(payload)
            elif opcode == _OPCODE_PING:
                self._send(_OPCODE_PONG, payload)
            elif opcode == _OPCODE_CLOSE:
                self._end(int.from_bytes(payload[:2], "big"), "")

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        self._end(NO_CLOSE_FRAME, "")

    def send(self, payload: bytes) -> None:
        """Send a binary message."""
        self._send(_OPCODE_BINARY, payload)

    def close(self) -> None:
        """Close the connection in order."""
        if self.transport:
            self._send(_OPCODE_CLOSE, (1000).to_bytes(2, "big"))
            self.transport.close()

    def drop(self) -> None:
        """Lose the connection, as a network does."""
        if self.transport:
            self.transport.abort()

    def _send(self, opcode: int, payload: bytes) -> None:
        if self.transport and not self.transport.is_closing():
            self.transport.write(masked_frame(opcode, payload, os.urandom(4)))

    def _end(self, code: int, refusal: str) -> None:
        if not self._ended:
            self._ended = True
            self.on_end(code, refusal)
        if self.transport:
            self.transport.close()
