"""The wall's figures of one brand: what its facts of two days add up to, fact by fact.

`apply` takes the facts of the record in the order of their numbers, each once; what it makes is
whole at every number, so it can be saved with it and go on, or be made again from the facts. Times
are UTC milliseconds, days are dates in China. Money is fen; a transfer counts when it happened.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from insight.errors import BadFact
from insight.facts import Fact, GroupChanged, MoneyMoved, OrderMoved, OrderPlaced, parse
from insight.tables import CHINA_MS, day_of

DAYS_KEPT = 2
BUCKET_MS = 600_000
BUCKETS = 144  # of a day, ten minutes each
MINUTES_KEPT = 60
OPEN_MAX = 50_000  # orders and groups that are followed; the oldest are dropped
EXPIRING_MS = 600_000
DAY_MS = 86_400_000

PACKED = frozenset({"packed", "ready", "out", "handed_over", "delivered"})
GIVEN = frozenset({"handed_over", "delivered"})
UNDONE = frozenset({"cancelled", "expired", "returned"})
DONE = GIVEN | UNDONE
GROUPS_OVER = frozenset({"done", "expired", "cancelled"})


class Sales(msgspec.Struct):
    """What an estate or a room sold in a day."""

    orders: int = 0
    units: int = 0
    paid_fen: int = 0
    refunded_fen: int = 0

    @property
    def gmv_fen(self) -> int:
        """Paid less paid back."""
        return self.paid_fen - self.refunded_fen


class Day(msgspec.Struct):
    """A day so far."""

    total: Sales = msgspec.field(default_factory=Sales)
    curve: list[int] = msgspec.field(default_factory=lambda: [0] * BUCKETS)  # GMV by bucket
    estates: dict[str, Sales] = msgspec.field(default_factory=dict)
    rooms: dict[str, Sales] = msgspec.field(default_factory=dict)
    refunds: int = 0
    packed: int = 0
    packed_on_time: int = 0
    groups_reached: int = 0
    groups_expired: int = 0


class OpenOrder(msgspec.Struct):
    """An order that was not handed over yet."""

    estate: str
    room: str
    units: int
    due_at_ms: int | None
    packed: bool = False


class OpenGroup(msgspec.Struct):
    """A group buy that goes on."""

    estate: str
    product: str
    state: str
    joined: int
    target: int
    ends_at_ms: int


class Wall(msgspec.Struct):
    """The figures as of the fact with number `sequence`, which was the newest at `newest_ms`."""

    sequence: int = 0
    newest_ms: int = 0
    days: dict[str, Day] = msgspec.field(default_factory=dict)
    minutes: dict[int, int] = msgspec.field(default_factory=dict)  # orders by minute of the epoch
    orders: dict[str, OpenOrder] = msgspec.field(default_factory=dict)
    groups: dict[str, OpenGroup] = msgspec.field(default_factory=dict)

    def apply(self, fact: Fact) -> None:
        """Add one fact; one that was added already, or is of no topic of the wall, adds nothing."""
        if fact.sequence <= self.sequence:
            return
        self.sequence = fact.sequence
        self.newest_ms = max(self.newest_ms, fact.occurred_ms)
        try:
            payload = parse(fact)
        except BadFact:
            return  # the lake keeps it with its reason
        match payload:
            case OrderPlaced():
                self._placed(fact, payload)
            case MoneyMoved():
                self._money(fact, payload)
            case OrderMoved():
                self._moved(fact, payload)
            case GroupChanged():
                self._group(fact, payload)

    def _day(self, at_ms: int) -> Day:
        name = day_of(at_ms)
        day = self.days.get(name)
        if day is None:
            day = self.days[name] = Day()
            for old in sorted(self.days)[:-DAYS_KEPT]:
                del self.days[old]
        return day

    def _placed(self, fact: Fact, order: OrderPlaced) -> None:
        if order.refused:
            return
        units = sum(line.units for line in order.lines)
        _keep(self.orders, OPEN_MAX)
        self.orders[order.order_id] = OpenOrder(fact.estate, order.room_id, units, order.due_at_ms)

    def _money(self, fact: Fact, money: MoneyMoved) -> None:
        if money.kind not in ("charge", "refund"):
            return
        day = self._day(fact.occurred_ms)
        order = self.orders.get(money.order_id)
        touched = [day.total, day.estates.setdefault(fact.estate, Sales())]
        if order is not None:
            touched.append(day.rooms.setdefault(order.room, Sales()))
        is_charge = money.kind == "charge"
        for sales in touched:
            if is_charge:
                sales.orders += 1
                sales.units += order.units if order else 0
                sales.paid_fen += money.amount_fen
            else:
                sales.refunded_fen += money.amount_fen
        day.curve[bucket_of(fact.occurred_ms)] += money.amount_fen * (1 if is_charge else -1)
        if is_charge:
            minute = fact.occurred_ms // 60_000
            self.minutes[minute] = self.minutes.get(minute, 0) + 1
            for old in [each for each in self.minutes if each <= minute - MINUTES_KEPT]:
                del self.minutes[old]
        else:
            day.refunds += 1

    def _moved(self, fact: Fact, move: OrderMoved) -> None:
        order = self.orders.get(move.order_id)
        if order is None:
            return
        if move.due_at_ms is not None:
            order.due_at_ms = move.due_at_ms
        if move.to_state in PACKED and not order.packed:
            order.packed = True
            day = self._day(fact.occurred_ms)
            day.packed += 1
            day.packed_on_time += order.due_at_ms is None or fact.occurred_ms <= order.due_at_ms
        if move.to_state in GIVEN:
            del self.orders[move.order_id]
        elif move.to_state in UNDONE:
            order.due_at_ms, order.packed = None, True  # its refund is still to come

    def _group(self, fact: Fact, group: GroupChanged) -> None:
        before = self.groups.pop(group.group_id, None)
        was = before.state if before else ""
        day = self._day(fact.occurred_ms)
        if group.state == "expired" and was != "expired":
            day.groups_expired += 1
        if group.state not in GROUPS_OVER:
            if group.state != "open" and was in ("", "open"):
                day.groups_reached += 1
            _keep(self.groups, OPEN_MAX)
            self.groups[group.group_id] = OpenGroup(
                fact.estate,
                group.product_id,
                group.state,
                group.joined,
                group.target,
                group.ends_at_ms,
            )


class Figures(msgspec.Struct, frozen=True):
    """What the wall shows of a brand at a moment."""

    day: str
    gmv_fen: int
    paid_fen: int
    refunded_fen: int
    orders: int
    units: int
    refunds: int
    orders_by_minute: tuple[int, ...]  # the last 30 full minutes and this one, oldest first
    bucket: int  # that of now, of ten minutes
    bucket_gmv_fen: int
    last_week_gmv_fen: int | None  # of the same weekday until the same time
    open_orders: int
    late_orders: int
    packed: int
    packed_on_time: int
    groups_open: int
    groups_reached: int
    groups_expiring: int
    groups_reached_today: int
    groups_expired_today: int


MINUTES_SHOWN = 31


class DayCurve(msgspec.Struct, frozen=True):
    """GMV of a past day by bucket, and whether some of it is simulated, or of other shops."""

    gmv_fen: tuple[int, ...]
    is_simulated: bool


def day_curves(rows: Iterable[Sequence[Any]]) -> dict[str, DayCurve]:
    """Return each brand's curve, from rows of `CURVES_SQL`."""
    found: dict[str, list[int]] = {}
    simulated: set[str] = set()
    for brand, bucket, gmv_fen, is_simulated in rows:
        found.setdefault(brand, [0] * BUCKETS)[min(bucket, BUCKETS - 1)] += gmv_fen
        if is_simulated:
            simulated.add(brand)
    return {brand: DayCurve(tuple(curve), brand in simulated) for brand, curve in found.items()}


def figures(wall: Wall, last_week: Sequence[int] | None, *, now_ms: int) -> Figures:
    """Return what the wall shows now; `last_week` is the curve of the same weekday."""
    name = day_of(now_ms)
    day = wall.days.get(name, Day())
    minute, bucket = now_ms // 60_000, bucket_of(now_ms)
    waiting = [o for o in wall.orders.values() if not o.packed and o.due_at_ms is not None]
    is_open = [group for group in wall.groups.values() if group.state == "open"]
    return Figures(
        day=name,
        gmv_fen=day.total.gmv_fen,
        paid_fen=day.total.paid_fen,
        refunded_fen=day.total.refunded_fen,
        orders=day.total.orders,
        units=day.total.units,
        refunds=day.refunds,
        orders_by_minute=tuple(
            wall.minutes.get(each, 0) for each in range(minute - MINUTES_SHOWN + 1, minute + 1)
        ),
        bucket=bucket,
        bucket_gmv_fen=day.curve[bucket],
        last_week_gmv_fen=_until(last_week, now_ms) if last_week is not None else None,
        open_orders=len(waiting),
        late_orders=sum((order.due_at_ms or 0) < now_ms for order in waiting),
        packed=day.packed,
        packed_on_time=day.packed_on_time,
        groups_open=len(is_open),
        groups_reached=len(wall.groups) - len(is_open),
        groups_expiring=sum(group.ends_at_ms - now_ms <= EXPIRING_MS for group in is_open),
        groups_reached_today=day.groups_reached,
        groups_expired_today=day.groups_expired,
    )


def curve(wall: Wall, *, now_ms: int) -> tuple[int, ...]:
    """Return today's GMV by bucket, up to the bucket of now."""
    day = wall.days.get(day_of(now_ms), Day())
    return tuple(day.curve[: bucket_of(now_ms) + 1])


def by_estate(wall: Wall, *, now_ms: int) -> Mapping[str, Sales]:
    """Return what each estate bought today."""
    return wall.days.get(day_of(now_ms), Day()).estates


def by_room(wall: Wall, *, now_ms: int) -> Mapping[str, Sales]:
    """Return what was sold in each room today."""
    return wall.days.get(day_of(now_ms), Day()).rooms


def open_groups(wall: Wall) -> dict[str, int]:
    """Return how many groups go on in each estate."""
    found: dict[str, int] = {}
    for group in wall.groups.values():
        found[group.estate] = found.get(group.estate, 0) + 1
    return found


def bucket_of(at_ms: int) -> int:
    """Return which ten minutes of the day in China a time is in."""
    return (at_ms + CHINA_MS) % DAY_MS // BUCKET_MS


def _until(buckets: Sequence[int], now_ms: int) -> int:
    """The sum up to a time of day; the bucket of now in proportion."""
    bucket = bucket_of(now_ms)
    into_ms = (now_ms + CHINA_MS) % BUCKET_MS
    return sum(buckets[:bucket]) + buckets[bucket] * into_ms // BUCKET_MS


def _keep(items: dict[str, OpenOrder] | dict[str, OpenGroup], count_max: int) -> None:
    while len(items) >= count_max:
        del items[next(iter(items))]
