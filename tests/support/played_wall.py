"""The wall of a played head office: many lives and estates on a busy evening, and its events."""

from random import Random
from typing import Any

from tests.support.played_places import NAMES, text

Row = dict[str, Any]
BUCKET = 119  # 19:50
BUCKETS = 144
CHANGED_SHARE = 0.5  # of lives and estates, between two events of a busy evening
KITCHENS = [
    ("厨房", "Kitchen"),
    ("周末家庭厨房与厨师老王", "Weekend family kitchen with Chef Wang"),
]


def _live(number: int) -> Row:
    zh, en = NAMES[number % 3]
    kitchen, kitchen_en = KITCHENS[number % 2]
    return {
        "room_id": f"r{number}",
        "title": text(f"{zh}{kitchen} {number}", f"{en} {kitchen_en} {number}"),
        "store_id": f"s{number % 4 + 1}",
        "state": "paused" if number % 17 == 5 else "live",
        "started_at_ms": 1_790_000_000_000,
        "viewers": 2_000 - 6 * number,
        "orders": 300 - number,
        "gmv_fen": 990 * (300 - number),
    }


def _estate(number: int) -> Row:
    gmv_fen = 7_919 * number % 500_000
    return {
        "id": f"e{number}",
        "gmv_fen": gmv_fen,
        "orders": gmv_fen // 1_000,
        "refunded_fen": gmv_fen // 50,
        "groups": number % 4,
    }


def _figures(orders: int) -> Row:
    return {
        "day": "2026-11-28",
        "gmv_fen": 1_990 * orders,
        "paid_fen": 2_000 * orders,
        "refunded_fen": 10 * orders,
        "orders": orders,
        "units": 2 * orders,
        "refunds": orders // 90,
        "orders_by_minute": [180 + 17 * minute % 60 for minute in range(30)] + [orders % 200],
        "bucket": BUCKET,
        "bucket_gmv_fen": 1_990 * (orders % 3_000),
        "last_week_gmv_fen": 80_000_000,
        "open_orders": 812,
        "late_orders": 7,
        "packed": 40_210,
        "packed_on_time": 39_001,
        "groups_open": 64,
        "groups_reached": 21,
        "groups_expiring": 9,
        "groups_reached_today": 733,
        "groups_expired_today": 48,
    }


def map_of(estates: int, map_row: Row) -> Row:
    """Return a map with so many estates, by the stores of `map_row`."""
    made = [
        {
            "id": f"e{number}",
            "name": text(
                f"{NAMES[number % 3][0]}小区 {number}", f"{NAMES[number % 3][1]} {number}"
            ),
            "city_id": "hangzhou",
            "store_id": f"s{number % 4 + 1}",
            "latitude": 30.2 + number * 7 % 20 / 100,
            "longitude": 120.1 + number * 3 % 29 / 60,
            "outline": [],
        }
        for number in range(1, estates + 1)
    ]
    return map_row | {"estates": made}


def wall(lives: int, estates: int, now_ms: int, **over: Any) -> Row:
    """Return what `GET /api/hq/wall` answers; last week is simulated."""
    return {
        "brand_id": "b1",
        "made_at_ms": now_ms,
        "behind": 0,
        "figures": _figures(52_000),
        "stock_outs": 12,
        "curve": [5_000 * min(bucket, 60) for bucket in range(BUCKET + 1)],
        "last_week": [4_000 * min(bucket, 70) for bucket in range(BUCKETS)],
        "last_week_simulated": True,
        "estates": [_estate(number) for number in range(1, estates + 1)],
        "lives": [_live(number) for number in range(lives)],
        "sources": [{"name": name, "at_ms": now_ms} for name in ("orders", "lives")],
        "ratings": {"count": 310, "stars": 1_480},
        "cabinets": {"count": 140, "alarms": 3, "out_of_range": 2},
        **over,
    }


def event(whole: Row, number: int, now_ms: int, coins: Random) -> Row:
    """Return the event with this number after a wall, in which half of all changed."""

    def changed(rows: list[Row]) -> list[Row]:
        drawn = coins.sample(rows, round(CHANGED_SHARE * len(rows)))
        return [
            row | {"orders": row["orders"] + number, "gmv_fen": row["gmv_fen"] + 990 * number}
            for row in drawn
        ]

    return {
        "k": "wall",
        "made_at_ms": now_ms,
        "figures": _figures(52_000 + 160 * number),
        "estates": changed(whole["estates"]),
        "lives": changed(whole["lives"]),
        **{name: whole[name] for name in ("behind", "stock_outs", "sources")},
        **{name: whole[name] for name in ("ratings", "cabinets")},
    }
