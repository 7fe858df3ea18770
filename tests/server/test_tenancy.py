"""Nobody of one brand reaches what another brand has: every route is tried with its ids."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

import httpx
import pytest
from starlette.convertors import IntegerConvertor
from starlette.routing import Route

from commerce.catalogue.values import (
    Brand,
    Estate,
    Product,
    Room,
    SeedPlan,
    SeedStaff,
    Staff,
    Stock,
    Store,
)
from commerce.io.shop.seed import seed
from server.access.policy import Principal, Role
from server.routes import application
from tests.support.commerce_shop import NEAR, shop_plan, text
from tests.support.shop_routes import bearer, shop_routes
from tests.support.waiting import wait_until

# Open to everybody, by path: live media, what rooms and shops show, log-in, and pages.
EVERYBODY = {
    "/live/{room}/whep",
    "/live/{room}/whep/{session}",
    "/live/{room}/whep/{session}/events",
    "/live/{room}/whep/{session}/layer",
    "/live/{room}/hls/index.m3u8",
    "/live/{room}/hls/audio.m3u8",
    "/live/{room}/hls/{stream}/{file}",
    "/live/{room}.flv",
    "/live/{room}/replay/{live}.m3u8",
    "/live/{room}/replay/{live}.mp4",
    "/live/{room}/replay/{live}/events.json",
    "/live/{room}/replay/{live}/{file}",
    "/live/{room}/clips/{clip}.mp4",
    "/live/{room}/clips/{clip}.jpg",
    "/live/{room}/thumbnail.jpg",
    "/api/lives/{room}/stats",
    "/api/rooms/{room}",
    "/api/rooms/{room}/products",
    "/api/rooms/{room}/products/{product}",
    "/api/rooms/{room}/promises",
    "/api/rooms/{room}/ratings",
    "/api/rooms/{room}/products/{product}/ratings",
    "/api/rooms/{room}/replays",
    "/api/rooms/{room}/replays/{live}",
    "/api/stores/{store}",
}
READ_BY_EVERYBODY = {
    ("GET", "/live/{room}/whip"),  # says nothing
    ("GET", "/api/rooms/{room}/draws"),
    ("GET", "/api/rooms/{room}/card.png"),
    ("GET", "/api/rooms/{room}/schedule"),
    # Whoever has the code of an invite.
    ("GET", "/api/invites/{code}"),
    ("GET", "/api/invites/{code}/poster.png"),
    ("GET", "/api/rooms/{room}/draws/{draw}"),
    ("GET", "/api/rooms/{room}/goods"),
}
# Read before it is known whose order it is.
BODIES = {
    "/api/orders/{order}/substitutes/{line:int}/{part:int}": {"accept": True},
    "/api/orders/{order}/consent": {"accept": True},
    "/api/orders/{order}/payment": {},
}
# With a secret of their own in path or header instead of a token.
CODE = "6901234567892"
KEYED = {"/live/{room}/whip/{session}", "/api/pos/barcodes/{barcode}"}


@dataclass(frozen=True, slots=True)
class Brands:
    """A client of all routes, tokens of people of brand b by role, and ids of brand x."""

    client: httpx.AsyncClient
    tokens: dict[str, str]
    theirs: dict[str, str]
    buyer: str  # a token of brand x
    routes: list[Route]
    issue: Callable[[Principal, int], str]


def other_plan() -> SeedPlan:
    """A brand with a shop next door."""
    tea_leaves = Product("x-tea", text("tea"), text("box"), "/goods/tea.svg", 990, 1_200)
    clerk = Staff("x-u1", "x-clerk", "Clerk", ("host", "store"), "x-demo", "x-s1")
    return replace(
        shop_plan(),
        brand=Brand("x", text("other")),
        stores=(Store("x-s1", text("one"), text("street 1"), NEAR),),
        estates=(Estate("x-e1", text("east"), NEAR, "x-s1"),),
        rooms=(Room("x-demo", text("kitchen"), "x-s1"),),
        products=(tea_leaves,),
        stock=(Stock("x-tea", "x-s1", 9),),
        staff=(SeedStaff(clerk, "open sesame"),),
    )


@pytest.fixture
async def brands(sqlite_url: str, valkey_url: str) -> AsyncIterator[Brands]:
    """Two brands in one record, with an order in the other one."""
    async with shop_routes(sqlite_url, valkey_url) as web:
        shop, services = web.shop, web.services  # type: ignore[attr-defined]  # see `shop_routes`
        await seed(shop.engine, other_plan())
        await shop.commerce._shop.cache.refresh()
        tokens = {}
        for brand, estate in (("b", "e1"), ("x", "x-e1")):
            guest = (await shop.commerce.people.add_guest("晨光", estate)).guest
            member = Principal(guest.id, frozenset({Role.MEMBER}), estate_id=estate)
            tokens[brand] = services.access.issue(member, 600)
        theirs = {"room": "x-demo", "store": "x-s1", "product": "x-tea", "neighbour": guest.id}
        theirs["order"] = await _order(web, tokens["x"])
        log_in = {"username": "clerk", "password": "open sesame"}
        office = Principal("token:b", frozenset({Role.HQ}), brand_id="b")
        ours = {
            "neighbour": tokens["b"],
            "clerk": (await web.post("/api/login", json=log_in)).json()["token"],
            "office": services.access.issue(office, 600),
        }
        app = application(services, lambda app: app)  # type: ignore[arg-type, return-value]  # passes nothing on
        app.state.services = services
        routes = [route for route in app.routes if isinstance(route, Route)]
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            yield Brands(client, ours, theirs, tokens["x"], routes, services.access.issue)


async def _order(web: httpx.AsyncClient, token: str) -> str:
    """An order of the other brand, once its goods have reached the gate."""
    body = {"room_id": "x-demo", "product_id": "x-tea", "quantity": 1}
    made: list[str] = []

    async def placed() -> bool:
        key = bearer(token, f"key-{len(made):08}")
        answer = await web.post("/api/orders", json=body, headers=key)
        made.append(answer.json().get("order", {}).get("id", ""))
        return answer.status_code == 201

    await wait_until(placed)
    return made[-1]


def with_ids(brands: Brands) -> list[tuple[str, Route]]:
    """Methods of every route that has an id in its path; head office's have tests of their own."""
    return [
        (method, route)
        for route in brands.routes
        if route.param_convertors and route.path.startswith(("/api/", "/live/"))
        if not route.path.startswith("/api/hq/") and route.path not in EVERYBODY | KEYED
        for method in sorted((route.methods or set()) - {"HEAD", "OPTIONS"})
        if (method, route.path) not in READ_BY_EVERYBODY
    ]


async def test_every_route_refuses_the_ids_of_another_brand(brands: Brands) -> None:
    for method, route in with_ids(brands):
        ids = {
            name: "1" if isinstance(kind, IntegerConvertor) else brands.theirs.get(name, "x-1")
            for name, kind in route.param_convertors.items()
        }
        path = route.path_format.format(**ids)
        stranger = await brands.client.request(method, path)
        assert stranger.status_code == 401, (method, path, "to strangers")
        for who, token in brands.tokens.items():
            answer = await brands.client.request(
                method, path, headers=bearer(token), json=BODIES.get(route.path)
            )
            assert answer.status_code in (403, 404), (method, path, who, answer.text)


async def test_what_everybody_may_use_is_still_there(brands: Brands) -> None:
    assert EVERYBODY | KEYED <= {route.path for route in brands.routes}


async def test_nobody_orders_at_another_brand(brands: Brands) -> None:
    bodies = (
        {"room_id": "x-demo", "product_id": "x-tea"},
        {"room_id": "demo", "product_id": "x-tea"},
        {"room_id": "x-demo", "product_id": "tea"},
    )
    for at, body in enumerate(bodies):
        answer = await brands.client.post(
            "/api/orders",
            json={**body, "quantity": 1},
            headers=bearer(brands.tokens["neighbour"], f"key-{at:08}"),
        )
        assert answer.status_code == 404, answer.text


async def test_rooms_show_goods_and_estates_of_their_own_brand(brands: Brands) -> None:
    for room, product, estate in (("demo", "tea", "e1"), ("x-demo", "x-tea", "x-e1")):
        shown = (await brands.client.get(f"/api/rooms/{room}")).json()
        assert estate in {each["id"] for each in shown["estates"]}
        assert {each["id"].startswith("x-") for each in shown["estates"]} == {room == "x-demo"}
        goods = (await brands.client.get(f"/api/rooms/{room}/products")).json()["products"]
        assert product in {each["id"] for each in goods}
        assert {each["id"].startswith("x-") for each in goods} == {room == "x-demo"}
    for path in ("demo/products/x-tea", "x-demo/products/tea"):
        assert (await brands.client.get(f"/api/rooms/{path}")).status_code == 404, path


async def test_a_pickup_code_of_another_brand_is_unknown(brands: Brands) -> None:
    client = brands.client
    log_in = {"username": "x-clerk", "password": "open sesame"}
    clerk = bearer((await client.post("/api/login", json=log_in)).json()["token"])
    order = brands.theirs["order"]
    for state in ("picking", "packed", "ready"):
        moved = await client.post(f"/api/orders/{order}/moves", json={"to": state}, headers=clerk)
        assert moved.status_code == 200
    mine = await client.get("/api/me/orders", headers=bearer(brands.buyer))
    code = {"code": mine.json()["orders"][0]["pickup"]["code"]}
    ours = bearer(brands.tokens["clerk"])
    refused = await client.post("/api/stores/s1/handovers", json=code, headers=ours)
    assert (refused.status_code, refused.json()["type"]) == (404, "urn:linli:problem:unknown-code")
    given = await client.post("/api/stores/x-s1/handovers", json=code, headers=clerk)
    assert given.status_code == 200


async def test_staff_is_logged_in_and_audited_at_its_own_brand(brands: Brands) -> None:
    client = brands.client
    log_in = {"username": "x-clerk", "password": "open sesame"}
    clerk = bearer((await client.post("/api/login", json=log_in)).json()["token"])
    pinned = await client.put("/api/rooms/x-demo/pins/x-tea", json={}, headers=clerk)
    assert pinned.status_code == 200
    alien = await client.put("/api/rooms/x-demo/pins/tea", json={}, headers=clerk)
    assert alien.status_code == 404
    office = bearer(brands.tokens["office"])
    entries = (await client.get("/api/hq/audit", headers=office)).json()["entries"]
    assert not [entry for entry in entries if entry["subject"].startswith("x-")]


async def test_tills_of_two_brands_read_the_same_code_as_their_own_goods(brands: Brands) -> None:
    client = brands.client
    log_in = {"username": "x-clerk", "password": "open sesame"}
    theirs = bearer((await client.post("/api/login", json=log_in)).json()["token"])
    ours = bearer(brands.tokens["clerk"])
    for clerk, store, product in ((ours, "s1", "tea"), (theirs, "x-s1", "x-tea")):
        at = f"/api/stores/{store}"
        put = await client.put(f"{at}/barcodes/{CODE}", json={"product_id": product}, headers=clerk)
        assert put.status_code == 200, put.text
    for clerk, store, product in ((ours, "s1", "tea"), (theirs, "x-s1", "x-tea")):
        at = f"/api/stores/{store}"
        till = (await client.post(f"{at}/tills", json={"name": "till"}, headers=clerk)).json()
        key = bearer(till["key"])
        scanned = await client.get(f"/api/pos/barcodes/{CODE}", headers=key)
        assert scanned.json()["product_id"] == product
        listed = (await client.get("/api/pos/products", headers=key)).json()["products"]
        ids = {each["product_id"] for each in listed}
        assert product in ids and {id.startswith("x-") for id in ids} == {store == "x-s1"}
        alien = "tea" if product == "x-tea" else "x-tea"
        line = {"line": 1, "kind": "sale", "item": alien, "units": 1, "amount_fen": 990}
        receipt = {"number": "1", "at_ms": 0, "lines": [line]}
        sold = await client.post(
            "/api/pos/receipts", json={"sent_at_ms": 0, "receipts": [receipt]}, headers=key
        )
        assert [each["status"] for each in sold.json()["lines"]] == ["unknown_product"]


async def test_a_clerk_keeps_the_goods_of_the_own_brand_only(brands: Brands) -> None:
    client, ours = brands.client, brands.tokens["clerk"]
    listed = (await client.get("/api/stores/s1/stock", headers=bearer(ours))).json()["products"]
    assert listed and not [each for each in listed if each["product_id"].startswith("x-")]
    requests = (
        ("POST", "stock/deliveries", {"product_id": "x-tea", "units": 1}),
        ("POST", "stock/transfers", {"product_id": "tea", "units": 1, "to_store_id": "x-s1"}),
        ("POST", "stock/transfers", {"product_id": "x-tea", "units": 1, "to_store_id": "s2"}),
        ("PUT", f"barcodes/{CODE}", {"product_id": "x-tea"}),
    )
    for at, (method, path, body) in enumerate(requests):
        answer = await client.request(
            method, f"/api/stores/s1/{path}", json=body, headers=bearer(ours, f"key-{at:08}")
        )
        assert answer.status_code == 404, (path, answer.text)


async def test_a_till_is_audited_at_its_own_brand_and_staff_belongs_to_that_of_its_store(
    brands: Brands,
) -> None:
    client = brands.client
    log_in = {"username": "x-clerk", "password": "open sesame"}
    answer = await client.post("/api/login", json=log_in)
    theirs = bearer(answer.json()["token"])
    made = await client.post("/api/stores/x-s1/tills", json={"name": "x"}, headers=theirs)
    till = made.json()["id"]
    for brand, known in (("b", False), ("x", True)):
        principal = Principal("token:o", frozenset({Role.HQ}), brand_id=brand)
        token = bearer(brands.issue(principal, 600))
        entries = (await client.get("/api/hq/audit", headers=token)).json()["entries"]
        assert (till in {entry["subject"] for entry in entries}) is known, brand
    shown = (await client.get("/api/rooms/x-demo")).json()
    assert [store["id"] for store in shown["stores"]] == ["x-s1"]
