"""What a worker does with requests that another worker passed on, and with those for another."""

import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from time import monotonic

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from media.io.cascade.cascade import Cascade
from media.io.webrtc.plane import MediaPlane, PlaneConfig
from media.stream.ports import TrackFormat
from server.app import build
from server.bridge.redis_lease import RedisLeases
from server.ops.heartbeat import Beat, Heartbeats
from server.ops.maintenance import load
from server.ops.secrets import token_secret
from server.services import Services
from server.settings import CascadePolicy, Settings
from server.worker import Worker
from server.workers.hops import RedisDirectory
from server.workers.signing import HEADER, HOPS_MAX, Passed, Signer
from tests.support.live_routes import PLAY_OFFER, SDP, WHEP, WHIP, refused
from tests.support.media_forwarding import CODEC, KEY
from tests.support.media_roads import UnitSource
from tests.support.running import PASSWORD, SHOP
from tests.support.sdp_offers import OFFER
from tests.support.serving import serving
from tests.support.waiting import wait_until

WORKER = Worker("0a1b2c", 0, 2)
PATH = f"/live/demo/whep/{WORKER.id}{'x' * 32}"
LOST = f"/live/demo/whep/d0d0d000{'x' * 32}"
SIBLING = "0a1b2c01"


class One:
    """A worker that is one of two; the other does not run."""

    def __init__(self, client: httpx.AsyncClient, signer: Signer, services: Services) -> None:
        self.client = client
        self.signer = signer
        self.services = services

    async def passed(
        self, worker: str, *, hops: int = 1, path: str = PATH, signed: str = ""
    ) -> httpx.Response:
        passed = Passed(time.time_ns() // 1_000_000, worker, hops, "192.0.2.7")
        value = self.signer.sign(passed, "GET", (signed or path).encode(), b"")
        return await self.client.get(path, headers={HEADER.decode(): value.decode()})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def one(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[One]:
    settings = Settings(
        port=0,
        ice_port=0,
        rtmp_port=None,
        ice_addresses=("127.0.0.1",),
        data_dir=tmp_path_factory.mktemp("one"),
    )
    await load(settings, SHOP, PASSWORD)
    async with build(settings, worker=WORKER) as program:
        transport = httpx.ASGITransport(program.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://linli") as client:
            yield One(client, Signer(token_secret(settings)), program.services)


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_session_of_a_worker_that_is_gone_is_none(one: One) -> None:
    for path in (PATH, LOST):
        answer = await one.client.get(path)
        refused(answer, 404)
        assert answer.json()["type"].endswith("no-such-session")


async def test_session_of_a_worker_that_does_not_answer_is_none(one: One) -> None:
    refused(await one.client.get(PATH.replace(WORKER.id, SIBLING)), 404)


async def test_request_that_was_passed_on_is_answered_here(one: One) -> None:
    answer = await one.passed(WORKER.id)
    assert answer.json()["type"].endswith("no-such-session"), "by the route, not by the signature"


async def test_request_without_a_good_signature_is_refused(one: One) -> None:
    refused(await one.client.get(PATH, headers={HEADER.decode(): "v1 0 0a1b2c00 1 - 00"}), 403)
    refused(await one.passed(WORKER.id, signed="/live/demo/whep"), 403)


async def test_request_for_a_worker_that_is_not_of_this_node_goes_no_further(one: One) -> None:
    answer = await one.passed("d0d0d000")
    refused(answer, 503)
    assert answer.headers["Retry-After"] == "1"


@pytest.mark.parametrize("hops", [1, HOPS_MAX])
async def test_request_for_a_sibling_that_does_not_answer_comes_again_later(
    one: One, hops: int
) -> None:
    refused(await one.passed(SIBLING, hops=hops), 503)


async def test_host_who_comes_to_a_worker_that_drains_publishes_at_another_node(one: One) -> None:
    passed: list[Passed | None] = []

    async def publish(request: Request) -> Response:
        body, at_ms = await request.body(), time.time_ns() // 1_000_000
        value, target = request.headers[HEADER.decode()].encode(), request.url.path.encode()
        passed.append(one.signer.check(value, request.method, target, body, at_ms=at_ms))
        return Response("answer", 201, {"Location": f"{WHIP}/e0e0e000{'x' * 32}"})

    other = Beat("b", "e0e0e000", "1", 7, 8_080, 61, 0.1, 3.0, 0, 0, {})
    media = one.services.media
    async with serving(Starlette(routes=[Route(WHIP, publish, methods=["POST"])])) as url:
        await Heartbeats(one.services.redis).write(replace(other, url=url))
        media.draining = True
        try:
            new = await one.client.post(WHIP, content=OFFER, headers=SDP)
            media.draining = False
            await media.publish("demo", OFFER, takeover=True)
            media._lives.by_room["demo"].on_air = True  # as if its media had come
            media.draining = True
            present = await one.client.post(WHIP, content=OFFER, headers=SDP)
        finally:
            media.draining = False
            await media.end("demo")
    assert [(each.status_code, each.text) for each in (new, present)] == 2 * [(201, "answer")]
    assert [each and (each.worker, each.hops) for each in passed] == 2 * [("e0e0e000", 1)]


@pytest.mark.parametrize(
    ("policy", "status", "other", "is_edge"),
    [
        (CascadePolicy.FULL, 201, "e1e0e000", False),
        (CascadePolicy.FULL, 503, "e2e0e000", True),
        (CascadePolicy.NODES, 503, "e3e0e000", True),
    ],
)
async def test_viewer_of_a_live_at_another_node_is_served_as_the_policy_says(
    one: One, policy: CascadePolicy, status: int, other: str, is_edge: bool
) -> None:
    async def play(request: Request) -> Response:
        headers = {"Location": f"{WHEP}/{other}{'x' * 32}", "Retry-After": "2"}
        return Response("answer", status, headers)

    services = one.services
    before, services.settings = (
        services.settings,
        services.settings.model_copy(update={"cascade": policy}),
    )
    leases = RedisLeases(services.redis)
    try:
        async with (
            origin_elsewhere(one, other),
            serving(Starlette(routes=[Route(WHEP, play, methods=["POST"])])) as url,
        ):
            beat = Beat("b", other, "1", 7, 8_080, 61, 0.1, 3.0, 0, 0, {})
            await Heartbeats(services.redis).write(replace(beat, url=url))
            lease = await leases.take("demo", other + "0" * 16, above=0)
            answers: list[httpx.Response] = []

            async def answered() -> bool:  # as soon as the lease is seen
                answers.append(await one.client.post(WHEP, content=PLAY_OFFER, headers=SDP))
                return answers[-1].status_code == 201

            await wait_until(answered)
            served = answers[-1].headers["Location"].removeprefix(f"{WHEP}/")[:8]
            assert served == (WORKER.id if is_edge else other)
            await leases.release(lease)
    finally:
        services.settings = before
        await services.media.end("demo")


@contextlib.asynccontextmanager
async def origin_elsewhere(one: One, worker_id: str) -> AsyncIterator[None]:
    """A worker of another node, with a live, whose hop is found in Redis."""

    async def nowhere(room_id: str) -> str:
        return ""

    plane = await MediaPlane.open(PlaneConfig(addresses=("127.0.0.1",)))
    secret = token_secret(one.services.settings)
    directory = RedisDirectory(one.services.redis, Worker(worker_id[:6]), secret)
    cascade = await Cascade.open(worker_id, "127.0.0.1", 0, plane.lives, directory, nowhere)
    try:
        await cascade.write_row()
        source = UnitSource("encoder", {"video": TrackFormat(CODEC, ("",))})
        plane.roads.publish_source("demo", source)
        layer = source.send("video", KEY + bytes(900), 0, key=True, now=monotonic())
        plane.roads.deliver("demo", source, layer)
        yield
    finally:
        await cascade.close()
        await plane.close()
