"""The stock of central warehouses: received, counted, written off, and sent to stores.

Nothing is sold from a warehouse. What it sends is in transit until the store receives it, whole or
in part, as between stores. Every change is one transaction with an entry in the audit trail; a key
makes it happen once.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, insert, select, update

from commerce.catalogue.values import Text
from commerce.errors import InvalidField, NotEnoughUnits, NotFound
from commerce.io.record.audit_trail import record_audit
from commerce.io.record.lots import add_lot, units_in
from commerce.io.record.postings import move_lots
from commerce.io.record.schema import warehouses
from commerce.io.record.schema_stock import balances, lots, stock_transfers
from commerce.io.shop.context import ShopContext
from commerce.io.shop.stock.keeping import Delivery, is_done
from commerce.io.shop.stock.listing import LotView
from commerce.io.shop.stock.transfers import TRANSFERS_MAX, TransferView, transfer_view
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

_COUNT = LocationKind.COUNT.value


@dataclass(frozen=True, slots=True)
class WarehouseChange:
    """Who of which brand changes the stock of a product in a warehouse; see `StockChange`."""

    brand_id: str
    warehouse_id: str
    product_id: str
    staff_id: str
    key: str

    @property
    def source(self) -> str:
        """What the moves of this change are known by."""
        return f"warehouse:{self.warehouse_id}:{self.key}"

    @property
    def location(self) -> str:
        """Where the units lie."""
        return location_id(LocationKind.WAREHOUSE, self.warehouse_id)


@dataclass(frozen=True, slots=True)
class WarehouseProduct:
    """A product that lies in a warehouse, first expired first."""

    product_id: str
    name: Text
    unit: Text
    units: int
    lots: tuple[LotView, ...]


@dataclass(frozen=True, slots=True)
class WarehouseList:
    """All that lies in a warehouse, and what it has sent, newest first."""

    products: tuple[WarehouseProduct, ...]
    transfers: tuple[TransferView, ...]


Moves = Callable[[Connection, int], Sequence[LotMove]]


class WarehouseStock:
    """The stock of all warehouses."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def list(self, brand_id: str, warehouse_id: str) -> WarehouseList:
        """What lies in a warehouse of a brand.

        Raises:
            NotFound: The brand has no such warehouse.
        """
        where = location_id(LocationKind.WAREHOUSE, warehouse_id)

        def read(connection: Connection) -> WarehouseList:
            _require(connection, brand_id, warehouse_id)
            return WarehouseList(self._products(connection, where), _sent(connection, where))

        return await self._shop.record.query(read)

    def _products(self, connection: Connection, where: str) -> tuple[WarehouseProduct, ...]:
        rows = connection.execute(
            select(balances.c.product_id, balances.c.units, lots)
            .join(lots, lots.c.id == balances.c.lot_id)
            .where(balances.c.location_id == where, balances.c.units > 0)
            .order_by(
                lots.c.best_before_ms.is_(None),
                lots.c.best_before_ms,
                lots.c.received_at_ms,
                lots.c.id,
            )
        )
        found: defaultdict[str, list[LotView]] = defaultdict(list)
        for row in rows:
            known = (row.id, row.units, row.best_before_ms, row.supplier, row.received_at_ms)
            found[row.product_id].append(LotView(*known))
        catalogue = self._shop.catalogue
        return tuple(
            WarehouseProduct(
                product.id, product.name, product.unit, sum(lot.units for lot in there), (*there,)
            )
            for product in catalogue.products.values()
            if (there := found.get(product.id))
        )

    async def receive(self, change: WarehouseChange, delivery: Delivery) -> WarehouseList:
        """Add what a supplier brought, as a lot of its own.

        Raises:
            NotFound: The brand has no such warehouse or product.
            InvalidField: It is past its best-before date already, or a set.
            Refused: KEY_REUSED.
        """
        best_before_ms = delivery.best_before_ms
        if best_before_ms is not None and best_before_ms <= self._shop.clock():
            raise InvalidField("best_before_ms", "It has passed.")

        def moves(connection: Connection, at_ms: int) -> Sequence[LotMove]:
            material = f"{change.source}\x00{change.product_id}".encode()
            lot_id = f"lot-{hashlib.blake2b(material, digest_size=10).hexdigest()}"
            known = (best_before_ms, delivery.cost_fen, delivery.supplier, at_ms)
            add_lot(connection, Lot(lot_id, change.product_id, *known))
            ends = (LocationKind.SUPPLIER.value, change.location)
            return [_move(change, lot_id, *ends, delivery.units, LotMoveKind.RECEIVE, at_ms)]

        return await self._change(change, {LotMoveKind.RECEIVE}, delivery.units, moves)

    async def count(self, change: WarehouseChange, counted: int, was: int) -> WarehouseList:
        """Correct what lies there by the difference between what was counted and was listed.

        Raises:
            NotFound: The brand has no such warehouse or product.
            NotEnoughUnits: More are missing than there are.
            Refused: KEY_REUSED.
        """
        kinds = {LotMoveKind.FOUND, LotMoveKind.MISSING}

        def moves(connection: Connection, at_ms: int) -> Sequence[LotMove]:
            if counted < was:
                return _taken(connection, change, was - counted, LotMoveKind.MISSING, _COUNT, at_ms)
            there = _lots(connection, change)
            newest = max(there, key=lambda lot: (lot.received_at_ms, lot.lot_id), default=None)
            lot_id = newest.lot_id if newest else default_lot(change.product_id, change.location)
            add_lot(connection, Lot(lot_id, change.product_id))
            ends = (_COUNT, change.location)
            return [_move(change, lot_id, *ends, counted - was, LotMoveKind.FOUND, at_ms)]

        if counted == was:
            return await self.list(change.brand_id, change.warehouse_id)
        return await self._change(change, kinds, abs(counted - was), moves)

    async def write_off(
        self, change: WarehouseChange, units: int, reason: LotMoveKind
    ) -> WarehouseList:
        """Take away units that cannot be sold, what expires first.

        Raises:
            NotFound: The brand has no such warehouse or product.
            NotEnoughUnits: Fewer lie there.
            Refused: KEY_REUSED.
        """
        assert reason in WRITE_OFF_REASONS

        def moves(connection: Connection, at_ms: int) -> Sequence[LotMove]:
            return _taken(connection, change, units, reason, written_off_to(reason).value, at_ms)

        return await self._change(change, {reason}, units, moves)

    async def send(self, change: WarehouseChange, units: int, to_store_id: str) -> WarehouseList:
        """Send units to a store, what expires first; they are in transit until it receives them.

        Raises:
            NotFound: The brand has no such warehouse, store or product.
            NotEnoughUnits: Fewer lie there.
            Refused: KEY_REUSED.
        """
        self._shop.catalogue.store(to_store_id)
        self._shop.catalogue.require_brand(change.brand_id, ("store", to_store_id))
        transit = location_id(LocationKind.TRANSIT, to_store_id)
        # As `Transfers.receive` finds them; a key of the app is never one of a warehouse.
        id = hashlib.blake2b(change.source.encode(), digest_size=10).hexdigest()

        def moves(connection: Connection, at_ms: int) -> Sequence[LotMove]:
            connection.execute(
                insert(stock_transfers),
                {
                    "id": id,
                    "from_id": change.location,
                    "to_store_id": to_store_id,
                    "product_id": change.product_id,
                    "units": units,
                    "sent_at_ms": at_ms,
                },
            )
            return _taken(connection, change, units, LotMoveKind.SEND, transit, at_ms)

        return await self._change(
            change, {LotMoveKind.SEND}, units, moves, source=f"transfer:{id}", to=to_store_id
        )

    async def _change(
        self,
        change: WarehouseChange,
        kinds: set[LotMoveKind],
        units: int,
        moves: Moves,
        *,
        source: str = "",
        **more: object,
    ) -> WarehouseList:
        """Make the moves with the warehouse locked, once."""
        product = await self._shop.cache.product(change.product_id)
        self._shop.catalogue.require_brand(change.brand_id, ("product", change.product_id))
        if product.parts:
            raise InvalidField("product_id", "It is a set: its parts have stock.")
        at_ms = self._shop.clock()
        source = source or change.source

        def run(connection: Connection) -> WarehouseList:
            _lock(connection, change.brand_id, change.warehouse_id)
            if not is_done(connection, source, change.product_id, kinds, units):
                made = [replace(move, source=source) for move in moves(connection, at_ms)]
                move_lots(connection, made, at_ms)
                after = {"product": change.product_id, "units": units, **more}
                action = f"warehouse.{made[0].kind.value}"
                entry = (action, change.warehouse_id, None, after, at_ms)
                record_audit(connection, change.brand_id, change.staff_id, *entry)
            where = change.location
            return WarehouseList(self._products(connection, where), _sent(connection, where))

        now = await self._shop.record.transact(run)
        self._shop.on_commit()
        return now


def _require(connection: Connection, brand_id: str, warehouse_id: str) -> None:
    found = select(warehouses.c.id).where(
        warehouses.c.id == warehouse_id, warehouses.c.brand_id == brand_id
    )
    if connection.scalar(found) is None:
        raise NotFound("warehouse", warehouse_id)


def _lock(connection: Connection, brand_id: str, warehouse_id: str) -> None:
    """Hold the warehouse until the transaction ends: its balances are read, then changed."""
    locked = connection.execute(
        update(warehouses)
        .where(warehouses.c.id == warehouse_id, warehouses.c.brand_id == brand_id)
        .values(version=warehouses.c.version)
    )
    if not locked.rowcount:
        raise NotFound("warehouse", warehouse_id)


def _sent(connection: Connection, where: str) -> tuple[TransferView, ...]:
    rows = connection.execute(
        select(stock_transfers)
        .where(stock_transfers.c.from_id == where)
        .order_by(stock_transfers.c.sent_at_ms.desc(), stock_transfers.c.id)
        .limit(TRANSFERS_MAX)
    )
    return tuple(transfer_view(row) for row in rows)


def _lots(connection: Connection, change: WarehouseChange) -> list[LotUnits]:
    there = units_in(connection, [change.location], [change.product_id])
    return there.get((change.location, change.product_id), [])


def _taken(
    connection: Connection,
    change: WarehouseChange,
    units: int,
    kind: LotMoveKind,
    to: str,
    at_ms: int,
) -> list[LotMove]:
    chosen = take(_lots(connection, change), units)
    left = sum(part for _, part in chosen)
    if left < units:
        raise NotEnoughUnits(left)
    return [_move(change, lot, change.location, to, part, kind, at_ms) for lot, part in chosen]


def _move(
    change: WarehouseChange,
    lot_id: str,
    from_id: str,
    to_id: str,
    units: int,
    kind: LotMoveKind,
    at_ms: int,
) -> LotMove:
    product_id, by = change.product_id, change.staff_id
    goes = (product_id, lot_id, from_id, to_id, units, kind)
    return LotMove(*goes, change.source, product_id, at_ms, by)
