"""Links that are dead for a while and hosts that crash: how soon frames are back."""

import asyncio
import re
import sys

import httpx
import pytest
from playwright.async_api import Page, Response, expect

from media.emulator import Conditions
from tests.support.browsers import KEEP_GAPS, People, goes_live, more_frames
from tests.support.figures import Figures
from tests.support.netem import network
from tests.support.running import Running
from tests.support.waiting import wait_until

NOTE_STATES = """() => {
  const peer = window.connections.at(-1)
  window.states = []
  peer.addEventListener('connectionstatechange', () => window.states.push(peer.connectionState))
}"""
NOTICED_S_MAX = 6.0
DEAD_S = 2.0  # beyond what it takes to notice
BACK_S_MAX = 10.0
RETURN_S_MAX = 1.0  # the viewer's longest gap beyond the time that the host was away


async def test_a_host_that_crashes_and_returns_keeps_its_viewers(
    people: People, linli: Running, figures: Figures
) -> None:
    """No DELETE, and another stream begins: viewers miss little more than was not sent."""
    token = await linli.host_token()
    async with httpx.AsyncClient(base_url=linli.url) as client:

        async def packets_in() -> int:
            found = re.search(r"^linli_media_packets_in_total (\S+)", await metrics(), re.M)
            return round(float(found[1])) if found else 0

        async def metrics() -> str:
            return (await client.get("/metrics")).text

        first = await _publish(linli, token)
        try:
            await wait_until(packets_in, 30.0, "a host")
            viewer = await people.open(people.room_path)
            await more_frames(viewer)
            await viewer.evaluate(KEEP_GAPS)
            await _frames_shown(viewer)
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
            await _frames_shown(viewer)
        finally:
            second.terminate()
            await second.wait()
    gap_s = await viewer.evaluate("window.gaps.longest_ms") / 1e3
    figures.seen("host that crashes: away for, s", round(away_s, 2))
    assert away_s / 2 < gap_s
    what = "host that crashes: longest gap beyond that"
    figures.at_most(what, gap_s - away_s, RETURN_S_MAX, "s")
    assert await viewer.evaluate("window.connections.length") == 1


async def _frames_shown(viewer: Page) -> None:
    """Ten more frames than now are on the page."""
    before = await viewer.evaluate("window.gaps.frames")

    async def shown() -> bool:
        return bool(await viewer.evaluate("window.gaps.frames") >= before + 10)

    await wait_until(shown, 30.0, "frames on the page")


async def _publish(linli: Running, token: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "server", "publish", "--to", linli.whip),
        env={**linli.env, "LINLI_PUBLISH_TOKEN": token},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )


@pytest.mark.parametrize("who", ["host", "viewer"])
async def test_a_dead_link_resumes_in_its_session(
    people: People, linli: Running, figures: Figures, who: str
) -> None:
    """As in a lift: packets are lost, HTTP is not; client and server notice by themselves."""
    good = Conditions()
    async with network(int(linli.env["LINLI_ICE_PORT"]), up=good, down=good) as link:
        host = await goes_live(people, through=link if who == "host" else None)
        viewer = await people.open(people.room_path, through=link if who == "viewer" else None)
        await more_frames(viewer)
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
        await more_frames(viewer)
        took_s = asyncio.get_running_loop().time() - back_at
    states = await page.evaluate("window.states")
    figures.seen(f"dead link of the {who}: states", states)
    figures.at_most(f"dead link of the {who}: noticed after", noticed_s, NOTICED_S_MAX, "s")
    figures.at_most(f"dead link of the {who}: frames again after", took_s, BACK_S_MAX, "s")
    assert await page.evaluate("window.connections.length") == 1
    await expect(host.get_by_test_id("live-state")).to_have_attribute("data-state", "live")


def _is_restart(response: Response) -> bool:
    return response.request.method == "PATCH"
