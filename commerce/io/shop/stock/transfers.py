"""Goods that one store sends to another: in transit until they are received, whole or in part."""

import hashlib
from dataclasses import dataclass

from sqlalchemy import Connection, Row, insert, or_, select, update

from commerce.errors import InvalidField, NotEnoughUnits, NotFound, Refusal, Refused
from commerce.io.record.audit_trail import record_audit
from commerce.io.record.lots import units_in
from commerce.io.record.postings import lock_stock, move_lots
from commerce.io.record.schema_stock import lot_moves, stock_transfers
from commerce.io.shop.context import ShopContext
from commerce.io.shop.stock.keeping import StockChange
from commerce.supply.lots import LocationKind, LotMove, LotMoveKind, location_id, take

TRANSFERS_MAX = 200  # in a list
_TRANSIT, _SHOP = LocationKind.TRANSIT, LocationKind.SHOP


@dataclass(frozen=True, slots=True)
class TransferView:
    """Units on their way; `received_units` is null until they have arrived."""

    id: str
    product_id: str
    from_store_id: str
    to_store_id: str
    units: int
    received_units: int | None
    sent_at_ms: int
    received_at_ms: int | None


class Transfers:
    """Transfers between stores."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def list(self, store_id: str) -> list[TransferView]:
        """What a store has sent or is sent, newest first.

        Raises:
            NotFound: There is no such store.
        """
        self._shop.catalogue.store(store_id)
        async with self._shop.record.read() as connection:
            rows = await connection.execute(
                select(stock_transfers)
                .where(
                    or_(
                        stock_transfers.c.to_store_id == store_id,
                        stock_transfers.c.from_id == location_id(_SHOP, store_id),
                    )
                )
                .order_by(stock_transfers.c.sent_at_ms.desc(), stock_transfers.c.id)
                .limit(TRANSFERS_MAX)
            )
            return [transfer_view(row) for row in rows]

    async def send(self, change: StockChange, units: int, to_store_id: str) -> TransferView:
        """Take units off the shelf of a store, what expires first, for another one.

        Raises:
            NotFound: There is no such store or product.
            InvalidField: A store sends nothing to itself.
            NotEnoughUnits: Fewer are available.
            Refused: KEY_REUSED.
        """
        if to_store_id == change.store_id:
            raise InvalidField("to_store_id", "It is the store itself.")
        self._shop.catalogue.store(change.store_id)
        self._shop.catalogue.store(to_store_id)
        await self._shop.cache.product(change.product_id)
        self._shop.catalogue.require_brand(
            self._shop.catalogue.brand_id("store", change.store_id),
            ("store", to_store_id),
            ("product", change.product_id),
        )
        at_ms = self._shop.clock()
        transfer_id = _id_of(change)
        wanted = (change.product_id, location_id(_SHOP, change.store_id), to_store_id, units)

        def work(connection: Connection) -> TransferView:
            ends = [(change.product_id, store) for store in (change.store_id, to_store_id)]
            lock_stock(connection, ends)
            known = _find(connection, transfer_id)
            if known is not None:
                if (known.product_id, known.from_id, known.to_store_id, known.units) != wanted:
                    raise Refused(Refusal.KEY_REUSED)
                return transfer_view(known)
            self._take(connection, change, transfer_id, units, to_store_id, at_ms)
            connection.execute(
                insert(stock_transfers),
                {
                    "id": transfer_id,
                    "from_id": wanted[1],
                    "to_store_id": to_store_id,
                    "product_id": change.product_id,
                    "units": units,
                    "sent_at_ms": at_ms,
                },
            )
            after = {"units": units, "to": to_store_id, "product": change.product_id}
            by = (change.store_id, change.staff_id)
            self._audit(connection, *by, "transfer.send", transfer_id, after, at_ms)
            return transfer_view(_row(connection, transfer_id))

        sent = await self._shop.record.transact(work)
        self._shop.on_commit()
        return sent

    async def receive(
        self, store_id: str, transfer_id: str, units: int, staff_id: str
    ) -> TransferView:
        """Put what has arrived on the shelf, once; the rest is missing.

        Raises:
            NotFound: No such transfer comes to this store.
            InvalidField: More has arrived than was sent.
            Refused: KEY_REUSED: it was received with another number of units.
        """
        at_ms = self._shop.clock()

        def work(connection: Connection) -> TransferView:
            found = _find(connection, transfer_id)
            if found is None or found.to_store_id != store_id:
                raise NotFound("transfer", transfer_id)
            if units > found.units:
                raise InvalidField("units", f"{found.units} were sent.")
            lock_stock(connection, [(found.product_id, store_id)])
            won = connection.execute(
                update(stock_transfers)
                .where(
                    stock_transfers.c.id == transfer_id,
                    stock_transfers.c.received_at_ms.is_(None),
                )
                .values(received_units=units, received_at_ms=at_ms)
            )
            now = _row(connection, transfer_id)
            if not won.rowcount:
                if now.received_units != units:
                    raise Refused(Refusal.KEY_REUSED)
                return transfer_view(now)
            self._arrive(connection, found, units, staff_id, at_ms)
            after = {"units": units, "sent": found.units}
            by = (store_id, staff_id)
            self._audit(connection, *by, "transfer.receive", transfer_id, after, at_ms)
            return transfer_view(now)

        received = await self._shop.record.transact(work)
        self._shop.on_commit()
        return received

    def _take(
        self,
        connection: Connection,
        change: StockChange,
        transfer_id: str,
        units: int,
        to_store_id: str,
        at_ms: int,
    ) -> None:
        shop, transit = location_id(_SHOP, change.store_id), location_id(_TRANSIT, to_store_id)
        there = units_in(connection, [shop], [change.product_id])
        chosen = take(there.get((shop, change.product_id), []), units)
        left = sum(part for _, part in chosen)
        if left < units:
            raise NotEnoughUnits(left)
        cause = (_source(transfer_id), change.product_id, at_ms, change.staff_id)
        move_lots(
            connection,
            [
                _move(change.product_id, lot, shop, transit, part, LotMoveKind.SEND, cause)
                for lot, part in chosen
            ],
            at_ms,
        )

    def _arrive(
        self,
        connection: Connection,
        found: Row[tuple[object, ...]],
        units: int,
        by: str,
        at_ms: int,
    ) -> None:
        sent = connection.execute(
            select(lot_moves.c.lot_id, lot_moves.c.units)
            .where(
                lot_moves.c.source == _source(found.id),
                lot_moves.c.kind == LotMoveKind.SEND.value,
            )
            .order_by(lot_moves.c.id)
        ).all()
        transit = location_id(_TRANSIT, found.to_store_id)
        shop = location_id(_SHOP, found.to_store_id)
        cause = (_source(found.id), found.product_id, at_ms, by)
        moves = []
        for lot, part in sent:
            arrived = min(part, units)
            units -= arrived
            for to, moved, kind in (
                (shop, arrived, LotMoveKind.ARRIVE),
                (LocationKind.COUNT.value, part - arrived, LotMoveKind.MISSING),
            ):
                if moved:
                    moves.append(_move(found.product_id, lot, transit, to, moved, kind, cause))
        move_lots(connection, moves, at_ms)

    def _audit(
        self,
        connection: Connection,
        store_id: str,
        staff_id: str,
        action: str,
        transfer_id: str,
        after: dict[str, object],
        at_ms: int,
    ) -> None:
        values = (staff_id, action, transfer_id, None, after, at_ms)
        record_audit(connection, self._shop.catalogue.brand_id("store", store_id), *values)


def _move(
    product_id: str,
    lot: str,
    from_id: str,
    to_id: str,
    units: int,
    kind: LotMoveKind,
    cause: tuple[str, str, int, str],
) -> LotMove:
    source, line, at_ms, by = cause
    return LotMove(product_id, lot, from_id, to_id, units, kind, source, line, at_ms, by)


def _row(connection: Connection, transfer_id: str) -> Row[tuple[object, ...]]:
    found = _find(connection, transfer_id)
    assert found is not None
    return found


def _find(connection: Connection, transfer_id: str) -> Row[tuple[object, ...]] | None:
    found = connection.execute(select(stock_transfers).where(stock_transfers.c.id == transfer_id))
    return found.first()


def transfer_view(row: Row[tuple[object, ...]]) -> TransferView:
    """A transfer of the record; of a warehouse, `from_store_id` is its id."""
    return TransferView(
        row.id,
        row.product_id,
        row.from_id.partition(":")[2],
        row.to_store_id,
        row.units,
        row.received_units,
        row.sent_at_ms,
        row.received_at_ms,
    )


def _id_of(change: StockChange) -> str:
    return hashlib.blake2b(change.source.encode(), digest_size=10).hexdigest()


def _source(transfer_id: str) -> str:
    return f"transfer:{transfer_id}"
