"""Any input on the UDP port, from hosts, viewers and strangers, leaves the live served.

The plane is driven from the outside with the keys of a host and a viewer, so that input is fuzzed
both before and behind the encryption.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pytest
from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from loadtest.clients.dtls import DtlsClient
from media.io.webrtc.plane import MediaPlane, PlaneConfig
from media.io.webrtc.session import Direction
from media.wire.rtcp import negative_acknowledgement
from tests.support.fuzz_examples import examples
from tests.support.fuzz_inputs import rtcp_packets, rtp_bodies, stun_attributes, stun_request
from tests.support.fuzz_peers import CONTEXT, Peer
from tests.support.sdp_offers import OFFER
from tests.support.waiting import wait_until

ROOM = "demo"
HOST_OFFER = OFFER.replace("AA:BB", CONTEXT.fingerprint)
VIEWER_OFFER = HOST_OFFER.replace("sendonly", "recvonly")
AUDIO, VIDEO = 111, 96  # payload types of the offer
SSRCS = {AUDIO: 0xA, VIDEO: 0xB}
KEY_FRAME = b"\x65" + bytes(40)


@dataclass
class FuzzedLive:
    """A live with its host and a viewer, all in this process."""

    plane: MediaPlane
    host: Peer
    viewer: Peer
    errors: list[dict[str, Any]]  # of the event loop
    next_number: dict[int, int] = field(default_factory=dict)

    def send_frame(self, payload_type: int, payload: bytes, jump: int = 0) -> None:
        """Send the host's next packet, with its sequence number shifted by `jump`."""
        self.send_header(0x80, 0x80 | payload_type, SSRCS[payload_type], payload, jump)

    def send_header(self, first: int, second: int, ssrc: int, rest: bytes, jump: int = 0) -> None:
        """Send the host's next packet of stream `ssrc` with any first bytes."""
        number = self.next_number.get(ssrc, 1_000)
        self.next_number[ssrc] = number + 1
        timestamp, sequence = number * 3_000 & 0xFFFFFFFF, number + jump & 0xFFFF
        self.host.send_media(struct.pack("!BBHII", first, second, sequence, timestamp, ssrc) + rest)

    async def assert_served(self) -> None:
        """Assert that nothing failed inside, and that host and viewer are still served."""
        await self.host.ask()
        await self.viewer.ask()
        assert self.errors == []


@pytest.fixture
async def live() -> AsyncIterator[FuzzedLive]:
    errors: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, what: errors.append(what))
    plane = await MediaPlane.open(PlaneConfig(addresses=("127.0.0.1",)))
    host = Peer((await plane.publish(ROOM, HOST_OFFER, takeover=True)).answer)
    await host.shake_hands()
    live = FuzzedLive(plane, host, host, errors)
    for _ in range(2):
        live.send_frame(VIDEO, KEY_FRAME)
    await wait_until(lambda: plane.is_live(ROOM), what="the live")
    live.viewer = Peer((await plane.play(ROOM, VIEWER_OFFER)).answer)
    await live.viewer.shake_hands()
    yield live
    host.close()
    live.viewer.close()
    await plane.close()


firsts = st.sampled_from([0, 1, 3, 20, 22, 23, 63, 64, 127, 128, 144, 191, 192, 255])
datagrams = st.binary(max_size=200) | st.builds(
    lambda first, rest: bytes([first]) + rest, firsts, st.binary(max_size=1_500)
)


# Extensions of RFC 8285 behind a header: profile, length in words, and what may be elements.
extended = st.builds(
    lambda profile, words, rest: struct.pack("!HH", profile, words) + rest,
    st.sampled_from([0xBEDE, 0x1000, 0x1001, 0]),
    st.integers(0, 6),
    st.binary(max_size=80),
)


@examples(60)
@given(sent=st.lists(datagrams, max_size=20), whose=st.sampled_from(["stranger", "host", "viewer"]))
async def test_any_datagrams_from_any_address_change_nothing(
    live: FuzzedLive, sent: list[bytes], whose: str
) -> None:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as stranger:
        for datagram in sent:
            if whose == "stranger":
                stranger.sendto(datagram, ("127.0.0.1", live.plane.port))
            else:
                (live.host if whose == "host" else live.viewer).send(datagram)
    await live.assert_served()


@examples(60)
@given(extra=st.lists(stun_attributes, max_size=5), kept=st.booleans())
async def test_any_signed_checks_of_a_peer_change_nothing(
    live: FuzzedLive, extra: list[list[tuple[int, bytes, int]]], kept: bool
) -> None:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as elsewhere:
        for one in extra:
            check = signed_check(live.viewer, one)
            if kept:
                live.viewer.send(check)
            else:
                elsewhere.sendto(check, ("127.0.0.1", live.plane.port))
        live.viewer.send(signed_check(live.viewer, [(0x0025, b"", 0)]))
    await live.assert_served()


@examples(100)
@given(
    packets=st.lists(
        st.tuples(
            st.sampled_from(list(SSRCS)),
            rtp_bodies | st.binary(max_size=1_200),
            st.just(0) | st.integers(-5, 20) | st.integers(-0x8000, 0x8000),
        ),
        max_size=20,
    )
)
async def test_any_payload_of_a_host_is_forwarded_or_dropped(
    live: FuzzedLive, packets: list[tuple[int, bytes, int]]
) -> None:
    for payload_type, payload, jump in packets:
        live.send_frame(payload_type, payload, jump)
    await live.assert_served()


@examples(100)
@given(
    packets=st.lists(
        st.tuples(
            st.sampled_from([0x80, 0x81, 0x90, 0xA0, 0xB1, 0xBF, 0x40]),
            st.sampled_from([AUDIO, VIDEO, 0x80 | AUDIO, 0x80 | VIDEO]) | st.integers(0, 0xFF),
            st.sampled_from(list(SSRCS.values())) | st.integers(0, 0xFFFFFFFF),
            st.binary(max_size=80) | extended,
        ),
        max_size=20,
    )
)
async def test_any_rtp_header_under_a_hosts_key_changes_nothing(
    live: FuzzedLive, packets: list[tuple[int, int, int, bytes]]
) -> None:
    for packet in packets:
        live.send_header(*packet)
    await live.assert_served()


@examples(60)
@given(
    lost=st.lists(st.integers(-3_000, 50) | st.integers(-20, 5), min_size=1, max_size=60),
    which=st.integers(0, 1),
)
async def test_any_nack_of_a_viewer_is_answered_or_ignored(
    live: FuzzedLive, lost: list[int], which: int
) -> None:
    numbers = {live.viewer.newest + number & 0xFFFF for number in lost}
    live.send_frame(VIDEO, KEY_FRAME)
    live.viewer.send_control(negative_acknowledgement(live.viewer.ssrcs[which], numbers))
    await live.assert_served()


@examples(100)
@given(
    reports=st.lists(st.lists(rtcp_packets([0]), min_size=1, max_size=4).map(b"".join), max_size=8),
    whose=st.sampled_from(["host", "viewer"]),
    which=st.integers(0, 3),
)
async def test_any_rtcp_under_a_peers_key_changes_nothing(
    live: FuzzedLive, reports: list[bytes], whose: str, which: int
) -> None:
    """SSRC 0 in a packet is replaced by one of the live."""
    ssrcs = [*live.viewer.ssrcs, *SSRCS.values()]
    ssrc = struct.pack("!I", ssrcs[which % len(ssrcs)])
    peer = live.host if whose == "host" else live.viewer
    live.send_frame(VIDEO, KEY_FRAME)
    for report in reports:
        peer.send_control(report.replace(bytes(4), ssrc))
    await live.assert_served()


@examples(60)
@given(
    cuts=st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 20), st.binary(max_size=20)), max_size=6
    ),
    junk=st.lists(st.binary(max_size=300).map(lambda rest: b"\x16\xfe\xfd" + rest), max_size=3),
    passive=st.booleans(),
)
async def test_any_dtls_handshake_completes_or_fails(
    live: FuzzedLive, cuts: list[tuple[float, int, bytes]], junk: list[bytes], passive: bool
) -> None:
    """A new viewer's first flight with pieces replaced; a `passive` one waits for the server's."""
    offer = VIEWER_OFFER.replace("actpass", "passive") if passive else VIEWER_OFFER
    info = await live.plane.play(ROOM, offer)
    with closing(Peer(info.answer.replace("setup:active", "setup:passive"))) as peer:
        await peer.ask()
        flight = DtlsClient(CONTEXT, peer.remote.fingerprint)
        flight.start()
        [hello] = flight.datagrams()
        for where, size, new in cuts:
            at = round(where * len(hello))
            peer.send(hello[:at] + new + hello[at + size :])
        for datagram in junk:
            peer.send(datagram)
        await live.assert_served()
    if live.plane.viewers(ROOM) > 1:
        await live.plane.close_session(info.id, ROOM, Direction.PLAY)


def signed_check(peer: Peer, extra: list[tuple[int, bytes, int]]) -> bytes:
    """A check with more attributes, signed with the password that both sides know."""
    name = f"{peer.remote.ufrag}:peer".encode()
    check = stun_request([(0x0006, name, 0), *extra])
    integrity = stun.message_integrity(check, peer.remote.password.encode())
    return stun.set_body_length(check, len(check) - 20 + 24) + struct.pack("!HH", 8, 20) + integrity
