"""Two workers of one node, asked one by one at their own sockets: sessions of either are whole."""

import asyncio
import contextlib
import os
import re
import signal
import time
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from commerce.catalogue.values import LiveState
from loadtest.actors.publish import Programme, publish
from server.ops.embedded import EmbeddedValkey
from server.ops.heartbeat import Beat, Heartbeats
from server.ops.secrets import token_secret
from server.worker import socket_path
from server.workers.signing import HEADER, HOPS_MAX, Passed, Signer
from tests.support.clips import CLIP
from tests.support.live_routes import FRAGMENT, PLAY_OFFER, SDP, TRICKLE, WHEP
from tests.support.media_peers import loopback_candidates, next_frame, viewer
from tests.support.running import Running, running
from tests.support.waiting import WAIT_S, wait_until

__all__ = ["loopback_candidates"]

VIEWERS_MAX = 12

# A node of two workers takes half a minute to begin on a busy machine.
pytestmark = [pytest.mark.soak, pytest.mark.asyncio(loop_scope="module")]


class Node:
    """A running node, and a client of each of its workers."""

    def __init__(self, server: Running) -> None:
        self.server = server
        self._data_dir = server.folder / "var"

    @contextlib.asynccontextmanager
    async def worker(self, number: int) -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.AsyncHTTPTransport(uds=str(socket_path(self._data_dir, number)))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://linli", timeout=WAIT_S
        ) as client:
            yield client

    async def rows(self) -> list[Beat]:
        async with Redis.from_url(EmbeddedValkey(self._data_dir).url) as redis:
            return await Heartbeats(redis).read()

    async def plays(self) -> bool:
        """Whether viewers of both workers see the live."""
        for number in (0, 1):
            async with self.worker(number) as client:
                answer = await client.post(WHEP, content=PLAY_OFFER, headers=SDP)
                if answer.status_code != 201:
                    return False
                await client.delete(answer.headers["Location"])
        return True

    async def owner(self) -> int:
        """The number of the worker with the live."""
        async with self.worker(0) as client:
            session = await join(client)
            await client.delete(session.headers["Location"])
            return number_of(session)


async def join(client: httpx.AsyncClient) -> httpx.Response:
    """Return a viewer's session, as soon as the live is on air."""
    answers: list[httpx.Response] = []

    async def joined() -> bool:
        answers.append(await client.post(WHEP, content=PLAY_OFFER, headers=SDP))
        return answers[-1].status_code == 201

    await wait_until(joined, what="a session")
    return answers[-1]


def number_of(session: httpx.Response) -> int:
    """The number of the worker that a session belongs to: its id begins with the worker's."""
    return int(session.headers["Location"].rsplit("/", 1)[1][6:8], 16)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Node]:
    folder = tmp_path_factory.mktemp("node")
    async with running(
        folder,
        LINLI_WORKERS="2",
        LINLI_ICE_PORT="0",
        LINLI_RATE_LIMITS="0",
        LINLI_METRICS_TOKEN="for the operator",
        LINLI_VIEWERS_MAX=str(VIEWERS_MAX),
    ) as server:
        token = await server.host_token()
        host = asyncio.create_task(publish(server.whip, token, Programme(CLIP, copy=True)))
        try:
            await wait_until(lambda: server.is_in(LiveState.LIVE), what="on air")
            node = Node(server)
            await wait_until(lambda: _rows_are(node, 2), what="both workers' rows")
            await wait_until(node.plays, what="the live at both workers")
            yield node
        finally:
            host.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await host
        before = server.log.count("stopped")
        await server.stop()
        # SIGTERM ends the workers in order before their supervisor.
        assert server.process is not None and server.process.returncode == 0
        assert server.log.count("stopped") == before + 3, server.log


async def test_viewers_of_any_worker_are_served_by_the_one_with_the_live(node: Node) -> None:
    owner = await node.owner()
    ports = []
    for number in (owner, 1 - owner):
        async with node.worker(number) as client:
            session = await join(client)
            assert number_of(session) == owner
            ports.append(set(re.findall(r"127\.0\.0\.1 (\d+) typ host", session.text)))
            assert (await client.delete(session.headers["Location"])).status_code == 200
    assert ports[0] == ports[1] != set()


async def test_viewer_who_asked_the_other_worker_sees_the_live(node: Node) -> None:
    other = 1 - await node.owner()

    async def negotiate(offer: str) -> str:
        async with node.worker(other) as client:
            return (await client.post(WHEP, content=offer, headers=SDP)).text

    async with viewer(negotiate) as tracks:
        assert (await next_frame(tracks["video"])).width


async def test_viewers_that_a_worker_has_no_room_for_are_served_by_the_other(node: Node) -> None:
    owner = await node.owner()
    sessions: list[httpx.Response] = []

    async def negotiate(offer: str) -> str:
        async with node.worker(owner) as client:

            async def overflows() -> bool:
                answer = await client.post(WHEP, content=PLAY_OFFER, headers=SDP)
                sessions.extend([answer] if answer.status_code == 201 else [])
                return bool(sessions) and number_of(sessions[-1]) != owner

            await wait_until(overflows, what="a session at the other worker", poll_s_max=0.02)
            answer = await client.post(WHEP, content=offer, headers=SDP)
            sessions.append(answer)
            return answer.text

    async with viewer(negotiate) as tracks:
        assert (await next_frame(tracks["video"])).width
        assert number_of(sessions[-1]) == 1 - owner
        for number in (owner, 1 - owner):
            async with node.worker(number) as client:

                async def is_full(client: httpx.AsyncClient = client) -> bool:
                    answer = await client.post(WHEP, content=PLAY_OFFER, headers=SDP)
                    sessions.extend([answer] if answer.status_code == 201 else [])
                    return answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0

                await wait_until(is_full, what="503", poll_s_max=0.02)
    async with node.worker(owner) as client:
        for session in sessions:
            await client.delete(session.headers["Location"])


async def test_session_is_changed_read_and_ended_at_the_other_worker(node: Node) -> None:
    other = 1 - await node.owner()
    async with node.worker(other) as client:
        session = await join(client)
        assert number_of(session) != other
        url = session.headers["Location"]
        headers = {**FRAGMENT, "If-Match": session.headers["ETag"]}
        assert (await client.patch(url, content=TRICKLE, headers=headers)).status_code == 204
        assert (await client.get(f"{url}/layer")).json()["layers"]
        wish = await client.post(f"{url}/layer", json={"maxHeight": 360})
        assert wish.status_code == 204
        chosen = await client.post(f"{url}/events", json=["active"])
        async with client.stream("GET", chosen.headers["Location"]) as events:
            assert events.headers["Content-Type"].startswith("text/event-stream")
            async for line in events.aiter_lines():
                if line == "event: active":
                    break
        assert (await client.delete(url)).status_code == 200
        assert (await client.get(url)).status_code == 404


async def test_what_another_node_sends_is_passed_to_the_worker_that_it_is_for(node: Node) -> None:
    other = 1 - await node.owner()
    async with node.worker(other) as client:
        url = (await join(client)).headers["Location"]
        signer = Signer(token_secret(node.server.settings))
        for hops, status in ((1, 204), (HOPS_MAX, 503)):
            passed = Passed(time.time_ns() // 1_000_000, url[-40:-32], hops, "192.0.2.7")
            value = signer.sign(passed, "GET", url.encode(), b"")
            answer = await client.get(url, headers={HEADER.decode(): value.decode()})
            assert answer.status_code == status


async def test_figures_of_a_live_are_those_of_its_worker(node: Node) -> None:
    token = {"Authorization": f"Bearer {await node.server.host_token()}"}
    for number in (0, 1):
        async with node.worker(number) as client:
            stats = await client.get("/api/lives/demo/stats", headers=token)
            assert stats.status_code == 200 and stats.json()


async def test_recording_of_a_live_is_that_of_its_worker(node: Node) -> None:
    token = {"Authorization": f"Bearer {await node.server.host_token()}"}
    for number in (0, 1):
        async with node.worker(number) as client:

            async def recorded(client: httpx.AsyncClient = client) -> bool:
                live_id = (await client.get("/api/rooms/demo")).json()["started_at_ms"]
                status = await client.get("/api/rooms/demo/recording", headers=token)
                playlist = await client.get(f"/live/demo/replay/{live_id}.m3u8")
                return bool(status.json()["recording"]) and playlist.status_code == 200

            await wait_until(recorded, what=f"the recording at worker {number}")
            explained = await client.post("/api/rooms/demo/explain", json={}, headers=token)
            assert explained.status_code == 204


async def test_figures_of_all_workers_are_at_each_of_them(node: Node) -> None:
    for number in (0, 1):
        async with node.worker(number) as client:
            assert (await client.get("/metrics")).status_code == 403
            figures: dict[tuple[str, str], float] = {}

            async def complete(
                client: httpx.AsyncClient = client, figures: dict[tuple[str, str], float] = figures
            ) -> bool:
                figures.update(await scrape(client))
                answered = {("linli_workers", "0"), ("linli_workers", "1")} <= set(figures)
                return answered and ("linli_commerce_holds", "") in figures

            await wait_until(complete, what="the figures of both workers")
        assert figures["linli_workers", "0"] == figures["linli_workers", "1"] == 2
        assert ("linli_media_rooms_live", str(1 - number)) in figures
        assert ("linli_commerce_holds", "0") not in figures
        assert figures["linli_process_cpu_seconds_total", str(1 - number)] > 0


async def scrape(client: httpx.AsyncClient) -> dict[tuple[str, str], float]:
    """Return figures by name and worker."""
    headers = {"Authorization": "Bearer for the operator"}
    text = (await client.get("/metrics", headers=headers)).text
    return {
        (sample.name, sample.labels.get("worker", "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_worker_that_is_killed_is_replaced_and_its_live_comes_back(node: Node) -> None:
    owner = await node.owner()
    await wait_until(lambda: _rows_are(node, 2), what="both workers' rows")
    killed = next(row for row in await node.rows() if int(row.worker[6:], 16) == owner)
    os.kill(killed.pid, signal.SIGKILL)

    async def replaced() -> bool:
        return any(
            row.worker == killed.worker and row.pid != killed.pid for row in await node.rows()
        )

    await wait_until(replaced, what="a worker in its place")
    await wait_until(node.plays, what="the live on air again")


async def _rows_are(node: Node, count: int) -> bool:
    return len(await node.rows()) == count
