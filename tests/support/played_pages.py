"""Pages of a played server in a Chromium."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

# Of what has to fit: English words are the longer ones.
LOCALES = ["en-GB", pytest.param("zh-CN", marks=pytest.mark.soak)]
# Notes every text that appears, however soon it goes: a busy machine may look seconds later.
NOTE_TEXTS = """
  window.textsShown = []
  new MutationObserver((changes) => {
    for (const { addedNodes, target } of changes)
      for (const node of addedNodes.length ? addedNodes : [target])
        window.textsShown.push(node.textContent ?? '')
  }).observe(document, { subtree: true, childList: true, characterData: true })
"""

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]


Prepare = Callable[[Page], object]


Open = Callable[..., Page]


def wait_for_text(page: Page, text: str) -> None:
    """Wait until the page has shown a text, which may be gone by now."""
    page.wait_for_function(
        "(text) => window.textsShown.some((shown) => shown.includes(text))", arg=text
    )
