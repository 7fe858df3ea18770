"""The head office's routes of a played server: lists in memory, searched, paged and edited."""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Request

from tests.support import played_goods, played_places, played_staff

Answer = tuple[int, dict[str, Any]]
PROBLEM = "urn:linli:problem:"


def _lists() -> dict[str, list[dict[str, Any]]]:
    return {
        "stores": played_places.stores(),
        "estates": played_places.estates(),
        "cities": played_places.cities(),
        "warehouses": played_places.warehouses(),
        "staff": played_staff.people(),
        "products": played_goods.products(),
        "price-rules": [played_goods.rule(price_fen=880)],
        "assortment-rules": [played_goods.rule(offered=False)],
    }


def _singles() -> dict[str, dict[str, Any]]:
    return {"brand": played_places.brand(), "map": played_places.place_map()}


def _gets() -> dict[str, dict[str, Any]]:
    return {"/api/hq/audit": played_staff.trail(), "/api/hq/audit/chain": played_staff.chain()}


def _posts() -> dict[str, dict[str, Any]]:
    return {
        "/api/hq/staff": {"staff": played_staff.people()[1], "link": played_staff.LINK},
        "/api/hq/staff/chunjiang/links": played_staff.LINK,
        "/api/staff-links/look": played_staff.opened_link(),
        "/api/staff-links/use": {},
    }


def _details() -> dict[str, dict[str, Any]]:
    return {
        "/api/hq/products/p1/why": played_goods.why(),
        "/api/hq/products/p1/estates": played_goods.estate_prices(),
    }


@dataclass
class PlayedOffice:
    """What `/api/hq/…` answers: `lists` by the last part of the path, `singles` as they are.

    Paths of `gets` and `posts` have their answers there.
    `details` are answers by their whole path, `reports` those of imports, in order.
    """

    lists: dict[str, list[dict[str, Any]]] = field(default_factory=_lists)
    singles: dict[str, dict[str, Any]] = field(default_factory=_singles)
    gets: dict[str, dict[str, Any]] = field(default_factory=_gets)
    posts: dict[str, dict[str, Any]] = field(default_factory=_posts)
    refusals: list[Answer] = field(default_factory=list)
    edits: list[Any] = field(default_factory=list)
    details: dict[str, dict[str, Any]] = field(default_factory=_details)
    reports: list[dict[str, Any]] = field(default_factory=list)
    imports: list[str] = field(default_factory=list)

    def answer(self, request: Request) -> Answer:
        """Answer a request of the head office's page."""
        if self.refusals:
            return self.refusals.pop(0)
        address = urlsplit(request.url)
        if request.method == "GET" and address.path in self.gets:
            return 200, self.gets[address.path]
        if request.method == "POST" and address.path in self.posts:
            self.edits.append(request.post_data_json)
            return 201, self.posts[address.path]
        if address.path in self.details:
            return 200, self.details[address.path]
        if address.path.startswith("/api/hq/imports/") and self.reports:
            self.imports.append(address.query)
            return 200, self.reports.pop(0)
        found = re.fullmatch(r"/api/hq/([a-z-]+)(?:/([^/]+))?", address.path)
        if found and found[1] in self.singles and request.method == "GET":
            return 200, self.singles[found[1]]
        rows = self.lists.get(found[1]) if found else None
        if not found or rows is None:
            return 404, {"type": PROBLEM + "no-such-page", "status": 404}
        if request.method != "GET":
            sent: dict[str, Any] = request.post_data_json or {}
            self.edits.append(sent)
            fresh: dict[str, Any] = {"id": "new", "version": 0}
            row = next((row for row in rows if row["id"] == found[2]), fresh)
            row |= {**sent, "version": row["version"] + 1}
            if row not in rows:
                rows.append(row)
            return 200, row
        if found[2]:
            return 200, next(row for row in rows if row["id"] == found[2])
        asked = {name: values[0] for name, values in parse_qs(address.query).items()}
        page, size = int(asked.get("page", 1)), int(asked.get("per_page", 20))
        fitting = [row for row in rows if asked.get("q", "") in str(row)]
        return 200, {"rows": fitting[(page - 1) * size :][:size], "total": len(fitting)}
