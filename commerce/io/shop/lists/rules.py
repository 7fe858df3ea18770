"""Price and assortment rules as lists, keyed by product, scope and beginning."""

import secrets
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, Table, select, tuple_

from commerce.catalogue.assortment import SCOPES, AssortmentRule
from commerce.catalogue.pricing import PriceRule
from commerce.catalogue.rules import Scope, Window
from commerce.catalogue.sheets import (
    Column,
    Errors,
    Problem,
    Row,
    choice,
    identifier,
    moment,
    moment_text,
    yes_or_no,
    yuan,
    yuan_text,
)
from commerce.catalogue.values import Text
from commerce.io.record.rule_book import known_rules, put_assortment_rules, put_price_rules
from commerce.io.record.schema import cities, estates, products, rooms, stores
from commerce.io.record.schema_rules import assortment_rules, price_rules
from commerce.io.shop.editing import ID_BYTES, Editor
from commerce.io.shop.lists.sheet import Plan, Written

PRICE_FEN_MAX = 100_000_000
_PRICE_SCOPES = tuple(Scope)
_Put = Callable[[Connection, str, Sequence[Any], int], object]


class RuleSheet:
    """All rules of one kind of a brand; a rule that the file has again is replaced."""

    key = ("product_id", "scope", "scope_id", "from_ms")

    def __init__(self, table: Table, value: Column, scopes: Sequence[Scope], put: _Put) -> None:
        self._table = table
        self._value = value
        self._put = put
        self.columns = (
            Column("product_id", Text("商品编号", "Product id"), identifier),
            Column("scope", Text("范围", "Scope"), choice(*scopes)),
            Column("scope_id", Text("范围编号", "Scope id"), identifier, False, ""),
            value,
            Column("from_ms", Text("开始", "From"), moment, False, 0),
            Column("until_ms", Text("结束", "Until"), moment, False),
        )

    def plan(self, connection: Connection, by: Editor, rows: Sequence[Row], errors: Errors) -> Plan:
        """Check rows against the record."""
        references = _References(connection, by)
        ids = {str(row.values["product_id"]) for row in rows}
        known = known_rules(connection, self._table, ids)
        rules = []
        added = changed = 0
        for row in rows:
            values: dict[str, Any] = {"scope_id": "", "from_ms": 0, "until_ms": None} | row.values
            references.check(row.number, values, errors)
            if values["until_ms"] is not None and values["until_ms"] <= values["from_ms"]:
                errors.add(row.number, "until_ms", Problem.INCONSISTENT)
            old = known.get(tuple(values[name] for name in self.key))
            if old is None:
                added += 1
            elif (old["until_ms"], old[self._value.key]) == (
                values["until_ms"],
                values[self._value.key],
            ):
                continue
            else:
                changed += 1
            rules.append(self._rule(values))

        def write(connection: Connection) -> None:
            self._put(connection, by.brand_id, rules, by.at_ms)

        return Plan(Written(added, changed, len(rows) - added - changed), write)

    def _rule(self, values: dict[str, Any]) -> PriceRule | AssortmentRule:
        made = PriceRule if self._value.key == "price_fen" else AssortmentRule
        return made(
            secrets.token_hex(ID_BYTES),
            values["product_id"],
            Scope(values["scope"]),
            values["scope_id"],
            values[self._value.key],
            Window(values["from_ms"], values["until_ms"]),
        )

    def page(self, brand_id: str, after: object, limit: int) -> Select[tuple[object, ...]]:
        """The rows of a brand after a rule."""
        columns = [self._table.c[name] for name in self.key]
        query = select(self._table).where(self._table.c.brand_id == brand_id)
        if isinstance(after, tuple):
            query = query.where(tuple_(*columns) > tuple_(*after))
        return query.order_by(*columns).limit(limit)

    def cursor(self, row: RowMapping) -> object:
        """Its key."""
        return tuple(row[name] for name in self.key)

    def line(self, row: RowMapping) -> Sequence[str]:
        """Its cells."""
        value = row[self._value.key]
        shown = ("yes" if value else "no") if isinstance(value, bool) else yuan_text(value)
        return [
            row["product_id"],
            row["scope"],
            row["scope_id"],
            shown,
            moment_text(row["from_ms"]),
            moment_text(row["until_ms"]),
        ]


class _References:
    """What rules may name, read once per file."""

    def __init__(self, connection: Connection, by: Editor) -> None:
        def ids(table: Table) -> set[str]:
            query = select(table.c.id).where(table.c.brand_id == by.brand_id)
            return set(connection.scalars(query))

        own = select(products).where(products.c.brand_id == by.brand_id)
        columns = (products.c.id, products.c.own_price_min_fen, products.c.own_price_max_fen)
        self._bounds = {
            id: (lowest, highest)
            for id, lowest, highest in connection.execute(own.with_only_columns(*columns))
        }
        in_brand = select(rooms.c.id).join(stores).where(stores.c.brand_id == by.brand_id)
        self._scoped = {
            Scope.BRAND: {""},
            Scope.MEMBER: {""},
            Scope.CITY: ids(cities),
            Scope.ESTATE: ids(estates),
            Scope.STORE: ids(stores),
            Scope.LIVE: set(connection.scalars(in_brand)),
        }

    def check(self, number: int, values: dict[str, Any], errors: Errors) -> None:
        """Note what does not exist, and prices of stores that the product does not allow."""
        product_id, scope = values["product_id"], Scope(values["scope"])
        if product_id not in self._bounds:
            errors.add(number, "product_id", Problem.UNKNOWN, product_id)
        if values["scope_id"] not in self._scoped[scope]:
            problem = Problem.UNKNOWN if values["scope_id"] else Problem.MISSING
            errors.add(number, "scope_id", problem, values["scope_id"])
        if scope is Scope.STORE and product_id in self._bounds:
            lowest, highest = self._bounds[product_id]
            if lowest is None or not lowest <= values["price_fen"] <= highest:
                errors.add(number, "price_fen", Problem.OUT_OF_RANGE)


PRICES = RuleSheet(
    price_rules,
    Column("price_fen", Text("价格（元）", "Price (yuan)"), yuan(PRICE_FEN_MAX)),
    _PRICE_SCOPES,
    put_price_rules,
)
ASSORTMENT = RuleSheet(
    assortment_rules,
    Column("offered", Text("供应", "Offered"), yes_or_no),
    SCOPES,
    put_assortment_rules,
)
