"""Picks of the record: what was noted of the parts of orders."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from commerce.io.record.schema_packing import order_picks
from commerce.orders.picks import Pick, PickState


def picks_of(connection: Connection, order_ids: Collection[str]) -> dict[str, list[Pick]]:
    """Return what was noted, by order, in the order of lines and parts."""
    found: dict[str, list[Pick]] = {}
    for row in connection.execute(
        select(order_picks)
        .where(order_picks.c.order_id.in_(order_ids))
        .order_by(order_picks.c.order_id, order_picks.c.line, order_picks.c.part)
    ):
        found.setdefault(row.order_id, []).append(_pick_of(row))
    return found


def offers_over(connection: Connection, at_ms: int, limit: int) -> list[Pick]:
    """Return offers that nobody has answered in time."""
    which = order_picks.c.state == PickState.OFFERED.value
    rows = connection.execute(
        select(order_picks)
        .where(which, order_picks.c.answer_by_ms <= at_ms)
        .order_by(order_picks.c.answer_by_ms)
        .limit(limit)
    )
    return [_pick_of(row) for row in rows]


def put_pick(connection: Connection, pick: Pick, moved_by: str, at_ms: int) -> None:
    """Write what was noted of a part, whose order the caller has locked."""
    values = {
        "state": pick.state.value,
        "missing_units": pick.missing_units,
        "substitute_id": pick.substitute_id or None,
        "answer_by_ms": pick.answer_by_ms,
        "grams": pick.grams,
        "moved_by": moved_by,
        "at_ms": at_ms,
    }
    key = {"order_id": pick.order_id, "line": pick.line, "part": pick.part}
    here = [order_picks.c[name] == value for name, value in key.items()]
    if not connection.execute(update(order_picks).where(*here).values(values)).rowcount:
        connection.execute(insert(order_picks), key | values)


def _pick_of(row: Row[Any]) -> Pick:
    return Pick(
        row.order_id,
        row.line,
        row.part,
        PickState(row.state),
        row.missing_units,
        row.substitute_id or "",
        row.answer_by_ms,
        row.grams,
    )
