"""The environment's proxy is for the world outside, not for this machine."""

import pytest

from loadtest.clients.proxies import uses_proxy


@pytest.mark.parametrize(
    ("url", "uses"),
    [
        ("http://127.0.0.1:8080/live/demo/whip", False),
        ("http://[::1]:8080", False),
        ("ws://localhost:8080/ws", False),
        ("https://shop.localhost", False),
        ("https://shop.example/live/demo/whip", True),
        ("http://192.0.2.7:8080", True),
    ],
)
def test_this_machine_is_asked_without_a_proxy(url: str, uses: bool) -> None:
    assert uses_proxy(url) is uses
