"""A leader's day as a played server has it: households, what is scanned, and reminders."""

import json
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page, Request

from tests.support.played_shop import PRODUCTS, STORE

NOW_MS = 1_790_000_000_000
PATH = "/api/leader/estates/e1"


def remember_leader(page: Page) -> None:
    """Make the browser one that is logged in as the leader of the first estate."""
    staff = {"id": "l1", "name": "王姐", "roles": ["leader"], "estate_ids": ["e1"]}
    session = json.dumps(json.dumps({"token": "t", "staff": staff}))
    page.add_init_script(f"localStorage.setItem('linli.leader', {session})")


@dataclass
class PlayedLeader:
    """Answers a leader's page; set the fields before it opens, change them while it is open."""

    orders: list[dict[str, Any]] = field(default_factory=list)
    reminders: list[dict[str, Any]] = field(default_factory=list)
    scans: list[dict[str, Any]] = field(default_factory=list)
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What becomes of scans of a household; it is handed over where nothing is said."""

    def household(self, number: int, name: str, state: str = "ready", slug: str = "eggs") -> None:
        """One household with an order."""
        item = next(item for item in PRODUCTS if item["id"] == slug)
        line = {key: item[key] for key in ("name", "image")}
        line |= {"product_id": slug, "quantity": 1, "total_fen": item["price_fen"]}
        place = {"building": str(number), "flat": f"{number}01", "confirmed": number % 2 == 1}
        order: dict[str, Any] = {
            "id": f"o{number}",
            "number": str(number),
            "state": state,
            "household_id": f"h{number}",
            "neighbour": {"name": name, **place},
            "lines": [line],
            "group_id": None,
            "fulfilment": "pickup",
            "store": STORE,
            "created_at_ms": NOW_MS - 3_600_000,
            "due_at_ms": NOW_MS,
            "handed_over_at_ms": None,
        }
        self.orders.append(order)

    def answer(self, request: Request, path: str) -> tuple[int, dict[str, Any]]:
        """Answer a request of the page."""
        if path == f"{PATH}/day":
            return 200, {
                "estate_id": "e1",
                "estate_name": {"zh": "春江花园", "en": "Spring River Court"},
                "time_zone": "Asia/Shanghai",
                "now_ms": NOW_MS,
                "groups": [],
                "arrivals": [],
                "orders": self.orders,
                "reminders": self.reminders,
            }
        if path == f"{PATH}/codes":
            return 200, {"public_key": "", "iterations": 1, "codes": []}
        if path == f"{PATH}/scans":
            sent: Any = request.post_data_json
            return 200, {"results": [self._scan(scan) for scan in sent["scans"]]}
        if path == f"{PATH}/reminders":
            return 200, {"households": len(self.orders), "too_soon": 0, "due_at_ms": NOW_MS}
        return 200, {"products": [], "waiting": [], "decided": [], "entries": []}

    def _scan(self, scan: dict[str, Any]) -> dict[str, Any]:
        self.scans.append(scan)
        own = [order for order in self.orders if order["household_id"] == scan["household_id"]]
        outcome = {
            "seq": scan["seq"],
            "result": "handed_over",
            "order_ids": [order["id"] for order in own],
            "first": None,
            **self.results.get(scan["household_id"], {}),
        }
        if outcome["result"] == "handed_over":
            for order in own:
                order |= {"state": "handed_over", "handed_over_at_ms": NOW_MS}
        return outcome
