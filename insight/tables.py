"""The lake's tables: columns, units, grain and keys.

Bronze holds facts as they came, silver their typed rows, one table per subject, gold what head
office reads. `day` is the date in China (UTC+8, without summer time) of `occurred_at`; tables are
partitioned by it. docs/lake.md is generated from this module:

    python -m insight.tables > docs/lake.md
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum

CHINA = timezone(timedelta(hours=8))
CHINA_MS = 8 * 3_600_000
DAY_MS = 86_400_000


class Kind(StrEnum):
    """The type of a column."""

    TEXT = "string"
    NUMBER = "int64"
    TIME = "timestamp"  # UTC, in rows milliseconds
    FLAG = "boolean"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, type, and what it means, unit first."""

    name: str
    kind: Kind
    meaning: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table: what a row is, which columns are its key, and how fresh it is."""

    name: str
    layer: str
    grain: str
    keys: tuple[str, ...]
    source: str
    freshness: str
    columns: tuple[Column, ...]


def _columns(*rows: tuple[str, Kind, str]) -> tuple[Column, ...]:
    return tuple(Column(*row) for row in rows)


_T, _N, _AT, _B = Kind.TEXT, Kind.NUMBER, Kind.TIME, Kind.FLAG

_FACT = _columns(
    ("source", _T, "where the fact comes from"),
    ("sequence", _N, "its number there"),
)
_PLACE = _columns(
    ("occurred_at", _AT, "when it happened"),
    ("day", _T, "date in China, YYYY-MM-DD; partition"),
    ("brand", _T, "brand id"),
    ("estate", _T, "estate id; empty where there is none"),
    ("person", _T, "pseudonym of the household or guest; empty where there is none"),
    ("trace", _T, "id that joins the facts of one order, group or delivery"),
)
FACT_COLUMNS = frozenset(column.name for column in (*_FACT, *_PLACE))
"""The columns that every table of facts has."""
_SILVER = "≤ 5 s behind the fact"


def _silver(name: str, grain: str, source: str, *rows: tuple[str, Kind, str]) -> Table:
    keys = ("source", "sequence")
    columns = (*_FACT, *_columns(*rows), *_PLACE)
    return Table(name, "silver", grain, keys, source, _SILVER, columns)


_RAW = _columns(
    ("topic", _T, "topic, see facts.md"),
    ("version", _N, "version of the topic"),
    ("arrived_at", _AT, "when the server had it"),
    ("payload", _T, "JSON as received"),
)

FACTS = Table(
    "facts",
    "bronze",
    "a fact as it came",
    ("source", "sequence"),
    "all",
    _SILVER,
    (*_FACT, *_RAW, *_PLACE),
)
REJECTED = Table(
    "rejected",
    "bronze",
    "a fact that the vocabulary does not admit",
    ("source", "sequence"),
    "all",
    _SILVER,
    (*_FACT, *_RAW, Column("reason", _T, "why, one line"), *_PLACE),
)
ORDER_LINES = Table(
    "order_lines",
    "silver",
    "a line of an order, as it was placed",
    ("order_id", "line"),
    "`order.placed`",
    _SILVER,
    (
        *_FACT,
        *_columns(
            ("order_id", _T, "order id"),
            ("line", _N, "its place in the order, from 0"),
            ("product_id", _T, "product id; a set is one product"),
            ("units", _N, "units ordered"),
            ("total_fen", _N, "fen, of the line"),
            ("before_fen", _N, "fen, of the lines before it"),
            ("order_total_fen", _N, "fen, of the order"),
            ("room_id", _T, "room in which it was ordered"),
            ("store_id", _T, "store that hands it over"),
            ("group_id", _T, "group buy, empty for none"),
            ("state", _T, "state in which it began"),
            ("refused", _T, "why the ledger refused it, empty if it did not"),
            ("due_at", _AT, "when it is to be packed; null if that was not known yet"),
        ),
        *_PLACE,
    ),
)
MONEY = _silver(
    "money",
    "a transfer of an order",
    "`money.moved`",
    ("order_id", _T, "order id"),
    ("kind", _T, "`charge` paid, `refund` paid back, `earn` handed over"),
    ("amount_fen", _N, "fen"),
)
ORDER_MOVES = _silver(
    "order_moves",
    "a change of an order's state",
    "`order.moved`",
    ("order_id", _T, "order id"),
    ("order_version", _N, "number of the change"),
    ("from_state", _T, "state before"),
    ("to_state", _T, "state after"),
    ("due_at", _AT, "when it has to be packed; null if that did not change"),
)
STOCK_MOVES = _silver(
    "stock_moves",
    "units of a product that moved in a store",
    "`stock.moved`",
    ("product_id", _T, "product id"),
    ("store_id", _T, "store id"),
    ("kind", _T, "`receive`, `sell`, `release`, `hand_over`"),
    ("units", _N, "units"),
)
LOT_MOVES = _silver(
    "lot_moves",
    "units of a lot that moved otherwise than by an order",
    "`lot.moved`",
    ("product_id", _T, "product id"),
    ("lot_id", _T, "lot id"),
    ("from_id", _T, "location before"),
    ("to_id", _T, "location after; `waste` is thrown away"),
    ("kind", _T, "why"),
    ("units", _N, "units"),
)
GROUPS = _silver(
    "groups",
    "a group buy after a change of it",
    "`group.changed`",
    ("group_id", _T, "group id"),
    ("product_id", _T, "product id"),
    ("state", _T, "state since"),
    ("joined", _N, "households that joined"),
    ("target", _N, "households needed"),
    ("price_fen", _N, "fen, of a unit"),
    ("ends_at", _AT, "deadline"),
)
RATINGS = _silver(
    "ratings",
    "a rating of a part of an order after a change of it; the last one holds",
    "`rating.changed`",
    ("order_id", _T, "order id"),
    ("line", _N, "its line, from 0"),
    ("part", _N, "the part of the line's set, from 0"),
    ("product_id", _T, "product id, of the part"),
    ("stars", _N, "1 to 5"),
    ("tags", _T, "such as `too_salty`, joined by spaces"),
    ("hidden", _B, "whether head office hides it"),
)
PAGE_EVENTS = _silver(
    "page_events",
    "something that happened on a page of a viewer",
    "`card.seen`, `card.opened`, `bag.added`, `live.watched`",
    ("kind", _T, "topic"),
    ("room_id", _T, "room id"),
    ("product_id", _T, "product id, empty for `live.watched`"),
    ("units", _N, "units, of `bag.added`"),
    ("duration_ms", _N, "ms: dwell of `card.opened`, watched time of `live.watched`"),
)
CABINETS = _silver(
    "cabinet_readings",
    "a reading of a cold cabinet",
    "`cabinet.read`",
    ("cabinet_id", _T, "cabinet id"),
    ("store_id", _T, "store id"),
    ("celsius_tenths", _N, "tenths of a degree Celsius"),
    ("door_open", _B, "whether the door was open"),
    ("powered", _B, "whether it had power"),
)
CHAT_EVENTS = _silver(
    "chat_events",
    "a line in a community's chat that orders or asks, or any of a viewer in a live's",
    "`chat.ordered`, `chat.asked`, `live.asked`, `live.chatted`",
    ("kind", _T, "topic"),
    ("chat_id", _T, "chat id; empty in a live"),
    ("product_id", _T, "product id; empty when none was named"),
    ("units", _N, "units, of `chat.ordered`"),
    ("about", _T, "`price`, `time`, `stock`, `quality`, `other`; `order`, `product` in a live"),
    ("room_id", _T, "room id, of a live"),
)
SALES_HOURLY = Table(
    "sales_hourly",
    "gold",
    "an hour × product × estate × store",
    ("hour", "product_id", "estate", "store_id"),
    "`order_lines`, `money`",
    "≤ 60 s behind silver",
    _columns(
        ("hour", _AT, "begin of the hour in which the money moved"),
        ("day", _T, "date in China, YYYY-MM-DD; partition"),
        ("brand", _T, "brand id"),
        ("estate", _T, "estate id"),
        ("store_id", _T, "store id"),
        ("product_id", _T, "product id"),
        ("units", _N, "units of orders that were paid in the hour"),
        ("orders", _N, "orders that were paid in the hour"),
        ("buyers", _N, "distinct households that paid in the hour"),
        ("paid_fen", _N, "fen, paid in the hour"),
        ("refunded_fen", _N, "fen, paid back in the hour, of orders of any time"),
        ("gmv_fen", _N, "fen, paid − refunded"),
        ("simulated", _B, "whether some of it is simulated, or of other shops; see simulator.md"),
    ),
)

SILVER: tuple[Table, ...] = (
    ORDER_LINES,
    MONEY,
    ORDER_MOVES,
    STOCK_MOVES,
    LOT_MOVES,
    GROUPS,
    RATINGS,
    PAGE_EVENTS,
    CABINETS,
    CHAT_EVENTS,
)
TABLES: tuple[Table, ...] = (FACTS, REJECTED, *SILVER, SALES_HOURLY)


def day_of(at_ms: int) -> str:
    """Return the date in China."""
    return datetime.fromtimestamp(at_ms / 1_000, UTC).astimezone(CHINA).strftime("%Y-%m-%d")


_SALES_HOURLY = """
WITH moved AS (
    SELECT order_id, kind, amount_fen, occurred_at, day
    FROM money
    WHERE {moved} AND kind IN ('charge', 'refund')
),
lines AS (
    SELECT l.*, m.kind AS money_kind, m.occurred_at AS moved_at, m.day AS money_day,
        -- Rounded at the running total, so that the parts of a transfer sum to it.
        -- Remainders are taken off first: `/` of integers is a fraction in some engines.
        CASE WHEN l.order_total_fen = 0 THEN 0 ELSE CAST(
            (m.amount_fen * (l.before_fen + l.total_fen)
                - m.amount_fen * (l.before_fen + l.total_fen) % l.order_total_fen)
                / l.order_total_fen
            - (m.amount_fen * l.before_fen - m.amount_fen * l.before_fen % l.order_total_fen)
                / l.order_total_fen
        AS BIGINT) END AS part_fen
    FROM moved m JOIN order_lines l ON l.order_id = m.order_id
    WHERE {placed}
),
-- Summed in three steps: sets of what is distinct in each group would take 400 MB for a day.
by_order AS (
    SELECT date_trunc('hour', moved_at) AS hour, money_day, brand, estate, store_id, product_id,
        person, order_id,
        SUM(CASE WHEN money_kind = 'charge' THEN units ELSE 0 END) AS units,
        MAX(CASE WHEN money_kind = 'charge' THEN 1 ELSE 0 END) AS orders,
        SUM(CASE WHEN money_kind = 'charge' THEN part_fen ELSE 0 END) AS paid_fen,
        SUM(CASE WHEN money_kind = 'refund' THEN part_fen ELSE 0 END) AS refunded_fen,
        bool_or(source IN ('simulator', 'completejourney')) AS simulated
    FROM lines
    GROUP BY date_trunc('hour', moved_at), money_day, brand, estate, store_id, product_id,
        person, order_id
),
by_person AS (
    SELECT hour, money_day, brand, estate, store_id, product_id, person,
        SUM(units) AS units, SUM(orders) AS orders, MAX(orders) AS buyers,
        SUM(paid_fen) AS paid_fen, SUM(refunded_fen) AS refunded_fen,
        bool_or(simulated) AS simulated
    FROM by_order
    GROUP BY hour, money_day, brand, estate, store_id, product_id, person
),
summed AS (
    SELECT hour, money_day AS day, brand, estate, store_id, product_id,
        CAST(SUM(units) AS BIGINT) AS units,
        CAST(SUM(orders) AS BIGINT) AS orders,
        CAST(SUM(buyers) AS BIGINT) AS buyers,
        CAST(SUM(paid_fen) AS BIGINT) AS paid_fen,
        CAST(SUM(refunded_fen) AS BIGINT) AS refunded_fen,
        bool_or(simulated) AS simulated
    FROM by_person
    GROUP BY hour, money_day, brand, estate, store_id, product_id
)
SELECT *, paid_fen - refunded_fen AS gmv_fen FROM summed
"""


def sales_hourly_sql(moved: str, placed: str = "TRUE") -> str:
    """Return the gold table from silver, for the lake's engine, Spark and DuckDB.

    `moved` says which transfers count: those of whole hours, such as `day = '2026-11-28'`. `placed`
    may say on which days (`l.day`) their orders were placed, so that no others are read.
    """
    return _SALES_HOURLY.format(moved=moved, placed=placed)


CURVES_SQL = """
SELECT brand, CAST((date_part('epoch', occurred_at) + 28800) % 86400 / 600 AS BIGINT) AS bucket,
    CAST(SUM(CASE WHEN kind = 'charge' THEN amount_fen ELSE -amount_fen END) AS BIGINT) AS gmv_fen,
    bool_or(source IN ('simulator', 'completejourney')) AS simulated
FROM money
WHERE day = '{day}' AND kind IN ('charge', 'refund')
GROUP BY brand, CAST((date_part('epoch', occurred_at) + 28800) % 86400 / 600 AS BIGINT)
"""
"""GMV of a day by brand and ten minutes, from silver; bucket 0 begins at midnight in China."""


def markdown() -> str:
    """Return docs/lake.md."""
    return "\n".join([_HEADER, *(line for table in TABLES for line in _section(table))])


def _section(table: Table) -> Iterator[str]:
    yield f"## {table.layer}/{table.name}"
    yield ""
    yield f"A row is {table.grain}; key: {_names(table.keys)}. From {table.source}, "
    yield f"{table.freshness}."
    yield ""
    yield "| column | type | meaning |"
    yield "| --- | --- | --- |"
    for column in table.columns:
        yield f"| `{column.name}` | {column.kind} | {column.meaning} |"
    yield ""


def _names(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


BY_NAME: Mapping[str, Table] = {table.name: table for table in TABLES}

_HEADER = """\
# The lake

Generated from `insight/tables.py`; do not edit, run

    python -m insight.tables > docs/lake.md

Delta tables under `LINLI_LAKE_URL` (a folder `lake` in the data folder by default), each at
`{layer}/{table}`, reader version 1 and writer version 2, so that DuckDB, polars, Spark and Trino
read them as they are:

    duckdb -c "SELECT sum(gmv_fen) FROM delta_scan('var/lake/gold/sales_hourly') WHERE day = …"
    polars.scan_delta("var/lake/gold/sales_hourly")
    linli lake sql "SELECT day, sum(gmv_fen) FROM sales_hourly GROUP BY day"
    spark.read.format("delta").load("var/lake/gold/sales_hourly")

DuckDB without its Delta extension, and Spark without Delta's jar, read the Parquet files of the
newest version: `deltalake.DeltaTable(address).file_uris()`. Gold is one SQL text that the lake's
engine, DuckDB and Spark compute alike; `linli lake submit DAY …` has Spark do it (`pip install
'linli[spark]'`, Java 17), at the cluster of `SPARK_REMOTE` if that is set, which must reach the
lake's address itself. One computes a day at a time: not beside a running writer of the same day.
The writer computes hours whose transfers changed, in pieces of some 50,000 transfers, so that a
day of any size takes the same memory; gold says by its app transactions how much of silver it has.
`linli lake replay DAY` makes a day's silver and gold again from bronze, beside a running writer,
too: rows that are in silver alone, such as simulated ones, stay.

Money is integer fen; times are UTC. One writer fills them, the role `insight`: by default a
process of its own beside each server, at low priority, that ends above 600 MB and is started
again; `linli serve --roles insight` is that process alone, on another machine. Each micro-batch is
written once: the last number of a source is in the Delta log of each table as an app transaction.
Compaction leaves older versions readable for 7 days.
Rows whose `source` is `simulator` come from no shop, those of `completejourney` from another one:
docs/simulator.md says how they are made.
A person's key is destroyed with their erasure, so that their rows are nobody's. Within ten minutes
the writer also takes the pseudonym out of every row, bronze and silver; money and units stay, so
that sums do. Files of versions before that go after 7 days.
"""


if __name__ == "__main__":
    print(markdown(), end="")
