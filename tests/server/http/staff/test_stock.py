"""A store's staff receives goods, counts them and writes them off."""

from typing import Any

import httpx
import pytest

from commerce.io.record.engine import wall_clock
from commerce.io.shop.audit_trail import AuditFilter
from server.access.policy import Principal, Role
from server.access.tokens import STAFF_TTL_S, Access
from tests.support.commerce_checks import sound
from tests.support.commerce_shop import Shop
from tests.support.shop_routes import bearer, clerk, guest, tea

STOCK = "/api/stores/s1/stock"
DAY_MS = 86_400_000


async def stock_of(web: httpx.AsyncClient, token: str, product_id: str = "tea") -> dict[str, Any]:
    """One product in the list of store s1."""
    answer = await web.get(STOCK, headers=bearer(token))
    assert answer.status_code == 200, answer.text
    return dict(next(row for row in answer.json()["products"] if row["product_id"] == product_id))


def numbers(row: dict[str, Any]) -> tuple[int, int, int, int]:
    """On hand, held, available and coming."""
    return row["on_hand"], row["held"], row["available"], row["coming"]


async def send(
    web: httpx.AsyncClient, token: str, what: str, key: str, **body: object
) -> httpx.Response:
    """Post a change of the tea in store s1."""
    headers = bearer(token, f"key-{key}")
    return await web.post(f"{STOCK}/{what}", json={"product_id": "tea", **body}, headers=headers)


async def test_goods_received_are_a_lot_of_their_own_and_come_once_per_key(
    web: httpx.AsyncClient,
) -> None:
    token, best_before = await clerk(web), wall_clock() + DAY_MS
    body = {"units": 5, "best_before_ms": best_before, "supplier": "茶场", "cost_fen": 300}
    for _ in range(2):
        answer = await send(web, token, "deliveries", "delivery", **body)
        assert answer.status_code == 201, answer.text
        assert numbers(answer.json()) == (7, 0, 7, 0)
    lots = (await stock_of(web, token))["lots"]
    assert [(lot["units"], lot["best_before_ms"], lot["supplier"]) for lot in lots] == [
        (5, best_before, "茶场"),
        (2, None, ""),
    ]
    reused = await send(web, token, "deliveries", "delivery", **body | {"units": 6})
    assert reused.status_code == 422
    await sound(web.shop)  # type: ignore[attr-defined]


async def test_goods_past_their_date_are_not_received(web: httpx.AsyncClient) -> None:
    answer = await send(web, await clerk(web), "deliveries", "stale", units=5, best_before_ms=1)
    assert (answer.status_code, answer.json()["member"]) == (422, "best_before_ms")


async def test_orders_hold_units_that_are_still_on_hand(web: httpx.AsyncClient) -> None:
    token = await clerk(web)
    headers = bearer(await guest(web), "first-tap")
    assert (await web.post("/api/orders", json=tea(), headers=headers)).status_code == 201
    assert numbers(await stock_of(web, token)) == (2, 1, 1, 0)


async def test_a_count_corrects_by_its_difference_whatever_was_sold_meanwhile(
    web: httpx.AsyncClient,
) -> None:
    token = await clerk(web)
    more = await send(web, token, "counts", "count-one", units=4, was=2)
    assert numbers(more.json()) == (4, 0, 4, 0)
    again = await send(web, token, "counts", "count-one", units=4, was=2)
    assert numbers(again.json()) == (4, 0, 4, 0)
    fewer = await send(web, token, "counts", "count-two", units=1, was=2)
    assert numbers(fewer.json()) == (3, 0, 3, 0)
    await sound(web.shop)  # type: ignore[attr-defined]


@pytest.mark.parametrize("reason", ["damaged", "expired", "short_weight", "returned"])
async def test_a_write_off_takes_the_last_units_off_the_phones(
    web: httpx.AsyncClient, reason: str
) -> None:
    token, shop = await clerk(web), shop_of(web)
    answer = await send(web, token, "write-offs", "broken-one", units=2, reason=reason)
    assert answer.status_code == 201 and numbers(answer.json()) == (0, 0, 0, 0)
    await sound(shop)
    headers = bearer(await guest(web), "too-late-tap")
    refused = await web.post("/api/orders", json=tea(), headers=headers)
    assert refused.json()["type"] == "urn:linli:problem:sold-out"
    shown = await web.get("/api/rooms/demo/products")
    assert [row["left"] for row in shown.json()["products"] if row["id"] == "tea"] == [0]


async def test_no_more_is_written_off_than_orders_leave(web: httpx.AsyncClient) -> None:
    token = await clerk(web)
    headers = bearer(await guest(web), "first-tap")
    assert (await web.post("/api/orders", json=tea(), headers=headers)).status_code == 201
    answer = await send(web, token, "write-offs", "broken-two", units=2, reason="damaged")
    assert (answer.status_code, answer.json()["left"]) == (409, 1)
    answer = await send(web, token, "counts", "missing-2", units=0, was=2)
    assert (answer.status_code, answer.json()["left"]) == (409, 1)


async def test_every_change_is_in_the_audit_trail(web: httpx.AsyncClient) -> None:
    token = await clerk(web)
    await send(web, token, "deliveries", "delivery", units=5)
    await send(web, token, "counts", "count-one", units=6, was=7)
    await send(web, token, "write-offs", "broken-1", units=1, reason="damaged")
    await send(web, token, "write-offs", "broken-1", units=1, reason="damaged")
    trail = await shop_of(web).commerce.audit_trail.page("b", AuditFilter(actor="u1"))
    assert [(entry.actor, entry.action, entry.subject) for entry in reversed(trail.entries)] == [
        ("u1", "stock.receive", "tea|s1"),
        ("u1", "stock.count", "tea|s1"),
        ("u1", "stock.write-off", "tea|s1"),
    ]


async def test_stock_is_for_the_staff_of_its_store(web: httpx.AsyncClient) -> None:
    token, neighbour = await clerk(web), await guest(web)
    for path in (STOCK, "/api/stores/s2/stock"):
        for who, status in ((None, 401), (neighbour, 403), (token, 403)):
            if (path, who) == (STOCK, token):
                continue
            headers = bearer(who, "some-key-1") if who else {}
            assert (await web.get(path, headers=headers)).status_code == status
            for change in ("deliveries", "counts", "write-offs"):
                answer = await web.post(f"{path}/{change}", json={}, headers=headers)
                assert answer.status_code == status


def shop_of(web: httpx.AsyncClient) -> Shop:
    """The shop behind the routes."""
    shop = web.shop  # type: ignore[attr-defined]
    assert isinstance(shop, Shop)
    return shop


async def test_a_transfer_is_coming_until_it_arrives_and_what_lacks_is_missing(
    web: httpx.AsyncClient,
) -> None:
    token, shop = await clerk(web), shop_of(web)
    other = shop_token(web, "s2")
    path, arrival = f"{STOCK}/transfers", "/api/stores/s2/stock/transfers"
    body = {"product_id": "tea", "units": 2, "to_store_id": "s2"}
    for _ in range(2):
        sent = await web.post(path, json=body, headers=bearer(token, "transfer-1"))
        assert sent.status_code == 201, sent.text
    transfer = sent.json()
    assert numbers(await stock_of(web, token)) == (0, 0, 0, 0)
    listed = (await web.get("/api/stores/s2/stock", headers=bearer(other))).json()["products"]
    assert [row["coming"] for row in listed if row["product_id"] == "tea"] == [2]
    await sound(shop)
    arrived = f"{arrival}/{transfer['id']}/arrival"
    assert (
        await web.post(arrived.replace("s2", "s1"), json={"units": 1}, headers=bearer(token))
    ).status_code == 404
    for units, status in ((3, 422), (1, 200), (1, 200), (2, 422)):
        answer = await web.post(arrived, json={"units": units}, headers=bearer(other))
        assert answer.status_code == status, answer.text
    listed = (await web.get("/api/stores/s2/stock", headers=bearer(other))).json()["products"]
    assert [numbers(row) for row in listed if row["product_id"] == "tea"] == [(1, 0, 1, 0)]
    [seen] = (await web.get(path, headers=bearer(token))).json()["transfers"]
    assert (seen["units"], seen["received_units"]) == (2, 1)
    await sound(shop)


@pytest.mark.parametrize(
    ("more", "status"),
    [({"units": 3}, 409), ({"to_store_id": "s1"}, 422), ({"to_store_id": "nowhere"}, 404)],
)
async def test_impossible_transfers_are_refused(
    web: httpx.AsyncClient, more: dict[str, object], status: int
) -> None:
    body = {"product_id": "tea", "units": 1, "to_store_id": "s2", **more}
    headers = bearer(await clerk(web), "transfer-1")
    answer = await web.post(f"{STOCK}/transfers", json=body, headers=headers)
    assert answer.status_code == status


async def test_expired_lots_leave_the_shelf_and_others_stay(web: httpx.AsyncClient) -> None:
    token, shop = await clerk(web), shop_of(web)
    soon = wall_clock() + DAY_MS
    await send(web, token, "deliveries", "delivery-1", units=5, best_before_ms=soon)
    await send(web, token, "deliveries", "delivery-2", units=4, best_before_ms=soon + DAY_MS)
    assert await shop.commerce.expiry.step() == 0
    shop.clock.ahead_ms += DAY_MS
    assert await shop.commerce.expiry.step() == 5
    assert await shop.commerce.expiry.step() == 0
    assert numbers(await stock_of(web, token)) == (6, 0, 6, 0)
    await sound(shop)


def shop_token(web: httpx.AsyncClient, store_id: str) -> str:
    """The token of an operator's clerk in a store."""
    access = web.services.access  # type: ignore[attr-defined]
    assert isinstance(access, Access)
    who = Principal("token:store", frozenset({Role.STORE}), store_id=store_id)
    return access.issue(who, STAFF_TTL_S)
