"""Phones change networks, cameras and orientation: the live goes on in the same sessions."""

import pytest
from playwright.async_api import Page, Response, expect

from tests.support.browsers import (
    People,
    goes_live,
    keep_screenshot,
    more_frames,
    pair_in_use,
    restarted,
)
from tests.support.waiting import wait_until

ANOTHER_NETWORK = "window.dispatchEvent(new Event('online'))"
SCALES = """() => window.connections.at(-1).getSenders()
  .filter((sender) => sender.track?.kind === 'video')
  .flatMap((sender) => sender.getParameters().encodings)
  .filter((encoding) => encoding.active)
  .map((encoding) => encoding.scaleResolutionDownBy)"""
# A camera whose frames change their shape, as a phone's do when it is turned: `turn()`.
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
PEER = "window.connections.at(-1)"
SESSIONS = "window.connections.length"  # so far: on a busy machine the first may not have sufficed


@pytest.mark.soak
async def test_host_and_viewer_change_networks_within_their_sessions(people: People) -> None:
    host, viewer = await goes_live(people), await people.open(people.room_path)
    await more_frames(viewer)
    # All layers are offered and taken; a busy machine may send fewer of them.
    assert await host.evaluate(SCALES) == [4, 2, 1]
    sessions = [await page.evaluate(SESSIONS) for page in (host, viewer)]
    for page in (host, viewer):
        before = await pair_in_use(page, PEER)
        async with page.expect_response(_is_restart) as answered:
            await page.evaluate(ANOTHER_NETWORK)
        assert (await answered.value).status == 200
        await restarted(page, PEER, before)
        await more_frames(viewer)
    assert await host.evaluate(SCALES) == [4, 2, 1]
    assert [await page.evaluate(SESSIONS) for page in (host, viewer)] == sessions
    await expect(host.get_by_test_id("live-state")).to_have_attribute("data-state", "live")


@pytest.mark.soak
async def test_changing_the_camera_keeps_the_session(people: People) -> None:
    host, viewer = await goes_live(people), await people.open(people.room_path)
    await more_frames(viewer)
    # Chromium's fake device is one camera; choosing it again opens it anew, as a rotation does.
    track = f"{PEER}.getSenders().find((each) => each.track?.kind === 'video').track.id"
    before, sessions = await host.evaluate(track), await host.evaluate(SESSIONS)
    await host.get_by_test_id("camera").dispatch_event("change")

    async def another() -> bool:
        return bool(await host.evaluate(track) != before)

    await wait_until(another, what="another track")
    await more_frames(viewer)
    assert await host.evaluate(SESSIONS) == sessions


@pytest.mark.soak
async def test_turning_the_phone_keeps_the_session(people: People) -> None:
    host = await goes_live(people, scripts=[TURNING_CAMERA])
    viewer = await people.open(people.room_path)
    sessions = await host.evaluate(SESSIONS)
    for shape in ("tall", "wide", "tall"):
        await _has_shape(viewer, shape)
        await more_frames(viewer)
        await keep_screenshot(viewer, f"room-{shape}-zh")
        await keep_screenshot(host, f"host-{shape}-zh")
        await host.evaluate("window.turn()")
    assert await host.evaluate(SESSIONS) == sessions


async def _has_shape(viewer: Page, shape: str) -> None:
    async def has() -> bool:
        return bool(await viewer.evaluate(SHAPE) == shape)

    await wait_until(has, what=f"{shape} video")


def _is_restart(response: Response) -> bool:
    return response.request.method == "PATCH"
