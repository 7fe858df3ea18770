"""Pages of a played server in a Chromium."""

from collections.abc import Callable

from playwright.sync_api import Page

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]


Prepare = Callable[[Page], object]


Open = Callable[..., Page]
