"""Which picture a product has; the picture itself is a blob."""

from sqlalchemy import select, update

from commerce.errors import NotFound
from commerce.io.record.rule_book import announce_products
from commerce.io.record.schema import products
from commerce.io.shop.context import ShopContext


class ProductPictures:
    """Gives products other pictures."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def require(self, brand_id: str, product_id: str) -> None:
        """Refuse what is no product of a brand.

        Raises:
            NotFound: There is no such product of this brand.
        """
        own = (products.c.id == product_id, products.c.brand_id == brand_id)
        async with self._shop.record.read() as connection:
            if await connection.scalar(select(products.c.id).where(*own)) is None:
                raise NotFound("product", product_id)

    async def put(self, brand_id: str, product_id: str, image: str, actor: str) -> None:
        """Show a product by the picture at the path `image`; cards and pages get it.

        Raises:
            NotFound: There is no such product of this brand.
        """
        own = (products.c.id == product_id, products.c.brand_id == brand_id)
        at_ms = self._shop.clock()
        async with self._shop.record.write() as connection:
            found = select(products.c.image).where(*own).with_for_update()
            before = await connection.scalar(found)
            if before is None:
                raise NotFound("product", product_id)
            values = {"image": image, "version": products.c.version + 1}
            await connection.execute(update(products).where(*own).values(values))
            await connection.run_sync(announce_products, [product_id], at_ms)
            await self._shop.audit(
                connection,
                actor,
                "product.picture",
                product_id,
                {"image": before},
                {"image": image},
                at_ms,
                brand_id=brand_id,
            )
        self._shop.on_commit()
