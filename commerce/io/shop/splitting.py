"""What two stores have together for a tap that no single store could serve."""

from sqlalchemy import select

from commerce.catalogue.sets import explode
from commerce.io.record.schema import stock
from commerce.io.shop.context import ShopContext
from commerce.orders.splitting import Half, split_over_two
from commerce.orders.tap import Tap


async def halves_of(shop: ShopContext, tap: Tap) -> tuple[Half, Half] | None:
    """Return the two halves of a tap, None where the brand does not split orders.

    Stock is the record's: what is on its way to it makes one of the two be refused, and no more.
    """
    catalogue = shop.catalogue
    brand = catalogue.brand_of("room", tap.room_id)
    if brand is None or not brand.split_orders or len(tap.lines) < 2 or tap.coupon_id:
        return None
    lines = {}
    for line in tap.lines:
        parts = catalogue.product(line.product_id).parts
        lines[line.product_id] = tuple(explode(line.product_id, line.units, parts).items())
    items = {item for needs in lines.values() for item, _ in needs}
    query = select(stock.c.product_id, stock.c.store_id, stock.c.on_hand - stock.c.sold).where(
        stock.c.product_id.in_(items), stock.c.store_id.in_(tap.stores)
    )
    async with shop.record.read() as connection:
        rows = await connection.execute(query)
    free = {(item, store_id): units for item, store_id, units in rows}
    return split_over_two(lines, tap.stores, free)
