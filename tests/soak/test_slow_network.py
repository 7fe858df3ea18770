"""How soon somebody at 400 kbit/s sees the product, and the live."""

import statistics

import pytest
from playwright.async_api import Browser

from media.emulator import Conditions
from tests.support.browsers import FIRST_FRAME, PHONE, People, goes_live
from tests.support.figures import Figures
from tests.support.netem import Network, network
from tests.support.running import Running
from tests.support.waiting import wait_until

RATE_BPS = 400_000
OPENINGS = 5
# Seconds until the server's shell is painted, and kilobytes until now, for a page without a cache.
SHELL_S = "performance.getEntriesByName('first-contentful-paint')[0].startTime / 1000"
SENT_KB = """['navigation', 'resource'].flatMap((kind) => performance.getEntriesByType(kind))
  .reduce((sum, each) => sum + each.encodedBodySize, 0) / 1000"""


@pytest.mark.parametrize(("round_trip_s", "first_frame_s_max"), [(0.15, 6.0), (0.4, 9.0)])
async def test_first_frame_at_400_kbit_comes_in_seconds(
    browser: Browser,
    people: People,
    linli: Running,
    figures: Figures,
    round_trip_s: float,
    first_frame_s_max: float,
) -> None:
    host = await goes_live(people)
    await host.get_by_test_id("pin-spinach").click()
    await host.get_by_test_id("unpin-spinach").wait_for()
    slow = Conditions(delay_s=round_trip_s / 2, rate_bps=RATE_BPS)
    shells, frames, sent_kb = [], [], []
    for _ in range(OPENINGS):
        async with network(int(linli.env["LINLI_ICE_PORT"]), up=slow, down=slow) as link:
            shell_s, frame_s, kilobytes = await _open(browser, linli, link, round_trip_s)
        shells.append(shell_s)
        frames.append(frame_s)
        sent_kb.append(kilobytes)
    what = f"400 kbit/s, RTT {round_trip_s} s:"
    figures.seen(f"{what} shell, median of {OPENINGS}, s", round(statistics.median(shells), 2))
    figures.seen(f"{what} frame, all, s", " ".join(f"{each:.1f}" for each in sorted(frames)))
    figures.seen(f"{what} sent by then, median, kB", round(statistics.median(sent_kb), 1))
    median_s = statistics.median(frames)
    figures.at_most(f"{what} first frame, median", median_s, first_frame_s_max, "s")


async def _open(
    browser: Browser, linli: Running, link: Network, round_trip_s: float
) -> tuple[float, float, float]:
    """Open the room on a slow phone: HTTP through Chromium's throttle, media through `link`."""
    context = await browser.new_context(
        viewport={"width": PHONE["width"], "height": PHONE["height"]},
        is_mobile=True,
        has_touch=True,
    )
    await context.add_init_script(link.script)
    await context.add_init_script(FIRST_FRAME)
    page = await context.new_page()
    devtools = await context.new_cdp_session(page)
    await devtools.send("Network.enable")
    await devtools.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": round_trip_s * 1000,
            "downloadThroughput": RATE_BPS / 8,
            "uploadThroughput": RATE_BPS / 8,
        },
    )
    await page.goto(f"{linli.url}/r/{linli.room}", wait_until="commit")

    async def seen() -> bool:
        return bool(await page.evaluate("window.firstFrame !== undefined"))

    await wait_until(seen, what="the first frame")
    found = [await page.evaluate(what) for what in (SHELL_S, "window.firstFrame / 1000", SENT_KB)]
    await context.close()
    return found[0], found[1], found[2]
