"""How soon a neighbour who opens the room sees the picture, though key frames are rare."""

import asyncio
import os
import statistics
import sys
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, BrowserContext

from tests.stories.conftest import FIRST_FRAME, PHONE
from tests.support.running import Running
from tests.support.waiting import wait_until

KEY_FRAMES_EVERY_S = 10
# `LINLI_SOAK=1` on a quiet machine: as many openings as a percentile needs, and the goal itself.
SOAK = bool(os.environ.get("LINLI_SOAK"))
OPENINGS = 40 if SOAK else 6
GOAL_S = 0.5
# Beside the browser, the encoder and other tests on two cores.
BUSY_S = 2.0


@pytest.fixture
async def rare_key_frames(linli: Running) -> AsyncIterator[None]:
    """A host whose key frames are ten seconds apart, whatever it is asked."""
    token = (await linli.linli("token", "--role", "host", "--room", "demo")).strip()
    host = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.deaf_host",
        f"{linli.url}/live/demo/whip",
        token,
        str(KEY_FRAMES_EVERY_S),
    )
    yield
    host.terminate()
    await host.wait()


async def _first_frame_s(context: BrowserContext, url: str) -> float:
    """Open the room; return seconds from the navigation to the first frame on the screen."""
    await context.add_init_script(FIRST_FRAME)
    page = await context.new_page()
    await page.goto(url)

    async def seen() -> bool:
        return bool(await page.evaluate("window.firstFrame !== undefined"))

    await wait_until(seen, what="the first frame")
    return float(await page.evaluate("window.firstFrame")) / 1_000


@pytest.mark.usefixtures("rare_key_frames")
async def test_a_neighbour_sees_the_picture_at_once_however_rare_key_frames_are(
    browser: Browser, linli: Running
) -> None:
    async def live() -> bool:
        return "state=live" in linli.log

    await wait_until(live, timeout_s=30, what="the live")
    took = []
    for _ in range(OPENINGS):
        context = await browser.new_context(
            viewport={"width": PHONE["width"], "height": PHONE["height"]},
            is_mobile=True,
            has_touch=True,
        )
        took.append(await _first_frame_s(context, f"{linli.url}/r/demo"))
        await context.close()
    took.sort()
    p95 = took[min(len(took) - 1, round(0.95 * len(took)) - 1)]
    print(f"\nfirst frame: median {statistics.median(took):.2f} s, p95 {p95:.2f} s of {len(took)}")
    assert p95 <= (GOAL_S if SOAK else BUSY_S)
