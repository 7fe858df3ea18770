"""Origins are compared as what they are, not as they are written."""

import pytest

from server.net.origins import Origin


@pytest.mark.parametrize(
    ("origin", "host", "ours"),
    [
        ("https://shop.example", "shop.example", True),
        ("https://shop.example", "shop.example:443", True),
        ("https://shop.example", "shop.example:80", True),
        ("http://shop.example", "shop.example:80", True),
        ("https://SHOP.example", "shop.Example.", True),
        ("https://shop.example:8443", "shop.example:8443", True),
        ("http://[2001:db8::7]:8080", "[2001:DB8::7]:8080", True),
        ("https://邻里.example", "xn--7e4a0u.example", True),
        ("https://shop.example:444", "shop.example", False),
        ("https://shop.example", "shop.example:8443", False),
        ("https://shop.example", "shop.example.evil.example", False),
        ("https://shop.example", "evil@shop.example:x", False),
        ("https://shop.example", "", False),
    ],
)
def test_an_origin_is_of_the_host_that_a_request_names(origin: str, host: str, ours: bool) -> None:
    assert Origin.parse(origin).is_of(host) is ours


def test_an_origin_has_one_form() -> None:
    assert str(Origin.parse("HTTPS://Shop.Example:443/")) == "https://shop.example"
    assert str(Origin.parse("http://[::1]:8080")) == "http://[::1]:8080"


@pytest.mark.parametrize(
    "text",
    ["null", "", "*", "shop.example", "ftp://shop.example", "https://shop.example/live", "https://"]
    + ["http://[::1", "https://a@shop.example", "https://shop.example:99999"],
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Origin.parse(text)
