"""The listening socket of HTTP and WebSocket."""

import errno
import socket

from server.errors import OperatorError
from server.settings import Settings

BACKLOG = 2_048
RECEIVE_BUFFER_BYTES = 64 * 1024
"""Of the kernel, per connection: what a client sends and nobody reads yet. Requests are small."""


def listen(settings: Settings, *, shared: bool = False) -> socket.socket:
    """Bind the TCP port before anything else starts, so that a taken port is the first error.

    `::` is every address of both families. `shared`: with other sockets of this node; it takes
    connections from its first `listen` on.

    Raises:
        OperatorError: The port is taken, or the address is none of this machine.
    """
    host, port = settings.host, settings.port
    try:
        [(family, _, _, _, address), *_] = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError):
        raise OperatorError(f"LINLI_HOST: {host!r} is no address of this machine.") from None
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRNOTAVAIL:
            raise OperatorError(f"LINLI_HOST: this machine has no address {host}.") from None
        raise OperatorError(
            f"Port {port} on {host} cannot be opened ({error.strerror}). "
            "Set LINLI_PORT to another one."
        ) from None
    if not shared:
        listener.listen(BACKLOG)
    return listener
