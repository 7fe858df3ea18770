"""Audio and video stay in sync at a viewer: what the browser plays was captured at one time."""

from statistics import median, quantiles

import pytest
from playwright.async_api import Page

from tests.support import watching
from tests.support.browsers import People, goes_live
from tests.support.figures import Figures
from tests.support.waiting import wait_until

WATCH_S = 30 * watching.WATCH_S
MINUTE_S = 60
# Rendering takes little of the cores that both browsers share.
WINDOW = {"width": 360, "height": 480}
# Browsers align them once both have been reported on, 80 ms at a time, to within 30 ms.
SETTLE_S = 20
REPORTS_S = 30.0
APART_MS_MAX = 40.0

# The capture time of what is played now (NTP, ms): of the video less that of the audio.
APART = """async () => {
  const played = {}
  for (const report of (await window.connections.at(-1).getStats()).values())
    if (report.type === 'inbound-rtp') played[report.kind] = report.estimatedPlayoutTimestamp
  return played.video && played.audio ? played.video - played.audio : null
}"""


@pytest.mark.timeout(WATCH_S + 120)
async def test_audio_and_video_stay_in_sync(people: People, figures: Figures) -> None:
    await goes_live(people)
    viewer = await people.open(people.room_path, size=WINDOW)

    async def known() -> bool:
        return await viewer.evaluate(APART) is not None

    await wait_until(known, REPORTS_S, "reports of both")
    await viewer.wait_for_timeout(SETTLE_S * 1_000)
    apart = await _every_second(viewer, WATCH_S)
    off = [abs(ms) for ms in apart]
    figures.seen("video less audio, median, ms", round(median(apart)))
    figures.at_most(f"video less audio, largest of {len(apart)}", max(off), APART_MS_MAX, "ms")
    assert len(apart) >= WATCH_S * 0.9


async def _every_second(viewer: Page, seconds: int) -> list[float]:
    apart: list[float] = []
    for second in range(1, seconds + 1):
        await viewer.wait_for_timeout(1_000)
        found = await viewer.evaluate(APART)
        if found is not None:
            apart.append(found)
        if second % MINUTE_S == 0:
            newest = [abs(ms) for ms in apart[-MINUTE_S:]]
            print(f"minute {second // MINUTE_S}: 95 % within {quantiles(newest, n=20)[-1]:.0f} ms")
    return apart
