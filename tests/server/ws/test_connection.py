"""The room WebSocket through a real uvicorn on loopback, in both codecs."""

from typing import Any

import httpx
import pytest

from rooms.io.hub import RoomHub
from server.access.policy import Principal, Role
from server.access.rehearsals import Rehearsals
from server.bridge.channels.cards import CardPinned, StockChanged
from server.bridge.channels.groups import GroupChanged
from server.bridge.channels.live import LiveChanged
from server.bridge.channels.orders import YourOrder
from server.ws.wire import JSON, MSGPACK
from tests.support.room_examples import card, group, order
from tests.support.room_hubs import CLERK, GUEST, HOST, Server, serving
from tests.support.waiting import WAIT_S, wait_until

ROOM = "room:demo"


both_codecs = pytest.mark.parametrize("subprotocol", [MSGPACK, JSON])


@both_codecs
async def test_newcomer_gets_a_snapshot_of_the_room(server: Server, subprotocol: str) -> None:
    await server.hub.announce(ROOM, LiveChanged(state="live", started_at_ms=7))
    await server.hub.announce(
        ROOM, CardPinned(card=card("p1")), GroupChanged(group=group("g1", 25))
    )
    async with server.viewer(subprotocol=subprotocol) as viewer:
        assert viewer.welcome["recovered"] is False
        assert viewer.welcome["you"] is None
        snapshot = viewer.first
    assert snapshot["t"] == "snapshot"
    assert snapshot["offset"] == 3
    assert snapshot["state"]["live"] == {"state": "live", "started_at_ms": 7}
    assert snapshot["state"]["cards"][0]["product"]["name"] == {"zh": "草莓", "en": "Strawberries"}
    assert snapshot["state"]["groups"][0]["joined"] == 25
    assert snapshot["state"]["chat"] == []


@both_codecs
async def test_events_arrive_with_offset_and_time(server: Server, subprotocol: str) -> None:
    async with server.viewer(subprotocol=subprotocol) as viewer:
        for left in (3, 2, 1, 0):
            await server.hub.announce(ROOM, StockChanged(product_id="p1", left=left))
        events = await viewer.receive_events(4)
    assert [event["o"] for event in events] == [1, 2, 3, 4]
    assert [event["left"] for event in events] == [3, 2, 1, 0]
    assert all(event["at_ms"] > 1_600_000_000_000 for event in events)


@both_codecs
async def test_chat_reaches_everybody_and_is_acknowledged(server: Server, subprotocol: str) -> None:
    async with (
        server.viewer(token=server.token(GUEST), subprotocol=subprotocol) as guest,
        server.viewer() as other,
    ):
        await guest.send(t="chat", cid="c1", text="  这个甜吗\u202e?\n\x00 ")
        await guest.receive_until(t="ack", cid="c1")
        own = (await guest.receive_until(chat=None))["chat"][0]
        line = (await other.receive_until(chat=None))["chat"][0]
    assert line == own
    assert line["text"] == "这个甜吗?"
    assert line["from"] == {"id": "g1", "nickname": "小林", "role": "guest"}
    async with server.viewer() as late:
        assert late.first["state"]["chat"] == [line]


async def test_host_role_is_shown_only_in_the_hosts_own_room(server: Server) -> None:
    for channel, role in ((ROOM, "host"), ("room:other", "guest")):
        async with server.viewer(channel, token=server.token(HOST)) as host:
            assert host.welcome["you"] == {"subject": "h1", "nickname": "店主", "roles": ["host"]}
            await host.send(t="chat", cid="c1", text="hello")
            line = (await host.receive_until(chat=None))["chat"][0]
            assert line["from"]["role"] == role


async def test_likes_and_viewers_are_counted(server: Server) -> None:
    async with server.viewer() as one, server.viewer() as two:
        await one.send(t="like", n=7)
        await two.send(t="like", n=3)
        await one.receive_until(counters={"viewers": 2, "likes": 10})
        await two.receive_until(counters={"viewers": 2, "likes": 10})
        assert server.hub.viewers("room:demo") == 2


async def test_joins_name_newcomers_with_a_token(server: Server) -> None:
    async with (
        server.viewer() as viewer,
        server.viewer(token=server.token(GUEST)),
    ):
        assert (await viewer.receive_until(joins=None))["joins"] == ["小林"]


async def test_pong_carries_the_servers_clock(server: Server) -> None:
    async with server.viewer() as viewer:
        await viewer.send(t="ping", id=-5)
        assert (await viewer.receive_until(t="pong", id=-5))["at_ms"] >= viewer.welcome["at_ms"]


async def test_reconnect_gets_exactly_the_missed_events(server: Server) -> None:
    async with server.viewer() as viewer:
        epoch = viewer.first["epoch"]
        await server.hub.announce(ROOM, StockChanged(product_id="p1", left=9))
        await viewer.receive_event("stock")
    for left in (8, 7):
        await server.hub.announce(ROOM, StockChanged(product_id="p1", left=left))
    for _ in range(2):  # Returning twice gives the same.
        async with server.viewer(epoch=epoch, offset=1) as viewer:
            assert viewer.welcome["recovered"] is True
            assert [(event["o"], event["left"]) for event in await viewer.receive_events(2)] == [
                (2, 8),
                (3, 7),
            ]
    async with server.viewer(epoch=epoch, offset=3) as viewer:
        assert viewer.welcome["recovered"] is True
        assert "events" not in viewer.first
        await server.hub.announce(ROOM, StockChanged(product_id="p1", left=6))
        assert (await viewer.receive_event("stock"))["o"] == 4


@pytest.mark.parametrize("position", [{"epoch": "other", "offset": 0}, {"offset": 5}])
async def test_unknown_position_gets_a_snapshot(server: Server, position: dict[str, Any]) -> None:
    await server.hub.announce(ROOM, StockChanged(product_id="p1", left=9))
    async with server.viewer(**position) as viewer:
        assert viewer.welcome["recovered"] is False
        assert viewer.first["t"] == "snapshot"
        assert viewer.first["offset"] == 1


async def test_private_events_reach_their_user_alone(server: Server) -> None:
    async with (
        server.viewer(token=server.token(GUEST), subprotocol=MSGPACK) as one,
        server.viewer("room:other", token=server.token(GUEST)) as two,
        server.viewer(token=server.token(HOST)) as other,
    ):
        await server.hub.send_private(("g1", YourOrder(order=order("o1"))))
        for viewer in (one, two):
            event = (await viewer.receive_until(t="you"))["event"]
            assert event["k"] == "order"
            assert event["order"]["pickup"] == {"code": "ABCD-EFGH-J", "qr": "data:,"}
        await other.send(t="ping", id=1)
        while (message := await other.receive())["t"] != "pong":
            assert message["t"] != "you"


async def test_channels_of_store_estate_and_head_office_are_for_their_staff(server: Server) -> None:
    async with server.viewer("store:s1", token=server.token(CLERK)) as clerk:
        assert clerk.first["state"] == {}
    office = Principal("h1", frozenset({Role.HQ}), brand_id="b")
    async with server.viewer("hq:b", token=server.token(office)) as wall:
        assert wall.first["state"] == {}
    leader = Principal("l1", frozenset({Role.LEADER}), estate_ids=("e1",), brand_id="b")
    async with server.viewer("estate:e1", token=server.token(leader)) as led:
        assert led.first["state"] == {}
    for channel, token, code in (
        ("estate:e1", {}, 3501),
        ("estate:e1", {"token": server.token(GUEST)}, 3502),
        ("estate:e1", {"token": server.token(CLERK)}, 3502),
        ("estate:e2", {"token": server.token(leader)}, 3502),
        ("hq:b", {}, 3501),
        ("hq:b", {"token": server.token(CLERK)}, 3502),
        ("hq:other", {"token": server.token(office)}, 3502),
        ("store:s1", {}, 3501),
        ("store:s2", {"token": server.token(CLERK)}, 3502),
        ("store:s1", {"token": server.token(GUEST)}, 3502),
    ):
        async with server.client() as client:
            await client.send(t="hello", channel=channel, **token)
            assert await client.close_code() == code


async def test_forged_token_is_refused(server: Server) -> None:
    async with server.client() as client:
        await client.send(t="hello", channel=ROOM, token="e30.e30.x")
        assert await client.close_code() == 3501


async def test_unknown_channel_is_closed_and_opens_no_room(server: Server) -> None:
    async with server.client() as client:
        await client.send(t="hello", channel="room:nowhere")
        assert await client.close_code() == 3503
    assert server.hub.room("room:nowhere") is None


async def test_messages_sent_before_welcome_are_answered_after_it(server: Server) -> None:
    async with server.client() as client:
        await client.send(t="hello", channel=ROOM)
        await client.send(t="ping", id=1)
        kinds = [(await client.receive())["t"] for _ in range(3)]
    assert kinds == ["welcome", "snapshot", "pong"]


async def test_http_shares_the_port(server: Server) -> None:
    async with httpx.AsyncClient(timeout=WAIT_S) as client:
        assert (await client.get(f"http://127.0.0.1:{server.port}/healthz")).text == "ok"


async def test_stopping_server_closes_connections_with_draining(hub: RoomHub) -> None:
    async with serving(hub) as server:
        async with server.viewer() as one, server.viewer(subprotocol=MSGPACK) as two:
            server.server.should_exit = True
            assert await one.close_code() == 3012
            assert await two.close_code() == 3012
        await wait_until(lambda: hub.counts.connections == 0)


async def test_closed_connection_leaves_no_subscriber(server: Server) -> None:
    async with server.viewer(token=server.token(GUEST)) as viewer:
        local = server.hub.room(ROOM)
        assert local is not None and len(local.audience) == 1
        await viewer.socket.close()
        await wait_until(lambda: len(local.audience) == 0)
    await wait_until(lambda: server.hub.counts.connections == 0)
    assert server.hub._users == {}


async def test_a_rehearsal_closes_the_connections_of_all_but_staff(hub: RoomHub) -> None:
    rooms: set[str] = set()
    rehearsals = Rehearsals(lambda: frozenset(rooms))
    async with (
        serving(hub, rehearsals=rehearsals) as server,
        server.viewer(token=server.token(GUEST)) as guest,
        server.viewer(token=server.token(HOST)) as host,
    ):
        rooms.add("demo")
        assert await guest.close_code() == 3507
        async with server.client() as late:
            await late.send(t="hello", channel="room:demo", token=server.token(GUEST))
            assert await late.close_code() == 3507
        await host.send(t="chat", cid="c", text="one, two")
        assert (await host.receive_until(cid="c"))["t"] == "ack"
