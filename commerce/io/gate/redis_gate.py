"""One gate in Redis: taps, and what else touches its keys."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from commerce.catalogue.offers import RuleBook
from commerce.catalogue.values import Estate, Product
from commerce.errors import TryAgain
from commerce.groups.group import Group
from commerce.io.gate.codec import (
    encode_admitted_key,
    encode_flash,
    encode_group,
    encode_offer_index,
    encode_offers,
    encode_stores,
    encode_tap,
    flash_field,
)
from commerce.io.gate.keys import ANSWERS, CONSUMER_GROUP, SHARED, GateKeys
from commerce.io.gate.keys import row as row_name
from commerce.io.gate.late import (
    SEATS_KEPT_MS,
    end_hold_arguments,
    read_decision,
    readmit_arguments,
)
from commerce.io.gate.scripts import (
    ADMIT_HALVES,
    APPLY,
    CARRY,
    END_HOLD,
    FREE_COUPONS,
    OFFERS,
    READMIT,
    SETTLE,
    SWEEP,
    call,
    call_all,
)
from commerce.io.gate.taps import TapQueue, read_admission
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
from commerce.orders.tap import Decision, Tap

APPLIED_MS = 7 * 24 * 3_600 * 1_000
SWEEP_MAX = 500  # overdue holds looked at per call
COMPARE_MAX = 500  # rows per call
OFFERS_MAX = 100  # products per call

_LIMITS = f"{HOLD_MS}|{IDEMPOTENCY_MS}|{LIMIT_WINDOW_MS}|{BACKLOG_MAX}|{SEATS_KEPT_MS}"


@dataclass(frozen=True, slots=True)
class StockRow:
    """What the record says of a product in a store."""

    product_id: str
    store_id: str
    free: int
    moves: int
    gate: str = SHARED


class RedisGate:
    """Runs the scripts of one gate. `run` of its queue must be running for `admit` to return."""

    def __init__(
        self,
        redis: Redis,
        keys: GateKeys | None = None,
        taps: TapQueue | None = None,
        on_tap: Callable[["RedisGate"], None] = lambda gate: None,
    ) -> None:
        """`on_tap` is called after each tap, which may be in the stream even if it failed."""
        self._redis = redis
        self._on_tap = on_tap
        self._taps = taps or TapQueue(redis)
        self.keys = keys or GateKeys(SHARED)

    async def run(self) -> None:
        """Send waiting taps until cancelled; see `TapQueue.run`."""
        await self._taps.run()

    async def admit(self, tap: Tap, at_ms: int) -> Decision:
        """Decide one tap.

        Raises:
            TryAgain: Redis cannot be asked, or too many taps wait.
        """
        try:
            return await self._taps.decide(_admit_arguments(self.keys, tap, at_ms))
        finally:
            self._on_tap(self)

    async def admit_halves(self, first: Tap, second: Tap, at_ms: int) -> list[Decision]:
        """Decide both halves of a split order at once; see `Gate.admit_halves`.

        Raises:
            TryAgain: Redis cannot be asked.
        """
        one, other = (_admit_arguments(self.keys, tap, at_ms) for tap in (first, second))
        names, more = one[1 : one[0] + 1], other[1 : other[0] + 1]
        arguments = [one[0], *one[one[0] + 1 :], *other[other[0] + 1 :]]
        try:
            reply = await call(
                self._redis, ADMIT_HALVES, [len(names) + len(more), *names, *more, *arguments]
            )
        except (RedisError, OSError) as error:
            raise TryAgain(type(error).__name__) from None
        finally:
            self._on_tap(self)
        return [read_admission(answer) for answer in reply]

    async def settle(
        self, verdicts: Sequence[Verdict], extra_entries: Sequence[str], message: bytes
    ) -> int:
        """Take entries off the stream; `extra_entries` are entries without an order (poison)."""
        keys = self.keys
        names = [
            keys.orders,
            keys.available,
            keys.held,
            keys.settled,
            keys.holds,
            keys.hold,
        ]
        arguments: list[Any] = [CONSUMER_GROUP, IDEMPOTENCY_MS, ANSWERS, message]
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
                pipeline.xack(self.keys.orders, CONSUMER_GROUP, *extra_entries)
                pipeline.xdel(self.keys.orders, *extra_entries)
                await pipeline.execute()
        return int(await call(self._redis, SETTLE, [len(names), *names, *arguments]))

    async def sweep(self, at_ms: int) -> int:
        """Return overdue holds whose entry is gone; how many."""
        return int(await call(self._redis, SWEEP, self.sweep_call(at_ms)))

    def sweep_call(self, at_ms: int) -> list[Any]:
        """The call of `SWEEP` that returns overdue holds whose entry is gone."""
        keys = self.keys
        names = [keys.orders, keys.available, keys.held, keys.holds, keys.hold]
        return [len(names), *names, at_ms, HOLD_MS, SWEEP_MAX]

    async def readmit(self, late: LateOrder, at_ms: int) -> Decision:
        """Hold again what an order needs that was paid late; `end_hold` follows, or the sweep."""
        arguments = readmit_arguments(self.keys, late, at_ms)
        return read_decision(await call(self._redis, READMIT, arguments))

    async def end_hold(self, order: OrderRow, *, sold: bool) -> None:
        """End the hold of a late order whose units the record sold again, or did not."""
        await call(self._redis, END_HOLD, end_hold_arguments(self.keys, order, sold=sold))

    async def release(self, changes: Sequence[tuple[str, OrderRow]]) -> None:
        """Give back the units of orders that were cancelled in the record; once per change."""
        calls = [_release_arguments(self.keys, *change) for change in changes]
        await call_all(self._redis, APPLY, calls)

    async def free_coupons(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Let coupons be taken again that orders gave back, as (coupon, order)."""
        names = [self.keys.coupon(coupon_id) for coupon_id, _ in pairs]
        await call(self._redis, FREE_COUPONS, [len(names), *names, *[order for _, order in pairs]])

    async def restock(self, change_id: str, row: str, units: int) -> None:
        """Add units that were received; once per change."""
        names = [self.keys.applied(change_id), self.keys.available, self.keys.settled]
        await call(self._redis, APPLY, [len(names), *names, APPLIED_MS, "", "", 1, row, units])

    async def forget(self, rows: Sequence[str]) -> None:
        """Forget rows of slots whose window is long over."""
        if rows:
            async with self._redis.pipeline(transaction=True) as pipeline:
                for key in (self.keys.available, self.keys.held, self.keys.settled):
                    pipeline.hdel(key, *rows)
                await pipeline.execute()

    async def free(self, rows: Sequence[str]) -> list[int]:
        """Return what is available of rows, 0 for those that the gate does not have."""
        return await self._numbers(self.keys.available, rows)

    async def held(self, rows: Sequence[str]) -> list[int]:
        """Return what orders on their way hold of rows."""
        return await self._numbers(self.keys.held, rows)

    async def _numbers(self, key: str, rows: Sequence[str]) -> list[int]:
        found = await self._redis.hmget(key, list(rows)) if rows else []
        return [int(units or 0) for units in found]

    async def carry(
        self, from_id: str, into_id: str, product_ids: Sequence[str], group_ids: Sequence[str]
    ) -> None:
        """Count what one household bought and joined for the one that it becomes part of."""
        names = [self.keys.epoch]
        for product_id in product_ids:
            names += (self.keys.bought(from_id, product_id), self.keys.bought(into_id, product_id))
        names += [self.keys.seats(group_id) for group_id in group_ids]
        await call(self._redis, CARRY, [len(names), *names, from_id, into_id, len(product_ids)])

    def compare_calls(self, rows: Sequence[StockRow]) -> list[list[Any]]:
        """Calls of `COMPARE` with what the record said of this gate's rows a moment ago."""
        keys = self.keys
        names = [keys.epoch, keys.available, keys.held, keys.settled]
        calls = []
        for at in range(0, len(rows), COMPARE_MAX):
            arguments: list[Any] = []
            for row in rows[at : at + COMPARE_MAX]:
                arguments += (row_name(row.product_id, row.store_id), row.free, row.moves)
            calls.append([len(names), *names, *arguments])
        return calls

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
            calls.append([2, self.keys.products, self.keys.previous, *arguments])
        await call_all(self._redis, OFFERS, calls)

    async def set_flash(self, room_id: str, product_id: str, sale: GateFlash | None) -> None:
        """Set the flash sale of a product in a room; its units are a quota."""
        field = flash_field(room_id, product_id)
        if sale is None:
            await self._redis.hdel(self.keys.products, field)
        else:
            await self._redis.hset(self.keys.products, field, encode_flash(sale))

    async def open_group(self, estate_id: str, product_id: str) -> str:
        """Return the group that an order without one joins; empty if there is none."""
        found = await self._redis.hget(self.keys.open, f"{estate_id}|{product_id}")
        return found.decode() if isinstance(found, bytes) else found or ""

    async def set_group(self, group: Group, at_ms: int) -> None:
        """Set whether a group may be joined."""
        place = f"{group.estate_id}|{group.product_id}"
        async with self._redis.pipeline(transaction=True) as pipeline:
            if group.joinable(at_ms):
                pipeline.set(self.keys.group(group.id), encode_group(group), pxat=group.ends_at_ms)
                pipeline.hset(self.keys.open, place, group.id)
            else:
                pipeline.delete(self.keys.group(group.id))
            await pipeline.execute()


def _release_arguments(keys: GateKeys, change_id: str, order: OrderRow) -> list[Any]:
    names = [
        keys.applied(change_id),
        keys.available,
        keys.settled,
        keys.seats(order.group_id),
        *[keys.bought(order.household, product_id) for product_id, _ in order.counted],
    ]
    rows: list[Any] = []
    held = order.held
    for item_id, units in held:
        rows += (row_name(item_id, order.store_id), units)
    units_bought = [units for _, units in order.counted]
    facts = [APPLIED_MS, order.household, order.id, len(held)]
    return [len(names), *names, *facts, *rows, *units_bought]


def _admit_arguments(keys: GateKeys, tap: Tap, at_ms: int) -> list[Any]:
    further = [keys.bought(tap.household, line.product_id) for line in tap.lines[1:]]
    return [
        12 + len(further),
        keys.epoch,
        keys.idem(tap.order_id),
        keys.orders,
        keys.products,
        keys.open,
        keys.group(tap.group_id),
        keys.seats(tap.group_id),
        keys.bought(tap.household, tap.product_id),
        keys.available,
        keys.held,
        keys.holds,
        keys.hold,
        *further,
        at_ms,
        encode_tap(tap),
        _LIMITS,
        encode_stores(tap),
    ]
