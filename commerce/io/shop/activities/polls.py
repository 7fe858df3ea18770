"""Polls of rooms in the record."""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, RowMapping, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from commerce.activities.polls import Poll, new_poll
from commerce.errors import NotFound
from commerce.io.record.schema_activities import poll_votes, polls
from commerce.io.shop.activities.errors import PollClosed, PollOpen
from commerce.io.shop.activities.news import Part, changed
from commerce.io.shop.context import ShopContext
from commerce.io.shop.households import Households


class Polls:
    """Opens, closes and counts polls; a room has one at a time."""

    def __init__(
        self, shop: ShopContext, households: Households, new_id: Callable[[], str]
    ) -> None:
        self._shop = shop
        self._households = households
        self._new_id = new_id

    async def open(
        self, room_id: str, question: str, options: Sequence[str], duration_s: int
    ) -> Poll:
        """Open a poll.

        Raises:
            NotFound: There is no such room.
            InvalidField: The question or an option cannot be.
            PollOpen: Another one is still open.
        """
        self._shop.catalogue.room(room_id)
        at_ms = self._shop.clock()
        poll = new_poll(self._new_id(), room_id, question, options, duration_s, at_ms)

        def write(connection: Connection) -> None:
            newest = shown_poll(connection, room_id, at_ms)
            if newest is not None and newest.is_open(at_ms):
                raise PollOpen(newest.id)
            row = {
                "id": poll.id,
                "room_id": room_id,
                "question": poll.question,
                "options": list(poll.options),
                "opened_at_ms": poll.opened_at_ms,
                "closes_at_ms": poll.closes_at_ms,
            }
            connection.execute(insert(polls), row)
            changed(connection, room_id, Part.POLL, at_ms)

        async with self._shop.record.write() as connection:
            await connection.run_sync(write)
        self._shop.on_commit()
        return poll

    async def close(self, room_id: str, poll_id: str) -> Poll:
        """End a poll now; idempotent.

        Raises:
            NotFound: The room has no such poll.
        """
        at_ms = self._shop.clock()

        def write(connection: Connection) -> Poll:
            poll = _poll(connection, room_id, poll_id)
            if poll.is_open(at_ms):
                which = polls.c.id == poll_id
                connection.execute(update(polls).where(which).values(closes_at_ms=at_ms))
                changed(connection, room_id, Part.POLL, at_ms)
            return _poll(connection, room_id, poll_id)

        async with self._shop.record.write() as connection:
            poll = await connection.run_sync(write)
        self._shop.on_commit()
        return poll

    async def vote(self, room_id: str, poll_id: str, guest_id: str, option: int) -> int:
        """Count the vote of a guest's household; return what it voted for, now or before.

        Raises:
            NotFound: The room has no such poll, or the poll no such option.
            PollClosed: It is over.
        """
        at_ms = self._shop.clock()
        household_id = self._households.of(guest_id) or guest_id

        def write(connection: Connection) -> int:
            poll = _poll(connection, room_id, poll_id)
            if not 0 <= option < len(poll.options):
                raise NotFound("option", str(option))
            before = _vote(connection, poll_id, household_id)
            if before is not None:
                return before
            if not poll.is_open(at_ms):
                raise PollClosed(poll_id)
            row = {"poll_id": poll_id, "household_id": household_id, "option": option}
            connection.execute(insert(poll_votes), row)
            changed(connection, room_id, Part.POLL, at_ms)
            return option

        try:
            async with self._shop.record.write() as connection:
                counted = await connection.run_sync(write)
        except IntegrityError:  # the household voted on another device at the same moment
            first = await self.vote_of(poll_id, guest_id)
            return option if first is None else first
        self._shop.on_commit()
        return counted

    async def vote_of(self, poll_id: str, guest_id: str) -> int | None:
        """What a guest's household voted for."""
        household_id = self._households.of(guest_id) or guest_id
        async with self._shop.record.read() as connection:
            return await connection.run_sync(_vote, poll_id, household_id)

    async def shown(self, room_id: str) -> Poll | None:
        """The poll that a room shows now.

        Raises:
            NotFound: There is no such room.
        """
        self._shop.catalogue.room(room_id)
        async with self._shop.record.read() as connection:
            return await connection.run_sync(shown_poll, room_id, self._shop.clock())


def shown_poll(connection: Connection, room_id: str, now_ms: int) -> Poll | None:
    """The newest poll of a room, unless its result was shown long enough."""
    row = (
        connection.execute(
            select(polls)
            .where(polls.c.room_id == room_id)
            .order_by(polls.c.opened_at_ms.desc(), polls.c.id.desc())
            .limit(1)
        )
        .mappings()
        .first()
    )
    poll = _counted(connection, row) if row else None
    return poll if poll and poll.is_shown(now_ms) else None


def _poll(connection: Connection, room_id: str, poll_id: str) -> Poll:
    which = select(polls).where(polls.c.id == poll_id, polls.c.room_id == room_id)
    row = connection.execute(which).mappings().first()
    if row is None:
        raise NotFound("poll", poll_id)
    return _counted(connection, row)


def _counted(connection: Connection, row: RowMapping) -> Poll:
    counts = select(poll_votes.c.option, func.count()).where(poll_votes.c.poll_id == row["id"])
    votes = {option: n for option, n in connection.execute(counts.group_by(poll_votes.c.option))}
    options = tuple(row["options"])
    return Poll(
        row["id"],
        row["room_id"],
        row["question"],
        options,
        tuple(votes.get(at, 0) for at in range(len(options))),
        row["opened_at_ms"],
        row["closes_at_ms"],
    )


def _vote(connection: Connection, poll_id: str, household_id: str) -> int | None:
    found: int | None = connection.scalar(
        select(poll_votes.c.option).where(
            poll_votes.c.poll_id == poll_id, poll_votes.c.household_id == household_id
        )
    )
    return found
