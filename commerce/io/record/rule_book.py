"""Rules of prices and of the assortment in the record: read as one book, written in bulk.

The writing functions run inside the caller's transaction, see commerce/io/record/postings.py.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.catalogue.assortment import AssortmentRule
from commerce.catalogue.offers import RuleBook, rule_book
from commerce.catalogue.pricing import PriceRule
from commerce.catalogue.rules import Rule, boundaries
from commerce.io.record.postings import IDS_MAX, Topic, enqueue
from commerce.io.record.rows import assortment_rule_of, price_rule_of
from commerce.io.record.schema import counters
from commerce.io.record.schema_rules import assortment_rules, price_rules

VERSION = "rules"  # the counter that grows with every change

_Key = tuple[str, str, str, int]


@dataclass(frozen=True, slots=True)
class Written:
    """What became of rules that were put: how many are new, and how many replaced one."""

    added: int
    changed: int


async def read_rule_book(connection: AsyncConnection, known: RuleBook) -> RuleBook:
    """Read all rules, or return `known` if it is still the newest."""
    return await connection.run_sync(rule_book_in, known)


def rule_book_in(connection: Connection, known: RuleBook) -> RuleBook:
    """`read_rule_book` within a transaction."""
    version = version_in(connection)
    if version == known.version:
        return known
    prices = connection.execute(select(price_rules)).mappings()
    assortment = connection.execute(select(assortment_rules)).mappings()
    return rule_book(
        version,
        [price_rule_of(row) for row in prices],
        [assortment_rule_of(row) for row in assortment],
    )


async def read_version(connection: AsyncConnection) -> int:
    """How often products and rules were changed, see `announce_products`."""
    return await connection.run_sync(version_in)


def version_in(connection: Connection) -> int:
    """`read_version` within a transaction."""
    found = connection.scalar(select(counters.c.value).where(counters.c.name == VERSION))
    return int(found or 0)


def put_price_rules(
    connection: Connection, brand_id: str, rules: Sequence[PriceRule], at_ms: int
) -> Written:
    """Write rules; one of the same scope and beginning is replaced and keeps its id."""
    values = [{**_values(rule, brand_id), "price_fen": rule.price_fen} for rule in rules]
    return _put(connection, price_rules, rules, values, at_ms)


def put_assortment_rules(
    connection: Connection, brand_id: str, rules: Sequence[AssortmentRule], at_ms: int
) -> Written:
    """Write rules; one of the same scope and beginning is replaced and keeps its id."""
    values = [{**_values(rule, brand_id), "offered": rule.offered} for rule in rules]
    return _put(connection, assortment_rules, rules, values, at_ms)


def delete_rule(connection: Connection, table: Table, id: str, product_id: str, at_ms: int) -> None:
    """Delete a rule of a product."""
    connection.execute(delete(table).where(table.c.id == id))
    announce_products(connection, [product_id], at_ms)


def announce_products(connection: Connection, product_ids: Collection[str], at_ms: int) -> None:
    """Have workers read the rules again, and gate and rooms get the offers of products."""
    connection.execute(
        update(counters).where(counters.c.name == VERSION).values(value=counters.c.value + 1)
    )
    enqueue(connection, Topic.PRODUCT, sorted(product_ids), at_ms)


_SAME_VALUES = ("until_ms", "price_fen", "offered")


def _put(
    connection: Connection,
    table: Table,
    rules: Sequence[Rule],
    values: Sequence[dict[str, Any]],
    at_ms: int,
) -> Written:
    known = known_rules(connection, table, {row["product_id"] for row in values})
    added = [row for row in values if _key(row) not in known]
    changed = [{**row, "known_id": known[_key(row)]["id"]} for row in values if _key(row) in known]
    if added:
        connection.execute(insert(table), added)
    if changed:
        connection.execute(
            update(table)
            .where(table.c.id == bindparam("known_id"))
            .values(
                {name: bindparam(name) for name in _SAME_VALUES if name in table.c}
                | {"version": table.c.version + 1}
            ),
            [
                {name: row[name] for name in ("known_id", *_SAME_VALUES) if name in row}
                for row in changed
            ],
        )
    by_time: dict[int, set[str]] = {}
    for row, rule in zip(values, rules, strict=True):
        for time_ms in boundaries([rule], at_ms):
            by_time.setdefault(time_ms, set()).add(row["product_id"])
    announce_products(connection, {row["product_id"] for row in values}, at_ms)
    # Delivered when a window begins or ends, though nothing is written then.
    for time_ms, product_ids in sorted(by_time.items()):
        enqueue(connection, Topic.PRODUCT, sorted(product_ids), time_ms)
    return Written(len(added), len(changed))


def known_rules(
    connection: Connection, table: Table, product_ids: Collection[str]
) -> dict[tuple[Any, ...], RowMapping]:
    """Return the rules of products by product, scope, scope id and beginning."""
    found: dict[tuple[Any, ...], RowMapping] = {}
    ids = sorted(product_ids)
    for at in range(0, len(ids), IDS_MAX):
        query = select(table).where(table.c.product_id.in_(ids[at : at + IDS_MAX]))
        found |= {_key(row): row for row in connection.execute(query).mappings()}
    return found


def _key(row: Mapping[str, Any] | RowMapping) -> _Key:
    return row["product_id"], row["scope"], row["scope_id"], row["from_ms"]


def _values(rule: PriceRule | AssortmentRule, brand_id: str) -> dict[str, Any]:
    return {
        "id": rule.id,
        "brand_id": brand_id,
        "product_id": rule.product_id,
        "scope": rule.scope.value,
        "scope_id": rule.scope_id,
        "from_ms": rule.window.from_ms,
        "until_ms": rule.window.until_ms,
    }
