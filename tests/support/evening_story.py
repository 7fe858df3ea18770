"""Neighbours and orders of a running server, for stories that go on where an order is placed."""

import json
from typing import Any

from server.access.policy import Role
from tests.support.running import PASSWORD, Running

STAFF = """
[[staff]]
username = "tuanzhang"
name = "王姐"
roles = ["leader"]
estates = ["chunjiang"]

[[staff]]
username = "zongbu"
name = "总部"
roles = ["hq"]
"""
"""A leader and a head office, for the end of a shop file."""


def known(guest: dict[str, Any]) -> str:
    """Return the script that makes a page know its guest."""
    return f"localStorage.setItem('linli.guest', {json.dumps(json.dumps(guest))})"


async def logged_in(linli: Running, page: str, username: str) -> str:
    """Return the script that makes a staff page know its log-in."""
    login = await send(linli, "POST", "/api/login", username=username, password=PASSWORD)
    return f"localStorage.setItem('linli.{page}', {json.dumps(json.dumps(login))})"


async def send(
    linli: Running, method: str, path: str, token: str = "", key: str = "", **body: object
) -> dict[str, Any]:
    """Send a request that succeeds; return its answer."""
    async with linli.client(token) as client:
        headers = {"Idempotency-Key": key or "key-of-a-story"}
        answer = await client.request(method, path, json=body, headers=headers)
    assert answer.is_success, answer.text
    found: dict[str, Any] = answer.json() if answer.content else {}
    return found


async def neighbour(linli: Running, nickname: str) -> dict[str, Any]:
    """A new guest of the store's estate, as a page remembers one."""
    return await send(linli, "POST", "/api/guests", nickname=nickname, estate_id="chunjiang")


async def order(linli: Running, guest: dict[str, Any], units: int, **more: object) -> str:
    """An order of eggs; return its id."""
    body = {"room_id": linli.room, "product_id": "eggs", "quantity": units, **more}
    placed = await send(linli, "POST", "/api/orders", str(guest["token"]), "an-order", **body)
    return str(placed["order"]["id"])


async def make_ready(linli: Running, order_id: str) -> None:
    """Move an order on to where its buyer gets the code, from wherever it is in the store."""
    async with linli.client(linli.token(Role.STORE, store_id="s1")) as client:
        for state in ("picking", "packed", "ready"):
            await client.post(f"/api/orders/{order_id}/moves", json={"to": state})
