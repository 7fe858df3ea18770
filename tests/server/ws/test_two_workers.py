"""What a host changes by one worker holds at once for connections of another one."""

import contextlib
from collections.abc import AsyncIterator

from redis.asyncio import Redis

from rooms.io.hub import RoomHub
from rooms.io.redis_bus import RedisRoomBus
from rooms.io.redis_log import RedisRoomLog
from rooms.moderation.policy import Policy
from server.access.policy import Principal, Role
from server.bridge.channels.moderation import ChatRules, ChatRulesChanged
from server.bridge.channels.registry import RULES
from server.ws.moderation import NoModeration
from server.ws.wire import CODECS
from tests.support.room_hubs import Client, serving

MEI = Principal("u2", frozenset({Role.STORE}), store_id="s1", nickname="Mei")
BO = Principal("g2", frozenset({Role.MEMBER}), estate_id="e1", nickname="Bo")


class Record(NoModeration):
    """What all workers read."""

    def __init__(self) -> None:
        self.current = Policy()

    async def policy(self, channel: str) -> Policy:
        """Return what holds now."""
        return self.current


@contextlib.asynccontextmanager
async def hub_on(url: str) -> AsyncIterator[RoomHub]:
    """The rooms of a worker."""
    async with Redis.from_url(url) as redis:
        hub = RoomHub(RedisRoomLog(redis, RULES), RedisRoomBus(redis, RULES), CODECS, RULES)
        await hub.start()
        try:
            yield hub
        finally:
            await hub.close()


async def role_of(client: Client, text: str) -> str:
    """Write a line; return the role that the room shows beside it."""
    await client.send(t="chat", cid=text, text=text)
    while True:
        for line in (await client.receive_until(chat=None))["chat"]:
            if line["text"] == text:
                return str(line["from"]["role"])


async def test_roles_that_a_host_gives_and_takes_reach_the_other_worker(valkey_url: str) -> None:
    record, version = Record(), 0
    async with hub_on(valkey_url) as first, hub_on(valkey_url) as second:

        async def set_policy(
            cohosts: frozenset[str] = frozenset(), moderators: frozenset[str] = frozenset()
        ) -> None:
            nonlocal version
            version += 1
            record.current = Policy(version=version, cohosts=cohosts, moderators=moderators)
            rules = ChatRulesChanged(chat_rules=ChatRules(version=version))
            await first.announce("room:demo", rules)

        async with (
            serving(second, moderation=record) as server,
            server.viewer(token=server.token(MEI)) as mei,
            server.viewer(token=server.token(BO)) as bo,
        ):
            await set_policy(cohosts=frozenset({"u2"}))
            assert (await mei.receive_until(t="you"))["event"]["cohost"] is True
            assert await role_of(mei, "sold by me") == "host"
            # Nobody is sanctioned: a role alone is shown, too.
            await set_policy(moderators=frozenset({"g2"}))
            assert (await mei.receive_until(t="you"))["event"]["cohost"] is False
            assert (await bo.receive_until(t="you"))["event"]["moderator"] is True
            assert await role_of(mei, "only a clerk") != "host"
            await set_policy()
            assert (await bo.receive_until(t="you"))["event"]["moderator"] is False
