"""Any bytes: inbound messages are ours or a `WireError`; the protocol never raises or leaks."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgpack  # type: ignore[import-untyped]  # has no stubs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from rooms.io.hub import RoomHub
from server.access.tokens import Access
from server.settings import Settings
from server.ws.connection import RoomConnection
from server.ws.registry import ConnectionRegistry
from server.ws.wire import CODECS, JSON, Chat, Hello, Like, Ping, WireCodec, WireError, frame
from tests.support.fuzz_examples import examples
from tests.support.room_hubs import SECRET, memory_hub

both_codecs = pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.subprotocol)

scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text()
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
almost = st.fixed_dictionaries(
    {"t": st.sampled_from(["hello", "chat", "like", "ping", "tick", "", 5, None])},
    optional={
        name: values
        for name in ("channel", "token", "epoch", "offset", "cid", "text", "n", "id", "k")
    },
)


def decoded_or_refused(codec: WireCodec, payload: bytes) -> None:
    try:
        message = codec.decode(payload)
    except WireError as error:
        assert error.kind in {"codec", "schema", "type"}
        assert len(error.detail) < 1000
    else:
        assert isinstance(message, Hello | Chat | Like | Ping)


@both_codecs
@examples(100)
@given(payload=st.binary(max_size=200))
def test_any_bytes_are_a_message_or_an_error(codec: WireCodec, payload: bytes) -> None:
    decoded_or_refused(codec, payload)


@both_codecs
@examples(100)
@given(message=almost | values)
def test_any_value_is_a_message_or_an_error(codec: WireCodec, message: Any) -> None:
    encode = msgspec.json.encode if codec.subprotocol == JSON else msgpack.packb
    decoded_or_refused(codec, encode(message))


@both_codecs
@pytest.mark.parametrize(
    "payload",
    [
        b"[" * 4096,
        b'{"t":' * 800,
        b"\x91" * 4096,
        b"\x81\xa1t" * 1300,
        b'{"t":"ping","id":' + b"9" * 4000 + b"}",
        b'{"t":"ping","id":1e999}',
        b'{"t":"chat","cid":"\xed\xa0\x80","text":""}',
        b'{"t":"chat","cid":"a","text":"\\ud800"}',
        b"\x83\xa1t\xa4chat\xa3cid\xa1a\xa4text\xa3\xed\xa0\x80",
        b"\xc1",
        b"\xdf\xff\xff\xff\xff",
        b"\xc9\xff\xff\xff\xff\x01",
        b"",
        b"null",
    ],
)
def test_nasty_bytes_are_refused(codec: WireCodec, payload: bytes) -> None:
    with pytest.raises(WireError):
        codec.decode(payload)


@given(payload=st.binary(max_size=70_000), opcode=st.sampled_from([Opcode.TEXT, Opcode.BINARY]))
@examples(30)
def test_frames_equal_those_of_a_websocket_library(payload: bytes, opcode: Opcode) -> None:
    assert frame(payload, opcode) == Frame(opcode, payload).serialize(mask=False)


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0


def masked(opcode: int, payload: bytes, fin: bool) -> bytes:
    """A client's frame, whether the RFC allows it or not."""
    size = len(payload)
    length = bytes((0x80 | size,)) if size < 126 else b"\xfe" + size.to_bytes(2)
    return bytes((fin << 7 | opcode,)) + length + bytes(4) + payload


frames = st.builds(
    masked,
    st.sampled_from([0, 1, 1, 1, 2, 3, 8, 9, 10]),
    st.binary(max_size=130) | almost.map(msgspec.json.encode),
    st.booleans() | st.just(True),
)
HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: linli.v1.json\r\n\r\n"
)
HELLO = masked(1, b'{"t":"hello","channel":"room:demo"}', True)


async def exists(channel: str) -> bool:
    return channel == "room:demo"


@pytest.fixture
async def hub() -> AsyncIterator[RoomHub]:
    async with memory_hub() as hub:
        await hub.open_room("room:demo")
        yield hub


@given(
    handshake=st.just(HANDSHAKE) | st.binary(max_size=200).map(lambda rest: rest + b"\r\n\r\n"),
    greeted=st.booleans(),
    chunks=st.lists(frames | st.binary(max_size=60), max_size=6),
)
@examples(100)
async def test_any_bytes_on_the_socket_end_in_order(
    hub: RoomHub, handshake: bytes, greeted: bool, chunks: list[bytes]
) -> None:
    registry = ConnectionRegistry(hub, Access(SECRET), Settings(), exists)
    await registry.find("room:demo", 0.0)
    connections: set[Any] = set()
    wire = Wire()
    connection = RoomConnection(registry, connections)
    connection.connection_made(wire)
    for chunk in [handshake, *([HELLO] if greeted else []), *chunks]:
        if not wire.closed:
            connection.data_received(chunk)
    connection.eof_received()
    connection.connection_lost(None)
    await asyncio.sleep(0)
    assert connections == set()
    assert hub.counts.connections == 0
    local = hub.room("room:demo")
    assert local is not None and len(local.audience) == 0
    assert hub._users == {}
    registry.sweep(1e9)
    hub.sweepers.remove(registry.sweep)
