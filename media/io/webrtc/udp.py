"""The one UDP socket of a worker, and the addresses at which it can be reached."""

import socket
from collections.abc import Sequence

import ifaddr

BUFFER_BYTES = 8 << 20
_SO_RCVBUFFORCE = 33
_SO_SNDBUFFORCE = 32


def open_socket(port: int) -> socket.socket:
    """Bind `port` (0: any) on all IPv4 addresses, with large buffers.

    Raises:
        OSError: The port is taken.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        for forced, plain in (
            (_SO_RCVBUFFORCE, socket.SO_RCVBUF),
            (_SO_SNDBUFFORCE, socket.SO_SNDBUF),
        ):
            try:
                sock.setsockopt(socket.SOL_SOCKET, forced, BUFFER_BYTES)
            except OSError:  # needs CAP_NET_ADMIN; without it the kernel's limit applies
                sock.setsockopt(socket.SOL_SOCKET, plain, BUFFER_BYTES)
        sock.setblocking(False)
        sock.bind(("0.0.0.0", port))
    except BaseException:
        sock.close()
        raise
    return sock


def candidate_addresses(configured: Sequence[str]) -> list[str]:
    """Return the addresses to offer: those configured, or all local IPv4 ones, 127.0.0.1 last."""
    if configured:
        return list(configured)
    found = [
        address.ip
        for adapter in ifaddr.get_adapters()
        for address in adapter.ips
        if isinstance(address.ip, str) and not address.ip.startswith("127.")
    ]
    return [*dict.fromkeys(found), "127.0.0.1"]
