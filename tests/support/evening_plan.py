"""How large an evening of many shops is, what they sell, and its virtual time."""

import dataclasses

from commerce.catalogue.sets import PartRole, SetPart
from commerce.catalogue.values import (
    Brand,
    Coordinates,
    Estate,
    GroupOffer,
    Product,
    Room,
    SeedPlan,
    Store,
)
from commerce.io.record.engine import wall_clock
from tests.support.commerce_shop import TestClock, text

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
GROUP_TARGET = 4
DAY_ZONE_MS = 8 * HOUR_MS


class VirtualClock(TestClock):
    """Time that moves only when it is advanced; ahead of the real time in which keys expire."""

    def __init__(self) -> None:
        # Noon of tomorrow in China: an evening fits into one day of the books.
        now = wall_clock() + DAY_ZONE_MS
        self.now_ms = now - now % (24 * HOUR_MS) + 36 * HOUR_MS - DAY_ZONE_MS

    def __call__(self) -> int:
        return self.now_ms


@dataclasses.dataclass(frozen=True, slots=True)
class Size:
    """How much happens. A store's packers take `packing_s` per order."""

    shops: int
    sets: int
    singles: int
    seed: int
    hours: float = 4
    packers: int = 8
    packing_s: tuple[int, int] = (90, 240)
    fault_share: float = 0.03
    kills: int = 4
    tick_s: int = 15
    pays_later: bool = False  # at a provider that answers by webhook or when it is queried


def plan_of(size: Size) -> SeedPlan:
    """Return stores with an estate and a room each, `tea` and the set `dinner`."""
    dinner = Product(
        "dinner", text("dinner"), text("set"), "/goods/set.svg", 2_000, 2_780,
        GroupOffer(1_700, GROUP_TARGET, int(size.hours * 3_600)),
        parts=(SetPart("tea", 2, 7_000, PartRole.MAIN), SetPart("pear", 1, 3_000, PartRole.SIDE)),
        recipe=text("boil"), cooking_minutes=30,
    )  # fmt: skip
    places = [Coordinates(30 + 0.05 * n, 120) for n in range(size.shops)]
    per_hour = 3_600 // size.packing_s[1]
    return SeedPlan(
        brand=Brand("b", text("brand")),
        stores=tuple(
            Store(
                f"s{n}",
                text(f"store {n}"),
                text("street"),
                at,
                packers=size.packers,
                orders_per_packer_hour=per_hour,
                delivers=True,
            )
            for n, at in enumerate(places)
        ),
        estates=tuple(
            Estate(f"e{n}", text(f"estate {n}"), at, f"s{n}") for n, at in enumerate(places)
        ),
        rooms=tuple(Room(f"r{n}", text(f"room {n}"), f"s{n}") for n in range(size.shops)),
        products=(
            Product("tea", text("tea"), text("box"), "/goods/tea.svg", 990, 1_200),
            Product("pear", text("pear"), text("kg"), "/goods/pear.svg", 800, 1_000),
            dinner,
        ),
        stock=(),
        staff=(),
    )
