"""Buyers: many guests, one order a tap, every latency counted, every answer checked.

Two ways to tap: `rush` at a steady rate, each tap timed from when it was due (so that a stall of
the server counts for all who would have tapped meanwhile), and `flat_out`, as fast as answers come.
"""

import asyncio
import itertools
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
from hdrh.histogram import HdrHistogram

from loadtest.clients.http import HttpResponse, PlainHttp
from loadtest.errors import NoAnswer, RequestRefused
from loadtest.measure.report import Check

GUESTS_AT_ONCE = 32
LATENCY_US_MAX = 60_000_000
REPLAYS = 50
# A tester that is this far behind its own schedule measures itself.
BEHIND_S_MAX = 0.25


def latency_histogram() -> HdrHistogram:
    """Return an empty histogram of microseconds, three digits."""
    return HdrHistogram(1, LATENCY_US_MAX, 3)


@dataclass(slots=True)
class Tapped:
    """Results of taps. `outcomes` counts `confirmed`, `pending`, problem types, `no-answer`."""

    outcomes: Counter[str] = field(default_factory=Counter)
    latency_us: HdrHistogram = field(default_factory=latency_histogram)
    seconds: float = 0.0
    behind_s_max: float = 0.0

    @property
    def confirmed(self) -> int:
        """Orders that are durable."""
        return self.outcomes["confirmed"]

    def percentile_ms(self, percentile: float) -> float:
        """Return the delay from tap to answer that `percentile` of the confirmed stayed within."""
        return float(self.latency_us.get_value_at_percentile(percentile)) / 1_000


@dataclass(frozen=True, slots=True)
class _Tap:
    key: str
    guest: int
    body: bytes


class Buyers:
    """Guests of one room who buy. `async with`; then `arrive`, a rush or two, `check`.

    They buy products of one `kind`: `item` or `set`.
    """

    def __init__(self, base_url: str, room_id: str, kind: str = "item") -> None:
        self._http = PlainHttp(base_url)
        self._room_id = room_id
        self._kind = kind
        self._tokens: list[str] = []
        self._products: list[str] = []
        self._left_before: dict[str, int] = {}
        self._confirmed: list[tuple[_Tap, str]] = []
        self._open_ended = 0
        self._taps: Iterator[_Tap] = iter(())

    async def __aenter__(self) -> "Buyers":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    @property
    def tokens(self) -> list[str]:
        """The guests' tokens."""
        return self._tokens

    async def arrive(self, guests: int) -> None:
        """Create accounts and read the stock."""
        room = await self._get(f"/api/rooms/{self._room_id}")
        estates = [estate["id"] for estate in room["estates"]]
        numbers = iter(range(guests))

        async def worker() -> None:
            for number in numbers:
                estate = estates[number % len(estates)]
                body = {"nickname": f"住户{number}", "estate_id": estate}
                answer = await self._post("/api/guests", body, {})
                if answer.status != 201:
                    raise RequestRefused(answer.status, answer.body.decode()[:200])
                self._tokens.append(answer.json()["token"])

        await asyncio.gather(*(worker() for _ in range(GUESTS_AT_ONCE)))
        self._left_before = await self._left()
        self._products = list(self._left_before)
        self._taps = self._endless_taps()

    async def open_groups(self, host_token: str) -> None:
        """Have the host pin every product, so that taps join groups, each guest each group once."""
        headers = {"Authorization": f"Bearer {host_token}", "Content-Type": "application/json"}
        for product in self._products:
            path = f"/api/rooms/{self._room_id}/pins/{product}"
            answer = await self._http.request("PUT", path, b"{}", headers)
            if answer.status != 200:
                raise RequestRefused(answer.status, answer.body.decode()[:200])
        self._taps = itertools.islice(self._taps, len(self._tokens) * len(self._products))

    async def flat_out(self, buyers: int, seconds: float) -> Tapped:
        """Let `buyers` tap again as soon as each has its answer, or until all groups are full."""
        tapped = Tapped()
        began = time.monotonic()

        async def buyer() -> None:
            for tap in self._taps:
                await self._tap(tap, time.monotonic(), tapped)
                if time.monotonic() - began > seconds:
                    return

        await asyncio.gather(*(buyer() for _ in range(buyers)))
        tapped.seconds = time.monotonic() - began
        return tapped

    async def rush(self, per_s: float, seconds: float) -> Tapped:
        """Tap `per_s` times a second, whatever the answers do."""
        tapped = Tapped()
        began = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            for number, tap in enumerate(itertools.islice(self._taps, int(per_s * seconds))):
                due = began + number / per_s
                behind = time.monotonic() - due
                if behind < 0:
                    await asyncio.sleep(-behind)
                else:
                    tapped.behind_s_max = max(tapped.behind_s_max, behind)
                tasks.create_task(self._tap(tap, due, tapped))
        tapped.seconds = time.monotonic() - began
        return tapped

    async def plain_requests(self, clients: int, seconds: float) -> float:
        """Return how many requests a second the server answers when there is nothing to do."""
        began = time.monotonic()
        done = 0

        async def client() -> None:
            nonlocal done
            while time.monotonic() - began < seconds:
                await self._http.request("GET", "/healthz")
                done += 1

        await asyncio.gather(*(client() for _ in range(clients)))
        return done / (time.monotonic() - began)

    async def check(self) -> list[Check]:
        """Compare the answers to taps with the shop's stock and orders."""
        confirmed = len(self._confirmed)
        ids = {order_id for _, order_id in self._confirmed}
        left = await self._left()
        gone = sum(self._left_before.values()) - sum(left.values())
        replayed = await self._replay()
        listed = await self._listed()
        return [
            Check("one order for each confirmed tap", len(ids) == confirmed, f"{len(ids)} orders"),
            Check(
                "stock fell by what was confirmed",
                confirmed <= gone <= confirmed + self._open_ended,
                f"{gone} of {confirmed}",
            ),
            Check(
                "nothing is oversold", min(left.values()) >= 0, f"least left {min(left.values())}"
            ),
            Check("a reused key is the same order", not replayed, f"{len(replayed)} differ"),
            Check("buyers' lists hold their orders", not listed, f"{len(listed)} missing"),
        ]

    async def _tap(self, tap: _Tap, due: float, tapped: Tapped) -> None:
        try:
            answer = await self._order(tap)
        except NoAnswer:
            tapped.outcomes["no-answer"] += 1
            self._open_ended += 1
            return
        outcome = _outcome(answer)
        tapped.outcomes[outcome] += 1
        self._open_ended += outcome == "pending"
        if outcome == "confirmed":
            tapped.latency_us.record_value(max(1, int((time.monotonic() - due) * 1e6)))
            self._confirmed.append((tap, answer.json()["order"]["id"]))

    async def _order(self, tap: _Tap) -> HttpResponse:
        token = self._tokens[tap.guest]
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": tap.key}
        headers["Content-Type"] = "application/json"
        return await self._http.request("POST", "/api/orders", tap.body, headers)

    def _endless_taps(self) -> Iterator[_Tap]:
        """Yield taps so that each guest buys each product once before anybody buys twice."""
        bodies = [
            msgspec.json.encode({"room_id": self._room_id, "product_id": product, "quantity": 1})
            for product in self._products
        ]
        for turn in itertools.count():
            body = bodies[turn // len(self._tokens) % len(bodies)]
            yield _Tap(uuid.uuid4().hex, turn % len(self._tokens), body)

    async def _replay(self) -> list[str]:
        differing = []
        for tap, order_id in self._confirmed[-REPLAYS:]:
            answer = await self._order(tap)
            if answer.status != 201 or answer.json()["order"]["id"] != order_id:
                differing.append(order_id)
        return differing

    async def _listed(self) -> list[str]:
        missing = []
        for tap, order_id in self._confirmed[-REPLAYS:]:
            headers = {"Authorization": f"Bearer {self._tokens[tap.guest]}"}
            answer = await self._http.request("GET", "/api/me/orders", b"", headers)
            if order_id not in {order["id"] for order in answer.json()["orders"]}:
                missing.append(order_id)
        return missing

    async def _left(self) -> dict[str, int]:
        products = (await self._get(f"/api/rooms/{self._room_id}/products"))["products"]
        return {
            product["id"]: product["left"]
            for product in products
            if product.get("kind", "item") == self._kind
        }

    async def _get(self, path: str) -> Any:
        answer = await self._http.request("GET", path)
        if answer.status != 200:
            raise RequestRefused(answer.status, answer.body.decode()[:200])
        return answer.json()

    async def _post(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> HttpResponse:
        headers = headers | {"Content-Type": "application/json"}
        return await self._http.request("POST", path, msgspec.json.encode(body), headers)


def _outcome(answer: HttpResponse) -> str:
    if answer.status == 201:
        return "confirmed"
    if answer.status == 202:
        return "pending"
    try:
        return str(answer.json()["type"]).removeprefix("urn:linli:problem:")
    except (msgspec.DecodeError, KeyError, TypeError):
        return f"status-{answer.status}"
