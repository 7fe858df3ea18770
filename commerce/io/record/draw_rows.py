"""Draws of the record as values, and those that do not recount; inside the caller's transaction."""

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, func, select

from commerce.activities.draws import (
    Draw,
    DrawState,
    DrawTerms,
    VoidReason,
    commitment_of,
    drawn,
    entries_hash_of,
)
from commerce.io.record.schema import guests
from commerce.io.record.schema_draws import draw_entries, draws


def find_draw(connection: Connection, room_id: str, draw_id: str) -> Draw | None:
    """Return a draw of a room."""
    which = select(draws).where(draws.c.id == draw_id, draws.c.room_id == room_id)
    row = connection.execute(which).mappings().first()
    return _draw(connection, row) if row else None


def newest_draws(connection: Connection, room_id: str, count: int) -> list[Draw]:
    """Return the newest draws of a room, newest first."""
    rows = connection.execute(
        select(draws)
        .where(draws.c.room_id == room_id)
        .order_by(draws.c.opened_at_ms.desc(), draws.c.id.desc())
        .limit(count)
    )
    return [_draw(connection, row) for row in rows.mappings()]


def shown_draw(connection: Connection, room_id: str, now_ms: int) -> Draw | None:
    """Return the newest draw of a room, unless its result was shown long enough."""
    found = newest_draws(connection, room_id, 1)
    return found[0] if found and found[0].is_shown(now_ms) else None


def tickets_of(connection: Connection, draw_id: str) -> list[str]:
    """Return the tickets of the closed list, sorted; none of a draw that is open."""
    which = select(draw_entries.c.ticket).where(
        draw_entries.c.draw_id == draw_id, draw_entries.c.counted
    )
    return sorted(connection.scalars(which))


def terms_of(row: RowMapping) -> DrawTerms:
    """Return the terms of a row of `draws`."""
    return DrawTerms(
        row["room_id"],
        row["product_id"],
        row["winners"],
        row["word"],
        row["estate_id"] or "",
        row["stay"],
        row["opened_at_ms"],
        row["closes_at_ms"],
    )


def prize_value(connection: Connection, order_id: str) -> int:
    """Return what a prize would have cost when its draw opened; 0 for an order that is none."""
    value_fen = connection.scalar(
        select(draws.c.value_fen)
        .join(draw_entries, draw_entries.c.draw_id == draws.c.id)
        .where(draw_entries.c.order_id == order_id)
    )
    return int(value_fen or 0)


def broken_draws(connection: Connection) -> list[str]:
    """Return the draws whose hashes or winners are not what a recount gives."""
    ended = select(draws).where(draws.c.entries_hash.is_not(None))
    return [
        f"draw {row['id']}"
        for row in connection.execute(ended).mappings().all()
        if not _recounts(connection, row)
    ]


def _recounts(connection: Connection, row: RowMapping) -> bool:
    tickets = tickets_of(connection, row["id"])
    if entries_hash_of(tickets) != row["entries_hash"]:
        return False
    won = [ticket for ticket, _ in _winning(connection, row["id"])]
    if row["state"] != DrawState.REVEALED:
        return not won
    return commitment_of(row["seed"]) == row["commitment"] and won == drawn(
        row["seed"], tickets, row["winners"]
    )


def _draw(connection: Connection, row: RowMapping) -> Draw:
    counted = select(func.count()).where(draw_entries.c.draw_id == row["id"])
    if row["entries_hash"] is not None:
        counted = counted.where(draw_entries.c.counted)
    winning = _winning(connection, row["id"]) if row["state"] == DrawState.REVEALED else ()
    return Draw(
        row["id"],
        terms_of(row),
        DrawState(row["state"]),
        row["commitment"],
        connection.scalar(counted) or 0,
        row["entries_hash"],
        row["seed"],
        row["ended_at_ms"],
        VoidReason(row["void_reason"]) if row["void_reason"] else None,
        tuple(ticket for ticket, _ in winning),
        tuple(nickname for _, nickname in winning),
    )


def _winning(connection: Connection, draw_id: str) -> Sequence[tuple[str, str]]:
    rows = connection.execute(
        select(draw_entries.c.ticket, guests.c.nickname)
        .join(guests, guests.c.id == draw_entries.c.guest_id)
        .where(draw_entries.c.draw_id == draw_id, draw_entries.c.place.is_not(None))
        .order_by(draw_entries.c.place)
    )
    return [(ticket, nickname) for ticket, nickname in rows]
