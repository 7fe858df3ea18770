"""What tests of a whole shop check at the end."""

from sqlalchemy import text

from commerce.io.audit import audit, audit_gate
from commerce.io.gate import keys
from tests.support.commerce_shop import Shop
from tests.support.waiting import wait_until


async def quiet(shop: Shop) -> None:
    """Wait until the stream and the outbox are empty."""

    async def nothing() -> bool:
        async with shop.commerce.record.read() as connection:
            waiting = await connection.scalar(text("SELECT COUNT(*) FROM outbox"))
        return not waiting and not await shop.redis.xlen(keys.ORDERS)

    await wait_until(nothing, what="a quiet shop")


async def sound(shop: Shop) -> None:
    """Stream and outbox are empty, and every invariant holds."""
    await quiet(shop)
    assert await audit(shop.engine) == []
    assert await audit_gate(shop.engine, shop.redis) == []
