"""Puts simulated history into the lake, each table once, so that a run that was killed goes on."""

from datetime import timedelta

import numpy as np

from insight.errors import HasHistory
from insight.io.gold import Gold
from insight.io.lake import Lake
from insight.simulated_rows import SOURCE, World
from insight.simulator import simulate
from insight.tables import BY_NAME, MONEY, SALES_HOURLY


def seed(lake: Lake, world: World, *, seed: int) -> dict[str, int]:
    """Simulate a world into the lake; return how many rows each table has of it.

    The same world and seed are the same rows; a table that has them gets none.

    Raises:
        HasHistory: The brand has money of the record on these days.
    """
    lake.create()
    brand, first = world.brand.replace("'", "''"), world.first_day.isoformat()
    last_day = world.first_day + timedelta(days=world.days - 1)
    [(count,)] = lake.sql(
        f"SELECT COUNT(*) FROM money WHERE brand = '{brand}' AND source <> '{SOURCE}' "
        f"AND day BETWEEN '{first}' AND '{last_day.isoformat()}'"
    )[1]
    if count:
        raise HasHistory(f"{world.brand} has {count} transfers between {first} and {last_day}.")
    other = f"SELECT brand FROM money WHERE source = '{SOURCE}' AND brand <> '{brand}' LIMIT 1"
    for (name,) in lake.sql(other)[1]:
        raise HasHistory(f"{name} has such history in this lake already.")
    found = simulate(world, np.random.default_rng(seed))
    # Money comes last: the key figures are marked by it, and are whole then.
    for name, columns in sorted(found.items(), key=lambda each: each[0] == MONEY.name):
        table = BY_NAME[name]
        if len(columns["sequence"]) and lake.version(table, SOURCE) < 0:
            lake.append(table, columns, SOURCE, int(columns["sequence"][-1]))
    if lake.version(SALES_HOURLY, SOURCE) < 0:
        batches = Gold(lake).batches_of(SOURCE)
        lake.append_batches(SALES_HOURLY, batches, SOURCE, lake.version(MONEY, SOURCE))
    return {name: len(columns["sequence"]) for name, columns in found.items()}
