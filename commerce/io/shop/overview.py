"""What head office sees of the record as it is now, for all brands at once."""

from collections import defaultdict

from sqlalchemy import Connection, func, select

from commerce.io.record.schema import products, stock
from commerce.io.shop.context import ShopContext

_NONE_LEFT = (
    select(products.c.brand_id, func.count())
    .join(products, products.c.id == stock.c.product_id)
    .where(products.c.on_sale, stock.c.on_hand <= stock.c.sold)
    .group_by(products.c.brand_id)
    .select_from(stock)
)


class Overview:
    """A few sums; each call is one query, whoever looks."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def stock_outs(self) -> dict[str, int]:
        """Return per brand how many (product, store) pairs are on sale with nothing left."""

        def count(connection: Connection) -> dict[str, int]:
            found: defaultdict[str, int] = defaultdict(int)
            found |= {brand: int(pairs) for brand, pairs in connection.execute(_NONE_LEFT)}
            return found

        return await self._shop.record.query(count)
