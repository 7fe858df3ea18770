"""A frame is cut into runs that the kernel sends in one call."""

from hypothesis import given
from hypothesis import strategies as st

from media.stream.frames import (
    HEADER_BYTES,
    PADDING_BYTES_MAX,
    SEGMENTS_MAX,
    TAG_BYTES,
    Item,
    Run,
    SourcePacket,
    cut,
    part_of,
)


def unpadded(item: Item) -> bytes:
    return item.payload[: -item.payload[-1]] if item.first & 0x20 else item.payload


@st.composite
def frames(draw: st.DrawFn) -> list[SourcePacket]:
    sizes = draw(st.lists(st.integers(1, 1_200), min_size=1, max_size=80))
    gaps = draw(st.lists(st.sampled_from([1, 1, 1, 1, 2]), min_size=80, max_size=80))
    number, packets = 0, []
    for at, size in enumerate(sizes):
        number += gaps[at]
        packets.append(SourcePacket(number, at * 7, at == len(sizes) - 1, bytes([at % 256]) * size))
    return packets


@given(frames())
def test_runs_hold_every_packet_once_and_change_only_padding(packets: list[SourcePacket]) -> None:
    runs = cut(packets)
    out = [
        SourcePacket(number, item.timestamp, item.marker == 0x80, unpadded(item))
        for run in runs
        for number, item in enumerate(run.items, run.sequence)
    ]
    assert out == packets


@given(frames())
def test_segments_of_a_run_are_equal_except_a_shorter_last(packets: list[SourcePacket]) -> None:
    for run in cut(packets):
        sizes = [HEADER_BYTES + len(item.payload) + TAG_BYTES for item in run.items]
        assert len(sizes) <= SEGMENTS_MAX
        assert set(sizes[:-1]) <= {run.segment}
        assert sizes[-1] <= run.segment


@given(frames(), st.lists(st.integers(1, 30), min_size=80, max_size=80))
def test_runs_can_be_sent_in_parts(packets: list[SourcePacket], steps: list[int]) -> None:
    runs, begin, parts = cut(packets), 0, list[Run]()
    for step in steps:
        part = part_of(runs, begin, begin + step)
        assert sum(len(run.items) for run in part) == min(step, max(0, len(packets) - begin))
        begin += step
        parts += part

    def numbered(of: list[Run]) -> list[tuple[int, Item]]:
        return [each for run in of for each in enumerate(run.items, run.sequence)]

    assert numbered(parts) == numbered(runs)
    for run in parts:
        sizes = {HEADER_BYTES + len(item.payload) + TAG_BYTES for item in run.items[:-1]}
        assert sizes <= {run.segment}


@given(frames())
def test_padding_stays_small(packets: list[SourcePacket]) -> None:
    for run in cut(packets):
        for item in run.items:
            assert not item.first & 0x20 or item.payload[-1] <= PADDING_BYTES_MAX


def test_a_typical_encoder_frame_is_one_run() -> None:
    sizes = [1_100, 1_098, 1_100, 1_095, 400]
    packets = [SourcePacket(n, 0, n == 4, bytes(size)) for n, size in enumerate(sizes)]
    assert len(cut(packets)) == 1
