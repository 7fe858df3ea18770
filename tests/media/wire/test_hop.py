"""What one worker writes for the hop another one reads, and nothing else is read."""

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.errors import MalformedHop
from media.wire import hop
from media.wire.codec import Codec
from media.wire.rtp import PAYLOAD_BYTES_MAX
from tests.support.fuzz_examples import examples

u16, u32, u64 = (st.integers(0, (1 << bits) - 1) for bits in (16, 32, 64))
counters = st.integers(0, hop.COUNTER_MAX)
names = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=16)
codecs = st.builds(
    Codec, st.sampled_from(["H264", "VP8", "opus"]), st.integers(0, 127), st.integers(1, 1 << 31),
    st.text(max_size=60),
)  # fmt: skip
rids = st.lists(names | st.just(""), min_size=1, max_size=3, unique=True).map(tuple)
formats = st.builds(
    hop.Formats,
    st.integers(1, 0xFFFF),
    st.tuples(st.builds(hop.Format, st.just("audio"), codecs, rids))
    | st.tuples(
        st.builds(hop.Format, st.just("audio"), codecs, rids),
        st.builds(hop.Format, st.just("video"), codecs, rids),
    ),
)
states = st.builds(
    hop.State, st.booleans(), st.booleans(), u16, u32,
    st.lists(
        st.builds(hop.LayerState, st.booleans(), u32, u16, u16, st.tuples(u64, u32)), max_size=16
    ).map(tuple),
)  # fmt: skip
messages: st.SearchStrategy[hop.Message] = st.one_of(
    st.builds(hop.Wants, u32, u16, u16, u16),
    st.builds(hop.Nack, st.integers(0, 15), st.lists(u16, max_size=50).map(tuple)),
    st.builds(hop.Bye),
    st.builds(hop.Gone),
    formats,
    states,
)


@examples(40)
@given(messages)
def test_a_message_is_read_as_it_was_written(message: hop.Message) -> None:
    assert hop.parse(hop.write(message)) == message


@examples(20)
@given(u32, counters, st.integers(0, 15), st.booleans(), st.booleans(), u16, u32)
def test_a_media_header_is_read_as_it_was_written(
    association: int, counter: int, layer: int, marker: bool, padded: bool, number: int, time: int
) -> None:
    datagram = bytearray(hop.MEDIA_HEADER_BYTES) + b"payload"
    flags = layer | hop.MARKER * marker | hop.PADDED * padded
    hop.write_media_header(datagram, association, counter, flags, number, time)
    read = hop.media_header(bytes(datagram))
    assert read == (association, counter, layer, marker, padded, number, time)
    assert hop.kind_of(bytes(datagram)) == hop.MEDIA


@examples(20)
@given(u32, counters)
def test_a_control_header_is_read_as_it_was_written(association: int, counter: int) -> None:
    header = hop.write_control_header(association, counter)
    assert hop.control_header(header + b"B") == (association, counter)


@examples(20)
@given(u32, u32, st.binary(min_size=16, max_size=16))
def test_the_first_packets_are_read_as_they_were_written(
    association: int, key_id: int, salt: bytes
) -> None:
    hello = hop.HelloHeader(association, key_id, salt)
    assert hop.hello_header(hop.write_hello_header(hello) + b"body") == hello
    welcome = hop.WelcomeHeader(association, salt)
    assert hop.welcome_header(hop.write_welcome_header(welcome)) == welcome


@examples(20)
@given(st.from_regex(r"[0-9a-f]{8}", fullmatch=True), names, u64)
def test_a_hello_is_read_as_it_was_written(worker: str, room_id: str, at_ms: int) -> None:
    hello = hop.Hello(worker, room_id, at_ms)
    assert hop.parse_hello(hop.write_hello(hello)) == hello


@examples(150)
@given(st.binary(max_size=120) | messages.map(hop.write).flatmap(
    lambda raw: st.tuples(st.just(raw), st.integers(0, len(raw)), st.binary(max_size=4))
    .map(lambda parts: parts[0][: parts[1]] + parts[2] + parts[0][parts[1] + 1 :])
))  # fmt: skip
def test_any_bytes_are_of_the_hop_or_malformed(raw: bytes) -> None:
    for read in (
        hop.kind_of, hop.parse, hop.parse_hello, hop.media_header, hop.control_header,
        hop.hello_header, hop.welcome_header, hop.unpadded,
    ):  # fmt: skip
        with contextlib.suppress(MalformedHop):
            read(raw)


def test_a_live_with_too_many_layers_or_a_track_twice_is_malformed() -> None:
    track = hop.Format("video", Codec("H264", 96, 90_000), tuple(map(str, range(17))))
    for tracks in ((track,), (replace(track, rids=("",)),) * 2, ()):
        with pytest.raises(MalformedHop):
            hop.parse(hop.write(hop.Formats(1, tracks)))


def test_the_longest_payload_fits_one_datagram_of_ethernet() -> None:
    assert hop.MEDIA_HEADER_BYTES + PAYLOAD_BYTES_MAX + 16 <= 1_472
    assert hop.MEDIA_HEADER_BYTES <= 20
