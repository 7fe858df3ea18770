"""A real server for the stories of the head office, with two months in its lake."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page

from commerce.io.record.engine import wall_clock
from server.access.policy import Role
from tests.support import kpi_history
from tests.support.browsers import SCREENSHOTS
from tests.support.evening_story import STAFF
from tests.support.running import SHOP, Running

OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
# After its animations.
SETTLED = """() => Promise.allSettled(document.getAnimations().filter(
  (one) => one.effect?.getComputedTiming().iterations !== Infinity).map((one) => one.finished))"""
WIDTHS = ((1920, 1080), (1366, 768), (360, 740))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """A server of six estates whose head office, `zongbu`, has stated its plan."""
    folder = tmp_path_factory.mktemp("office")
    shop = folder / "shop.toml"
    shop.write_text(SHOP.read_text("utf-8") + kpi_history.ESTATES + STAFF, "utf-8")
    server = Running(folder, LINLI_RATE_LIMITS="false")
    await server.load(shop)
    await asyncio.to_thread(kpi_history.write_history, folder / "var", wall_clock())
    await server.start()
    try:
        async with server.client(server.token(Role.HQ, brand_id=kpi_history.BRAND)) as client:
            answer = await client.put("/api/hq/kpi/plan", json=kpi_history.PLAN)
            assert answer.status_code == 200, answer.text
        yield server
    finally:
        await server.stop()


async def fits_all_widths(page: Page, name: str) -> None:
    """Nothing is wider than the screen of a television, a desk or a phone; keep what is shown."""
    for width, height in WIDTHS:
        await page.set_viewport_size({"width": width, "height": height})
        await page.evaluate(SETTLED)
        assert await page.evaluate(OVERFLOW) == 0
        await page.screenshot(path=SCREENSHOTS / f"{name}-{width}.png", full_page=True)
