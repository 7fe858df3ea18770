"""What tests of a whole shop check at the end."""

from sqlalchemy import text

from commerce.io.audit import audit, audit_gate
from tests.support.commerce_shop import Shop
from tests.support.waiting import wait_until


async def quiet(shop: Shop) -> None:
    """Wait until the stream and the outbox are empty."""

    async def nothing() -> bool:
        async with shop.commerce.record.read() as connection:
            waiting = await connection.scalar(text("SELECT COUNT(*) FROM outbox"))
        return not waiting and not any(
            [await shop.redis.xlen(gate.keys.orders) for gate in shop.commerce.gates.all()]
        )

    await wait_until(nothing, what="a quiet shop")


async def sound(shop: Shop) -> None:
    """Stream and outbox are empty, and every invariant holds."""
    await quiet(shop)
    assert await audit(shop.engine) == []
    assert await audit_gate(shop.engine, shop.redis) == []


async def inventory_gap_fen(shop: Shop) -> int:
    """What the books have for goods, less what the lots cost that lie here or that orders hold."""
    query = """
        SELECT -COALESCE((SELECT SUM(amount_fen) FROM money_entries WHERE account = 'inventory'), 0)
            - COALESCE((SELECT SUM(b.units * l.cost_fen) FROM balances b
                        JOIN lots l ON l.id = b.lot_id), 0)
            - COALESCE((SELECT SUM(CASE m.kind WHEN 'sell' THEN m.units ELSE -m.units END
                                   * l.cost_fen)
                        FROM lot_moves m JOIN lots l ON l.id = m.lot_id
                        JOIN orders o ON o.id = m.source AND o.handed_over_at_ms IS NULL
                        WHERE m.kind IN ('sell', 'release')), 0)
    """
    async with shop.commerce.record.read() as connection:
        return int(await connection.scalar(text(query)) or 0)
