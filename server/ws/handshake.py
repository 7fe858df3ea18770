"""The opening handshake: path, origin, subprotocol, capacity (RFC 6455 §4.2)."""

import asyncio
from collections.abc import Sequence

from websockets.exceptions import NegotiationError
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from server.net.addresses import Proxies, limit_key
from server.net.origins import Origin
from server.net.seldom import Seldom
from server.settings import Settings
from server.ws.wire import CODECS

PATH = "/ws"
RETRY_AFTER_S = 1
DEVICE_COOKIE = "linli_room_device"
"""Which browser writes in a room, whoever it says to be; set with the guest's token."""
DEVICE_CHARS_MAX = 64
REFUSALS_LOGGED_EVERY_S = 60.0

_refusals = Seldom(REFUSALS_LOGGED_EVERY_S)


def refusal(
    protocol: ServerProtocol, request: Request, settings: Settings, is_full: bool
) -> Response | None:
    """Return the answer to a handshake that is refused, or None."""
    if request.path.partition("?")[0] != PATH:
        return protocol.reject(404, f"The WebSocket is at {PATH}.\n")
    if not _origin_allowed(request, settings.allowed_origins):
        return protocol.reject(403, "This origin may not connect; see LINLI_ALLOWED_ORIGINS.\n")
    if is_full:
        full = protocol.reject(503, "This server accepts no more connections now.\n")
        full.headers["Retry-After"] = str(RETRY_AFTER_S)
        return full
    offered = {
        name.strip()
        for header in request.headers.get_all("Sec-WebSocket-Protocol")
        for name in header.split(",")
    }
    if offered.isdisjoint(codec.subprotocol for codec in CODECS):
        names = " or ".join(codec.subprotocol for codec in CODECS)
        return protocol.reject(400, f"Offer the subprotocol {names}.\n")
    return None


def select_subprotocol(_: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol:
    """Return the first subprotocol on offer that we have; `refusal` checks that there is one."""
    for name in offered:
        if any(codec.subprotocol == name for codec in CODECS):
            return name
    raise NegotiationError("no subprotocol in common")


def codec_index(subprotocol: str | None) -> int:
    """Return which of `CODECS` was negotiated."""
    return next(codec.index for codec in CODECS if codec.subprotocol == subprotocol)


def client_address(request: Request, transport: asyncio.Transport, proxies: Proxies) -> str:
    """Return the address of the client, for limits."""
    peer = transport.get_extra_info("peername")
    forwarded = request.headers.get_all("X-Forwarded-For")
    return limit_key(proxies.client(str(peer[0]) if peer else "", forwarded))


def client_device(request: Request) -> str:
    """Return what the browser's device cookie says, for sanctions; nothing for other programs."""
    for header in request.headers.get_all("Cookie"):
        for pair in header.split(";"):
            name, _, value = pair.strip().partition("=")
            if name == DEVICE_COOKIE:
                return value[:DEVICE_CHARS_MAX]
    return ""


def _origin_allowed(request: Request, allowed_origins: tuple[Origin, ...]) -> bool:
    """Browsers always send the origin of a page; programs need not (RFC 6455 §10.2)."""
    origins = request.headers.get_all("Origin")
    if not origins:
        return True
    hosts = request.headers.get_all("Host")
    try:
        origin = Origin.parse(origins[0])
    except ValueError:
        return False
    if len(origins) == len(hosts) == 1 and (origin in allowed_origins or origin.is_of(hosts[0])):
        return True
    _refusals.log(
        "a page may not connect: if it is yours, add its origin to LINLI_ALLOWED_ORIGINS, "
        "or have the proxy pass on the Host that the browser sent",
        origin=str(origin),
        host=hosts[0] if hosts else "",
    )
    return False
