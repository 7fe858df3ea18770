"""A guest stays the same person: after the token, after the secret, on another device."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from server.access.moves import MoveCodes
from server.access.policy import Principal, Role
from server.access.tokens import Access
from server.http.shop import guests, orders, people
from server.latency import Latency
from server.limits import Limits
from server.problem import Problem, problem_handler
from server.settings import Settings
from tests.support.commerce_shop import running_shop


class Web:
    """A client of the routes; the installation's secret may change."""

    def __init__(self, client: httpx.AsyncClient, services: SimpleNamespace) -> None:
        self.client = client
        self.services = services

    async def post(self, path: str, body: object = None, token: str = "") -> httpx.Response:
        """Send JSON, with a token if there is one."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return await self.client.post(path, json=body or {}, headers=headers)

    async def register(self) -> dict[str, Any]:
        """A new guest."""
        made = await self.post("/api/guests", {"nickname": "晨光", "estate_id": "e1"})
        assert made.status_code == 201
        body: dict[str, Any] = made.json()
        return body

    async def subject(self, token: str) -> str:
        """Whom a token names."""
        me = await self.client.get("/api/me", headers={"Authorization": f"Bearer {token}"})
        return str(me.json().get("subject", me.status_code))


@pytest.fixture
async def web(sqlite_url: str, valkey_url: str) -> AsyncIterator[Web]:
    async with running_shop(sqlite_url, valkey_url) as shop:
        services = SimpleNamespace(
            settings=Settings(),
            access=Access("s" * 32),
            moves=MoveCodes(shop.redis),
            limits=Limits(shop.redis),
            commerce=shop.commerce,
            tracing=None,
            latency={"orders": Latency()},
        )
        app = Starlette(
            routes=[*people.routes, *guests.routes, *orders.routes],
            exception_handlers={Problem: problem_handler},
        )
        app.state.services = services
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            yield Web(client, services)


async def test_a_device_refreshes_its_guest_after_the_secret_has_changed(web: Web) -> None:
    known = await web.register()
    guest_id = known["guest"]["id"]
    web.services.access = Access("n" * 32)
    assert await web.subject(known["token"]) == "401"
    proof = {"guest_id": guest_id, "device_secret": known["device_secret"]}
    fresh = await web.post("/api/guests/refresh", proof)
    assert (fresh.status_code, fresh.json()["guest"]) == (200, known["guest"])
    assert await web.subject(fresh.json()["token"]) == guest_id


async def test_a_device_proves_no_other_guest(web: Web) -> None:
    mine, theirs = await web.register(), await web.register()
    for secret in (mine["device_secret"], "guess", mine["device_secret"] + "x"):
        proof = {"guest_id": theirs["guest"]["id"], "device_secret": secret}
        refused = await web.post("/api/guests/refresh", proof)
        assert refused.json()["type"] == "urn:linli:problem:unknown-device"
        assert refused.status_code == 401


async def test_orders_are_restored_on_another_device_by_a_code_used_once(web: Web) -> None:
    known = await web.register()
    headers = {"Authorization": f"Bearer {known['token']}", "Idempotency-Key": "one-tap-1"}
    body = {"room_id": "demo", "product_id": "tea", "quantity": 1}
    order = (await web.client.post("/api/orders", json=body, headers=headers)).json()["order"]
    move = (await web.post("/api/me/moves", token=known["token"])).json()
    assert move["url"] == f"http://shop/me#move={move['code']}"
    assert (move["expires_in_s"], move["qr"][:14]) == (600, "data:image/svg")
    other = await web.post("/api/guests/restore", {"code": move["code"].lower()})
    assert (other.status_code, other.json()["guest"]) == (201, known["guest"])
    listed = await web.client.get(
        "/api/me/orders", headers={"Authorization": f"Bearer {other.json()['token']}"}
    )
    assert [item["id"] for item in listed.json()["orders"]] == [order["id"]]
    again = await web.post("/api/guests/restore", {"code": move["code"]})
    assert (again.status_code, again.json()["type"][-12:]) == (404, "unknown-code")
    for device in (known, other.json()):
        proof = {"guest_id": known["guest"]["id"], "device_secret": device["device_secret"]}
        assert (await web.post("/api/guests/refresh", proof)).status_code == 200


async def test_guessing_at_codes_and_asking_for_many_is_limited(web: Web) -> None:
    tries = [await web.post("/api/guests/restore", {"code": "0000-0000-0"}) for _ in range(30)]
    assert [answer.status_code for answer in tries].count(404) <= 22
    known = await web.register()
    moves = [await web.post("/api/me/moves", token=known["token"]) for _ in range(8)]
    assert [answer.status_code for answer in moves] == [201] * 5 + [429] * 3


async def test_a_guest_without_a_device_gets_a_secret_once(web: Web) -> None:
    known = await web.register()
    assert (await web.post("/api/me/devices", token=known["token"])).status_code == 409
    old = Principal("nobody-known", frozenset({Role.MEMBER}), estate_id="e1")
    token = web.services.access.issue(old, 60)
    assert (await web.post("/api/me/devices", token=token)).status_code == 404
    assert (await web.post("/api/me/moves")).status_code == 401


async def test_the_oldest_of_many_devices_gives_way(web: Web) -> None:
    registered = await web.register()
    people_of = web.services.commerce.people
    secrets = [(await people_of.restore(registered["guest"]["id"])).device_secret for _ in range(9)]
    proofs = [
        await web.post(
            "/api/guests/refresh",
            {"guest_id": registered["guest"]["id"], "device_secret": secret},
        )
        for secret in [registered["device_secret"], *secrets]
    ]
    assert [proof.status_code for proof in proofs].count(200) == 8
    assert proofs[-1].status_code == 200
