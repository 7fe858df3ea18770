"""Products, as the head office lists and edits them. `values` are columns of the table."""

from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, ScalarSelect, Select, Table, func, select, update

from commerce.catalogue.pinyin import pinyin_of
from commerce.catalogue.pricing import PriceBounds
from commerce.catalogue.values import GroupOffer, Text
from commerce.errors import InvalidField
from commerce.io.record.rows import product_of
from commerce.io.record.rule_book import announce_products
from commerce.io.record.schema import products, stock
from commerce.io.record.schema_rules import assortment_rules, price_rules
from commerce.io.shop.context import ShopContext
from commerce.io.shop.editing import Columns, Editor
from commerce.io.shop.places.place import PlaceKind, Places


@dataclass(frozen=True, slots=True)
class ProductRow:
    """A product in the head office's list; `rules` of price and assortment, `left` to be sold."""

    id: str
    kind: str
    name: Text
    unit: Text
    image: str
    price_fen: int
    list_price_fen: int
    group: GroupOffer | None
    own_price: PriceBounds | None
    household_limit: int
    on_sale: bool
    left: int
    rules: int
    version: int


class Products(Places[ProductRow]):
    """The products of all brands."""

    def __init__(self, shop: ShopContext) -> None:
        super().__init__(shop, _KIND)

    def insert(self, connection: Connection, by: Editor, id: str, values: Columns) -> str:
        """Write a new product, at the end of the shelf."""
        check_product(values)
        last = connection.scalar(select(func.max(products.c.shelf))) or 0
        pinyin = pinyin_of(str(values["name_zh"]))
        row = {**values, "shelf": last + 1, "pinyin": pinyin}
        added = super().insert(connection, by, id, row)
        announce_products(connection, [added], by.at_ms)
        return added

    def update(self, connection: Connection, by: Editor, row: Columns, values: Columns) -> None:
        """Write a change; gate and rooms get it."""
        check_product({**row, **values})
        announce_products(connection, [str(row["id"])], by.at_ms)
        if "name_zh" in values:
            connection.execute(
                update(products)
                .where(products.c.id == row["id"])
                .values(pinyin=pinyin_of(str(values["name_zh"])))
            )
        super().update(connection, by, row, values)

    def announce(self, connection: Connection, by: Editor) -> None:
        """Nothing: `insert` and `update` announce the product itself."""


def check_product(row: Columns) -> None:
    """Refuse a product whose members do not fit together.

    Raises:
        InvalidField: It names the member.
    """
    price, list_price, group = (
        row[name] for name in ("price_fen", "list_price_fen", "group_price_fen")
    )
    lowest, highest = row["own_price_min_fen"], row["own_price_max_fen"]
    assert isinstance(price, int) and isinstance(list_price, int)
    if list_price < price:
        raise InvalidField("list_price_fen", "Not below the price.")
    if isinstance(group, int) and group >= price:
        raise InvalidField("group_price_fen", "Below the price.")
    if (lowest is None) != (highest is None):
        raise InvalidField("own_price_max_fen", "Both bounds or none.")
    if isinstance(lowest, int) and isinstance(highest, int) and lowest > highest:
        raise InvalidField("own_price_max_fen", "Not below the other bound.")


def product_rows(brand_id: str) -> Select[tuple[object, ...]]:
    """All products of a brand."""
    return select(products, _LEFT, _RULES).where(products.c.brand_id == brand_id)


def _row(row: RowMapping) -> ProductRow:
    product = product_of(row)
    return ProductRow(
        product.id,
        row["kind"],
        product.name,
        product.unit,
        product.image,
        product.price_fen,
        product.list_price_fen,
        product.group,
        product.own_price,
        product.household_limit,
        product.on_sale,
        row["left"],
        row["rules"],
        row["version"],
    )


_LEFT = (
    select(func.coalesce(func.sum(stock.c.on_hand - stock.c.sold), 0))
    .where(stock.c.product_id == products.c.id)
    .correlate(products)
    .scalar_subquery()
    .label("left")
)


def _count(table: Table) -> ScalarSelect[int]:
    rules = select(func.count()).where(table.c.product_id == products.c.id)
    return rules.correlate(products).scalar_subquery()


_RULES = (_count(price_rules) + _count(assortment_rules)).label("rules")
_KIND = PlaceKind(
    name="product",
    table=products,
    rows=product_rows,
    search=(products.c.id, products.c.name_zh, products.c.name_en, products.c.pinyin),
    sorts={
        "name": products.c.pinyin,
        "price_fen": products.c.price_fen,
        "left": _LEFT,
        "on_sale": products.c.on_sale,
    },
    make=_row,
)
