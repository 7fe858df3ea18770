"""Only what another platform's RTMP address looks like is taken as a target."""

import pytest

from media.errors import BadTarget
from media.wire.rtmp_url import is_ip_address, is_public, push_target


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        ("rtmp://live.example.com/app", "live.example.com", 1_935),
        ("rtmps://live.example.com/app/", "live.example.com", 443),
        ("rtmp://192.0.2.1:1936/a/b", "192.0.2.1", 1_936),
        ("rtmp://[2001:db8::1]/app", "2001:db8::1", 1_935),
    ],
)
def test_an_address_has_a_host_a_port_and_an_application(
    address: str, host: str, port: int
) -> None:
    target = push_target(address, "key?a=b&c=d")
    assert (target.host, target.port) == (host, port)
    assert target.address == address.rstrip("/") and target.key == "key?a=b&c=d"
    assert "key?" not in repr(target), "logs and tracebacks do not have the key"


@pytest.mark.parametrize(
    "address",
    [
        "http://live.example.com/app",
        "file:///etc/passwd",
        "rtmp://",
        "rtmp:///app",
        "rtmp://host",
        "rtmp://user:pass@host/app",
        "rtmp://host/app?x=1",
        "rtmp://host:99999/app",
        "rtmp://host:0/app",
        "rtmp://host/a b",
        "rtmp://host/app\nrtmp://other/app",
        "rtmp://[::1/app",
        "rtmp://host/" + "a" * 600,
        "",
    ],
)
def test_another_is_refused(address: str) -> None:
    with pytest.raises(BadTarget):
        push_target(address, "key")


@pytest.mark.parametrize("key", ["", "a b", "a\r\nb", "k" * 301, "鍵"])
def test_a_key_is_one_word(key: str) -> None:
    with pytest.raises(BadTarget):
        push_target("rtmp://host/app", key)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("192.168.1.1", False),
        ("172.16.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("name", False),
    ],
)
def test_our_own_network_is_not_public(address: str, public: bool) -> None:
    assert is_public(address) == public
    assert is_ip_address(address) == (address != "name")
