"""Frames that a client may not send, and messages that arrive in pieces."""

import json

import pytest
from websockets.frames import Frame, Opcode

from server.ws import registry
from tests.support.raw_sockets import client_frame, raw_close
from tests.support.room_hubs import Server
from tests.support.waiting import wait_until

ROOM = "room:demo"


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([client_frame(Opcode.TEXT, b"x" * 4097)], 1009),
        ([client_frame(Opcode.TEXT, b"x" * 4000, False)] * 2, 1009),
        ([Frame(Opcode.TEXT, b"unmasked").serialize(mask=False)], 1002),
        ([client_frame(Opcode.CONT, b"no start")], 1002),
        ([b"\xf2\x80\0\0\0\0"], 1002),
        ([client_frame(Opcode.BINARY, b"{}")], 3500),
        ([client_frame(Opcode.TEXT, b"\xff\xfe")], 3500),
        ([client_frame(Opcode.TEXT, b"[" * 4000)], 3500),
    ],
)
async def test_invalid_frames_close_the_connection_with_their_code(
    server: Server, frames: list[bytes], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "CLOSE_S_MAX", 0.0)
    received = await raw_close(server, *frames)
    assert code.to_bytes(2) in received
    assert sum(server.hub.counts.malformed_total.values()) == 1
    await wait_until(lambda: server.hub.counts.connections == 0)


async def test_fragmented_messages_may_have_pings_between(server: Server) -> None:
    text = json.dumps({"t": "hello", "channel": ROOM}).encode()
    received = await raw_close(
        server,
        client_frame(Opcode.TEXT, text[:5], False),
        client_frame(Opcode.PING, b"between"),
        client_frame(Opcode.CONT, text[5:20], False),
        client_frame(Opcode.CONT, text[20:]),
        client_frame(Opcode.CLOSE, (1000).to_bytes(2)),
    )
    assert b"\x8a\x07between" in received
