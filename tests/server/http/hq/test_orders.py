"""The head office sees where orders went and why, and how full its stores are."""

from commerce.orders.promise import WINDOW_MS
from commerce.orders.states import OrderState
from commerce.views import OrderView
from tests.support.commerce_checks import quiet
from tests.support.head_office import OTHER_BRAND, HeadOffice


async def test_head_office_reads_the_promise_the_reasons_and_the_capacity(hq: HeadOffice) -> None:
    shop = hq.shop
    shop.clock.ahead_ms += WINDOW_MS - shop.clock() % WINDOW_MS
    for store, packers in (("s1", 0), ("s2", 2)):
        change = {"packers": packers, "orders_per_packer_hour": 2}
        answer = await hq.ask("PATCH", f"/api/hq/stores/{store}", change, version=1)
        assert (answer.status_code, answer.json()["packers"]) == (200, packers)
    assert await shop.commerce.slots.open_windows() > 0
    await quiet(shop)

    orders = []
    for guest in ("anna", "bo", "cai"):
        order = await shop.commerce.orders.place(shop.tap(guest, "rice"))
        assert isinstance(order, OrderView) and order.promised
        orders.append(order)
    begins = [order.promised.from_ms for order in orders if order.promised]
    # Of the window that has begun, one order can still be packed.
    assert begins[0] + WINDOW_MS == begins[1] == begins[2]
    board = await shop.commerce.promises.of("demo", "e1")
    assert [promise.store_id for promise in board.pickup] == ["s2"]
    assert board.delivery == ()
    for state in (OrderState.PICKING, OrderState.PACKED, OrderState.READY):
        await shop.commerce.fulfilment.move(orders[0].id, state, "clerk")

    listed = await hq.read("/api/hq/orders?per_page=2")
    assert (listed["total"], [row["id"] for row in listed["rows"]]) == (
        3,
        [order.id for order in orders[:0:-1]],
    )
    found = await hq.read(f"/api/hq/orders?state=ready&store=s2&q={orders[0].number}")
    assert [row["id"] for row in found["rows"]] == [orders[0].id]
    for where, count in (("room=demo&estate=e1", 3), ("room=other", 0), ("estate=e2", 0)):
        assert (await hq.read(f"/api/hq/orders?{where}"))["total"] == count
    assert found["rows"][0]["ready_at_ms"] <= found["rows"][0]["due_at_ms"]
    detail = await hq.read(f"/api/hq/orders/{orders[0].id}")
    assert [move["to_state"] for move in detail["moves"]] == ["picking", "packed", "ready"]
    [route] = detail["routes"]
    assert route["store"]["id"] == "s2"
    assert route["promised"] == {"from_ms": begins[0], "until_ms": begins[0] + WINDOW_MS}
    [out] = route["ruled_out"]
    assert (out["store_id"], out["reason"]) == ("s1", "closed")

    capacity = await hq.read("/api/hq/capacity")
    stores = {row["store"]["id"]: row for row in capacity["stores"]}
    assert (stores["s2"]["ready"], stores["s2"]["late"]) == (1, 0)
    by_begin = {window["from_ms"]: window for window in stores["s2"]["windows"]}
    assert [by_begin[at]["taken"] for at in begins[:2]] == [1, 2]
    assert stores["s1"]["windows"] == []

    theirs = hq.token(OTHER_BRAND)
    path = f"/api/hq/orders/{orders[0].id}"
    assert (await hq.ask("GET", path, token=theirs)).status_code == 404
    assert (await hq.ask("GET", "/api/hq/orders", token=theirs)).json()["total"] == 0
    assert (await hq.ask("GET", "/api/hq/orders?state=gone")).status_code == 422
    assert (await hq.ask("GET", f"/api/hq/orders?room={'r' * 65}")).status_code == 422
