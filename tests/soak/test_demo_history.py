"""`linli demo --history`: how soon the head office sees a year, marked as simulated."""

import asyncio
import signal
from pathlib import Path
from typing import Any

from server.access.policy import Role
from tests.support.figures import Figures
from tests.support.running import Running
from tests.support.waiting import wait_until

SHOWN_S_MAX = 60.0
WAIT_S = 120.0


async def test_the_demo_shows_a_simulated_year_within_a_minute(
    tmp_path: Path, figures: Figures
) -> None:
    linli = Running(tmp_path, LINLI_INSIGHT_PROCESS="own")
    began_s = asyncio.get_running_loop().time()
    await linli.start("demo", "--history", "--no-host", "--no-neighbours")
    try:
        headers = {"Authorization": f"Bearer {linli.token(Role.HQ, brand_id='linxian')}"}
        async with linli.client() as client:

            async def board() -> Any:
                # A reading takes seconds of CPU, at low priority.
                answer = await client.get("/api/hq/kpi", headers=headers, timeout=WAIT_S)
                return answer.json() if answer.status_code == 200 else {"simulated": False}

            async def is_shown() -> bool:
                return bool((await board())["simulated"])

            await wait_until(is_shown, WAIT_S, what="a simulated board")
            figures.at_most(
                "from `linli demo --history` to the year on /hq/kpi",
                asyncio.get_running_loop().time() - began_s,
                SHOWN_S_MAX,
                "s",
            )
            found = await board()
            values = {each["id"]: each["value"] for each in found["figures"]}
            assert values["gmv_per_estate"] > 0 and found["ramp"]
    finally:
        await linli.stop(signal.SIGINT)
