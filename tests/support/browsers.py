"""Real browsers against a real server: what stories and soaks start with."""

import copy
import itertools
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from tests.support.chromium import find_chromium
from tests.support.netem import Network
from tests.support.running import PASSWORD, SHOP, Running, running
from tests.support.waiting import WAIT_S, wait_until

PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 800}
EXPECT_MS = WAIT_S * 1_000
expect.set_options(timeout=EXPECT_MS)
# What the test run keeps for people to look at.
SCREENSHOTS = Path(os.environ.get("LINLI_SCREENSHOTS", "screenshots"))
CAMERA = "--use-fake-device-for-media-stream=fps="
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # The network is this machine: WebRTC may use 127.0.0.1, and the camera is Chromium's fake one.
    "--allow-loopback-in-peer-connection",
    # Fifteen frames a second leave two cores time for two viewers.
    f"{CAMERA}15",
    "--use-fake-ui-for-media-stream",
]


# Keeps the page's peer connections, whose statistics say what a viewer sees.
KEEP_CONNECTIONS = """
  window.connections = []
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...args) { super(...args); window.connections.push(this) }
  }
"""
VIDEO_STATS = """async () => {
  const open = window.connections.filter((each) => each.connectionState === 'connected')
  for (const connection of open.reverse())
    for (const report of (await connection.getStats()).values())
      if (report.type === 'inbound-rtp' && report.kind === 'video') return {...report}
  return null
}"""
# Notes how long each frame was shown: presentation times as the compositor gives them.
KEEP_GAPS = """() => {
  const video = document.querySelector('video')
  const gaps = window.gaps = { frames: 0, longest_ms: 0 }
  let before = null
  const presented = (_, { presentationTime }) => {
    gaps.frames += 1
    gaps.longest_ms = Math.max(gaps.longest_ms, presentationTime - (before ?? presentationTime))
    before = presentationTime
    video.requestVideoFrameCallback(presented)
  }
  video.requestVideoFrameCallback(presented)
}"""
# Notes when the page showed its first frame, ms since it was opened.
FIRST_FRAME = """
const look = () => {
  for (const video of document.querySelectorAll('video'))
    if (!video.watched) {
      video.watched = true
      video.requestVideoFrameCallback((now) => { window.firstFrame ??= now })
    }
}
new MutationObserver(look).observe(document, { childList: true, subtree: true })
"""
# The pair a peer connection sends on: the ICE session of its local candidate, and its states.
PAIR_IN_USE = """async (peer) => {
  const stats = await peer.getStats()
  const transport = [...stats.values()].find((each) => each.type === 'transport')
  const pair = stats.get(transport?.selectedCandidatePairId)
  const local = stats.get(pair?.localCandidateId)
  return [local?.usernameFragment, pair?.state, transport?.dtlsState]
}"""


# Rooms of the shared server, each with a host of its own.
ROOMS = 16
_ROOM = """
[[rooms]]
id = "{room}"
store = "s1"
title = {{ zh = "周末家庭厨房", en = "Weekend Family Kitchen" }}

[[staff]]
username = "{host}"
name = "春江店店主"
roles = ["host", "store"]
room = "{room}"
store = "s1"
"""


# Goods of stories: with terms of a show (evening_show.py), and by the pound for a packer.
_GOODS = """
[[products]]
id = "berries"
image = "/goods/strawberries.svg"
name = { zh = "红颜草莓 500 克", en = "Strawberries, 500 g" }
unit = { zh = "盒", en = "box" }
price_fen = 3990
list_price_fen = 3990
stock = 50
group = { price_fen = 2990, target = 2, duration_s = 600 }

[[products]]
id = "pears"
image = "/goods/fruit-puree.svg"
name = { zh = "皇冠梨 4 个", en = "Pears, 4" }
unit = { zh = "份", en = "portion" }
price_fen = 1990
list_price_fen = 1990
stock = 50
group = { price_fen = 1690, target = 5, duration_s = 600 }

[[products]]
id = "cherries"
image = "/goods/strawberries.svg"
name = { zh = "车厘子 500 克", en = "Cherries, 500 g" }
unit = { zh = "盒", en = "box" }
price_fen = 2990
list_price_fen = 2990
stock = 90
group = { price_fen = 2000, target = 30, duration_s = 1800 }

[products.food]
net = { amount = 500, unit = "g" }
"""


@dataclass(frozen=True, slots=True)
class SharedServer:
    """One server for all stories that leave it running, and the rooms that none has used yet."""

    server: Running
    rooms: Iterator[int]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SharedServer]:
    """A started server whose shop has many rooms."""
    folder = tmp_path_factory.mktemp("shared")
    rooms = (_ROOM.format(room=room_of(number), host=host_of(number)) for number in range(ROOMS))
    shop = folder / "shop.toml"
    shop.write_text(SHOP.read_text("utf-8") + _GOODS + "".join(rooms), "utf-8")
    # Guests of all stories come from one address.
    async with running(folder, shop, LINLI_RATE_LIMITS="false") as server:
        yield SharedServer(server, itertools.count())


@pytest.fixture
def linli(shared_server: SharedServer) -> Running:
    """The shared server, with a room that no other story uses."""
    number = next(shared_server.rooms)
    assert number < ROOMS, "more stories than rooms: raise ROOMS"
    server = copy.copy(shared_server.server)
    server.room, server.host = room_of(number), host_of(number)
    return server


def room_of(number: int) -> str:
    """The room of that number."""
    return f"room-{number}"


def host_of(number: int) -> str:
    """Who hosts there."""
    return f"host-{number}"


@pytest.fixture(scope="session")
def camera_fps() -> int:
    """Frames a second of the fake camera: a story needs some, a soak the usual."""
    return 8


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser."""
    return find_chromium()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(camera_fps: int, chromium: str) -> AsyncIterator[Browser]:
    """Chromium, headless, with a fake camera; people have contexts of their own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=[*CHROMIUM_ARGUMENTS, f"{CAMERA}{camera_fps}"]
        )
        yield browser
        await browser.close()


class People:
    """Opens a browser context per person, in Chinese on a phone unless said otherwise."""

    def __init__(self, browser: Browser, linli: Running, base_url: str = "") -> None:
        self._browser = browser
        self._base_url = base_url or linli.url
        self.host = linli.host
        self.room_path = f"/r/{linli.room}"
        self.contexts: list[BrowserContext] = []
        self.errors: list[str] = []

    async def open(
        self,
        path: str,
        *,
        locale: str = "zh-CN",
        size: dict[str, int] | None = None,
        through: Network | None = None,
        scripts: Sequence[str] = (),
        keeps_shell: bool = False,
    ) -> Page:
        """A new person opens `path`; a script error on the page fails the test.

        With `through` the person's media goes that way. `scripts` run before those of every page.
        With `keeps_shell` the page may have its service worker.
        """
        phone = size is None
        context = await self._browser.new_context(
            base_url=self._base_url,
            locale=locale,
            viewport={"width": (size or PHONE)["width"], "height": (size or PHONE)["height"]},
            device_scale_factor=2 if phone else 1,
            is_mobile=phone,
            has_touch=phone,
            permissions=["camera", "microphone"],
            service_workers="allow" if keeps_shell else "block",
        )
        self.contexts.append(context)
        context.set_default_timeout(EXPECT_MS)
        await context.add_init_script(KEEP_CONNECTIONS)
        if through is not None:
            await context.add_init_script(through.script)
        for script in scripts:
            await context.add_init_script(script)
        page = await context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        await page.goto(path)
        return page

    async def close(self) -> None:
        """Everybody leaves; no page may have had a script error."""
        for context in self.contexts:
            await context.close()
        assert self.errors == []


async def log_in(page: Page, username: str) -> None:
    """Somebody of the staff logs in."""
    await page.get_by_test_id("login-username").fill(username)
    await page.get_by_test_id("login-password").fill(PASSWORD)
    await page.get_by_test_id("login-submit").click()


async def goes_live(
    people: People, *, scripts: Sequence[str] = (), through: Network | None = None
) -> Page:
    """The shop owner logs in on the host page and begins."""
    host = await people.open("/host", size=DESKTOP, scripts=scripts, through=through)
    await log_in(host, people.host)
    await host.get_by_test_id("go-live").click()
    state = host.get_by_test_id("live-state")
    await expect(state).to_have_attribute("data-state", "live")
    return host


async def pair_in_use(page: Page, peer: str) -> list[str]:
    """Return the ufrag that the pair of `peer` is checked with, the pair's state and DTLS's."""
    found: list[str] = await page.evaluate(f"({PAIR_IN_USE})({peer})")
    return found


async def restarted(page: Page, peer: str, before: list[str]) -> None:
    """Wait until `peer` sends on a pair of another ICE session than that of `before`.

    Frames do not show it: browsers go on with the old pair while the new ones are checked.
    """

    async def moved() -> bool:
        ufrag, *states = await pair_in_use(page, peer)
        return ufrag not in (None, before[0]) and states == ["succeeded", "connected"]

    await wait_until(moved, what="a pair of the new ICE session")


@pytest_asyncio.fixture(loop_scope="session")
async def people(browser: Browser, linli: Running) -> AsyncIterator[People]:
    """The people of a story."""
    people = People(browser, linli)
    yield people
    await people.close()


async def keep_screenshot(page: Page, name: str) -> None:
    """Keep what `page` shows as screenshots/{name}.png."""
    await page.screenshot(path=SCREENSHOTS / f"{name}.png")


def keep_picture(picture: Image.Image, name: str) -> None:
    """Keep a picture as screenshots/{name}.png."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    picture.save(SCREENSHOTS / f"{name}.png")


async def video_stats(page: Page) -> dict[str, Any]:
    """What WebRTC says of the video that `page` receives; empty while there is none."""
    stats: dict[str, Any] | None = await page.evaluate(VIDEO_STATS)
    return stats or {}


async def more_frames(viewer: Page, count: int = 10, within_s: float = WAIT_S) -> None:
    """Wait until `count` more frames than now are decoded, in this session or a new one."""
    start: dict[str, Any] = {}

    async def decoded() -> bool:
        stats = await video_stats(viewer)
        if stats.get("id") != start.get("id"):
            start.update(stats)
        return bool(stats) and stats["framesDecoded"] >= start["framesDecoded"] + count

    await wait_until(decoded, within_s, "frames that are decoded")
