"""Books what tills send: receipts, returns and voids, each line once, in any order.

A till is never refused, since the goods have left already. What orders hold in the record is taken
from the youngest of them that nobody has picked yet: it is cancelled and paid back. If that is not
enough, units are booked as found, and the next count puts it right.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, insert, select, update

from commerce.io.record.lots import add_lot, units_in
from commerce.io.record.order_lines import orders_of, takes_any
from commerce.io.record.order_postings import cancel_orders, items_of
from commerce.io.record.postings import lock_stock, move_lots
from commerce.io.record.recipes import recipes_of
from commerce.io.record.rows import GROUPS, ORDERS
from commerce.io.record.schema import buying_groups, orders, products, stock
from commerce.io.record.schema_stock import lot_moves, pos_lines, pos_voids, tills
from commerce.io.shop.context import ShopContext
from commerce.io.shop.fulfilment import give_up_seat
from commerce.io.shop.stock.barcodes import barcodes_of
from commerce.io.shop.stock.till_money import book_money
from commerce.io.shop.stock.tills import Till
from commerce.orders.order import OrderRow
from commerce.orders.states import OrderState
from commerce.supply.barcodes import BadBarcode, parse
from commerce.supply.lots import (
    LocationKind,
    Lot,
    LotMove,
    LotMoveKind,
    LotUnits,
    default_lot,
    location_id,
    take,
)
from commerce.supply.receipts import (
    Booking,
    Known,
    LineKind,
    LineStatus,
    ReceiptLine,
    book,
)

SOLD_AT_TILL = "sold-at-till"  # why an order is cancelled and paid back
_UNPICKED = (OrderState.NEW.value, OrderState.WAITING_GROUP.value)
_MOVE_KINDS = (LotMoveKind.POS_SALE, LotMoveKind.POS_RETURN, LotMoveKind.RETURNED)
_POS, _WASTE, _COUNT = (
    LocationKind.POS.value,
    LocationKind.WASTE.value,
    LocationKind.COUNT.value,
)


@dataclass(frozen=True, slots=True)
class Sent:
    """What a till sends together; `sent_at_ms` is its clock at that moment."""

    lines: tuple[ReceiptLine, ...]
    voids: tuple[str, ...]
    sent_at_ms: int


@dataclass(frozen=True, slots=True)
class LineAnswer:
    """What became of a line."""

    number: str
    line: int
    status: LineStatus


@dataclass(frozen=True, slots=True)
class ReceiptsAnswer:
    """What became of all; the till's clock is `clock_ahead_ms` before ours.

    `cancelled` are orders that lost their units to the till, `found` units that the record lacked.
    """

    lines: list[LineAnswer]
    voided: list[str]
    cancelled: list[str]
    found: int
    now_ms: int
    clock_ahead_ms: int


class Receipts:
    """Receipts of all tills."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def book(self, till: Till, sent: Sent) -> ReceiptsAnswer:
        """Book all that was sent, in one transaction."""
        at_ms = self._shop.clock()
        ahead_ms = sent.sent_at_ms - at_ms
        products = self._shop.catalogue.products
        sets = {id: product.recipe_version for id, product in products.items() if product.parts}

        def work(connection: Connection) -> ReceiptsAnswer:
            lines = _resolved(connection, till.brand_id, sent.lines, sets)
            return _Posting(connection, till, at_ms, ahead_ms).post(lines, sent.voids)

        answer = await self._shop.record.transact(work)
        self._shop.on_commit()
        return answer


class _Posting:
    """One transaction of a till."""

    def __init__(self, connection: Connection, till: Till, at_ms: int, ahead_ms: int) -> None:
        self._connection = connection
        self._till = till
        self._at_ms = at_ms
        self._ahead_ms = ahead_ms
        self._shop_id = location_id(LocationKind.SHOP, till.store_id)
        self._shelf: dict[str, dict[str, LotUnits]] = {}
        self._moves: list[LotMove] = []
        self._found = 0

    def post(self, lines: Sequence[ReceiptLine], voids: Sequence[str]) -> ReceiptsAnswer:
        numbers = {line.number for line in lines} | set(voids)
        # Which products a void touches is known from its receipt's lines, which never change.
        booked = _known(self._connection, self._till.id, numbers)
        goods = _parts(self._connection, [*lines, *booked.lines.values()])
        ids = {line.product_id for line in goods if line.product_id}
        cancellable = self._lock(sorted(ids))
        # Another transaction of this till may have booked lines before the lock was ours.
        known = _known(self._connection, self._till.id, numbers)
        booking = book(known, lines, voids)
        self._write(booking)
        self._book_money(booking, known, set(voids))
        booking.moved = _parts(self._connection, booking.moved)
        booking.reversed = _parts(self._connection, booking.reversed)
        cancelled = self._cancel(booking, cancellable)
        self._move(booking, ids)
        return ReceiptsAnswer(
            [
                LineAnswer(line.number, line.line, status)
                for line, status in zip(lines, booking.statuses, strict=True)
            ],
            list(dict.fromkeys(voids)),
            [order.number for order in cancelled],
            self._found,
            self._at_ms,
            self._ahead_ms,
        )

    def _lock(self, product_ids: Sequence[str]) -> list[OrderRow]:
        """Lock till, groups and stock, in this order; return orders that nobody has picked yet."""
        connection, store_id = self._connection, self._till.store_id
        seen = update(tills).where(tills.c.id == self._till.id)
        connection.execute(seen.values(seen_at_ms=self._at_ms))
        unpicked = (
            orders.c.store_id == store_id,
            takes_any(product_ids),
            orders.c.state.in_(_UNPICKED),
        )
        named = connection.scalars(select(orders.c.group_id).where(*unpicked).distinct())
        group_ids = sorted({group_id for group_id in named if group_id})
        if group_ids:
            connection.execute(
                GROUPS.where(buying_groups.c.id.in_(group_ids))
                .order_by(buying_groups.c.id)
                .with_for_update()
            )
        # Whoever cancels an order of several items moves all of them.
        locked = {*product_ids, *items_of(orders_of(connection, ORDERS.where(*unpicked)))}
        lock_stock(connection, [(product_id, store_id) for product_id in locked])
        which = ORDERS.where(*unpicked).order_by(orders.c.created_at_ms.desc(), orders.c.id)
        return [
            order
            for order in orders_of(connection, which)
            if (not order.group_id or order.group_id in group_ids)
            and all(item_id in locked for item_id, _ in order.taken)
        ]

    def _write(self, booking: Booking) -> None:
        if booking.lines:
            self._connection.execute(
                insert(pos_lines), [self._line_values(line) for line in booking.lines]
            )
        if booking.voids:
            self._connection.execute(
                insert(pos_voids),
                [
                    {"till_id": self._till.id, "number": number, "voided_at_ms": self._at_ms}
                    for number in booking.voids
                ],
            )

    def _book_money(self, booking: Booking, known: Known, voids: set[str]) -> None:
        void = known.voids | voids
        paid = [line for line in booking.lines if line.payment and line.number not in void]
        unpaid = [line for line in known.lines.values() if line.number in booking.voids]
        book_money(self._connection, self._till, paid, unpaid, self._sold_at_ms, self._at_ms)

    def _sold_at_ms(self, line: ReceiptLine) -> int:
        """When it was sold in our clock, as far as that is known, and never after now."""
        return min(line.at_ms - self._ahead_ms, self._at_ms)

    def _line_values(self, line: ReceiptLine) -> Mapping[str, object]:
        return {
            "till_id": self._till.id,
            "number": line.number,
            "line": line.line,
            "kind": line.kind.value,
            "product_id": line.product_id or None,
            "units": line.units,
            "amount_fen": line.amount_fen,
            "body_hash": line.body_hash,
            "sold_at_ms": self._sold_at_ms(line),
            "booked_at_ms": self._at_ms,
            "payment": line.payment or None,
            "recipe_version": line.recipe_version,
        }

    def _cancel(self, booking: Booking, cancellable: Sequence[OrderRow]) -> list[OrderRow]:
        """Cancel the youngest orders whose units are gone."""
        leaving = booking.leaving()
        free = self._free(leaving)
        chosen: list[OrderRow] = []
        for product_id, units in sorted(leaving.items()):
            for order in cancellable:
                if free.get(product_id, 0) >= units:
                    break
                if order not in chosen and product_id in dict(order.taken):
                    chosen.append(order)
                    for item_id, given_back in order.taken:
                        free[item_id] = free.get(item_id, 0) + given_back
        actor = f"till:{self._till.id}"
        if chosen:
            cancel_orders(self._connection, chosen, SOLD_AT_TILL, actor, self._at_ms)
        for order in chosen:
            if order.group_id:
                give_up_seat(self._connection, order, self._at_ms)
        return chosen

    def _free(self, product_ids: Mapping[str, int]) -> dict[str, int]:
        rows = self._connection.execute(
            select(stock.c.product_id, stock.c.on_hand - stock.c.sold).where(
                stock.c.store_id == self._till.store_id, stock.c.product_id.in_(product_ids)
            )
        )
        return {product_id: units for product_id, units in rows}

    def _move(self, booking: Booking, product_ids: set[str]) -> None:
        there = units_in(self._connection, [self._shop_id], product_ids)
        self._shelf = {
            product_id: {lot.lot_id: lot for lot in units}
            for (_, product_id), units in there.items()
        }
        taken = self._taken(booking.reversed)
        # What comes back first, so that what leaves with it is not found.
        for line in booking.reversed:
            if line.leaving >= 0:
                self._reverse(line, taken.get((*line.key, line.product_id), []))
        for line in booking.moved:
            if line.leaving < 0:
                self._come_back(line)
        for line in booking.reversed:
            if line.leaving < 0:
                self._leave(line, LotMoveKind.POS_VOID)
        for line in booking.moved:
            if line.kind is LineKind.SALE:
                self._leave(line, LotMoveKind.POS_SALE)
            elif line.kind is LineKind.RETURN_DESTROYED:
                lot = self._sold_lot(line.product_id)
                self._add(line, lot, _POS, _WASTE, line.units, LotMoveKind.RETURNED)
        move_lots(self._connection, self._moves, self._at_ms, store_id=self._till.store_id)

    def _leave(self, line: ReceiptLine, kind: LotMoveKind) -> None:
        shelf = self._shelf.get(line.product_id, {})
        chosen = dict(take(list(shelf.values()), line.units))
        lacking = line.units - sum(chosen.values())
        for lot, units in chosen.items():
            self._put(line.product_id, lot, -units)
        if lacking:
            lot = default_lot(line.product_id, self._till.store_id)
            add_lot(self._connection, Lot(lot, line.product_id))
            self._add(line, lot, _COUNT, self._shop_id, lacking, LotMoveKind.FOUND)
            self._found += lacking
            chosen[lot] = chosen.get(lot, 0) + lacking
        for lot, units in chosen.items():
            self._add(line, lot, self._shop_id, _POS, units, kind)

    def _put(self, product_id: str, lot: str, units: int) -> None:
        shelf = self._shelf.setdefault(product_id, {})
        there = shelf.get(lot, LotUnits(lot, 0))
        shelf[lot] = replace(there, units=there.units + units)

    def _come_back(self, line: ReceiptLine) -> None:
        lot = self._sold_lot(line.product_id)
        self._add(line, lot, _POS, self._shop_id, line.units, LotMoveKind.POS_RETURN)
        self._put(line.product_id, lot, line.units)

    def _reverse(self, line: ReceiptLine, taken: Sequence[tuple[str, int]]) -> None:
        """Put what a sale took back into the same lots, or a destroyed return out of the waste."""
        sold = line.kind is LineKind.SALE
        ends = (_POS, self._shop_id) if sold else (_WASTE, _POS)
        for lot, units in taken:
            self._add(line, lot, *ends, units, LotMoveKind.POS_VOID)
            if sold:
                self._put(line.product_id, lot, units)

    def _taken(
        self, lines: Sequence[ReceiptLine]
    ) -> dict[tuple[str, int, str], list[tuple[str, int]]]:
        of = lot_moves.c
        rows = self._connection.execute(
            select(of.source, of.line, of.product_id, of.lot_id, of.units)
            .where(
                lot_moves.c.source.in_({self._source(line) for line in lines}),
                lot_moves.c.kind.in_([kind.value for kind in _MOVE_KINDS]),
            )
            .order_by(lot_moves.c.id)
        )
        found: dict[tuple[str, int, str], list[tuple[str, int]]] = {}
        prefix = len(self._source_of(""))
        for source, line, product_id, lot, units in rows:
            key = (source[prefix:], int(line), product_id)
            found.setdefault(key, []).append((lot, units))
        return found

    def _sold_lot(self, product_id: str) -> str:
        """Return the lot that a till here sold last, or the one of which nothing is known."""
        last = self._connection.scalar(
            select(lot_moves.c.lot_id)
            .where(
                lot_moves.c.product_id == product_id,
                lot_moves.c.from_id == self._shop_id,
                lot_moves.c.to_id == _POS,
            )
            .order_by(lot_moves.c.id.desc())
            .limit(1)
        )
        lot = last or default_lot(product_id, self._till.store_id)
        add_lot(self._connection, Lot(lot, product_id))
        return str(lot)

    def _add(
        self,
        line: ReceiptLine,
        lot: str,
        from_id: str,
        to_id: str,
        units: int,
        kind: LotMoveKind,
    ) -> None:
        by = f"till:{self._till.id}"
        source, at_ms = self._source(line), self._at_ms
        self._moves.append(
            LotMove(
                line.product_id, lot, from_id, to_id, units, kind, source, str(line.line), at_ms, by
            )
        )

    def _source(self, line: ReceiptLine) -> str:
        return self._source_of(line.number)

    def _source_of(self, number: str) -> str:
        return f"pos:{self._till.id}:{number}"


def _resolved(
    connection: Connection, brand_id: str, lines: Sequence[ReceiptLine], sets: Mapping[str, int]
) -> list[ReceiptLine]:
    """Fill in the products that `item` names, none where it names nothing, and sets' recipes."""
    keys: dict[str, str] = {}
    for line in lines:
        try:
            keys[line.item] = parse(line.item).key
        except BadBarcode:
            pass
    codes = barcodes_of(connection, brand_id, keys.values())
    named = connection.scalars(
        select(products.c.id).where(
            products.c.id.in_({line.item for line in lines}), products.c.brand_id == brand_id
        )
    )
    ids = {item: codes[key][0] for item, key in keys.items() if key in codes}
    ids |= {id: id for id in named}
    found = []
    for line in lines:
        product_id = ids.get(line.item, "")
        version = sets.get(product_id, 0)
        found.append(replace(line, product_id=product_id, recipe_version=version))
    return found


def _parts(connection: Connection, lines: Sequence[ReceiptLine]) -> list[ReceiptLine]:
    """Lines of items, and one per part in place of those of sets."""
    versions = {(line.product_id, line.recipe_version) for line in lines if line.recipe_version}
    recipes = recipes_of(connection, versions)
    found: list[ReceiptLine] = []
    for line in lines:
        if not line.recipe_version:
            found.append(line)
            continue
        found += [
            replace(line, product_id=part.item_id, units=line.units * part.units)
            for part in recipes[line.product_id, line.recipe_version]
        ]
    return found


def _known(connection: Connection, till_id: str, numbers: set[str]) -> Known:
    known = Known()
    rows = connection.execute(
        select(pos_lines)
        .where(pos_lines.c.till_id == till_id, pos_lines.c.number.in_(numbers))
        .order_by(pos_lines.c.number, pos_lines.c.line)
    )
    for row in rows:
        line = ReceiptLine(
            row.number,
            row.line,
            LineKind(row.kind),
            row.product_id or "",
            row.units,
            row.amount_fen,
            row.sold_at_ms,
            payment=row.payment or "",
            recipe_version=row.recipe_version,
        )
        known.lines[line.key] = line
        known.hashes[line.key] = row.body_hash
    voided = connection.scalars(
        select(pos_voids.c.number).where(
            pos_voids.c.till_id == till_id, pos_voids.c.number.in_(numbers)
        )
    )
    known.voids = set(voided)
    return known
