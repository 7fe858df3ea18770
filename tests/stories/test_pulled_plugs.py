"""Redis dies in the middle of an evening: nothing is lost, and everything goes on by itself."""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.helpers import wait_until
from tests.running import Running, running


@pytest.fixture
async def linli(tmp_path: Path) -> AsyncIterator[Running]:
    """A started server with the story shop."""
    async with running(tmp_path) as server:
        yield server


async def test_an_order_goes_through_after_redis_was_killed(linli: Running) -> None:
    async with httpx.AsyncClient(base_url=linli.url, timeout=30) as client:
        token = await _guest(client)
        first = await _order(client, token, "tap-number-1")
        assert first.status_code == 201
        _kill_valkey(linli)
        answers: list[httpx.Response] = []

        async def went_through() -> bool:
            answers.append(await _order(client, token, "tap-number-2"))
            return answers[-1].status_code == 201

        await wait_until(went_through, 30, "the order after the crash")
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
