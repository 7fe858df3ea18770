"""A guest proves a phone number: code, tries, limits, and what the brand asks for."""

import httpx
import pytest
from sqlalchemy import select, update

from commerce.io.messages.log import LoggedCodes
from commerce.io.messages.logged_sms import LoggedSms
from commerce.io.record.engine import Record
from commerce.io.record.schema import brands, guests
from commerce.io.record.schema_people import persons, phone_codes
from commerce.people.consents import TEXTS, Purpose
from commerce.people.phones import CODE_TRIES_MAX, CODE_TTL_MS
from server.limits import RATES, LimitKind, Limits
from tests.support.commerce_shop import Shop
from tests.support.shop_routes import bearer, guest, tea

PHONE, E164 = "138 0000 1234", "+8613800001234"


def shop_of(web: httpx.AsyncClient) -> Shop:
    """The shop behind the routes."""
    shop: Shop = web.shop  # type: ignore[attr-defined]  # see the fixture
    return shop


def sender_of(web: httpx.AsyncClient) -> LoggedCodes:
    """What sends its codes."""
    sender = shop_of(web).commerce.phones._sender
    assert isinstance(sender, LoggedCodes)
    return sender


async def ask(web: httpx.AsyncClient, token: str, phone: str = PHONE) -> httpx.Response:
    """Ask for a code."""
    body = {"phone": phone, "consent": TEXTS[Purpose.PHONE].version}
    return await web.post("/api/me/phone", json=body, headers=bearer(token))


async def verify(web: httpx.AsyncClient, token: str, code: str) -> httpx.Response:
    """Type a code."""
    return await web.post("/api/me/phone/verify", json={"code": code}, headers=bearer(token))


def wrong(code: str) -> str:
    """Another code."""
    return f"{(int(code) + 1) % 1_000_000:06}"


async def test_a_guest_proves_a_number_with_the_code_that_was_sent_to_it(
    web: httpx.AsyncClient,
) -> None:
    token = await guest(web)
    asked = await ask(web, token)
    assert (asked.status_code, asked.json()) == (202, {"last_four": "1234", "expires_in_s": 300})
    before = await web.get("/api/me/phone", headers=bearer(token))
    assert before.json() == {"last_four": None, "needed": False, "member": False, "sms": None}
    verified = await verify(web, token, f" {sender_of(web).sent[E164]} ")
    assert (verified.status_code, verified.json()) == (200, {"last_four": "1234"})
    after = await web.get("/api/me/phone", headers=bearer(token))
    assert after.json()["last_four"] == "1234"
    again = await verify(web, token, sender_of(web).sent[E164])
    assert (again.status_code, again.json()["type"]) == (410, "urn:linli:problem:code-expired")


async def test_a_number_is_kept_for_sms_with_consent_until_the_guest_stops_it(
    web: httpx.AsyncClient,
) -> None:
    token = await guest(web)

    async def kept() -> object:
        return (await web.get("/api/me/phone", headers=bearer(token))).json()["sms"]

    body = {"phone": PHONE, "consent": TEXTS[Purpose.PHONE].version}
    body["sms"] = TEXTS[Purpose.SMS].version
    for sms, found in ((None, False), (LoggedSms(), True)):
        shop_of(web).commerce.sms_numbers.sms = sms
        await web.post("/api/me/phone", json=body, headers=bearer(token))
        await verify(web, token, sender_of(web).sent[E164])
        shop_of(web).commerce.sms_numbers.sms = LoggedSms()
        assert await kept() is found
    old = await web.post("/api/me/phone", json={**body, "sms": "1"}, headers=bearer(token))
    assert old.json()["type"] == "urn:linli:problem:consent-needed"
    stopped = await web.delete("/api/me/phone/sms", headers=bearer(token))
    assert (stopped.status_code, await kept()) == (204, False)


async def test_two_guests_with_one_number_are_one_person(web: httpx.AsyncClient) -> None:
    for nickname in ("one", "two"):
        token = await guest(web, nickname)
        await ask(web, token)
        assert (await verify(web, token, sender_of(web).sent[E164])).status_code == 200
    async with Record(shop_of(web).engine).read() as connection:
        people = list(await connection.scalars(select(guests.c.person_id)))
        assert len(people) == 2 and len(set(people)) == 1


async def test_the_record_keeps_neither_number_nor_code(web: httpx.AsyncClient) -> None:
    token = await guest(web)
    await ask(web, token)
    code = sender_of(web).sent[E164]
    async with Record(shop_of(web).engine).read() as connection:
        waiting = str((await connection.execute(select(phone_codes))).all())
    await verify(web, token, code)
    async with Record(shop_of(web).engine).read() as connection:
        kept = str((await connection.execute(select(persons))).all())
    assert code not in waiting
    assert "13800001234" not in waiting + kept and "1234" in kept


async def test_wrong_tries_use_a_code_up(web: httpx.AsyncClient) -> None:
    token = await guest(web)
    await ask(web, token)
    code = sender_of(web).sent[E164]
    for left in reversed(range(CODE_TRIES_MAX)):
        refused = await verify(web, token, wrong(code))
        assert (refused.status_code, refused.json()["tries_left"]) == (422, left)
    assert (await verify(web, token, code)).status_code == 410


async def test_a_code_ends_after_its_time_and_when_another_is_sent(web: httpx.AsyncClient) -> None:
    token = await guest(web)
    await ask(web, token)
    shop_of(web).clock.ahead_ms = CODE_TTL_MS + 1
    assert (await verify(web, token, sender_of(web).sent[E164])).status_code == 410
    await ask(web, token, "13900004321")
    await ask(web, token)
    first = await verify(web, token, sender_of(web).sent["+8613900004321"])
    assert first.status_code == 422, "the code of the first number"
    assert (await verify(web, token, sender_of(web).sent[E164])).status_code == 200


async def test_a_code_is_good_for_its_own_guest_alone(web: httpx.AsyncClient) -> None:
    mine, theirs = await guest(web), await guest(web)
    await ask(web, mine)
    assert (await verify(web, theirs, sender_of(web).sent[E164])).status_code == 410


async def test_one_number_gets_few_messages_whoever_asks(web: httpx.AsyncClient) -> None:
    web.services.limits = Limits(shop_of(web).redis)  # type: ignore[attr-defined]  # see the fixture
    for _ in range(RATES[LimitKind.PHONE_NUMBER].burst):
        assert (await ask(web, await guest(web))).status_code == 202
    refused = await ask(web, await guest(web), "+86 138-0000-1234")
    assert (refused.status_code, refused.json()["type"]) == (429, "urn:linli:problem:too-many")
    assert (await ask(web, await guest(web), "13900004321")).status_code == 202


async def test_numbers_and_messages_that_fail_are_refused_clearly(web: httpx.AsyncClient) -> None:
    token = await guest(web)
    bad = await ask(web, token, "110")
    assert (bad.status_code, bad.json()["member"]) == (422, "phone")
    sender_of(web).failing = True
    unsent = await ask(web, token)
    assert (unsent.status_code, unsent.json()["type"]) == (502, "urn:linli:problem:not-sent")
    assert (await web.post("/api/me/phone", json={"phone": PHONE})).status_code == 401


async def test_where_the_brand_asks_for_a_number_nobody_orders_without(
    web: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = shop_of(web)
    async with shop.commerce.record.write() as connection:
        await connection.execute(update(brands).values(phone_needed=True))
    await shop.commerce._shop.cache.refresh()
    token = await guest(web)
    refused = await web.post("/api/orders", json=tea(), headers=bearer(token, "key-00001"))
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:linli:problem:phone-needed")
    await ask(web, token)
    await verify(web, token, sender_of(web).sent[E164])
    placed = await web.post("/api/orders", json=tea(), headers=bearer(token, "key-00001"))
    assert placed.status_code == 201
    # Known by now: no further tap reads it from the record.
    monkeypatch.delattr(type(shop.commerce.phones), "last_four")
    again = await web.post("/api/orders", json=tea(), headers=bearer(token, "key-00001"))
    assert again.status_code == 201
