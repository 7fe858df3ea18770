"""Facts of a few orders, as the record tells them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from insight.facts import Fact

AT_MS = 1_790_000_000_000  # 2026-09-21 22:13:20 in China


@dataclass
class FactMaker:
    """Numbers facts of one source as it makes them."""

    source: str = "record"
    at_ms: int = AT_MS
    made: list[Fact] = field(default_factory=list)

    def add(
        self, topic: str, payload: Mapping[str, Any], *, trace: str = "", person: str = ""
    ) -> Fact:
        """One more fact."""
        fact = Fact(
            source=self.source,
            sequence=len(self.made) + 1,
            topic=topic,
            version=1,
            occurred_ms=self.at_ms,
            arrived_ms=self.at_ms,
            brand="b",
            estate="e1",
            person=person,
            trace=trace,
            payload=payload,
        )
        self.made.append(fact)
        return fact

    def order(self, id: str, *lines: tuple[str, int, int], person: str = "p1") -> None:
        """An order of (product, units, total in fen), placed and paid."""
        total_fen = sum(fen for _, _, fen in lines)
        self.add(
            "order.placed",
            {
                "order_id": id,
                "room_id": "demo",
                "store_id": "s1",
                "group_id": "",
                "state": "new",
                "refused": "",
                "total_fen": total_fen,
                "due_at_ms": self.at_ms + 1_800_000,
                "lines": [
                    {"product_id": product, "units": units, "total_fen": fen}
                    for product, units, fen in lines
                ],
            },
            trace=id,
            person=person,
        )
        self.money(id, "charge", total_fen)

    def money(self, order_id: str, kind: str, amount_fen: int) -> None:
        """Money of an order."""
        payload = {"order_id": order_id, "kind": kind, "amount_fen": amount_fen}
        self.add("money.moved", payload, trace=order_id)

    def moved(self, order_id: str, version: int, from_state: str, to_state: str) -> None:
        """An order changed its state."""
        self.add(
            "order.moved",
            {
                "order_id": order_id,
                "order_version": version,
                "from_state": from_state,
                "to_state": to_state,
                "due_at_ms": None,
            },
            trace=order_id,
        )
