"""Whose request it is, behind proxies of ours and of others."""

import pytest

from server.net.addresses import Proxies, limit_key


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "client"),
    [
        (["10.0.0.0/8"], "10.0.0.1", ["6.6.6.6, 7.7.7.7"], "7.7.7.7"),
        (["10.0.0.0/8"], "10.0.0.1", ["6.6.6.6, 7.7.7.7, 10.2.2.2"], "7.7.7.7"),
        (["10.0.0.0/8"], "10.0.0.1", ["6.6.6.6", "7.7.7.7"], "7.7.7.7"),
        (["10.0.0.0/8"], "9.9.9.9", ["6.6.6.6"], "9.9.9.9"),
        (["10.0.0.0/8"], "10.0.0.1", [], "10.0.0.1"),
        (["10.0.0.0/8"], "10.0.0.1", ["6.6.6.6, unknown"], "10.0.0.1"),
        (["10.0.0.0/8"], "10.0.0.1", ["6.6.6.6, <script>, 10.0.0.9"], "10.0.0.9"),
        (["10.0.0.0/8"], "10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        (["127.0.0.1"], "::ffff:127.0.0.1", ["7.7.7.7:55555"], "7.7.7.7"),
        (["fd00::/8", "127.0.0.1"], "fd00::1", ['"[2001:db8::7]:443"'], "2001:db8::7"),
        (["2"], "10.0.0.1", ["5.5.5.5, 6.6.6.6, 7.7.7.7"], "6.6.6.6"),
        (["2"], "10.0.0.1", ["7.7.7.7"], "10.0.0.1"),
        ([], "10.0.0.1", ["7.7.7.7"], "10.0.0.1"),
    ],
)
def test_the_client_is_the_last_address_that_no_proxy_of_ours_has(
    trusted: list[str], peer: str, forwarded: list[str], client: str
) -> None:
    assert Proxies.parse(trusted).client(peer, forwarded) == client


@pytest.mark.parametrize("value", ["yes", "proxy.example", "10.0.0.0/99", "99"])
def test_what_names_no_proxy_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="prox"):
        Proxies.parse([value])


def test_an_ipv6_household_has_one_limit_and_an_ipv4_client_its_own() -> None:
    assert limit_key("2001:db8:1:2::7") == limit_key("2001:db8:1:2:ffff::9") != limit_key("::1")
    assert limit_key("::ffff:7.7.7.7") == limit_key("7.7.7.7") == "7.7.7.7"
    assert limit_key("fe80::1%eth0") == "fe80::/64"
    assert limit_key("") == "unknown"
