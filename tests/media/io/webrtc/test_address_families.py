"""IPv4, IPv6 and both at once, on one socket."""

import errno
import socket

import aioice.ice
import pytest

from media.io.webrtc import udp
from media.io.webrtc.plane import MediaPlane, PlaneConfig
from media.wire.address import ip_of
from tests.support.address_families import needs_ipv6
from tests.support.media_peers import host, loopback_candidates, next_frame, viewer
from tests.support.media_plane import live, playing, publishing
from tests.support.waiting import wait_until

__all__ = ["loopback_candidates"]


@pytest.mark.parametrize("address", ["127.0.0.1", pytest.param("::1", marks=needs_ipv6)])
async def test_peers_of_either_family_publish_and_watch(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: [address])
    plane = await MediaPlane.open(PlaneConfig(addresses=(address,)))
    try:
        async with host(publishing(plane), size=(320, 240)):
            await wait_until(lambda: live(plane), what="the live")
            async with viewer(playing(plane)) as layers:
                for _ in range(3):
                    await next_frame(layers["video"])
                at = {ip_of(session.address[0]) for session in plane._sessions if session.address}
                assert at == {ip_of(address)}
            stats = plane.stats()
    finally:
        await plane.close()
    assert stats.send_errors == 0
    assert stats.gso, "runs of packets are cut by the kernel, whatever the family"
    assert stats.rejected == {}


@needs_ipv6
async def test_hosts_and_viewers_of_different_families_meet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plane = await MediaPlane.open(PlaneConfig(addresses=("127.0.0.1", "::1")))
    try:
        async with host(publishing(plane), size=(48, 32)):
            await wait_until(lambda: live(plane), what="the live")
            monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda *_, **__: ["::1"])
            async with viewer(playing(plane)) as layers:
                await next_frame(layers["video"])
    finally:
        await plane.close()


async def test_a_kernel_without_ipv6_gets_an_ipv4_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    real = udp._open

    def without_ipv6(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return real(family, host, port)

    monkeypatch.setattr(udp, "_open", without_ipv6)
    with udp.open_socket(0) as sock:
        assert sock.family == socket.AF_INET
        with pytest.raises(OSError, match="in use"):
            udp.open_socket(sock.getsockname()[1])


def test_a_port_that_is_taken_for_ipv4_alone_is_an_error() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match="in use"):
            udp.open_socket(other.getsockname()[1])
