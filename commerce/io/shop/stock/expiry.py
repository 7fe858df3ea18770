"""Takes lots off the shelf when their best-before date has passed, so that nobody buys them."""

import structlog
from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError

from commerce.io.record.postings import lock_stock, move_lots
from commerce.io.record.schema_stock import balances, locations, lots
from commerce.io.shop.context import ShopContext
from commerce.supply.lots import LocationKind, LotMove, LotMoveKind, store_of

LOTS_MAX = 200  # per transaction
EXPIRY = "expiry"  # who writes off
_STOCKED = (LocationKind.SHOP.value, LocationKind.WAREHOUSE.value)

log = structlog.get_logger()


class Expiry:
    """Writes off what has expired in shops and warehouses; units that orders hold stay held."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    def is_due(self, connection: Connection, at_ms: int) -> bool:
        """See `Chore`."""
        return bool(_expired(connection, at_ms, 1))

    async def step(self) -> int:
        """Write off what is due; how many units. An unavailable record is retried next time."""
        try:
            if not await self._shop.record.query(self._has_expired):
                return 0
            units = await self._shop.record.transact(self._write_off)
        except DBAPIError as error:
            log.warning("expired lots not written off", error=type(error).__name__)
            return 0
        if units:
            self._shop.on_commit()
            log.info("expired lots written off", units=units)
        return units

    def _has_expired(self, connection: Connection) -> bool:
        return self.is_due(connection, self._shop.clock())

    def _write_off(self, connection: Connection) -> int:
        at_ms = self._shop.clock()
        found = _expired(connection, at_ms, LOTS_MAX)
        shops = [(product, store_of(location)) for location, product, _, _ in found]
        lock_stock(connection, [(product, store) for product, store in shops if store])
        # Units may have been sold before the lock was ours: only what was found is written off.
        chosen = {(location, lot) for location, _, lot, _ in found}
        moves = [
            LotMove(
                product,
                lot,
                location,
                LocationKind.WASTE.value,
                units,
                LotMoveKind.EXPIRED,
                f"{EXPIRY}:{at_ms}:{location}",
                product,
                at_ms,
                EXPIRY,
            )
            for location, product, lot, units in _expired(connection, at_ms, 2 * LOTS_MAX)
            if (location, lot) in chosen
        ]
        move_lots(connection, moves, at_ms)
        return sum(move.units for move in moves)


def _expired(connection: Connection, at_ms: int, limit: int) -> list[tuple[str, str, str, int]]:
    rows = connection.execute(
        select(balances.c.location_id, balances.c.product_id, balances.c.lot_id, balances.c.units)
        .join(lots, lots.c.id == balances.c.lot_id)
        .join(locations, locations.c.id == balances.c.location_id)
        .where(
            lots.c.best_before_ms <= at_ms,
            locations.c.kind.in_(_STOCKED),
            balances.c.units > 0,
        )
        .order_by(lots.c.best_before_ms, balances.c.location_id, balances.c.lot_id)
        .limit(limit)
    )
    return [(location, product, lot, units) for location, product, lot, units in rows]
