"""Messages between the coordinator and the processes that play its shares.

A message is four bytes of length (big-endian) and that much JSON: an object with `t`, its type.
"""

import asyncio
import struct
from typing import Any

import msgspec

from loadtest.errors import LoadError

MESSAGE_BYTES_MAX = 16 * 1024 * 1024
_LENGTH = struct.Struct("!I")


class LinkBroken(LoadError):
    """The other side is gone, or does not speak this protocol."""


class Link:
    """One connection. Reading is one task's, writing anybody's."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.bytes_max = MESSAGE_BYTES_MAX

    def send(self, kind: str, **members: Any) -> None:
        """Send a message; what cannot be sent any more is dropped."""
        data = msgspec.json.encode({"t": kind, **members})
        if not self._writer.is_closing():
            self._writer.write(_LENGTH.pack(len(data)) + data)

    async def receive(self) -> dict[str, Any]:
        """Return the next message.

        Raises:
            LinkBroken: There is none, or it is not of this form.
        """
        try:
            (length,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
            if length > self.bytes_max:
                raise LinkBroken(f"a message of {length:,} bytes")
            message = msgspec.json.decode(await self._reader.readexactly(length))
        except (OSError, asyncio.IncompleteReadError):
            raise LinkBroken("a process of the load test has ended") from None
        except msgspec.DecodeError as error:
            raise LinkBroken(f"not a message: {error}") from None
        if not isinstance(message, dict) or not isinstance(message.get("t"), str):
            raise LinkBroken("a message without a type")
        return message

    async def flush(self) -> None:
        """Wait until what was sent is out, as far as it can be."""
        try:
            await self._writer.drain()
        except OSError:
            return

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()
