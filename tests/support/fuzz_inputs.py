"""Hypothesis strategies for what comes from outside: nearly good, or anything."""

import struct
from collections.abc import Sequence

from hypothesis import strategies as st

from media.wire import stun


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
