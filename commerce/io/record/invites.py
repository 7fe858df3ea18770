"""Invites in the record: joins that were paid are judged, and the award is given with the third.

Judging one group is one transaction: what counts, and the price that falls with it.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, func, select, update

from commerce.groups.group import JOINABLE, Group
from commerce.groups.invites import DAY_MS, PAIR_DAYS, Join, JoinState, judge
from commerce.groups.price_drops import DropReason, award_price
from commerce.io.record.price_drops import drop_price, lock_group
from commerce.io.record.rows import HOUSEHOLD
from commerce.io.record.schema import buying_groups, group_seats, guests, orders
from commerce.io.record.schema_group_terms import invite_joins, invites, price_drops

GROUPS_MAX = 100  # looked at per pass

HOUSEHOLD_OF_GUEST = func.coalesce(guests.c.household_id, guests.c.id)
"""Who a guest counts as now."""

_PAID = (
    select(
        invite_joins.c.guest_id,
        invite_joins.c.invite_id,
        invite_joins.c.device_hash,
        invite_joins.c.address_hash,
        invite_joins.c.followed_at_ms,
        invites.c.device_hash.label("inviter_device"),
        HOUSEHOLD_OF_GUEST.label("inviter"),
        orders.c.id.label("order_id"),
        orders.c.estate_id,
        orders.c.created_at_ms,
        HOUSEHOLD.label("household"),
    )
    .join(invites, invites.c.id == invite_joins.c.invite_id)
    .join(guests, guests.c.id == invites.c.guest_id)
    .join(
        orders,
        (orders.c.group_id == invite_joins.c.group_id)
        & (orders.c.guest_id == invite_joins.c.guest_id),
    )
    .join(group_seats, group_seats.c.order_id == orders.c.id)
    .where(invite_joins.c.state == JoinState.FOLLOWED.value)
)
_TO_JUDGE = (
    select(invite_joins.c.group_id)
    .join(buying_groups, buying_groups.c.id == invite_joins.c.group_id)
    .join(
        orders,
        (orders.c.group_id == invite_joins.c.group_id)
        & (orders.c.guest_id == invite_joins.c.guest_id),
    )
    .join(group_seats, group_seats.c.order_id == orders.c.id)
    .where(
        invite_joins.c.state == JoinState.FOLLOWED.value,
        buying_groups.c.award_fen > 0,
        buying_groups.c.state.in_([state.value for state in JOINABLE]),
    )
    .distinct()
    .limit(GROUPS_MAX)
)


def groups_to_judge(connection: Connection) -> list[str]:
    """Return the groups with paid joins that nobody has judged yet."""
    return list(connection.scalars(_TO_JUDGE))


def judge_group(connection: Connection, group_id: str, at_ms: int) -> int:
    """Judge what was paid, in its order, and lower the price once an invite earns it; how many."""
    group = lock_group(connection, group_id)
    mine = _PAID.where(invite_joins.c.group_id == group_id)
    paid = connection.execute(mine.order_by(orders.c.created_at_ms, orders.c.id)).all()
    for join in paid:
        _judge(connection, group, join, at_ms)
        price_fen = award_price(group, counted_of(connection, join.invite_id))
        if price_fen is not None:
            drop_price(
                connection, group, price_fen, DropReason.INVITE, at_ms, invite_id=join.invite_id
            )
            group = lock_group(connection, group_id)
    return len(paid)


def counted_of(connection: Connection, invite_id: str) -> int:
    """Return how many joins count for an invite."""
    counted = select(func.count()).where(
        invite_joins.c.invite_id == invite_id, invite_joins.c.state == JoinState.COUNTED.value
    )
    return int(connection.scalar(counted) or 0)


def uncount(connection: Connection, order_id: str) -> None:
    """A neighbour leaves the group: the join counts no more, unless it has lowered the price."""
    connection.execute(
        update(invite_joins)
        .where(invite_joins.c.order_id == order_id, ~_has_earned())
        .values(
            state=JoinState.FOLLOWED.value,
            refused="",
            household_id=None,
            order_id=None,
            judged_at_ms=None,
        )
    )


def holds_award(connection: Connection, order_id: str) -> bool:
    """Return whether a join has lowered everybody's price, and so cannot be taken back."""
    counted = select(invite_joins.c.order_id).where(
        invite_joins.c.order_id == order_id,
        invite_joins.c.state == JoinState.COUNTED.value,
        _has_earned(),
    )
    return connection.scalar(counted) is not None


def forget_marks(connection: Connection, group_ids: Collection[str]) -> None:
    """Groups are over: nobody needs to know the devices and addresses any more."""
    for table in (invites, invite_joins):
        _forget(connection, table, table.c.group_id.in_(group_ids))


def _forget(connection: Connection, table: Table, which: ColumnElement[bool]) -> None:
    marks = {name: None for name in ("device_hash", "address_hash") if name in table.c}
    connection.execute(update(table).where(which).values(**marks))


def _has_earned() -> ColumnElement[bool]:
    return (
        select(price_drops.c.group_id)
        .where(price_drops.c.invite_id == invite_joins.c.invite_id)
        .exists()
    )


def _judge(connection: Connection, group: Group, join: Any, at_ms: int) -> None:
    refusal = judge(_facts(connection, group, join, at_ms))
    connection.execute(
        update(invite_joins)
        .where(invite_joins.c.group_id == group.id, invite_joins.c.guest_id == join.guest_id)
        .values(
            state=(JoinState.REFUSED if refusal else JoinState.COUNTED).value,
            refused=refusal.value if refusal else "",
            household_id=join.household,
            order_id=join.order_id,
            judged_at_ms=at_ms,
        )
    )


def _facts(connection: Connection, group: Group, join: Any, at_ms: int) -> Join:
    counted = invite_joins.c.state == JoinState.COUNTED.value
    here = connection.execute(
        select(invite_joins.c.device_hash, invite_joins.c.address_hash).where(
            invite_joins.c.group_id == group.id, counted
        )
    ).all()

    def lately(inviter: str, *whom: ColumnElement[bool]) -> int:
        found = (
            select(func.count())
            .select_from(invite_joins)
            .join(invites, invites.c.id == invite_joins.c.invite_id)
            .join(guests, guests.c.id == invites.c.guest_id)
            .where(
                counted,
                invite_joins.c.judged_at_ms > at_ms - PAIR_DAYS * DAY_MS,
                HOUSEHOLD_OF_GUEST == inviter,
                *whom,
            )
        )
        return int(connection.scalar(found) or 0)

    return Join(
        inviter=join.inviter,
        household=join.household,
        group_estate_id=group.estate_id,
        estate_id=join.estate_id,
        followed_at_ms=join.followed_at_ms,
        ordered_at_ms=join.created_at_ms,
        inviter_device=join.inviter_device or "",
        device=join.device_hash or "",
        devices_counted=frozenset(row.device_hash for row in here if row.device_hash),
        address_counted=sum(
            row.address_hash == join.address_hash for row in here if row.address_hash
        ),
        ring=lately(join.household, invite_joins.c.household_id == join.inviter),
        pair=lately(join.inviter, invite_joins.c.household_id == join.household),
        by_inviter=lately(join.inviter),
    )
