"""A leader's day on the phone: share a group, write a tip, remind, and hand over in every way."""

import base64
import io
import re
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image
from playwright.async_api import Browser, Page, expect

from commerce.people.consents import TEXTS, Purpose
from tests.support.browsers import People, keep_screenshot, log_in
from tests.support.evening_story import STAFF, known, make_ready, neighbour, order, send
from tests.support.pictures import photo
from tests.support.running import SHOP, Running, running
from tests.support.waiting import wait_until

ESTATE = "chunjiang"
PHONE = "13800001234"
REASON = "手机没电了"


@pytest.mark.soak
@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
async def test_a_leader_shares_reminds_and_hands_over_by_tail_and_on_two_phones(
    browser: Browser, tmp_path: Path, locale: str
) -> None:
    shop = tmp_path / "shop.toml"
    shop.write_text(SHOP.read_text("utf-8") + STAFF, "utf-8")
    async with running(tmp_path, shop, LINLI_RATE_LIMITS="false") as linli:
        people = People(browser, linli)
        names = ("晨光", "晚霞", "秋水", "冬梅")
        first, second, *together = [await neighbour(linli, name) for name in names]
        await _prove_phone(linli, first)
        orders = {}
        for guest, units in ((first, 2), (second, 1), *((guest, 1) for guest in together)):
            orders[str(guest["guest"]["id"])] = made = await order(linli, guest, units)
            await make_ready(linli, made)
        await _open_a_group(linli)

        leader = await people.open("/leader", locale=locale)
        await log_in(leader, "tuanzhang")
        await _share(leader, linli, locale)
        await _write_a_tip(leader, locale)
        await leader.goto("/leader#orders")
        await _remind(leader, linli, first)
        await _in_a_batch(leader, linli, together, locale)
        await _by_tail(leader, linli, first)
        await _on_two_phones(people, leader, linli, second, locale)
        await _has_the_tip(linli, first)
        await _claim_comes_with_its_photo(people, leader, first, orders, locale)
        await people.close()


async def _prove_phone(linli: Running, guest: dict[str, Any]) -> None:
    token, consent = str(guest["token"]), TEXTS[Purpose.PHONE].version
    await send(linli, "POST", "/api/me/phone", token, phone=PHONE, consent=consent)
    [code] = re.findall(r"code\W+(\d{6})", re.sub(r"\x1b\[[0-9;]*m", "", linli.log))
    await send(linli, "POST", "/api/me/phone/verify", token, code=code)


async def _open_a_group(linli: Running) -> None:
    """One of two neighbours has joined."""
    async with linli.client(await linli.host_token()) as client:
        answer = await client.put(f"/api/rooms/{linli.room}/pins/spinach", json={})
        assert answer.is_success, answer.text
    guest = await neighbour(linli, "朝霞")
    await order(linli, guest, 1, product_id="spinach")


async def _share(leader: Page, linli: Running, locale: str) -> None:
    """The text has the gap and the link; the poster's QR is the link."""
    await leader.get_by_test_id("groups").locator("[data-testid^=share-]").click()
    link = f"{linli.url}/r/{linli.room}"
    await expect(leader.get_by_test_id("share-text")).to_contain_text(link)
    shown = await leader.get_by_test_id("poster").get_attribute("src")
    assert shown
    poster = Image.open(io.BytesIO(base64.b64decode(shown.partition(",")[2])))
    [qr] = zxingcpp.read_barcodes(poster)
    assert qr.text.endswith(f"/r/{linli.room}")
    await keep_screenshot(leader, f"leader-share-{locale[:2]}")
    await leader.get_by_test_id("share").get_by_test_id("sheet-close").click()


async def _write_a_tip(leader: Page, locale: str) -> None:
    """In the leader's own words, with a photo of the handwriting."""
    await leader.get_by_test_id("note-card-eggs").click()
    await leader.get_by_test_id("tip-zh").fill("水开后煮八分钟，过凉水好剥。")
    handwriting = {"name": "tip.jpg", "mimeType": "image/jpeg", "buffer": photo()}
    await leader.get_by_test_id("tip-file").set_input_files(handwriting)  # type: ignore[arg-type]
    await expect(leader.get_by_test_id("tip-photo")).to_be_visible()
    await keep_screenshot(leader, f"leader-tip-{locale[:2]}")
    await leader.get_by_test_id("tip-save").click()
    await expect(leader.get_by_test_id("note-card-list")).to_contain_text("水开后煮八分钟")


async def _remind(leader: Page, linli: Running, guest: dict[str, Any]) -> None:
    """One tap, and the neighbour has a notice, or gets it in the morning."""
    household = str(guest["guest"]["id"])
    path = f"/api/leader/estates/{ESTATE}/day"
    await leader.get_by_test_id(f"remind-{household}").click()

    async def noted() -> bool:
        async with linli.client(await _leader_token(linli)) as client:
            day = (await client.get(path)).json()
        return household in {one["household_id"] for one in day["reminders"]}

    await wait_until(noted, what="a reminder")


async def _leader_token(linli: Running) -> str:
    body = {"username": "tuanzhang", "password": "correct horse battery"}
    return str((await send(linli, "POST", "/api/login", **body))["token"])


async def _in_a_batch(
    leader: Page, linli: Running, together: list[dict[str, Any]], locale: str
) -> None:
    """Two households who stand there together, and one reason."""
    for guest in together:
        await leader.get_by_test_id(f"choose-{guest['guest']['id']}").check()
    await leader.get_by_test_id("batch-reason").fill("两户一起来取，都认识")
    await keep_screenshot(leader, f"leader-batch-{locale[:2]}")
    await leader.get_by_test_id("batch-submit").click()
    result = leader.get_by_test_id("code-result")
    await expect(result).to_have_attribute("data-result", "batch")
    await expect(leader.get_by_test_id("batch-others")).to_have_count(0)
    await keep_screenshot(leader, f"leader-batch-done-{locale[:2]}")
    for guest in together:
        async with linli.client(str(guest["token"])) as client:
            [mine] = (await client.get("/api/me/orders")).json()["orders"]
        assert mine["state"] == "handed_over"


async def _by_tail(leader: Page, linli: Running, guest: dict[str, Any]) -> None:
    """Without a code: the last digits of a proved number, and why."""
    household = str(guest["guest"]["id"])
    card = leader.get_by_test_id(f"household-{household}")
    await leader.get_by_test_id(f"tail-{household}").click()
    fields = card.locator("form input")
    digits, reason = fields.nth(0), fields.nth(1)
    await reason.fill(REASON)
    result = leader.get_by_test_id("code-result")
    for tail, shown in (("9999", "wrong_tail"), (PHONE[-4:], "handed_over")):
        await digits.fill(tail)
        await card.locator("button[type=submit]").click()
        await expect(result).to_have_attribute("data-result", shown)
    async with linli.client(str(guest["token"])) as client:
        [mine] = (await client.get("/api/me/orders")).json()["orders"]
    assert mine["state"] == "handed_over"


async def _on_two_phones(
    people: People, leader: Page, linli: Running, guest: dict[str, Any], locale: str
) -> None:
    """Both are offline and both hand the same code over; who syncs second sees who was first."""
    async with linli.client(str(guest["token"])) as client:
        [mine] = (await client.get("/api/me/orders")).json()["orders"]
    code = mine["pickup"]["code"]
    helper = await people.open("/leader#orders", locale=locale)
    await log_in(helper, "tuanzhang")
    codes = f"(localStorage.getItem('linli.leader.codes.{ESTATE}') ?? '')"
    known = f"() => {codes}.includes('{mine['id']}')"
    for phone in (leader, helper):
        await phone.wait_for_function(known)
    for phone in (leader, helper):
        await phone.context.set_offline(True)
        await phone.get_by_test_id("code-input").fill(code)
        await phone.get_by_test_id("code-submit").click()
        result = phone.get_by_test_id("code-result")
        await expect(result).to_have_attribute("data-result", "kept")
    await leader.context.set_offline(False)
    await expect(leader.get_by_test_id("scans-waiting")).to_have_count(0)
    await helper.context.set_offline(False)
    await expect(helper.get_by_test_id("surprises")).to_contain_text("王姐")
    await expect(helper.get_by_test_id("code-result")).to_have_count(0)
    await keep_screenshot(helper, f"leader-duplicate-{locale[:2]}")


async def _claim_comes_with_its_photo(
    people: People, leader: Page, guest: dict[str, Any], orders: dict[str, str], locale: str
) -> None:
    """Above 20 yuan it is the leader's to decide, who sees what the buyer has photographed."""
    made = orders[str(guest["guest"]["id"])]
    buyer = await people.open(people.room_path, locale=locale, scripts=[known(guest)])
    await buyer.get_by_test_id("orders-open").click()
    await buyer.get_by_test_id(f"claim-{made}").click()
    await buyer.locator("label", has=buyer.get_by_test_id("fault-broken")).click()
    broken = {"name": "eggs.jpg", "mimeType": "image/jpeg", "buffer": photo()}
    await buyer.get_by_test_id("claim-photo").set_input_files(broken)  # type: ignore[arg-type]
    await buyer.locator("fieldset.units button").last.click()
    await buyer.get_by_test_id("claim-send").click()
    state = buyer.get_by_test_id("claim-made")
    await expect(state).to_have_attribute("data-state", "open")
    await keep_screenshot(buyer, f"claim-open-{locale[:2]}")

    await leader.goto("/leader#claims")
    claims = leader.get_by_test_id("claims")
    image = claims.locator(".photos img")
    await expect(image).to_be_visible()
    loaded = "(image) => image.complete && image.naturalWidth > 0"
    await wait_until(lambda: image.evaluate(loaded), what="the photo")
    await keep_screenshot(leader, f"leader-claims-{locale[:2]}")
    await leader.get_by_test_id("claim-approve").click()
    await expect(leader.get_by_test_id("claim-approve")).to_have_count(0)


async def _has_the_tip(linli: Running, guest: dict[str, Any]) -> None:
    async with linli.client(str(guest["token"])) as client:
        [mine] = (await client.get("/api/me/after-sales")).json()["orders"]
        [card] = mine["note_cards"]
        shown = await client.get(card["photo"])
    assert (
        card["words"]["zh"].startswith("水开后") and shown.headers["content-type"] == "image/webp"
    )
