"""HTTP/1.1 for load: kept-alive connections and nothing that costs the tester more than the server.

For ordinary clients see httpx in `buyer` and `whip`.
"""

import asyncio
import socket
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from loadtest.errors import NoAnswer

REQUEST_TIMEOUT_S = 20.0
HEAD_BYTES_MAX = 64 * 1024
# Servers close idle connections after a while, uvicorn after 5 s; use none that is nearly so old.
IDLE_S_MAX = 3.0


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response; header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the decoded body."""
        return msgspec.json.decode(self.body)


class PlainHttp:
    """A pool of connections to one server. Requests run concurrently; each has a connection."""

    def __init__(
        self,
        base_url: str,
        *,
        source: str | None = None,
        tls: ssl.SSLContext | None = None,
        uds: Path | None = None,
    ) -> None:
        """`source` is the local address to connect from; `tls` goes with an https address.

        With `uds` the server is at that Unix socket.
        """
        parts = urlsplit(base_url)
        if parts.scheme != ("https" if tls else "http") or not parts.hostname:
            raise ValueError(f"load goes to an http:// or https:// address, not {base_url}")
        self.host = parts.hostname
        self.port = parts.port or (443 if tls else 80)
        self._source = (source, 0) if source else None
        self._tls = tls
        self._uds = uds
        self._idle: list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def request(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> HttpResponse:
        """Send one request and return its answer.

        Raises:
            NoAnswer: The server is not there, or hung up in the middle.
        """
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}:{self.port}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        lines += [f"Content-Length: {len(body)}", "", ""]
        data = "\r\n".join(lines).encode() + body
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                return await self._exchange(data)
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            raise NoAnswer(f"{method} {path}: {_reason(error)}") from error
        except (ValueError, IndexError, asyncio.LimitOverrunError) as error:
            raise NoAnswer(f"{method} {path}: the answer is not HTTP") from error

    async def connectable(self) -> None:
        """Return if the server takes a connection.

        Raises:
            NoAnswer: It does not.
        """
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                _, writer = await self._connection()
        except TimeoutError as error:
            raise NoAnswer(f"{self.host}:{self.port}: {_reason(error)}") from error
        writer.close()

    async def close(self) -> None:
        """Close the idle connections; no request may be running."""
        writers = [writer for _, _, writer in self._idle]
        self._idle.clear()
        for writer in writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Return a connection that the server has not closed, the last used first.

        Raises:
            NoAnswer: There is none to be had.
        """
        while self._idle:
            idle_since, reader, writer = self._idle.pop()
            if not reader.at_eof() and time.monotonic() - idle_since < IDLE_S_MAX:
                return reader, writer
            writer.close()
        try:
            if self._uds is not None:
                return await asyncio.open_unix_connection(str(self._uds), limit=HEAD_BYTES_MAX)
            return await asyncio.open_connection(
                self.host, self.port, limit=HEAD_BYTES_MAX, ssl=self._tls, local_addr=self._source
            )
        except TimeoutError:
            raise
        except OSError as error:
            reason = _reason(error)
            raise NoAnswer(f"{self.host}:{self.port} cannot be reached: {reason}") from error

    async def _exchange(self, data: bytes) -> HttpResponse:
        reader, writer = await self._connection()
        keep = False
        try:
            writer.write(data)
            head = await reader.readuntil(b"\r\n\r\n")
            answer = parse_head(head)
            length = int(answer.headers.get("content-length", "0"))
            body = await reader.readexactly(length) if length else b""
            keep = answer.headers.get("connection", "").lower() != "close"
            return HttpResponse(answer.status, answer.headers, body)
        finally:
            if keep:
                self._idle.append((time.monotonic(), reader, writer))
            else:
                writer.close()


def _reason(error: Exception) -> str:
    """Return in words why there is no answer."""
    match error:
        case TimeoutError():
            return f"no answer within {REQUEST_TIMEOUT_S:g} s"
        case socket.gaierror():
            return "there is no such host"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted ({error.verify_message})"
        case ssl.SSLError():
            return f"no TLS ({error.reason})"
        case ConnectionRefusedError():
            return "connection refused"
        case ConnectionError() | asyncio.IncompleteReadError():
            return "the connection was closed before the answer"
        case OSError():
            return error.strerror or type(error).__name__
    return type(error).__name__


def parse_head(head: bytes) -> HttpResponse:
    """Return status and headers of a response's head."""
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    return HttpResponse(int(first.split(" ", 2)[1]), headers, b"")
