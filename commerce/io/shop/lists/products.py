"""Products as a list to import and export, keyed by their ids."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, bindparam, func, insert, select, update

from commerce.catalogue.pinyin import pinyin_of
from commerce.catalogue.sheets import (
    Column,
    Errors,
    Problem,
    Row,
    identifier,
    whole,
    words,
    yes_or_no,
    yuan,
    yuan_text,
)
from commerce.catalogue.values import HOUSEHOLD_LIMIT_DEFAULT, Text
from commerce.catalogue.variants import Families
from commerce.errors import InvalidField
from commerce.io.record.categories import read_categories
from commerce.io.record.postings import IDS_MAX
from commerce.io.record.rule_book import announce_products
from commerce.io.record.schema import products
from commerce.io.record.variants import option_of, read_families
from commerce.io.shop.editing import Editor
from commerce.io.shop.goods.products import check_product
from commerce.io.shop.lists.food import FOOD_COLUMNS
from commerce.io.shop.lists.sheet import Plan, Written
from commerce.money.tax import RATE_BP, RATE_BP_MAX

PRICE_FEN_MAX = 100_000_000
_FEN = yuan(PRICE_FEN_MAX)
_FEN_OR_NONE = yuan(PRICE_FEN_MAX, least_fen=0)
_PERCENT = yuan(RATE_BP_MAX, least_fen=0)  # two decimals, too: basis points
_OPTIONAL_FEN = ("group_price_fen", "own_price_min_fen", "own_price_max_fen")


class ProductSheet:
    """All products of a brand, in the order of the shelf."""

    columns = (
        Column("id", Text("编号", "Id"), identifier),
        Column("name_zh", Text("名称", "Chinese name"), words(100)),
        Column("name_en", Text("英文名称", "English name"), words(100)),
        Column("unit_zh", Text("单位", "Chinese unit"), words(100)),
        Column("unit_en", Text("英文单位", "English unit"), words(100)),
        Column("price_fen", Text("单价（元）", "Price (yuan)"), _FEN),
        Column("list_price_fen", Text("划线价（元）", "List price (yuan)"), _FEN),
        Column("group_price_fen", Text("拼团价（元）", "Group price (yuan)"), _FEN_OR_NONE, False),
        Column("group_target", Text("成团户数", "Group target"), whole(1, 100_000), False, 10),
        Column(
            "group_duration_s",
            Text("拼团时长（秒）", "Group time (s)"),
            whole(60, 604_800),
            False,
            1_800,
        ),
        Column("own_price_min_fen", Text("门店最低价", "Store price from"), _FEN_OR_NONE, False),
        Column("own_price_max_fen", Text("门店最高价", "Store price to"), _FEN_OR_NONE, False),
        Column(
            "household_limit",
            Text("每户每日限购", "Limit"),
            whole(1, 10_000),
            False,
            HOUSEHOLD_LIMIT_DEFAULT,
        ),
        Column("on_sale", Text("在售", "On sale"), yes_or_no, False, True),
        Column("category_id", Text("品类编号", "Category id"), identifier, False),
        *FOOD_COLUMNS,
        Column("variant_of", Text("所属商品编号", "Variant of"), identifier, False, ""),
        Column("option_zh", Text("规格", "Chinese option"), words(100), False, ""),
        Column("option_en", Text("英文规格", "English option"), words(100), False, ""),
        Column("tax_bp", Text("增值税率（%）", "VAT (%)"), _PERCENT, False, RATE_BP),
    )
    key = ("id",)

    def plan(self, connection: Connection, by: Editor, rows: Sequence[Row], errors: Errors) -> Plan:
        """Check rows against the record."""
        known = _known(connection, [str(row.values["id"]) for row in rows if row.values.get("id")])
        categories = read_categories(connection, by.brand_id)
        added: list[dict[str, Any]] = []
        changed: list[dict[str, Any]] = []
        read: list[tuple[int, dict[str, Any]]] = []
        unchanged = 0
        for row in rows:
            values = _stored(row.values)
            old = known.get(str(values["id"]))
            if old is not None and old["brand_id"] != by.brand_id:
                errors.add(row.number, "id", Problem.UNKNOWN, values["id"])
                continue
            category_id = values.get("category_id")
            if category_id is not None and category_id not in categories:
                errors.add(row.number, "category_id", Problem.UNKNOWN, category_id)
            new = {**_DEFAULTS, **(old or {}), **values}
            try:
                check_product(new)
            except InvalidField as error:
                errors.add(row.number, error.member, Problem.INCONSISTENT, new[error.member])
            read.append((row.number, new))
            if old is None:
                added.append(new)
            elif any(old[name] != new[name] for name in _compared(new)):
                changed.append(new)
            else:
                unchanged += 1

        _check_families(read_families(connection, by.brand_id), read, errors)

        def write(connection: Connection) -> None:
            _write(connection, by, added, changed)

        return Plan(Written(len(added), len(changed), unchanged), write)

    def page(self, brand_id: str, after: object, limit: int) -> Select[tuple[object, ...]]:
        """The rows of a brand after a product."""
        query = select(products).where(products.c.brand_id == brand_id)
        if after is not None:
            query = query.where(products.c.id > after)
        return query.order_by(products.c.id).limit(limit)

    def cursor(self, row: RowMapping) -> object:
        """Its id."""
        return row["id"]

    def line(self, row: RowMapping) -> Sequence[str]:
        """Its cells."""
        return [_cell(column.key, row[column.key]) for column in self.columns]


PRODUCTS = ProductSheet()
_DEFAULTS: dict[str, Any] = {
    column.key: column.default for column in ProductSheet.columns if not column.required
} | {"image": "/goods/logo.svg"}


def _cell(key: str, value: Any) -> str:
    if key.endswith("_fen") or key == "tax_bp":
        return yuan_text(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _check_families(
    families: Families, rows: Sequence[tuple[int, dict[str, Any]]], errors: Errors
) -> None:
    """Note products that do not fit those that they are offered with once all rows are written."""
    changes = {row["id"]: option_of(row) for _, row in rows}
    families.change(changes)
    for number, row in rows:
        for id in (row["id"], *sorted(families.affected([row["id"]]) - changes.keys())):
            problem = families.problem(id)
            if problem is not None:
                member = problem[0]
                errors.add(number, member, Problem.INCONSISTENT, row[member])
                break


def _stored(values: dict[str, Any]) -> dict[str, Any]:
    """The values as columns: no group price and no bounds are NULL."""
    return {
        name: None if name in _OPTIONAL_FEN and not value else value
        for name, value in values.items()
    }


def _compared(row: dict[str, Any]) -> list[str]:
    """The columns of a file that say something: without a group price, none about groups."""
    return [
        column.key
        for column in ProductSheet.columns
        if row["group_price_fen"] or column.key not in ("group_target", "group_duration_s")
    ]


def _known(connection: Connection, ids: list[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for at in range(0, len(ids), IDS_MAX):
        query = select(products).where(products.c.id.in_(ids[at : at + IDS_MAX]))
        found |= {row["id"]: dict(row) for row in connection.execute(query).mappings()}
    return found


def _write(
    connection: Connection,
    by: Editor,
    added: Sequence[dict[str, Any]],
    changed: Sequence[dict[str, Any]],
) -> None:
    names = [column.key for column in ProductSheet.columns if column.key != "id"]
    last = connection.scalar(select(func.max(products.c.shelf))) or 0
    if added:
        connection.execute(
            insert(products),
            [
                {
                    **row,
                    "brand_id": by.brand_id,
                    "shelf": last + place,
                    "pinyin": pinyin_of(row["name_zh"]),
                }
                for place, row in enumerate(added, start=1)
            ],
        )
    if changed:
        names.append("pinyin")
        connection.execute(
            update(products)
            .where(products.c.id == bindparam("the_id"))
            .values(
                version=products.c.version + 1, **{name: bindparam(f"new_{name}") for name in names}
            ),
            [
                {"the_id": row["id"]}
                | {f"new_{name}": row[name] for name in names if name != "pinyin"}
                | {"new_pinyin": pinyin_of(row["name_zh"])}
                for row in changed
            ],
        )
    announce_products(connection, {row["id"] for row in (*added, *changed)}, by.at_ms)
