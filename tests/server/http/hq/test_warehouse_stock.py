"""Warehouses: what lies in them is received, counted, written off, and sent to stores."""

from typing import Any

from commerce.io.shop.audit_trail import AuditFilter
from tests.support.commerce_checks import quiet, sound
from tests.support.head_office import BRAND, OTHER_BRAND, HeadOffice

PLACE = {
    "id": "w1",
    "name": {"zh": "中心仓", "en": "Central warehouse"},
    "address": {"zh": "仓前路 1 号", "en": "1 Depot Road"},
    "latitude": 30.2,
    "longitude": 120.1,
}
STOCK = "/api/hq/warehouses/w1/stock"


async def post(
    hq: HeadOffice, what: str, body: Any, key: str, *, brand_id: str = BRAND
) -> tuple[int, Any]:
    """Status and body of a change under a key."""
    headers = {"Authorization": f"Bearer {hq.token(brand_id)}", "Idempotency-Key": key}
    answer = await hq.client.post(f"{STOCK}/{what}", json=body, headers=headers)
    return answer.status_code, answer.json()


async def test_goods_go_through_a_warehouse_to_a_store_that_misses_some(hq: HeadOffice) -> None:
    assert (await hq.ask("POST", "/api/hq/warehouses", PLACE)).status_code == 201
    delivery = {"product_id": "tea", "units": 40, "supplier": "Farm"}
    for _ in range(2):  # the second time is a retry
        status, now = await post(hq, "deliveries", delivery, "key-deliver")
        assert (status, now["products"][0]["units"]) == (201, 40)
    await post(hq, "counts", {"product_id": "tea", "units": 38, "was": 40}, "key-counted")
    damaged = {"product_id": "tea", "units": 3, "reason": "damaged"}
    await post(hq, "write-offs", damaged, "key-damaged")
    sent = {"product_id": "tea", "units": 36, "to_store_id": "s1"}
    status, problem = await post(hq, "transfers", sent, "key-too-many")
    assert (status, problem["left"]) == (409, 35)
    for _ in range(2):
        status, now = await post(hq, "transfers", sent | {"units": 30}, "key-sending")
        assert (status, now["products"][0]["units"]) == (201, 5)
    [transfer] = now["transfers"]
    assert (transfer["units"], transfer["received_units"]) == (30, None)
    stores = hq.shop.commerce
    before = (await stores.stock.list("s1", "tea")).products[0]
    assert before.coming == 30
    await stores.transfers.receive("s1", transfer["id"], 28, "clerk")
    after = (await stores.stock.list("s1", "tea")).products[0]
    assert (after.on_hand - before.on_hand, after.coming) == (28, 0)
    [transfer] = (await hq.read(STOCK))["transfers"]
    assert transfer["received_units"] == 28
    trail = await stores.audit_trail.page(BRAND, AuditFilter(action="warehouse.send"))
    assert [entry.subject for entry in trail.entries] == ["w1"]
    assert (
        await post(
            hq,
            "counts",
            {"product_id": "tea", "units": 1, "was": 5},
            "key-other",
            brand_id=OTHER_BRAND,
        )
    )[0] == 404
    await quiet(hq.shop)
    await sound(hq.shop)
