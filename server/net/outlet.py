"""An answer without an end, written to its connection past ASGI: one write for a piece.

`LimitedHttpProtocol` puts its connection into each scope, `Outlet.of` finds it there.
"""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl

CONNECTION = "linli.connection"
# Of an answer, beyond its beginning: two seconds at 2 Mbit/s.
WAITING_BYTES_MAX = 512 << 10


class Outlet:
    """Chunks for one client, after `http.response.start` of a body without a length.

    While `WAITING_BYTES_MAX` wait to be read it is `blocked`, down to a quarter of that.
    """

    def __init__(self, transport: asyncio.Transport, flow: FlowControl) -> None:
        self.ended = asyncio.Event()
        self._transport = transport
        self._flow = flow

    @classmethod
    def of(cls, scope: MutableMapping[str, Any]) -> "Outlet | None":
        """Return that of a request; None: the client does not know chunks, or the server does not.

        See RFC 9112 section 7.1.
        """
        connection = scope.get("extensions", {}).get(CONNECTION)
        if connection is None or scope["http_version"] != "1.1":
            return None
        return cls(*connection)

    @property
    def blocked(self) -> bool:
        """Whether no more is to be written now."""
        return self._flow.write_paused

    def open(self, chunk: bytes) -> None:
        """Write the beginning."""
        high = len(chunk) + WAITING_BYTES_MAX
        self._transport.set_write_buffer_limits(high, WAITING_BYTES_MAX // 4)
        self.write(chunk)

    def write(self, chunk: bytes) -> None:
        """Write a whole chunk."""
        if not self._transport.is_closing():
            self._transport.write(chunk)

    def end(self) -> None:
        """Nothing comes any more."""
        self.ended.set()
