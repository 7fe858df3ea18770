"""The books of a brand: trial balance and entries by period, closing, settlements, bills."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import (
    CompoundSelect,
    Connection,
    case,
    func,
    insert,
    literal,
    select,
    text,
    union_all,
    update,
)

from commerce.errors import InvalidField, NotFound
from commerce.io.record.book_rows import last_closed
from commerce.io.record.postings import post_transfers, stamp_periods
from commerce.io.record.schema import money_transfers as _T
from commerce.io.record.schema import orders
from commerce.io.record.schema_books import book_closings, provider_bills, settlements
from commerce.io.record.schema_staff import staff
from commerce.io.shop.context import ShopContext
from commerce.money.accounts import DAY_ZONE, Account, account, day_of, days_of, kind_of, party_of
from commerce.money.bills import BillKind, BillLine, Difference, differences, read_bill
from commerce.money.settlements import SettledEntry, Settlement, settle
from commerce.money.transfers import PROVIDER, Transfer, TransferKind

ENTRIES_MAX = 500  # of an account that are listed
IDS_MAX = 500  # orders per statement


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """What went into an account and out of it, and what it comes to (credit is positive)."""

    account: str
    kind: Account
    party: str
    debit_fen: int
    credit_fen: int
    balance_fen: int


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """All accounts of a period; `sum_fen` is zero."""

    period: str
    closed_until: str
    accounts: list[AccountBalance]
    sum_fen: int


@dataclass(frozen=True, slots=True)
class BookEntry:
    """One side of a transfer; `other` is the account on its other side."""

    at_ms: int
    period: str
    kind: str
    order_id: str | None
    number: str | None
    source: str
    other: str
    amount_fen: int


@dataclass(frozen=True, slots=True)
class SettledParty:
    """A settlement that was made."""

    period: str
    party: str
    payable_fen: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What a bill of the provider comes to, and how it differs from our books."""

    period: str
    charges_fen: int
    refunds_fen: int
    fee_fen: int
    differences: list[Difference]


class Books:
    """The use cases around the books."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def trial_balance(self, brand_id: str, period: str) -> TrialBalance:
        """Return all accounts of a day or month.

        Raises:
            InvalidField: It is neither.
        """
        first, last = _days(period)
        entries = _entries(brand_id, first, last).subquery()
        credit = func.sum(case((entries.c.fen > 0, entries.c.fen), else_=0))
        query = (
            select(entries.c.account, credit, func.sum(entries.c.fen))
            .group_by(entries.c.account)
            .order_by(entries.c.account)
        )
        async with self._shop.record.read() as connection:
            rows = (await connection.execute(query)).all()
            closed = await connection.run_sync(last_closed)
        found = [
            AccountBalance(
                name, kind_of(name), party_of(name), int(fen - more), int(more), int(fen)
            )
            for name, more, fen in rows
        ]
        total = sum(one.balance_fen for one in found)
        return TrialBalance(period, closed.get(brand_id, ""), found, total)

    async def entries(self, brand_id: str, period: str, name: str) -> list[BookEntry]:
        """Return the newest entries of an account in a day or month.

        Raises:
            InvalidField: The period is neither.
        """
        first, last = _days(period)
        entries = _entries(brand_id, first, last).subquery()
        query = (
            select(entries, orders.c.number)
            .outerjoin(orders, orders.c.id == entries.c.order_id)
            .where(entries.c.account == name)
            .order_by(entries.c.id.desc())
            .limit(ENTRIES_MAX)
        )
        async with self._shop.record.read() as connection:
            return [
                BookEntry(
                    row.at_ms, row.period, row.kind, row.order_id, row.number, row.source,
                    row.other, row.fen,
                )
                for row in await connection.execute(query)
            ]  # fmt: skip

    async def close(self, brand_id: str, period: str, closed_by: str) -> str:
        """Close a day or month with all days before it; return the last closed day.

        What is posted for a closed day later goes to the first open one.

        Raises:
            InvalidField: The period is none, or is not over.
        """
        _, last = _days(period)
        at_ms = self._shop.clock()
        if last >= day_of(at_ms):
            raise InvalidField("period", "It is not over yet.")
        async with self._shop.record.write() as connection:
            if not self._shop.record.is_sqlite:
                # Transfers take this lock shared, so none of a closed day is still on its way.
                key = {"key": f"books:{brand_id}"}
                await connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:key))"), key)
            await connection.run_sync(stamp_periods)
            closed = (await connection.run_sync(last_closed)).get(brand_id, "")
            if closed >= last:
                return closed
            values = {"brand_id": brand_id, "period": last, "closed_at_ms": at_ms}
            await connection.execute(insert(book_closings), {**values, "closed_by": closed_by})
            await self._shop.audit(
                connection, closed_by, "books.close", last, {"until": closed}, {"until": last},
                at_ms, brand_id=brand_id,
            )  # fmt: skip
        return last

    async def settle(self, brand_id: str, day: str) -> list[Settlement]:
        """Make the settlements of a closed day; made again, their files are the same.

        Raises:
            InvalidField: The day is none, or is open.
            NotFound: The books no longer give what was settled.
        """
        first, last = _days(day)
        if first != last:
            raise InvalidField("period", "A day.")
        at_ms = self._shop.clock()
        async with self._shop.record.write() as connection:
            closed = (await connection.run_sync(last_closed)).get(brand_id, "")
            if day > closed:
                raise InvalidField("period", "Close it first.")
            made = settle(await connection.run_sync(_settled_entries, brand_id, day))
            known = {
                row.party: row.sha256
                for row in await connection.execute(
                    select(settlements).where(
                        settlements.c.brand_id == brand_id, settlements.c.period == day
                    )
                )
            }
            for settlement in made:
                if known.get(settlement.party, settlement.sha256) != settlement.sha256:
                    raise NotFound("settlement", f"{day} {settlement.party}")
            new = [
                {
                    "brand_id": brand_id,
                    "period": day,
                    "party": settlement.party,
                    "payable_fen": settlement.payable_fen,
                    "sha256": settlement.sha256,
                    "made_at_ms": at_ms,
                }
                for settlement in made
                if settlement.party not in known
            ]
            if new:
                await connection.execute(insert(settlements), new)
        return made

    async def name_of(self, party: str, language: str) -> str:
        """Return what a settled party is called; its id if nobody knows."""
        kind, _, id = party.partition(":")
        stores = self._shop.catalogue.stores
        if kind == "store" and id in stores:
            name = stores[id].name
            return name.zh if language == "zh" else name.en
        if kind == "leader":
            async with self._shop.record.read() as connection:
                named = await connection.scalar(select(staff.c.name).where(staff.c.id == id))
            return named or id
        return id

    async def settled(self, brand_id: str, period: str) -> list[SettledParty]:
        """Return the settlements that were made of a day or month."""
        first, last = _days(period)
        query = (
            select(settlements)
            .where(settlements.c.brand_id == brand_id, settlements.c.period.between(first, last))
            .order_by(settlements.c.period, settlements.c.party)
        )
        async with self._shop.record.read() as connection:
            return [
                SettledParty(row.period, row.party, row.payable_fen, row.sha256)
                for row in await connection.execute(query)
            ]

    async def reconcile(self, brand_id: str, day: str, bill: str) -> Reconciliation:
        """Compare the provider's bill of a day with our books, and book its fee once.

        Raises:
            InvalidField: The day is none.
            BadBill: The bill cannot be read.
        """
        begins_ms, ends_ms = bounds_of(day)
        lines = read_bill(bill)
        at_ms = self._shop.clock()
        async with self._shop.record.write() as connection:
            named = sorted({line.order_id for line in lines})
            ours = await connection.run_sync(_booked, brand_id, begins_ms, ends_ms, named)
            found = Reconciliation(
                day,
                sum(line.amount_fen for line in lines if line.kind is BillKind.CHARGE),
                sum(line.amount_fen for line in lines if line.kind is BillKind.REFUND),
                sum(line.fee_fen for line in lines),
                differences(lines, ours, begins_ms, ends_ms),
            )
            await connection.run_sync(_write_bill, brand_id, bill, found, at_ms)
        return found


def _days(period: str) -> tuple[str, str]:
    try:
        return days_of(period)
    except ValueError:
        raise InvalidField("period", "A day such as 2026-11-29, or a month.") from None


def bounds_of(day: str) -> tuple[int, int]:
    """Return the first moment of a day, and the first after it.

    Raises:
        InvalidField: It is no day.
    """
    first, last = _days(day)
    if first != last:
        raise InvalidField("period", "A day.")
    begins = datetime.combine(date.fromisoformat(day), time.min, DAY_ZONE)
    ends = begins + timedelta(days=1)
    return int(begins.timestamp() * 1_000), int(ends.timestamp() * 1_000)


def _entries(brand_id: str, first: str, last: str) -> CompoundSelect[Any]:
    """Both sides of each transfer of a brand's days."""
    which = (_T.c.brand_id == brand_id) & _T.c.period.between(first, last)
    shared = (_T.c.id, _T.c.at_ms, _T.c.period, _T.c.kind, _T.c.order_id, _T.c.source)
    to, giver = _T.c.to_account, _T.c.from_account
    return union_all(
        select(
            *shared, to.label("account"), giver.label("other"), _T.c.amount_fen.label("fen")
        ).where(which),
        select(
            *shared, giver.label("account"), to.label("other"), (-_T.c.amount_fen).label("fen")
        ).where(which),
    )


def _settled_entries(connection: Connection, brand_id: str, day: str) -> list[SettledEntry]:
    entries = _entries(brand_id, day, day).subquery()
    rows = connection.execute(
        select(entries, func.coalesce(orders.c.number, literal("")).label("number")).outerjoin(
            orders, orders.c.id == entries.c.order_id
        )
    )
    return [
        SettledEntry(row.at_ms, row.number, row.kind, row.account, row.source, row.fen)
        for row in rows
    ]


def _booked(
    connection: Connection, brand_id: str, begins_ms: int, ends_ms: int, named: Sequence[str]
) -> list[BillLine]:
    """Charges and refunds in our books: of the day, and of orders that the bill names."""
    kinds = [TransferKind.CHARGE.value, TransferKind.REFUND.value]
    columns = select(_T.c.id, _T.c.kind, _T.c.order_id, _T.c.source, _T.c.amount_fen, _T.c.at_ms)
    ours = columns.where(_T.c.kind.in_(kinds), _T.c.brand_id == brand_id)
    rows = {
        row.id: row
        for row in connection.execute(ours.where(_T.c.at_ms >= begins_ms, _T.c.at_ms < ends_ms))
    }
    for at in range(0, len(named), IDS_MAX):
        part = named[at : at + IDS_MAX]
        rows |= {row.id: row for row in connection.execute(ours.where(_T.c.order_id.in_(part)))}
    sums: dict[tuple[BillKind, str, int], tuple[int, int]] = {}
    for row in rows.values():
        kind = BillKind(row.kind)
        # The source of a refund begins with the number of its call.
        number = row.source.partition(":")[0]
        n = 0 if kind is BillKind.CHARGE else int(number) if number.isdecimal() else 1
        fen, _ = sums.get((kind, row.order_id, n), (0, 0))
        sums[kind, row.order_id, n] = (fen + row.amount_fen, row.at_ms)
    return [BillLine(*key, fen, 0, at_ms) for key, (fen, at_ms) in sums.items()]


def _write_bill(
    connection: Connection, brand_id: str, bill: str, found: Reconciliation, at_ms: int
) -> None:
    """Keep what the bill says; its fee is booked once, with the first bill of the day."""
    which = (provider_bills.c.brand_id == brand_id) & (provider_bills.c.period == found.period)
    known = connection.scalar(select(provider_bills.c.period).where(which))
    values = {
        "sha256": hashlib.sha256(bill.encode()).hexdigest(),
        "charges_fen": found.charges_fen,
        "refunds_fen": found.refunds_fen,
        "fee_fen": found.fee_fen,
        "differences": json.dumps([asdict(one) for one in found.differences]),
        "read_at_ms": at_ms,
    }
    if known is not None:
        connection.execute(update(provider_bills).where(which).values(values))
        return
    key = {"brand_id": brand_id, "period": found.period}
    connection.execute(insert(provider_bills), {**key, **values})
    if found.fee_fen:
        source = f"bill:{brand_id}:{found.period}"
        accounts = account(Account.FEE), PROVIDER
        fee = Transfer("", TransferKind.FEE, *accounts, found.fee_fen, at_ms, source, brand_id)
        post_transfers(connection, [fee])
