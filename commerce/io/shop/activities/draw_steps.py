"""What happens to draws by themselves: open → closed → revealed, or void.

Each step is one transaction that moves the draw's state first, and so is done once, by whichever
worker comes first; a worker that dies between two leaves the next one to all others.
"""

from collections.abc import Sequence

import structlog
from sqlalchemy import Connection, RowMapping, delete, select, update
from sqlalchemy.exc import DBAPIError

from commerce.activities.draws import (
    REVEAL_AFTER_MS,
    DrawState,
    VoidReason,
    drawn,
    entries_hash_of,
)
from commerce.io.ledger.writes import next_number
from commerce.io.record.draw_rows import terms_of, tickets_of
from commerce.io.record.postings import lock_stock
from commerce.io.record.prizes import give_prizes, release_prizes
from commerce.io.record.schema import guests
from commerce.io.record.schema_draws import draw_entries, draw_seeds, draws
from commerce.io.record.slots import lock_slots
from commerce.io.shop.activities.news import Part, changed
from commerce.io.shop.context import ShopContext
from commerce.io.shop.sealing import Sealer
from commerce.orders.order import PRIZE_ENTRY, OrderRow, order_id_of
from commerce.orders.states import OrderState, due_at_ms

STEPS_MAX = 50
"""Draws that one pass looks at."""

log = structlog.get_logger()


def draws_due(connection: Connection, at_ms: int) -> list[tuple[str, str]]:
    """Return draws to close or to reveal by then, and their states."""
    overdue = (draws.c.state == DrawState.OPEN.value) & (draws.c.closes_at_ms <= at_ms)
    public = (draws.c.state == DrawState.CLOSED.value) & (
        draws.c.closed_at_ms <= at_ms - REVEAL_AFTER_MS
    )
    which = select(draws.c.id, draws.c.state).where(overdue | public).limit(STEPS_MAX)
    return [(draw_id, state) for draw_id, state in connection.execute(which)]


def sealed_for(draw_id: str) -> str:
    """Return what a draw's sealed seed belongs to."""
    return f"draw:{draw_id}"


class DrawSteps:
    """Closes draws whose time is over, and reveals those that are closed."""

    def __init__(self, shop: ShopContext, sealer: Sealer) -> None:
        self._shop = shop
        self._sealer = sealer

    async def step(self) -> None:
        """Do what is due."""
        at_ms = self._shop.clock()
        due = await self._shop.record.query(lambda connection: draws_due(connection, at_ms))
        for draw_id, state in due:
            step = self.close if state == DrawState.OPEN else self.reveal
            try:
                async with self._shop.record.write() as connection:
                    await connection.run_sync(step, draw_id, at_ms)
            except DBAPIError as error:
                log.warning("draw not moved on", draw=draw_id, error=repr(error)[:200])
        if due:
            self._shop.on_commit()

    def close(self, connection: Connection, draw_id: str, at_ms: int) -> None:
        """Close the entry list: one entry of each household as it is now, with presence."""
        row = _lock(connection, draw_id, DrawState.OPEN)
        if row is None:
            return
        listed = _taking_part(connection, row)
        if not listed:
            self.void(connection, draw_id, DrawState.OPEN, VoidReason.NO_ENTRIES, at_ms)
            return
        connection.execute(
            update(draw_entries)
            .where(draw_entries.c.draw_id == draw_id, draw_entries.c.ticket.in_(listed))
            .values(counted=True)
        )
        _move(
            connection,
            draw_id,
            DrawState.OPEN,
            DrawState.CLOSED,
            entries_hash=entries_hash_of(listed),
            closed_at_ms=at_ms,
        )
        changed(connection, row["room_id"], Part.DRAW, at_ms)

    def reveal(self, connection: Connection, draw_id: str, at_ms: int) -> None:
        """Publish the seed, and give each winner an order that costs nothing."""
        row = _lock(connection, draw_id, DrawState.CLOSED)
        if row is None:
            return
        sealed = connection.scalar(
            select(draw_seeds.c.sealed).where(draw_seeds.c.draw_id == draw_id)
        )
        seed = self._sealer.open(sealed, sealed_for(draw_id)) if sealed else None
        if seed is None:
            log.error("draw cannot be revealed", draw=draw_id)
            self.void(connection, draw_id, DrawState.CLOSED, VoidReason.SEED_LOST, at_ms)
            return
        _move(
            connection,
            draw_id,
            DrawState.CLOSED,
            DrawState.REVEALED,
            seed=seed,
            ended_at_ms=at_ms,
        )
        connection.execute(delete(draw_seeds).where(draw_seeds.c.draw_id == draw_id))
        winning = drawn(seed, tickets_of(connection, draw_id), row["winners"])
        # Before the counter of order numbers, as everywhere.
        lock_stock(connection, [(row["product_id"], row["store_id"])])
        lock_slots(connection, (), [row["store_id"]], at_ms)
        won = _orders(connection, row, winning, at_ms)
        give_prizes(connection, draw_id, row["product_id"], row["store_id"], won, at_ms)
        for place, (ticket, order) in enumerate(zip(winning, won, strict=True), 1):
            connection.execute(
                update(draw_entries)
                .where(draw_entries.c.draw_id == draw_id, draw_entries.c.ticket == ticket)
                .values(place=place, order_id=order.id)
            )
        changed(connection, row["room_id"], Part.DRAW, at_ms)

    def void(
        self, connection: Connection, draw_id: str, state: DrawState, why: VoidReason, at_ms: int
    ) -> bool:
        """End a draw that is in `state` without winners; False if it is elsewhere."""
        row = _lock(connection, draw_id, state)
        if row is None:
            return False
        ended = {"void_reason": why.value, "ended_at_ms": at_ms}
        _move(connection, draw_id, state, DrawState.VOID, **ended)
        connection.execute(delete(draw_seeds).where(draw_seeds.c.draw_id == draw_id))
        release_prizes(connection, draw_id, row["product_id"], row["store_id"], at_ms)
        changed(connection, row["room_id"], Part.DRAW, at_ms)
        return True


def _lock(connection: Connection, draw_id: str, state: DrawState) -> RowMapping | None:
    which = select(draws).where(draws.c.id == draw_id, draws.c.state == state.value)
    return connection.execute(which.with_for_update()).mappings().first()


def _move(
    connection: Connection, draw_id: str, state: DrawState, to: DrawState, **values: object
) -> None:
    connection.execute(
        update(draws)
        .where(draws.c.id == draw_id, draws.c.state == state.value)
        .values(state=to.value, **values)
    )


def _taking_part(connection: Connection, row: RowMapping) -> list[str]:
    """Return the tickets that count: the first of each household, as they merged meanwhile."""
    terms, firsts = terms_of(row), dict[str, str]()
    entered = connection.execute(
        select(
            draw_entries.c.ticket,
            draw_entries.c.household_id,
            draw_entries.c.present_at_ms,
            guests.c.household_id.label("home"),
        )
        .join(guests, guests.c.id == draw_entries.c.guest_id)
        .where(draw_entries.c.draw_id == row["id"], guests.c.erased_at_ms.is_(None))
        .order_by(draw_entries.c.entered_at_ms, draw_entries.c.ticket)
    )
    for ticket, household_id, present_at_ms, home in entered:
        if terms.counts(present_at_ms):
            firsts.setdefault(home or household_id, ticket)
    return list(firsts.values())


def _orders(
    connection: Connection, row: RowMapping, winning: Sequence[str], at_ms: int
) -> list[OrderRow]:
    """Return an order for each winner, first prize first."""
    rows = connection.execute(
        select(
            draw_entries.c.ticket,
            draw_entries.c.household_id,
            guests.c.id.label("guest_id"),
            guests.c.household_id.label("home"),
            guests.c.estate_id,
        )
        .join(guests, guests.c.id == draw_entries.c.guest_id)
        .where(draw_entries.c.draw_id == row["id"], draw_entries.c.ticket.in_(winning))
    )
    winners = {winner.ticket: winner for winner in rows}
    first = next_number(connection, len(winning))
    return [
        OrderRow(
            id=order_id_of(winners[ticket].guest_id, f"{PRIZE_ENTRY}{row['id']}"),
            number=str(first + offset),
            guest_id=winners[ticket].guest_id,
            estate_id=winners[ticket].estate_id,
            room_id=row["room_id"],
            store_id=row["store_id"],
            product_id=row["product_id"],
            group_id="",
            quantity=1,
            total_fen=0,
            paid_fen=0,
            refunded_fen=0,
            state=OrderState.NEW,
            refused=None,
            version=1,
            created_at_ms=at_ms,
            due_at_ms=due_at_ms(at_ms),
            handed_over_at_ms=None,
            body_hash="prize",
            entry_id=f"{PRIZE_ENTRY}{row['id']}",
            household_id=winners[ticket].home or winners[ticket].household_id,
        )
        for offset, ticket in enumerate(winning)
    ]
