"""Goods of a played head office: products, rules, why a price is what it is, and an import."""

from typing import Any

from tests.support.played_places import text

Row = dict[str, Any]
FOOD: Row = dict.fromkeys(("ingredients", "shelf_life_days", "storage", "net", "origin"))
FOOD["allergens"] = []
NAMES = [("有机菠菜", "Organic spinach"), ("鲜牛奶", "Fresh milk"), ("嫩豆腐", "Soft tofu")]


def products() -> list[Row]:
    """One of each name."""
    return [
        {
            "id": f"p{n}",
            "version": 1,
            "kind": "item",
            "name": text(zh, en),
            "unit": text("份", "box"),
            "image": "/goods/spinach.svg",
            "price_fen": 990 + n,
            "list_price_fen": 1_290,
            "group": {"price_fen": 790, "target": 10, "duration_s": 1_800} if n == 1 else None,
            "own_price": {"min_fen": 900, "max_fen": 1_100} if n == 2 else None,
            "household_limit": 20,
            "on_sale": n != 3,
            "left": 40 * n,
            "rules": n,
            "category_id": "",
            "food": FOOD,
            "variant_of": "",
            "option": text("", ""),
            "variants": 0,
            "tax_bp": 900,
        }
        for n, (zh, en) in enumerate(NAMES, 1)
    ]


def rule(**more: Any) -> Row:
    """A rule of the first product for the first estate."""
    return {
        "id": "r1",
        "version": 1,
        "product_id": "p1",
        "product_name": text(*NAMES[0]),
        "scope": "estate",
        "scope_id": "e1",
        "scope_name": text("春江小区", "Spring River Estate"),
        "from_ms": 1_796_083_200_000,
        "until_ms": None,
        "price_fen": None,
        "offered": None,
    } | more


def why() -> Row:
    """The estate's own price decides; the city leaves nothing out any more."""
    window = {"from_ms": 0, "until_ms": None}
    base = {"id": "", "scope": "brand", "scope_id": "", "price_fen": 991, "window": window}
    own = base | {"id": "r1", "scope": "estate", "scope_id": "e1", "price_fen": 880}
    ended = {"from_ms": 0, "until_ms": 1_796_083_200_000}
    out = {"id": "r2", "scope": "city", "scope_id": "c1", "offered": False, "window": ended}
    return {
        "at_ms": 1_796_083_200_000,
        "offered": True,
        "price_fen": 880,
        "prices": [
            {"rule": base, "outcome": "overridden"},
            {"rule": own, "outcome": "applies"},
        ],
        "assortment": [{"rule": out, "outcome": "ended"}],
    }


def estate_prices() -> Row:
    """Two estates, of which one is offered nothing."""
    rows = [
        {
            "id": f"e{n}",
            "name": text(f"{n} 号小区", f"Estate {n}"),
            "city_name": None,
            "price_fen": 880,
            "offered": n == 1,
        }
        for n in (1, 2)
    ]
    return {"rows": rows, "total": 2}


def report(*, errors: int = 0, done: bool = False) -> Row:
    """What an import says."""
    listed = [
        {"row": 2 + n, "column": "price_fen", "problem": "formula", "value": "=1+1"}
        for n in range(errors)
    ]
    return {
        "rows": 12,
        "added": 0 if errors else 4,
        "changed": 0 if errors else 8,
        "unchanged": 0,
        "done": done,
        "error_count": errors,
        "errors": listed,
    }


def product_detail(products: list[dict[str, Any]], product_id: str) -> dict[str, Any]:
    """All about a product of a room."""
    [product] = [item for item in products if item["id"] == product_id]
    rest: dict[str, Any] = {"parts": [], "recipe": None, "cooking_minutes": None, "category": None}
    return {"product": product, **rest, "food": FOOD, "allergens": []}
