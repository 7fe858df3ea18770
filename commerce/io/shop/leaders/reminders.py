"""Leaders remind households whose goods wait, and see whether the reminder was read."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, select

from commerce.io.record.order_lines import orders_of
from commerce.io.record.rows import ORDERS
from commerce.io.record.schema import orders
from commerce.io.record.schema_notices import notices
from commerce.io.shop.context import ShopContext
from commerce.io.shop.leaders.estates import time_zone_of
from commerce.io.shop.notices import known_guests, post_notices
from commerce.notices.notices import Notice, NoticeKind, NoticeState, due_at_ms
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
    """The last reminder of a household: seen when one of it has seen it."""

    household_id: str
    made_at_ms: int
    due_at_ms: int
    state: NoticeState


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
    last: dict[str, ReminderState] = {}
    for row in rows:
        state = NoticeState(row.state)
        before = last.get(row.subject)
        if before and before.made_at_ms == row.made_at_ms and before.state is NoticeState.SEEN:
            continue
        last[row.subject] = ReminderState(row.subject, row.made_at_ms, row.due_at_ms, state)
    return sorted(last.values(), key=lambda one: one.household_id)
