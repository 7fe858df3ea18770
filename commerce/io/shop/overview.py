"""What head office sees of the record as it is now, for all brands at once."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, case, false, func, select

from commerce.io.record.schema import brands, products, stock, stores
from commerce.io.record.schema_after_sales import ratings
from commerce.io.record.schema_cabinets import cabinets
from commerce.io.shop.context import ShopContext
from commerce.supply.cabinets import Alarm

T = TypeVar("T")

_NONE_LEFT = (
    select(products.c.brand_id, func.count())
    .join(products, products.c.id == stock.c.product_id)
    .where(products.c.on_sale, stock.c.on_hand <= stock.c.sold)
    .group_by(products.c.brand_id)
    .select_from(stock)
)


# Words that wait for a moderator are held, their stars count; what was hidden does not.
_RATINGS = (
    select(ratings.c.brand_id, func.count(), func.sum(ratings.c.stars))
    .where(ratings.c.brand_id.in_(select(brands.c.id)), ratings.c.hidden == false())
    .group_by(ratings.c.brand_id)
)
_OUT_OF_RANGE = case((cabinets.c.alarm.in_((Alarm.TOO_WARM, Alarm.TOO_COLD)), 1), else_=0)
_CABINETS = (
    select(
        stores.c.brand_id,
        func.count(),
        func.count(cabinets.c.alarm),
        func.sum(_OUT_OF_RANGE),
    )
    .join(stores, stores.c.id == cabinets.c.store_id)
    .where(cabinets.c.key_hash.is_not(None))  # without a key it is out of use
    .group_by(stores.c.brand_id)
    .select_from(cabinets)
)


@dataclass(frozen=True, slots=True)
class RatingSum:
    """How many ratings, and their stars in all."""

    count: int
    stars: int


@dataclass(frozen=True, slots=True)
class CabinetCount:
    """How many cold cabinets, how many in alarm, and of those for their temperature."""

    count: int
    alarms: int
    out_of_range: int


class Overview:
    """A few sums; each call is one query, or none while the record has not changed."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop
        self._known: dict[str, tuple[tuple[object, ...], Any]] = {}

    async def stock_outs(self) -> dict[str, int]:
        """Return per brand how many (product, store) pairs are on sale with nothing left."""

        def count(connection: Connection) -> dict[str, int]:
            found: defaultdict[str, int] = defaultdict(int)
            found |= {brand: int(pairs) for brand, pairs in connection.execute(_NONE_LEFT)}
            return found

        return await self._kept("stock-outs", count)

    async def ratings(self, since_ms: int) -> dict[str, RatingSum]:
        """Return per brand the ratings that were given since a time."""
        # An edit is never before its rating, and the index has its time.
        of = ratings.c
        since = _RATINGS.where(of.edited_at_ms >= since_ms, of.rated_at_ms >= since_ms)

        def add(connection: Connection) -> dict[str, RatingSum]:
            rows = connection.execute(since)
            return {brand: RatingSum(int(count), int(stars)) for brand, count, stars in rows}

        return await self._kept("ratings", add, since_ms)

    async def cabinets(self) -> dict[str, CabinetCount]:
        """Return per brand how its cold cabinets are."""

        def add(connection: Connection) -> dict[str, CabinetCount]:
            rows = connection.execute(_CABINETS)
            return {brand: CabinetCount(*map(int, counts)) for brand, *counts in rows}

        return await self._kept("cabinets", add)

    async def _kept(self, name: str, add: Callable[[Connection], T], *arguments: object) -> T:
        version = await self._shop.record.version.read()
        known = self._known.get(name)
        if known is None or known[0] != (version, *arguments):
            known = ((version, *arguments), await self._shop.record.query(add))
            self._known[name] = known
        found: T = known[1]
        return found
