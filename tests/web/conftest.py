"""A Chromium for all page tests, and pages of a played server in it."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from tests.support.chromium import find_chromium
from tests.support.played_pages import FLAGS, NOTE_TEXTS, Open, Prepare
from tests.support.played_server import (
    DIST,
    ORIGIN,
    PlayedServer,
)
from tests.support.waiting import WAIT_S

PHONE: ViewportSize = {"width": 360, "height": 740}
EXPECT_MS = WAIT_S * 1_000
expect.set_options(timeout=EXPECT_MS)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of pages."""
    if not (DIST / "room.html").is_file():
        pytest.fail("web/dist is not built: run `make setup`")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Open a path of a played server on a phone; whatever a page throws fails the test."""
    contexts = []
    thrown: list[str] = []

    def open_page(
        server: PlayedServer,
        path: str,
        *,
        locale: str = "zh-CN",
        prepare: Prepare | None = None,
        size: ViewportSize = PHONE,
        **more: Any,
    ) -> Page:
        context = browser.new_context(
            viewport=size,
            **more,
            device_scale_factor=2,
            locale=locale,
            timezone_id="Asia/Shanghai",
            # Its requests do not pass the routes of a played server.
            service_workers="block",
        )
        contexts.append(context)
        server.attach(context)
        context.set_default_timeout(EXPECT_MS)
        context.add_init_script(NOTE_TEXTS)
        page = context.new_page()
        page.on("pageerror", lambda error: thrown.append(str(error)))
        if prepare:
            prepare(page)
        page.goto(ORIGIN + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert thrown == []
