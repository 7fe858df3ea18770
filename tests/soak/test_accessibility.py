"""Every page and dialog of head office and store: nothing serious for axe, everything by keyboard.

It runs in the demo's shop on a real server, at three widths and in both languages.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from server.cli.demo import DEMO_TOML
from tests.support.axe import AXE
from tests.support.figures import Figures
from tests.support.running import PASSWORD, running

WIDTHS = (360, 768, 1_366)
LANGUAGES = ("zh-CN", "en-GB")
HEIGHT = 800
DIALOGS_MAX = 8  # of one page
SERIOUS = """async () => {
  const { violations } = await axe.run({ resultTypes: ['violations'] });
  return violations.filter(({ impact }) => ['serious', 'critical'].includes(impact))
    .flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target}`));
}"""
SETTLED = """() => Promise.allSettled(document.getAnimations()
  .filter((item) => item.effect?.getComputedTiming().iterations !== Infinity)
  .map((item) => item.finished))"""
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
SECTIONS_TS = Path(__file__).parents[2] / "web" / "src" / "pages" / "hq" / "sections.ts"
STORE_TABS = ("live", "stock", "orders", "neighbours")
OPENERS = '#main [data-testid="add"], #main tbody tr:first-child button, #main [aria-haspopup]'
DIALOG = '[role="dialog"]:visible'


async def findings(page: Page, where: str) -> list[str]:
    """What is wrong with what the page shows at each width."""
    found = []
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": HEIGHT})
        await page.evaluate(SETTLED)
        await page.evaluate(AXE.read_text())
        found += [f"{where} {width}: {one}" for one in await page.evaluate(SERIOUS)]
        if await page.evaluate(WIDER) > 0:
            found.append(f"{where} {width}: wider than the window")
    return found


async def opened(page: Page, button: Locator) -> bool:
    """Press a button by keyboard; whether a dialog opened that has the focus."""
    await button.focus()
    await page.keyboard.press("Enter")
    try:
        await expect(page.locator(DIALOG).last).to_be_visible(timeout=3_000)
    except AssertionError:
        return False
    await page.keyboard.press("Tab")
    return True


async def dialogs(page: Page, where: str, openers: str) -> list[str]:
    """Open what the page's buttons open, one after the other, and leave it by Escape."""
    found = []
    for number in range(min(await page.locator(openers).count(), DIALOGS_MAX)):
        button = page.locator(openers).nth(number)
        if not await button.is_visible() or not await button.is_enabled():
            continue
        name = f"{where} → {await button.get_attribute('data-testid') or number}"
        if not await opened(page, button):
            continue
        found += await findings(page, name)
        inside = "(box) => box.contains(document.activeElement)"
        if not await page.locator(DIALOG).last.evaluate(inside):
            found.append(f"{name}: the focus is outside")
        await page.keyboard.press("Escape")
        try:
            await expect(page.locator(DIALOG)).to_have_count(0, timeout=5_000)
        except AssertionError:
            found.append(f"{name}: Escape does not close it")
            await page.reload()
    return found


async def logged_in(browser: Browser, url: str, path: str, username: str, language: str) -> Page:
    """A page of somebody who is logged in."""
    context = await browser.new_context(base_url=url, locale=language)
    body = {"username": username, "password": PASSWORD}
    answer = await context.request.post("/api/login", data=body)
    session: Any = await answer.json()
    kept = json.dumps(json.dumps(session))
    await context.add_init_script(f"localStorage.setItem('linli.{path[1:]}', {kept})")
    page = await context.new_page()
    await page.goto(path)
    return page


@pytest.mark.parametrize("language", LANGUAGES)
async def test_pages_and_dialogs_of_staff_have_no_serious_finding(
    browser: Browser, tmp_path: Path, figures: Figures, language: str
) -> None:
    found: list[str] = []
    async with running(tmp_path, DEMO_TOML) as server:
        page = await logged_in(browser, server.url, "/hq", "zongbu", language)
        for section in re.findall(r"^    id: '([a-z-]+)'", SECTIONS_TS.read_text(), re.MULTILINE):
            await page.goto(f"/hq#/{section}")
            await expect(page.locator("h1")).to_be_visible()
            await page.wait_for_load_state("networkidle")
            found += await findings(page, section)
            found += await dialogs(page, section, OPENERS)
        page = await logged_in(browser, server.url, "/store", "chunjiang", language)
        for tab in STORE_TABS:
            await page.get_by_test_id(f"app-{tab}").focus()
            await page.keyboard.press("Enter")
            await expect(page.get_by_test_id(f"app-{tab}")).to_have_attribute(
                "aria-current", "page"
            )
            found += await findings(page, f"store {tab}")
            found += await dialogs(page, f"store {tab}", "main button[aria-haspopup]")
    figures.seen(f"serious findings of axe and keyboard, {language}", len(found))
    assert not found, "\n".join(found)
