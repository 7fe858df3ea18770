"""Where no UDP passes the page plays by LL-HLS, and returns to WebRTC once it can."""

import pytest
from playwright.async_api import Locator, expect

from tests.support.browsers import People, keep_screenshot, more_frames
from tests.support.closed_networks import CLOSED_NETWORK, published
from tests.support.running import Running
from tests.support.waiting import wait_until

ENTER_OPEN_NETWORK = """() => {
  window.networkIsOpen = true
  window.dispatchEvent(new Event('online'))
}"""
PLAYED_S = "(video) => video.currentTime"


@pytest.mark.soak
async def test_viewer_without_udp_plays_by_hls_and_returns_to_webrtc(
    linli: Running, people: People
) -> None:
    async with published(linli):
        page = await people.open(people.room_path, scripts=[CLOSED_NETWORK])
        room = page.get_by_test_id("room")
        await expect(room).to_have_attribute("data-road", "hls")
        await expect(room).to_have_attribute("data-player", "playing")
        await expect(page.get_by_test_id("stage-notice")).to_have_count(0)
        video = page.get_by_test_id("live-video")
        await _plays_on(video)
        await keep_screenshot(page, "viewer-by-hls")
        await page.get_by_test_id("quality").select_option("sound")
        await expect(page.get_by_test_id("sound-only")).to_be_visible()
        await _plays_on(video)
        assert await video.evaluate("(video) => video.videoWidth") == 0
        await keep_screenshot(page, "viewer-sound-only")
        await page.get_by_test_id("show-video").click()
        await page.evaluate(ENTER_OPEN_NETWORK)
        await expect(room).to_have_attribute("data-road", "webrtc")


@pytest.mark.soak
async def test_viewer_who_returned_to_webrtc_gets_more_frames(
    linli: Running, people: People
) -> None:
    async with published(linli):
        page = await people.open(people.room_path, scripts=[CLOSED_NETWORK])
        room = page.get_by_test_id("room")
        await expect(room).to_have_attribute("data-road", "hls")
        await page.evaluate(ENTER_OPEN_NETWORK)
        await expect(room).to_have_attribute("data-road", "webrtc")
        await expect(room).to_have_attribute("data-player", "playing")
        await more_frames(page)
        video = page.get_by_test_id("live-video")
        assert await video.evaluate("(video) => video.srcObject !== null && !video.src")


async def _plays_on(video: Locator) -> None:
    """Wait until two more seconds are played."""
    began_s: float = await video.evaluate(PLAYED_S)

    async def plays_on() -> bool:
        played_s: float = await video.evaluate(PLAYED_S)
        return played_s > began_s + 2

    await wait_until(plays_on, what="two seconds that are played")
