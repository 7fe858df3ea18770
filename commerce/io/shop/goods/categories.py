"""Categories of products, as the head office lists and edits them: always in the tree's order."""

from dataclasses import dataclass, replace

from sqlalchemy import Connection, RowMapping, Select, func, select

from commerce.catalogue.categories import (
    CATEGORIES_MAX,
    DEPTH_MAX,
    Category,
    fits,
    path_text,
    path_to,
    tree_order,
)
from commerce.catalogue.paging import Page, PageQuery
from commerce.catalogue.values import Text
from commerce.errors import InvalidField
from commerce.io.record.categories import read_categories
from commerce.io.record.schema import products
from commerce.io.record.schema_goods import categories
from commerce.io.shop.context import ShopContext
from commerce.io.shop.editing import Columns, Editor
from commerce.io.shop.places.place import PlaceKind, Places, text_of


@dataclass(frozen=True, slots=True)
class CategoryRow:
    """A category; `path` is its name after those above it, `products` how many hang in it."""

    id: str
    name: Text
    path: Text
    parent_id: str
    depth: int
    rank: int
    products: int
    version: int


class Categories(Places[CategoryRow]):
    """The categories of all brands."""

    def __init__(self, shop: ShopContext) -> None:
        super().__init__(shop, _KIND)

    async def page(self, brand_id: str, wanted: PageQuery) -> Page[CategoryRow]:
        """Return a page of a brand's tree, each category before those below it."""

        def read(connection: Connection) -> Page[CategoryRow]:
            found = {row["id"]: _row(row) for row in connection.execute(_rows(brand_id)).mappings()}
            known = read_categories(connection, brand_id)
            rows = [_placed(found[one.id], known) for one in tree_order(known.values())]
            words = wanted.words.lower()
            shown = [row for row in rows if words in f"{row.path.zh} {row.path.en}".lower()]
            return Page(tuple(shown[wanted.offset :][: wanted.per_page]), len(shown))

        return await self._shop.record.query(read)

    def insert(self, connection: Connection, by: Editor, id: str, values: Columns) -> str:
        """Write a new category."""
        known = read_categories(connection, by.brand_id)
        if len(known) >= CATEGORIES_MAX:
            raise InvalidField("id", f"A brand has at most {CATEGORIES_MAX} categories.")
        _check_parent(known, id, str(values["parent_id"]))
        return super().insert(connection, by, id, values)

    def update(self, connection: Connection, by: Editor, row: Columns, values: Columns) -> None:
        """Write a change."""
        if "parent_id" in values:
            known = read_categories(connection, by.brand_id)
            _check_parent(known, str(row["id"]), str(values["parent_id"]))
        super().update(connection, by, row, values)

    def remove(self, connection: Connection, by: Editor, row: Columns) -> None:
        """Refuse while something hangs in it."""
        used = select(func.count()).where(products.c.category_id == row["id"])
        below = select(func.count()).where(categories.c.parent_id == row["id"])
        if connection.scalar(used) or connection.scalar(below):
            raise InvalidField("id", "Something hangs in it.")

    def announce(self, connection: Connection, by: Editor) -> None:
        """Nothing: no worker keeps categories."""

    def _find(self, connection: Connection, brand_id: str, id: str) -> CategoryRow:
        row = super()._find(connection, brand_id, id)
        return _placed(row, read_categories(connection, brand_id))


def _check_parent(known: dict[str, Category], id: str, parent_id: str) -> None:
    if parent_id and parent_id not in known:
        raise InvalidField("parent_id", f"There is no {parent_id}.")
    if parent_id and not fits(known, id, parent_id):
        raise InvalidField("parent_id", f"Not below itself, and {DEPTH_MAX} levels at most.")


def _placed(row: CategoryRow, known: dict[str, Category]) -> CategoryRow:
    path = path_text(known, row.id) or row.name
    return replace(row, path=path, depth=len(path_to(known, row.id)))


def _rows(brand_id: str) -> Select[tuple[object, ...]]:
    return select(categories, _PRODUCTS).where(categories.c.brand_id == brand_id)


def _row(row: RowMapping) -> CategoryRow:
    name = text_of(row, "name")
    return CategoryRow(
        row["id"], name, name, row["parent_id"], 1, row["rank"], row["products"], row["version"]
    )


_PRODUCTS = (
    select(func.count())
    .where(products.c.category_id == categories.c.id)
    .correlate(categories)
    .scalar_subquery()
    .label("products")
)
_KIND = PlaceKind(
    name="category",
    table=categories,
    rows=_rows,
    search=(),
    sorts={},
    make=_row,
)
