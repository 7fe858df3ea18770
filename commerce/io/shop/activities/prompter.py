"""What the record knows for a host's prompter: what a live sells, and what its last ones did."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, union_all

from commerce.activities.prompter import LIVES_COMPARED, RATE_WINDOW_MIN, Figures, Sold
from commerce.io.record.schema import lives, orders
from commerce.io.record.schema_recordings import recordings
from commerce.io.record.schema_sets import order_lines
from commerce.io.shop.context import ShopContext
from commerce.orders.states import UNDONE_VALUES

MINUTE_MS = 60_000
_COUNTS = orders.c.state.not_in(UNDONE_VALUES)


@dataclass(frozen=True, slots=True)
class Show:
    """A live so far: what it sold, its figures, those of earlier ones until the same minute."""

    elapsed_min: float
    sold: tuple[Sold, ...]
    now: Figures
    earlier: tuple[Figures, ...]
    lengths_min: tuple[float, ...]


class PrompterSales:
    """Reads a room's sales; a few queries of one live and its last ones."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def show(self, room_id: str, left: Mapping[str, int]) -> Show:
        """Return the room's live with what is `left` of its products.

        Raises:
            NotFound: There is no such room.
        """
        self._shop.catalogue.room(room_id)
        async with self._shop.record.read() as connection:
            return await connection.run_sync(_show, room_id, left, self._shop.clock())


def _show(connection: Connection, room_id: str, left: Mapping[str, int], now_ms: int) -> Show:
    started_at_ms = connection.scalar(
        select(lives.c.started_at_ms).where(lives.c.room_id == room_id)
    )
    if started_at_ms is None:
        return Show(0.0, (), Figures(0, 0, 0), (), ())
    elapsed_ms = max(0, now_ms - started_at_ms)
    units, buyers = _units(connection, room_id, started_at_ms)
    lately_ms = max(started_at_ms, now_ms - int(RATE_WINDOW_MIN * MINUTE_MS))
    lately, _ = _units(connection, room_id, lately_ms)
    ended = (
        select(recordings.c.started_at_ms, recordings.c.ended_at_ms)
        .where(
            recordings.c.room_id == room_id,
            recordings.c.ended_at_ms.is_not(None),
            recordings.c.started_at_ms < started_at_ms,
        )
        .order_by(recordings.c.started_at_ms.desc())
        .limit(LIVES_COMPARED)
    )
    past = [(row.started_at_ms, row.ended_at_ms) for row in connection.execute(ended)]
    return Show(
        elapsed_ms / MINUTE_MS,
        tuple(
            Sold(id, units.get(id, 0), lately.get(id, 0), buyers.get(id, 0), count)
            for id, count in left.items()
        ),
        _figures(connection, room_id, started_at_ms, now_ms + 1),
        tuple(
            _figures(connection, room_id, start, min(start + elapsed_ms, end))
            for start, end in past
        ),
        tuple((end - start) / MINUTE_MS for start, end in past),
    )


def _figures(connection: Connection, room_id: str, from_ms: int, until_ms: int) -> Figures:
    row = connection.execute(
        select(
            func.count(),
            func.count(orders.c.guest_id.distinct()),
            func.coalesce(func.sum(orders.c.total_fen), 0),
        ).where(
            orders.c.room_id == room_id,
            orders.c.created_at_ms >= from_ms,
            orders.c.created_at_ms < until_ms,
            _COUNTS,
        )
    ).one()
    return Figures(row[0], row[1], int(row[2]))


def _units(
    connection: Connection, room_id: str, from_ms: int
) -> tuple[dict[str, int], dict[str, int]]:
    """Units and buyers by product since then, of orders of one product and of lines."""
    which = (orders.c.room_id == room_id, orders.c.created_at_ms >= from_ms, _COUNTS)
    single = select(orders.c.product_id, orders.c.quantity.label("units"), orders.c.guest_id).where(
        *which, orders.c.line_count == 0
    )
    lines = (
        select(order_lines.c.product_id, order_lines.c.units, orders.c.guest_id)
        .join(orders, orders.c.id == order_lines.c.order_id)
        .where(*which)
    )
    both = union_all(single, lines).subquery()
    rows = connection.execute(
        select(
            both.c.product_id, func.sum(both.c.units), func.count(both.c.guest_id.distinct())
        ).group_by(both.c.product_id)
    ).all()
    return {row[0]: int(row[1]) for row in rows}, {row[0]: row[2] for row in rows}
