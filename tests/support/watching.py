"""What soaks of viewers share: a host that sends three layers, and what a viewer sees."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from playwright.async_api import Page

from tests.support.browsers import DESKTOP, KEEP_GAPS, People, video_stats
from tests.support.figures import Figures
from tests.support.netem import Network
from tests.support.running import Running
from tests.support.waiting import wait_until

WATCH_S = int(os.environ.get("LINLI_SOAK_S", "60"))
WINDOW_S = 5
LIVE_S = 30.0
# Rendering takes little of the cores that host, server and decoder share.
WINDOW = {"width": 360, "height": 480}
# On a bad link parts of the handshake are lost, too.
JOIN_S = 30.0
MOVING_FRAMES = 10
DROPPED_SHARE_MAX = 0.01
# Host, server and decoder share the cores, which hold frames up, too.
FROZEN_S_MAX = 2.0

# A host that sends three layers, as a page with simulcast does.
_PUBLISH_THREE_LAYERS = """async ([url, token]) => {
  // Something that moves everywhere: the fake camera's video would fit through the capped link.
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


@dataclass(frozen=True, slots=True)
class Watched:
    """What a viewer saw of the live within some seconds."""

    seconds: int
    frames: tuple[int, ...]  # decoded in each WINDOW_S; less than 0 where a new session began
    freezes: int  # WebRTC's word: three frame times and at least 150 ms more than one
    freezes_s: float
    dropped: int
    received: int
    lost: int  # packets that no retransmit replaced
    height: int  # of the newest frame
    bits_per_s: float
    longest_gap_ms: int  # between two frames on the page, since it was opened
    sessions: int  # that the page began since it was opened

    @property
    def moved(self) -> bool:
        """Whether frames were decoded all the time."""
        return all(count > 0 for count in self.frames)

    @property
    def dropped_share(self) -> float:
        """Part of the frames that came but were not shown."""
        return self.dropped / max(1, self.received)


async def sends_three_layers(people: People, linli: Running, token: str) -> None:
    """A page of its own publishes three layers."""
    host = await people.open("/host", size=DESKTOP)
    await host.evaluate(_PUBLISH_THREE_LAYERS, [linli.whip, token])
    await wait_until(lambda: linli.is_in("live"), LIVE_S, "the live")


async def comes_to(viewer: Page, good: Callable[[int], bool], within_s: float) -> None:
    """Wait until the height of the decoded frames is `good`."""

    async def is_good() -> bool:
        return good((await video_stats(viewer))["frameHeight"])

    await wait_until(is_good, within_s, "frames of another size")


async def joins(
    people: People,
    link: Network | None = None,
    window: dict[str, int] | None = None,
    scripts: Sequence[str] = (),
) -> Page:
    """A viewer opens the room and decodes frames.

    Of what came before, since the newest key frame, not all is shown: the stats call it dropped.
    """
    viewer = await people.open(
        people.room_path, size=window or WINDOW, through=link, scripts=scripts
    )

    async def has_decoded(frames: int) -> bool:
        return bool((await video_stats(viewer)).get("framesDecoded", 0) >= frames)

    await wait_until(lambda: has_decoded(1), JOIN_S, "the first frame")
    await viewer.evaluate(KEEP_GAPS)
    await wait_until(lambda: has_decoded(MOVING_FRAMES), JOIN_S, "frames that are decoded")
    return viewer


async def watch(viewer: Page, seconds: int) -> Watched:
    """Watch for `seconds`; freezes and gaps are counted from the first one on."""
    samples = [await video_stats(viewer)]
    for _ in range(seconds // WINDOW_S):
        await viewer.wait_for_timeout(WINDOW_S * 1_000)
        samples.append(await video_stats(viewer))
    decoded = [int(sample.get("framesDecoded", 0)) for sample in samples]
    first, last = samples[0], samples[-1]
    return Watched(
        seconds,
        tuple(after - before for before, after in pairwise(decoded)),
        freezes=last["freezeCount"],
        freezes_s=last["totalFreezesDuration"],
        dropped=last["framesDropped"] - first["framesDropped"],
        received=last["framesReceived"] - first["framesReceived"],
        lost=last["packetsLost"],
        height=last["frameHeight"],
        bits_per_s=(last["bytesReceived"] - first["bytesReceived"]) * 8 / max(1, seconds),
        longest_gap_ms=round(await viewer.evaluate("window.gaps.longest_ms")),
        sessions=await viewer.evaluate("window.connections.length"),
    )


def plays_smoothly(what: str, watched: Watched, figures: Figures, freezes_max: int = 0) -> None:
    """Note what was seen; fail where it froze, or many frames were dropped, or sessions changed."""
    figures.seen(what, watched)
    figures.at_most(f"{what}: freezes", watched.freezes, freezes_max)
    figures.at_most(f"{what}: frozen", watched.freezes_s, FROZEN_S_MAX, "s")
    figures.at_most(f"{what}: share of frames dropped", watched.dropped_share, DROPPED_SHARE_MAX)
    plays_on(watched)


def plays_on(watched: Watched) -> None:
    """Fail unless frames were decoded all the time, in one session."""
    assert watched.moved, watched
    assert watched.sessions == 1, watched
