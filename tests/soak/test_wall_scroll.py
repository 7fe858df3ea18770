"""What a frame of the wall costs while it is scrolled, with 300 lives and two events a second.

Time of the page's main thread is by its own CPU clock, so that other programs do not count. A task
of two frames delays one frame at most. Frames a second need a machine with nothing else to do.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

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
WATCHED_S = 5.0  # of each: scrolling, events, both
FRAME_MS = 1_000 / 60
LATE_SHARE_MAX = 0.02  # of frames
FPS_MIN = 58
BUSY_MAX = 0.5  # of the main thread, at 60 frames and two events a second
# Scrolls by hand's speed, down and up again, a step each frame; notes when frames were drawn.
SCROLL = """([selector, step]) => {
  const box = () => (selector ? document.querySelector(selector) : document.scrollingElement)
  const drawn = (window.__drawn = [])
  let by = step
  const frame = (at) => {
    drawn.push(at)
    const before = box()?.scrollTop
    if (before !== undefined) {
      box().scrollTop = before + by
      if (box().scrollTop === before) by = -by
    }
    window.__scrolling = requestAnimationFrame(frame)
  }
  window.__scrolling = requestAnimationFrame(frame)
}"""
STOP = """() => {
  cancelAnimationFrame(window.__scrolling)
  return window.__drawn ?? []
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


def busy_ms(session: CDPSession) -> float:
    """CPU of the page's main thread so far."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    [found] = [row["value"] for row in metrics if row["name"] == "TaskDuration"]
    return 1_000 * float(found)


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


@dataclass
class Watched:
    """A wall that is scrolled, that gets events, or both."""

    page: Page
    server: PlayedServer
    session: CDPSession
    coins: Random = field(default_factory=lambda: Random(1))
    number: int = 0

    def watch(self, scroll: tuple[str, int] | None, has_events: bool) -> tuple[list[float], float]:
        """Return when frames were drawn, and ms of CPU of the main thread."""
        before = busy_ms(self.session)
        if scroll:
            self.page.evaluate(SCROLL, scroll)
        began = time.monotonic()
        while time.monotonic() - began < WATCHED_S:
            self.page.wait_for_timeout(EVENT_EVERY_S * 1_000)
            if has_events:
                self.number += 1
                whole = self.server.office.gets["/api/hq/wall"]
                self.server.tick(event(whole, self.number, now_ms(), self.coins))
        drawn: list[float] = self.page.evaluate(STOP)
        return drawn, busy_ms(self.session) - before


@pytest.mark.parametrize(("what", "size", "selector", "step"), PLACES, ids=[p[0] for p in PLACES])
def test_a_busy_wall_scrolls_at_sixty_frames_a_second(
    chromium: Browser,
    figures: Figures,
    what: str,
    size: ViewportSize,
    selector: str,
    step: int,
) -> None:
    server = PlayedServer()
    server.office.gets["/api/hq/wall"] = wall(LIVES, ESTATES, now_ms())
    server.office.singles["map"] = map_of(ESTATES, played_places.place_map())
    page = opened(chromium, server, size)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.wait_for_timeout(1_000)
    chromium.start_tracing(page=page, categories=["toplevel", "__metadata"])
    watched = Watched(page, server, session)
    drawn, scroll_ms = watched.watch((selector, step), has_events=False)
    frame_ms = scroll_ms / len(drawn)
    event_ms = watched.watch(None, has_events=True)[1] / watched.number
    waits = sorted(b - a for a, b in pairwise(watched.watch((selector, step), has_events=True)[0]))
    tasks_ms = main_tasks_ms(chromium.stop_tracing())
    page.context.close()
    late = sum(wait > 1.5 * FRAME_MS for wait in waits)
    fps = 1_000 * len(waits) / sum(waits)
    figures.seen(f"{what}: CPU of a scrolled frame", f"{frame_ms:.2f} ms")
    figures.seen(f"{what}: CPU of an event", f"{event_ms:.1f} ms")
    figures.seen(f"{what}: frames a second", f"{fps:.1f}")
    figures.at_most(f"{what}: late frames", late / len(waits), LATE_SHARE_MAX)
    assert fps >= FPS_MIN
    figures.at_most(f"{what}: longest task", tasks_ms[-1], 2 * FRAME_MS, "ms")
    busy = (60 * frame_ms + event_ms / EVENT_EVERY_S) / 1_000
    figures.at_most(f"{what}: of the main thread", busy, BUSY_MAX)


def main_tasks_ms(trace: bytes) -> list[float]:
    """CPU of each task of the busiest page's main thread, the longest last."""
    found = json.loads(trace)
    events = found["traceEvents"] if isinstance(found, dict) else found
    mains = {
        (row["pid"], row["tid"])
        for row in events
        if row["name"] == "thread_name" and row["args"]["name"] == "CrRendererMain"
    }
    tasks: dict[tuple[int, int], list[float]] = {main: [] for main in mains}
    for row in events:
        main = (row["pid"], row["tid"])
        if row["name"] == "ThreadControllerImpl::RunTask" and main in mains:
            tasks[main].append(row.get("tdur", 0) / 1_000)
    return sorted(max(tasks.values(), key=sum))
