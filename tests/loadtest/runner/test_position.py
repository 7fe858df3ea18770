"""Viewers find what is missing, twice or late in the numbered events of a room."""

from typing import Any

import msgpack  # type: ignore[import-untyped]  # it has no stubs
from hypothesis import given
from hypothesis import strategies as st

from loadtest.runner.decoding import UNDECODABLE, Decoder, Seen
from loadtest.runner.position import Position, Verdict


def snapshot(offset: int) -> Seen:
    return Seen("snapshot", "e", offset)


def ticks(last: int, sizes: list[int]) -> list[Seen]:
    """Events after `last`, so many in each tick."""
    found = []
    for size in sizes:
        numbers = tuple(range(last + 1, last + size + 1))
        last += size
        found.append(Seen("tick", "e", last, numbers))
    return found


_SIZES = st.lists(st.integers(0, 4), min_size=1, max_size=12)


@given(st.integers(0, 99), _SIZES)
def test_a_whole_stream_has_no_fault(begin: int, sizes: list[int]) -> None:
    position = Position()
    position.snapshot(snapshot(begin))
    assert {position.tick(tick) for tick in ticks(begin, sizes)} == {Verdict.TAKEN}
    assert (position.missed, position.duplicates) == (0, 0)
    assert position.offset == begin + sum(sizes)


@given(_SIZES, st.data())
def test_a_lost_tick_is_a_gap_of_as_many_events(sizes: list[int], data: st.DataObject) -> None:
    stream = ticks(0, [*sizes, 1])
    lost = data.draw(st.integers(0, len(sizes) - 1))
    position = Position()
    position.snapshot(snapshot(0))
    verdicts = [position.tick(tick) for number, tick in enumerate(stream) if number != lost]
    assert (Verdict.GAP in verdicts) == bool(sizes[lost])
    assert position.missed == sizes[lost]


@given(_SIZES, st.data())
def test_a_repeated_tick_is_as_many_duplicates(sizes: list[int], data: st.DataObject) -> None:
    stream = ticks(0, sizes)
    twice = data.draw(st.integers(0, len(sizes) - 1))
    position = Position()
    position.snapshot(snapshot(0))
    for number, tick in enumerate(stream):
        position.tick(tick)
        if number == twice:
            position.tick(tick)
    assert position.duplicates == sizes[twice]
    assert position.missed == 0


def test_after_a_gap_ticks_are_ignored_until_a_snapshot() -> None:
    position = Position()
    assert position.tick(Seen("tick", "e", 5)) is Verdict.IGNORED
    position.snapshot(snapshot(5))
    assert position.tick(Seen("tick", "other", 5)) is Verdict.GAP
    assert position.tick(Seen("tick", "e", 6, (6,))) is Verdict.IGNORED


def tick_with(*texts: str) -> bytes:
    chat = [{"text": text} for text in texts]
    return bytes(msgpack.packb({"t": "tick", "epoch": "e", "offset": 1, "chat": chat}))


@given(st.integers(-(10**15), 10**15), st.integers(-(10**15), 10**15), st.integers(0, 10**15))
def test_marks_are_read_on_the_readers_clock(ours_ns: int, theirs_ns: int, at_ns: int) -> None:
    # Both offsets are to the coordinator's clock, on which no run is at a negative time.
    due_ns = at_ns - ours_ns
    line = Decoder("tag", ours_ns).marked("Hello", due_ns)
    seen, _ = Decoder("tag", theirs_ns).decode(tick_with(line, "no mark", "~other:5~"))
    assert seen.marks == (at_ns - theirs_ns,)


def test_equal_bytes_are_decoded_once() -> None:
    decoder = Decoder("tag")
    first, is_new = decoder.decode(tick_with("a"))
    again, is_new_again = decoder.decode(tick_with("a"))
    assert (is_new, is_new_again) == (True, False)
    assert again is first


_SHAPES: Any = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["t", "epoch", "offset", "events", "chat", "state", "k", "o"]),
            inner | st.sampled_from(["tick", "snapshot", "pin"]),
            max_size=4,
        )
    ),
)


@given(st.binary(max_size=40) | _SHAPES.map(lambda shape: msgpack.packb(shape, default=str)))
def test_any_bytes_are_a_message_or_undecodable(payload: bytes) -> None:
    seen, _ = Decoder("tag").decode(payload)
    assert seen is UNDECODABLE or isinstance(seen.kind, str)
