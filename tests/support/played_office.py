"""The head office's routes of a played server: lists in memory, searched, paged and edited."""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Request

Answer = tuple[int, dict[str, Any]]
PROBLEM = "urn:linli:problem:"


def _text(zh: str, en: str) -> dict[str, str]:
    return {"zh": zh, "en": en}


def _stores() -> list[dict[str, Any]]:
    return [
        {
            "id": f"s{n}",
            "version": 1,
            "name": _text(f"邻鲜优选·{zh}店", f"Linxian {en}"),
            "address": _text(f"{zh}南门 {n} 号", f"{n} South Gate, {en}"),
            "latitude": 30.27 + n / 100,
            "longitude": 120.15,
            "estates": n % 3,
        }
        for n, (zh, en) in enumerate(
            [("春江", "Spring River"), ("梧桐", "Plane Tree"), ("学府", "Academy")] * 8, 1
        )
    ]


@dataclass
class PlayedOffice:
    """What `/api/hq/…` answers: `lists` by the last part of the path."""

    lists: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {"stores": _stores()})
    refusals: list[Answer] = field(default_factory=list)
    edits: list[Any] = field(default_factory=list)

    def answer(self, request: Request) -> Answer:
        """Answer a request of the head office's page."""
        if self.refusals:
            return self.refusals.pop(0)
        address = urlsplit(request.url)
        found = re.fullmatch(r"/api/hq/([a-z-]+)(?:/([^/]+))?", address.path)
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
