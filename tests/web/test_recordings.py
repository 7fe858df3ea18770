"""A recorded live in the browser: replayed by viewers, edited by its host."""

import pytest
from playwright.sync_api import Page, expect

from media.recording.index import Index
from media.recording.recorder import Recorder, Write
from media.recording.replay import Piece, ReplayFile
from tests.support.played_pages import Open
from tests.support.played_server import ORIGIN, PlayedServer, now_ms, remember_staff
from tests.support.recorded_lives import FilmedStream

# A minute of real pages; the rules behind them are tested in web/tests each time.
pytestmark = pytest.mark.soak


def clip(slug: str, start_ms: int) -> dict[str, object]:
    return {
        "id": f"clip-{slug}",
        "room_id": "demo",
        "live_id": "7",
        "product_id": slug,
        "name": {"zh": "有机菠菜", "en": "Organic spinach"},
        "image": "/goods/spinach.svg",
        "title": None,
        "hidden": False,
        "edited": False,
        "start_ms": start_ms,
        "end_ms": start_ms + 60_000,
        "product": None,
    }


def recorded() -> PlayedServer:
    replay = {
        "live_id": "7",
        "started_at_ms": now_ms() - 7_200_000,
        "ended_at_ms": now_ms(),
        "duration_ms": 3_723_000,
        "octets": 1_000,
        "clips": [clip("spinach", 65_000), clip("eggs", 300_000)],
    }
    return PlayedServer(replays=[replay])


def host_page(open_page: Open, server: PlayedServer) -> Page:
    def prepare(page: Page) -> None:
        remember_staff(page, "host")
        page.context.grant_permissions(["camera", "microphone"], origin=ORIGIN)

    return open_page(server, "/host", prepare=prepare)


def test_a_host_renames_cuts_and_hides_a_clip_and_downloads_the_recording(open_page: Open) -> None:
    server = recorded()
    page = host_page(open_page, server)
    page.get_by_test_id("replays-open").click()
    download = page.get_by_test_id("replay-download")
    expect(download).to_have_attribute("href", "/live/demo/replay/7.mp4?download")
    first = page.get_by_test_id("clip").first
    expect(first.get_by_test_id("clip-start")).to_have_value("1:05")
    first.get_by_test_id("clip-end").fill("0:10")
    first.get_by_test_id("clip-save").click()
    expect(first.get_by_role("alert")).to_be_visible()
    first.get_by_test_id("clip-title").fill("菠菜怎么炒")
    first.get_by_test_id("clip-end").fill("3:00")
    first.get_by_test_id("clip-save").click()
    expect(first.get_by_role("alert")).to_be_hidden()
    expect(first.get_by_test_id("clip-save")).to_be_enabled()
    first.get_by_test_id("clip-hide").click()
    expect(first).to_have_attribute("data-hidden", "true")
    changed = server.replays[0]["clips"][0]
    assert changed["title"] == "菠菜怎么炒" and changed["hidden"]
    assert (changed["start_ms"], changed["end_ms"]) == (65_000, 180_000)


@pytest.mark.soak
def test_a_host_on_air_reads_that_the_recording_has_stopped(open_page: Open) -> None:
    server = PlayedServer(recording_failure="disk-full")
    page = host_page(open_page, server)
    page.get_by_test_id("go-live").click()
    expect(page.get_by_test_id("recording-failed")).to_contain_text("磁盘满了")


def test_a_host_begins_and_ends_the_clip_of_the_product_on_the_table(open_page: Open) -> None:
    server = PlayedServer()
    page = host_page(open_page, server)
    explain, hint = page.get_by_test_id("explain"), page.get_by_test_id("explain-hint")
    expect(explain).to_have_attribute("aria-disabled", "false")
    expect(explain).to_have_attribute("aria-pressed", "false")
    explain.click()
    expect(explain).to_have_attribute("aria-pressed", "true")
    expect(hint).to_contain_text("讲完再点一下：有机菠菜")
    explain.click()
    expect(explain).to_have_attribute("aria-pressed", "false")
    assert server.explained == ["spinach", None]
    server.explain_refused = "not-live"
    explain.click()
    expect(page.locator(".toast")).to_contain_text("开播以后")
    expect(explain).to_have_attribute("aria-pressed", "false")
    server.tick({"k": "unpin", "media_time": None, "product_id": "spinach"})
    expect(explain).to_have_attribute("aria-disabled", "true")
    expect(hint).to_contain_text("先上架")


def movie() -> bytes:
    """A recording of 12 s whose frames get brighter with their number."""
    recorder, stream, chunk = Recorder(Index(), "test"), FilmedStream(), bytearray()

    def follow() -> None:
        for write in recorder.take(stream.segmenter):
            chunk.extend(write.data if isinstance(write, Write) else b"")

    stream.followers.append(follow)
    stream.camera.film(12)
    file = ReplayFile(recorder.index)
    out = b""
    for item in file.read_plan(0, file.size):
        if isinstance(item, Piece):
            item = bytes(chunk[item.offset : item.offset + item.length])
        assert isinstance(item, bytes)
        out += item
    return out


def said(at_s: float, text: str) -> dict[str, object]:
    sender = {"id": "g1", "nickname": "李", "role": "guest"}
    line = {"id": text, "from": sender, "text": text, "at_ms": 1}
    return {"s": at_s, "m": {"t": "tick", "epoch": "e", "offset": 0, "chat": [line]}}


def grown(at_s: float, joined: int) -> dict[str, object]:
    group = {
        "id": "g",
        "product_id": "spinach",
        "estate_id": "e1",
        "joined": joined,
        "target": 30,
        "price_fen": 990,
        "state": "open",
        "ends_at_ms": 1,
    }
    event = {"k": "group", "o": joined, "at_ms": 1, "media_time": None, "group": group}
    return {"s": at_s, "m": {"t": "tick", "epoch": "e", "offset": 0, "events": [event]}}


# Whether the video has a frame of that time or a little later.
AT = """at => {
  const video = document.querySelector('video')
  const since = video.currentTime - at
  return !video.seeking && video.readyState > 1 && since > -0.01 && since < 5
}"""


def shown_frame(page: Page) -> float:
    """The number of the frame that the video shows, by its brightness."""
    level: float = page.evaluate(
        """() => {
          const canvas = document.createElement('canvas')
          canvas.width = canvas.height = 1
          const context = canvas.getContext('2d')
          context.drawImage(document.querySelector('video'), 0, 0, 1, 1)
          return context.getImageData(0, 0, 1, 1).data[0]
        }"""
    )
    return level


def test_a_tap_on_a_product_shows_it_with_what_was_said_then(open_page: Open) -> None:
    late, early = clip("eggs", 8_500), clip("spinach", 3_000)
    server = recorded()
    server.replays[0]["clips"] = [early, late]
    server.movie = movie()
    server.shown = [said(1, "first"), said(4, "second"), said(9, "third")]
    page = open_page(server, "/r/demo/replay/7")
    video, moments = page.get_by_test_id("replay-video"), page.get_by_test_id("moment")
    expect(video).to_have_attribute("poster", "/live/demo/clips/clip-spinach.jpg?3000-63000")
    images = moments.get_by_test_id("clip-image")
    expect(images).to_have_count(2)
    expect(images.nth(1)).to_have_attribute("src", "/live/demo/clips/clip-eggs.jpg?8500-68500")
    # Back again, too: there Chromium goes by the segment index.
    for number, begin_s, lines in ((1, 8.5, ["first", "second"]), (0, 3.0, ["first"])):
        moments.nth(number).click()
        page.wait_for_function(AT, arg=begin_s)
        # It plays on: the time that is looked at is one that does not pass.
        video.evaluate("(v, at) => { v.pause(); v.currentTime = at }", begin_s + 0.2)
        page.wait_for_function(AT, arg=begin_s + 0.2)
        assert abs(shown_frame(page) - (begin_s + 0.2) * 15) < 12
        expect(page.get_by_test_id("chat-list").locator("li")).to_contain_text(lines)


def test_a_question_plays_its_answer_by_the_keyboard(open_page: Open) -> None:
    server = recorded()
    server.movie = movie()
    asked = {"id": "q", "text": "辣吗?", "nickname": "李", "votes": 2, "answered_at_ms": 1}
    server.replays[0]["questions"] = [
        asked | {"start_ms": 20_000},
        asked | {"id": "later", "start_ms": None},
    ]
    page = open_page(server, "/r/demo/replay/7")
    answers = page.get_by_test_id("answer")
    expect(answers).to_contain_text(["0:20", "2 户想知道"])
    expect(answers.nth(1)).not_to_have_role("button")
    answers.first.press("Enter")
    page.wait_for_function(AT, arg=5.0)  # of what was said before the host marked it


@pytest.mark.soak
def test_the_group_counter_of_a_clip_moves_at_its_moments(open_page: Open) -> None:
    server = recorded()
    server.replays[0]["clips"] = [clip("spinach", 3_000)]
    server.movie = movie()
    # A clip's file begins with its moment: 5 s into it the live was 8 s old.
    server.shown = [grown(1, 3), grown(6, 4), grown(9, 7)]
    page = open_page(server, "/r/demo/replay/7?clip=clip-spinach")
    video, then = page.get_by_test_id("replay-video"), page.get_by_test_id("group-then")
    expect(then).to_contain_text("3 / 30")
    for at_s, joined in ((5, 4), (7, 7), (1, 3)):
        video.evaluate("(v, at) => { v.currentTime = at }", at_s)
        expect(then).to_contain_text(f"{joined} / 30")
