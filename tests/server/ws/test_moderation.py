"""Lines are judged at acceptance, and what changes reaches connections that are open."""

from collections.abc import AsyncIterator
from typing import Any

from rooms.io.hub import RoomHub
from rooms.messages import ChatLine
from rooms.moderation.filters import ListedWord, Verdict, WordFilter
from rooms.moderation.policy import Policy, Sanction, SanctionKind
from server.access.policy import Principal, Role
from server.bridge.channels.moderation import ChatRules, ChatRulesChanged
from server.ws.moderation import NoModeration
from tests.support.room_hubs import GUEST, HOST, Client, serving
from tests.support.waiting import wait_until

BO = Principal("g2", frozenset({Role.MEMBER}), estate_id="e1", nickname="Bo")


class Source(NoModeration):
    """One policy for all channels, and the lines that were held."""

    def __init__(self) -> None:
        self.current = Policy(
            filter=WordFilter([ListedWord("vx"), ListedWord("scam", Verdict.REFUSE)])
        )
        self.held: list[str] = []

    async def policy(self, channel: str) -> Policy:
        """Return the current one."""
        return self.current

    async def hold(self, channel: str, line: ChatLine) -> None:
        """Keep its text."""
        self.held.append(line.text)


async def _code(client: Client, text: str) -> str:
    """Write a line; return why it was refused, or "ack"."""
    await client.send(t="chat", cid=text, text=text)
    answer = await client.receive_until(cid=text)
    return str(answer.get("code", answer["t"]))


async def _lines(client: Client, *, until: str) -> AsyncIterator[dict[str, Any]]:
    """The lines that a client is shown, up to the one with this text."""
    while True:
        for line in (await client.receive_until(chat=None))["chat"]:
            yield line
            if line["text"] == until:
                return


async def test_what_moderators_set_holds_for_open_connections(hub: RoomHub) -> None:
    source = Source()

    async def set_policy(version: int, rules: ChatRules, **values: object) -> None:
        source.current = Policy(version=version, **values)  # type: ignore[arg-type]
        await hub.announce("room:demo", ChatRulesChanged(chat_rules=rules))

    async with (
        serving(hub, moderation=source) as server,
        server.viewer(token=server.token(GUEST)) as lin,
        server.viewer(token=server.token(BO)) as bo,
        server.viewer(token=server.token(HOST)) as host,
    ):
        assert await _code(lin, "hello") == "ack"
        assert await _code(lin, "my v.x") == "held"
        assert await _code(lin, "SCAM") == "text-refused"
        assert await _code(host, "no scam here") == "ack"
        await wait_until(lambda: source.held == ["my v.x"], what="the held line")
        said = await bo.receive_until(chat=None)

        mute = Sanction("s1", SanctionKind.MUTE, "advertising")
        removed = ChatRules(version=1, removed_lines=(said["chat"][0]["id"],))
        await set_policy(1, removed, sanctions={"g1": (mute,)}, moderators=frozenset({"g2"}))
        muted = (await lin.receive_until(t="you"))["event"]
        assert (muted["k"], muted["sanction"]["reason"]) == ("standing", "advertising")
        assert (await bo.receive_until(t="you"))["event"]["moderator"] is True
        await lin.send(t="chat", cid="c", text="hello?")
        refused = await lin.receive_until(cid="c")
        assert (refused["code"], refused["detail"]) == ("muted", "advertising")
        async with server.viewer() as late:
            shown = [line["text"] for line in late.first["state"]["chat"]]
            assert shown == ["no scam here"]

        await set_policy(2, ChatRules(version=2), cohosts=frozenset({"g2"}))
        helping = (await bo.receive_until(t="you"))["event"]
        assert (helping["cohost"], helping["moderator"]) == (True, False)
        await bo.send(t="chat", cid="d", text="scam? no")
        lines = [line async for line in _lines(lin, until="scam? no")]
        assert lines[-1]["from"]["role"] == "host"
        await set_policy(3, ChatRules(version=3))
        assert (await bo.receive_until(t="you"))["event"]["cohost"] is False

        ban = Sanction("s2", SanctionKind.BAN, "threats")
        await set_policy(4, ChatRules(version=4, slow_s=60), sanctions={"g1": (ban,)}, slow_s=60)
        assert (await lin.receive_until(t="you"))["event"]["sanction"]["kind"] == "ban"
        assert await lin.close_code() == 3506
        async with server.client() as again:
            await again.send(t="hello", channel="room:demo", token=server.token(GUEST))
            assert (await again.receive())["event"]["sanction"]["reason"] == "threats"
            assert await again.close_code() == 3506
        assert await _code(bo, "one") == "ack"
        assert await _code(bo, "two") == "too-fast"
