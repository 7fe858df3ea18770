"""Buyers who tap again, with the same key, until their order is decided."""

import asyncio

from redis.exceptions import RedisError

from commerce.errors import Refused, TryAgain
from commerce.views import OrderView
from tests.support.commerce_shop import Shop

ANSWER_S = 1.0
RETRY_S = 0.2


async def buys(shop: Shop, guest: str) -> bool:
    """Whether a guest gets a unit in the end."""
    while True:
        try:
            placed = await shop.commerce.orders.place(shop.tap(guest), wait_s=ANSWER_S)
            if isinstance(placed, OrderView):
                return True
        except Refused:
            return False
        except (TryAgain, RedisError, OSError):
            await asyncio.sleep(RETRY_S)
