"""HTTP to other workers: one client for each, answers as streams."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import httpx

from server.workers.owners import PeerAddress

CONNECT_TIMEOUT_S = 2.0
READ_TIMEOUT_S = 30.0
"""Longer than an event stream is ever silent."""
IDLE_S = 2.0
"""Connections that wait longer are closed: before the other side closes them."""
IDLE_CONNECTIONS_MAX = 32
CONNECTIONS_MAX = 2_000
CLIENTS_MAX = 256

Headers = Sequence[tuple[bytes, bytes]]


class Peers:
    """Open connections to other workers; `close` it."""

    def __init__(self) -> None:
        self._clients: dict[PeerAddress, httpx.AsyncClient] = {}

    async def send(
        self, address: PeerAddress, method: str, target: bytes, headers: Headers, body: bytes
    ) -> httpx.Response:
        """Return the answer as soon as its head is there; the caller closes it.

        Raises:
            httpx.TransportError: The worker is not there, or does not answer.
        """
        base = urlsplit(address.url or "http://worker")
        url = httpx.URL(
            scheme=base.scheme, host=base.hostname or "", port=base.port, raw_path=target
        )
        request = httpx.Request(method, url, headers=list(headers), content=body)
        return await self._client(address).send(request, stream=True)

    async def close(self) -> None:
        """Close all connections; idempotent."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.aclose()

    def _client(self, address: PeerAddress) -> httpx.AsyncClient:
        client = self._clients.get(address)
        if client is None:
            assert len(self._clients) < CLIENTS_MAX, "fewer nodes than this share a Redis"
            limits = httpx.Limits(
                max_connections=CONNECTIONS_MAX,
                max_keepalive_connections=IDLE_CONNECTIONS_MAX,
                keepalive_expiry=IDLE_S,
            )
            client = self._clients[address] = httpx.AsyncClient(
                transport=httpx.AsyncHTTPTransport(
                    uds=address.uds or None, limits=limits, trust_env=False
                ),
                timeout=httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
                trust_env=False,
            )
        return client


def end_to_end(
    headers: Headers, *, without: Mapping[bytes, object] | Sequence[bytes] = ()
) -> list[tuple[bytes, bytes]]:
    """Return the fields that are passed on (RFC 9110 section 7.6.1), but for those in `without`."""
    named = {
        token.strip().lower()
        for name, value in headers
        if name.lower() == b"connection"
        for token in value.split(b",")
    }
    dropped = {*_HOP_BY_HOP, *named, *without}
    return [(name, value) for name, value in headers if name.lower() not in dropped]


_HOP_BY_HOP = (
    b"connection",
    b"keep-alive",
    b"proxy-connection",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
)
