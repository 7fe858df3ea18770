"""A buyer at the counter without a network: the order and its code are on the phone."""

import json

import httpx
from playwright.async_api import Page, expect

from tests.support.browsers import People
from tests.support.running import PASSWORD, Running
from tests.support.waiting import wait_until

KEPT = """async () => Boolean(navigator.serviceWorker.controller
  && await caches.match('/room.html') && await caches.match('/me.html'))"""


async def test_order_and_pickup_code_are_readable_without_a_network(
    people: People, linli: Running
) -> None:
    guest, code = await _ready_order(linli)
    known = f"localStorage.setItem('linli.guest', {json.dumps(json.dumps(guest))})"
    buyer = await people.open(people.room_path, scripts=[known], keeps_shell=True)
    strip = buyer.get_by_test_id("order-strip")
    await expect(strip).to_have_attribute("data-state", "ready")
    await wait_until(lambda: buyer.evaluate(KEPT), what="the pages in the cache")

    await buyer.context.set_offline(True)
    await buyer.reload()
    await expect(strip).to_have_attribute("data-state", "ready")
    await strip.click()
    await _shows(buyer, code)
    await buyer.goto("/me")
    await _shows(buyer, code)

    await buyer.context.set_offline(False)
    await buyer.reload()
    await expect(buyer.get_by_test_id("pickup-code")).to_have_text(code)
    await expect(buyer.get_by_test_id("as-of")).to_have_count(0)


async def _shows(buyer: Page, code: str) -> None:
    await expect(buyer.get_by_test_id("pickup-code")).to_have_text(code)
    await expect(buyer.get_by_test_id("pickup-qr")).to_be_visible()
    await expect(buyer.get_by_test_id("as-of")).to_contain_text("离线")


async def _ready_order(linli: Running) -> tuple[dict[str, object], str]:
    """Return a guest as a page remembers one, and the code of an order that is ready."""
    async with httpx.AsyncClient(base_url=linli.url) as client:

        async def post(path: str, token: str = "", **body: object) -> dict[str, object]:
            headers = {"Idempotency-Key": path} | (
                {"Authorization": f"Bearer {token}"} if token else {}
            )
            answer = await client.post(path, json=body, headers=headers)
            assert answer.status_code in (200, 201), answer.text
            found: dict[str, object] = answer.json()
            return found

        guest = await post("/api/guests", nickname="晨光", estate_id="chunjiang")
        placed = await post(
            "/api/orders",
            str(guest["token"]),
            room_id=linli.room,
            product_id="eggs",
            quantity=1,
            price_fen=1680,
        )
        order = placed["order"]
        assert isinstance(order, dict)
        staff = await post("/api/login", username=linli.host, password=PASSWORD)
        for state in ("picking", "packed", "ready"):
            await post(f"/api/orders/{order['id']}/moves", str(staff["token"]), to=state)
        headers = {"Authorization": f"Bearer {guest['token']}"}
        orders = (await client.get("/api/me/orders", headers=headers)).json()["orders"]
    return guest, orders[0]["pickup"]["code"]
