"""A shop is made by the head office's API, and taken away whatever happens."""

import json
from typing import Any

import pytest

from loadtest.clients.http import HttpResponse
from loadtest.errors import RequestRefused
from loadtest.runner.made_shop import made_shop
from loadtest.runner.target import Address, Found
from loadtest.scenario.model import Shop

SHOP = Shop(estates=3, products=2, stock=100, group_target=24)


class Office(Address):
    """A head office that notes what it is asked, and refuses what begins with `refused`."""

    asked: list[tuple[str, str, Any]]
    refused = "none"

    def http(self, source: str | None = None) -> Any:
        return self

    async def request(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> HttpResponse:
        is_json = headers.get("Content-Type") == "application/json"
        self.asked.append((method, path, json.loads(body) if is_json else body.decode()))
        answer = {
            "version": 3,
            "done": True,
            "staff": {"id": "s"},
            "link": {"token": "l"},
            "token": "of the host",
        }
        status = 422 if path.startswith(self.refused) else 200
        return HttpResponse(status, {}, json.dumps(answer).encode())

    async def close(self) -> None:
        """Nothing is open."""

    def bodies(self, method: str, path: str) -> list[Any]:
        """What was sent there."""
        return [body for how, where, body in self.asked if (how, where) == (method, path)]


@pytest.fixture
def office() -> Office:
    made = Office("http://127.0.0.1:9", "127.0.0.1", 9, None)
    object.__setattr__(made, "asked", [])
    return made


async def test_goods_are_offered_in_the_runs_estates_only(office: Office) -> None:
    async with made_shop(office, "t", SHOP, 0.5) as shop:
        estates = [body["id"] for body in office.bodies("POST", "/api/hq/estates")]
        goods = [f"{shop.id}-p1", f"{shop.id}-p2"]
        assert estates == [f"{shop.id}-e{number}" for number in (1, 2, 3)]
        assert office.bodies("PUT", f"/api/rooms/{shop.id}/goods") == [{"product_ids": goods}]
        rules = office.bodies("POST", "/api/hq/assortment-rules")
        for product_id in goods:
            offered = {
                rule.get("scope_id"): rule["offered"]
                for rule in rules
                if rule["product_id"] == product_id
            }
            assert offered == {None: False, **dict.fromkeys(estates, True)}
        (stock,) = office.bodies("POST", "/api/hq/imports/stock?apply=yes")
        assert stock.splitlines()[1] == f"{goods[0]},{shop.id},0,50"
        assert shop.host_token == "of the host"
        assert shop.goods == tuple(goods)
        on_sale = office.bodies("PATCH", f"/api/hq/products/{goods[0]}")
    assert on_sale == [{"on_sale": True}]
    assert office.bodies("PATCH", f"/api/hq/products/{goods[0]}")[1:] == [{"on_sale": False}]
    assert office.bodies("PATCH", "/api/hq/staff/s") == [{"active": False}]


async def test_sets_are_made_of_items_that_have_the_stock(office: Office) -> None:
    async with made_shop(office, "t", Shop(products=1, stock=100, set_parts=3), 1.0) as shop:
        [*items, dinner] = office.bodies("POST", "/api/hq/products")
        assert (dinner["id"],) == shop.goods
        ids = [item["id"] for item in items]
        assert [part["product_id"] for part in dinner["parts"]] == ids
        (stock,) = office.bodies("POST", "/api/hq/imports/stock?apply=yes")
        assert stock.splitlines()[1:] == [f"{id},{shop.id},0,100" for id in ids]
        goods = office.bodies("PUT", f"/api/rooms/{shop.id}/goods")
        assert goods == [{"product_ids": [dinner["id"], *ids]}]


def test_the_stock_of_a_set_is_that_of_its_items() -> None:
    left = {"a": 5, "b": 6, "rice": 7, "other": 8}
    found = Found(("e",), ("set", "a", "b", "rice", "other"), left, {"set": {"a": 1, "b": 2}})
    only = found.only(("set", "rice"))
    assert only == Found(("e",), ("set", "rice"), {"a": 5, "b": 6, "rice": 7}, found.parts)


async def test_a_shop_that_is_refused_half_way_is_taken_away(office: Office) -> None:
    object.__setattr__(office, "refused", "/api/hq/imports")
    with pytest.raises(RequestRefused, match="POST /api/hq/imports/stock"):
        async with made_shop(office, "t", SHOP, 1.0):
            raise AssertionError("it was made")
    off = [path for method, path, body in office.asked if body == {"on_sale": False}]
    assert len(off) == SHOP.products
