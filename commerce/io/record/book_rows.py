"""What a posting looks up for the books: brands, closed days, tax rates and costs."""

from collections.abc import Collection

from sqlalchemy import Connection, case, func, select

from commerce.io.record.lots import kept_lots
from commerce.io.record.schema import orders, products, stores
from commerce.io.record.schema_books import book_closings
from commerce.io.record.schema_sets import order_lines
from commerce.io.record.schema_stock import lot_moves, lots
from commerce.money.goods import LotCost
from commerce.money.tax import RATE_BP, TaxedLine
from commerce.orders.order import OrderRow
from commerce.supply.lots import LotMoveKind, LotUnits

IDS_MAX = 500  # orders per statement


def order_brands(connection: Connection, order_ids: Collection[str]) -> dict[str, str]:
    """Return the brand of each order."""
    found: dict[str, str] = {}
    ids = sorted(order_ids)
    for at in range(0, len(ids), IDS_MAX):
        rows = connection.execute(
            select(orders.c.id, stores.c.brand_id)
            .join(stores, stores.c.id == orders.c.store_id)
            .where(orders.c.id.in_(ids[at : at + IDS_MAX]))
        )
        found |= {order_id: brand_id for order_id, brand_id in rows}
    return found


def last_closed(connection: Connection) -> dict[str, str]:
    """Return the last closed day of each brand that has one."""
    rows = connection.execute(
        select(book_closings.c.brand_id, func.max(book_closings.c.period)).group_by(
            book_closings.c.brand_id
        )
    )
    return {brand_id: period for brand_id, period in rows}


def tax_rates(connection: Connection, product_ids: Collection[str]) -> dict[str, int]:
    """Return the tax rate of each product, in basis points."""
    rows = connection.execute(
        select(products.c.id, products.c.tax_bp).where(products.c.id.in_(product_ids))
    )
    return {product_id: rate for product_id, rate in rows}


def taxed_lines(connection: Connection, order: OrderRow) -> list[TaxedLine]:
    """Return the lines of an order with their rates; orders older than rates have the usual one."""
    if not order.lines:
        rate = connection.scalar(select(orders.c.tax_bp).where(orders.c.id == order.id))
        return [TaxedLine(0, order.total_fen, RATE_BP if rate is None else rate)]
    rows = connection.execute(
        select(
            order_lines.c.line,
            order_lines.c.total_fen - order_lines.c.discount_fen,
            order_lines.c.tax_bp,
        )
        .where(order_lines.c.order_id == order.id)
        .order_by(order_lines.c.line)
    )
    return [
        TaxedLine(line, total_fen, RATE_BP if rate is None else rate)
        for line, total_fen, rate in rows
    ]


def cost_of_order(connection: Connection, order_id: str) -> int:
    """Return what the goods of an order cost, as far as the cost of their lots is known."""
    units = case((lot_moves.c.kind == LotMoveKind.SELL.value, lot_moves.c.units), else_=0)
    back = case((lot_moves.c.kind == LotMoveKind.RELEASE.value, lot_moves.c.units), else_=0)
    cost = connection.scalar(
        select(func.sum((units - back) * lots.c.cost_fen))
        .select_from(lot_moves)
        .join(lots, lots.c.id == lot_moves.c.lot_id)
        .where(lot_moves.c.source == order_id, lots.c.cost_fen.is_not(None))
    )
    return int(cost or 0)


def sold_lots(connection: Connection, order_id: str, product_id: str) -> list[LotUnits]:
    """Return the lots that an order took units of a product from."""
    return kept_lots(connection, [order_id]).get((order_id, product_id), [])


def cost_of_units(connection: Connection, chosen: Collection[tuple[str, int]]) -> int:
    """Return what units of lots cost, as far as it is known."""
    rows = connection.execute(
        select(lots.c.id, lots.c.cost_fen).where(lots.c.id.in_([lot_id for lot_id, _ in chosen]))
    )
    costs = {lot_id: cost_fen or 0 for lot_id, cost_fen in rows}
    return sum(units * costs[lot_id] for lot_id, units in chosen)


def lot_costs(connection: Connection, lot_ids: Collection[str]) -> dict[str, LotCost]:
    """Return what units of lots cost, of whom, and whose they are; of known costs only."""
    found: dict[str, LotCost] = {}
    ids = sorted(lot_ids)
    for at in range(0, len(ids), IDS_MAX):
        rows = connection.execute(
            select(lots.c.id, lots.c.cost_fen, lots.c.supplier, products.c.brand_id)
            .join(products, products.c.id == lots.c.product_id)
            .where(lots.c.id.in_(ids[at : at + IDS_MAX]), lots.c.cost_fen.is_not(None))
        )
        found |= {lot_id: LotCost(*known) for lot_id, *known in rows}
    return found
