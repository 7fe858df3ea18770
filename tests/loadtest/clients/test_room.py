"""Framing agrees with the websockets library (RFC 6455), and counts match what was sent."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

import msgpack  # type: ignore[import-untyped]  # it has no stubs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection, serve
from websockets.frames import Frame, Opcode
from websockets.typing import Subprotocol

from loadtest.clients.room import RoomCrowd, marked, talk
from loadtest.clients.websocket import SUBPROTOCOL, masked_frame, split_frames
from loadtest.errors import NoAnswer
from tests.support.waiting import WAIT_S, wait_until


@given(payloads=st.lists(st.binary(max_size=70_000), max_size=5), cut=st.integers(0, 80_000))
def test_frames_are_joined_from_any_cut(payloads: list[bytes], cut: int) -> None:
    wire = b"".join(Frame(Opcode.BINARY, data).serialize(mask=False) for data in payloads)
    first, rest = split_frames(wire[:cut])
    second, rest = split_frames(rest + wire[cut:])
    assert [payload for _, payload in first + second] == payloads
    assert rest == b""


@given(payload=st.binary(max_size=2_000), mask=st.binary(min_size=4, max_size=4))
def test_a_masked_frame_unmasks_to_its_payload(payload: bytes, mask: bytes) -> None:
    frame = masked_frame(2, payload, mask)
    body = frame[-len(payload) :] if payload else b""
    assert bytes(byte ^ mask[at % 4] for at, byte in enumerate(body)) == payload


class EchoRoom:
    """A room server that sends every chat line to every member."""

    def __init__(self) -> None:
        self.members: list[ServerConnection] = []
        self.offset = 0

    async def serve(self, socket: ServerConnection) -> None:
        hello = msgpack.unpackb(await socket.recv())
        assert hello["t"] == "hello"
        self.members.append(socket)
        await self.send(socket, {"t": "welcome"})
        await self.send(socket, {"t": "snapshot", "epoch": "e", "offset": self.offset, "state": {}})
        with contextlib.suppress(Exception):
            async for data in socket:
                line = msgpack.unpackb(data)
                await self.tick(chat=[{"text": line["text"]}])

    async def tick(self, **members: Any) -> None:
        for socket in self.members:
            tick = {"t": "tick", "epoch": "e", "offset": self.offset, **members}
            await self.send(socket, tick)

    async def send(self, socket: ServerConnection, message: dict[str, Any]) -> None:
        await socket.send(msgpack.packb(message))


@pytest.fixture
async def room() -> AsyncIterator[tuple[EchoRoom, str]]:
    room = EchoRoom()
    async with serve(
        room.serve, "127.0.0.1", 0, subprotocols=[Subprotocol(SUBPROTOCOL)], compression=None
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield room, f"http://127.0.0.1:{port}"


async def test_every_viewer_receives_a_line_with_its_delay(
    room: tuple[EchoRoom, str],
) -> None:
    async with RoomCrowd(room[1], "demo") as crowd:
        viewers = await crowd.join(5)
        crowd.measure()
        assert await talk(viewers[:2], lines_per_s=100, seconds=0.05) == 5
        await wait_until(lambda: len(crowd.latencies_us) == 25)
        assert 0 < min(crowd.latencies_us) <= max(crowd.latencies_us) < WAIT_S * 1e6
        assert crowd.totals().viewers == 5


async def test_two_marked_lines_in_one_message_are_two_delays(room: tuple[EchoRoom, str]) -> None:
    async with RoomCrowd(room[1], "demo") as crowd:
        await crowd.join(1)
        crowd.measure()
        now = time.monotonic_ns()
        await room[0].tick(chat=[{"text": marked("a", now)}, {"text": marked("b", now)}])
        await wait_until(lambda: len(crowd.latencies_us) == 2)


async def test_a_decoding_viewer_counts_gaps(room: tuple[EchoRoom, str]) -> None:
    async with RoomCrowd(room[1], "demo") as crowd:
        await crowd.join(1)
        room[0].offset = 2
        await room[0].tick(events=[{"o": 2}])
        await wait_until(lambda: crowd.totals().gaps == 1)


async def test_a_viewer_closed_by_the_server_counts_as_lost(room: tuple[EchoRoom, str]) -> None:
    async with RoomCrowd(room[1], "demo") as crowd:
        await crowd.join(2)
        await room[0].members[0].close(3008)
        await wait_until(lambda: crowd.totals().lost == 1)
        assert crowd.totals().viewers == 1


async def test_a_refused_handshake_is_no_answer() -> None:
    async def refuse(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with RoomCrowd(f"http://127.0.0.1:{port}", "demo") as crowd:
            with pytest.raises(NoAnswer, match="503"):
                await crowd.join(1)
