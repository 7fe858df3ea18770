"""The books of a brand: trial balance and entries by period, closing, settlements."""

from dataclasses import dataclass
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
)

from commerce.errors import InvalidField, NotFound
from commerce.io.record.book_rows import last_closed
from commerce.io.record.postings import stamp_periods
from commerce.io.record.schema import money_transfers as _T
from commerce.io.record.schema import orders
from commerce.io.record.schema_books import book_closings, settlements
from commerce.io.record.schema_staff import staff
from commerce.io.shop.context import ShopContext
from commerce.money.accounts import DAY_ZONE, Account, day_of, days_of, kind_of, party_of
from commerce.money.settlements import SettledEntry, Settlement, settle

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


class Books:
    """The use cases around the books."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def trial_balance(self, brand_id: str, period: str) -> TrialBalance:
        """Return all accounts of a day or month.

        Raises:
            InvalidField: It is neither.
        """
        first, last = first_and_last(period)
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
        first, last = first_and_last(period)
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
        _, last = first_and_last(period)
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
        first, last = first_and_last(day)
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
        first, last = first_and_last(period)
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


def first_and_last(period: str) -> tuple[str, str]:
    """Return the first and last day of a day or month.

    Raises:
        InvalidField: It is neither.
    """
    try:
        return days_of(period)
    except ValueError:
        raise InvalidField("period", "A day such as 2026-11-29, or a month.") from None


def bounds_of(day: str) -> tuple[int, int]:
    """Return the first moment of a day, and the first after it.

    Raises:
        InvalidField: It is no day.
    """
    first, last = first_and_last(day)
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
