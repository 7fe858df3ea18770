"""The gate in Redis: taps in pipelines of one script call each, and what else touches its keys."""

import asyncio
import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

from commerce.catalogue.offers import RuleBook
from commerce.catalogue.values import Estate, Product
from commerce.errors import Refusal, TryAgain
from commerce.groups.group import Group
from commerce.io.gate import keys
from commerce.io.gate.codec import (
    encode_admitted_key,
    encode_flash,
    encode_group,
    encode_offer_index,
    encode_offers,
    encode_stores,
    encode_tap,
    expand,
    flash_field,
)
from commerce.io.gate.late import (
    SEATS_KEPT_MS,
    end_hold_arguments,
    read_decision,
    readmit_arguments,
)
from commerce.io.record.shutdown import stopping
from commerce.orders.flash import GateFlash
from commerce.orders.gate import (
    BACKLOG_MAX,
    GRACE_MS,
    HOLD_MS,
    IDEMPOTENCY_MS,
    LIMIT_WINDOW_MS,
)
from commerce.orders.late import LateOrder
from commerce.orders.ledger import Verdict
from commerce.orders.order import OrderRow
from commerce.orders.tap import Decision, Status, Tap

PIPELINE_MAX = 256  # taps per round trip
WAITING_MAX = 10_000  # taps of this worker that wait for the gate
APPLIED_MS = 7 * 24 * 3_600 * 1_000
SWEEP_MAX = 500  # overdue holds looked at per call
COMPARE_MAX = 500  # rows per call
OFFERS_MAX = 100  # products per call
ATTEMPTS_MAX = 3


class Script:
    """A Lua file with its placeholders filled in, and the digest that Redis knows it by."""

    def __init__(self, name: str) -> None:
        self.text = expand((Path(__file__).parent / "lua" / f"{name}.lua").read_text("utf-8"))
        self.sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


ADMIT, SETTLE, SWEEP, APPLY, COMPARE, OFFERS, CARRY, FREE_COUPONS, READMIT, END_HOLD = (
    Script(name)
    for name in (
        "admit",
        "settle",
        "sweep",
        "apply",
        "compare",
        "offers",
        "carry",
        "free_coupons",
        "readmit",
        "end_hold",
    )
)

_LIMITS = f"{HOLD_MS}|{IDEMPOTENCY_MS}|{LIMIT_WINDOW_MS}|{BACKLOG_MAX}|{SEATS_KEPT_MS}"


@dataclass(frozen=True, slots=True)
class StockRow:
    """What the record says of a product in a store."""

    product_id: str
    store_id: str
    free: int
    moves: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison of gate and record found. `drift` is in units."""

    compared: int
    repaired: int
    drift: int
    behind: int


class RedisGate:
    """Runs the gate's scripts. `run` must be running for `admit` to return."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._waiting: list[tuple[list[Any], asyncio.Future[Decision]]] = []
        self._wake = asyncio.Event()

    async def admit(self, tap: Tap, at_ms: int) -> Decision:
        """Decide one tap.

        Raises:
            TryAgain: Redis cannot be asked, or too many taps wait.
        """
        if len(self._waiting) >= WAITING_MAX:
            raise TryAgain("too many taps wait for the gate")
        future: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        self._waiting.append((_admit_arguments(tap, at_ms), future))
        self._wake.set()
        return await future

    async def run(self) -> None:
        """Send waiting taps, as many at a time as there are, until cancelled."""
        try:
            while not stopping():
                await self._wake.wait()
                batch, self._waiting = (
                    self._waiting[:PIPELINE_MAX],
                    self._waiting[PIPELINE_MAX:],
                )
                if not self._waiting:
                    self._wake.clear()
                try:
                    replies = await self._call_many(ADMIT, [call for call, _ in batch])
                except (RedisError, OSError) as error:
                    replies = [TryAgain(type(error).__name__)] * len(batch)
                except asyncio.CancelledError:
                    self._waiting = batch + self._waiting
                    raise
                for (_, future), reply in zip(batch, replies, strict=True):
                    _answer(future, reply)
        finally:
            for _, future in self._waiting:
                _answer(future, TryAgain("the gate is closing"))
            self._waiting.clear()

    async def settle(
        self, verdicts: Sequence[Verdict], extra_entries: Sequence[str], message: bytes
    ) -> int:
        """Take entries off the stream; `extra_entries` are entries without an order (poison)."""
        names = [keys.ORDERS, keys.AVAILABLE, keys.HELD, keys.SETTLED, keys.HOLDS, keys.HOLD]
        arguments: list[Any] = [keys.CONSUMER_GROUP, IDEMPOTENCY_MS, keys.ANSWERS, message]
        further: list[str] = []  # of what else limits count
        for verdict in verdicts:
            entry = verdict.entry
            names += (
                keys.idem(entry.order_id),
                keys.seats(entry.group_id),
                keys.bought(entry.household, entry.product_id),
            )
            arguments += (
                entry.entry_id,
                entry.order_id,
                encode_admitted_key(verdict.order.body_hash),
                int(verdict.sold),
                "".join([f"{units}," for _, units in entry.counted[1:]]),
            )
            further += [keys.bought(entry.household, name) for name, _ in entry.counted[1:]]
        names += further
        async with self._redis.pipeline(transaction=False) as pipeline:
            if extra_entries:
                pipeline.xack(keys.ORDERS, keys.CONSUMER_GROUP, *extra_entries)
                pipeline.xdel(keys.ORDERS, *extra_entries)
                await pipeline.execute()
        return int(await self._call(SETTLE, [len(names), *names, *arguments]))

    async def sweep(self, at_ms: int) -> int:
        """Return overdue holds whose entry is gone; how many."""
        names = [keys.ORDERS, keys.AVAILABLE, keys.HELD, keys.HOLDS, keys.HOLD]
        return int(await self._call(SWEEP, [len(names), *names, at_ms, HOLD_MS, SWEEP_MAX]))

    async def readmit(self, late: LateOrder, at_ms: int) -> Decision:
        """Hold again what an order needs that was paid late; `end_hold` follows, or the sweep."""
        return read_decision(await self._call(READMIT, readmit_arguments(late, at_ms)))

    async def end_hold(self, order: OrderRow, *, sold: bool) -> None:
        """End the hold of a late order whose units the record sold again, or did not."""
        await self._call(END_HOLD, end_hold_arguments(order, sold=sold))

    async def release(self, changes: Sequence[tuple[str, OrderRow]]) -> None:
        """Give back the units of orders that were cancelled in the record; once per change."""
        await self._call_all(APPLY, [_release_arguments(*change) for change in changes])

    async def free_coupons(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Let coupons be taken again that orders gave back, as (coupon, order)."""
        names = [keys.coupon(coupon_id) for coupon_id, _ in pairs]
        await self._call(FREE_COUPONS, [len(names), *names, *[order for _, order in pairs]])

    async def restock(self, change_id: str, row: str, units: int) -> None:
        """Add units that were received; once per change."""
        names = [keys.applied(change_id), keys.AVAILABLE, keys.SETTLED]
        await self._call(APPLY, [len(names), *names, APPLIED_MS, "", "", 1, row, units])

    async def forget(self, rows: Sequence[str]) -> None:
        """Forget rows of slots whose window is long over."""
        if rows:
            async with self._redis.pipeline(transaction=True) as pipeline:
                for key in (keys.AVAILABLE, keys.HELD, keys.SETTLED):
                    pipeline.hdel(key, *rows)
                await pipeline.execute()

    async def free(self, rows: Sequence[str]) -> list[int]:
        """Return what is available of rows, 0 for those that the gate does not have."""
        return await self._numbers(keys.AVAILABLE, rows)

    async def held(self, rows: Sequence[str]) -> list[int]:
        """Return what orders on their way hold of rows."""
        return await self._numbers(keys.HELD, rows)

    async def _numbers(self, key: str, rows: Sequence[str]) -> list[int]:
        found = await self._redis.hmget(key, list(rows)) if rows else []
        return [int(units or 0) for units in found]

    async def carry(
        self, from_id: str, into_id: str, product_ids: Sequence[str], group_ids: Sequence[str]
    ) -> None:
        """Count what one household bought and joined for the one that it becomes part of."""
        names = [keys.EPOCH]
        for product_id in product_ids:
            names += (keys.bought(from_id, product_id), keys.bought(into_id, product_id))
        names += [keys.seats(group_id) for group_id in group_ids]
        await self._call(CARRY, [len(names), *names, from_id, into_id, len(product_ids)])

    async def compare(self, rows: Sequence[StockRow]) -> Comparison:
        """Compare with what the record said a moment ago, and repair."""
        names = [keys.EPOCH, keys.AVAILABLE, keys.HELD, keys.SETTLED]
        calls = []
        for at in range(0, len(rows), COMPARE_MAX):
            arguments: list[Any] = []
            for row in rows[at : at + COMPARE_MAX]:
                arguments += (keys.row(row.product_id, row.store_id), row.free, row.moves)
            calls.append([len(names), *names, *arguments])
        replies = await self._call_all(COMPARE, calls)
        totals = [sum(column) for column in zip(*replies, strict=True)] or [0, 0, 0, 0]
        return Comparison(*totals)

    async def set_products(
        self,
        products: Sequence[Product],
        rules: RuleBook,
        estates: Collection[Estate],
        at_ms: int,
    ) -> None:
        """Set what is sold to which estates, at what price and limit, as of one reading.

        What a newer reading has set stays as it is.
        """
        calls = []
        for at in range(0, len(products), OFFERS_MAX):
            arguments: list[Any] = [f"{max(0, rules.version)} {at_ms} {GRACE_MS}"]
            for product in products[at : at + OFFERS_MAX]:
                offers = encode_offers(product, rules, estates, at_ms)
                index = encode_offer_index(max(0, rules.version), at_ms, offers)
                arguments += (product.id, index, len(offers))
                for field, facts in offers.items():
                    arguments += (field, facts)
            calls.append([2, keys.PRODUCTS, keys.PREVIOUS, *arguments])
        await self._call_all(OFFERS, calls)

    async def set_flash(self, room_id: str, product_id: str, sale: GateFlash | None) -> None:
        """Set the flash sale of a product in a room; its units are a quota."""
        field = flash_field(room_id, product_id)
        if sale is None:
            await self._redis.hdel(keys.PRODUCTS, field)
        else:
            await self._redis.hset(keys.PRODUCTS, field, encode_flash(sale))

    async def open_group(self, estate_id: str, product_id: str) -> str:
        """Return the group that an order without one joins; empty if there is none."""
        found = await self._redis.hget(keys.OPEN, f"{estate_id}|{product_id}")
        return found.decode() if isinstance(found, bytes) else found or ""

    async def set_group(self, group: Group, at_ms: int) -> None:
        """Set whether a group may be joined."""
        place = f"{group.estate_id}|{group.product_id}"
        async with self._redis.pipeline(transaction=True) as pipeline:
            if group.joinable(at_ms):
                pipeline.set(keys.group(group.id), encode_group(group), pxat=group.ends_at_ms)
                pipeline.hset(keys.OPEN, place, group.id)
            else:
                pipeline.delete(keys.group(group.id))
            await pipeline.execute()

    async def _call(self, script: Script, call: list[Any]) -> Any:
        return (await self._call_all(script, [call]))[0]

    async def _call_all(self, script: Script, calls: list[list[Any]]) -> list[Any]:
        replies = await self._call_many(script, calls)
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        return replies

    async def _call_many(self, script: Script, calls: list[list[Any]]) -> list[Any]:
        """Call `script` once per entry of `calls` in one round trip; an error is a reply, too."""
        replies: list[Any] = []
        for _ in range(ATTEMPTS_MAX):
            async with self._redis.pipeline(transaction=False) as pipeline:
                for call in calls:
                    pipeline.execute_command("EVALSHA", script.sha, *call)
                replies = await pipeline.execute(raise_on_error=False)
            if not any(isinstance(reply, NoScriptError) for reply in replies):
                break
            # Redis was restarted. A call that found no script did nothing, the others are
            # idempotent, so all of them may be resent.
            await self._redis.script_load(script.text)
        return replies


def _release_arguments(change_id: str, order: OrderRow) -> list[Any]:
    names = [
        keys.applied(change_id),
        keys.AVAILABLE,
        keys.SETTLED,
        keys.seats(order.group_id),
        *[keys.bought(order.household, product_id) for product_id, _ in order.counted],
    ]
    rows: list[Any] = []
    held = order.held
    for item_id, units in held:
        rows += (keys.row(item_id, order.store_id), units)
    units_bought = [units for _, units in order.counted]
    facts = [APPLIED_MS, order.household, order.id, len(held)]
    return [len(names), *names, *facts, *rows, *units_bought]


def _admit_arguments(tap: Tap, at_ms: int) -> list[Any]:
    further = [keys.bought(tap.household, line.product_id) for line in tap.lines[1:]]
    return [
        12 + len(further),
        keys.EPOCH,
        keys.idem(tap.order_id),
        keys.ORDERS,
        keys.PRODUCTS,
        keys.OPEN,
        keys.group(tap.group_id),
        keys.seats(tap.group_id),
        keys.bought(tap.household, tap.product_id),
        keys.AVAILABLE,
        keys.HELD,
        keys.HOLDS,
        keys.HOLD,
        *further,
        at_ms,
        encode_tap(tap),
        _LIMITS,
        encode_stores(tap),
    ]


def _answer(future: asyncio.Future[Decision], reply: Any) -> None:
    if future.done():  # the buyer went away
        return
    if isinstance(reply, TryAgain):
        future.set_exception(reply)
    elif isinstance(reply, Exception):
        future.set_exception(TryAgain(type(reply).__name__))
    else:
        future.set_result(_decision([part.decode() for part in reply]))


def _decision(parts: list[str]) -> Decision:
    status = Status(parts[0])
    match status:
        case Status.ADMITTED:
            return Decision(
                status,
                store_id=parts[1],
                price_fen=int(parts[2]),
                group_id=parts[3],
                slot=parts[4],
            )
        case Status.REFUSED:
            return Decision(status, Refusal(parts[1]), int(parts[2]), product_id=parts[3])
        case Status.OTHER_GROUP:
            return Decision(status, group_id=parts[1])
        case _:
            return Decision(status)
