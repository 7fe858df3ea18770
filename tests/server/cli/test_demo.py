"""`linli demo`, as a newcomer starts it and ends it."""

import re
import signal
from pathlib import Path

from tests.support.running import Running
from tests.support.waiting import wait_until

# Some of the demo's neighbours.
CONNECTED = re.compile(r"^linli_rooms_connections ([4-9]|\d\d)", re.MULTILINE)
COMPLAINT = re.compile(r"warning|error|trying again|waits at the door|Traceback", re.IGNORECASE)

# A proxy that takes nothing, and a terminal without a character of 邻里.
HOSTILE = {
    "http_proxy": "http://127.0.0.1:9",
    "all_proxy": "socks5://127.0.0.1:9",
    "LC_ALL": "C",
    "PYTHONIOENCODING": "ascii",
}


async def test_the_demo_is_live_and_ends_without_a_complaint(tmp_path: Path) -> None:
    linli = Running(tmp_path, **HOSTILE)
    await linli.start("demo")
    try:
        async with linli.client() as client:

            async def is_live() -> bool:
                return bool((await client.get("/api/rooms/demo")).json()["state"] == "live")

            async def has_neighbours() -> bool:
                return bool(CONNECTED.search((await client.get("/metrics")).text))

            await wait_until(is_live, what="the demo's live")
            await wait_until(has_neighbours, what="the demo's neighbours")
    finally:
        running = linli.log
        await linli.stop(signal.SIGINT)
    assert linli.process and linli.process.returncode == 0
    assert "http://localhost:" in running
    ending = linli.log.removeprefix(running)
    assert not COMPLAINT.search(ending), ending
    assert "stopped" in ending
    for path in (tmp_path / "var").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, f"others may read {path}"
