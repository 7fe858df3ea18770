"""What is known of a guest can be seen and erased; the books keep their orders without a name."""

import httpx
from sqlalchemy import func, select, text

from commerce.io.audit import audit
from commerce.io.messages.log import LoggedCodes
from commerce.io.record.engine import Record
from commerce.io.record.schema import orders
from commerce.people.consents import TEXTS, Purpose
from tests.support.commerce_shop import Shop
from tests.support.shop_routes import bearer, clerk, guest, tea

PHONE = "+8613800001234"
VERSION = TEXTS[Purpose.PHONE].version


def shop_of(web: httpx.AsyncClient) -> Shop:
    """The shop behind the routes."""
    shop: Shop = web.shop  # type: ignore[attr-defined]  # see the fixture
    web.services.access.erased = shop.commerce.households.erased  # type: ignore[attr-defined]  # as the program does
    return shop


async def known_guest(web: httpx.AsyncClient) -> str:
    """A guest with a phone number and a flat."""
    shop, token = shop_of(web), await guest(web, "晨光")
    body = {"phone": PHONE, "consent": VERSION}
    await web.post("/api/me/phone", json=body, headers=bearer(token))
    sender = shop.commerce.phones._sender
    assert isinstance(sender, LoggedCodes)
    code = {"code": sender.sent[PHONE]}
    await web.post("/api/me/phone/verify", json=code, headers=bearer(token))
    flat = {"building": "12", "flat": "1203", "consent": TEXTS[Purpose.DWELLING].version}
    await web.put("/api/me/dwelling", json=flat, headers=bearer(token))
    return token


async def everything(web: httpx.AsyncClient) -> str:
    """The whole record and Redis as text."""
    shop, found = shop_of(web), []
    async with Record(shop.engine).read() as connection:
        tables = await connection.execute(text("SELECT name FROM sqlite_master WHERE type='table'"))
        for (name,) in tables.all():
            found.append(str((await connection.execute(text(f'SELECT * FROM "{name}"'))).all()))
    keys = [key async for key in shop.redis.scan_iter("*")]
    kept = b"\n".join([key + (await shop.redis.dump(key) or b"") for key in keys])
    return "\n".join(found) + kept.decode("utf-8", "replace")


async def hand_over(web: httpx.AsyncClient, token: str) -> None:
    """An order from tap to counter."""
    placed = await web.post("/api/orders", json=tea(), headers=bearer(token, "key-00001"))
    order = placed.json()["order"]["id"]
    shop = bearer(await clerk(web))
    for state in ("picking", "packed", "ready"):
        moved = await web.post(f"/api/orders/{order}/moves", json={"to": state}, headers=shop)
        assert moved.status_code == 200, moved.text
    [mine] = (await web.get("/api/me/orders", headers=bearer(token))).json()["orders"]
    done = await web.post(
        "/api/stores/s1/handovers", json={"code": mine["pickup"]["code"]}, headers=shop
    )
    assert done.status_code == 200


async def test_a_guest_gets_everything_that_is_known(web: httpx.AsyncClient) -> None:
    token = await known_guest(web)
    await web.post("/api/orders", json=tea(), headers=bearer(token, "key-00001"))
    answer = await web.get("/api/me/data", headers=bearer(token))
    assert answer.headers["content-disposition"].startswith("attachment")
    data = answer.json()
    assert (data["guest"]["nickname"], len(data["devices"]), len(data["orders"])) == ("晨光", 1, 1)
    assert [phone["last_four"] for phone in data["phones"]] == ["1234"]
    assert [(each["building"], each["flat"]) for each in data["dwellings"]] == [("12", "1203")]
    assert [each["purpose"] for each in data["consents"]] == ["phone", "dwelling"]
    assert "hash" not in answer.text


async def test_erasure_leaves_no_name_number_or_flat_and_keeps_the_books(
    web: httpx.AsyncClient,
) -> None:
    token = await known_guest(web)
    await hand_over(web, token)
    before = await everything(web)
    assert "晨光" in before and "1203" in before
    erased = await web.post("/api/me/erasure", json={"erase": "everything"}, headers=bearer(token))
    assert erased.status_code == 204
    after = await everything(web)
    assert "晨光" not in after and "1203" not in after
    async with Record(shop_of(web).engine).read() as connection:
        assert await connection.scalar(select(func.count()).select_from(orders)) == 1
        assert await connection.scalar(text("SELECT COUNT(*) FROM persons")) == 0
        assert await connection.scalar(text("SELECT COUNT(*) FROM consents")) == 2
    assert await audit(shop_of(web).engine) == []
    for path in ("/api/me/data", "/api/me/orders"):
        assert (await web.get(path, headers=bearer(token))).status_code == 401


async def test_who_waits_for_goods_is_not_erased(web: httpx.AsyncClient) -> None:
    token = await known_guest(web)
    await web.post("/api/orders", json=tea(), headers=bearer(token, "key-00001"))
    refused = await web.post("/api/me/erasure", json={"erase": "everything"}, headers=bearer(token))
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:linli:problem:open-orders")
    empty = await web.post("/api/me/erasure", json={}, headers=bearer(token))
    assert empty.status_code == 422


async def test_data_is_taken_only_with_consent_to_the_newest_text(web: httpx.AsyncClient) -> None:
    token = await guest(web)
    texts = (await web.get("/api/consents")).json()["consents"]
    assert {each["purpose"] for each in texts} == {"phone", "dwelling", "sms"}
    for consent in ("", "2020-01-1"):
        body = {"phone": PHONE, "consent": consent}
        refused = await web.post("/api/me/phone", json=body, headers=bearer(token))
        assert (refused.status_code, refused.json()["version"]) == (409, VERSION)


async def test_the_log_of_consents_only_grows(web: httpx.AsyncClient) -> None:
    await known_guest(web)
    async with shop_of(web).engine.connect() as connection:
        for change in ("UPDATE consents SET version = 'x'", "DELETE FROM consents"):
            try:
                await connection.execute(text(change))
            except Exception as error:
                assert "immutable" in str(error)
            else:
                raise AssertionError(change)
