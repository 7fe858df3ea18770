"""Guests with channels for their messages, and notices of an order."""

import asyncio
import base64

from commerce.io.messages.log import LoggedCodes
from commerce.io.shop.notices import post_notices
from commerce.io.shop.orders import Pending
from commerce.notices.notices import Notice, NoticeKind, Preferences
from tests.support.commerce_shop import Shop

POINT = base64.urlsafe_b64encode(b"\x04" + b"\x11" * 64).decode()
AUTH = base64.urlsafe_b64encode(b"\x22" * 16).decode()
MINUTE_MS = 60_000
ALWAYS = Preferences(quiet_from_hour=9, quiet_until_hour=9)


async def ordered(shop: Shop, guest_id: str) -> str:
    """The id of an order that a guest has placed."""
    gate = asyncio.create_task(shop.commerce.gates.run())
    placed = await shop.commerce.orders.place(shop.tap(guest_id), wait_s=0)
    assert isinstance(placed, Pending)
    await shop.commerce.ledger.step()
    gate.cancel()
    return placed.order_id


async def prove(shop: Shop, guest_id: str, phone: str, *, keep: bool) -> None:
    """Have a guest prove a phone number."""
    phones = shop.commerce.phones
    assert isinstance(phones._sender, LoggedCodes)
    await phones.send_code(guest_id, phones.read(phone, "e1"), keep=keep)
    await phones.verify(guest_id, phones._sender.sent[phone])


async def subscribe(shop: Shop, guest_id: str) -> None:
    """Subscribe a browser of a guest."""
    endpoint = f"https://fcm.googleapis.com/{guest_id}"
    await shop.commerce.push.subscribe(guest_id, endpoint, POINT, AUTH, "zh")


async def grant(shop: Shop, guest_id: str) -> None:
    """Have a guest grant one message in WeChat; its URL is "scene nonce"."""
    scene, nonce = (await shop.commerce.wechat_grants.ask(guest_id, "zh") or "").split()
    await shop.commerce.wechat_grants.take(nonce, scene, "T", f"o-{guest_id}")


async def notify(shop: Shop, kind: NoticeKind, order_id: str, *guest_ids: str) -> None:
    """Give guests notice of an order, later than the last time; twice comes once."""
    shop.clock.ahead_ms += 11 * MINUTE_MS
    at_ms = shop.clock()
    new = [Notice(one, kind, order_id, "u1", at_ms, at_ms) for one in guest_ids]
    async with shop.commerce.record.write() as connection:
        await connection.run_sync(post_notices, new)
        await connection.run_sync(post_notices, new)
