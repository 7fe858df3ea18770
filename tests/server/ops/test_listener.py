"""Where the TCP port is open: at one address, or at all of both families."""

import contextlib

import pytest

from server.ops.listener import listen
from server.settings import Settings
from tests.support.address_families import connects, needs_ipv6


@needs_ipv6
@pytest.mark.parametrize(
    ("host", "open_at"),
    [
        ("::", ["127.0.0.1", "::1"]),
        ("::1", ["::1"]),
        ("0.0.0.0", ["127.0.0.1"]),
        ("127.0.0.1", ["127.0.0.1"]),
    ],
)
def test_the_port_is_open_at_the_addresses_of_its_host(host: str, open_at: list[str]) -> None:
    with contextlib.closing(listen(Settings(host=host, port=0))) as listener:
        port = listener.getsockname()[1]
        assert [at for at in ("127.0.0.1", "::1") if connects(at, port)] == open_at
