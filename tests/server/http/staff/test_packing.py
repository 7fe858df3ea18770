"""A store moves a whole wave at once, each order once, takes it back, and prints it."""

from pathlib import Path
from typing import Any

import httpx
import pypdfium2
import pytest

from commerce.orders.batches import UNDO_MS
from media.io.blobs.files import FileBlobs
from server.access.policy import Principal, Role
from server.ops.pictures import Pictures
from tests.support.commerce_checks import sound
from tests.support.commerce_shop import shop_plan
from tests.support.leader_routes import leader
from tests.support.pictures import photo
from tests.support.ready_orders import settle_in
from tests.support.shop_routes import bearer, clerk, guest, shop_routes, tea
from tests.support.waiting import wait_until

STORE = "/api/stores/s1"


class Packer:
    """The clerk of store s1."""

    def __init__(self, web: httpx.AsyncClient, token: str) -> None:
        self.web = web
        self.token = token
        self._keys = 0

    async def waves(self) -> list[dict[str, Any]]:
        """What is picked together."""
        answer = await self.web.get(f"{STORE}/waves", headers=bearer(self.token))
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["waves"]
        return found

    async def move(self, ids: list[str], to: str, key: str = "", **more: Any) -> httpx.Response:
        """Move orders; without a key, a tap of its own."""
        self._keys += 1
        headers = bearer(self.token, key or f"packer-tap-{self._keys}")
        body = {"order_ids": ids, "to": to, **more}
        return await self.web.post(f"{STORE}/moves", json=body, headers=headers)

    async def undo(self, batch: str) -> httpx.Response:
        """Take a batch back."""
        return await self.web.post(f"{STORE}/moves/{batch}/undo", headers=bearer(self.token))


async def buy(web: httpx.AsyncClient, nickname: str, body: dict[str, object]) -> str:
    """One order of a new neighbour; return its id."""
    token = await guest(web, nickname)
    made = await web.post("/api/orders", json=body, headers=bearer(token, f"tap-of-{nickname}"))
    assert made.status_code == 201, made.text
    return str(made.json()["order"]["id"])


@pytest.fixture
async def packer(web: httpx.AsyncClient) -> Packer:
    """A clerk who is logged in."""
    return Packer(web, await clerk(web))


def outcomes(answer: httpx.Response) -> list[str]:
    """What became of each order."""
    assert answer.status_code == 200, answer.text
    return [one["outcome"] for one in answer.json()["answers"]]


async def test_a_group_of_30_is_ready_in_three_moves_and_every_buyer_has_a_code(
    sqlite_url: str, valkey_url: str
) -> None:
    async with shop_routes(sqlite_url, valkey_url, shop_plan(40, target=30)) as web:
        shop: Any = web
        commerce = shop.commerce
        group_id = None
        for household in range(30):
            order = await commerce.orders.place(
                shop.shop.tap(f"h{household}", "pear", group=group_id)
            )
            group_id = order.group_id
        packer = Packer(web, await clerk(web))
        [wave] = await packer.waves()
        assert (wave["group_id"], wave["state"], len(wave["bags"])) == (group_id, "new", 30)
        [item] = wave["items"]
        assert (item["product_id"], item["units"], len(item["bags"])) == ("pear", 30, 30)
        ids = [bag["order_id"] for bag in wave["bags"]]
        for state in ("picking", "packed", "ready"):
            assert outcomes(await packer.move(ids, state)) == ["moved"] * 30
        for household in range(30):
            [mine] = await commerce.orders.mine(f"h{household}")
            assert mine.pickup is not None
        [ready] = await packer.waves()
        assert [bag["order_id"] for bag in ready["bags"]] == ids
        assert [bag["bag"] for bag in ready["bags"]] == list(range(1, 31))
        await sound(shop.shop)


async def test_a_batch_counts_once_per_key_and_answers_for_each_order(
    web: httpx.AsyncClient, packer: Packer
) -> None:
    one, two = [await buy(web, name, tea()) for name in ("anna", "bert")]
    first = await packer.move([one], "picking", "the-first-tap")
    again = await packer.move([one], "picking", "the-first-tap")
    assert first.json() == again.json()
    other = await packer.move([two], "picking", "the-first-tap")
    assert (other.status_code, other.json()["type"]) == (422, "urn:linli:problem:key-reused")
    assert outcomes(await packer.move([one, two, "none"], "picking")) == [
        "already",
        "moved",
        "unknown",
    ]
    assert outcomes(await packer.move([one], "ready")) == ["refused"]
    refused = await packer.move([one, "none"], "packed", all_or_none=True)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:linli:problem:not-all-moved")
    [wave] = await packer.waves()
    assert (wave["state"], len(wave["bags"])) == ("picking", 2)
    for to in ("cancelled", "handed_over", "new"):
        assert (await packer.move([one], to)).status_code == 422


async def test_a_fresh_batch_is_taken_back_as_far_as_nothing_moved_since(
    web: httpx.AsyncClient, packer: Packer
) -> None:
    shop: Any = web
    one, two = [await buy(web, name, tea()) for name in ("anna", "bert")]
    for state in ("picking", "packed"):
        await packer.move([one, two], state)
    ready = (await packer.move([one, two], "ready")).json()
    await web.post(
        f"/api/orders/{two}/moves", json={"to": "cancelled"}, headers=bearer(packer.token)
    )
    assert outcomes(await packer.undo(ready["id"])) == ["moved", "refused"]
    assert outcomes(await packer.undo(ready["id"])) == ["already", "refused"]
    [wave] = await packer.waves()
    assert (wave["state"], [bag["order_id"] for bag in wave["bags"]]) == ("packed", [one])
    again = (await packer.move([one], "ready")).json()
    shop.shop.clock.ahead_ms += UNDO_MS + 1_000
    late = await packer.undo(again["id"])
    assert (late.status_code, late.json()["type"]) == (409, "urn:linli:problem:undo-over")
    assert (await packer.undo("none")).status_code == 404
    await sound(shop.shop)


async def test_a_wave_is_printed_as_pick_list_and_labels(
    web: httpx.AsyncClient, packer: Packer, tmp_path: Path
) -> None:
    order = await buy(web, "anna", tea())
    await buy(web, "bert", tea())
    wave = f"{STORE}/waves/singles/new"
    headers = bearer(packer.token)
    listed = await web.get(f"{wave}/pick-list.pdf?language=zh&utc_offset=480", headers=headers)
    assert listed.headers["content-type"] == "application/pdf"
    text = pypdfium2.PdfDocument(listed.content)[0].get_textpage().get_text_range()
    assert "拣货单" in text and "× 2" in text and "anna" in text and "bert" in text
    labels = await web.get(f"{wave}/labels.pdf", headers=headers)
    assert len(pypdfium2.PdfDocument(labels.content)) == 2
    alone = await web.get(f"{wave}/labels.pdf?order={order}", headers=headers)
    assert len(pypdfium2.PdfDocument(alone.content)) == 1
    await _card_is_printed(web, packer, f"{wave}/labels.pdf?order={order}&language=zh", tmp_path)
    sheets = await web.get(f"{wave}/note-cards.pdf?language=zh", headers=headers)
    text = pypdfium2.PdfDocument(sheets.content)[0].get_textpage().get_text_range()
    assert "水开后{再}煮三分钟" in text and "#1" in text and "#2" in text
    none = await web.get(f"{STORE}/waves/singles/packed/note-cards.pdf", headers=headers)
    assert none.status_code == 404
    for path in ("labels.pdf?order=none", "../packed/labels.pdf", "labels.pdf?utc_offset=x"):
        answer = await web.get(f"{wave}/{path}", headers=headers)
        assert answer.status_code in (404, 422)
    services: Any = web
    services.services.settings = services.services.settings.model_copy(update={"font": "/none"})
    missing = await web.get(f"{wave}/labels.pdf", headers=headers)
    assert (missing.status_code, missing.json()["type"]) == (501, "urn:linli:problem:no-font")
    assert (await web.get(f"{STORE}/waves")).status_code == 401


async def _card_is_printed(
    web: httpx.AsyncClient, packer: Packer, labels: str, blobs: Path
) -> None:
    """The leader's card follows the label: its words, then the photo of the handwriting."""
    services: Any = web
    services.services.pictures = Pictures(FileBlobs(blobs))
    cards, headers = "/api/leader/estates/e1/note-cards", bearer(await leader(web))
    sent = await web.post(f"{cards}/tea/photos", content=photo((80, 60)), headers=headers)
    assert sent.status_code == 201, sent.text
    tip = {"zh": "水开后{再}煮三分钟", "en": "", **sent.json()}
    for body, problem in (
        ({**tip, "photo": "/pictures/pear/x.webp"}, 422),
        ({"zh": "煮" * 201}, 422),
    ):
        refused = await web.put(f"{cards}/tea", json=body, headers=headers)
        assert refused.status_code == problem
    assert (await web.put(f"{cards}/tea", json=tip, headers=headers)).status_code == 200
    assert (await web.put(f"{cards}/tea", json=tip, headers=bearer(packer.token))).is_error
    [listed] = (await web.get(cards, headers=headers)).json()["products"]
    assert (listed["own"]["words"]["zh"], listed["brand"]) == (tip["zh"], None)
    hq = Principal("token:h", frozenset({Role.HQ}), brand_id="b")
    office = bearer(services.services.access.issue(hq, 600))
    for path in ("/api/hq/products/tea/note-card", "/api/hq/products/none/note-card"):
        made = await web.put(path, json={"zh": "小火", "en": "low heat"}, headers=office)
        assert made.status_code == (404 if "none" in path else 200)
    document = pypdfium2.PdfDocument((await web.get(labels, headers=bearer(packer.token))).content)
    assert len(document) == 3
    assert "水开后{再}煮三分钟" in document[1].get_textpage().get_text_range()
    middle = document[2].render(scale=1).to_pil().getpixel((85, 60))
    assert middle[0] > 200 and middle[2] < 120  # the photo's red


async def test_a_buyer_sees_the_slot_of_the_bag_and_a_clerk_finds_the_order(
    web: httpx.AsyncClient, packer: Packer
) -> None:
    token = await guest(web, "晨光 100%")
    made = await web.post("/api/orders", json=tea(), headers=bearer(token, "one-tap-of-tea"))
    order = made.json()["order"]["id"]
    await buy(web, "bert", tea())
    await packer.move([order], "picking")
    packed = await packer.move([order], "packed", slot=" a1 ")
    assert [(one["bag"], one["slot"]) for one in packed.json()["orders"]] == [(1, "A1")]
    await packer.move([order], "ready")
    headers = bearer(packer.token)
    body = {"order_ids": [order, "none"], "slot": "b-2"}
    placed = await web.put(f"{STORE}/bags", json=body, headers=headers)
    assert [one["slot"] for one in placed.json()["orders"]] == ["B-2"]
    mine = (await web.get("/api/me/orders", headers=bearer(token))).json()["orders"][0]
    assert mine["pickup"]["slot"] == "B-2"
    for words in ("晨光", "0%", f"#{mine['number']}", mine["pickup"]["code"].lower()):
        found = await web.get(f"{STORE}/found-orders", params={"q": words}, headers=headers)
        assert [one["id"] for one in found.json()["orders"]] == [order], words
    for words in ("", "_", "0000-0000-0"):
        found = await web.get(f"{STORE}/found-orders", params={"q": words}, headers=headers)
        assert found.json()["orders"] == []
    pace = (await web.get(f"{STORE}/pace", headers=headers)).json()
    assert (pace["orders"], pace["on_time"]) == (1, 1)
    assert pace["p50_ms"] == pace["p95_ms"] >= 0
    wrong = await web.put(f"{STORE}/bags", json=body | {"slot": "shelf 1/2"}, headers=headers)
    assert (wrong.status_code, wrong.json()["member"]) == (422, "slot")


async def test_a_clerk_finds_orders_by_the_last_digits_of_a_proved_phone_number(
    web: httpx.AsyncClient, packer: Packer
) -> None:
    shop: Any = web
    placed: dict[str, str] = {}
    for name, digits, product in (
        ("anna", "1234", "tea"),
        ("bo", "1234", "tea"),
        ("cai", "9999", "pear"),
    ):
        buyer = await settle_in(shop.shop, name, f"home-{name}", digits)
        tap = shop.shop.tap(buyer, product, household=f"home-{name}")
        placed[name] = (await shop.shop.commerce.orders.place(tap)).id
    found: dict[str, set[str]] = {}
    for digits in ("1234", "9999", "0000", "34"):
        path = f"{STORE}/found-orders"
        answer = await web.get(path, params={"q": digits}, headers=bearer(packer.token))
        found[digits] = {one["id"] for one in answer.json()["orders"]}
    assert found["1234"] == {placed["anna"], placed["bo"]}
    assert found["9999"] == {placed["cai"]}
    assert found["0000"] == found["34"] == set()


async def test_what_is_missing_is_paid_back_and_a_substitute_is_the_buyers_to_take(
    sqlite_url: str, valkey_url: str
) -> None:
    async with shop_routes(sqlite_url, valkey_url, shop_plan(9)) as web:
        shop: Any = web
        packer = Packer(web, await clerk(web))
        token = await guest(web, "anna")
        ids = []
        for key in ("short", "taken", "late", "left"):
            made = await web.post(
                "/api/orders", json=tea(2), headers=bearer(token, f"order-that-is-{key}")
            )
            ids.append(made.json()["order"]["id"])
        short, taken, late, left = ids

        async def pick(order: str, found: int, substitute: str | None = None) -> httpx.Response:
            body = {"found_units": found, "substitute_id": substitute}
            path = f"{STORE}/orders/{order}/picks/0/0"
            return await web.put(path, json=body, headers=bearer(packer.token))

        async def answer(order: str, accept: bool) -> httpx.Response:
            path = f"/api/orders/{order}/substitutes/0/0"
            return await web.post(path, json={"accept": accept}, headers=bearer(token))

        first, again = await pick(short, 1), await pick(short, 1)
        assert first.json()["picks"] == again.json()["picks"]
        assert (first.json()["picks"][0]["state"], first.json()["picks"][0]["missing_units"]) == (
            "short",
            1,
        )
        assert (await pick(short, 0)).json()["type"] == "urn:linli:problem:pick-closed"
        offered = await pick(taken, 0, "pear")
        assert offered.json()["picks"][0]["substitute"]["product_id"] == "pear"
        for order in (late, left):
            assert (await pick(order, 0, "pear")).json()["picks"][0]["state"] == "offered"
        stranger = bearer(await guest(web, "bert"))
        path = f"/api/orders/{taken}/substitutes/0/0"
        assert (await web.post(path, json={"accept": True}, headers=stranger)).status_code == 404
        yes = await answer(taken, True)
        assert yes.json()["order"]["picks"][0]["state"] == "substituted"
        assert (await answer(taken, True)).status_code == 200
        assert (await answer(taken, False)).status_code == 409
        await answer(left, False)
        shop.shop.clock.ahead_ms += 6 * 60_000
        assert await shop.commerce.picks.step() == 1
        assert await shop.commerce.picks.step() == 0
        assert (await answer(late, True)).json()["type"] == "urn:linli:problem:pick-closed"
        due = {short: 990, taken: 2 * (990 - 800), late: 1_980, left: 1_980}

        async def paid_back() -> bool:
            mine = (await web.get("/api/me/orders", headers=bearer(token))).json()["orders"]
            return {one["id"]: one["refunded_fen"] for one in mine} == due

        await wait_until(paid_back, what="refunds")
        for order in (taken, late):
            for state in ("picking", "packed", "ready"):
                await packer.move([order], state)
        assert (await pick(left, 3)).status_code == 422
        await sound(shop.shop)
