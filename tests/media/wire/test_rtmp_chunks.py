"""RTMP messages survive any cut into chunks and reads."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.errors import MalformedRtmp
from media.wire.rtmp_chunks import (
    CHUNK_BYTES,
    CHUNK_STREAMS_MAX,
    MESSAGE_BYTES_MAX,
    ChunkReader,
    MessageType,
    RtmpMessage,
    chunks,
)

MESSAGES = st.builds(
    RtmpMessage,
    st.sampled_from([MessageType.AUDIO, MessageType.VIDEO, MessageType.COMMAND]),
    st.just(1),
    st.integers(0, 0xFFFFFFFF),
    st.binary(max_size=700),
)


def read(data: bytes, *, step: int = 1 << 20) -> list[RtmpMessage]:
    reader = ChunkReader()
    return [
        message
        for at in range(0, len(data), step)
        for message in reader.receive(data[at : at + step])
    ]


@given(st.lists(st.tuples(MESSAGES, st.integers(3, 63)), max_size=6), st.integers(1, 400))
def test_messages_survive_any_cut_into_reads(
    sent: list[tuple[RtmpMessage, int]], step: int
) -> None:
    data = b"".join(chunks(message, stream) for message, stream in sent)
    assert read(data, step=step) == [message for message, _ in sent]


@given(st.binary(max_size=400))
def test_garbage_raises_the_documented_error_or_nothing(data: bytes) -> None:
    with contextlib.suppress(MalformedRtmp):
        read(data)


def test_chunks_of_two_streams_may_alternate() -> None:
    video = chunks(RtmpMessage(MessageType.VIDEO, 1, 40, b"v" * 200), 6)
    audio = chunks(RtmpMessage(MessageType.AUDIO, 1, 41, b"a" * 200), 4)
    first = 12 + CHUNK_BYTES
    mixed = video[:first] + audio[:first] + video[first:] + audio[first:]
    assert [(message.type, message.timestamp) for message in read(mixed)] == [
        (MessageType.VIDEO, 40),
        (MessageType.AUDIO, 41),
    ]


def test_deltas_add_up_and_a_bare_header_repeats_the_delta() -> None:
    start = chunks(RtmpMessage(MessageType.AUDIO, 1, 1_000, b"0"), 4)
    delta = b"\x44" + (20).to_bytes(3, "big") + (1).to_bytes(3, "big") + b"\x08" + b"1"
    shorter = b"\x84" + (30).to_bytes(3, "big") + b"2"
    bare = b"\xc4" + b"3"
    stamps = [message.timestamp for message in read(start + delta + shorter + bare)]
    assert stamps == [1_000, 1_020, 1_050, 1_080]


def test_a_bare_header_after_a_full_one_keeps_its_time() -> None:
    start = chunks(RtmpMessage(MessageType.AUDIO, 1, 1_000, b"0"), 4)
    assert [message.timestamp for message in read(start + b"\xc41")] == [1_000, 1_000]


def test_extended_time_may_be_left_out_of_continuations() -> None:
    """OBS before 28 leaves it out, FFmpeg repeats it."""
    message = RtmpMessage(MessageType.VIDEO, 1, 20_000_000, bytes([7]) * (CHUNK_BYTES + 50))
    repeated = chunks(message, 6)
    at = 16 + CHUNK_BYTES + 1
    left_out = repeated[:at] + repeated[at + 4 :]
    assert read(repeated) == read(left_out) == [message]


def test_a_larger_chunk_size_counts_from_the_next_chunk() -> None:
    size = chunks(RtmpMessage(MessageType.SET_CHUNK_SIZE, 0, 0, (4_096).to_bytes(4, "big")), 2)
    message = RtmpMessage(MessageType.VIDEO, 1, 0, b"v" * 3_000)
    assert read(size + chunks(message, 6, 4_096)) == [message]


def test_an_aborted_message_is_dropped() -> None:
    begun = chunks(RtmpMessage(MessageType.VIDEO, 1, 0, b"v" * 300), 6)[: 12 + CHUNK_BYTES]
    abort = chunks(RtmpMessage(MessageType.ABORT, 0, 0, (6).to_bytes(4, "big")), 2)
    whole = RtmpMessage(MessageType.VIDEO, 1, 40, b"w" * 300)
    assert read(begun + abort + chunks(whole, 6)) == [whole]


def test_chunk_streams_from_64_on_are_read() -> None:
    plain = chunks(RtmpMessage(MessageType.AUDIO, 1, 5, b"a"), 4)
    for head in (b"\x00\x00", b"\x01\x00\x01"):  # 64 and 320
        [message] = read(head + plain[1:])
        assert message.payload == b"a"


def test_what_was_received_is_acknowledged_once_per_window() -> None:
    window = (1_000).to_bytes(4, "big")
    reader = ChunkReader()
    reader.receive(chunks(RtmpMessage(MessageType.WINDOW_ACKNOWLEDGEMENT_SIZE, 0, 0, window), 2))
    assert reader.acknowledgement_due() is None
    reader.receive(chunks(RtmpMessage(MessageType.VIDEO, 1, 0, b"v" * 1_100), 6))
    assert reader.acknowledgement_due()
    assert reader.acknowledgement_due() is None


@pytest.mark.parametrize(
    "data",
    [
        b"\xc4",
        b"\x06" + b"\0\0\0" + (MESSAGE_BYTES_MAX + 1).to_bytes(3, "big") + b"\x09\1\0\0\0",
        chunks(RtmpMessage(MessageType.SET_CHUNK_SIZE, 0, 0, bytes(4)), 2),
        b"".join(
            chunks(RtmpMessage(MessageType.AUDIO, 1, 0, b"a"), number)
            for number in range(3, CHUNK_STREAMS_MAX + 4)
        ),
    ],
    ids=["no header before", "too long", "chunk size 0", "too many chunk streams"],
)
def test_what_breaks_a_limit_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedRtmp):
        read(data)
