"""The demo's host: what it puts on the table, and what stays in the bag."""

import asyncio
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.cli import demo
from server.ops.demo_presale import PRODUCT
from server.ops.shop_file import read_shop
from tests.support.waiting import wait_until


async def test_the_presale_stays_in_the_bag_while_groups_take_turns_on_the_table(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[tuple[str, str]] = []

    async def pins(request: Request) -> Response:
        calls.append((request.method, request.path_params["product"]))
        return Response(status_code=503 if len(calls) == 1 else 200)

    app = Starlette(
        routes=[Route("/api/rooms/demo/pins/{product}", pins, methods=["PUT", "DELETE"])]
    )
    plain = httpx.AsyncClient

    def client(**options: object) -> httpx.AsyncClient:
        return plain(transport=httpx.ASGITransport(app), base_url=str(options["base_url"]))

    monkeypatch.setattr(httpx, "AsyncClient", client)
    monkeypatch.setattr(demo, "PIN_S", 0.0)
    monkeypatch.setattr(demo, "RETRY_S", 0.0)
    plan = read_shop(Path(demo.DEMO_TOML))
    directing = asyncio.create_task(demo.direct("http://demo", "token", plan))
    await wait_until(lambda: len(calls) >= 6)
    directing.cancel()
    groups = [product.id for product in plan.products if product.group]
    assert PRODUCT in [product.id for product in plan.products]
    assert calls[:6] == [
        ("PUT", PRODUCT),  # refused at first
        ("PUT", PRODUCT),
        ("PUT", groups[0]),
        ("PUT", groups[1]),
        ("DELETE", groups[0]),
        ("PUT", groups[2]),
    ]
