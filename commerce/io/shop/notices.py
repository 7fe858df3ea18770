"""The notices of buyers: made once, shown when they are due, seen when a page has shown them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from commerce.io.record.schema import estates, guests
from commerce.io.record.schema_notices import notices
from commerce.io.shop.context import ShopContext
from commerce.io.shop.leaders.estates import time_zone_of
from commerce.io.shop.notice_preferences import channels_of, preferences_of
from commerce.notices.notices import (
    DEFAULT_PREFERENCES,
    REPEAT_MS,
    SMS_KINDS,
    TIMELY,
    Notice,
    NoticeChannel,
    NoticeKind,
    NoticeState,
    channel_of,
    due_at_ms,
    is_repeat,
)
from commerce.orders.order import OrderRow

SHOWN_MS = 3 * 86_400_000  # a notice that nobody has seen is shown this long
SHOWN_MAX = 20
BATCH_MAX = 500  # notices that are looked up and written together


@dataclass(frozen=True, slots=True)
class NoticeView:
    """A notice as its buyer's page gets it."""

    id: int
    kind: NoticeKind
    subject: str
    made_at_ms: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far the message of a notice has come; `channel` is None while it waits.

    `at_ms` is when it was sent or given up, and of one that waits when it is due.
    """

    kind: NoticeKind
    subject: str
    made_at_ms: int
    channel: NoticeChannel | None
    state: NoticeState
    at_ms: int


class Notices:
    """What buyers are given notice of."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def mine(self, guest_id: str) -> list[NoticeView]:
        """Return what is due for a guest and was not seen yet, newest first."""
        at_ms = self._shop.clock()

        def read(connection: Connection) -> list[NoticeView]:
            rows = connection.execute(
                select(notices)
                .where(
                    notices.c.guest_id == guest_id,
                    notices.c.channel == NoticeChannel.PAGE.value,
                    notices.c.state != NoticeState.SEEN.value,
                    notices.c.due_at_ms.between(at_ms - SHOWN_MS, at_ms),
                )
                .order_by(notices.c.due_at_ms.desc(), notices.c.id.desc())
                .limit(SHOWN_MAX)
            )
            return [
                NoticeView(row.id, NoticeKind(row.kind), row.subject, row.made_at_ms)
                for row in rows
            ]

        return await self._shop.record.query(read)

    async def deliveries(self, guest_id: str) -> list[Delivery]:
        """Return how far the messages to a guest have come in the last days, newest first."""
        since_ms = self._shop.clock() - SHOWN_MS

        def read(connection: Connection) -> list[Delivery]:
            rows = connection.execute(
                select(notices)
                .where(
                    notices.c.guest_id == guest_id,
                    notices.c.channel != NoticeChannel.PAGE.value,
                    notices.c.made_at_ms >= since_ms,
                )
                .order_by(notices.c.made_at_ms.desc(), notices.c.id.desc())
                .limit(SHOWN_MAX)
            )
            return [_delivery(row) for row in rows]

        return await self._shop.record.query(read)

    async def seen(self, guest_id: str, ids: Collection[int]) -> None:
        """A page has shown these notices of a guest; idempotent."""
        at_ms = self._shop.clock()

        def note(connection: Connection) -> None:
            connection.execute(
                update(notices)
                .where(
                    notices.c.guest_id == guest_id,
                    notices.c.id.in_(set(ids)),
                    notices.c.state != NoticeState.SEEN.value,
                )
                .values(state=NoticeState.SEEN.value, done_at_ms=at_ms)
            )

        await self._shop.record.transact(note, durable=False)


def post_notices(connection: Connection, new: Sequence[Notice]) -> list[Notice]:
    """Write notices in the caller's transaction; return those that do not come too soon."""
    fresh: list[Notice] = []
    for at in range(0, len(new), BATCH_MAX):
        batch = new[at : at + BATCH_MAX]
        last = _last_made(connection, batch)
        not_soon = [
            notice
            for notice in batch
            if not is_repeat(notice.kind, last.get(_key(notice)), now_ms=notice.made_at_ms)
        ]
        pushed_at_ms = _pushed_at_ms(connection, not_soon)
        rows = []
        for notice in not_soon:
            rows.append(_row(notice, NoticeChannel.PAGE, notice.due_at_ms))
            if (notice.guest_id, notice.kind) in pushed_at_ms:
                due_ms = pushed_at_ms[notice.guest_id, notice.kind]
                rows.append(_row(notice, NoticeChannel.PUSH, due_ms))
        if rows:
            insert = insert_sqlite if connection.dialect.name == "sqlite" else insert_postgresql
            connection.execute(insert(notices).on_conflict_do_nothing(), rows)
        fresh += not_soon
    return fresh


def _delivery(row: Row[Any]) -> Delivery:
    state = NoticeState(row.state)
    waits = state is NoticeState.WAITING
    return Delivery(
        NoticeKind(row.kind),
        row.subject,
        row.made_at_ms,
        None if waits else NoticeChannel(row.channel),
        state,
        row.due_at_ms if row.done_at_ms is None else row.done_at_ms,
    )


def _key(notice: Notice) -> tuple[str, str, str]:
    return notice.guest_id, notice.kind.value, notice.subject


def _last_made(connection: Connection, batch: Sequence[Notice]) -> dict[tuple[str, str, str], int]:
    """When notices such as these were made last, by guest, kind and subject."""
    rows = connection.execute(
        select(
            notices.c.guest_id,
            notices.c.kind,
            notices.c.subject,
            func.max(notices.c.made_at_ms),
        )
        .where(
            notices.c.kind.in_({notice.kind.value for notice in batch}),
            notices.c.subject.in_({notice.subject for notice in batch}),
            notices.c.guest_id.in_({notice.guest_id for notice in batch}),
        )
        .group_by(notices.c.guest_id, notices.c.kind, notices.c.subject)
    )
    return {(guest_id, kind, subject): at_ms for guest_id, kind, subject, at_ms in rows}


def _row(notice: Notice, channel: NoticeChannel, due_at_ms: int) -> dict[str, object]:
    return {
        "guest_id": notice.guest_id,
        "kind": notice.kind.value,
        "subject": notice.subject,
        "channel": channel.value,
        "state": NoticeState.WAITING.value,
        "made_by": notice.made_by,
        "made_at_ms": notice.made_at_ms,
        "due_at_ms": due_at_ms,
        "slot": notice.made_at_ms // REPEAT_MS[notice.kind],
    }


def _pushed_at_ms(
    connection: Connection, fresh: Sequence[Notice]
) -> dict[tuple[str, NoticeKind], int]:
    """When which messages come: those of guests with a channel that they want them by."""
    with_sms = any(notice.kind in SMS_KINDS for notice in fresh)
    guest_ids = {notice.guest_id for notice in fresh}
    reached = channels_of(connection, guest_ids, with_sms=with_sms) if fresh else {}
    if not reached:
        return {}
    wanted = preferences_of(connection, reached)
    zone = select(guests.c.id, estates.c.time_zone).join(
        estates, estates.c.id == guests.c.estate_id
    )
    zones: dict[str, str] = {
        id: time_zone for id, time_zone in connection.execute(zone.where(guests.c.id.in_(reached)))
    }
    found = {}
    for notice in fresh:
        preferences = wanted.get(notice.guest_id, DEFAULT_PREFERENCES)
        has = reached.get(notice.guest_id, ())
        if not channel_of(notice.kind, has, SMS_KINDS, preferences):
            continue
        due_ms = notice.made_at_ms
        if notice.kind not in TIMELY:
            due_ms = due_at_ms(zones[notice.guest_id], now_ms=due_ms, preferences=preferences)
        found[notice.guest_id, notice.kind] = due_ms
    return found


def notify_buyers(
    connection: Connection, rows: Iterable[OrderRow], kind: NoticeKind, made_by: str, at_ms: int
) -> None:
    """Give the buyers of orders notice of them, in the caller's transaction."""
    orders = list(rows)
    known = known_guests(connection, {order.guest_id for order in orders})
    new = [
        Notice(
            order.guest_id,
            kind,
            order.id,
            made_by,
            at_ms,
            at_ms
            if kind in TIMELY
            else due_at_ms(time_zone_of(connection, order.estate_id), now_ms=at_ms),
        )
        for order in orders
        if order.guest_id in known
    ]
    post_notices(connection, new)


def known_guests(connection: Connection, guest_ids: Collection[str]) -> set[str]:
    """Return those of some guests whom the record has; nobody else can be given notice."""
    found = select(guests.c.id).where(guests.c.id.in_(set(guest_ids)))
    return set(connection.scalars(found))
