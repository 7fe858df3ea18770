"""Buyers count answers, and their checks fail for a shop whose answers and stock differ."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from loadtest.actors.buyers import Buyers
from tests.support.serving import serving


class MemoryShop:
    """A shop in memory, correct unless a fault is set."""

    def __init__(self) -> None:
        self.left = {"buns": 1_000, "eggs": 1_000}
        self.orders: dict[str, dict[str, Any]] = {}
        self.by_buyer: dict[str, list[dict[str, Any]]] = {}
        self.takes = 1
        self.forgets_keys = False
        self.delay_s = 0.0

    async def guest(self, request: Request) -> Response:
        body = await request.json()
        token = f"token-{len(self.by_buyer)}"
        self.by_buyer[f"Bearer {token}"] = []
        guest = {"id": token, "nickname": body["nickname"], "estate_id": body["estate_id"]}
        return JSONResponse({"token": token, "guest": guest}, 201)

    async def order(self, request: Request) -> Response:
        await asyncio.sleep(self.delay_s)
        body, key = await request.json(), request.headers["Idempotency-Key"]
        if key in self.orders and not self.forgets_keys:
            return JSONResponse({"order": self.orders[key]}, 201)
        if self.left[body["product_id"]] <= 0:
            return JSONResponse({"type": "urn:linli:problem:sold-out", "left": 0}, 409)
        self.left[body["product_id"]] -= self.takes
        order = self.orders[key] = {"id": f"o{len(self.orders)}-{self.left}"}
        self.by_buyer[request.headers["Authorization"]].append(order)
        return JSONResponse({"order": order}, 201)

    async def mine(self, request: Request) -> Response:
        return JSONResponse({"orders": self.by_buyer[request.headers["Authorization"]]})

    async def room(self, _: Request) -> Response:
        return JSONResponse({"estates": [{"id": "e1"}, {"id": "e2"}]})

    async def products(self, _: Request) -> Response:
        shelves = [{"id": product, "left": left} for product, left in self.left.items()]
        return JSONResponse({"products": shelves})

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/healthz", lambda _: Response()),
                Route("/api/guests", self.guest, methods=["POST"]),
                Route("/api/orders", self.order, methods=["POST"]),
                Route("/api/me/orders", self.mine),
                Route("/api/rooms/bench", self.room),
                Route("/api/rooms/bench/products", self.products),
            ]
        )


@pytest.fixture
async def shop() -> AsyncIterator[tuple[MemoryShop, Buyers]]:
    shop = MemoryShop()
    async with serving(shop.app()) as base_url, Buyers(base_url, "bench") as buyers:
        await buyers.arrive(5)
        yield shop, buyers


async def broken(buyers: Buyers) -> set[str]:
    return {check.name for check in await buyers.check() if not check.holds}


async def test_a_correct_shop_passes_every_check(shop: tuple[MemoryShop, Buyers]) -> None:
    tapped = await shop[1].flat_out(4, 0.3)
    assert tapped.confirmed == len(shop[0].orders) > 0
    assert 0 < tapped.percentile_ms(50) <= tapped.percentile_ms(99)
    assert await broken(shop[1]) == set()


async def test_sold_out_is_an_outcome_and_not_an_error(shop: tuple[MemoryShop, Buyers]) -> None:
    shop[0].left = {"buns": 3, "eggs": 2}
    await shop[1].arrive(5)
    tapped = await shop[1].rush(200, 0.1)
    assert tapped.confirmed == 5
    assert tapped.outcomes["sold-out"] == 15
    assert await broken(shop[1]) == set()


async def test_a_shop_that_takes_two_for_one_fails_the_stock_check(
    shop: tuple[MemoryShop, Buyers],
) -> None:
    shop[0].takes = 2
    await shop[1].rush(200, 0.05)
    assert await broken(shop[1]) == {"stock fell by what was confirmed"}


async def test_a_shop_that_forgets_idempotency_keys_fails_the_replay_check(
    shop: tuple[MemoryShop, Buyers],
) -> None:
    shop[0].forgets_keys = True
    await shop[1].rush(200, 0.05)
    assert "a reused key is the same order" in await broken(shop[1])


async def test_latency_counts_from_when_a_tap_was_due(
    shop: tuple[MemoryShop, Buyers],
) -> None:
    shop[0].delay_s = 0.05
    tapped = await shop[1].rush(100, 0.1)
    assert tapped.confirmed == 10
    assert tapped.percentile_ms(1) >= 50


async def test_plain_requests_are_counted(shop: tuple[MemoryShop, Buyers]) -> None:
    assert await shop[1].plain_requests(2, 0.1) > 0
