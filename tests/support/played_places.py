"""Places of a played head office: rows of its lists, its brand, its map."""

from typing import Any

from commerce.catalogue.cells import cells_around, outline
from commerce.catalogue.values import Coordinates

Row = dict[str, Any]
NAMES = [("春江", "Spring River"), ("梧桐", "Plane Tree"), ("学府", "Academy")]


def text(zh: str, en: str) -> dict[str, str]:
    """The same words in both languages."""
    return {"zh": zh, "en": en}


def stores() -> list[Row]:
    """Two pages of them."""
    return [
        {
            "id": f"s{n}",
            "version": 1,
            "name": text(f"邻鲜优选·{zh}店", f"Linxian {en}"),
            "address": text(f"{zh}南门 {n} 号", f"{n} South Gate, {en}"),
            "latitude": 30.27 + n / 400,
            "longitude": 120.15 + n % 5 / 200,
            "opening_hours": ["07:30-21:00"] * 6 + [""] if n == 1 else [],
            "estates": n % 3,
        }
        for n, (zh, en) in enumerate(NAMES * 8, 1)
    ]


def estates() -> list[Row]:
    """One of each name, in a city."""
    return [
        {
            "id": f"e{n}",
            "version": 1,
            "name": text(f"{zh}小区", f"{en} Estate"),
            "latitude": 30.271 + n / 100,
            "longitude": 120.152 + n / 150,
            "rings": 1,
            "cells": list(cells_around(Coordinates(30.271 + n / 100, 120.152 + n / 150), 1)),
            "city_id": "hangzhou",
            "city_name": text("杭州", "Hangzhou"),
            "stores": [f"s{n}", "s4"],
            "store_name": text(f"邻鲜优选·{zh}店", f"Linxian {en}"),
            "time_zone": "Asia/Shanghai",
        }
        for n, (zh, en) in enumerate(NAMES, 1)
    ]


def cities() -> list[Row]:
    """Two of them."""
    return [
        {"id": "hangzhou", "version": 1, "name": text("杭州", "Hangzhou"), "estates": 3},
        {"id": "ningbo", "version": 1, "name": text("宁波", "Ningbo"), "estates": 0},
    ]


def warehouses() -> list[Row]:
    """The only one."""
    name, address = text("中心仓", "Central warehouse"), text("物流园 8 号", "8 Logistics Park")
    where = {"latitude": 30.3, "longitude": 120.15}
    return [{"id": "w1", "version": 1, "name": name, "address": address, **where}]


def brand() -> Row:
    """The settings."""
    return {
        "id": "linxian",
        "version": 1,
        "name": text("邻鲜优选", "Linxian Select"),
        "confirm_above_fen": 20_000,
        "units_per_address": 60,
        "units_per_device": 40,
        "seats_per_device": 2,
        "recording_days": 30,
        "recording_gib": 50,
        "phone_needed": False,
        "totp_needed": False,
        "member_prices": False,
        "split_orders": False,
        "store_presales": False,
    }


def place_map() -> Row:
    """Where all of this is."""

    def placed(row: Row) -> Row:
        pin = Coordinates(row["latitude"], row["longitude"])
        corners = outline(pin, row["rings"]) if "rings" in row else ()
        return {
            **{key: row[key] for key in ("id", "name", "latitude", "longitude")},
            "city_id": row.get("city_id", ""),
            "store_id": row.get("stores", [""])[0],
            "outline": [[corner.latitude, corner.longitude] for corner in corners],
        }

    return {
        "estates": [placed(row) for row in estates()],
        "stores": [placed(row) for row in stores()[:4]],
        "warehouses": [placed(row) for row in warehouses()],
    }
