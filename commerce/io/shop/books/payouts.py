"""Payouts of a brand: proposed from the books of closed days, approved and booked."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Row, func, insert, or_, select, text, update

from commerce.errors import InvalidField, NotFound
from commerce.io.record.audit_trail import record_audit
from commerce.io.record.book_rows import last_closed
from commerce.io.record.postings import post_transfers
from commerce.io.record.schema import money_transfers as _T
from commerce.io.record.schema_books import payouts
from commerce.io.record.schema_staff import staff
from commerce.io.shop.context import ShopContext
from commerce.money.accounts import Account, days_of, kind_of, party_of
from commerce.money.payouts import (
    PayoutLine,
    PayoutState,
    bank_file,
    carried,
    payable,
    payout_transfer,
)
from commerce.money.transfers import TransferKind

LISTED_MAX = 500
APPROVED_MAX = 500  # at once


@dataclass(frozen=True, slots=True)
class PayoutView:
    """A payout; `name` is that of the leader or supplier, empty for the provider."""

    number: int
    account: str
    kind: Account
    name: str
    until: str
    amount_fen: int
    state: PayoutState
    proposed_at_ms: int
    approved_at_ms: int | None
    approved_by: str | None


@dataclass(frozen=True, slots=True)
class CarriedBalance:
    """What a leader or supplier got too much of: later earnings make up for it."""

    account: str
    name: str
    balance_fen: int


@dataclass(frozen=True, slots=True)
class PayoutList:
    """Payouts, newest first, and the negative balances of the last closed day."""

    closed_until: str
    payouts: list[PayoutView]
    carried: list[CarriedBalance]


class Payouts:
    """The use cases around payouts."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def list(self, brand_id: str) -> PayoutList:
        """Return the newest payouts of a brand."""
        return await self._shop.record.query(lambda connection: _list(connection, brand_id))

    async def propose(self, brand_id: str, until: str, staff_id: str) -> PayoutList:
        """Propose what the balances at the end of a closed day are; made again, it is the same.

        What was proposed before and is not approved is replaced.

        Raises:
            InvalidField: The day is none, or is open.
        """
        last = _last_day(until)
        at_ms = self._shop.clock()

        def work(connection: Connection) -> PayoutList:
            _lock(connection, brand_id)
            if last > last_closed(connection).get(brand_id, ""):
                raise InvalidField("period", "Close it first.")
            due = payable(_balances(connection, brand_id, last))
            if _replace(connection, brand_id, last, due, staff_id, at_ms):
                after: dict[str, object] = {"until": last, "fen": sum(due.values())}
                entry = (staff_id, "payout.propose", last, None, after, at_ms)
                record_audit(connection, brand_id, *entry)
            return _list(connection, brand_id)

        return await self._shop.record.transact(work)

    async def approve(self, brand_id: str, numbers: Collection[int], staff_id: str) -> PayoutList:
        """Approve payouts and book them, each once however often it is approved.

        Raises:
            NotFound: One of them is not there, or was replaced; nothing is approved.
            InvalidField: Too many at once.
        """
        if len(numbers) > APPROVED_MAX:
            raise InvalidField("numbers", f"At most {APPROVED_MAX}.")
        at_ms = self._shop.clock()

        def work(connection: Connection) -> PayoutList:
            _lock(connection, brand_id)
            known = {row.number: row for row in _rows(connection, brand_id, numbers)}
            for number in numbers:
                if number not in known:
                    raise NotFound("payout", str(number))
            due = [
                row
                for _, row in sorted(known.items())
                if PayoutState(row.state) is PayoutState.PROPOSED
            ]
            self._book(connection, brand_id, due, staff_id, at_ms)
            return _list(connection, brand_id)

        return await self._shop.record.transact(work)

    def _book(
        self,
        connection: Connection,
        brand_id: str,
        due: Sequence[Row[tuple[object, ...]]],
        staff_id: str,
        at_ms: int,
    ) -> None:
        if not due:
            return
        approved = {
            "state": PayoutState.APPROVED.value,
            "approved_at_ms": at_ms,
            "approved_by": staff_id,
        }
        named = payouts.c.number.in_([row.number for row in due])
        which = payouts.c.brand_id == brand_id, named
        connection.execute(update(payouts).where(*which).values(approved))
        post_transfers(
            connection,
            [
                payout_transfer(brand_id, row.number, row.account, row.amount_fen, at_ms)
                for row in due
            ],
        )
        for row in due:
            after = {"account": row.account, "fen": row.amount_fen, "until": row.until}
            subject = f"P{row.number:06d}"
            entry = (staff_id, "payout.approve", subject, None, after, at_ms)
            record_audit(connection, brand_id, *entry)

    async def file(self, brand_id: str, until: str) -> str:
        """Return the bank's file of what was approved of proposals until a day; always the same.

        Raises:
            InvalidField: It is no day.
            NotFound: Nothing was approved.
        """
        last = _last_day(until)

        def read(connection: Connection) -> str:
            rows = connection.execute(
                select(payouts).where(
                    payouts.c.brand_id == brand_id,
                    payouts.c.until == last,
                    payouts.c.state == PayoutState.APPROVED.value,
                )
            ).all()
            if not rows:
                raise NotFound("payouts", last)
            names = _names(connection, [row.account for row in rows])
            return bank_file(
                PayoutLine(row.number, row.account, names[row.account], row.amount_fen, row.until)
                for row in rows
            )

        return await self._shop.record.query(read)


def _last_day(until: str) -> str:
    try:
        return days_of(until)[1]
    except ValueError:
        raise InvalidField("period", "A day such as 2026-11-29, or a month.") from None


def _lock(connection: Connection, brand_id: str) -> None:
    """Let one transaction at a time propose or approve; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        key = {"key": f"payouts:{brand_id}"}
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), key)


def _balances(connection: Connection, brand_id: str, last: str) -> dict[str, int]:
    """Return the balances until a day, less all that was paid out since."""
    found: dict[str, int] = {}
    for column, sign in ((_T.c.to_account, 1), (_T.c.from_account, -1)):
        rows = connection.execute(
            select(column, func.sum(_T.c.amount_fen))
            .where(
                _T.c.brand_id == brand_id,
                or_(_T.c.period <= last, _T.c.kind == TransferKind.PAYOUT.value),
            )
            .group_by(column)
        )
        for name, fen in rows:
            found[name] = found.get(name, 0) + sign * int(fen)
    return found


def _replace(
    connection: Connection,
    brand_id: str,
    last: str,
    due: Mapping[str, int],
    staff_id: str,
    at_ms: int,
) -> bool:
    """Propose what is due in place of what is proposed; False if that is the same."""
    open_ = (payouts.c.brand_id == brand_id, payouts.c.state == PayoutState.PROPOSED.value)
    rows = connection.execute(select(payouts).where(*open_)).all()
    if {(row.account, row.until, row.amount_fen) for row in rows} == {
        (name, last, fen) for name, fen in due.items()
    }:
        return False
    newest = select(func.max(payouts.c.number)).where(payouts.c.brand_id == brand_id)
    number = int(connection.scalar(newest) or 0)
    connection.execute(update(payouts).where(*open_).values(state=PayoutState.REPLACED.value))
    if due:
        new = [
            {
                "brand_id": brand_id,
                "number": number + at,
                "account": name,
                "until": last,
                "amount_fen": fen,
                "state": PayoutState.PROPOSED.value,
                "proposed_at_ms": at_ms,
                "proposed_by": staff_id,
            }
            for at, (name, fen) in enumerate(due.items(), 1)
        ]
        connection.execute(insert(payouts), new)
    return True


def _rows(
    connection: Connection, brand_id: str, numbers: Collection[int]
) -> Sequence[Row[tuple[object, ...]]]:
    which = (
        payouts.c.brand_id == brand_id,
        payouts.c.number.in_(numbers),
        payouts.c.state != PayoutState.REPLACED.value,
    )
    return connection.execute(select(payouts).where(*which).with_for_update()).all()


def _list(connection: Connection, brand_id: str) -> PayoutList:
    rows = connection.execute(
        select(payouts)
        .where(payouts.c.brand_id == brand_id, payouts.c.state != PayoutState.REPLACED.value)
        .order_by(payouts.c.number.desc())
        .limit(LISTED_MAX)
    ).all()
    closed = last_closed(connection).get(brand_id, "")
    negative = carried(_balances(connection, brand_id, closed)) if closed else {}
    names = _names(connection, [*(row.account for row in rows), *negative])
    return PayoutList(
        closed,
        [
            PayoutView(
                row.number,
                row.account,
                kind_of(row.account),
                names[row.account],
                row.until,
                row.amount_fen,
                PayoutState(row.state),
                row.proposed_at_ms,
                row.approved_at_ms,
                row.approved_by,
            )
            for row in rows
        ],
        [CarriedBalance(name, names[name], fen) for name, fen in negative.items()],
    )


def _names(connection: Connection, accounts: Sequence[str]) -> dict[str, str]:
    """Return the names of leaders and suppliers, by account."""
    leaders = {party_of(name) for name in accounts if kind_of(name) is Account.LEADER}
    known = {
        row.id: row.name
        for row in connection.execute(
            select(staff.c.id, staff.c.name).where(staff.c.id.in_(leaders))
        )
    }
    return {name: known.get(party_of(name), party_of(name)) for name in accounts}
