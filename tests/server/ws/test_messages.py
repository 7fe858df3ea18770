"""Messages that are refused: the error that is sent, and what closes the connection."""

import json
from typing import Any

import pytest
from websockets.frames import Opcode

from server.ws.wire import JSON, MSGPACK
from tests.support.raw_sockets import client_frame, raw_close
from tests.support.room_hubs import CLERK, GUEST, Server

ROOM = "room:demo"


async def test_message_just_before_a_close_is_delivered(server: Server) -> None:
    hello = {"t": "hello", "channel": ROOM, "token": server.token(GUEST)}
    async with server.viewer() as other:
        await raw_close(
            server,
            client_frame(Opcode.TEXT, json.dumps(hello).encode()),
            client_frame(Opcode.TEXT, b'{"t":"chat","cid":"c","text":"bye"}'),
            client_frame(Opcode.CLOSE, b""),
        )
        assert (await other.receive_until(chat=None))["chat"][0]["text"] == "bye"


@pytest.mark.parametrize(
    "first",
    [
        {"t": "ping", "id": 1},
        {"t": "hello"},
        {"t": "hello", "channel": "shop:1"},
        {"t": "hello", "channel": "room:a b"},
        {"t": "hello", "channel": "room:" + "x" * 65},
        {"t": "hello", "channel": ROOM, "offset": -1},
        {"t": "hello", "channel": ROOM, "token": 5},
        {"t": "who"},
        {"x": 1},
    ],
)
async def test_first_message_other_than_hello_closes_the_connection(
    server: Server, first: dict[str, Any]
) -> None:
    async with server.client() as client:
        await client.send(**first)
        assert await client.close_code() == 3500
    assert sum(server.hub.counts.malformed_total.values()) == 1


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"t": "like", "n": 0}, "bad-message"),
        ({"t": "like", "n": 1.5}, "bad-message"),
        ({"t": "like", "n": 101}, "bad-message"),
        ({"t": "chat", "text": "x"}, "bad-message"),
        ({"t": "chat", "cid": "", "text": "x"}, "bad-message"),
        ({"t": "ping", "id": 2**60}, "bad-message"),
        ({"t": 5}, "bad-message"),
        ({"t": "dance"}, "unknown-type"),
        ({"t": "hello", "channel": ROOM}, "hello-again"),
        ({"t": "chat", "cid": "c", "text": "x"}, "token-needed"),
    ],
)
@pytest.mark.parametrize("subprotocol", [MSGPACK, JSON])
async def test_malformed_message_gets_an_error_and_the_connection_stays(
    server: Server, message: dict[str, Any], code: str, subprotocol: str
) -> None:
    async with server.viewer(subprotocol=subprotocol) as viewer:
        await viewer.send(**message)
        error = await viewer.receive_until(t="error")
        assert error["code"] == code
        assert error.get("cid") == message.get("cid" if code == "token-needed" else "")
        await viewer.send(t="ping", id=1)
        await viewer.receive_until(t="pong")


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "text-empty"), (" \u200b\x07\n", "text-empty"), ("好" * 201, "text-too-long")],
)
async def test_empty_and_overlong_chat_is_refused(server: Server, text: str, code: str) -> None:
    async with server.viewer(token=server.token(GUEST)) as viewer:
        await viewer.send(t="chat", cid="c9", text=text)
        error = await viewer.receive_until(t="error", cid="c9")
        assert error["code"] == code
        await viewer.send(t="chat", cid="c10", text="好" * 200)
        await viewer.receive_until(t="ack", cid="c10")


async def test_store_channel_has_no_chat(server: Server) -> None:
    async with server.viewer("store:s1", token=server.token(CLERK)) as clerk:
        await clerk.send(t="chat", cid="c", text="hello")
        assert (await clerk.receive_until(t="error"))["code"] == "forbidden"
