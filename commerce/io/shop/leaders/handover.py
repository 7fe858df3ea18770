"""Handing over by leaders, whose phones may have been offline: each scan counts once.

Orders are locked in the order codes, orders, each sorted by key, as the store's counter does.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import ColumnElement, Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from commerce.errors import InvalidField
from commerce.io.record.audit_trail import record_audit
from commerce.io.record.order_lines import orders_of
from commerce.io.record.rows import HOUSEHOLD, ORDERS
from commerce.io.record.schema import guests, order_moves, orders, pickup_codes
from commerce.io.record.schema_leaders import handovers, scans
from commerce.io.record.schema_people import persons
from commerce.io.record.schema_staff import staff
from commerce.io.shop.context import ShopContext
from commerce.io.shop.handing_over import deliver, hand_out, lock_ready
from commerce.io.shop.pickup_codes import PickupCodes
from commerce.leaders.codes import DIGEST_ITERATIONS, code_digest
from commerce.leaders.scans import (
    REASON_CHARS_MIN,
    FirstHandover,
    Scan,
    ScanHow,
    ScanOutcome,
    ScanResult,
)
from commerce.orders.order import OrderRow
from commerce.orders.pickup import read
from commerce.orders.promise import Fulfilment
from commerce.orders.states import WITH_BUYER, WITH_BUYER_VALUES, OrderState

DIGESTS_KEPT = 4_096
CODES_MAX = 1_000  # of an estate
JUST_GIVEN_MS = (
    12 * 3_600_000
)  # how long a hand-over makes another one of its household a duplicate

_digest = lru_cache(DIGESTS_KEPT)(code_digest)


@dataclass(frozen=True, slots=True)
class OpenCode:
    """A code that may be used, as a phone keeps it: not the code itself."""

    order_id: str
    household_id: str
    store_id: str
    digest: str


@dataclass(frozen=True, slots=True)
class OfflineCodes:
    """By what a phone checks codes: the key of signatures, and the open codes of an estate."""

    public_key: str
    iterations: int
    codes: list[OpenCode]


class LeaderHandover:
    """Hands over what leaders scanned."""

    def __init__(self, shop: ShopContext, codes: PickupCodes) -> None:
        self._shop = shop
        self._codes = codes

    async def offline_codes(self, estate_id: str) -> OfflineCodes:
        """Return what a phone needs to check codes of an estate without a network."""

        def find(connection: Connection) -> Sequence[tuple[str, str, str, str]]:
            found = connection.execute(
                select(orders.c.id, HOUSEHOLD, pickup_codes.c.store_id, pickup_codes.c.code)
                .join(pickup_codes, pickup_codes.c.order_id == orders.c.id)
                .where(
                    orders.c.estate_id == estate_id,
                    orders.c.state.in_([OrderState.READY.value, OrderState.OUT.value]),
                    pickup_codes.c.redeemed_at_ms.is_(None),
                )
                .order_by(orders.c.id)
                .limit(CODES_MAX)
            )
            return [(id, household, store_id, code) for id, household, store_id, code in found]

        rows = await self._shop.record.query(find)

        def digest() -> list[OpenCode]:
            return [
                OpenCode(id, household, store_id, _digest(store_id, code))
                for id, household, store_id, code in rows
            ]

        codes = await asyncio.to_thread(digest)
        return OfflineCodes(self._codes.public_key, DIGEST_ITERATIONS, codes)

    async def hand_over(self, estate_id: str, scan: Scan, staff_id: str) -> ScanOutcome:
        """Decide on one scan: all that is ready for the household goes out, once.

        The same device and number again gets the same answer.

        Raises:
            InvalidField: A hand-over without a code needs a reason.
        """
        if scan.how is not ScanHow.CODE and len(scan.reason.strip()) < REASON_CHARS_MIN:
            raise InvalidField("reason", f"At least {REASON_CHARS_MIN} characters.")
        try:
            outcome = await self._decide(estate_id, scan, staff_id)
        except IntegrityError:  # the same scan was sent twice at once
            outcome = await self._decide(estate_id, scan, staff_id)
        self._shop.on_commit()
        return outcome

    async def _decide(self, estate_id: str, scan: Scan, staff_id: str) -> ScanOutcome:
        at_ms = self._shop.clock()
        brand_id = self._shop.catalogue.brand_id("estate", estate_id)

        def work(connection: Connection) -> ScanOutcome:
            known = _known(connection, scan)
            if known is not None:
                return known
            result, rows = _found(connection, estate_id, scan)
            if result is ScanResult.HANDED_OVER:
                for row in rows:
                    give = deliver if _is_delivery(scan, row) else hand_out
                    give(connection, row, staff_id, at_ms)
                _note_handovers(connection, rows, scan, staff_id)
            ids = tuple(row.id for row in rows)
            _note_scan(connection, estate_id, scan, staff_id, result, ids, at_ms)
            if result is ScanResult.HANDED_OVER:
                how = "door" if scan.order_id else scan.how.value
                after = {"how": how, "device": scan.device}
                if scan.reason:
                    after["reason"] = scan.reason
                for row in rows:
                    to = "delivered" if _is_delivery(scan, row) else "handed_over"
                    subject = (row.id, {"state": row.state.value}, after | {"state": to}, at_ms)
                    record_audit(connection, brand_id, staff_id, "order.hand-over", *subject)
            first = _first(connection, ids) if result is ScanResult.DUPLICATE else None
            return ScanOutcome(scan.seq, result, ids, first)

        return await self._shop.record.transact(work)


def _is_delivery(scan: Scan, order: OrderRow) -> bool:
    return bool(scan.order_id) or order.state is OrderState.OUT


def _known(connection: Connection, scan: Scan) -> ScanOutcome | None:
    row = connection.execute(
        select(scans.c.result, scans.c.order_ids).where(
            scans.c.device == scan.device, scans.c.seq == scan.seq
        )
    ).first()
    if row is None:
        return None
    result, ids = ScanResult(row.result), tuple(row.order_ids.split())
    first = _first(connection, ids) if result is ScanResult.DUPLICATE else None
    return ScanOutcome(scan.seq, result, ids, first)


def _found(connection: Connection, estate_id: str, scan: Scan) -> tuple[ScanResult, list[OrderRow]]:
    """What a scan is about; orders that are to be handed over are locked."""
    if scan.how is not ScanHow.CODE:
        return _of_household(connection, estate_id, scan)
    named = _named(connection, estate_id, scan)
    if named is None:
        return ScanResult.UNKNOWN, []
    at = {"store_id": named.store_id, "fulfilment": named.fulfilment if scan.order_id else None}
    out = _is_delivery(scan, named)
    ready = lock_ready(connection, named.household, estate_id=estate_id, out=out, **at)
    if named.id in {row.id for row in ready}:
        return ScanResult.HANDED_OVER, ready
    [now] = orders_of(connection, ORDERS.where(orders.c.id == named.id))
    used = now.state in WITH_BUYER
    return (ScanResult.DUPLICATE if used else ScanResult.NOT_READY), [now]


def _of_household(
    connection: Connection, estate_id: str, scan: Scan
) -> tuple[ScanResult, list[OrderRow]]:
    """What waits for a household to be collected, or what it has just been given."""
    if scan.how is ScanHow.TAIL and not _has_tail(connection, scan.household_id, scan.last_four):
        return ScanResult.WRONG_TAIL, []
    # Who has proved nothing does not get what is to be brought to a door.
    only = Fulfilment.PICKUP.value if scan.how is ScanHow.BATCH else None
    ready = lock_ready(connection, scan.household_id, estate_id=estate_id, fulfilment=only)
    if ready:
        return ScanResult.HANDED_OVER, ready
    given = ORDERS.where(
        orders.c.estate_id == estate_id,
        HOUSEHOLD == scan.household_id,
        orders.c.state.in_(WITH_BUYER_VALUES),
        orders.c.handed_over_at_ms > scan.scanned_at_ms - JUST_GIVEN_MS,
    )
    newest = given.order_by(orders.c.handed_over_at_ms.desc(), orders.c.id).limit(1)
    before = orders_of(connection, newest)
    return (ScanResult.DUPLICATE if before else ScanResult.NOT_READY), before


def _named(connection: Connection, estate_id: str, scan: Scan) -> OrderRow | None:
    """The order of a code, or the one that is brought to a door; nobody collects that one."""
    code = read(scan.code)
    named: ColumnElement[bool]
    if scan.order_id:
        by_door = orders.c.fulfilment == Fulfilment.DELIVERY.value
        named = by_door & (orders.c.id == scan.order_id)
    elif code is not None:
        of_code = select(pickup_codes.c.order_id).where(pickup_codes.c.code == code)
        named = orders.c.id.in_(of_code)
    else:
        return None
    which = ORDERS.where(orders.c.estate_id == estate_id, named)
    return next(iter(orders_of(connection, which)), None)


def _note_handovers(
    connection: Connection, rows: Sequence[OrderRow], scan: Scan, staff_id: str
) -> None:
    connection.execute(
        update(pickup_codes)
        .where(pickup_codes.c.order_id.in_([row.id for row in rows]))
        .values(redeemed_at_ms=scan.scanned_at_ms)
    )
    by = {"device": scan.device, "seq": scan.seq, "device_name": scan.device_name}
    when = {"staff_id": staff_id, "scanned_at_ms": scan.scanned_at_ms}
    connection.execute(insert(handovers), [{"order_id": row.id, **by, **when} for row in rows])


def _note_scan(
    connection: Connection,
    estate_id: str,
    scan: Scan,
    staff_id: str,
    result: ScanResult,
    order_ids: Sequence[str],
    at_ms: int,
) -> None:
    row = {
        "device": scan.device,
        "seq": scan.seq,
        "estate_id": estate_id,
        "staff_id": staff_id,
        "device_name": scan.device_name,
        "how": scan.how.value,
        "reason": scan.reason,
        "result": result.value,
        "order_ids": " ".join(order_ids),
        "at_door": bool(scan.order_id),
        "scanned_at_ms": scan.scanned_at_ms,
        "received_at_ms": at_ms,
    }
    connection.execute(insert(scans), row)


def _first(connection: Connection, order_ids: Sequence[str]) -> FirstHandover | None:
    """Who handed the first of some orders over: a leader's device, or the store's counter."""
    by_leader = connection.execute(
        select(handovers, staff.c.name)
        .outerjoin(staff, staff.c.id == handovers.c.staff_id)
        .where(handovers.c.order_id.in_(order_ids))
    ).first()
    if by_leader is not None:
        who = (by_leader.device, by_leader.device_name, by_leader.name or "")
        return FirstHandover(*who, by_leader.scanned_at_ms)
    at_counter = connection.execute(
        select(order_moves.c.at_ms, staff.c.name)
        .outerjoin(staff, staff.c.id == order_moves.c.moved_by)
        .where(
            order_moves.c.order_id.in_(order_ids),
            order_moves.c.to_state.in_(WITH_BUYER_VALUES),
        )
    ).first()
    if at_counter is None:
        return None
    return FirstHandover("", "", at_counter.name or "", at_counter.at_ms)


def _has_tail(connection: Connection, household_id: str, last_four: str) -> bool:
    """Whether somebody of a household has proved a number that ends in these digits."""
    found = connection.scalar(
        select(persons.c.id)
        .join(guests, guests.c.person_id == persons.c.id)
        .where(
            (guests.c.household_id == household_id) | (guests.c.id == household_id),
            persons.c.last_four == last_four,
        )
        .limit(1)
    )
    return found is not None
