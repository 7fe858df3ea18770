"""Orders of simulated guests: accounts, taps with their keys, answers, and what was shown."""

import asyncio
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import msgspec

from loadtest.clients.http import HttpResponse, PlainHttp
from loadtest.errors import LoadError, RequestRefused
from loadtest.measure.recorder import Recorder
from loadtest.runner.target import VIEWERS_PER_ADDRESS, Address, bearer

GUESTS_AT_ONCE = 32
GUEST_TRIES = 8
ASK_AGAIN_S = 1.0
ASK_AGAIN_S_MAX = 5.0
TRIES_MAX = 20
UNANSWERED_TRIES = 3


@dataclass(slots=True)
class Tap:
    """One tap on a product; `order_id` once it is confirmed, `is_open` while nobody knows."""

    key: str
    product_id: str
    group_id: str | None
    order_id: str | None = None
    is_open: bool = True


@dataclass(slots=True)
class Account:
    """A guest and all it did."""

    number: int
    id: str
    token: str
    estate_id: str
    taps: list[Tap] = field(default_factory=list)


class Till:
    """Where the guests of one process order. Close it at the end."""

    def __init__(self, address: Address, room: str, recorder: Recorder) -> None:
        self._address = address
        self._room = room
        self._recorder = recorder
        self._pools: dict[str | None, PlainHttp] = {}
        self.accounts: list[Account] = []

    async def close(self) -> None:
        """Close all connections."""
        await asyncio.gather(*(pool.close() for pool in self._pools.values()))

    def http(self, number: int) -> PlainHttp:
        """Return the connections of guest `number`."""
        source = self._address.source(number // VIEWERS_PER_ADDRESS * VIEWERS_PER_ADDRESS)
        if source not in self._pools:
            self._pools[source] = self._address.http(source)
        return self._pools[source]

    async def open_accounts(
        self, numbers: list[int], estates: tuple[str, ...]
    ) -> dict[int, Account]:
        """Make one account for each of `numbers`, evenly spread over the estates.

        Raises:
            LoadError: The target refuses.
        """
        waiting = iter(numbers)
        made: dict[int, Account] = {}

        async def some() -> None:
            for number in waiting:
                made[number] = await self._open(number, estates[number % len(estates)])

        async with asyncio.TaskGroup() as tasks:
            for _ in range(GUESTS_AT_ONCE):
                tasks.create_task(some())
        self.accounts += made.values()
        return made

    async def tap(
        self, account: Account, product_id: str, due_ns: int, group_id: str | None = None
    ) -> dict[str, Any] | None:
        """Order one piece; return the order once it is confirmed, None when it is not."""
        tap = Tap(uuid.uuid4().hex, product_id, group_id)
        account.taps.append(tap)
        counts = self._recorder.counts
        counts["orders.tapped"] += 1
        unanswered = 0
        for _ in range(TRIES_MAX):
            wait_s = ASK_AGAIN_S
            try:
                answer = await self.ask(account, tap)
            except LoadError as error:
                self._recorder.errors[f"order: {error}"] += 1
                unanswered += 1
                if unanswered == UNANSWERED_TRIES:
                    break
            else:
                if answer.status in (429, 503):
                    self._recorder.errors[f"order: {problem_of(answer)}"] += 1
                    wait_s = retry_after_s(answer)
                elif answer.status == 202:
                    counts["orders.pending"] += not unanswered
                else:
                    self._record_delay(due_ns)
                    return self._answered(tap, answer)
            await asyncio.sleep(wait_s)
        counts["orders.unanswered"] += 1
        return None

    async def ask(self, account: Account, tap: Tap) -> HttpResponse:
        """Send a tap's request, for the first time or again.

        Raises:
            NoAnswer: None came.
        """
        body: dict[str, Any] = {
            "room_id": self._room,
            "product_id": tap.product_id,
            "quantity": 1,
        }
        if tap.group_id:
            body["group_id"] = tap.group_id
        headers = bearer(account.token) | {
            "Content-Type": "application/json",
            "Idempotency-Key": tap.key,
        }
        http = self.http(account.number)
        return await http.request("POST", "/api/orders", msgspec.json.encode(body), headers)

    def _record_delay(self, due_ns: int) -> None:
        now_ns = time.monotonic_ns()
        self._recorder.delay("tap.answer", due_ns, now_ns)

    def _answered(self, tap: Tap, answer: HttpResponse) -> dict[str, Any] | None:
        tap.is_open = answer.status >= 500
        counts = self._recorder.counts
        if answer.status == 201:
            order: dict[str, Any] = answer.json()["order"]
            tap.order_id = str(order["id"])
            counts["orders.confirmed"] += 1
            return order
        problem = problem_of(answer)
        if answer.status >= 500:
            counts["orders.unanswered"] += 1
        else:
            counts["orders.sold_out" if problem == "sold-out" else "orders.refused"] += 1
        if problem != "sold-out":
            self._recorder.errors[f"order: {problem}"] += 1
        return None

    async def _open(self, number: int, estate_id: str) -> Account:
        body = msgspec.json.encode({"nickname": f"测试{number}", "estate_id": estate_id})
        headers = {"Content-Type": "application/json"}
        for _ in range(GUEST_TRIES):
            answer = await self.http(number).request("POST", "/api/guests", body, headers)
            if answer.status == 201:
                made = answer.json()
                return Account(number, made["guest"]["id"], made["token"], estate_id)
            if answer.status not in (429, 503):
                break
            await asyncio.sleep(retry_after_s(answer))
        raise RequestRefused(answer.status, f"a guest's account: {problem_of(answer)}")


def retry_after_s(answer: HttpResponse) -> float:
    """Return how long the server asks to wait, within reason."""
    asked = answer.headers.get("retry-after", "")
    return min(ASK_AGAIN_S_MAX, float(asked) if asked.isdigit() else ASK_AGAIN_S)


def problem_of(answer: HttpResponse) -> str:
    """Return the id of a problem document, or the status."""
    try:
        return str(answer.json()["type"]).removeprefix("urn:linli:problem:")
    except (ValueError, KeyError, TypeError, msgspec.DecodeError):
        return f"status {answer.status}"
