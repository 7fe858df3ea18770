"""People become one household, and share what is limited from then on, also after a rebuild."""

from sqlalchemy import select

from commerce.catalogue.values import Guest
from commerce.errors import Refusal, Refused
from commerce.io.audit import audit
from commerce.io.messages.log import LoggedCodes
from commerce.io.record.engine import Record
from commerce.io.record.schema import group_seats
from commerce.people.households import Dwelling
from commerce.views import OrderView
from tests.support.commerce_shop import Shop, running_shop, shop_plan

PHONE = "+8613800001234"


async def neighbour(shop: Shop, nickname: str) -> Guest:
    """A new guest of estate e1."""
    return (await shop.commerce.people.add_guest(nickname, "e1")).guest


async def prove(shop: Shop, guest: Guest, phone: str = PHONE) -> None:
    """Have a guest prove a phone number."""
    phones = shop.commerce.phones
    assert isinstance(phones._sender, LoggedCodes)
    await phones.send_code(guest.id, phones.read(phone, "e1"))
    await phones.verify(guest.id, phones._sender.sent[phone])


async def tap(shop: Shop, guest: Guest, product: str, quantity: int = 1, key: str = "") -> str:
    """Order as the page does; the refusal, or "" for an order."""
    request = shop.tap(
        guest.id,
        product,
        quantity=quantity,
        key=key,
        household=shop.commerce.households.of(guest.id),
    )
    try:
        placed = await shop.commerce.orders.place(request)
    except Refused as refused:
        return refused.refusal.value
    assert isinstance(placed, OrderView)
    return ""


async def test_one_number_is_one_seat_and_one_limit(database_url: str, valkey_url: str) -> None:
    async with running_shop(database_url, valkey_url, plan=shop_plan(50, target=9)) as shop:
        await shop.commerce.groups.pin("demo", "pear", None, actor="u1")
        anna, bo, cai = [await neighbour(shop, name) for name in ("anna", "bo", "cai")]
        assert await tap(shop, bo, "pear") == ""
        assert await tap(shop, bo, "tea", 15) == ""
        await prove(shop, anna)
        await prove(shop, bo)
        assert shop.commerce.households.of(bo.id) == shop.commerce.households.of(anna.id) == anna.id
        assert await tap(shop, anna, "pear") == Refusal.ALREADY_JOINED
        assert await tap(shop, anna, "tea", 6) == Refusal.LIMIT_REACHED
        await prove(shop, cai)
        await shop.redis.flushall()
        await shop.commerce.rebuild.ensure()
        assert await tap(shop, anna, "pear", key="key-after-1") == Refusal.ALREADY_JOINED
        assert await tap(shop, cai, "tea", 6, key="key-after-2") == Refusal.LIMIT_REACHED
        assert await tap(shop, cai, "tea", 5, key="key-after-3") == ""
        assert await audit(shop.engine) == []


async def test_two_who_had_seats_before_keep_them(database_url: str, valkey_url: str) -> None:
    async with running_shop(database_url, valkey_url, plan=shop_plan(50, target=9)) as shop:
        await shop.commerce.groups.pin("demo", "pear", None, actor="u1")
        anna, bo, cai = [await neighbour(shop, name) for name in ("anna", "bo", "cai")]
        for guest in (bo, cai):
            assert await tap(shop, guest, "pear") == ""
        await prove(shop, bo, "+8613900000001")
        await prove(shop, cai, "+8613900000001")
        for guest in (anna, bo):
            await shop.commerce.households.claim(guest.id, Dwelling("1", "101"))
            await shop.commerce.households.decide("s1", guest.id, True, "u1")
        homes = {shop.commerce.households.of(guest.id) for guest in (anna, bo, cai)}
        assert homes == {anna.id}
        for guest in (anna, bo, cai):
            assert await tap(shop, guest, "pear", key=f"again-{guest.id}") == "already-joined"
        async with Record(shop.engine).read() as connection:
            seats = set(await connection.scalars(select(group_seats.c.household_id)))
        assert len(seats) == 2 and anna.id in seats
        assert await audit(shop.engine) == []
