"""Hostile bytes, from peers and from elsewhere: counted, bounded, and without effect on others."""

import socket
import time

from media.io.webrtc.intake import (
    FEEDBACK_PER_S_MAX,
    SOURCES_MAX,
    UNKNOWN_PER_S_MAX,
    _limited_as,
)
from media.io.webrtc.plane import MediaPlane
from media.io.webrtc.session import Direction
from tests.support.media_peers import host, loopback_candidates, next_frame, viewer
from tests.support.media_plane import ROOM, live, plane, playing, publishing
from tests.support.waiting import wait_until

__all__ = ["loopback_candidates", "plane"]


async def test_hostile_datagrams_are_counted_and_change_nothing(plane: MediaPlane) -> None:
    stun_request = bytes.fromhex("000100002112a442") + bytes(12)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as attacker:
        for datagram in (
            b"",
            b"x",
            bytes(2_000),
            stun_request,
            bytes.fromhex("16feff") + bytes(50),
            bytes.fromhex("80600001") + bytes(20),
            bytes.fromhex("80c80001") + bytes(20),
        ):
            attacker.sendto(datagram, ("127.0.0.1", plane.port))
    await wait_until(lambda: sum(plane.stats().rejected.values()) == 7, what="seven refusals")
    assert plane.stats().rejected == {"unknown": 5, "stun": 2}


async def test_a_peer_with_another_certificate_gets_no_media(plane: MediaPlane) -> None:
    async def negotiate(offer: str) -> str:
        forged = "\r\n".join(
            line[:-2] + "00" if line.startswith("a=fingerprint:") else line
            for line in offer.split("\r\n")
        )
        return (await plane.publish(ROOM, forged, takeover=True)).answer

    async with host(negotiate):
        await wait_until(lambda: plane.stats().rejected.get("dtls"), what="the refusal")
        assert plane.stats().sessions_publish == 0


async def test_datagrams_of_an_unknown_address_are_limited(plane: MediaPlane) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.connect(("127.0.0.1", plane.port))

        def flooded() -> bool:
            # Again and again: a slow machine takes more than a second for the first of them.
            for _ in range(UNKNOWN_PER_S_MAX + 200):
                stranger.send(bytes(20))
            return plane.stats().rejected.get("flood", 0) > 0

        began_s = time.monotonic()
        await wait_until(flooded, what="the limit", poll_s_max=0.01)
        seconds = time.monotonic() - began_s
    assert plane.stats().rejected["stun"] <= UNKNOWN_PER_S_MAX * (seconds + 2)
    async with host(publishing(plane)):
        await wait_until(lambda: live(plane), what="a live all the same")


def test_addresses_of_one_ipv6_network_are_limited_as_one() -> None:
    first, second = ("2001:db8:1:2::7", 1, 0, 0), ("2001:db8:1:2:ffff::9", 2, 0, 0)
    assert _limited_as(first) == _limited_as(second) != _limited_as(("2001:db8:1:3::7", 1, 0, 0))
    mapped, other = ("::ffff:192.0.2.1", 1, 0, 0), ("::ffff:192.0.2.2", 1, 0, 0)
    assert _limited_as(mapped) != _limited_as(other), "IPv4 addresses are apart"
    assert _limited_as(("192.0.2.1", 1)) != _limited_as(("192.0.2.2", 1))


async def test_ssrcs_of_a_peer_are_limited(plane: MediaPlane) -> None:
    """Each SSRC that its key has signed costs memory in libsrtp."""
    async with host(publishing(plane)) as peer:
        await wait_until(lambda: live(plane), what="the live")
        sender = next(one for one in peer.getSenders() if one.kind == "audio")
        source = plane._lives.by_room[ROOM].source
        assert source
        session = plane.session(source.id, ROOM, Direction.PUBLISH)
        protect, outgoing = sender.transport._tx_srtp.protect, sender.transport.transport
        for ssrc in range(1_000, 1_000 + 2 * SOURCES_MAX):
            packet = b"\x80\x6f\x00\x01\x00\x00\x00\x01" + ssrc.to_bytes(4, "big") + b"audio"
            await outgoing._send(protect(packet))
        await wait_until(lambda: plane.stats().rejected.get("sources", 0) > 0, what="the limit")
        assert len(session.sources) == SOURCES_MAX
        async with viewer(playing(plane)) as layers:
            await next_frame(layers["video"])


async def test_feedback_and_datagram_length_of_a_peer_are_limited(
    plane: MediaPlane,
) -> None:
    async with host(publishing(plane)) as peer:
        await wait_until(lambda: live(plane), what="the live")
        outgoing = peer.getSenders()[0].transport.transport
        await outgoing._send(bytes.fromhex("80600001") + bytes(1_700))
        await wait_until(lambda: plane.stats().rejected == {"srtp": 1}, what="the refusal")
        for _ in range(2 * FEEDBACK_PER_S_MAX):
            await outgoing._send(bytes.fromhex("81c90001") + bytes(20))
        await wait_until(lambda: plane.stats().rejected.get("flood", 0) > 0, what="the limit")
        async with viewer(playing(plane)) as layers:
            await next_frame(layers["video"])
