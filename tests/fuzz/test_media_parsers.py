"""Every parser of outside bytes in media raises its documented error or nothing."""

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from media import rtcp, rtp, stun
from media.demux import Kind, kind_of
from media.errors import BadOffer, Malformed
from media.sdp import parse_offer

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
EXAMPLES = 300


def mutated(text: str) -> st.SearchStrategy[str]:
    """`text` with a piece replaced by something else."""
    return st.builds(
        lambda at, length, new: text[:at] + new + text[at + length :],
        st.integers(0, len(text)),
        st.integers(0, 40),
        st.text(max_size=20),
    )


@settings(max_examples=EXAMPLES)
@given(st.binary(max_size=200))
def test_any_datagram_is_of_some_kind(raw: bytes) -> None:
    assert kind_of(raw) in Kind


@settings(max_examples=EXAMPLES)
@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda b: b"\x00\x01" + b))
def test_any_bytes_are_stun_or_malformed(raw: bytes) -> None:
    with contextlib.suppress(Malformed):
        stun.parse_request(raw).authentic(b"password")


@settings(max_examples=EXAMPLES)
@given(st.binary(max_size=100).map(lambda b: b"\x80" + b) | st.binary(max_size=100))
def test_any_bytes_are_rtp_or_malformed(raw: bytes) -> None:
    with contextlib.suppress(Malformed):
        packet = rtp.parse(raw)
        rtp.starts_key_frame("H264", packet.payload)
        rtp.starts_key_frame("VP8", packet.payload)


@settings(max_examples=EXAMPLES)
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


@settings(max_examples=EXAMPLES)
@given(mutated(OFFER) | st.text(max_size=300) | st.text(max_size=300).map(lambda t: "v=0\r\n" + t))
def test_any_text_is_an_offer_or_a_bad_one(text: str) -> None:
    with contextlib.suppress(BadOffer):
        assert parse_offer(text, "publish").sections


def test_the_offer_that_is_mutated_is_good() -> None:
    assert [section.kind for section in parse_offer(OFFER, "publish").sections] == [
        "audio",
        "video",
    ]
