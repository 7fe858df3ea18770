"""Orders that wait to be collected, and what leaders' phones scan of them."""

from sqlalchemy import insert, update

from commerce.io.record.schema import guests
from commerce.io.record.schema_people import households, persons
from commerce.leaders.scans import Scan, ScanHow
from commerce.orders.states import OrderState
from commerce.views import OrderView
from tests.support.commerce_shop import Shop

TO_READY = (OrderState.PICKING, OrderState.PACKED, OrderState.READY)


async def ready_order(shop: Shop, guest: str, product: str = "tea", household: str = "") -> str:
    """An order that waits to be fetched; its id."""
    order = await shop.commerce.orders.place(shop.tap(guest, product, household=household))
    assert isinstance(order, OrderView)
    for state in TO_READY:
        await shop.commerce.fulfilment.move(order.id, state, "clerk")
    return order.id


async def code_of(shop: Shop, guest: str, order_id: str) -> str:
    """The code that the buyer of a ready order sees."""
    [mine] = [o for o in await shop.commerce.orders.mine(guest) if o.id == order_id]
    assert mine.pickup
    return mine.pickup.code


def scan(device: str, code: str, seq: int = 1, at_ms: int = 1_000) -> Scan:
    """A code, scanned by a phone."""
    return Scan(device, f"phone {device}", seq, ScanHow.CODE, at_ms, code)


async def settle_in(shop: Shop, nickname: str, household: str, last_four: str) -> str:
    """A guest of a household whose proved number ends in some digits; the guest's id."""
    guest = (await shop.commerce.people.add_guest(nickname, "e1")).guest.id
    async with shop.commerce.record.write() as connection:
        person = {"id": f"p-{guest}", "brand_id": "b", "phone_hash": f"h-{guest}"}
        await connection.execute(
            insert(persons), {**person, "last_four": last_four, "verified_at_ms": 1}
        )
        home = {"id": household, "brand_id": "b", "created_at_ms": 1}
        await connection.execute(insert(households), home)
        mine = update(guests).where(guests.c.id == guest)
        await connection.execute(mine.values(person_id=f"p-{guest}", household_id=household))
    return guest
