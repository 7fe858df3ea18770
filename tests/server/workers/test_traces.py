"""One trace leads through all processes of a node: an order's from the tap on, and a join's."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
import pytest_asyncio

from commerce.catalogue.values import LiveState
from loadtest.actors.publish import Programme, publish
from server.worker import socket_path
from tests.support.clips import CLIP
from tests.support.evening_story import neighbour
from tests.support.live_routes import WHEP
from tests.support.media_peers import loopback_candidates, next_frame, viewer
from tests.support.otlp_collector import Collector, Span, collecting
from tests.support.running import SDP, Running, running
from tests.support.waiting import WAIT_S, wait_until

__all__ = ["loopback_candidates"]

# A node of two workers takes half a minute to begin on a busy machine.
pytestmark = [pytest.mark.soak, pytest.mark.asyncio(loop_scope="module")]
OF_AN_ORDER = {"order.tap", "order.admit", "order.charge", "order.commit", "order.settle",
               "order.confirm", "order.outbox.order"}  # fmt: skip


@dataclass
class Node:
    """Two workers that send their spans to a collector."""

    server: Running
    collector: Collector

    def worker(self, number: int) -> httpx.AsyncClient:
        path = socket_path(self.server.folder / "var", number)
        transport = httpx.AsyncHTTPTransport(uds=str(path))
        return httpx.AsyncClient(transport=transport, base_url="http://linli", timeout=WAIT_S)

    async def answers(self) -> bool:
        """Whether both workers do."""
        for number in (0, 1):
            async with self.worker(number) as client:
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get("/readyz")).status_code == 200:
                        continue
            return False
        return True


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Node]:
    with collecting() as collector:
        async with running(
            tmp_path_factory.mktemp("node"),
            LINLI_WORKERS="2",
            LINLI_ICE_PORT="0",
            LINLI_RATE_LIMITS="0",
            LINLI_OTLP_URL=collector.url,
            OTEL_BSP_SCHEDULE_DELAY="50",
        ) as server:
            node = Node(server, collector)
            await wait_until(node.answers, what="both workers")
            yield node


def assert_is_one_trace(spans: list[Span], root: str) -> None:
    assert len({span.trace_id for span in spans}) == 1
    [first] = [span for span in spans if not span.parent_id]
    assert first.name == root
    assert all(span.parent_id == first.span_id for span in spans if span is not first)
    assert all(span.ends_ns >= span.begins_ns >= first.begins_ns for span in spans)


async def test_an_orders_trace_leads_from_the_tap_over_gate_and_ledger_to_the_outbox(
    node: Node,
) -> None:
    """Whoever tapped, any worker may write the order and deliver what follows from it."""
    guest = await neighbour(node.server, "小林")
    orders: list[str] = []
    numbers = itertools.count()

    async def crosses_processes() -> bool:
        number = next(numbers)
        async with node.worker(number % 2) as client:
            body = {"room_id": "demo", "product_id": "eggs", "quantity": 1}
            headers = {
                "Authorization": f"Bearer {guest['token']}",
                "Idempotency-Key": f"tap-number-{number}",
            }
            answer = await client.post("/api/orders", json=body, headers=headers)
            if answer.status_code in (200, 201):
                orders.append(answer.json()["order"]["id"])
        return any(len({span.worker for span in complete(order)}) > 1 for order in orders)

    def complete(order_id: str) -> list[Span]:
        spans = node.collector.of(order_id)
        return spans if {span.name for span in spans} >= OF_AN_ORDER else []

    await wait_until(crosses_processes, what="an order that two workers had a part in")
    for order_id in orders:
        if spans := complete(order_id):
            assert_is_one_trace(spans, "order.tap")
            began = {span.name: span.begins_ns for span in spans}
            way = ["order.tap", "order.admit", "order.commit", "order.settle", "order.outbox.order"]
            assert [began[name] for name in way] == sorted(began[name] for name in way)
    assert len({span.trace_id for span in node.collector.spans}) >= len(orders)


async def test_a_joins_trace_leads_from_the_worker_that_was_asked_to_the_one_with_the_live(
    node: Node,
) -> None:
    token = await node.server.host_token()
    host = asyncio.create_task(publish(node.server.whip, token, Programme(CLIP, copy=True)))
    try:
        await wait_until(lambda: node.server.is_in(LiveState.LIVE), what="on air")
        for number in (0, 1):  # one of them has the live

            async def negotiate(offer: str, number: int = number) -> str:
                async with node.worker(number) as client:
                    return (await client.post(WHEP, content=offer, headers=SDP)).text

            async with viewer(negotiate) as tracks:
                assert (await next_frame(tracks["video"])).width
        await wait_until(lambda: passed_on(node.collector), what="a join that was passed on")
    finally:
        host.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await host
    spans = passed_on(node.collector)
    assert_is_one_trace([span for span in spans if span.name != "join.pass_on"], "join.answer")
    by_name = {span.name: span for span in spans}
    assert set(by_name) == {"join.answer", "join.pass_on", "join.connect"}
    asked, owner = by_name["join.pass_on"], by_name["join.answer"]
    assert asked.worker != owner.worker == by_name["join.connect"].worker
    assert asked.trace_id == owner.trace_id and asked.parent_id == owner.span_id
    assert asked.begins_ns <= owner.begins_ns <= owner.ends_ns <= asked.ends_ns


def passed_on(collector: Collector) -> list[Span]:
    """Return the trace of a join that is complete and was passed on."""
    names = {"join.answer", "join.pass_on", "join.connect"}
    return next(
        (spans for spans in collector.traces().values() if {each.name for each in spans} >= names),
        [],
    )
