"""Whatever arrives at the hop of a worker, nothing but its documented error follows."""

import contextlib
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.errors import MalformedHop
from media.io.cascade.cascade import Cascade
from media.io.cascade.directory import MemoryDirectory
from media.io.webrtc.plane import MediaPlane, PlaneConfig
from media.wire import hop
from tests.support.fuzz_examples import examples
from tests.support.hop_messages import messages


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


@pytest.fixture
async def cascade() -> AsyncIterator[Cascade]:
    async def nobody(room_id: str) -> str:
        return ""

    plane = await MediaPlane.open(PlaneConfig(addresses=("127.0.0.1",)))
    cascade = await Cascade.open("aaaaaa00", "127.0.0.1", 0, plane.lives, MemoryDirectory(), nobody)
    yield cascade
    await cascade.close()
    await plane.close()


@examples(100)
@given(
    kind=st.sampled_from([hop.HELLO, hop.WELCOME, hop.MEDIA, hop.CONTROL]),
    body=st.binary(max_size=80),
)
async def test_no_datagram_without_keys_is_taken(cascade: Cascade, kind: int, body: bytes) -> None:
    with pytest.raises(MalformedHop):
        cascade._take(bytes([kind]) + body, ("127.0.0.1", 9))
    assert cascade.origins.idle and cascade.edges.idle
