"""A host stays on air through what happens to its server."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from loadtest.actors.publish import Programme, publish
from loadtest.clients import whip
from loadtest.clients.whep import Crowd
from loadtest.clients.whip import WhipSession
from loadtest.errors import LoadError, TakenOver
from tests.support.address_families import needs_ipv6
from tests.support.clips import CLIP
from tests.support.running import Running, running
from tests.support.waiting import WAIT_S, wait_until


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path) as server:
        yield server


async def watchable(server: Running) -> bool:
    """Whether a new viewer gets a packet."""
    try:
        async with Crowd(f"{server.url}/live/demo/whep") as crowd:
            await crowd.leave(await crowd.join())
            return True
    except LoadError:
        return False


@pytest.mark.soak
async def test_a_host_comes_back_after_its_server_was_killed(server: Running) -> None:
    token = await server.host_token()
    url = f"{server.url}/live/demo/whip"
    host = asyncio.create_task(publish(url, token, Programme(CLIP, copy=True)))
    try:
        await wait_until(lambda: watchable(server), what="on air")
        await server.kill()
        await server.start()
        await wait_until(lambda: watchable(server), what="on air again")
    finally:
        host.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await host


async def test_of_two_hosts_with_one_token_the_first_stays_away(server: Running) -> None:
    token = await server.host_token()
    url = f"{server.url}/live/demo/whip"
    first = asyncio.create_task(publish(url, token, Programme(CLIP, copy=True)))
    second: asyncio.Task[None] | None = None
    try:
        await wait_until(lambda: watchable(server), what="on air")
        second = asyncio.create_task(publish(url, token, Programme(CLIP, copy=True)))
        with pytest.raises(TakenOver):
            await asyncio.wait_for(first, WAIT_S)
        await wait_until(lambda: watchable(server), what="on air with the second")
        assert not second.done()
    finally:
        for host in (first, second):
            if host is not None:
                host.cancel()
                with contextlib.suppress(asyncio.CancelledError, TakenOver):
                    await host


@pytest.mark.soak
async def test_a_host_that_is_replaced_before_it_is_connected_stays_away(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await server.host_token()
    post, posts = WhipSession._post, 0

    async def post_then_be_replaced(session: WhipSession, offer: str) -> str:
        nonlocal posts
        posts += 1
        answer = await post(session, offer)
        headers = {**session._headers, "Content-Type": "application/sdp"}
        other = await session._http.post(session._url, content=offer, headers=headers)
        assert other.status_code == 201
        return answer

    monkeypatch.setattr(WhipSession, "_post", post_then_be_replaced)
    monkeypatch.setattr(whip, "CONNECT_TIMEOUT_S", 0.5)
    with pytest.raises(TakenOver):
        async with asyncio.timeout(WAIT_S):
            await publish(f"{server.url}/live/demo/whip", token, Programme(CLIP, copy=True))
    assert posts == 1


@needs_ipv6
@pytest.mark.soak
async def test_a_server_of_ipv6_alone_is_published_to_and_watched(tmp_path: Path) -> None:
    async with running(tmp_path, LINLI_HOST="::1", LINLI_ICE_ADDRESSES="::1") as server:
        token = await server.host_token()
        url = f"{server.url}/live/demo/whip"
        host = asyncio.create_task(publish(url, token, Programme(CLIP, copy=True)))
        try:
            await wait_until(lambda: watchable(server), what="on air")
        finally:
            host.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await host
