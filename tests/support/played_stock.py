"""The stock, tills and neighbours of the played store."""

import json
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Request

from tests.support.played_shop import PRODUCTS

DAY_MS = 86_400_000
NOW_MS = 1_780_000_000_000


def _row(product: dict[str, Any], on_hand: int, held: int, coming: int = 0) -> dict[str, Any]:
    return {
        "product_id": product["id"],
        "name": product["name"],
        "unit": product["unit"],
        "image": product["image"],
        "price_fen": product["price_fen"],
        "on_hand": on_hand,
        "held": held,
        "available": on_hand - held,
        "coming": coming,
        "lots": [],
    }


def _lot(id: str, units: int, days: int | None, supplier: str = "") -> dict[str, Any]:
    until = None if days is None else NOW_MS + days * DAY_MS
    return {
        "id": id,
        "units": units,
        "best_before_ms": until,
        "supplier": supplier,
        "received_at_ms": NOW_MS - DAY_MS,
    }


def _rows() -> list[dict[str, Any]]:
    first, second, third, *_ = PRODUCTS
    rows = [_row(first, 24, 6, 40), _row(second, 3, 3), _row(third, 12, 0)]
    rows[0]["lots"] = [
        _lot("l1", 4, -1, "绿源农场"),
        _lot("l2", 8, 1, "绿源农场"),
        _lot("l3", 6, 6),
    ]
    rows[2]["lots"] = [_lot("l4", 12, None)]
    return rows


@dataclass(slots=True)
class PlayedStock:
    """What the store's page lists; `sent` are (path, key, body) of the changes."""

    rows: list[dict[str, Any]] = field(default_factory=_rows)
    sent: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    tills: list[dict[str, Any]] = field(default_factory=list)
    arrived: list[int] = field(default_factory=list)
    transfers: list[dict[str, Any]] = field(
        default_factory=lambda: [
            {
                "id": "t1",
                "product_id": PRODUCTS[0]["id"],
                "from_store_id": "s2",
                "to_store_id": "s1",
                "units": 40,
                "received_units": None,
                "sent_at_ms": NOW_MS,
                "received_at_ms": None,
            }
        ]
    )
    neighbours: list[dict[str, Any]] = field(
        default_factory=lambda: [
            {
                "guest_id": "g1",
                "nickname": "李阿姨",
                "estate_id": "e1",
                "building": "3",
                "flat": "502",
                "state": "waiting",
                "asked_at_ms": NOW_MS,
                "last_four": "1234",
            }
        ]
    )

    def answer(self, request: Request, path: str) -> tuple[int, dict[str, Any]]:
        """Answer below `/api/stores/s1/`."""
        words = path.split("/")[4:]
        body = json.loads(request.post_data) if request.post_data else {}
        match words:
            case ["stock"]:
                return 200, {"products": self.rows, "total": len(self.rows), "now_ms": NOW_MS}
            case ["stock", "transfers"] if request.method == "GET":
                return 200, {"transfers": self.transfers}
            case ["stock", "transfers", _, "arrival"]:
                self.arrived.append(body["units"])
                self.transfers[0]["received_at_ms"] = NOW_MS
                return 200, self.transfers[0]
            case ["stock", change]:
                self.sent.append((change, request.headers["idempotency-key"], body))
                return 201, self._change(change, body)
            case ["tills"] if request.method == "POST":
                self.tills.append(
                    {
                        "id": f"t{len(self.tills)}",
                        "name": body["name"],
                        "made_at_ms": NOW_MS,
                        "seen_at_ms": None,
                        "has_key": True,
                    }
                )
                return 201, {"id": "t0", "name": body["name"], "key": f"till-{'0' * 40}"}
            case ["tills"]:
                return 200, {"tills": self.tills}
            case ["neighbours"]:
                return 200, {"neighbours": self.neighbours}
            case _:
                self.neighbours[0]["state"] = "confirmed" if body["confirmed"] else "refused"
                return 200, self.neighbours[0]

    def _change(self, change: str, body: dict[str, Any]) -> dict[str, Any]:
        [row] = [row for row in self.rows if row["product_id"] == body["product_id"]]
        units = body["units"]
        by = {"deliveries": units, "write-offs": -units}.get(change, units - body.get("was", 0))
        row["on_hand"] += by
        row["available"] += by
        return row
