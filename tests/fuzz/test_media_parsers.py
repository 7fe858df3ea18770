"""Every parser of outside bytes in media raises its documented errors only."""

import contextlib

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
from tests.support.fuzz_inputs import (
    mutated,
    rtcp_packets,
    rtp_bodies,
    stun_attributes,
    stun_request,
)
from tests.support.sdp_offers import FRAGMENT, LOCAL, OFFER

EXAMPLES = 300


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
