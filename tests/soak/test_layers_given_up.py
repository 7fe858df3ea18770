"""A phone whose uplink gets worse stops its higher layers, and no viewer's video stops."""

import pytest
from playwright.async_api import expect

from tests.support.browsers import DESKTOP, KEEP_GAPS, People, goes_live
from tests.support.figures import Figures
from tests.support.watching import comes_to, joins

# What the host's browser does by itself when its link carries less.
_GIVES_UP = """async (sizes) => {
  const senders = window.connections.at(-1).getSenders()
  const sender = senders.find(({ track }) => track?.kind === 'video')
  const parameters = sender.getParameters()
  for (const encoding of parameters.encodings)
    if (sizes.includes(encoding.rid)) encoding.active = false
  await sender.setParameters(parameters)
}"""
WHOLE_S = 30.0
SMALLER_S = 5.0
SETTLES_MS = 2_000
GAP_MS_MAX = 500


@pytest.mark.parametrize(("given_up", "height"), [(["h"], 360), (["h", "m"], 180)])
async def test_viewers_switch_from_a_layer_that_the_host_stops(
    people: People, figures: Figures, given_up: list[str], height: int
) -> None:
    host = await goes_live(people)
    viewer = await joins(people, window=DESKTOP)
    await comes_to(viewer, lambda now: now == 720, WHOLE_S)
    await viewer.evaluate(KEEP_GAPS)
    await viewer.wait_for_timeout(SETTLES_MS)
    await host.evaluate(_GIVES_UP, given_up)
    await comes_to(viewer, lambda now: now == height, SMALLER_S)
    await viewer.wait_for_timeout(SETTLES_MS)
    gaps = await viewer.evaluate("window.gaps")
    what = f"layers {', '.join(given_up)} stop: longest gap"
    figures.at_most(what, gaps["longest_ms"], GAP_MS_MAX, "ms")
    await expect(host.get_by_test_id("live-state")).to_have_attribute("data-state", "live")
