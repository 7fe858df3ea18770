"""The browser client of WHIP's author (npm: whip-whep) publishes, plays, restarts and stops."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Page, Response, Route

from tests.support.browsers import pair_in_use, restarted
from tests.support.running import Running
from tests.support.waiting import WAIT_S, wait_until

LIBRARY = Path(__file__).parents[1] / "clients" / "node_modules" / "whip-whep"

PUBLISH = """async ([endpoint, token]) => {
  const { WHIPClient } = await import('/library/whip.js')
  const stream = await navigator.mediaDevices.getUserMedia({ video: true, audio: true })
  window.peer = new RTCPeerConnection()
  for (const track of stream.getTracks())
    window.peer.addTransceiver(track, { direction: 'sendonly', streams: [stream] })
  window.client = new WHIPClient()
  await window.client.publish(window.peer, endpoint, token)
}"""
VIEW = """async ([endpoint]) => {
  const { WHEPClient } = await import('/library/whep.js')
  window.peer = new RTCPeerConnection()
  window.peer.addTransceiver('video', { direction: 'recvonly' })
  window.peer.addTransceiver('audio', { direction: 'recvonly' })
  window.client = new WHEPClient()
  await window.client.view(window.peer, endpoint)
}"""
FRAMES = """async () => {
  for (const report of (await window.peer.getStats()).values())
    if (report.type === 'inbound-rtp' && report.kind === 'video') return report.framesDecoded
  return 0
}"""


class Exchange:
    """The HTTP requests of a page and their answers."""

    def __init__(self, page: Page) -> None:
        self.answers: list[tuple[str, int, str | None]] = []
        page.on("response", self._note)

    def _note(self, response: Response) -> None:
        etag = response.headers.get("etag")
        self.answers.append((response.request.method, response.status, etag))

    def statuses(self, method: str) -> list[int]:
        return [status for asked, status, _ in self.answers if asked == method]

    def etags(self) -> list[str]:
        return [etag for asked, _, etag in self.answers if etag and asked in ("POST", "PATCH")]


async def _page(browser: Browser, linli: Running) -> Page:
    context = await browser.new_context(permissions=["camera", "microphone"])
    page = await context.new_page()

    async def serve(route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        await route.fulfill(path=LIBRARY / name, content_type="text/javascript")

    async def blank(route: Route) -> None:
        await route.fulfill(body="<!doctype html>", content_type="text/html")

    await page.route(f"{linli.url}/library/*", serve)
    await page.route(f"{linli.url}/blank", blank)
    await page.goto(f"{linli.url}/blank")
    return page


async def _decodes_more(viewer: Page) -> None:
    before: int = await viewer.evaluate(FRAMES)

    async def more() -> bool:
        return bool(await viewer.evaluate(FRAMES) > before + 5)

    await wait_until(more, what="frames")


async def _gone(url: str) -> bool:
    async with httpx.AsyncClient(timeout=WAIT_S) as client:
        return (await client.get(url)).status_code == 404


@pytest.mark.parametrize("who", ["host", "viewer"])
async def test_the_authors_client_trickles_restarts_and_leaves(
    browser: Browser, linli: Running, who: str
) -> None:
    token = await linli.host_token()
    host, viewer = await _page(browser, linli), await _page(browser, linli)
    pages: dict[str, Any] = {"host": host, "viewer": viewer}
    exchange = Exchange(pages[who])
    await host.evaluate(PUBLISH, [linli.whip, token])

    await wait_until(lambda: linli.is_in("live"), what="the live")
    await viewer.evaluate(VIEW, [linli.whep])
    await _decodes_more(viewer)
    if who == "host":
        await wait_until(lambda: 204 in exchange.statuses("PATCH"), what="a trickle's answer")
    else:
        # Its player names no ICE session before the first restart, which RFC 9725 answers so.
        await wait_until(lambda: 428 in exchange.statuses("PATCH"), what="a trickle's answer")
    before = await pair_in_use(pages[who], "window.peer")
    await pages[who].evaluate("window.client.restart()")
    await wait_until(lambda: 200 in exchange.statuses("PATCH"), what="the restart")
    await wait_until(lambda: 204 in exchange.statuses("PATCH"), what="candidates after it")
    assert len(set(exchange.etags())) == 2, "each ICE session has an ETag of its own"
    await restarted(pages[who], "window.peer", before)
    await _decodes_more(viewer)
    if who == "viewer":
        await viewer.evaluate("window.client.selectLayer({ mediaId: 'video' })")
        await viewer.evaluate("window.client.unselectLayer()")
    session: str = await pages[who].evaluate("window.client.resourceURL.href")
    await pages[who].evaluate("window.client.stop()")
    # It closes its connection first, so that the server has forgotten the session by then.
    await wait_until(lambda: exchange.statuses("DELETE")[-1:] == [200], what="the end")
    assert set(exchange.statuses("DELETE")) <= {200, 204}
    assert await _gone(session)
    for page in pages.values():
        await page.context.close()
