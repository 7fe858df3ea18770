"""Cameras that show a code: the leader's, the counter's and the packer's, each to its end.

Chromium's camera is a file here: the pickup codes as the buyers' pages show them, one after the
other, then the bar code of the goods. Debian's Chromium has no detector of its own, so that ours
are what reads them.
"""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest_asyncio
from PIL import Image
from playwright.async_api import Browser, async_playwright, expect

from server.access.policy import Role
from tests.support.browsers import CHROMIUM_ARGUMENTS, People, keep_screenshot, log_in
from tests.support.chromium import WHOLE, find_chromium
from tests.support.evening_story import STAFF, known, make_ready, neighbour, order, send
from tests.support.running import SHOP, Running, running

WIDTH, HEIGHT, FPS = 640, 480, 10
SHOWN_S = 4  # each picture
EAN = "6901234567892"
MODULE = 4  # pixels
QUIET = 9  # modules
LEFT = "0001101 0011001 0010011 0111101 0100011 0110001 0101111 0111011 0110111 0001011".split()
PARITY_OF_6 = "LGGGLL"


@pytest_asyncio.fixture(loop_scope="session")
async def linli(tmp_path: Path) -> AsyncIterator[Running]:
    """A server whose shop has a leader."""
    shop = tmp_path / "shop.toml"
    shop.write_text(SHOP.read_text("utf-8") + STAFF, "utf-8")
    async with running(tmp_path, shop, LINLI_RATE_LIMITS="false") as server:
        yield server


async def test_pickup_codes_are_read_one_after_the_other_by_the_leader_and_one_at_the_counter(
    linli: Running, tmp_path: Path
) -> None:
    async with browser() as plain:
        people, shown = People(plain, linli), []
        for name in ("晨光", "晚霞"):
            buyer = await neighbour(linli, name)
            await make_ready(linli, await order(linli, buyer, 1))
            page = await people.open(people.room_path, scripts=[known(buyer)])
            await page.get_by_test_id("order-strip").click()
            code = await page.get_by_test_id("pickup-qr").screenshot()
            shown.append(Image.open(io.BytesIO(code)).resize((360, 360)))
        await people.close()
    camera = tmp_path / "pickup.y4m"
    camera.write_bytes(y4m(*shown))

    async with browser(f"--use-file-for-fake-video-capture={camera}") as scanning:
        people = People(scanning, linli)
        leader = await people.open("/leader#orders")
        await log_in(leader, "tuanzhang")
        await leader.get_by_test_id("code-camera").click()
        result = leader.get_by_test_id("code-result")
        await expect(result).to_have_attribute("data-result", "handed_over")
        # The camera stays: the next neighbour's code needs no further tap.
        await expect(leader.get_by_test_id("stage-handed_over")).to_contain_text("2")
        await keep_screenshot(leader, "scan-leader-zh")

        store = await people.open("/store", locale="en-US")
        await log_in(store, linli.host)
        await store.get_by_test_id("scan-pickup").click()
        again = store.get_by_test_id("code-result")
        await expect(again).to_have_attribute("data-result", "used")
        await keep_screenshot(store, "scan-store-en")
        await people.close()


async def test_goods_are_found_by_the_bar_code_that_the_camera_shows(
    linli: Running, tmp_path: Path
) -> None:
    buyer = await neighbour(linli, "晚霞")
    placed = await order(linli, buyer, 2)
    office = linli.token(Role.HQ, brand_id="linxian")
    await send(linli, "PUT", f"/api/hq/products/eggs/barcodes/{EAN}", office)
    camera = tmp_path / "goods.y4m"
    camera.write_bytes(y4m(bars(EAN)))
    async with browser(f"--use-file-for-fake-video-capture={camera}") as scanning:
        people = People(scanning, linli)
        store = await people.open("/store")
        await log_in(store, linli.host)
        await store.get_by_test_id(f"parts-{placed}").click()
        await store.get_by_test_id("scan-goods").click()
        await expect(store.get_by_test_id("part-0-0")).to_have_attribute("data-state", "found")
        await keep_screenshot(store, "scan-goods-zh")
        await people.close()


@asynccontextmanager
async def browser(*more: str) -> AsyncIterator[Browser]:
    """The whole Chromium, headless: its shell has no fake camera from a file."""
    async with async_playwright() as playwright:
        arguments = [*CHROMIUM_ARGUMENTS, *more]
        launched = await playwright.chromium.launch(
            executable_path=find_chromium(WHOLE), args=arguments
        )
        yield launched
        await launched.close()


def y4m(*pictures: Image.Image) -> bytes:
    """Frames with each picture in their middle for some seconds, as YUV4MPEG2."""
    chroma = bytes([128]) * (WIDTH * HEIGHT // 2)
    film = f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{FPS}:1 Ip A1:1 C420jpeg\n".encode()
    for picture in pictures:
        frame = Image.new("L", (WIDTH, HEIGHT), 255)
        frame.paste(
            picture.convert("L"), ((WIDTH - picture.width) // 2, (HEIGHT - picture.height) // 2)
        )
        film += (b"FRAME\n" + frame.tobytes() + chroma) * (SHOWN_S * FPS)
    return film


def bars(code: str) -> Image.Image:
    """The EAN-13 symbol of a code that begins with 6 (GS1 General Specifications 5.2.1)."""
    right = [LEFT[int(digit)].translate({48: "1", 49: "0"}) for digit in code]
    left = [
        LEFT[int(digit)] if parity == "L" else right[at][::-1]
        for at, (digit, parity) in enumerate(zip(code[1:7], PARITY_OF_6, strict=True), 1)
    ]
    quiet = "0" * QUIET
    modules = f"{quiet}101{''.join(left)}01010{''.join(right[7:])}101{quiet}"
    row = Image.new("L", (len(modules), 1))
    row.putdata([0 if bit == "1" else 255 for bit in modules])
    return row.resize((len(modules) * MODULE, 240), Image.Resampling.NEAREST)
