"""Redis is killed or loses its data in the middle of a live: no order and no card is lost."""

import json
import os
import shutil
import signal
from collections.abc import AsyncIterator
from typing import Any

import httpx
import psutil
import pytest
import pytest_asyncio
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from tests.support.running import Running, running
from tests.support.waiting import wait_until


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def linli(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """A started server of these stories, which soon gives up an order whose Redis is away."""
    folder = tmp_path_factory.mktemp("plugs")
    async with running(folder, LINLI_CONFIRM_TIMEOUT_S="5") as server:
        yield server


async def test_an_order_goes_through_after_redis_was_killed(linli: Running) -> None:
    async with linli.client() as client:
        token = await _guest(client)
        first = await _order(client, token, "tap-number-1")
        assert first.status_code == 201
        _kill_valkey(linli)
        answers: list[httpx.Response] = []

        async def went_through() -> bool:
            answers.append(await _order(client, token, "tap-number-2"))
            return answers[-1].status_code == 201

        await wait_until(went_through, what="the order after the crash")
        assert {answer.status_code for answer in answers[:-1]} <= {202, 503}
        again = await _order(client, token, "tap-number-1")
        assert again.json()["order"]["id"] == first.json()["order"]["id"]
        mine = await client.get("/api/me/orders", headers=_bearer(token))
        assert len(mine.json()["orders"]) == 2
    assert "Traceback" not in linli.log


def _kill_valkey(linli: Running) -> None:
    assert linli.process
    [valkey] = [
        child for child in psutil.Process(linli.process.pid).children() if "valkey" in child.name()
    ]
    os.kill(valkey.pid, signal.SIGKILL)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def _guest(client: httpx.AsyncClient) -> str:
    guest = {"nickname": "晨光", "estate_id": "chunjiang"}
    token: str = (await client.post("/api/guests", json=guest)).json()["token"]
    return token


async def _order(client: httpx.AsyncClient, token: str, key: str) -> httpx.Response:
    return await client.post(
        "/api/orders",
        headers={**_bearer(token), "Idempotency-Key": key},
        json={"room_id": "demo", "product_id": "eggs", "quantity": 1},
    )


async def test_a_room_is_restored_after_redis_lost_everything(linli: Running) -> None:
    token = await linli.host_token()
    async with linli.client() as client:
        pin = await client.put("/api/rooms/demo/pins/spinach", json={}, headers=_bearer(token))
        assert pin.status_code == 200
        before = await _room_with_groups(linli)
        await linli.stop()
        shutil.rmtree(linli.folder / "var" / "valkey")
        await linli.start()
        after = await _room_with_groups(linli)
    assert [card["product"]["id"] for card in after["cards"]] == ["spinach"]
    assert after["groups"] == before["groups"]


async def _room_with_groups(linli: Running) -> dict[str, Any]:
    """The state once the groups of a pin are in it: the bridge brings them after the answer."""
    states: list[dict[str, Any]] = []

    async def has_groups() -> bool:
        states.append(await _room_state(linli))
        return bool(states[-1]["groups"])

    await wait_until(has_groups, what="groups in the room")
    return states[-1]


async def _room_state(linli: Running) -> dict[str, Any]:
    """The state in the snapshot that a newcomer gets."""
    url = f"ws://127.0.0.1:{linli.port}/ws"
    async with connect(url, subprotocols=[Subprotocol("linli.v1.json")]) as socket:
        await socket.send(json.dumps({"t": "hello", "channel": "room:demo"}))
        async for text in socket:
            message = json.loads(text)
            if message["t"] == "snapshot":
                state: dict[str, Any] = message["state"]
                return state
    raise AssertionError("no snapshot")
