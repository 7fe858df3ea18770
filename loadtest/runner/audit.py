"""The audit after a run, through the API: what was confirmed against what the target now says."""

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from loadtest.errors import LoadError
from loadtest.measure.recorder import Recorder
from loadtest.runner.orders import Account, Tap, Till
from loadtest.runner.target import Found, bearer, get_json

ASK_AT_ONCE = 16
READ_TIMEOUT_S = TIDY_TIMEOUT_S = 120.0
REPLAYS = 50
# States of an order that hold no unit, and of groups that have let go of their seats.
CANCELLED = "cancelled"
GROUP_OVER = ("expired", "cancelled")


@dataclass(slots=True)
class Books:
    """What the guests of one process say that they have. Adds up over processes."""

    units: Counter[str] = field(default_factory=Counter)
    seats: Counter[str] = field(default_factory=Counter)
    joined: dict[str, int] = field(default_factory=dict)
    lost: int = 0
    doubled: int = 0
    refunds_owed: int = 0
    unread: int = 0

    def add(self, other: "Books") -> None:
        """Take in another process's."""
        self.units.update(other.units)
        self.seats.update(other.seats)
        for group_id, joined in other.joined.items():
            self.joined[group_id] = max(joined, self.joined.get(group_id, 0))
        self.lost += other.lost
        self.doubled += other.doubled
        self.refunds_owed += other.refunds_owed
        self.unread += other.unread

    def take(self, account: Account, orders: list[dict[str, Any]]) -> None:
        """Enter one guest's orders, as `GET /api/me/orders` gives them."""
        asked = {tap.order_id for tap in account.taps if tap.order_id}
        listed = {order["id"] for order in orders}
        self.lost += len(asked - listed)
        self.doubled += max(0, len(listed - asked) - sum(tap.is_open for tap in account.taps))
        households: dict[str, None] = {}
        for order in orders:
            if order["state"] == CANCELLED:
                self.refunds_owed += order["refunded_fen"] < order["total_fen"]
                continue
            self.units[order["product_id"]] += order["quantity"]
            group = order.get("group")
            if group and group["state"] not in GROUP_OVER:
                households[group["id"]] = None
                joined = int(group["joined"])
                self.joined[group["id"]] = max(joined, self.joined.get(group["id"], 0))
        self.seats.update(households.keys())

    def judge(self, before: Found, after: dict[str, int]) -> Counter[str]:
        """Return the counts of the audit, given the stock before and after the run."""
        oversold = difference = 0
        units = Counter(self.units)
        for set_id, parts in before.parts.items():
            for product_id, of_each in parts.items():
                units[product_id] += self.units[set_id] * of_each
        for product_id, left in before.left.items():
            sold, now_left = units[product_id], after.get(product_id, left)
            oversold += max(0, sold - left) + max(0, -now_left)
            difference += abs(left - now_left - sold)
        seats = sum(abs(joined - self.seats[group]) for group, joined in self.joined.items())
        return Counter(
            {
                "orders.oversold": oversold,
                "orders.lost": self.lost,
                "orders.doubled": self.doubled,
                "orders.counter_difference": difference,
                "orders.refunds_owed": self.refunds_owed,
                "groups.seats_difference": seats,
            }
        )

    def encode(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def decode(cls, data: dict[str, Any]) -> "Books":
        """Return what `encode` was given."""
        return cls(**data | {"units": Counter(data["units"]), "seats": Counter(data["seats"])})


async def read_books(till: Till, recorder: Recorder) -> Books:
    """Ask for the orders of every guest who tapped, and repeat some taps with their keys."""
    books = Books()
    tapped = [account for account in till.accounts if account.taps]
    waiting = iter(tapped)

    async def some() -> None:
        for account in waiting:
            try:
                http = till.http(account.number)
                answer = await get_json(http, "/api/me/orders", account.token)
                books.take(account, answer["orders"])
            except (LoadError, KeyError, TypeError) as error:
                recorder.errors[f"audit: {error}"] += 1
                books.unread += 1

    read = asyncio.gather(*(some() for _ in range(ASK_AT_ONCE)))
    try:
        async with asyncio.timeout(READ_TIMEOUT_S):
            await read
    except TimeoutError:
        books.unread += len(list(waiting)) + ASK_AT_ONCE
        return books
    confirmed = [(one, tap) for one in tapped for tap in one.taps if tap.order_id]
    for account, tap in confirmed[:: max(1, len(confirmed) // REPLAYS)]:
        books.doubled += await _is_doubled(till, account, tap)
    return books


async def _is_doubled(till: Till, account: Account, tap: Tap) -> bool:
    """Whether the same key now gives another order."""
    try:
        answer = await till.ask(account, tap)
        return answer.status == 201 and answer.json()["order"]["id"] != tap.order_id
    except (LoadError, KeyError, ValueError):
        return False


async def cancel_orders(till: Till) -> int:
    """Leave every group that is not complete; return how many orders stay behind."""
    orders = [(one, tap.order_id) for one in till.accounts for tap in one.taps if tap.order_id]
    waiting = iter(orders)
    cancelled = 0

    async def some() -> None:
        nonlocal cancelled
        for account, order_id in waiting:
            path, headers = f"/api/orders/{order_id}/cancellation", bearer(account.token)
            answer = await till.http(account.number).request("POST", path, headers=headers)
            cancelled += answer.status == 200

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(TIDY_TIMEOUT_S):
            await asyncio.gather(*(some() for _ in range(ASK_AT_ONCE)), return_exceptions=True)
    return len(orders) - cancelled
