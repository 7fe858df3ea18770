"""A year of a brand whose causes are known; docs/simulator.md says which, and what they show.

Everything follows from the coins that are passed in, so the same seed is the same year. A day is
simulated at a time, all households, lines and lots of it at once. Money is fen, times are UTC ms.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from insight.simulated_rows import HOUR_MS, Columns, DayRows, Floats, Ints, Lines, Numbers, World
from insight.tables import CHINA

ORDERS_PER_HOUSEHOLD_DAY = 0.12  # mean; lognormal between households
SPREAD = 0.7  # of that, sigma of its logarithm
LINES_BEYOND_FIRST = 0.7  # Poisson mean
LINES_MAX = 6
JOIN_DAYS = 60.0  # mean wait of a household after its estate opened
WEEKDAYS = (0.85, 0.85, 0.9, 0.95, 1.35, 1.2, 1.0)  # Monday first; the live is on Friday evening
PAY_DAYS = (10, 11, 25, 26)
PAY_DAY = 1.15
RAIN_SHARE, RAIN = 0.3, 1.1
ELASTICITY = 2.0
PROMOTED_SHARE, PROMOTED_PRICE = 0.1, 0.8  # of product weeks
COVER_DAYS, SAFETY = 2.0, 1.15  # of the shop's order-up-to level
LOOKBACK_DAYS = 28
SHELF_DAYS_MAX = 8
PILOT_DAYS = 90  # at the end of the history
PILOT_DEMAND, PILOT_COVER = 1.12, 0.75  # pilots sell 12 % more, and order closer to demand

# (month, day) of the first day, days, factor: what people buy before and during.
FESTIVALS: Mapping[str, tuple[tuple[date, int, float], ...]] = {
    "spring": ((date(2025, 1, 24), 5, 1.8), (date(2025, 1, 29), 7, 0.5))
    + ((date(2026, 2, 12), 5, 1.8), (date(2026, 2, 17), 7, 0.5))
    + ((date(2027, 2, 1), 5, 1.8), (date(2027, 2, 6), 7, 0.5)),
    "dragon boat": ((date(2025, 5, 29), 3, 1.4), (date(2026, 6, 17), 3, 1.4)),
    "mid-autumn": ((date(2025, 10, 4), 3, 1.4), (date(2026, 9, 23), 3, 1.4)),
    "national day": ((date(2025, 10, 1), 3, 0.8), (date(2026, 10, 1), 7, 0.8)),
}


@dataclass(slots=True)
class _State:
    """What goes on from day to day."""

    rate: Floats  # (estate, household) orders a day
    joins: Ints  # (estate, household) the day from which it buys
    taste: Floats  # (estate, product)
    lots: Ints  # (age in days, store, product) units
    sold: list[Ints] = field(default_factory=list)  # of the last days, wanted (store, product)
    price: Floats = field(default_factory=lambda: np.zeros(0))
    temperature: float = 15.0
    numbers: Numbers = field(default_factory=Numbers)


def simulate(world: World, coins: Generator) -> dict[str, Columns]:
    """Return the columns of silver tables, by table name."""
    stores = sorted({place.store for place in world.places})
    state = _begin(world, len(stores), coins)
    chunks: dict[str, list[Columns]] = {}
    for number in range(world.days):
        for table, columns in _day(world, stores, state, number, coins):
            chunks.setdefault(table, []).append(columns)
    return {table: _joined(found) for table, found in chunks.items()}


def factor(day: date, rain: bool) -> float:
    """Return by how much more is bought than on a mean day: weekday, pay day, festival, rain."""
    found = WEEKDAYS[day.weekday()] * (PAY_DAY if day.day in PAY_DAYS else 1.0)
    for spans in FESTIVALS.values():
        for first, days, by in spans:
            if first <= day < first + timedelta(days=days):
                found *= by
    return found * (RAIN if rain else 1.0)


def _begin(world: World, stores: int, coins: Generator) -> _State:
    estates, goods = len(world.places), len(world.goods)
    shape = estates, world.households
    rate = coins.lognormal(-(SPREAD**2) / 2, SPREAD, shape) * ORDERS_PER_HOUSEHOLD_DAY
    opens = np.array([[place.opens] for place in world.places])
    joins = opens + coins.exponential(JOIN_DAYS, shape).astype(np.int64)
    # Half of an old estate's households buy from the first day on.
    joins[(opens == 0) & (coins.random(shape) < 0.5)] = 0
    taste = coins.dirichlet(np.full(goods, 1.5), estates)
    return _State(rate, joins, taste, np.zeros((SHELF_DAYS_MAX, stores, goods), np.int64))


def _day(
    world: World, stores: Sequence[str], state: _State, number: int, coins: Generator
) -> Iterator[tuple[str, Columns]]:
    day = world.first_day + timedelta(days=number)
    begin_ms = int(datetime(day.year, day.month, day.day, tzinfo=CHINA).timestamp() * 1_000)
    season = 17 + 11 * np.sin(2 * np.pi * (day.timetuple().tm_yday - 105) / 365)
    state.temperature += 0.3 * (season - state.temperature) + coins.normal(0, 2)
    if number % 7 == 0 or not state.price.size:
        promoted = coins.random(len(world.goods)) < PROMOTED_SHARE
        state.price = np.where(promoted, PROMOTED_PRICE, 1.0)
    by = factor(day, coins.random() < RAIN_SHARE)
    rows = DayRows(world, stores, day.isoformat(), begin_ms)
    lines = _wanted(world, state, number, by, coins)
    store_of = np.array([stores.index(each.store) for each in world.places])
    key = store_of[lines.estate] * len(world.goods) + lines.good
    wanted = np.bincount(key, lines.units, len(stores) * len(world.goods)).astype(np.int64)
    wanted = wanted.reshape(len(stores), len(world.goods))
    received = _order_up_to(world, stores, state, number, wanted)
    state.lots[0] += received
    yield from rows.received(received, state.numbers)
    lines = lines.where(_in_stock(key, lines.units, state.lots.sum(axis=0).ravel()))
    if len(lines.at_ms):
        yield from rows.orders(lines, store_of, state.numbers, by, coins)
        sold = np.bincount(
            store_of[lines.estate] * len(world.goods) + lines.good, lines.units, wanted.size
        )
        _take_oldest(state.lots, sold.astype(np.int64).reshape(wanted.shape))
    state.sold = [*state.sold[-LOOKBACK_DAYS + 1 :], wanted]
    yield from rows.wasted(_expire(world, state), state.numbers)


def _wanted(world: World, state: _State, number: int, by: float, coins: Generator) -> Lines:
    """What households want today, whatever the shop has."""
    rate = np.where(state.joins <= number, state.rate, 0.0) * by
    if number >= world.days - PILOT_DAYS:
        is_pilot = [place.estate in world.pilots for place in world.places]
        rate[is_pilot] *= PILOT_DEMAND
    estate, household = np.nonzero(coins.random(rate.shape) < rate)
    evening = coins.random(len(estate)) < 0.55
    hours = np.where(
        evening, coins.normal(20.0, 0.7, len(estate)), coins.uniform(7.5, 22.0, len(estate))
    )
    at_ms = (np.clip(hours, 7.0, 22.9) * HOUR_MS).astype(np.int64)
    in_time = np.argsort(at_ms, kind="stable")
    estate, household, at_ms = estate[in_time], household[in_time], at_ms[in_time]
    count = np.minimum(1 + coins.poisson(LINES_BEYOND_FIRST, len(estate)), LINES_MAX)
    order = np.repeat(np.arange(len(estate)), count)
    heat = np.array([good.heat for good in world.goods])
    pull = np.exp(heat * (state.temperature - 17) / 10) * state.price**-ELASTICITY
    shares = state.taste * pull
    edges = np.cumsum(shares, axis=1) / shares.sum(axis=1, keepdims=True)
    # One search in all estates' edges, each shifted by its number.
    shifted = (edges + np.arange(len(edges))[:, None]).ravel()
    drawn = coins.random(len(order)) * (1 - 1e-9) + estate[order]
    good = np.searchsorted(shifted, drawn, side="right") - estate[order] * edges.shape[1]
    good = np.clip(good, 0, edges.shape[1] - 1)
    units = 1 + (coins.random(len(order)) < 0.2).astype(np.int64)
    price = np.array([good.price_fen for good in world.goods]) * state.price
    fen = np.maximum(1, np.round(price[good])).astype(np.int64) * units
    of = order
    return Lines(of, estate[of], household[of], good, units, fen, at_ms[of])


def _order_up_to(
    world: World, stores: Sequence[str], state: _State, number: int, wanted: Ints
) -> Ints:
    """What comes in the morning: up to so many days of the mean demand of the last weeks."""
    mean = np.mean(state.sold, axis=0) if state.sold else wanted * 1.0
    cover = np.full(len(stores), COVER_DAYS)
    if number >= world.days - PILOT_DAYS:
        served = [
            {place.estate in world.pilots for place in world.places if place.store == store}
            for store in stores
        ]
        cover[[sides == {True} for sides in served]] *= PILOT_COVER
    shelf = np.array([good.shelf_days for good in world.goods])
    days = np.minimum(cover[:, None], np.maximum(1.0, shelf[None, :] / 1.5))
    missing: Ints = np.maximum(
        0, np.ceil(mean * days * SAFETY).astype(np.int64) - state.lots.sum(axis=0)
    )
    return missing


def _in_stock(key: Ints, units: Ints, stock: Ints) -> NDArray[np.bool_]:
    """Which lines the stock lasts for, in their order; later ones get nothing."""
    by_key = np.argsort(key, kind="stable")
    sums = np.cumsum(units[by_key])
    keys = key[by_key]
    first = np.r_[True, keys[1:] != keys[:-1]] if len(keys) else np.zeros(0, bool)
    before = np.maximum.accumulate(np.where(first, sums - units[by_key], 0))
    kept = np.empty(len(key), bool)
    kept[by_key] = sums - before <= stock[keys]
    return kept


def _take_oldest(lots: Ints, sold: Ints) -> None:
    for age in range(len(lots) - 1, -1, -1):
        taken = np.minimum(lots[age], sold)
        lots[age] -= taken
        sold -= taken


def _expire(world: World, state: _State) -> Ints:
    """Age the lots by a night; return what is thrown away, by (store, product)."""
    wasted: Ints = state.lots[-1].copy()
    state.lots[1:] = state.lots[:-1]
    state.lots[0] = 0
    for at, good in enumerate(world.goods):
        last = min(good.shelf_days, SHELF_DAYS_MAX - 1)
        wasted[:, at] += state.lots[last:, :, at].sum(axis=0)
        state.lots[last:, :, at] = 0
    return wasted


def _joined(chunks: Sequence[Columns]) -> Columns:
    found: Columns = {}
    for name, first in chunks[0].items():
        parts = [chunk[name] for chunk in chunks]
        if isinstance(first, np.ndarray):
            found[name] = np.concatenate(parts)
        else:
            found[name] = [value for part in parts for value in part]
    return found
