"""Which address families this kernel has, for tests of both."""

import socket

import pytest

from media.wire.address import Address, ip_of


def has_ipv6_loopback() -> bool:
    """Whether something can be bound at ::1."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6_loopback(), reason="this kernel has no ::1")


def connects(host: str, port: int) -> bool:
    """Whether a TCP port is open at an address."""
    try:
        with socket.create_connection((host, port), timeout=5):
            return True
    except OSError:
        return False


def is_at(address: Address | None, sock: socket.socket) -> bool:
    """Whether a peer's address, as a socket of both families gives it, is where `sock` is."""
    host, port = sock.getsockname()[:2]
    return address is not None and (ip_of(address[0]), address[1]) == (ip_of(host), port)
