"""What one worker writes for the hop another one reads, and nothing else is read."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.errors import MalformedHop
from media.wire import hop
from media.wire.codec import Codec
from media.wire.rtp import PAYLOAD_BYTES_MAX
from tests.support.fuzz_examples import examples
from tests.support.hop_messages import counters, messages, names, u16, u32, u64


@examples(40)
@given(messages)
def test_a_message_is_read_as_it_was_written(message: hop.Message) -> None:
    assert hop.parse(hop.write(message)) == message


@examples(20)
@given(u32, counters, st.integers(0, 15), *[st.booleans()] * 3, u16, u32)
def test_a_media_header_is_read_as_it_was_written(
    association: int,
    counter: int,
    layer: int,
    marker: bool,
    padded: bool,
    private: bool,
    number: int,
    time: int,
) -> None:
    datagram = bytearray(hop.MEDIA_HEADER_BYTES) + b"payload"
    flags = layer | hop.MARKER * marker | hop.PADDED * padded | hop.PRIVATE * private
    hop.write_media_header(datagram, association, counter, flags, number, time)
    read = hop.media_header(bytes(datagram))
    assert read == (association, counter, layer, marker, padded, private, number, time)
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


def test_a_live_with_too_many_layers_or_a_track_twice_is_malformed() -> None:
    track = hop.Format("video", Codec("H264", 96, 90_000), tuple(map(str, range(17))))
    for tracks in ((track,), (replace(track, rids=("",)),) * 2, ()):
        with pytest.raises(MalformedHop):
            hop.parse(hop.write(hop.Formats(1, tracks)))


def test_the_longest_payload_fits_one_datagram_of_ethernet() -> None:
    assert hop.MEDIA_HEADER_BYTES + PAYLOAD_BYTES_MAX + 16 <= 1_472
    assert hop.MEDIA_HEADER_BYTES <= 20
