"""Products, as the head office lists and edits them. `values` are columns of the table."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import (
    Connection,
    RowMapping,
    ScalarSelect,
    Select,
    Table,
    func,
    or_,
    select,
    update,
)

from commerce.catalogue.categories import subtree
from commerce.catalogue.food import FoodInformation
from commerce.catalogue.paging import Page, PageQuery
from commerce.catalogue.pinyin import pinyin_of
from commerce.catalogue.pricing import PriceBounds
from commerce.catalogue.sets import ProductKind, SetPart, shares_bp
from commerce.catalogue.values import GroupOffer, Text
from commerce.errors import InvalidField
from commerce.io.record.audit_trail import record_audit
from commerce.io.record.categories import read_categories
from commerce.io.record.food import food_of, food_values
from commerce.io.record.recipes import publish_recipes
from commerce.io.record.rows import product_of
from commerce.io.record.rule_book import announce_products
from commerce.io.record.schema import products, stock
from commerce.io.record.schema_goods import categories
from commerce.io.record.schema_rules import assortment_rules, price_rules
from commerce.io.record.variants import option_of, read_families
from commerce.io.shop.context import ShopContext
from commerce.io.shop.editing import Columns, Editor
from commerce.io.shop.listing import read_page
from commerce.io.shop.places.place import PlaceKind, Places, require_of_brand, text_of


@dataclass(frozen=True, slots=True)
class ProductRow:
    """A product in the head office's list; `rules` of price and assortment, `left` to be sold.

    `option` is what it differs in from the others of its family, of which `variants` are variants
    of it; `tax_bp` is the rate of VAT that its price includes.
    """

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
    category_id: str
    category_name: Text | None
    food: FoodInformation
    variant_of: str
    option: Text
    variants: int
    tax_bp: int
    version: int


class Products(Places[ProductRow]):
    """The products of all brands."""

    def __init__(self, shop: ShopContext) -> None:
        super().__init__(shop, _KIND)

    async def page_of(
        self, brand_id: str, wanted: PageQuery, category_id: str, head_id: str = ""
    ) -> Page[ProductRow]:
        """Return one page of a brand's products: below a category, or of all if that is "".

        With `head_id` only that product and its variants.
        """
        kind = self._kind

        def read(connection: Connection) -> Page[ProductRow]:
            rows = kind.rows(brand_id)
            if category_id:
                known = read_categories(connection, brand_id)
                rows = rows.where(products.c.category_id.in_(subtree(known.values(), category_id)))
            if head_id:
                rows = rows.where(or_(products.c.id == head_id, products.c.variant_of == head_id))
            return read_page(
                connection,
                wanted,
                rows,
                search=kind.search,
                sorts=kind.sorts,
                last=products.c.id,
                make=kind.make,
            )

        return await self._shop.record.query(read)

    async def add_set(
        self, brand_id: str, staff_id: str, id: str, values: Columns, parts: Sequence[SetPart]
    ) -> ProductRow:
        """Add a product that is a set of items; their shares are as what they cost alone.

        Raises:
            InvalidField: See `add`; or a part is no item of the brand, or there twice.
        """
        by = Editor(brand_id, staff_id, self._shop.clock())

        def work(connection: Connection) -> ProductRow:
            shared = _with_shares(connection, by, parts)
            self.check(connection, by, values)
            added = self.insert(connection, by, id, values)
            publish_recipes(connection, {added: shared})
            recipe = {"parts": [[part.item_id, part.units, part.role.value] for part in shared]}
            record_audit(
                connection, brand_id, staff_id, "product.recipe", added, None, recipe, by.at_ms
            )
            return self._find(connection, brand_id, added)

        return await self._announced(work)

    def check(self, connection: Connection, by: Editor, values: Columns) -> None:
        """Refuse a category that is not the brand's."""
        if values.get("category_id"):
            named = (str(values["category_id"]),)
            require_of_brand(connection, by, categories, named, "category_id")

    def insert(self, connection: Connection, by: Editor, id: str, values: Columns) -> str:
        """Write a new product, at the end of the shelf."""
        check_product(values)
        last = connection.scalar(select(func.max(products.c.shelf))) or 0
        pinyin = pinyin_of(str(values["name_zh"]))
        row = {**values, "shelf": last + 1, "pinyin": pinyin}
        added = super().insert(connection, by, id, row)
        _check_family(connection, by, added)
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
        if not values.keys().isdisjoint(_OPTION):
            _check_family(connection, by, str(row["id"]))

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
    coldest, warmest = row.get("storage_min_c"), row.get("storage_max_c")
    if isinstance(coldest, int) and isinstance(warmest, int) and coldest > warmest:
        raise InvalidField("storage_max_c", "Not below the other temperature.")
    if not row.get("storage") and not coldest is warmest is None:
        raise InvalidField("storage", "Missing beside its temperature.")
    if row.get("net_amount") and not row.get("net_unit"):
        raise InvalidField("net_unit", "Missing beside the amount.")


def _with_shares(
    connection: Connection, by: Editor, parts: Sequence[SetPart]
) -> tuple[SetPart, ...]:
    """Return the parts of a new set with their shares.

    Raises:
        InvalidField: A part is no item of the brand, or there twice.
    """
    ids = tuple(part.item_id for part in parts)
    require_of_brand(connection, by, products, ids, "parts")
    if len(set(ids)) < len(ids):
        raise InvalidField("parts", "Each item once.")
    rows = select(products.c.id, products.c.kind, products.c.price_fen).where(
        products.c.id.in_(ids)
    )
    items = {row.id: row for row in connection.execute(rows)}
    for one in ids:
        if items[one].kind != ProductKind.ITEM:
            raise InvalidField("parts", f"{one} is a set itself.")
    shares = shares_bp([items[part.item_id].price_fen * part.units for part in parts])
    return tuple(replace(part, share_bp=share) for part, share in zip(parts, shares, strict=True))


def _check_family(connection: Connection, by: Editor, id: str) -> None:
    """Refuse what was written of a product that does not fit those it is offered with.

    Raises:
        InvalidField: It names the member.
    """
    families = read_families(connection, by.brand_id)
    for affected in [id, *sorted(families.affected([id]) - {id})]:
        problem = families.problem(affected)
        if problem is not None:
            raise InvalidField(*problem)


def food_as_columns(food: FoodInformation) -> dict[str, object]:
    """What is stated about a product, as columns that `add` and `edit` take."""
    return food_values(food)


def product_rows(brand_id: str) -> Select[tuple[object, ...]]:
    """All products of a brand."""
    named = (categories.c[f"name_{language}"].label(f"category_{language}") for language in _BOTH)
    return (
        select(products, _LEFT, _RULES, _VARIANTS, *named)
        .outerjoin(categories, categories.c.id == products.c.category_id)
        .where(products.c.brand_id == brand_id)
    )


def _row(row: RowMapping) -> ProductRow:
    product = product_of(row)
    return ProductRow(
        product.id,
        row["kind"],
        text_of(row, "name"),
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
        row["category_id"] or "",
        text_of(row, "category") if row["category_id"] else None,
        food_of(row),
        product.variant_of,
        option_of(row).name,
        row["variants"],
        row["tax_bp"],
        row["version"],
    )


_BOTH = ("zh", "en")
_OPTION = ("variant_of", "option_zh", "option_en")
_LEFT = (
    select(func.coalesce(func.sum(stock.c.on_hand - stock.c.sold), 0))
    .where(stock.c.product_id == products.c.id)
    .correlate(products)
    .scalar_subquery()
    .label("left")
)


_variants = products.alias("variants")
_VARIANTS = (
    select(func.count())
    .where(_variants.c.variant_of == products.c.id)
    .correlate(products)
    .scalar_subquery()
    .label("variants")
)


def _count(table: Table) -> ScalarSelect[int]:
    rules = select(func.count()).where(table.c.product_id == products.c.id)
    return rules.correlate(products).scalar_subquery()


_RULES = (_count(price_rules) + _count(assortment_rules)).label("rules")
_KIND = PlaceKind(
    name="product",
    table=products,
    rows=product_rows,
    search=(
        products.c.id,
        products.c.name_zh,
        products.c.name_en,
        products.c.pinyin,
        products.c.option_zh,
        products.c.option_en,
    ),
    sorts={
        "name": products.c.pinyin,
        "price_fen": products.c.price_fen,
        "left": _LEFT,
        "on_sale": products.c.on_sale,
    },
    make=_row,
)
