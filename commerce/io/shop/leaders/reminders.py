"""Leaders remind households whose goods wait, and see how far the reminder has come."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from commerce.io.record.order_lines import orders_of
from commerce.io.record.rows import ORDERS
from commerce.io.record.schema import orders
from commerce.io.record.schema_notices import notices
from commerce.io.shop.context import ShopContext
from commerce.io.shop.leaders.estates import time_zone_of
from commerce.io.shop.notices import known_guests, post_notices
from commerce.notices.copies import furthest
from commerce.notices.notices import Notice, NoticeChannel, NoticeKind, NoticeState, due_at_ms
from commerce.orders.promise import Fulfilment
from commerce.orders.states import OrderState

HOUSEHOLDS_MAX = 500


@dataclass(frozen=True, slots=True)
class Reminded:
    """Whom a tap has reminded; `due_at_ms` is later than now within quiet hours."""

    households: int
    too_soon: int
    due_at_ms: int


@dataclass(frozen=True, slots=True)
class ReminderState:
    """The last reminder of a household: by which channel it came how far, and when that was.

    It is seen when one of the household has seen it. `at_ms` is when it was seen, sent or given
    up, or, while it waits, when it comes.
    """

    household_id: str
    made_at_ms: int
    due_at_ms: int
    channel: NoticeChannel
    state: NoticeState
    at_ms: int


class Reminders:
    """Reminders of one estate's ready orders."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def remind(self, estate_id: str, household_ids: Collection[str], by_id: str) -> Reminded:
        """Remind these households, or with none all, of goods that are ready to be collected."""
        at_ms = self._shop.clock()
        wanted = set(household_ids)

        def work(connection: Connection) -> Reminded:
            due = due_at_ms(time_zone_of(connection, estate_id), now_ms=at_ms)
            which = ORDERS.where(
                orders.c.estate_id == estate_id,
                orders.c.state == OrderState.READY.value,
                orders.c.fulfilment == Fulfilment.PICKUP.value,
            )
            rows = [
                row for row in orders_of(connection, which) if not wanted or row.household in wanted
            ]
            known = known_guests(connection, {row.guest_id for row in rows})
            pairs = {(row.guest_id, row.household) for row in rows if row.guest_id in known}
            new = [
                Notice(guest_id, NoticeKind.REMINDER, household, by_id, at_ms, due)
                for guest_id, household in sorted(pairs)
            ]
            posted = {notice.subject for notice in post_notices(connection, new)}
            return Reminded(len(posted), len({one for _, one in pairs} - posted), due)

        return await self._shop.record.transact(work)


def reminder_states(connection: Connection, household_ids: Collection[str]) -> list[ReminderState]:
    """Return the last reminder of each of these households."""
    rows = connection.execute(
        select(notices)
        .where(
            notices.c.kind == NoticeKind.REMINDER.value,
            notices.c.subject.in_(list(set(household_ids))[:HOUSEHOLDS_MAX]),
        )
        .order_by(notices.c.made_at_ms)
    )
    last: dict[str, list[Any]] = {}
    for row in rows:
        found = last.setdefault(row.subject, [row])
        if found[0].made_at_ms != row.made_at_ms:
            last[row.subject] = [row]
        elif found[0] is not row:
            found.append(row)
    return [_state(household_id, found) for household_id, found in sorted(last.items())]


def _state(household_id: str, copies: Sequence[Any]) -> ReminderState:
    by_copy = {(NoticeChannel(row.channel), NoticeState(row.state)): row for row in copies}
    channel, state = furthest(by_copy)
    row = by_copy[channel, state]
    at_ms = row.due_at_ms if row.done_at_ms is None else row.done_at_ms
    return ReminderState(household_id, row.made_at_ms, row.due_at_ms, channel, state, at_ms)
