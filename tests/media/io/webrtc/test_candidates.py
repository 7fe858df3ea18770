"""Which addresses are offered: those configured, by name too, or this machine's own."""

from collections.abc import Sequence

import pytest

from media.errors import Unresolvable
from media.io.webrtc.candidates import Candidates, local_addresses
from media.io.webrtc.plane import MediaPlane, PlaneConfig
from media.wire.address import ip_of
from tests.support.sdp_offers import OFFER
from tests.support.waiting import wait_until

NAME = "media.shop.example"


class Names:
    """A resolver whose answers change."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.asked = 0

    async def __call__(self, name: str) -> Sequence[str]:
        self.asked += 1
        if name != NAME or not self.addresses:
            raise OSError("no such name")
        return self.addresses


async def test_a_name_is_offered_as_its_addresses_of_both_families() -> None:
    names = Names("203.0.113.7", "2001:db8::7")
    plane = await MediaPlane.open(PlaneConfig(addresses=(NAME, "198.51.100.1")), resolve=names)
    try:
        answer = (await plane.publish("demo", OFFER, takeover=True)).answer
    finally:
        await plane.close()
    for address in ("203.0.113.7", "2001:db8::7", "198.51.100.1"):
        assert f" {address} {plane.port} typ host\r\n" in answer
    assert NAME not in answer


async def test_a_name_whose_addresses_change_is_offered_as_the_new_ones() -> None:
    names = Names("203.0.113.7")
    candidates = await Candidates.open([NAME], resolve=names)
    names.addresses = ("203.0.113.8",)
    await candidates.refresh()
    assert candidates.addresses() == ["203.0.113.8"]
    names.addresses = ()
    await candidates.refresh()
    assert candidates.addresses() == ["203.0.113.8"], "the resolver is away"
    await candidates.close()


async def test_names_are_resolved_again_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("media.io.webrtc.candidates.RESOLVE_EVERY_S", 0.001)
    names = Names("203.0.113.7")
    candidates = await Candidates.open([NAME], resolve=names)
    await wait_until(lambda: names.asked >= 3)
    await candidates.close()


async def test_a_name_that_does_not_resolve_ends_the_start() -> None:
    with pytest.raises(Unresolvable, match="no-such-shop"):
        await MediaPlane.open(PlaneConfig(addresses=("no-such-shop",)), resolve=Names())


async def test_without_ipv6_only_ipv4_addresses_of_a_name_are_offered() -> None:
    both = Names("2001:db8::7", "203.0.113.7")
    candidates = await Candidates.open([NAME], ipv6=False, resolve=both)
    assert candidates.addresses() == ["203.0.113.7"]
    await candidates.close()
    with pytest.raises(Unresolvable):
        await Candidates.open([NAME], ipv6=False, resolve=Names("2001:db8::7"))


def test_of_this_machine_no_link_local_address_is_offered_and_loopback_last() -> None:
    found = [ip_of(address) for address in local_addresses(ipv6=True)]
    assert not any(ip.version == 6 and ip.is_link_local for ip in found)
    loopback = [ip.is_loopback for ip in found]
    assert any(loopback) and loopback == sorted(loopback)
    assert all(ip_of(address).version == 4 for address in local_addresses(ipv6=False))
