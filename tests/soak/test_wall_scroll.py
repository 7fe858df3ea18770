"""What a frame of the wall costs while it is scrolled, with 300 lives and two events a second.

The time is that of the page's main thread by its own CPU clock, so that other programs do not
count: 60 frames a second leave 16.7 ms for each. Frames a second themselves need a machine with
nothing else to do.
"""

import time
from collections.abc import Iterator
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, Page, ViewportSize, expect, sync_playwright

from tests.support import played_places
from tests.support.axe import DESKTOP, PHONE
from tests.support.chromium import find_chromium
from tests.support.figures import Figures
from tests.support.played_pages import FLAGS
from tests.support.played_server import ORIGIN, PlayedServer, now_ms, remember_staff
from tests.support.played_wall import event, map_of, wall
from tests.support.waiting import WAIT_S

LIVES, ESTATES = 300, 300
TELEVISION: ViewportSize = {"width": 1920, "height": 1080}
EVENT_EVERY_S = 0.5
WATCHED_S = 8.0
FRAME_MS = 1_000 / 60
MEAN_MS_MAX = FRAME_MS / 2
# Scrolls by hand's speed, down and up again, a step each frame; notes when frames were drawn.
SCROLL = """([selector, step]) => {
  const box = selector ? document.querySelector(selector) : document.scrollingElement
  const drawn = (window.__drawn = [])
  let by = step
  const frame = (at) => {
    drawn.push(at)
    const before = box.scrollTop
    box.scrollTop = before + by
    if (box.scrollTop === before) by = -by
    window.__scrolling = requestAnimationFrame(frame)
  }
  window.__scrolling = requestAnimationFrame(frame)
}"""
STOP = "() => { cancelAnimationFrame(window.__scrolling); return window.__drawn }"
LONG = """() => {
  window.__long = []
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.__long.push(entry.duration)
  }).observe({ entryTypes: ['longtask'] })
}"""
PLACES = [
    ("the page, 1366 px", DESKTOP, "", 24),
    ("the page, 1920 px", TELEVISION, "", 24),
    ("the page, 360 px", PHONE, "", 24),
    ("the lives, 1366 px", DESKTOP, "[data-testid=wall-lives]", 24),
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser that draws without a graphics card."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        yield found
        found.close()


def busy_s(session: CDPSession) -> dict[str, float]:
    """Seconds of CPU of the page's main thread, by what they were for."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return {row["name"]: row["value"] for row in metrics if row["name"].endswith("Duration")}


def opened(browser: Browser, server: PlayedServer, size: ViewportSize) -> Page:
    """The wall, with all its lives."""
    context = browser.new_context(viewport=size, locale="en-GB", service_workers="block")
    server.attach(context)
    page = context.new_page()
    remember_staff(page, "hq")
    page.goto(ORIGIN + "/hq#/wall")
    expect(page.get_by_test_id("wall-live-r0")).to_be_visible(timeout=WAIT_S * 1_000)
    expect(page.locator("canvas").first).to_be_visible(timeout=WAIT_S * 1_000)
    return page


@pytest.mark.parametrize(("what", "size", "selector", "step"), PLACES, ids=[p[0] for p in PLACES])
def test_a_scrolled_frame_of_a_busy_wall_fits_twice_into_its_time(
    chromium: Browser,
    figures: Figures,
    what: str,
    size: ViewportSize,
    selector: str,
    step: int,
) -> None:
    server, coins = PlayedServer(), Random(1)
    whole = wall(LIVES, ESTATES, now_ms())
    server.office.gets["/api/hq/wall"] = whole
    server.office.singles["map"] = map_of(ESTATES, played_places.place_map())
    page = opened(chromium, server, size)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.wait_for_timeout(1_000)
    page.evaluate(LONG)
    before = busy_s(session)
    page.evaluate(SCROLL, [selector, step])
    began = time.monotonic()
    events = 0
    while time.monotonic() - began < WATCHED_S:
        page.wait_for_timeout(EVENT_EVERY_S * 1_000)
        events += 1
        server.tick(event(whole, events, now_ms(), coins))
    drawn: list[float] = page.evaluate(STOP)
    after = busy_s(session)
    _note(figures, what, drawn, {name: after[name] - before[name] for name in after})
    long: list[float] = page.evaluate("() => window.__long")
    figures.seen(
        f"{what}: tasks of 50 ms or more", f"{len(long)}, worst {max(long, default=0):.0f}"
    )
    page.context.close()
    figures.at_most(
        f"{what}: main thread a frame",
        1_000 * (after["TaskDuration"] - before["TaskDuration"]) / len(drawn),
        MEAN_MS_MAX,
        "ms",
    )


def _note(figures: Figures, what: str, drawn: list[float], spent_s: dict[str, Any]) -> None:
    frames = len(drawn)
    waits = sorted(b - a for a, b in pairwise(drawn))
    parts = {"ScriptDuration": "script", "LayoutDuration": "layout", "RecalcStyleDuration": "style"}
    split = ", ".join(f"{name} {1_000 * spent_s[key] / frames:.2f}" for key, name in parts.items())
    figures.seen(f"{what}: of it, ms", split)
    late = sum(wait > 1.5 * FRAME_MS for wait in waits)
    fps = 1_000 * len(waits) / sum(waits)
    figures.seen(f"{what}: frames a second, late", f"{fps:.1f}, {late} of {frames}")
    figures.seen(
        f"{what}: between frames p50, p99",
        f"{waits[len(waits) // 2]:.1f}, {waits[len(waits) * 99 // 100]:.1f} ms",
    )
