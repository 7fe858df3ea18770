"""How soon phones see what a till sold, and how long a file of ten thousand prices takes."""

import time
from pathlib import Path

import httpx

from loadtest.clients.room import RoomCrowd
from loadtest.measure.stats import percentile
from server.access.policy import Role
from tests.support.figures import Figures
from tests.support.running import SHOP, running
from tests.support.waiting import wait_until

VIEWERS = 1_000
SALES = 20  # cards in a room at most
SEEN_S_MAX = 1.0
ESTATES = ("chunjiang", "wutong")
PRICES = 10_000
IMPORT_S_MAX = 5.0
PRODUCT = """
[[products]]
id = "{id}"
image = "/goods/spinach.svg"
name = {{ zh = "{id}", en = "{id}" }}
unit = {{ zh = "份", en = "piece" }}
price_fen = 990
stock = {{ s1 = 1 }}
"""


def shop_file(folder: Path, ids: list[str]) -> Path:
    """The shop of the stories with further products, one unit of each."""
    file = folder / "shop.toml"
    file.write_text(SHOP.read_text() + "".join(PRODUCT.format(id=id) for id in ids))
    return file


async def test_a_thousand_phones_see_within_a_second_that_a_till_sold_the_last_one(
    tmp_path: Path, figures: Figures
) -> None:
    ids = [f"last-{number:02}" for number in range(SALES)]
    delays: list[float] = []
    async with (
        running(tmp_path, shop_file(tmp_path, ids)) as server,
        RoomCrowd(server.url, server.room) as crowd,
        server.client(server.token(Role.HOST, room_id=server.room)) as host,
        server.client(server.token(Role.STORE, store_id="s1")) as store,
    ):
        await crowd.join(VIEWERS)
        made = await store.post("/api/stores/s1/tills", json={"name": "soak"})
        async with server.client(made.json()["key"]) as till:
            for id in ids:
                await pinned(host, crowd, server.room, id)
                delays += await sold(till, crowd, id)
    figures.at_most("sold at a till → seen on phones, p99", percentile(delays, 99), SEEN_S_MAX, "s")


async def pinned(host: httpx.AsyncClient, crowd: RoomCrowd, room: str, id: str) -> None:
    """Pin a product, and wait until all viewers have its card."""
    crowd.watch(id.encode())
    (await host.put(f"/api/rooms/{room}/pins/{id}", json={})).raise_for_status()
    await wait_until(lambda: len(crowd.seen_s) >= VIEWERS, what="the card")


async def sold(till: httpx.AsyncClient, crowd: RoomCrowd, id: str) -> list[float]:
    """Sell a product at the till; seconds until each viewer has the event."""
    crowd.watch(id.encode())
    at_ms = time.time_ns() // 1_000_000
    line = {"line": 1, "kind": "sale", "item": id, "units": 1, "amount_fen": 990}
    receipt = {"number": f"r-{id}", "at_ms": at_ms, "lines": [line]}
    began = time.monotonic()
    answer = await till.post("/api/pos/receipts", json={"sent_at_ms": at_ms, "receipts": [receipt]})
    answer.raise_for_status()
    await wait_until(lambda: len(crowd.seen_s) >= VIEWERS, what="the stock")
    return [seen - began for seen in crowd.seen_s[:VIEWERS]]


async def test_ten_thousand_prices_are_imported_within_five_seconds(
    tmp_path: Path, figures: Figures
) -> None:
    ids = [f"p{number}" for number in range(PRICES // len(ESTATES))]
    lines = [f"{id},estate,{estate},8.80" for id in ids for estate in ESTATES]
    file = "\n".join(["product_id,scope,scope_id,price_fen", *lines])
    async with (
        running(tmp_path, shop_file(tmp_path, ids)) as server,
        server.client(server.token(Role.HQ, brand_id="linxian")) as office,
    ):
        began = time.monotonic()
        answer = await office.post("/api/hq/imports/prices?apply=yes", content=file.encode())
        took_s = time.monotonic() - began
        report = answer.json()
        assert (report["done"], report["added"]) == (True, PRICES), report
        why = await office.get(f"/api/hq/products/{ids[-1]}/why?estate={ESTATES[-1]}")
        assert why.json()["price_fen"] == 880
    figures.at_most(f"import of {PRICES} prices", took_s, IMPORT_S_MAX, "s")
