"""A leader's commission to the fen, the file by which it is paid out, and the rates of a brand."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import ColumnElement, Connection, Row, case, delete, func, insert, select
from sqlalchemy.sql.functions import coalesce

from commerce.catalogue.values import Text
from commerce.errors import InvalidField
from commerce.io.record.audit_trail import record_audit
from commerce.io.record.rows import HOUSEHOLD
from commerce.io.record.schema import estates, orders
from commerce.io.record.schema_leaders import (
    commission_entries,
    commission_rates,
    commissions,
    handovers,
)
from commerce.io.record.schema_staff import staff
from commerce.io.shop.context import ShopContext
from commerce.leaders.commission import CommissionRate
from commerce.orders.states import WITH_BUYER_VALUES

ENTRIES_MAX = 200
EFFICIENCY_MS = 30 * 86_400_000
LEADER = "leader"
_ENTRY = commission_entries.c


@dataclass(frozen=True, slots=True)
class CommissionEntry:
    """What changed a leader's balance: a line that was handed over, or what went back of one."""

    order_id: str
    number: str
    line: int
    name: Text
    base_fen: int
    rate_bp: int
    amount_fen: int
    at_ms: int
    available_at_ms: int


@dataclass(frozen=True, slots=True)
class CommissionStatement:
    """Sums of all time: accrued − clawed back = available + what claims may still take back."""

    accrued_fen: int
    clawed_fen: int
    available_fen: int
    pending_fen: int
    entries: list[CommissionEntry]
    now_ms: int


@dataclass(frozen=True, slots=True)
class LeaderEfficiency:
    """Households that a leader served within the trailing 30 days."""

    leader_id: str
    name: str
    estate_ids: tuple[str, ...]
    households: int
    orders: int


@dataclass(frozen=True, slots=True)
class Efficiency:
    """The same for all active leaders of a brand; the mean is in hundredths of a household."""

    leaders: list[LeaderEfficiency]
    households_per_leader_x100: int


class Commission:
    """What leaders earn."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def statement(self, leader_id: str) -> CommissionStatement:
        """Return a leader's balance and the newest entries."""
        at_ms = self._shop.clock()

        def read(connection: Connection) -> CommissionStatement:
            amount = _ENTRY.amount_fen
            sums = connection.execute(
                select(
                    coalesce(func.sum(case((amount > 0, amount), else_=0)), 0),
                    coalesce(func.sum(case((amount < 0, -amount), else_=0)), 0),
                    coalesce(func.sum(case((_ENTRY.available_at_ms <= at_ms, amount), else_=0)), 0),
                ).where(_ENTRY.leader_id == leader_id)
            ).one()
            accrued, clawed, available = (int(fen) for fen in sums)
            newest = _entries(connection, _ENTRY.leader_id == leader_id, limit=ENTRIES_MAX)
            entries = [self._entry(row) for row in newest]
            pending = accrued - clawed - available
            return CommissionStatement(accrued, clawed, available, pending, entries, at_ms)

        return await self._shop.record.query(read)

    async def payout_file(self, leader_id: str, from_ms: int, until_ms: int) -> bytes:
        """Return what becomes payable to a leader in a span, as CSV: the same bytes each time."""

        def read(connection: Connection) -> Sequence[Row[tuple[object, ...]]]:
            which = (
                _ENTRY.leader_id == leader_id,
                _ENTRY.available_at_ms >= from_ms,
                _ENTRY.available_at_ms < until_ms,
            )
            return _entries(connection, *which, oldest_first=True)

        rows = await self._shop.record.query(read)
        out = io.StringIO(newline="")
        sheet = csv.writer(out, lineterminator="\r\n")
        sheet.writerow(["order", "line", "product", "kept_yuan", "rate_percent", "amount_yuan"])
        for row in rows:
            entry = self._entry(row)
            what = (entry.number, entry.line + 1, entry.name.zh, _yuan(entry.base_fen))
            percent = Decimal(entry.rate_bp).scaleb(-2)
            sheet.writerow([*what, f"{percent:f}", _yuan(entry.amount_fen)])
        total = sum(row.amount_fen for row in rows)
        sheet.writerow(["total", "", "", "", "", _yuan(total)])
        return out.getvalue().encode("utf-8-sig")

    async def rates(self, brand_id: str) -> list[CommissionRate]:
        """Return the rates of a brand."""

        def read(connection: Connection) -> list[CommissionRate]:
            rows = connection.execute(
                select(commission_rates)
                .where(commission_rates.c.brand_id == brand_id)
                .order_by(
                    commission_rates.c.estate_id,
                    commission_rates.c.leader_id,
                    commission_rates.c.product_id,
                )
            )
            return [
                CommissionRate(row.estate_id, row.leader_id, row.product_id, row.rate_bp)
                for row in rows
            ]

        return await self._shop.record.query(read)

    async def set_rate(
        self, brand_id: str, by_id: str, rate: CommissionRate, *, remove: bool = False
    ) -> None:
        """Set or remove a rate; what was accrued before stays as it is.

        Raises:
            InvalidField: The brand has no such estate, product or leader.
        """
        catalogue = self._shop.catalogue
        for member, kind, id in (
            ("estate_id", "estate", rate.estate_id),
            ("product_id", "product", rate.product_id),
        ):
            if id and catalogue.brand_id(kind, id) != brand_id:
                raise InvalidField(member, f"There is no {id}.")
        at_ms = self._shop.clock()
        table = commission_rates
        key = {
            "brand_id": brand_id,
            "estate_id": rate.estate_id,
            "leader_id": rate.leader_id,
            "product_id": rate.product_id,
        }

        def write(connection: Connection) -> None:
            if rate.leader_id and not connection.scalar(
                select(staff.c.id).where(staff.c.id == rate.leader_id, staff.c.brand_id == brand_id)
            ):
                raise InvalidField("leader_id", f"There is no {rate.leader_id}.")
            which = [table.c[name] == value for name, value in key.items()]
            before = connection.scalar(select(table.c.rate_bp).where(*which))
            connection.execute(delete(table).where(*which))
            if not remove:
                connection.execute(insert(table), {**key, "rate_bp": rate.rate_bp})
            subject = "/".join((rate.estate_id, rate.leader_id, rate.product_id))
            old = None if before is None else {"rate_bp": before}
            new = None if remove else {"rate_bp": rate.rate_bp}
            action = "commission.remove" if remove else "commission.set"
            record_audit(connection, brand_id, by_id, action, subject, old, new, at_ms)

        await self._shop.record.transact(write)

    async def efficiency(self, brand_id: str) -> Efficiency:
        """Return how many households each leader of a brand served in the last 30 days.

        A household counts for the leader who handed its goods over, and where the store's counter
        did, for the leaders of its estate.
        """
        since_ms = self._shop.clock() - EFFICIENCY_MS

        def read(connection: Connection) -> Efficiency:
            leaders = [
                row
                for row in connection.execute(
                    select(staff)
                    .where(staff.c.brand_id == brand_id, staff.c.active)
                    .order_by(staff.c.id)
                )
                if LEADER in row.roles.split()
            ]
            served = connection.execute(
                select(orders.c.estate_id, HOUSEHOLD, handovers.c.staff_id, func.count())
                .join(estates, estates.c.id == orders.c.estate_id)
                .outerjoin(handovers, handovers.c.order_id == orders.c.id)
                .where(
                    estates.c.brand_id == brand_id,
                    orders.c.state.in_(WITH_BUYER_VALUES),
                    orders.c.handed_over_at_ms >= since_ms,
                )
                .group_by(orders.c.estate_id, HOUSEHOLD, handovers.c.staff_id)
            ).all()
            ids = {row.id for row in leaders}
            found = []
            for row in leaders:
                led = set(row.estate_ids.split())
                mine = [
                    (household, count)
                    for estate_id, household, by, count in served
                    if by == row.id or (by not in ids and estate_id in led)
                ]
                counts = (len({household for household, _ in mine}), sum(n for _, n in mine))
                found.append(LeaderEfficiency(row.id, row.name, tuple(sorted(led)), *counts))
            total = sum(one.households for one in found)
            return Efficiency(found, 100 * total // len(found) if found else 0)

        return await self._shop.record.query(read)

    def _entry(self, row: Row[tuple[object, ...]]) -> CommissionEntry:
        product = self._shop.catalogue.product(row.product_id)
        return CommissionEntry(
            row.order_id,
            row.number,
            row.line,
            product.name,
            row.base_fen,
            row.rate_bp,
            row.amount_fen,
            row.at_ms,
            row.available_at_ms,
        )


def _entries(
    connection: Connection,
    *which: ColumnElement[bool],
    oldest_first: bool = False,
    limit: int | None = None,
) -> Sequence[Row[tuple[object, ...]]]:
    by = (_ENTRY.at_ms, _ENTRY.order_id, _ENTRY.line, _ENTRY.n)
    order_by = by if oldest_first else tuple(column.desc() for column in by)
    return connection.execute(
        select(
            commission_entries,
            orders.c.number,
            commissions.c.product_id,
            commissions.c.base_fen,
            commissions.c.rate_bp,
        )
        .join(orders, orders.c.id == _ENTRY.order_id)
        .join(
            commissions,
            (commissions.c.order_id == _ENTRY.order_id) & (commissions.c.line == _ENTRY.line),
        )
        .where(*which)
        .order_by(*order_by)
        .limit(limit)
    ).all()


def _yuan(fen: int) -> str:
    return f"{Decimal(fen).scaleb(-2):.2f}"
