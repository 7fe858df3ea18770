"""Neighbours order while the process of the role insight is killed: nothing is lost or twice."""

import asyncio
import os
import random
import signal
from pathlib import Path
from typing import Any

import httpx

from server.access.policy import Role
from server.ops.lake import compare
from tests.support.figures import Figures
from tests.support.running import running
from tests.support.waiting import wait_until

BUYERS = 90
ORDERS_AT_ONCE = 4
KILLS = 8
SEED = 20261129
RUN_S = (0.5, 4.0)
BACK_S_MAX = 20.0


async def test_orders_are_on_the_wall_and_in_the_lake_once_however_often_insight_dies(
    tmp_path: Path, figures: Figures
) -> None:
    coins = random.Random(SEED)
    async with (
        running(tmp_path, LINLI_RATE_LIMITS="false", LINLI_INSIGHT_PROCESS="own") as server,
        server.client() as client,
    ):
        rush = asyncio.create_task(_everybody(client))
        killed: set[int] = set()
        while len(killed) < KILLS:
            await wait_until(lambda: server.insight_pid not in (None, *killed), BACK_S_MAX)
            await asyncio.sleep(coins.uniform(*RUN_S))
            pid = server.insight_pid
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
        paid_fen = await rush
        headers = {"Authorization": f"Bearer {server.token(Role.HQ, brand_id='linxian')}"}

        async def wall() -> Any:
            answer = await client.get("/api/hq/wall", headers=headers)
            return answer.json() if answer.status_code == 200 else {}

        async def is_shown() -> bool:
            shown = (await wall()).get("figures", {})
            return bool(shown.get("orders") == BUYERS and shown["gmv_fen"] == paid_fen)

        async def is_kept() -> bool:
            result = await compare(server.settings)
            return result.ok and result.behind == 0 and result.position > 0

        began_s = asyncio.get_running_loop().time()
        await wait_until(is_shown, what="all orders on the wall")
        waited_s = asyncio.get_running_loop().time() - began_s
        await wait_until(is_kept, what="the record's facts in the lake, once")
        assert "deltalake" not in server.libraries
    figures.seen("insight processes killed", len(killed))
    figures.seen("the wall after the last kill, s", round(waited_s, 1))


async def _everybody(client: httpx.AsyncClient) -> int:
    """Let all buyers order, a few at once; return what they paid in fen."""
    turns = asyncio.Semaphore(ORDERS_AT_ONCE)

    async def buy(number: int) -> int:
        async with turns:
            guest = {"nickname": f"邻居{number}", "estate_id": "chunjiang"}
            token = (await client.post("/api/guests", json=guest)).json()["token"]
            answer = await client.post(
                "/api/orders",
                headers={
                    "Authorization": f"Bearer {token}",
                    "Idempotency-Key": f"order-key-{number}",
                },
                json={"room_id": "demo", "product_id": "eggs", "quantity": 1},
            )
            assert answer.status_code in (201, 202), answer.text
            await asyncio.sleep(0.5)
            return int(answer.json()["order"]["total_fen"])

    return sum(await asyncio.gather(*map(buy, range(BUYERS))))
