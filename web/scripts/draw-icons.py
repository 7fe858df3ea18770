"""Draws the icons of public/icons/ from public/goods/logo.svg, in Chromium.

Run it with the repository's Python after a change of the logo: `python web/scripts/draw-icons.py`.
"""

import shutil
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

PUBLIC = Path(__file__).parents[1] / "public"
LOGO = (PUBLIC / "goods" / "logo.svg").read_text("utf-8")
# Systems cut icons to a shape of their own: these fill the square, the mark in the safe zone.
FULL_BLEED = LOGO.replace('rx="58"', "").replace(
    'd="M0 178c60-34 150-30 240-4v8c0 32-26 58-58 58H58c-32 0-58-26-58-58Z"',
    'd="M-40 196c60-52 230-60 320-22v160H-40Z"',
)
MASKABLE = FULL_BLEED.replace('viewBox="0 0 240 240"', 'viewBox="-36 -36 312 312"').replace(
    '<rect width="240" height="240"', '<rect x="-40" y="-40" width="320" height="320"'
)
ICONS = [
    ("icon-192.png", LOGO, 192),
    ("icon-512.png", LOGO, 512),
    ("maskable-192.png", MASKABLE, 192),
    ("maskable-512.png", MASKABLE, 512),
    ("apple-touch-icon.png", FULL_BLEED, 180),
]


def draw(browser: Browser, name: str, svg: str, size: int) -> None:
    """Write one icon."""
    page = browser.new_page(viewport={"width": size, "height": size})
    sized = svg.replace('width="240" height="240">', f'width="{size}" height="{size}">', 1)
    page.set_content(f"<style>body{{margin:0}}svg{{display:block}}</style>{sized}")
    page.screenshot(path=PUBLIC / "icons" / name, omit_background=True)
    page.close()


with sync_playwright() as playwright:
    chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"))
    for name, svg, size in ICONS:
        draw(chromium, name, svg, size)
    chromium.close()
