"""Browsers on bad links: what viewers see when packets are lost, late or too many."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import pytest_asyncio

from media.emulator import Conditions
from tests.support.browsers import DESKTOP, FIRST_FRAME, People, goes_live, video_stats
from tests.support.figures import Figures
from tests.support.netem import Network, network
from tests.support.running import Running
from tests.support.waiting import wait_until
from tests.support.watching import (
    FROZEN_S_MAX,
    LIVE_S,
    WATCH_S,
    WINDOW_S,
    Watched,
    comes_to,
    joins,
    plays_on,
    plays_smoothly,
    sends_three_layers,
    watch,
)

CAP_BPS = 400_000
# Makes a browser one without transport-wide feedback, which sends REMB.
ESTIMATES = """{
  const send = window.fetch.bind(window)
  window.fetch = (url, init) => {
    const offers = init?.method === 'POST' && String(url).endsWith('/whep')
    const without = (sdp) => sdp.replace(/^a=rtcp-fb:\\d+ transport-cc\\r\\n/gm, '')
    return send(url, offers ? { ...init, body: without(init.body) } : init)
  }
}"""
# From a queue that is soon full and drops to one that only delays.
CAP_QUEUES_S = [0.1, 0.3, 1.0, 5.0]
VIEWERS = {"sends feedback": [], "estimates": [ESTIMATES]}
# Half of the only layer, and of the lowest of three with its audio.
THIN_BPS = {1: 500_000, 3: 90_000}
THIN_S = 30
DRAINED_AFTER_S = 10
LAG_S_MAX = 3.5
JOINS = 16
JOINED_WATCH_S = 3
FIRST_FRAME_MS_MAX = 3_000
# In order and reordered.
FROZEN_JOINS_MAX = {False: 0, True: 1}
WHOLE_S = 40.0  # three encoders that start on busy cores
BEFORE_CAP_S = 5
CAPPED_S = 10
SMALLER_WITHIN_S = 2.0
WHOLE_WITHIN_S = 15.0
GAP_MS_MAX = 500
KEY_GAP_MS_MAX = 300


def bad(loss: float, *, reorders: bool = False) -> Conditions:
    """A link that loses `loss`, with 30 ms of delay and 50 ms of jitter."""
    return Conditions(loss=loss, delay_s=0.030, jitter_s=0.050, reorders=reorders)


@pytest_asyncio.fixture(loop_scope="session")
async def host_token(linli: Running) -> str:
    """The token of the room's host."""
    return await linli.host_token()


@asynccontextmanager
async def hosted(linli: Running, token: str) -> AsyncIterator[None]:
    """A host of ours with generated video, 720p at 25 frames a second, on a good link."""
    host = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "server",
        "publish",
        "--to",
        linli.whip,
        env={**linli.env, "LINLI_PUBLISH_TOKEN": token},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await wait_until(lambda: linli.is_in("live"), LIVE_S, "the live")
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            host.terminate()
        await host.wait()


@pytest.mark.parametrize("reorders", [False, True], ids=["in order", "reordered"])
async def test_three_percent_loss_on_a_viewers_link_causes_no_freeze(
    linli: Running, people: People, figures: Figures, host_token: str, reorders: bool
) -> None:
    async with _link(linli, bad(0.03, reorders=reorders)) as link:
        await goes_live(people)
        viewer = await joins(people, link)
        watched = await watch(viewer, WATCH_S)
        order = "reordered" if reorders else "in order"
        what = f"viewer's link loses 3 %, {order}"
        await _print(what, watched, link, linli, host_token)
    plays_smoothly(what, watched, figures)


@pytest.mark.parametrize("reorders", [False, True], ids=["in order", "reordered"])
async def test_first_frame_comes_soon_on_a_lossy_link(
    linli: Running, people: People, figures: Figures, reorders: bool
) -> None:
    """In the first seconds neither browser nor server knows the link."""
    await goes_live(people)
    port, conditions = int(linli.env["LINLI_ICE_PORT"]), bad(0.03, reorders=reorders)
    firsts_ms, freezes_s = [], []
    for seed in range(JOINS):
        async with network(port, up=conditions, down=conditions, seed=seed) as link:
            viewer = await joins(people, link, scripts=[FIRST_FRAME])
            await viewer.wait_for_timeout(JOINED_WATCH_S * 1_000)
            stats = await video_stats(viewer)
            firsts_ms.append(round(await viewer.evaluate("window.firstFrame")))
            freezes_s.append(round(stats["totalFreezesDuration"], 2))
            await viewer.context.close()
    order = "reordered" if reorders else "in order"
    what = f"{JOINS} joins on 3 % loss, {order}"
    figures.seen(f"{what}: first frames, ms", sorted(firsts_ms))
    figures.at_most(f"{what}: latest first frame", max(firsts_ms), FIRST_FRAME_MS_MAX, "ms")
    figures.at_most(f"{what}: longest frozen", max(freezes_s), FROZEN_S_MAX, "s")
    frozen = sum(frozen_s > 0 for frozen_s in freezes_s)
    figures.at_most(f"{what}: joins that froze", frozen, FROZEN_JOINS_MAX[reorders])


async def test_frequent_key_frames_cost_little_on_a_lossy_link(
    linli: Running, people: People, figures: Figures, host_token: str
) -> None:
    """Chromium drops what is not repaired yet when the parameter sets of H.264 come."""
    async with _link(linli, bad(0.03)) as link, hosted(linli, host_token):
        viewer = await joins(people, link)
        watched = await watch(viewer, WATCH_S)
        what = "viewer's link loses 3 %, a key frame every 2 s"
        await _print(what, watched, link, linli, host_token)
    plays_smoothly(what, watched, figures, freezes_max=2)
    figures.at_most(f"{what}: longest gap", watched.longest_gap_ms, KEY_GAP_MS_MAX, "ms")


async def test_ten_percent_loss_on_a_viewers_link_still_plays(
    linli: Running, people: People, figures: Figures, host_token: str
) -> None:
    async with _link(linli, bad(0.10)) as link, hosted(linli, host_token):
        viewer = await joins(people, link)
        watched = await watch(viewer, WATCH_S)
        await _print("viewer's link loses 10 %", watched, link, linli, host_token)
    figures.seen("viewer's link loses 10 %", watched)
    plays_on(watched)


@pytest.mark.parametrize("whose", ["host's", "host's and viewer's"])
async def test_three_percent_loss_on_a_hosts_link_causes_no_freeze(
    linli: Running, people: People, figures: Figures, host_token: str, whose: str
) -> None:
    async with _link(linli, bad(0.03)) as link:
        host = await goes_live(people, through=link)
        viewer = await joins(people, link if "viewer" in whose else None)
        watched = await watch(viewer, WATCH_S)
        what = f"{whose} link loses 3 %"
        await _print(what, watched, link, linli, host_token)
        assert await host.evaluate("window.connections.length") == 1
    plays_smoothly(what, watched, figures)


@pytest.mark.parametrize("queue_s", CAP_QUEUES_S)
@pytest.mark.parametrize("who", VIEWERS)
async def test_a_capped_link_gets_a_lower_layer(
    linli: Running, people: People, figures: Figures, host_token: str, who: str, queue_s: float
) -> None:
    async with _link(linli, Conditions(delay_s=0.010, queue_s=queue_s)) as link:
        await sends_three_layers(people, linli, host_token)
        viewer = await joins(people, link, DESKTOP, VIEWERS[who])
        await comes_to(viewer, lambda height: height > 360, WHOLE_S)
        await watch(viewer, BEFORE_CAP_S)
        whole = (await video_stats(viewer))["frameHeight"]
        assert whole > 360, whole

        link.down.rate_bps = CAP_BPS
        capped_at = asyncio.get_running_loop().time()
        try:
            await comes_to(viewer, lambda height: height <= whole / 2, SMALLER_WITHIN_S)
            smaller_s = asyncio.get_running_loop().time() - capped_at
            capped = await watch(viewer, CAPPED_S)
            smaller = (await video_stats(viewer))["frameHeight"]
            link.down.rate_bps = None
            lifted_at = asyncio.get_running_loop().time()
            await comes_to(viewer, lambda height: height == whole, WHOLE_WITHIN_S)
            whole_s = asyncio.get_running_loop().time() - lifted_at
        finally:
            watched = await watch(viewer, 0)
            what = f"capped, queue {queue_s} s, viewer {who}"
            await _print(what, watched, link, linli, host_token)
    figures.seen(f"{what}: kbit/s", round(capped.bits_per_s / 1e3))
    figures.at_most(f"{what}: {whole} → {smaller} in", smaller_s, SMALLER_WITHIN_S, "s")
    figures.at_most(f"{what}: → {whole} in", whole_s, WHOLE_WITHIN_S, "s")
    figures.at_most(f"{what}: longest gap", watched.longest_gap_ms, GAP_MS_MAX, "ms")
    assert capped.moved, capped
    plays_on(watched)


@pytest.mark.parametrize("who", VIEWERS)
@pytest.mark.parametrize("layers", [1, 3])
async def test_a_slow_link_skips_frames_and_keeps_its_latency_low(
    linli: Running, people: People, figures: Figures, host_token: str, who: str, layers: int
) -> None:
    """The link carries half of the only layer, or of the lowest, and has a queue of 5 s."""
    async with contextlib.AsyncExitStack() as opened:
        link = await opened.enter_async_context(_link(linli, Conditions(queue_s=5.0)))
        if layers == 1:
            await opened.enter_async_context(hosted(linli, host_token))
        else:
            await sends_three_layers(people, linli, host_token)
        viewer = await joins(people, link, DESKTOP, VIEWERS[who])
        if layers > 1:
            await comes_to(viewer, lambda height: height > 360, WHOLE_S)
        await watch(viewer, BEFORE_CAP_S)
        link.down.rate_bps = THIN_BPS[layers]
        # What is in flight when the link is capped must get through.
        await viewer.wait_for_timeout(DRAINED_AFTER_S * 1_000)
        waits_s = []
        watched = None
        for _ in range(THIN_S // WINDOW_S):
            watched = await watch(viewer, WINDOW_S)
            waits_s.append(link.queue_s)
            assert watched.moved, watched
        assert watched is not None
        what = f"half of the lowest of {layers} layers fits, viewer {who}"
        await _print(what, watched, link, linli, host_token)
    figures.at_most(f"{what}: longest queuing delay", max(waits_s), LAG_S_MAX, "s")
    plays_on(watched)


@asynccontextmanager
async def _link(linli: Running, conditions: Conditions) -> AsyncIterator[Network]:
    """A link that is as bad in both directions."""
    port = int(linli.env["LINLI_ICE_PORT"])
    async with network(port, up=conditions, down=conditions) as link:
        yield link


async def _print(what: str, watched: Watched, link: Network, linli: Running, token: str) -> None:
    """Print what was seen, what the link did, and what the server says of it."""
    async with httpx.AsyncClient(base_url=linli.url) as client:
        headers = {"Authorization": f"Bearer {token}"}
        live: dict[str, Any] = (
            await client.get(f"/api/lives/{linli.room}/stats", headers=headers)
        ).json()
        metrics = (await client.get("/metrics")).text.splitlines()
    media = [line for line in metrics if line.startswith("linli_media_")]
    print(f"\n{what}: {watched}, dropped {watched.dropped_share:.2%}")
    print(f"  link: up {link.counts_up}, down {link.counts_down}")
    print(f"  server: {live}")
    print(f"  {'; '.join(media)}")
