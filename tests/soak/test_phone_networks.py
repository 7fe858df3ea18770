"""Phones with networks of their own: real interfaces that go down, real kernel queues.

Everything a phone sends and receives goes over its link here, pages and sockets too.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright, expect

from media.emulator import Conditions
from tests.support import namespaces, router
from tests.support.browsers import CHROMIUM_ARGUMENTS, DESKTOP, People, goes_live, video_stats
from tests.support.chromium import WHOLE, find_chromium
from tests.support.figures import Figures
from tests.support.namespaces import HERE, Phone, phone, phone_behind_router
from tests.support.running import Running, running
from tests.support.waiting import wait_until
from tests.support.watching import (
    WATCH_S,
    comes_to,
    joins,
    plays_on,
    plays_smoothly,
    sends_three_layers,
    watch,
)

# What a phone and its page need to notice that a network is gone.
GAP_MS_MAX = 6_000
CAP_BPS = 400_000
WHOLE_S = 40.0  # three encoders that begin on busy cores
SMALLER_WITHIN_S = 2.0
WHOLE_WITHIN_S = 15.0
GAP_CAPPED_MS_MAX = 500

why_not = namespaces.missing()
pytestmark = pytest.mark.skipif(why_not is not None, reason=f"{why_not}")
no_router = router.missing()
needs_router = pytest.mark.skipif(no_router is not None, reason=f"{no_router}")
# Whose link loses how much; netem reorders packets where it has no rate.
NETEM = [("viewer", 0.03), ("viewer", 0.10), ("host", 0.03)]
ORDERS = [True, False]
# Those of netem count packets, not bytes; 24 s of large ones are 1,000, its default.
CAPS = [
    ("tbf", 0.3),
    *(pytest.param("netem", queue_s, marks=needs_router) for queue_s in (0.5, 1.0, 24.0)),
]


@pytest_asyncio.fixture(loop_scope="session")
async def linli(tmp_path: Path) -> AsyncIterator[Running]:
    """A server that phones reach under their network's address, and this machine under its own."""
    addresses = ",".join((*HERE, "127.0.0.1"))
    async with running(tmp_path, LINLI_HOST="0.0.0.0", LINLI_ICE_ADDRESSES=addresses) as server:
        yield server


@asynccontextmanager
async def on(phone: Phone, linli: Running, folder: Path) -> AsyncIterator[People]:
    """People whose browser runs on the phone."""
    chromium = find_chromium(WHOLE)
    url = f"http://{HERE[0]}:{linli.port}"
    # A page may use the camera only in a secure context, or where we say that it is one.
    arguments = [*CHROMIUM_ARGUMENTS, f"--unsafely-treat-insecure-origin-as-secure={url}"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=phone.command(folder, chromium), args=arguments
        )
        people = People(browser, linli, url)
        yield people
        await browser.close()
    assert people.errors == []


@pytest.mark.parametrize("who", ["host", "viewer"])
async def test_a_phone_changes_from_wifi_to_mobile_in_its_session(
    people: People, linli: Running, figures: Figures, tmp_path: Path, who: str
) -> None:
    """The interface goes down while another one is up; no event reaches the page."""
    wifi, mobile = Conditions(delay_s=0.005), Conditions(delay_s=0.03, jitter_s=0.01)
    async with (
        phone((wifi, wifi), (mobile, mobile)) as (device, links),
        on(device, linli, tmp_path) as away,
    ):
        host = await goes_live(away if who == "host" else people)
        viewer = await joins(away if who == "viewer" else people)
        await viewer.wait_for_timeout(2_000)
        links[0].disconnect()
        left_at = asyncio.get_running_loop().time()
        frames = (await video_stats(viewer))["framesDecoded"]

        async def moves_on() -> bool:
            stats = await video_stats(viewer)
            return bool(stats and stats["framesDecoded"] >= frames + 30)

        await wait_until(moves_on, 40.0, "frames over the other network")
        took_s = asyncio.get_running_loop().time() - left_at
        gap_ms = await viewer.evaluate("window.gaps.longest_ms")
        sessions = [await page.evaluate("window.connections.length") for page in (host, viewer)]
        figures.seen(f"{who} changes networks: frames again after, s", round(took_s, 1))
        assert sessions == [1, 1], "both go on in their sessions"
        assert links[1].counts_down.delivered > 0
        await expect(host.get_by_test_id("live-state")).to_have_attribute("data-state", "live")
        figures.at_most(f"{who} changes networks: longest gap", gap_ms, GAP_MS_MAX, "ms")


async def test_all_traffic_of_a_phone_over_a_lossy_link(
    people: People, linli: Running, figures: Figures, tmp_path: Path
) -> None:
    """3 % lost and 30 ± 50 ms each way, the page and its socket included."""
    bad = Conditions(loss=0.03, delay_s=0.030, jitter_s=0.050)
    async with phone((bad, bad)) as (device, [link]), on(device, linli, tmp_path) as away:
        await goes_live(people)
        watched = await watch(await joins(away), WATCH_S)
        counts = link.counts_down
    assert counts.lost > 0.01 * counts.sent
    plays_smoothly("all of a phone's traffic loses 3 %, emulator", watched, figures)


@needs_router
@pytest.mark.parametrize("reorders", ORDERS, ids=["reordered", "in order"])
@pytest.mark.parametrize(("who", "loss"), NETEM)
async def test_all_traffic_of_a_phone_over_netem(
    people: People,
    linli: Running,
    figures: Figures,
    tmp_path: Path,
    who: str,
    loss: float,
    reorders: bool,
) -> None:
    """The same with Linux' own netem, on the viewer's link or on the host's."""
    bad = Conditions(loss=loss, delay_s=0.030, jitter_s=0.050, reorders=reorders)
    async with (
        phone_behind_router(tmp_path) as (device, middle),
        on(device, linli, tmp_path) as away,
    ):
        await middle.impair(bad, bad)
        host = await goes_live(away if who == "host" else people)
        watched = await watch(await joins(away if who == "viewer" else people), WATCH_S)
        passed = await middle.passed()
        assert await host.evaluate("window.connections.length") == 1
    order = "reordered" if reorders else "in order"
    what = f"all of the {who}'s traffic loses {loss:.0%}, netem, {order}"
    for each in passed:
        assert each.dropped > 0.3 * loss * each.packets
    if loss > 0.03:
        figures.seen(what, watched)
        plays_on(watched)
    else:
        plays_smoothly(what, watched, figures, freezes_max=2 if who == "host" else 0)


@pytest.mark.parametrize(("by", "queue_s"), CAPS)
async def test_a_link_that_the_kernel_caps_gets_a_lower_layer(
    people: People, linli: Running, figures: Figures, tmp_path: Path, by: str, queue_s: float
) -> None:
    """Everything that goes to the phone shares the link and its queue."""
    token = await linli.host_token()
    async with (
        _capped_by(by, queue_s, tmp_path) as (device, cap),
        on(device, linli, tmp_path) as away,
    ):
        await sends_three_layers(people, linli, token)
        viewer = await joins(away, window=DESKTOP)
        await comes_to(viewer, lambda height: height > 360, WHOLE_S)
        await viewer.wait_for_timeout(5_000)
        whole = (await video_stats(viewer))["frameHeight"]
        loop = asyncio.get_running_loop()
        await cap(CAP_BPS)
        capped_at = loop.time()
        await comes_to(viewer, lambda height: height <= whole / 2, SMALLER_WITHIN_S)
        smaller_s = loop.time() - capped_at
        capped = await watch(viewer, 10)
        await cap(None)
        lifted_at = loop.time()
        await comes_to(viewer, lambda height: height == whole, WHOLE_WITHIN_S)
        whole_s = loop.time() - lifted_at
    what = f"capped by {by}, queue {queue_s} s"
    figures.at_most(f"{what}: lower layer in", smaller_s, SMALLER_WITHIN_S, "s")
    figures.at_most(f"{what}: highest layer again in", whole_s, WHOLE_WITHIN_S, "s")
    figures.at_most(f"{what}: longest gap", capped.longest_gap_ms, GAP_CAPPED_MS_MAX, "ms")
    plays_on(capped)


@asynccontextmanager
async def _capped_by(
    by: str, queue_s: float, folder: Path
) -> AsyncIterator[tuple[Phone, Callable[[int | None], Awaitable[None]]]]:
    """A phone on a good link, and what caps its downlink, in bit/s; None lifts that."""
    good = Conditions(delay_s=0.010)
    if by == "tbf":
        async with phone((good, good)) as (device, [link]):

            async def cap_by_tbf(bits_per_s: int | None) -> None:
                link.cap(bits_per_s, queue_s)

            yield device, cap_by_tbf
        return
    async with phone_behind_router(folder) as (device, middle):

        async def cap_by_netem(bits_per_s: int | None) -> None:
            await middle.impair(good, replace(good, rate_bps=bits_per_s, queue_s=queue_s))

        await cap_by_netem(None)
        yield device, cap_by_netem
