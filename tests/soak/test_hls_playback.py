"""LL-HLS in a real Chromium: how late it is, whether it stalls, and when cards appear."""

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from loadtest.sources import clock_pattern
from tests.support import watching
from tests.support.browsers import People
from tests.support.closed_networks import CLOSED_NETWORK, published
from tests.support.figures import Figures
from tests.support.rtmp_publisher import publishing as rtmp_publishing
from tests.support.running import SHOP, Running, running
from tests.support.waiting import WAIT_S, free_port, wait_until

WINDOW = {"width": 360, "height": 480}
WATCH_S = 2 * watching.WATCH_S
LATE_MS_MAX = 2_000
FIRST_FRAME_MS_MAX = 5_000
CARD_MS_MAX = 150
CARDS = 8
READ_CLOCK = (Path(__file__).parents[1] / "support" / "burnt_clock.js").read_text()

# When the page showed its first frame, ms since it was opened; a frame that is black counts, too.
FIRST_FRAME = """
  new MutationObserver(() => {
    const video = document.querySelector('video')
    if (!video || video.watched) return
    video.watched = true
    video.requestVideoFrameCallback((now) => { window.firstFrame = now })
    window.stalls = 0
    video.addEventListener('waiting', () => { window.stalls += 1 })
  }).observe(document, { childList: true, subtree: true })
"""
# How late what is on the screen is, five times a second.
WATCH_DELAYS = """() => {
  const video = document.querySelector('video')
  window.delays = []
  window.stalls = 0
  setInterval(() => {
    const clock = readClock(video)
    if (clock !== null) window.delays.push((Date.now() - clock) % 86400000)
  }, 200)
}"""
# The clock on the screen whenever another card is.
WATCH_CARDS = """() => {
  const video = document.querySelector('video')
  window.cards = {}
  let before = null
  new MutationObserver(() => {
    const card = document.querySelector('[data-testid=card]')
    const name = card?.textContent ?? ''
    if (name === before) return
    before = name
    if (card) window.cards[card.dataset.product] ??= readClock(video)
    else window.gone = readClock(video)
  }).observe(document.body, { childList: true, subtree: true, characterData: true })
}"""
# By WebRTC a frame says its program time: which the burnt clock shows at which.
WATCH_FRAMES = """() => {
  const video = document.querySelector('video')
  window.frames_seen = []
  const look = (_, { rtpTimestamp, presentedFrames }) => {
    const clock = presentedFrames % 5 ? null : readClock(video)
    if (clock !== null) window.frames_seen.push([rtpTimestamp, clock])
    video.requestVideoFrameCallback(look)
  }
  video.requestVideoFrameCallback(look)
}"""


async def reads_clocks(page: Page) -> None:
    """Let the page read the burnt-in clock."""
    glyphs = [glyph.flatten().tolist() for glyph in clock_pattern.paint_artwork().glyphs]
    place = {
        "glyphs": glyphs,
        "x": clock_pattern.CLOCK_X_PX,
        "y": clock_pattern.CLOCK_Y_PX,
        "width": clock_pattern.CELL_WIDTH_PX,
        "height": clock_pattern.CELL_HEIGHT_PX,
        "cells": clock_pattern.CLOCK_LENGTH,
    }
    await page.evaluate(f"{READ_CLOCK}({json.dumps(place)})")


async def watches_by_hls(people: People) -> Page:
    """Open the room where no UDP gets through."""
    page = await people.open(people.room_path, size=WINDOW, scripts=[CLOSED_NETWORK, FIRST_FRAME])
    room = page.get_by_test_id("room")
    await expect(room).to_have_attribute("data-road", "hls")
    await expect(room).to_have_attribute("data-player", "playing")
    return page


@pytest.mark.timeout(WATCH_S + 300)
async def test_hls_is_two_seconds_late_at_most_and_does_not_stall(
    linli: Running, people: People, figures: Figures
) -> None:
    async with published(linli):
        page = await watches_by_hls(people)
        first_frame_ms = await page.evaluate("window.firstFrame")
        await reads_clocks(page)
        await page.wait_for_timeout(3_000)
        await page.evaluate(WATCH_DELAYS)
        await page.wait_for_timeout(WATCH_S * 1_000)
        delays: list[float] = await page.evaluate("window.delays")
        stalls: int = await page.evaluate("window.stalls")
    late = quantiles(delays, n=20)
    figures.seen("LL-HLS, frame drawn → shown, median, ms", round(median(delays)))
    figures.at_most(f"stalls in {WATCH_S} s", stalls, 0)
    figures.at_most(f"frame drawn → shown, p95 of {len(delays)}", late[-1], LATE_MS_MAX, "ms")
    figures.at_most("page opened → first frame, no UDP", first_frame_ms, FIRST_FRAME_MS_MAX, "ms")


async def test_cards_appear_with_their_frame_on_both_roads(
    linli: Running, people: People, figures: Figures
) -> None:
    async with published(linli):
        by_webrtc = await people.open(people.room_path, size=WINDOW)
        await expect(by_webrtc.get_by_test_id("room")).to_have_attribute("data-player", "playing")
        by_hls = await watches_by_hls(people)
        for page in (by_webrtc, by_hls):
            await reads_clocks(page)
            await page.evaluate(WATCH_CARDS)
        await by_webrtc.evaluate(WATCH_FRAMES)
        clocks: dict[str, list[tuple[int, float]]] = {"WebRTC": [], "LL-HLS": []}
        headers = {"Authorization": f"Bearer {await linli.host_token()}"}
        async with httpx.AsyncClient(base_url=linli.url, headers=headers, timeout=WAIT_S) as client:
            products = (await client.get(f"/api/rooms/{linli.room}/products")).json()["products"]
            for number in range(CARDS):
                product = products[number % len(products)]["id"]
                url = f"/api/rooms/{linli.room}/pins/{product}"
                answer = await client.put(url, json={})
                assert answer.status_code == httpx.codes.OK, answer.text
                media_time = answer.json()["media_time"]
                for name, page in (("WebRTC", by_webrtc), ("LL-HLS", by_hls)):
                    clocks[name].append((media_time, await _clock_at_card(page, product)))
                await client.delete(url)
                await by_hls.wait_for_timeout(3_000)
                for page in (by_webrtc, by_hls):
                    await page.evaluate("window.cards = {}")
        seen: list[tuple[int, float]] = await by_webrtc.evaluate("window.frames_seen")
    off_ms = {
        name: [round(shown - _clock_of(media_time, seen)) for media_time, shown in found]
        for name, found in clocks.items()
    }
    print(off_ms)
    for name, off in off_ms.items():
        worst = max(abs(ms) for ms in off)
        figures.at_most(f"{name}: card off its frame, worst of {CARDS}", worst, CARD_MS_MAX, "ms")


def _clock_of(media_time: int, seen: Sequence[tuple[int, float]]) -> float:
    """What the clock showed in the frame of a media time."""
    nearest = min(seen, key=lambda each: abs(each[0] - media_time))
    return nearest[1] + (media_time - nearest[0]) / 90


async def _clock_at_card(page: Page, product: str) -> float:
    shown: dict[str, float] = {}

    async def is_shown() -> bool:
        shown.update(await page.evaluate("window.cards"))
        return product in shown

    await wait_until(is_shown, what=f"the card of {product}")
    return shown[product]


async def test_another_host_at_another_size_is_played_without_a_new_engine(
    browser: Browser, tmp_path: Path
) -> None:
    port = free_port()
    async with running(tmp_path, SHOP, LINLI_RTMP_PORT=str(port)) as linli:
        people = People(browser, linli)
        headers = {"Authorization": f"Bearer {await linli.host_token()}"}
        async with httpx.AsyncClient(base_url=linli.url, headers=headers, timeout=WAIT_S) as client:
            made = (await client.post(f"/api/rooms/{linli.room}/stream-key")).json()
        loads: list[str] = []
        async with rtmp_publishing(f"rtmp://127.0.0.1:{port}/live/{made['key']}"):
            await wait_until(lambda: linli.is_in("live"), what="the live")
            page = await watches_by_hls(people)
            await _plays(page, 320)
            page.on("request", lambda request: loads.append(request.url))
        async with published(linli):
            await _plays(page, clock_pattern.WIDTH_PX)
        assert not [url for url in loads if url.endswith("index.m3u8")], "the engine went on"
        await people.close()


async def _plays(page: Page, width: int) -> None:
    """Wait until video of that width is played for two seconds."""
    video = page.get_by_test_id("live-video")
    began: dict[str, float] = {}

    async def goes_on() -> bool:
        shown: list[float] = await video.evaluate("(v) => [v.videoWidth, v.currentTime]")
        if shown[0] != width:
            return False
        return shown[1] > began.setdefault("s", shown[1]) + 2

    await wait_until(goes_on, what=f"video {width} px wide that goes on")
