"""Rules of prices and of the assortment, as the head office lists and edits them."""

from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, Select, Table, func, select
from sqlalchemy.sql.elements import ColumnElement

from commerce.catalogue.paging import Page, PageQuery
from commerce.catalogue.rules import Scope
from commerce.catalogue.values import Text
from commerce.errors import InvalidField
from commerce.io.record.postings import Topic, enqueue
from commerce.io.record.rule_book import announce_products
from commerce.io.record.schema import cities, estates, products, rooms, stores
from commerce.io.record.schema_rules import assortment_rules, price_rules
from commerce.io.record.variants import full_name
from commerce.io.shop.context import ShopContext
from commerce.io.shop.editing import Columns, Editor
from commerce.io.shop.listing import read_page
from commerce.io.shop.places.place import PlaceKind, Places, require_of_brand, text_of


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule in a list; `price_fen` of a price rule, `offered` of one of the assortment."""

    id: str
    product_id: str
    product_name: Text
    scope: Scope
    scope_id: str
    scope_name: Text
    from_ms: int
    until_ms: int | None
    price_fen: int | None
    offered: bool | None
    version: int


class Rules(Places[RuleRow]):
    """The rules of one kind; `values` are columns of its table."""

    def __init__(self, shop: ShopContext, kind: PlaceKind[RuleRow]) -> None:
        super().__init__(shop, kind)

    async def page_of(self, brand_id: str, wanted: PageQuery, product_id: str) -> Page[RuleRow]:
        """Return one page of a brand's rules: of one product, or of all if that is ""."""
        kind, table = self._kind, self._kind.table
        rows = kind.rows(brand_id)
        if product_id:
            rows = rows.where(table.c.product_id == product_id)
        return await self._shop.record.query(
            lambda connection: read_page(
                connection,
                wanted,
                rows,
                search=kind.search,
                sorts=kind.sorts,
                last=table.c.id,
                make=kind.make,
            )
        )

    def insert(self, connection: Connection, by: Editor, id: str, values: Columns) -> str:
        """Write a new rule."""
        self._check(connection, by, values)
        return super().insert(connection, by, id, values)

    def update(self, connection: Connection, by: Editor, row: Columns, values: Columns) -> None:
        """Write a change; product and scope of a rule stay."""
        self._check(connection, by, {**row, **values})
        super().update(connection, by, row, values)

    def remove(self, connection: Connection, by: Editor, row: Columns) -> None:
        """Announce the product."""
        announce_products(connection, [str(row["product_id"])], by.at_ms)

    def announce(self, connection: Connection, by: Editor) -> None:
        """Nothing: `_check` announces the product, now and when the window begins and ends."""

    def _check(self, connection: Connection, by: Editor, row: Columns) -> None:
        product_id, scope = str(row["product_id"]), Scope(str(row["scope"]))
        require_of_brand(connection, by, products, (product_id,), "product_id")
        _require_scope(connection, by, scope, str(row["scope_id"]))
        since, until = row["from_ms"], row["until_ms"]
        assert isinstance(since, int)
        if isinstance(until, int) and until <= since:
            raise InvalidField("until_ms", "After it begins.")
        self._require_alone(connection, row)
        if scope is Scope.STORE:
            _require_bounds(connection, product_id, row["price_fen"])
        announce_products(connection, [product_id], by.at_ms)
        for time_ms in (since, until):
            if isinstance(time_ms, int) and time_ms > by.at_ms:
                enqueue(connection, Topic.PRODUCT, [product_id], time_ms)

    def _require_alone(self, connection: Connection, row: Columns) -> None:
        columns = self._kind.table.c
        same = select(columns.id).where(
            *(columns[name] == row[name] for name in ("product_id", "scope", "scope_id", "from_ms"))
        )
        if any(id != row.get("id") for id in connection.scalars(same)):
            raise InvalidField("from_ms", "Another rule of it begins at that time.")


def price_lists(shop: ShopContext) -> Rules:
    """The price rules of all brands."""
    return Rules(shop, _kind("price-rule", price_rules))


def assortment_lists(shop: ShopContext) -> Rules:
    """The assortment rules of all brands."""
    return Rules(shop, _kind("assortment-rule", assortment_rules))


_SCOPED: dict[Scope, Table] = {
    Scope.CITY: cities,
    Scope.ESTATE: estates,
    Scope.STORE: stores,
    Scope.LIVE: rooms,
}


def _require_scope(connection: Connection, by: Editor, scope: Scope, scope_id: str) -> None:
    if scope is Scope.LIVE:
        store_id = connection.scalar(select(rooms.c.store_id).where(rooms.c.id == scope_id))
        require_of_brand(connection, by, stores, (store_id or scope_id,), "scope_id")
    elif scope in _SCOPED:
        require_of_brand(connection, by, _SCOPED[scope], (scope_id,), "scope_id")
    elif scope_id:
        raise InvalidField("scope_id", "Empty for everybody.")


def _require_bounds(connection: Connection, product_id: str, price_fen: object) -> None:
    bounds = connection.execute(
        select(products.c.own_price_min_fen, products.c.own_price_max_fen).where(
            products.c.id == product_id
        )
    ).one()
    assert isinstance(price_fen, int)
    if bounds[0] is None or not bounds[0] <= price_fen <= bounds[1]:
        raise InvalidField("price_fen", "Not within the bounds of the product.")


def _kind(name: str, table: Table) -> PlaceKind[RuleRow]:
    value = table.c.price_fen if "price_fen" in table.c else table.c.offered

    def rows(brand_id: str) -> Select[tuple[object, ...]]:
        query = select(
            table,
            full_name("zh").label("product_name_zh"),
            full_name("en").label("product_name_en"),
            _scope_name("zh").label("scope_name_zh"),
            _scope_name("en").label("scope_name_en"),
        ).join(products, products.c.id == table.c.product_id)
        for scope, scoped in _SCOPED.items():
            named = (table.c.scope == scope.value) & (scoped.c.id == table.c.scope_id)
            query = query.outerjoin(scoped, named)
        return query.where(table.c.brand_id == brand_id)

    return PlaceKind(
        name=name,
        table=table,
        rows=rows,
        search=(
            table.c.product_id,
            products.c.name_zh,
            products.c.name_en,
            products.c.pinyin,
            table.c.scope_id,
            *(
                scoped.c["title_zh" if scoped is rooms else "name_zh"]
                for scoped in _SCOPED.values()
            ),
        ),
        sorts={
            "product_name": products.c.pinyin,
            "scope": table.c.scope,
            "from_ms": table.c.from_ms,
            "until_ms": table.c.until_ms,
            value.name: value,
        },
        make=_rule_row,
    )


def _scope_name(language: str) -> ColumnElement[str]:
    names = [
        scoped.c[f"title_{language}" if scoped is rooms else f"name_{language}"]
        for scoped in _SCOPED.values()
    ]
    return func.coalesce(*names, "")


def _rule_row(row: RowMapping) -> RuleRow:
    return RuleRow(
        row["id"],
        row["product_id"],
        text_of(row, "product_name"),
        Scope(row["scope"]),
        row["scope_id"],
        text_of(row, "scope_name"),
        row["from_ms"],
        row["until_ms"],
        row.get("price_fen"),
        row.get("offered"),
        row["version"],
    )
