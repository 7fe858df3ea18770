"""What stories of viewers share: a host whose picture comes in three sizes, and what is seen."""

from collections.abc import Callable

import httpx
from playwright.async_api import Page

from tests.helpers import wait_until
from tests.running import Running
from tests.stories.conftest import DESKTOP, People, video_stats

LIVE_S = 30.0

# A host that sends its picture in three sizes, as a page with simulcast does.
_PUBLISH_THREE_SIZES = """async ([url, token]) => {
  // Something that moves everywhere: the fake camera's picture would fit through the capped line.
  const canvas = Object.assign(document.createElement('canvas'), { width: 1280, height: 720 })
  const brush = canvas.getContext('2d')
  let tick = 0
  setInterval(() => {
    tick += 1
    brush.fillStyle = '#456'
    brush.fillRect(0, 0, 1280, 720)
    for (let at = 0; at < 90; at += 1) {
      brush.fillStyle = `hsl(${(at * 37 + tick * 3) % 360} 70% 50%)`
      const x = (at * 131 + tick * (at % 7 + 2)) % 1280
      const y = (at * 71 + tick * (at % 5 + 1)) % 720
      brush.fillRect(x, y, 40 + at % 50, 30 + at % 40)
    }
  }, 66)
  const sound = await navigator.mediaDevices.getUserMedia({ audio: true })
  const tracks = [...canvas.captureStream(15).getVideoTracks(), ...sound.getAudioTracks()]
  const stream = new MediaStream(tracks)
  const peer = new RTCPeerConnection()
  for (const track of stream.getTracks())
    peer.addTransceiver(track, {
      direction: 'sendonly',
      streams: [stream],
      ...(track.kind === 'video' && { sendEncodings: [
        { rid: 'l', scaleResolutionDownBy: 4, maxBitrate: 150_000 },
        { rid: 'm', scaleResolutionDownBy: 2, maxBitrate: 500_000 },
        { rid: 'h', scaleResolutionDownBy: 1, maxBitrate: 1_500_000 },
      ] }),
    })
  await peer.setLocalDescription(await peer.createOffer())
  const headers = { 'Content-Type': 'application/sdp', Authorization: `Bearer ${token}` }
  const body = peer.localDescription.sdp
  const answer = await fetch(url, { method: 'POST', headers, body })
  if (!answer.ok) throw new Error(await answer.text())
  await peer.setRemoteDescription({ type: 'answer', sdp: await answer.text() })
}"""


async def sends_three_sizes(people: People, linli: Running, token: str) -> None:
    """A page of its own publishes in three sizes."""
    host = await people.open("/host", size=DESKTOP)
    await host.evaluate(_PUBLISH_THREE_SIZES, [f"{linli.url}/live/demo/whip", token])
    await wait_until(lambda: is_live(linli), LIVE_S, "the live")


async def is_live(linli: Running) -> bool:
    """Whether the room says that it is live."""
    async with httpx.AsyncClient(base_url=linli.url) as client:
        return bool((await client.get("/api/rooms/demo")).json()["state"] == "live")


async def comes_to(viewer: Page, good: Callable[[int], bool], within_s: float) -> None:
    """Wait until the height of the decoded picture is `good`."""

    async def is_good() -> bool:
        return good((await video_stats(viewer))["frameHeight"])

    await wait_until(is_good, within_s, "a picture of another size")
