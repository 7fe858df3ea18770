"""Every parser of outside bytes in media raises its documented errors only."""

import contextlib
import struct
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from media.errors import BadFragment, BadOffer, Malformed
from media.wire import rtcp, rtp, sdp, stun
from media.wire.codec import Codec
from media.wire.demux import Kind, kind_of
from media.wire.sdp import parse_offer
from media.wire.sdpfrag import parse_fragment
from media.wire.transport_cc import STATUS_COUNT_MAX, TransportFeedback
from tests.support.fuzz_examples import examples

OFFER = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=mid:0
a=sendonly
a=rtcp-mux
a=ice-ufrag:abcd
a=ice-pwd:0123456789012345678901
a=fingerprint:sha-256 AA:BB
a=setup:actpass
a=rtpmap:111 opus/48000/2
m=video 9 UDP/TLS/RTP/SAVPF 96
c=IN IP4 0.0.0.0
a=mid:1
a=sendonly
a=rtcp-mux
a=ice-ufrag:abcd
a=ice-pwd:0123456789012345678901
a=fingerprint:sha-256 AA:BB
a=setup:actpass
a=rtpmap:96 H264/90000
a=fmtp:96 packetization-mode=1;profile-level-id=42e01f
""".replace("\n", "\r\n")
FRAGMENT = """a=ice-ufrag:abcd
a=ice-pwd:0123456789012345678901
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=mid:0
a=candidate:1 1 udp 2130706431 192.0.2.1 61764 typ host
a=candidate:2 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active
a=end-of-candidates
""".replace("\n", "\r\n")
LOCAL = sdp.Local("ufrag", "0123456789012345678901", "AA:BB", [("192.0.2.1", 8440)])
EXAMPLES = 300


def mutated(text: str) -> st.SearchStrategy[str]:
    """`text` with a few pieces replaced, or its lines dropped and duplicated."""
    cut = st.tuples(st.integers(0, len(text)), st.integers(0, 40), st.text(max_size=20) | _numbers)
    lines = st.lists(st.sampled_from(text.splitlines(keepends=True)), max_size=40).map("".join)
    return st.lists(cut, min_size=1, max_size=4).map(lambda cuts: _cut(text, cuts)) | lines


_numbers = st.integers(-1, 2**70).map(str)


def _cut(text: str, cuts: Sequence[tuple[int, int, str]]) -> str:
    for at, length, new in cuts:
        text = text[:at] + new + text[at + length :]
    return text


# H.264 units (single, aggregated, in fragments), VP8 descriptors, and anything.
rtp_bodies = st.builds(
    lambda first, rest: bytes(first) + rest,
    st.lists(
        st.sampled_from([0x10, 0x18, 0x1C, 0x41, 0x61, 0x65, 0x67, 0x68, 0x7C, 0x80, 0x85, 0x90])
        | st.integers(0, 255),
        max_size=6,
    ),
    st.binary(max_size=100),
)


def rtcp_packets(ssrcs: Sequence[int]) -> st.SearchStrategy[bytes]:
    """Packets about `ssrcs`: well-formed with any values, or of any type, size and length."""
    ssrc = st.sampled_from([struct.pack("!I", ssrc) for ssrc in ssrcs])
    word = st.binary(min_size=4, max_size=4)
    block = st.builds(bytes.__add__, ssrc, st.binary(min_size=20, max_size=20))
    blocks = st.lists(block, max_size=4)
    about = st.builds(bytes.__add__, word, ssrc)  # sender SSRC, media SSRC
    words = st.lists(word, min_size=1, max_size=20).map(b"".join)
    sized = st.sampled_from([b"REMB\x01", b"REMB\x02", bytes(2) + b"\x00\x08", bytes(2)])
    return st.one_of(
        st.builds(lambda who, about: _report(201, who, about), ssrc, blocks),
        st.builds(
            lambda who, info, about: _report(200, who + info, about),
            ssrc,
            st.binary(min_size=20, max_size=20),
            blocks,
        ),
        st.builds(_rtcp_packet, st.just(205), st.just(1), st.builds(bytes.__add__, about, words)),
        st.builds(_rtcp_packet, st.just(206), st.just(1), about),
        st.builds(
            lambda about, first, count, chunks: _rtcp_packet(
                205, 15, about + struct.pack("!HHI", first, count, 1 << 8) + chunks
            ),
            about,
            st.integers(0, 0xFFFF),
            st.integers(0, 40) | st.integers(0, 0xFFFF),
            words,
        ),
        st.builds(
            lambda kind, count, about, first, rest: _rtcp_packet(
                kind, count, about + (first + rest)[: len(first + rest) & ~3]
            ),
            st.sampled_from([205, 206]),
            st.sampled_from([1, 4, 15]),
            about,
            sized,
            words,
        ),
        st.builds(
            _rtcp_packet,
            st.sampled_from([192, 200, 201, 202, 203, 204, 205, 206, 207, 223]),
            st.integers(0, 63),
            st.lists(ssrc | word, max_size=30).map(b"".join),
            st.just(0) | st.integers(-5, 5),
        ),
    )


def _report(kind: int, head: bytes, blocks: Sequence[bytes]) -> bytes:
    return _rtcp_packet(kind, len(blocks), head + b"".join(blocks))


def _rtcp_packet(kind: int, count: int, body: bytes, length_error: int = 0) -> bytes:
    words = max(0, len(body) // 4 + length_error)
    return bytes([0x80 | count, kind]) + words.to_bytes(2, "big") + body


def stun_request(attributes: Sequence[tuple[int, bytes, int]], cookie: int = stun.COOKIE) -> bytes:
    """A binding request; the third value of an attribute is the error of its length."""
    body = b"".join(
        struct.pack("!HH", kind, max(0, len(value) + length_error)) + value + bytes(-len(value) % 4)
        for kind, value, length_error in attributes
    )
    return struct.pack("!HHI", stun.BINDING_REQUEST, len(body), cookie) + bytes(12) + body


stun_attributes = st.lists(
    st.tuples(
        st.sampled_from([0x0006, 0x0008, 0x0020, 0x0024, 0x0025, 0x8028, 0x802A])
        | st.integers(0, 0xFFFF),
        st.binary(max_size=40) | st.binary(min_size=20, max_size=20),
        st.just(0) | st.integers(-3, 3),
    ),
    max_size=6,
)


@examples(EXAMPLES)
@given(st.binary(max_size=200))
def test_any_datagram_has_a_kind(raw: bytes) -> None:
    assert kind_of(raw) in Kind


@examples(EXAMPLES)
@given(
    st.binary(max_size=200)
    | st.binary(max_size=200).map(lambda b: b"\x00\x01" + b)
    | st.binary(max_size=200).map(lambda b: b"\x01\x01" + b)
)
def test_any_bytes_are_stun_or_malformed(raw: bytes) -> None:
    with contextlib.suppress(Malformed):
        stun.parse(raw).authentic(b"password")


@examples(EXAMPLES)
@given(stun_attributes, st.just(stun.COOKIE) | st.integers(0, 0xFFFFFFFF))
def test_any_attributes_are_a_check_or_malformed(
    attributes: list[tuple[int, bytes, int]], cookie: int
) -> None:
    with contextlib.suppress(Malformed):
        request = stun.parse(stun_request(attributes, cookie))
        assert not request.authentic(b"password")
        request.ufrag.encode("ascii")


@examples(EXAMPLES)
@given(st.binary(max_size=100).map(lambda b: b"\x80" + b) | st.binary(max_size=100))
def test_any_bytes_are_rtp_or_malformed(raw: bytes) -> None:
    with contextlib.suppress(Malformed):
        packet = rtp.parse(raw)
        rtp.starts_key_frame("H264", packet.payload)
        rtp.starts_key_frame("VP8", packet.payload)
        original = rtp.original_of(packet, 96)
        assert (original is None) == (len(packet.payload) < 2)


@examples(EXAMPLES)
@given(
    st.binary(max_size=100),
    st.sampled_from([200, 201, 202, 203, 205, 206]),
    st.integers(0, 31),
    st.integers(0, 30),
)
def test_any_bytes_are_rtcp_or_malformed(body: bytes, kind: int, count: int, words: int) -> None:
    for raw in (body, bytes([0x80 | count, kind]) + words.to_bytes(2, "big") + body):
        with contextlib.suppress(Malformed):
            for packet in rtcp.parse(raw):
                rtcp.is_key_frame_request(packet)
                rtcp.lost_packets(packet)


@examples(EXAMPLES)
@given(rtp_bodies)
def test_any_payload_is_a_key_frame_or_not(payload: bytes) -> None:
    for codec in ("H264", "VP8"):
        assert rtp.starts_key_frame(codec, payload) in (True, False)
    assert rtp.sets_parameters(payload) in (True, False)


@examples(EXAMPLES)
@given(st.lists(rtcp_packets([1, 2]), max_size=6).map(b"".join))
def test_any_compound_is_rtcp_or_malformed(raw: bytes) -> None:
    with contextlib.suppress(Malformed):
        for packet in rtcp.parse(raw):
            rtcp.is_key_frame_request(packet)
            assert all(0 <= number <= 0xFFFF for number in rtcp.lost_packets(packet))
            list(rtcp.report_blocks(packet))
            if isinstance(packet, TransportFeedback):
                assert 0 <= packet.first <= 0xFFFF
                assert 0 <= packet.last < packet.packets <= STATUS_COUNT_MAX
                assert 0 < packet.received <= packet.packets


@examples(EXAMPLES)
@given(mutated(OFFER) | st.text(max_size=300) | st.text(max_size=300).map(lambda t: "v=0\r\n" + t))
def test_any_text_is_an_offer_or_a_bad_one(text: str) -> None:
    with contextlib.suppress(BadOffer):
        offer = parse_offer(text, "publish")
        chosen = list(sdp.choose_published(offer).values())
        assert sdp.answer(offer, LOCAL, chosen, "publish").startswith("v=0\r\n")


@examples(EXAMPLES)
@given(mutated(OFFER.replace("sendonly", "recvonly")), st.sampled_from(["H264", "VP8"]))
def test_any_text_is_a_viewers_offer_or_a_bad_one(text: str, codec: str) -> None:
    live = {"video": Codec(codec, 96, 90_000), "audio": Codec("opus", 111, 48_000)}
    with contextlib.suppress(BadOffer):
        offer = parse_offer(text, "play")
        chosen = sdp.choose_played(offer, live, {"video": 1, "audio": 2}, layers=3)
        assert sdp.answer(offer, LOCAL, chosen, "play").startswith("v=0\r\n")


@examples(EXAMPLES)
@given(mutated(FRAGMENT) | st.text(max_size=300))
def test_any_text_is_a_fragment_or_a_bad_one(text: str) -> None:
    with contextlib.suppress(BadFragment):
        fragment = parse_fragment(text)
        assert (fragment.ufrag is None) == (fragment.password is None)


def test_the_unmutated_fragment_is_valid() -> None:
    assert parse_fragment(FRAGMENT).candidates == 2


def test_the_unmutated_offer_is_valid() -> None:
    assert [section.kind for section in parse_offer(OFFER, "publish").sections] == [
        "audio",
        "video",
    ]
