"""What a host sees of recordings, and does with the clips of its products."""

from playwright.sync_api import Page, expect

from tests.support.played_pages import Open
from tests.support.played_server import ORIGIN, PlayedServer, now_ms, remember_staff


def clip(slug: str, start_ms: int) -> dict[str, object]:
    return {
        "id": f"clip-{slug}",
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


def test_a_host_on_air_reads_that_the_recording_has_stopped(open_page: Open) -> None:
    server = PlayedServer(recording_failure="disk-full")
    page = host_page(open_page, server)
    page.get_by_test_id("go-live").click()
    expect(page.get_by_test_id("recording-failed")).to_contain_text("磁盘满了")
