"""Which product a barcode stands for, and what a till needs to know of it."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, delete, insert, select

from commerce.catalogue.values import Product, Text
from commerce.errors import InvalidField, NotFound
from commerce.io.record.audit_trail import record_audit
from commerce.io.record.schema import products, stock
from commerce.io.record.schema_stock import barcodes
from commerce.io.shop.context import ShopContext
from commerce.io.shop.stock.prices import price_in_store, store_place
from commerce.supply.barcodes import BadBarcode, is_key, parse, scanned

CODES_MAX = 20_000  # in one answer


@dataclass(frozen=True, slots=True)
class BarcodeView:
    """A code that a till may scan: a whole EAN-13, or the item of an in-store weight code."""

    code: str
    grams_per_unit: int | None


@dataclass(frozen=True, slots=True)
class ScanView:
    """What one scan sells, as the till shows it; `left` is what may be sold in its store."""

    product_id: str
    name: Text
    unit: Text
    price_fen: int
    grams: int | None
    units: int
    amount_fen: int
    left: int


@dataclass(frozen=True, slots=True)
class TillProduct:
    """A product as a till keeps it, to sell while it is offline."""

    product_id: str
    name: Text
    unit: Text
    price_fen: int
    codes: tuple[BarcodeView, ...]


class Barcodes:
    """The barcodes of the brand's products."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def scan(self, store_id: str, code: str) -> ScanView:
        """Look up a code as it was scanned in a store.

        Raises:
            InvalidField: It is no barcode.
            NotFound: No product has it.
        """
        try:
            barcode = parse(code)
        except BadBarcode as error:
            raise InvalidField("code", str(error)) from None
        async with self._shop.record.read() as connection:
            brand_id = self._shop.catalogue.brand_id("store", store_id)
            known = await connection.run_sync(barcodes_of, brand_id, [barcode.key])
            if barcode.key not in known:
                raise NotFound("barcode", code)
            product_id, grams_per_unit = known[barcode.key]
            left = await connection.scalar(
                select(stock.c.on_hand - stock.c.sold).where(
                    stock.c.product_id == product_id, stock.c.store_id == store_id
                )
            )
        product = await self._shop.cache.product(product_id)
        price_fen = self._price(store_id, product)
        sold = scanned(barcode, price_fen, grams_per_unit)
        return ScanView(
            product.id,
            product.name,
            product.unit,
            price_fen,
            barcode.grams,
            sold.units,
            sold.amount_fen,
            left or 0,
        )

    def _price(self, store_id: str, product: Product) -> int:
        catalogue = self._shop.catalogue
        place = store_place(catalogue, store_id)
        return price_in_store(catalogue.rules, product, place, self._shop.clock()).price_fen

    async def products(self, brand_id: str, store_id: str) -> list[TillProduct]:
        """All products of a brand with their codes, at the prices of a store."""
        catalogue = self._shop.catalogue
        place, at_ms = store_place(catalogue, store_id), self._shop.clock()
        found: dict[str, list[BarcodeView]] = {}
        async with self._shop.record.read() as connection:
            rows = await connection.execute(
                _of_brand(brand_id).order_by(barcodes.c.code).limit(CODES_MAX)
            )
            for row in rows:
                view = BarcodeView(row.code, row.grams_per_unit)
                found.setdefault(row.product_id, []).append(view)
        return [
            TillProduct(
                product.id,
                product.name,
                product.unit,
                price_in_store(catalogue.rules, product, place, at_ms).price_fen,
                tuple(found.get(product.id, ())),
            )
            for product in catalogue.products.values()
            if catalogue.brand_id("product", product.id) == brand_id
        ]

    async def of_product(self, brand_id: str, product_id: str) -> list[BarcodeView]:
        """The codes of a product.

        Raises:
            NotFound: The brand has no such product.
        """
        await self._shop.cache.product(product_id)
        self._shop.catalogue.require_brand(brand_id, ("product", product_id))
        async with self._shop.record.read() as connection:
            query = _of_brand(brand_id).where(barcodes.c.product_id == product_id)
            rows = await connection.execute(query.order_by(barcodes.c.code))
            return [BarcodeView(row.code, row.grams_per_unit) for row in rows]

    async def remove(self, brand_id: str, code: str, product_id: str, staff_id: str) -> None:
        """Have a code stand for a product no more.

        Raises:
            NotFound: It does not stand for this product of the brand.
        """
        at_ms = self._shop.clock()

        def work(connection: Connection) -> None:
            known = barcodes_of(connection, brand_id, [code]).get(code)
            if known is None or known[0] != product_id:
                raise NotFound("barcode", code)
            here = (barcodes.c.code == code, barcodes.c.product_id == product_id)
            connection.execute(delete(barcodes).where(*here))
            was = {"product_id": product_id, "grams_per_unit": known[1]}
            values = (staff_id, "barcode.remove", code, was, None, at_ms)
            record_audit(connection, brand_id, *values)

        await self._shop.record.transact(work)

    async def assign(
        self, brand_id: str, code: str, product_id: str, grams_per_unit: int | None, staff_id: str
    ) -> BarcodeView:
        """Have a code stand for a product of a brand, in place of what it stood for there.

        Raises:
            InvalidField: It is neither an EAN-13 nor the item of a weight code.
            NotFound: The brand has no such product.
        """
        if not is_key(code):
            raise InvalidField("code", "An EAN-13, or 2 and six digits of a weight code.")
        await self._shop.cache.product(product_id)
        self._shop.catalogue.require_brand(brand_id, ("product", product_id))
        at_ms = self._shop.clock()

        def work(connection: Connection) -> None:
            before = barcodes_of(connection, brand_id, [code]).get(code)
            own = select(products.c.id).where(products.c.brand_id == brand_id)
            here = (barcodes.c.code == code, barcodes.c.product_id.in_(own))
            connection.execute(delete(barcodes).where(*here))
            row = {"code": code, "product_id": product_id, "grams_per_unit": grams_per_unit}
            connection.execute(insert(barcodes), {**row, "brand_id": brand_id})
            was = {"product_id": before[0], "grams_per_unit": before[1]} if before else None
            after = {"product_id": product_id, "grams_per_unit": grams_per_unit}
            values = (staff_id, "barcode.assign", code, was, after, at_ms)
            record_audit(connection, brand_id, *values)

        await self._shop.record.transact(work)
        return BarcodeView(code, grams_per_unit)


def barcodes_of(
    connection: Connection, brand_id: str, keys: Collection[str]
) -> dict[str, tuple[str, int | None]]:
    """Return (product, grams per unit) by key, of a brand."""
    rows = connection.execute(_of_brand(brand_id).where(barcodes.c.code.in_(set(keys))))
    return {row.code: (row.product_id, row.grams_per_unit) for row in rows}


def _of_brand(brand_id: str) -> Select[Any]:
    return (
        select(barcodes)
        .join(products, products.c.id == barcodes.c.product_id)
        .where(products.c.brand_id == brand_id)
    )
