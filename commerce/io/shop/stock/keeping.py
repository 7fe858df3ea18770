"""What staff does to a store's stock: goods are received, counted, written off.

Every change is one transaction: units of lots move, the counts follow, the outbox has the gate and
the rooms follow, and the brand's audit trail has an entry. A key makes a change happen once.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, select

from commerce.errors import InvalidField, NotEnoughUnits, Refusal, Refused
from commerce.io.record.audit_trail import record_audit
from commerce.io.record.lots import add_lot, units_in
from commerce.io.record.postings import lock_stock, move_lots, receive_stock
from commerce.io.record.schema import stock
from commerce.io.record.schema_stock import lot_moves
from commerce.io.shop.context import ShopContext
from commerce.io.shop.stock.listing import StockList, StockView, matching, stock_list
from commerce.supply.lots import (
    WRITE_OFF_REASONS,
    LocationKind,
    Lot,
    LotMove,
    LotMoveKind,
    LotUnits,
    default_lot,
    location_id,
    take,
    written_off_to,
)


@dataclass(frozen=True, slots=True)
class StockChange:
    """Who changes the stock of which product where; the key of a retry is the same."""

    store_id: str
    product_id: str
    staff_id: str
    key: str

    @property
    def source(self) -> str:
        """What the moves of this change are known by."""
        return f"app:{self.store_id}:{self.key}"


@dataclass(frozen=True, slots=True)
class Delivery:
    """Units of one lot from a supplier. `best_before_ms` is the last moment to sell them."""

    units: int
    best_before_ms: int | None = None
    supplier: str = ""
    cost_fen: int | None = None


class StockKeeping:
    """The stock of stores, as their staff keeps it."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def list(self, store_id: str, words: str = "") -> StockList:
        """What lies in a store, of the products whose name contains `words`.

        Raises:
            NotFound: There is no such store.
        """
        catalogue = self._shop.catalogue
        catalogue.store(store_id)
        brand_id = catalogue.brand_id("store", store_id)
        found, now_ms = matching(catalogue, brand_id, words), self._shop.clock()
        return await self._shop.record.query(
            lambda connection: stock_list(connection, catalogue, store_id, found, now_ms)
        )

    async def receive(self, change: StockChange, delivery: Delivery) -> StockView:
        """Add what a supplier brought, as a lot of its own.

        Raises:
            NotFound: There is no such store or product.
            Refused: KEY_REUSED.
            InvalidField: It is past its best-before date already.
        """
        best_before_ms = delivery.best_before_ms
        if best_before_ms is not None and best_before_ms <= self._shop.clock():
            raise InvalidField("best_before_ms", "It has passed.")

        def work(connection: Connection, at_ms: int) -> dict[str, object] | None:
            if _done(connection, change, {LotMoveKind.RECEIVE}, delivery.units):
                return None
            lot = Lot(
                _lot_id(change),
                change.product_id,
                best_before_ms,
                delivery.cost_fen,
                delivery.supplier,
                at_ms,
            )
            receive_stock(
                connection,
                change.product_id,
                change.store_id,
                delivery.units,
                at_ms,
                lot=lot,
                source=change.source,
                moved_by=change.staff_id,
            )
            return {"units": delivery.units, "lot": lot.id, "best_before_ms": best_before_ms}

        return await self._change(change, "stock.receive", work)

    async def count(self, change: StockChange, counted: int, was: int) -> StockView:
        """Correct what is on hand by the difference between what was counted and what was listed.

        Units that orders hold are on hand: they are counted, too. Units that are missing are taken
        from what expires first; units that were found join the newest lot.

        Raises:
            NotFound: There is no such store or product.
            NotEnoughUnits: More are missing than orders leave.
            Refused: KEY_REUSED.
        """
        kinds = {LotMoveKind.FOUND, LotMoveKind.MISSING}

        def work(connection: Connection, at_ms: int) -> dict[str, object] | None:
            if counted == was or _done(connection, change, kinds, abs(counted - was)):
                return None
            if counted > was:
                moves = [_found(connection, change, counted - was, at_ms)]
            else:
                moves = _taken(
                    connection,
                    change,
                    was - counted,
                    LotMoveKind.MISSING,
                    LocationKind.COUNT,
                    at_ms,
                )
            move_lots(connection, moves, at_ms)
            return {"units": counted - was}

        return await self._change(change, "stock.count", work)

    async def write_off(
        self, change: StockChange, units: int, reason: LotMoveKind, lot_id: str = ""
    ) -> StockView:
        """Take units that cannot be sold off the shelf, from one lot or from what expires first.

        They are waste, or go back to their supplier.

        Raises:
            NotFound: There is no such store or product.
            NotEnoughUnits: Fewer are available.
            Refused: KEY_REUSED.
        """
        assert reason in WRITE_OFF_REASONS

        def work(connection: Connection, at_ms: int) -> dict[str, object] | None:
            if _done(connection, change, {reason}, units):
                return None
            to = written_off_to(reason)
            moves = _taken(connection, change, units, reason, to, at_ms, lot_id)
            move_lots(connection, moves, at_ms)
            return {"units": -units, "reason": reason.value}

        return await self._change(change, "stock.write-off", work)

    async def _change(
        self,
        change: StockChange,
        action: str,
        work: Callable[[Connection, int], dict[str, object] | None],
    ) -> StockView:
        """Run `work` with the counts locked; it returns what changed, or None for nothing."""
        self._shop.catalogue.store(change.store_id)
        product = await self._shop.cache.product(change.product_id)
        if product.parts:
            raise InvalidField("product_id", "It is a set: its parts have stock.")
        brand_id = self._shop.catalogue.brand_id("store", change.store_id)
        self._shop.catalogue.require_brand(brand_id, ("product", change.product_id))
        at_ms = self._shop.clock()
        here = (change.product_id, change.store_id)

        def run(connection: Connection) -> StockView:
            lock_stock(connection, [here])
            before = _on_hand(connection, *here)
            changed = work(connection, at_ms)
            catalogue = self._shop.catalogue
            found = stock_list(connection, catalogue, change.store_id, [product], at_ms)
            [view] = found.products
            if changed is not None:
                after = {"on_hand": view.on_hand, **changed}
                subject = f"{change.product_id}|{change.store_id}"
                entry = (action, subject, {"on_hand": before}, after, at_ms)
                record_audit(connection, brand_id, change.staff_id, *entry)
            return view

        view = await self._shop.record.transact(run)
        self._shop.on_commit()
        return view


def _on_hand(connection: Connection, product_id: str, store_id: str) -> int:
    query = select(stock.c.on_hand).where(
        stock.c.product_id == product_id, stock.c.store_id == store_id
    )
    return int(connection.scalar(query) or 0)


def _done(connection: Connection, change: StockChange, kinds: set[LotMoveKind], units: int) -> bool:
    return is_done(connection, change.source, change.product_id, kinds, units)


def is_done(
    connection: Connection, source: str, product_id: str, kinds: set[LotMoveKind], units: int
) -> bool:
    """Whether this change was made before.

    Raises:
        Refused: KEY_REUSED: the key was that of another one.
    """
    rows = connection.execute(
        select(lot_moves.c.product_id, lot_moves.c.kind, lot_moves.c.units).where(
            lot_moves.c.source == source
        )
    ).all()
    if not rows:
        return False
    known = {(row.product_id, LotMoveKind(row.kind) in kinds) for row in rows}
    if known != {(product_id, True)} or sum(row.units for row in rows) != units:
        raise Refused(Refusal.KEY_REUSED)
    return True


def _found(connection: Connection, change: StockChange, units: int, at_ms: int) -> LotMove:
    there = _lots(connection, change)
    newest = max(there, key=lambda lot: (lot.received_at_ms, lot.lot_id), default=None)
    lot_id = newest.lot_id if newest else default_lot(change.product_id, change.store_id)
    add_lot(connection, Lot(lot_id, change.product_id))
    return _move(change, lot_id, units, LotMoveKind.FOUND, LocationKind.COUNT, at_ms)


def _taken(
    connection: Connection,
    change: StockChange,
    units: int,
    kind: LotMoveKind,
    to: LocationKind,
    at_ms: int,
    lot_id: str = "",
) -> list[LotMove]:
    there = [lot for lot in _lots(connection, change) if lot_id in ("", lot.lot_id)]
    chosen = take(there, units)
    left = sum(part for _, part in chosen)
    if left < units:
        raise NotEnoughUnits(left)
    return [_move(change, lot, part, kind, to, at_ms) for lot, part in chosen]


def _move(
    change: StockChange,
    lot_id: str,
    units: int,
    kind: LotMoveKind,
    other: LocationKind,
    at_ms: int,
) -> LotMove:
    """A move between the shop and another location: to the shop if units were found."""
    shop = location_id(LocationKind.SHOP, change.store_id)
    ends = (other.value, shop) if kind is LotMoveKind.FOUND else (shop, other.value)
    product_id, by = change.product_id, change.staff_id
    return LotMove(product_id, lot_id, *ends, units, kind, change.source, product_id, at_ms, by)


def _lots(connection: Connection, change: StockChange) -> list[LotUnits]:
    shop = location_id(LocationKind.SHOP, change.store_id)
    return units_in(connection, [shop], [change.product_id]).get((shop, change.product_id), [])


def _lot_id(change: StockChange) -> str:
    material = f"{change.source}\x00{change.product_id}".encode()
    return f"lot-{hashlib.blake2b(material, digest_size=10).hexdigest()}"
