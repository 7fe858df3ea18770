"""Phones change networks and servers start again: the live goes on without a tap."""

import asyncio
import re
import sys
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, Response, expect

from media.emulator import Conditions
from tests.stories.conftest import (
    KEEP_GAPS,
    LIVE_MS,
    People,
    goes_live,
    keep_screenshot,
    pair_in_use,
    restarted,
    video_stats,
)
from tests.support.netem import network
from tests.support.running import Running
from tests.support.waiting import wait_until

BACK_MS = 40_000
ANOTHER_NETWORK = "window.dispatchEvent(new Event('online'))"
SCALES = """() => window.connections[0].getSenders()
  .filter((sender) => sender.track?.kind === 'video')
  .flatMap((sender) => sender.getParameters().encodings)
  .filter((encoding) => encoding.active)
  .map((encoding) => encoding.scaleResolutionDownBy)"""
# A camera whose pictures change their shape, as a phone's do when it is turned. `turn()` turns it.
TURNING_CAMERA = """
  const canvas = Object.assign(document.createElement('canvas'), { width: 360, height: 640 })
  const context = canvas.getContext('2d', { alpha: false })
  window.turn = () =>
    ([canvas.width, canvas.height] = [canvas.height, canvas.width])
  let hue = 0
  setInterval(() => {
    context.fillStyle = `hsl(${hue = (hue + 3) % 360} 60% 40%)`
    context.fillRect(0, 0, canvas.width, canvas.height)
    context.fillStyle = 'white'
    context.fillRect(20, 20, canvas.width / 2, 40)
  }, 66)
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices)
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await open(wanted)
    for (const track of stream.getVideoTracks()) {
      stream.removeTrack(track)
      track.stop()
    }
    stream.addTrack(canvas.captureStream(15).getVideoTracks()[0])
    return stream
  }
"""
SHAPE = """() => {
  const { videoWidth, videoHeight } = document.querySelector('video')
  return videoWidth > videoHeight ? 'wide' : videoWidth < videoHeight ? 'tall' : ''
}"""
NOTE_STATES = """() => {
  const peer = window.connections.at(-1)
  window.states = []
  peer.addEventListener('connectionstatechange', () => window.states.push(peer.connectionState))
}"""
NOTICED_S = 6.0
DEAD_S = 2.0  # beyond what it takes to notice
BACK_S = 10.0
RETURN_S = 1.0  # the viewer's picture stands longer than the host was away
PEER = "window.connections.at(-1)"


async def test_host_and_viewer_change_networks_within_their_sessions(people: People) -> None:
    host, viewer = await goes_live(people), await people.open("/r/demo")
    await _picture_moves(viewer)
    # All sizes are offered and taken; a busy machine may send fewer of them.
    assert await host.evaluate(SCALES) == [4, 2, 1]
    for page in (host, viewer):
        before = await pair_in_use(page, PEER)
        async with page.expect_response(_is_restart) as answered:
            await page.evaluate(ANOTHER_NETWORK)
        assert (await answered.value).status == 200
        await restarted(page, PEER, before)
        await _picture_moves(viewer)
    assert await host.evaluate(SCALES) == [4, 2, 1]
    for page in (host, viewer):
        assert await page.evaluate("window.connections.length") == 1
    await expect(host.get_by_test_id("live-state")).to_have_attribute("data-state", "live")


@pytest.mark.parametrize("orderly", [True, False])
async def test_a_server_that_starts_again_gets_host_and_viewer_back(
    people: People, linli: Running, orderly: bool
) -> None:
    host, viewer = await goes_live(people), await people.open("/r/demo")
    await _picture_moves(viewer)
    await (linli.stop() if orderly else linli.kill())
    state = host.get_by_test_id("live-state")
    await expect(state).to_have_attribute("data-state", "lost", timeout=LIVE_MS)
    await linli.start()
    await expect(state).to_have_attribute("data-state", "live", timeout=BACK_MS)
    player = viewer.get_by_test_id("room")
    await expect(player).to_have_attribute("data-player", "playing", timeout=BACK_MS)
    await _picture_moves(viewer)


async def test_a_host_that_crashes_and_returns_keeps_its_viewers(
    people: People, linli: Running
) -> None:
    """Nobody says goodbye, another stream begins; viewers miss little more than was not sent."""
    token = (await linli.linli("token", "--role", "host", "--room", "demo")).strip()
    async with httpx.AsyncClient(base_url=linli.url) as client:

        async def packets_in() -> int:
            found = re.search(r"^linli_media_packets_in_total (\S+)", await metrics(), re.M)
            return round(float(found[1])) if found else 0

        async def metrics() -> str:
            return (await client.get("/metrics")).text

        first = await _publish(linli, token)
        try:
            await wait_until(packets_in, 30.0, "a host")
            viewer = await people.open("/r/demo")
            await _picture_moves(viewer)
            await viewer.evaluate(KEEP_GAPS)
            await _pictures_shown(viewer)
        finally:
            first.kill()
            await first.wait()
        gone_at, sent = asyncio.get_running_loop().time(), await packets_in()
        second = await _publish(linli, token)
        try:

            async def returned() -> bool:
                return await packets_in() > sent

            await wait_until(returned, 30.0, "the host's return")
            away_s = asyncio.get_running_loop().time() - gone_at
            await _pictures_shown(viewer)
        finally:
            second.terminate()
            await second.wait()
    gap_s = await viewer.evaluate("window.gaps.longest_ms") / 1e3
    print(f"host away for {away_s:.2f} s, the viewer's picture stood for {gap_s:.2f} s")
    assert away_s / 2 < gap_s <= away_s + RETURN_S
    assert await viewer.evaluate("window.connections.length") == 1


async def _pictures_shown(viewer: Page) -> None:
    """Ten more pictures than now are on the page."""
    before = await viewer.evaluate("window.gaps.pictures")

    async def shown() -> bool:
        return bool(await viewer.evaluate("window.gaps.pictures") >= before + 10)

    await wait_until(shown, 30.0, "pictures on the page")


async def _publish(linli: Running, token: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "server", "publish", "--to", f"{linli.url}/live/demo/whip"),
        env={**linli.env, "LINLI_PUBLISH_TOKEN": token},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def test_the_other_camera_keeps_the_live_going(people: People) -> None:
    host, viewer = await goes_live(people), await people.open("/r/demo")
    await _picture_moves(viewer)
    # Chromium's fake device is one camera; choosing it again opens it anew, as a rotation does.
    track = (
        "window.connections[0].getSenders().find((each) => each.track?.kind === 'video').track.id"
    )
    before = await host.evaluate(track)
    await host.get_by_test_id("camera").dispatch_event("change")

    async def another() -> bool:
        return bool(await host.evaluate(track) != before)

    await wait_until(another, what="another track")
    await _picture_moves(viewer)
    assert await host.evaluate("window.connections.length") == 1
    assert await viewer.evaluate("window.connections.length") == 1


@pytest.mark.parametrize("who", ["host", "viewer"])
async def test_a_line_that_was_dead_goes_on_where_it_was(
    people: People, linli: Running, who: str
) -> None:
    """The phone was in a lift: packets end, HTTP does not, and both find out for themselves."""
    good = Conditions()
    async with network(int(linli.env["LINLI_ICE_PORT"]), up=good, down=good) as line:
        host = await goes_live(people, through=line if who == "host" else None)
        viewer = await people.open("/r/demo", through=line if who == "viewer" else None)
        await _picture_moves(viewer)
        page = {"host": host, "viewer": viewer}[who]
        await page.evaluate(NOTE_STATES)
        died_at = asyncio.get_running_loop().time()
        async with page.expect_response(_is_restart) as answered:
            good.loss = 1.0
        assert (await answered.value).status == 200
        noticed_s = asyncio.get_running_loop().time() - died_at
        await asyncio.sleep(DEAD_S)
        good.loss = 0.0
        back_at = asyncio.get_running_loop().time()
        await _picture_moves(viewer)
        took_s = asyncio.get_running_loop().time() - back_at
    states = await page.evaluate("window.states")
    print(f"{who}: noticed after {noticed_s:.1f} s, back after {took_s:.1f} s, {states}")
    assert noticed_s <= NOTICED_S
    assert took_s <= BACK_S
    assert await page.evaluate("window.connections.length") == 1
    await expect(host.get_by_test_id("live-state")).to_have_attribute("data-state", "live")


async def test_a_phone_that_is_turned_keeps_the_live_going(people: People) -> None:
    host = await goes_live(people, scripts=[TURNING_CAMERA])
    viewer = await people.open("/r/demo")
    for shape in ("tall", "wide", "tall"):
        await _has_shape(viewer, shape)
        await _picture_moves(viewer)
        await keep_screenshot(viewer, f"room-{shape}-zh")
        await keep_screenshot(host, f"host-{shape}-zh")
        await host.evaluate("window.turn()")
    assert await host.evaluate("window.connections.length") == 1
    assert await viewer.evaluate("window.connections.length") == 1


async def _has_shape(viewer: Page, shape: str) -> None:
    async def has() -> bool:
        return bool(await viewer.evaluate(SHAPE) == shape)

    await wait_until(has, 20.0, f"a {shape} picture")


async def _picture_moves(viewer: Page) -> None:
    """Ten more frames than now are decoded."""
    start: dict[str, Any] = {}

    async def moves() -> bool:
        stats = await video_stats(viewer)
        if stats.get("id") != start.get("id"):
            start.update(stats)
        return bool(stats) and stats["framesDecoded"] >= start["framesDecoded"] + 10

    await wait_until(moves, 30.0, "a picture that moves")


def _is_restart(response: Response) -> bool:
    return response.request.method == "PATCH"
