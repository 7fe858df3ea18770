"""Neighbours and a host on a real server: chat, likes and orders reach the room."""

import asyncio
import contextlib
import random
from pathlib import Path
from typing import Any

import pytest

from loadtest.actors.buyer import join_room
from loadtest.actors.neighbours import neighbours
from loadtest.actors.publish import Programme, publish
from tests.support.running import Running, running
from tests.support.waiting import wait_until

ROOM = "demo"


async def pin(server: Running, token: str) -> str:
    """Pin the first product with a group offer; return its id."""
    async with server.client(token) as http:
        products = (await http.get(f"/api/rooms/{ROOM}/products")).json()["products"]
        product_id = next(product["id"] for product in products if product["group"])
        answer = await http.put(f"/api/rooms/{ROOM}/pins/{product_id}", json={})
        assert answer.status_code == 200, answer.text
        return str(product_id)


async def room_state(server: Running) -> dict[str, Any]:
    async with join_room(server.url, ROOM, None) as socket:
        async for message in socket.messages():
            if message["t"] == "snapshot":
                state: dict[str, Any] = message["state"]
                return state
    raise AssertionError("the room sent no snapshot")


@pytest.mark.soak
async def test_neighbours_chat_like_and_join_the_group_while_the_host_is_live(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, LINLI_RATE_LIMITS="false") as server:
        token = await server.host_token()
        tasks = [asyncio.create_task(publish(f"{server.url}/live/{ROOM}/whip", token, Programme()))]
        try:

            async def live() -> bool:
                return bool((await room_state(server))["live"]["state"] == "live")

            await wait_until(live)
            product_id = await pin(server, token)
            crowd = neighbours(server.url, ROOM, per_minute=900, limit=3, rng=random.Random(4))
            tasks.append(asyncio.create_task(crowd))

            async def lively() -> bool:
                state = await room_state(server)
                joined = sum(g["joined"] for g in state["groups"] if g["product_id"] == product_id)
                return bool(joined and state["chat"] and state["counters"]["likes"])

            await wait_until(lively, what="chat, likes and a joined group")
        finally:
            for task in tasks:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(*tasks)
