"""A store that closes early takes no orders, and pays back what it has not begun."""

from commerce.orders.promise import HORIZON_MS, WINDOW_MS
from commerce.orders.states import OrderState
from commerce.views import OrderView
from tests.support.commerce_checks import quiet, sound
from tests.support.head_office import OTHER_BRAND, HeadOffice
from tests.support.waiting import wait_until


async def test_head_office_closes_a_store_early(hq: HeadOffice) -> None:
    shop = hq.shop
    shop.clock.ahead_ms += WINDOW_MS - shop.clock() % WINDOW_MS
    change = {"packers": 2, "orders_per_packer_hour": 2}
    assert (await hq.ask("PATCH", "/api/hq/stores/s2", change, version=1)).status_code == 200
    await shop.commerce.slots.open_windows()
    await quiet(shop)
    placed = []
    for guest in ("anna", "bo", "cai"):
        order = await shop.commerce.orders.place(shop.tap(guest, "rice"))
        assert isinstance(order, OrderView) and order.promised
        placed.append(order)
    await shop.commerce.fulfilment.move(placed[0].id, OrderState.PICKING, "clerk")

    # Up to the window of the second order, which is that of the third one, too.
    until_ms = shop.clock() + 2 * WINDOW_MS
    path, body = "/api/stores/s2/closing", {"until_ms": until_ms}
    assert (await hq.ask("POST", path, body, token=hq.token(OTHER_BRAND))).status_code == 403
    far = {"until_ms": until_ms + HORIZON_MS}
    assert (await hq.ask("POST", path, far)).json()["member"] == "until_ms"
    closed = (await hq.ask("POST", path, body)).json()
    assert closed["refunded"] == [order.id for order in placed[1:]]
    await quiet(shop)
    assert [shop.seen(order.id).state for order in placed] == ["picking", "cancelled", "cancelled"]
    assert all(shop.seen(order.id).refunded_fen == order.total_fen for order in placed[1:])
    # A worker that read the catalogue before may have opened the windows once more meanwhile.
    await shop.commerce.slots.open_windows()
    await quiet(shop)
    later = await shop.commerce.orders.place(shop.tap("dora", "rice"))
    assert isinstance(later, OrderView) and later.promised
    assert later.promised.from_ms >= until_ms

    assert (await hq.ask("POST", path, {"until_ms": 0})).json()["refunded"] == []
    await quiet(shop)
    again = await shop.commerce.orders.place(shop.tap("eve", "rice"))
    assert isinstance(again, OrderView) and again.promised
    assert again.promised.until_ms <= until_ms
    await sound(shop)

    # A presale of the same goods: ordered until then, packed in one wave by the next morning.
    cut_off_ms = shop.clock() + 4 * WINDOW_MS
    ready_by_ms = cut_off_ms + 20 * WINDOW_MS + -cut_off_ms % WINDOW_MS
    new = {
        "name": {"zh": "周末大米", "en": "Weekend rice"},
        "product_ids": ["rice"],
        "cut_off_ms": cut_off_ms,
        "ready_by_ms": ready_by_ms,
        "until_ms": ready_by_ms + 4 * WINDOW_MS,
        "capacities": {"s2": 1},
    }
    path = "/api/hq/presales"
    bad = await hq.ask("POST", path, {**new, "capacities": {"nowhere": 1}})
    assert (bad.status_code, bad.json()["member"]) == (422, "capacities")
    made = (await hq.ask("POST", path, new)).json()
    await quiet(shop)
    order = await shop.commerce.orders.place(shop.tap("fay", "rice"))
    assert isinstance(order, OrderView) and order.due_at_ms == ready_by_ms
    seen = (await hq.read(f"/api/hq/orders?q={order.number}"))["rows"][0]
    assert seen["promised"] == {"from_ms": ready_by_ms, "until_ms": new["until_ms"]}
    raised = await hq.ask("PUT", f"{path}/{made['id']}/capacities", {"capacities": {"s2": 9}})
    assert {store["store_id"]: store["taken"] for store in raised.json()["stores"]}["s2"] == 1
    foreign = await hq.ask("POST", f"{path}/{made['id']}/close", token=hq.token(OTHER_BRAND))
    assert foreign.status_code == 404
    assert (await hq.ask("POST", f"{path}/{made['id']}/close")).json()["cut_off_ms"] < cut_off_ms
    [listed] = (await hq.read(path))["presales"]
    assert {store["store_id"]: store["capacity"] for store in listed["stores"]}["s2"] == 9
    foreign = await hq.ask("POST", f"{path}/{made['id']}/cancel", token=hq.token(OTHER_BRAND))
    assert foreign.status_code == 404
    cancelled = (await hq.ask("POST", f"{path}/{made['id']}/cancel")).json()
    assert all(store["cancelled"] for store in cancelled["stores"])
    await wait_until(lambda: shop.seen(order.id).refunded_fen == order.total_fen)
    await sound(shop)
