"""Tills send receipts: each line counts once, and phones see what is left."""

from collections import Counter
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from commerce.io.audit import audit
from commerce.io.record.engine import wall_clock
from commerce.io.record.schema import money_transfers
from commerce.io.shop.seed import seed
from commerce.supply.barcodes import check_digit
from tests.support.commerce_checks import sound
from tests.support.commerce_shop import shop_plan, with_dinner
from tests.support.shop_routes import bearer, clerk, guest, tea

STORE = "/api/stores/s1"
TEA_CODE = "6901234567892"


class TestTill:
    """A till of store s1."""

    __test__ = False

    def __init__(self, web: httpx.AsyncClient, clerk_token: str, made: dict[str, str]) -> None:
        self.web = web
        self.clerk = bearer(clerk_token)
        self.id, self.key = made["id"], made["key"]

    async def send(
        self, *receipts: dict[str, Any], voids: tuple[str, ...] = (), ahead_ms: int = 0
    ) -> httpx.Response:
        """Post receipts."""
        body = {
            "sent_at_ms": wall_clock() + ahead_ms,
            "receipts": receipts,
            "voids": voids,
        }
        return await self.web.post("/api/pos/receipts", json=body, headers=bearer(self.key))

    async def statuses(self, *receipts: dict[str, Any], voids: tuple[str, ...] = ()) -> list[str]:
        """What became of the lines of receipts that were accepted."""
        answer = await self.send(*receipts, voids=voids)
        assert answer.status_code == 200, answer.text
        return [line["status"] for line in answer.json()["lines"]]

    async def on_hand(self, product_id: str = "tea") -> int:
        """What the store has of a product."""
        listed = await self.web.get(f"{STORE}/stock", headers=self.clerk)
        rows = {row["product_id"]: row for row in listed.json()["products"]}
        return int(rows[product_id]["on_hand"])


def receipt(number: str, *units: int, kind: str = "sale", item: str = "tea") -> dict[str, Any]:
    """A receipt with a line for each of `units`."""
    lines = [
        {"line": at, "kind": kind, "item": item, "units": count, "amount_fen": 990 * count}
        for at, count in enumerate(units, 1)
    ]
    return {"number": number, "at_ms": 1_000, "lines": lines}


@pytest.fixture
async def till(web: httpx.AsyncClient) -> TestTill:
    """A till that has just got its key."""
    token = await clerk(web)
    made = await web.post(f"{STORE}/tills", json={"name": "前台"}, headers=bearer(token))
    assert made.status_code == 201, made.text
    return TestTill(web, token, made.json())


async def test_a_sale_takes_the_last_box_and_the_next_tap_is_sold_out(till: TestTill) -> None:
    web: Any = till.web
    assert await till.statuses(receipt("1", 2)) == ["booked"]
    await sound(web.shop)
    shown = await web.get("/api/rooms/demo/products")
    assert [row["left"] for row in shown.json()["products"] if row["id"] == "tea"] == [0]
    headers = bearer(await guest(web), "too-late-tap")
    refused = await web.post("/api/orders", json=tea(), headers=headers)
    assert refused.json()["type"] == "urn:linli:problem:sold-out"


async def test_receipts_sent_twice_and_out_of_order_count_once(till: TestTill) -> None:
    web: Any = till.web
    first, back = receipt("1", 1, 1), receipt("2", 1, kind="return")
    assert await till.statuses(back, first) == ["booked", "booked", "booked"]
    assert await till.statuses(first, back, first) == ["known"] * 5
    assert await till.on_hand() == 1
    await sound(web.shop)


async def test_a_void_takes_back_its_receipt_and_lines_that_come_later(till: TestTill) -> None:
    web: Any = till.web
    assert await till.statuses(receipt("1", 2)) == ["booked"]
    assert await till.statuses(voids=("1", "2")) == []
    assert await till.on_hand() == 2
    assert await till.statuses(receipt("2", 1), receipt("1", 2), voids=("1",)) == ["voided"] * 2
    assert await till.on_hand() == 2
    await sound(web.shop)


async def balances(till: TestTill) -> dict[str, int]:
    """What the books have of each account, but for nothing."""
    web: Any = till.web
    found: Counter[str] = Counter()
    async with web.shop.commerce.record.read() as connection:
        for row in await connection.execute(select(money_transfers)):
            found[row.from_account] -= row.amount_fen
            found[row.to_account] += row.amount_fen
    return {name: fen for name, fen in found.items() if fen}


async def test_money_of_a_till_is_in_the_sales_of_its_store_once(till: TestTill) -> None:
    sale, back = receipt("1", 1, 1) | {"payment": "card"}, receipt("2", 1, kind="return")
    unknown = receipt("3", 1, item="what")
    for _ in range(2):
        await till.statuses(sale, back, unknown)
    tax = 82  # of 9.90 yuan
    assert await balances(till) == {
        "card:s1": -1_980,
        "sales:s1": 3 * (990 - tax),
        "refunds:s1": -(990 - tax),
        "tax:s1": 2 * tax,
    }
    await till.statuses(voids=("1", "2", "3"))
    assert await balances(till) == {}
    await till.statuses(sale)
    assert await balances(till) == {}


async def test_a_set_sold_at_a_till_takes_its_parts_and_a_void_brings_them_back(
    till: TestTill,
) -> None:
    web: Any = till.web
    await seed(web.shop.engine, with_dinner(shop_plan()))
    await web.shop.commerce._shop.cache.refresh()
    before = await till.on_hand(), await till.on_hand("pear")
    assert await till.statuses(receipt("1", 1, item="dinner")) == ["booked"]
    after = await till.on_hand(), await till.on_hand("pear")
    assert after == (before[0] - 2, before[1] - 1)
    await till.statuses(voids=("1",))
    assert (await till.on_hand(), await till.on_hand("pear")) == before
    await sound(web.shop)


@pytest.mark.parametrize("kind", ["return", "return_destroyed"])
async def test_a_return_may_be_void_too(till: TestTill, kind: str) -> None:
    web: Any = till.web
    await till.statuses(receipt("1", 2))
    await till.statuses(receipt("2", 1, kind=kind))
    assert await till.on_hand() == (1 if kind == "return" else 0)
    await till.statuses(voids=("2",))
    assert await till.on_hand() == 0
    await sound(web.shop)


async def test_a_till_takes_what_an_unpicked_order_holds_and_the_buyer_is_paid_back(
    till: TestTill,
) -> None:
    web: Any = till.web
    buyer = await guest(web)
    placed = await web.post("/api/orders", json=tea(), headers=bearer(buyer, "first-tap"))
    order = placed.json()["order"]
    answer = (await till.send(receipt("1", 2))).json()
    assert (answer["cancelled"], answer["found"]) == ([order["number"]], 0)
    await sound(web.shop)
    mine = await web.get("/api/me/orders", headers=bearer(buyer))
    [shown] = mine.json()["orders"]
    assert (shown["state"], shown["refunded_fen"]) == ("cancelled", order["total_fen"])
    assert await till.on_hand() == 0


async def test_what_the_record_lacks_is_found_not_refused(till: TestTill) -> None:
    web: Any = till.web
    answer = (await till.send(receipt("1", 5))).json()
    assert (answer["lines"][0]["status"], answer["found"]) == ("booked", 3)
    assert await till.on_hand() == 0
    await till.statuses(voids=("1",))
    assert await till.on_hand() == 5
    await sound(web.shop)


async def test_the_answer_states_the_clock_skew_and_the_sale_gets_our_time(
    till: TestTill,
) -> None:
    web: Any = till.web
    answer = (await till.send(receipt("1", 1), ahead_ms=3_600_000)).json()
    assert 3_500_000 < answer["clock_ahead_ms"] <= 3_600_000
    assert await audit(web.shop.engine) == []


async def test_another_line_under_a_known_number_is_a_conflict(till: TestTill) -> None:
    assert await till.statuses(receipt("1", 1)) == ["booked"]
    assert await till.statuses(receipt("1", 2)) == ["conflict"]
    assert await till.on_hand() == 1


async def test_unknown_goods_are_kept_and_move_nothing(till: TestTill) -> None:
    assert await till.statuses(receipt("1", 1, item="what")) == ["unknown_product"]
    assert await till.statuses(receipt("1", 1, item="what")) == ["known"]


async def test_codes_are_looked_up_and_sold_by_piece_and_by_weight(till: TestTill) -> None:
    web, weighed = till.web, "210012301450"
    for code, body in (
        (TEA_CODE, {"product_id": "tea"}),
        ("2100123", {"product_id": "pear", "grams_per_unit": 1_000}),
    ):
        path = f"{STORE}/barcodes/{code}"
        assert (await web.put(path, json=body, headers=till.clerk)).status_code == 200
    key = bearer(till.key)
    piece = (await web.get(f"/api/pos/barcodes/{TEA_CODE}", headers=key)).json()
    assert (piece["product_id"], piece["units"], piece["amount_fen"]) == ("tea", 1, 990)
    weighed += str(check_digit(weighed))
    pears = (await web.get(f"/api/pos/barcodes/{weighed}", headers=key)).json()
    assert (pears["product_id"], pears["grams"], pears["amount_fen"]) == ("pear", 1_450, 1_160)
    assert await till.statuses(receipt("1", 1, item=TEA_CODE)) == ["booked"]
    assert await till.on_hand() == 1
    wrong = await web.get("/api/pos/barcodes/6901234567890", headers=key)
    assert (wrong.status_code, wrong.json()["member"]) == (422, "code")
    unknown = await web.get("/api/pos/barcodes/0036000291452", headers=key)
    assert unknown.json()["type"] == "urn:linli:problem:no-such-barcode"
    listed = (await web.get("/api/pos/products", headers=key)).json()["products"]
    assert [row["codes"] for row in listed if row["product_id"] == "tea"] == [
        [{"code": TEA_CODE, "grams_per_unit": None}]
    ]


async def test_a_rotated_or_revoked_key_sends_nothing(till: TestTill) -> None:
    web, path = till.web, f"{STORE}/tills/{till.id}/key"
    renewed = (await web.post(path, headers=till.clerk)).json()["key"]
    assert (await till.send()).status_code == 401
    till.key = renewed
    assert (await till.send()).status_code == 200
    assert (await web.delete(path, headers=till.clerk)).status_code == 204
    assert (await till.send()).status_code == 401
    [listed] = (await web.get(f"{STORE}/tills", headers=till.clerk)).json()["tills"]
    assert (listed["name"], listed["has_key"]) == ("前台", False)
    nothing = await web.post(f"{STORE}/tills/nothing/key", headers=till.clerk)
    assert nothing.status_code == 404


async def test_tills_are_for_the_staff_of_their_store(till: TestTill) -> None:
    web = till.web
    neighbour = bearer(await guest(web))
    for method, path in (
        ("GET", "tills"),
        ("POST", "tills"),
        ("POST", f"tills/{till.id}/key"),
        ("DELETE", f"tills/{till.id}/key"),
        ("PUT", f"barcodes/{TEA_CODE}"),
    ):
        assert (await web.request(method, f"{STORE}/{path}")).status_code == 401
        assert (await web.request(method, f"{STORE}/{path}", headers=neighbour)).status_code == 403
        other = f"/api/stores/s2/{path}"
        assert (await web.request(method, other, headers=till.clerk)).status_code == 403


async def test_only_a_tills_key_opens_the_tills_routes(till: TestTill) -> None:
    web = till.web
    for headers in ({}, till.clerk, bearer("till-" + "0" * 40)):
        for method, path in (
            ("POST", "/api/pos/receipts"),
            ("GET", f"/api/pos/barcodes/{TEA_CODE}"),
            ("GET", "/api/pos/products"),
        ):
            assert (await web.request(method, path, headers=headers)).status_code == 401
