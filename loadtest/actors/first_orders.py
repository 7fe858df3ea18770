"""The demo's first orders: demo accounts that order like any guest, paid in the sandbox.

They fill most of the first pinned product's group and give the store orders to pack, so that the
demo does not start empty.
"""

import asyncio
import itertools

import structlog

from loadtest.actors.buyer import JOINABLE, Message, Shopfront, join_room
from loadtest.actors.neighbours import nickname
from loadtest.errors import LoadError

WAIT_S = 60.0
ORDERS_AT_ONCE_MAX = 5
# Fill level of the other estates' groups, relative to the first one's.
OTHERS_PERCENT = 60
# Products that are bought once without a group.
UNGROUPED_PRODUCTS = ("eggs", "milk", "tofu")

log = structlog.get_logger()


async def fill_first_group(base_url: str, room_id: str, joined: int) -> None:
    """Fill the pinned product's group to `joined` households, below its target. Idempotent."""
    shop = Shopfront(base_url)
    try:
        async with asyncio.timeout(WAIT_S):
            groups = await _groups(base_url, room_id)
        estates = await shop.estates(room_id)
        taps: list[tuple[str, str, str | None]] = []
        for number, estate_id in enumerate(estates):
            wanted = joined if number == 0 else joined * OTHERS_PERCENT // 100
            for group in groups:
                if group["estate_id"] == estate_id and group["state"] in JOINABLE:
                    missing = min(wanted, group["target"] - 1) - group["joined"]
                    taps += [(estate_id, group["product_id"], group["id"])] * max(0, missing)
                    break
        if taps:
            taps += [(estates[0], product_id, None) for product_id in UNGROUPED_PRODUCTS]
        await _tap_all(shop, room_id, taps)
    except (TimeoutError, LoadError) as error:
        log.warning("the first group could not be filled", why=str(error))
    finally:
        await shop.close()


async def _groups(base_url: str, room_id: str) -> list[Message]:
    """Wait until the host has pinned a product with a group; return the groups."""
    while True:
        async with join_room(base_url, room_id, None) as socket:
            async for message in socket.messages():
                if message["t"] == "snapshot":
                    if groups := message["state"]["groups"]:
                        return list(reversed(groups))
                    break
        await asyncio.sleep(1)


async def _tap_all(shop: Shopfront, room_id: str, taps: list[tuple[str, str, str | None]]) -> None:
    turn = asyncio.Semaphore(ORDERS_AT_ONCE_MAX)
    numbers = itertools.count()

    async def tap(estate_id: str, product_id: str, group_id: str | None) -> None:
        async with turn:
            guest = await shop.become_guest(nickname(next(numbers)), estate_id)
            await shop.order(guest, room_id, product_id, group_id)

    await asyncio.gather(*(tap(*each) for each in taps))
