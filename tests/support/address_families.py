"""Which address families this kernel has, for tests of both."""

import socket

import pytest


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
