"""mpegts.js in Chromium plays a live by HTTP-FLV, and goes on when the encoder comes back."""

import asyncio
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, Page

from tests.support.figures import Figures
from tests.support.rtmp_publisher import publishing
from tests.support.running import PASSWORD, running
from tests.support.waiting import free_port, wait_until

PLAYER = Path(__file__).parents[1] / "clients/node_modules/mpegts.js/dist/mpegts.js"
WATCH_S = 20
DELAY_S_MAX = 3.0

PLAY = """(url) => {
  document.body.innerHTML = '<video muted autoplay playsinline></video>'
  const video = document.querySelector('video')
  window.errors = []
  const player = mpegts.createPlayer({ type: 'flv', isLive: true, url }, { liveSync: true })
  player.on(mpegts.Events.ERROR, (...what) => errors.push(what.slice(0, 2).join(' ')))
  player.attachMediaElement(video)
  player.load()
  void player.play()
}"""
STATE = """() => {
  const video = document.querySelector('video')
  const end = video.buffered.length ? video.buffered.end(video.buffered.length - 1) : 0
  return { at: video.currentTime, behind: end - video.currentTime, width: video.videoWidth,
           frames: video.getVideoPlaybackQuality().totalVideoFrames, errors }
}"""


@pytest.mark.timeout(300)
async def test_mpegts_js_plays_on_through_a_return_of_the_encoder(
    tmp_path: Path, browser: Browser, figures: Figures
) -> None:
    rtmp_port = free_port()
    async with running(tmp_path, LINLI_RTMP_PORT=str(rtmp_port)) as linli:
        encoder = await _encoder(linli.url, rtmp_port)
        page = await browser.new_page()
        await page.goto(linli.url + "/healthz")
        await page.add_script_tag(path=PLAYER)
        async with publishing(encoder, b_frames=2):
            await wait_until(lambda: _is_live(linli.url))
            await page.evaluate(PLAY, f"{linli.url}/live/{linli.room}.flv")
            await wait_until(lambda: _frames(page, 10))
            before = await page.evaluate(STATE)
            await asyncio.sleep(WATCH_S)
            after = await page.evaluate(STATE)
        played = after["at"] - before["at"]
        figures.at_most("FLV by mpegts.js: stood still of 20 s", WATCH_S - played, 2.0, "s")
        figures.at_most("FLV by mpegts.js: buffered ahead", after["behind"], DELAY_S_MAX, "s")
        async with publishing(encoder):
            await wait_until(lambda: _frames(page, after["frames"] + 30))
            state = await page.evaluate(STATE)
        assert state["width"] == 320 and not state["errors"], state
        await page.close()


async def _frames(page: Page, count: int) -> bool:
    return bool((await page.evaluate(STATE))["frames"] >= count)


async def _encoder(url: str, rtmp_port: int) -> str:
    async with httpx.AsyncClient(base_url=url) as client:
        made = {"username": "chunjiang", "password": PASSWORD}
        token = (await client.post("/api/login", json=made)).json()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        key = (await client.post("/api/rooms/demo/stream-key", headers=headers)).json()["key"]
    return f"rtmp://127.0.0.1:{rtmp_port}/live/{key}"


async def _is_live(url: str) -> bool:
    async with httpx.AsyncClient(base_url=url) as client:
        return (await client.get("/live/demo/thumbnail.jpg")).status_code == 200
