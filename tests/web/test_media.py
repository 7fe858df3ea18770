"""What the pages do with cameras, networks and sizes in a real Chromium; the server is played."""

import time

import pytest
from playwright.sync_api import Page, expect

from tests.support.played_pages import Open
from tests.support.played_server import LAYERS, ORIGIN, PlayedServer, remember_staff
from tests.support.waiting import WAIT_S

# A minute of real pages; the rules behind them are tested in web/tests each time.
pytestmark = pytest.mark.soak

# Counts wake locks that are requested and released, and releases them when a test asks.
SOAK = pytest.mark.soak
WAKE_LOCK = """
  window.locks = { asked: 0, held: 0 }
  Object.defineProperty(navigator, 'wakeLock', { value: {
    async request() {
      window.locks.asked += 1
      if (window.locksRefused) throw new DOMException('low battery', 'NotAllowedError')
      window.locks.held += 1
      const lock = new EventTarget()
      lock.release = async () => {
        if (lock.released) return
        lock.released = true
        window.locks.held -= 1
        lock.dispatchEvent(new Event('release'))
      }
      window.lastLock = lock
      return lock
    },
  } })
"""
VIDEO_SENDER = "__peers[0].senders.find(({ track }) => track.kind === 'video')"
HIDE = """(hidden) => {
  Object.defineProperty(document, 'hidden', { value: hidden, configurable: true })
  document.dispatchEvent(new Event('visibilitychange'))
}"""
TWO_CAMERAS = """
  const enumerate = navigator.mediaDevices.enumerateDevices.bind(navigator.mediaDevices)
  navigator.mediaDevices.enumerateDevices = async () => {
    const all = await enumerate()
    const camera = all.find((device) => device.kind === 'videoinput')
    return [...all, { ...camera.toJSON(), toJSON: undefined, label: 'back' }]
  }
"""


@pytest.fixture
def server() -> PlayedServer:
    """A server whose live has three sizes."""
    return PlayedServer(layers=LAYERS)


def watch(open_page: Open, server: PlayedServer, **more: object) -> Page:
    """Open the room and wait for the video."""
    page = open_page(server, "/r/demo", **more)
    expect(page.get_by_test_id("room")).to_have_attribute("data-player", "playing")
    return page


def go_live(open_page: Open, server: PlayedServer, script: str = "", **more: object) -> Page:
    """Open the host's page and go on air."""

    def prepare(page: Page) -> None:
        remember_staff(page, "host")
        page.context.grant_permissions(["camera", "microphone"], origin=ORIGIN)
        page.add_init_script(script or "undefined")

    page = open_page(server, "/host", prepare=prepare, **more)
    page.get_by_test_id("go-live").click()
    expect(page.get_by_test_id("live-state")).to_have_attribute("data-state", "live")
    return page


def wait_for_requests(page: Page, server: PlayedServer, count: int) -> None:
    """Wait until the page has posted its layer selection `count` times."""
    deadline = time.monotonic() + WAIT_S
    while len(server.layer_requests) < count:
        assert time.monotonic() < deadline, server.layer_requests
        page.evaluate("new Promise(requestAnimationFrame)")  # lets its requests be answered


def test_viewer_page_posts_its_video_size_once(open_page: Open, server: PlayedServer) -> None:
    page = watch(open_page, server)
    wait_for_requests(page, server, 1)
    # 360 CSS pixels wide and two device pixels each: a 16:9 video is 405 lines high.
    assert server.layer_requests == [{"mediaId": "video", "encodingId": None, "maxHeight": 405}]
    page.set_viewport_size({"width": 640, "height": 740})
    wait_for_requests(page, server, 2)
    assert server.layer_requests[1]["maxHeight"] == 720


def test_hidden_page_selects_the_smallest_layer_until_seen_again(
    open_page: Open, server: PlayedServer
) -> None:
    page = watch(open_page, server)
    wait_for_requests(page, server, 1)
    page.evaluate(HIDE, True)
    wait_for_requests(page, server, 2)
    page.evaluate(HIDE, False)
    wait_for_requests(page, server, 3)
    assert [asked["maxHeight"] for asked in server.layer_requests] == [405, 180, 405]


def test_chosen_quality_is_posted_and_remembered(open_page: Open, server: PlayedServer) -> None:
    page = watch(open_page, server)
    quality = page.get_by_role("combobox", name="清晰度")
    expect(quality.locator("option")).to_have_text(
        ["自动", "高清 720p", "标清 360p", "流畅 180p", "只听声音"]
    )
    box = quality.bounding_box()
    assert box and box["height"] >= 44 and box["width"] >= 44
    wait_for_requests(page, server, 1)
    quality.select_option("smooth")
    wait_for_requests(page, server, 2)
    assert server.layer_requests[-1]["encodingId"] == "l"
    server.layer_requests.clear()
    page.reload()
    wait_for_requests(page, server, 1)
    assert server.layer_requests[0]["encodingId"] == "l"
    expect(page.get_by_test_id("quality")).to_have_value("smooth")
    page.get_by_test_id("quality").focus()
    page.keyboard.press("Home")
    wait_for_requests(page, server, 2)
    assert server.layer_requests[-1]["encodingId"] is None


def test_quality_picker_is_translated(open_page: Open, server: PlayedServer) -> None:
    page = watch(open_page, server, locale="en-GB")
    quality = page.get_by_role("combobox", name="Picture quality")
    names = ["Auto", "High 720p", "Standard 360p", "Smooth 180p", "Sound only"]
    expect(quality.locator("option")).to_have_text(names)


@pytest.mark.parametrize("layers", [pytest.param(None, marks=SOAK), LAYERS[2:]])
def test_single_layer_offers_no_choice(
    open_page: Open, layers: list[dict[str, object]] | None
) -> None:
    server = PlayedServer(layers=layers)
    page = watch(open_page, server)
    if layers:
        wait_for_requests(page, server, 1)
    else:
        page.evaluate(HIDE, True)
    assert page.get_by_test_id("quality").count() == 0
    assert len(server.layer_requests) == (1 if layers else 0)


def test_host_page_offers_three_layers_and_sends_full_resolution_for_one(
    open_page: Open, server: PlayedServer
) -> None:
    page = go_live(open_page, server)
    encodings = page.evaluate(VIDEO_SENDER + ".encodings")
    assert [encoding["rid"] for encoding in encodings] == ["l", "m", "h"]
    assert encodings[0]["scaleResolutionDownBy"] == 1
    assert encodings[0]["maxBitrate"] == 1_500_000
    assert [encoding.get("active") for encoding in encodings[1:]] == [False, False]


@pytest.mark.parametrize("page_of", [watch, go_live])
def test_network_change_restarts_ice_in_the_session(
    open_page: Open, server: PlayedServer, page_of: object
) -> None:
    assert callable(page_of)
    page = page_of(open_page, server)
    with page.expect_request(lambda request: request.method == "PATCH") as asked:
        page.evaluate("window.dispatchEvent(new Event('online'))")
    headers = asked.value.headers
    assert asked.value.url.rpartition("/")[2] == "s"
    assert headers["if-match"] == "*"
    assert headers["content-type"] == "application/trickle-ice-sdpfrag"
    body = asked.value.post_data or ""
    assert body.startswith("a=group:BUNDLE 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\n")
    assert "a=ice-ufrag:offer2\r\na=ice-pwd:" in body
    page.wait_for_function("__peers[0].remoteDescription.sdp.includes('a=ice-ufrag:again')")
    assert page.evaluate("window.__peers.length") == 1


@pytest.mark.parametrize(
    "status", [404, *(pytest.param(status, marks=SOAK) for status in (422, 500))]
)
def test_refused_ice_restart_gets_a_new_session(
    open_page: Open, server: PlayedServer, status: int
) -> None:
    server.restart_status = status
    page = watch(open_page, server)
    page.evaluate("window.__peers[0].become('disconnected')")
    page.wait_for_function("window.__peers.length === 2")
    expect(page.get_by_test_id("room")).to_have_attribute("data-player", "playing")


def test_host_keeps_its_session_after_an_ice_restart(open_page: Open, server: PlayedServer) -> None:
    page = go_live(open_page, server)
    page.evaluate("window.__peers[0].become('disconnected')")
    page.wait_for_function("__peers[0].connectionState === 'connected' && __peers[0].offers === 2")
    expect(page.get_by_test_id("live-state")).to_have_attribute("data-state", "live")
    assert page.evaluate("window.__peers.length") == 1


def test_camera_switch_keeps_the_session(open_page: Open, server: PlayedServer) -> None:
    page = go_live(open_page, server, TWO_CAMERAS)
    before = page.evaluate(VIDEO_SENDER + ".track.id")
    page.get_by_test_id("rotate").click()
    page.wait_for_function(f"(id) => {VIDEO_SENDER}.track.id !== id", arg=before)
    page.wait_for_function("__peers[0].senders.every(({ track }) => track.readyState === 'live')")
    assert page.evaluate("window.__peers.length") == 1
    expect(page.get_by_test_id("live-state")).to_have_attribute("data-state", "live")


@pytest.mark.soak
def test_host_page_shows_the_uplink_verdict(open_page: Open, server: PlayedServer) -> None:
    page = go_live(open_page, server, locale="en-GB")
    verdict = page.get_by_test_id("uplink-verdict")
    expect(page.get_by_test_id("uplink")).to_contain_text("Mbps")
    expect(page.get_by_test_id("uplink")).to_contain_text("18 ms")
    expect(page.get_by_test_id("uplink")).to_contain_text("0.2%")
    expect(verdict).to_have_text("Good connection")
    expect(verdict).to_have_attribute("aria-live", "polite")
    page.evaluate("window.__uplink = { reason: 'bandwidth' }")
    expect(verdict).to_have_text("Weak connection: the picture is less sharp for now")
    expect(verdict).to_be_visible()


@pytest.mark.parametrize(
    ("locale", "what", "why"),
    [
        ("zh-CN", "观众看不到画面", "参数集"),
        pytest.param("en-GB", "Viewers see nothing", "SPS and PPS", marks=SOAK),
    ],
)
def test_host_page_says_why_nobody_can_decode_its_video(
    open_page: Open, server: PlayedServer, locale: str, what: str, why: str
) -> None:
    server.undecodable = "no-parameter-sets"
    page = go_live(open_page, server, locale=locale)
    notice = page.get_by_test_id("undecodable")
    expect(notice).to_contain_text(what)
    expect(notice).to_contain_text(why)
    server.undecodable = None
    expect(notice).to_have_count(0)


def test_wake_lock_is_held_while_on_air(open_page: Open, server: PlayedServer) -> None:
    page = go_live(open_page, server, WAKE_LOCK)
    page.wait_for_function("locks.held === 1")
    page.evaluate("lastLock.release()")  # as the system does when a page is hidden
    page.evaluate(HIDE, True)
    assert page.evaluate("locks") == {"asked": 1, "held": 0}
    page.evaluate(HIDE, False)
    page.wait_for_function("locks.held === 1")
    page.get_by_test_id("end-live").click()
    page.get_by_test_id("end-confirm").click()
    page.wait_for_function("locks.held === 0")


@pytest.mark.parametrize(
    "script",
    [
        WAKE_LOCK + "window.locksRefused = true",
        pytest.param(
            "Object.defineProperty(navigator, 'wakeLock', { value: undefined })", marks=SOAK
        ),
    ],
)
def test_refused_wake_lock_is_no_error(open_page: Open, server: PlayedServer, script: str) -> None:
    page = go_live(open_page, server, script)
    expect(page.get_by_test_id("end-live")).to_be_visible()
