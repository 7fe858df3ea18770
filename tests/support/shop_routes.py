"""The business routes in this process, on a real record and a real Valkey."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import httpx
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from commerce.activities.moderation import Line
from commerce.catalogue.values import SeedPlan
from rooms.io.hub import RoomHub
from rooms.io.local_room import LocalRoom
from rooms.log import LogUnavailable
from server.access.moves import MoveCodes
from server.access.rehearsals import Rehearsals
from server.access.tokens import Access
from server.bridge.facts import FactSpool
from server.bridge.lease import MemoryLeases
from server.bridge.lives import OwnedLives
from server.http.hooks import cabinets as cabinet_readings
from server.http.hooks import pos
from server.http.hq import after_sales as hq_after_sales
from server.http.hq import audit, books, note_cards
from server.http.leader.registry import routes as leader_routes
from server.http.shop import (
    activities,
    after_sales,
    cohosts,
    coupons,
    draws,
    facts,
    flash,
    guests,
    moderation,
    next_rooms,
    orders,
    people,
    phones,
    pictures,
    pins,
    privacy,
    products,
    rooms,
    schedule,
    shelves,
    split_orders,
    summaries,
)
from server.http.shop.notices import routes as notice_routes
from server.http.shop.push import routes as push_routes
from server.http.staff import (
    cabinets,
    claims,
    neighbours,
    packing,
    presales,
    prints,
    stock,
    stores,
    tills,
)
from server.latency import Latency
from server.limits import Limits
from server.printing.drawings import Drawings
from server.problem import Problem, problem_handler
from server.settings import Settings
from tests.support.commerce_shop import running_shop, shop_plan

SECRET = "s" * 32


class StandIns:
    """The media plane and the room hub, as far as these routes ask them."""

    def __init__(self) -> None:
        self.ended: list[str] = []
        self.announced: list[tuple[str, str]] = []
        self.lines: dict[str, Line] = {}
        self.shown: list[Line] = []

    def media_time(self, room_id: str) -> int | None:
        """A moment of the video."""
        return 123_456

    async def end(self, room_id: str) -> None:
        """Remember it."""
        self.ended.append(room_id)

    async def open_room(self, channel: str) -> LocalRoom:
        """There is none."""
        raise LogUnavailable(channel)

    async def line(self, room_id: str, line_id: str) -> Line | None:
        """A line that a room shows."""
        return self.lines.get(line_id)

    async def show(self, room_id: str, line: Line) -> None:
        """Remember it."""
        self.shown.append(line)

    async def keys_of_writer(self, room_id: str, subject: str) -> tuple[str, str]:
        """Address and device of everybody."""
        return "a:1", "d:1"

    def viewers(self, room_id: str) -> int:
        """As many as there are."""
        return 7

    async def announce(self, channel: str, *events: Any) -> None:
        """Remember it."""
        for event in events:
            self.announced.append((channel, event.state))


@asynccontextmanager
async def shop_routes(
    sqlite_url: str, valkey_url: str, plan: SeedPlan | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the routes; `web.stand_ins` is what they reached."""
    async with running_shop(sqlite_url, valkey_url, plan=plan or shop_plan(2, target=2)) as shop:
        routes: list[BaseRoute] = [
            *people.routes,
            *coupons.routes,
            *moderation.routes,
            *cohosts.routes,
            *guests.routes,
            *phones.routes,
            *privacy.routes,
            *rooms.routes,
            *products.routes,
            *pins.routes,
            *activities.routes,
            *flash.routes,
            *facts.routes,
            *schedule.routes,
            *draws.routes,
            *summaries.routes,
            *shelves.routes,
            *next_rooms.routes,
            *orders.routes,
            *split_orders.routes,
            *after_sales.routes,
            *pictures.routes,
            *claims.routes,
            *hq_after_sales.routes,
            *books.routes,
            *stores.routes,
            *packing.routes,
            *presales.routes,
            *prints.routes,
            *neighbours.routes,
            *leader_routes,
            *notice_routes,
            *push_routes,
            *stock.routes,
            *tills.routes,
            *pos.routes,
            *cabinet_readings.routes,
            *cabinets.routes,
            *audit.routes,
            *note_cards.routes,
        ]
        app = Starlette(routes=routes, exception_handlers={Problem: problem_handler})
        stand_ins = StandIns()
        hub, leases = cast(RoomHub, stand_ins), MemoryLeases(time.monotonic)
        lives = OwnedLives(shop.commerce.lives, hub, leases, stand_ins.end, grace_s=30.0)
        app.state.services = SimpleNamespace(
            settings=Settings(),
            access=Access(SECRET, shop.commerce.people.versions),
            moves=MoveCodes(shop.redis),
            rehearsals=Rehearsals(
                lambda: shop.commerce.catalogue.rehearsals,
                lambda room_id: shop.commerce.catalogue.brand_id("room", room_id),
            ),
            limits=Limits(shop.redis, enabled=False),
            commerce=shop.commerce,
            page_facts=FactSpool(shop.redis),
            media=stand_ins,
            rooms=stand_ins,
            drawings=Drawings(),
            moderation=stand_ins,
            end_live=lives.end,
            end_rehearsal=lives.end_rehearsal,
            tracing=None,
            latency={"orders": Latency(), "joins": Latency()},
        )
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            client.commerce = shop.commerce  # type: ignore[attr-defined]  # for the tests
            client.stand_ins = stand_ins  # type: ignore[attr-defined]  # for the tests to look at
            client.shop = shop  # type: ignore[attr-defined]  # for the tests to change
            client.services = app.state.services  # type: ignore[attr-defined]
            yield client


def bearer(token: str, key: str = "") -> dict[str, str]:
    """Headers of somebody known."""
    headers = {"Authorization": f"Bearer {token}"}
    return headers | ({"Idempotency-Key": key} if key else {})


async def guest(web: httpx.AsyncClient, nickname: str = "晨光") -> str:
    """A neighbour's token."""
    made = await web.post("/api/guests", json={"nickname": nickname, "estate_id": "e1"})
    assert made.status_code == 201
    return str(made.json()["token"])


async def clerk(web: httpx.AsyncClient) -> str:
    """The token of the host and clerk of store s1."""
    made = await web.post("/api/login", json={"username": "clerk", "password": "open sesame"})
    assert made.status_code == 200
    assert made.json()["staff"] == {
        "id": "u1",
        "name": "Clerk",
        "roles": ["host", "store"],
        "room_id": "demo",
        "store_id": "s1",
        "estate_ids": [],
    }
    return str(made.json()["token"])


def tea(quantity: int = 1) -> dict[str, object]:
    """The body of an order."""
    return {"room_id": "demo", "product_id": "tea", "quantity": quantity}
