"""Limits of the room WebSocket: connections, silence, and how much one client may send."""

import contextlib
from dataclasses import replace

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Opcode

from rooms.io.hub import RoomHub
from server.access.tokens import Access
from server.ws import registry, session
from tests.support.raw_sockets import HELLO, client_frame, raw_close
from tests.support.room_hubs import CLERK, GUEST, Server, serving
from tests.support.waiting import wait_until

ROOM = "room:demo"
# A bucket that does not fill up again however long a busy machine takes for a test.
HARDLY_PER_S = 0.001
LATER_S = 3_600.0
OTHER_CLERK = replace(CLERK, subject="c2")


async def test_full_server_answers_503(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "CONNECTIONS_MAX", 0)
    with pytest.raises(InvalidStatus, match="503"):
        async with server.client():
            pass
    assert server.hub.counts.refused_total == {"http 503": 1}


async def test_draining_server_closes_all_and_answers_503(server: Server) -> None:
    async with server.viewer() as first, server.viewer() as second:
        server.server.config.ws.shared.drain_all(0.2)  # type: ignore[union-attr]
        assert [await each.close_code() for each in (first, second)] == [3012, 3012]
        with pytest.raises(InvalidStatus, match="503") as refused:
            async with server.client():
                pass
    assert refused.value.response.headers["Retry-After"] == "1"


async def test_connections_over_the_address_limit_are_closed(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "CONNECTIONS_PER_ADDRESS_MAX", 1)
    async with server.viewer():
        async with server.client() as second:
            assert await second.close_code() == 3504
    await wait_until(lambda: server.hub.counts.connections == 0)
    async with server.viewer():
        pass


async def test_connections_over_the_connect_rate_are_closed_with_unavailable(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "CONNECTS_PER_ADDRESS", (1.0, 0.001))
    async with server.viewer(), server.client() as second:
        assert await second.close_code() == 3013


async def test_connections_over_the_channel_limit_are_closed(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.ws.session.CHANNEL_CONNECTIONS_MAX", 1)
    async with server.viewer(), server.client() as second:
        await second.send(t="hello", channel=ROOM)
        assert await second.close_code() == 3504


# Silence and tokens that end


async def test_connection_without_hello_is_closed(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "HELLO_S_MAX", 0.1)
    async with server.client() as client:
        assert await client.close_code() == 3001


async def test_connection_without_pongs_is_closed(
    hub: RoomHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "PING_S", 2)
    monkeypatch.setattr(registry, "PONG_S_MAX", -1.0)
    monkeypatch.setattr(registry, "CLOSE_S_MAX", 0.0)
    async with serving(hub) as server:
        # It never answers, not even the close: it is cut.
        received = await raw_close(server, HELLO)
    assert b"\x89\x05linli" in received
    assert b"silent" in received
    assert hub.counts.closed_total == {3009: 1}


class Revoked:
    """Staff whose tokens hold until `all_ended` is set."""

    all_ended = False

    def is_current(self, staff_id: str, version: int, issued_at_s: float) -> bool:
        """Whether a token holds."""
        return not self.all_ended


async def test_socket_of_a_revoked_token_is_closed_and_others_stay(
    hub: RoomHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "PING_S", 1)
    versions = Revoked()
    async with serving(hub, versions) as server:
        hello = {"channel": "store:s1", "token": server.token(CLERK)}
        async with (
            server.viewer(**hello) as clerk,
            server.viewer(token=server.token(GUEST)) as guest,
        ):
            versions.all_ended = True
            assert await clerk.close_code() == 3501
            await guest.send(t="ping", id=7)
            await guest.receive_until(t="pong")
        async with server.client() as again:
            await again.send(t="hello", **hello)
            assert await again.close_code() == 3501


async def test_sockets_are_closed_as_soon_as_a_revocation_is_known(
    hub: RoomHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry.ConnectionRegistry, "_ping", lambda *_: None)
    versions = Revoked()
    async with serving(hub, versions) as server:
        token = server.token(CLERK)
        async with (
            server.viewer(channel="store:s1", token=token) as board,
            server.viewer(token=token) as watching,
            server.viewer(channel="store:s1", token=server.token(OTHER_CLERK)) as other,
        ):
            server.access.revoked(frozenset({CLERK.subject}))  # of an older token
            await board.send(t="ping", id=1)
            await board.receive_until(t="pong")
            versions.all_ended = True
            server.access.revoked(frozenset({CLERK.subject}))
            assert await board.close_code() == 3501
            assert await watching.close_code() == 3501
            await other.send(t="ping", id=7)
            await other.receive_until(t="pong")


async def test_socket_outlives_its_token_no_longer_than_a_ping(
    hub: RoomHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "PING_S", 1)
    holds = Access.holds
    async with serving(hub) as server:
        async with server.viewer(channel="store:s1", token=server.token(CLERK)) as clerk:
            monkeypatch.setattr(
                Access, "holds", lambda self, who, now_s: holds(self, who, now_s + LATER_S)
            )
            assert await clerk.close_code() == 3501


# Messages


async def test_repeated_malformed_messages_close_the_connection(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "BAD_MESSAGES", (session.BAD_MESSAGES[0], HARDLY_PER_S))
    async with server.viewer() as viewer:
        for _ in range(11):
            await viewer.socket.send("nonsense")
        assert await viewer.close_code() == 3500
    assert server.hub.counts.malformed_total == {"codec": 11}


async def test_chat_rate_is_per_user_over_all_connections(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "CHAT_PER_USER", (registry.CHAT_PER_USER[0], HARDLY_PER_S))
    token = server.token(GUEST)
    async with server.viewer(token=token) as one, server.viewer(token=token) as two:
        for number in range(5):
            await one.send(t="chat", cid=f"c{number}", text="hi")
            await one.receive_until(t="ack", cid=f"c{number}")
        await two.send(t="chat", cid="c5", text="hi")
        error = await two.receive_until(t="error", cid="c5")
        assert error["code"] == "too-fast"
        assert 0 < error["retry_after_ms"] <= 1_000 / HARDLY_PER_S + 1


async def test_message_flood_closes_the_connection(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "MESSAGES", (session.MESSAGES[0], HARDLY_PER_S))
    monkeypatch.setattr(session, "FAST_MESSAGES", (session.FAST_MESSAGES[0], HARDLY_PER_S))
    async with server.viewer() as viewer:
        with contextlib.suppress(ConnectionClosed):
            for number in range(80):
                await viewer.send(t="ping", id=number)
        assert await viewer.close_code() == 3505
    assert server.hub.counts.closed_total == {3505: 1}


async def test_ping_flood_closes_the_connection(server: Server) -> None:
    received = await raw_close(server, HELLO, client_frame(Opcode.PING, b"x" * 100) * 200)
    assert (3505).to_bytes(2) in received
    assert server.hub.counts.closed_total == {3505: 1}


async def test_too_many_fragments_close_the_connection(server: Server) -> None:
    pieces = client_frame(Opcode.TEXT, b"", False) + client_frame(Opcode.CONT, b"", False) * 64
    received = await raw_close(server, HELLO, pieces)
    assert (3500).to_bytes(2) in received
    assert server.hub.counts.malformed_total == {"fragments": 1}


async def test_likes_over_the_limit_are_not_counted(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = session.LIKES[0]
    monkeypatch.setattr(session, "LIKES", (most, HARDLY_PER_S))
    async with server.viewer() as viewer:
        for _ in range(4):
            await viewer.send(t="like", n=100)
        await viewer.send(t="ping", id=1)
        await viewer.receive_until(t="pong")
        likes = 0
        while likes < most:
            likes = (await viewer.receive_until(counters=None))["counters"]["likes"]
        assert likes == most
