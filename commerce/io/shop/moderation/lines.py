"""Lines of chat that are held, reported or removed, in the record."""

from collections.abc import Callable, Collection

from sqlalchemy import ColumnElement, Connection, RowMapping, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from commerce.activities.moderation import (
    HELD_MAX,
    REPORTED_MAX,
    FlagDecision,
    FlaggedLine,
    FlagKind,
    Line,
)
from commerce.errors import NotFound
from commerce.io.record.schema_moderation import flagged_lines, line_reports, removed_lines
from commerce.io.shop.context import ShopContext
from commerce.io.shop.households import Households
from commerce.io.shop.moderation.rules import bump

LISTED_MAX = {FlagKind.HELD: HELD_MAX, FlagKind.REPORTED: REPORTED_MAX}


class FlaggedLines:
    """Holds, reports, decides and removes."""

    def __init__(
        self, shop: ShopContext, households: Households, new_id: Callable[[], str]
    ) -> None:
        self._shop = shop
        self._households = households
        self._new_id = new_id

    async def hold(self, room_id: str, line: Line) -> bool:
        """List a line for review; False: so many wait that it is refused."""
        async with self._shop.record.write() as connection:
            return bool(await connection.run_sync(self._flag, room_id, FlagKind.HELD, line))

    async def report(self, room_id: str, line: Line, guest_id: str) -> None:
        """A neighbour reports a line; a household counts once.

        Beyond `REPORTED_MAX` lines that wait, what is new is not listed.
        """
        at_ms, household_id = self._shop.clock(), self._households.of(guest_id) or guest_id

        def write(connection: Connection) -> None:
            known = connection.scalar(
                select(flagged_lines.c.id).where(
                    flagged_lines.c.room_id == room_id, flagged_lines.c.line_id == line.id
                )
            )
            flag_id = known or self._flag(connection, room_id, FlagKind.REPORTED, line)
            same = select(line_reports.c.flag_id).where(
                line_reports.c.flag_id == flag_id, line_reports.c.household_id == household_id
            )
            if flag_id and connection.scalar(same) is None:
                row = {"flag_id": flag_id, "household_id": household_id, "reported_at_ms": at_ms}
                connection.execute(insert(line_reports), row)

        for last in (False, True):
            try:
                async with self._shop.record.write() as connection:
                    await connection.run_sync(write)
                return
            except IntegrityError:  # the same was reported at the same moment
                if last:
                    raise

    async def decide(
        self, room_id: str, flag_id: str, decision: FlagDecision, *, actor: str
    ) -> FlaggedLine:
        """Show a held line, remove a reported one, or dismiss either; the first decision counts.

        Raises:
            NotFound: The room lists no such line.
        """
        at_ms = self._shop.clock()
        brand_id = self._shop.catalogue.brand_id("room", room_id)

        def write(connection: Connection) -> FlaggedLine:
            decided = connection.execute(
                update(flagged_lines)
                .where(
                    flagged_lines.c.id == flag_id,
                    flagged_lines.c.room_id == room_id,
                    flagged_lines.c.decision.is_(None),
                )
                .values(decision=decision.value, decided_at_ms=at_ms)
            )
            if not decided.rowcount:
                raise NotFound("flag", flag_id)
            flag = _flags(connection, flagged_lines.c.id == flag_id)[0]
            if decision is FlagDecision.REMOVED:
                _remove(connection, room_id, flag.line.id, at_ms)
            return flag

        async with self._shop.record.write() as connection:
            flag = await connection.run_sync(write)
            await self._shop.audit(
                connection,
                actor,
                f"chat.{decision.value}",
                flag.line.id,
                {"sender": flag.line.sender_id},  # the trail outlives who wrote the words
                {"room": room_id},
                at_ms,
                brand_id=brand_id,
            )
        self._shop.on_commit()
        return flag

    async def remove(self, room_id: str, line: Line, *, actor: str) -> None:
        """Remove a line everywhere; reports of it are decided with it.

        What it said is kept among the flagged lines, where it can be erased.

        Raises:
            NotFound: There is no such room.
        """
        self._shop.catalogue.room(room_id)
        at_ms = self._shop.clock()

        decided = {"decision": FlagDecision.REMOVED.value, "decided_at_ms": at_ms}

        def write(connection: Connection) -> None:
            mine = (flagged_lines.c.room_id == room_id, flagged_lines.c.line_id == line.id)
            known = connection.scalar(select(flagged_lines.c.id).where(*mine))
            if known is None:
                row = self._row(room_id, FlagKind.REPORTED, line)
                connection.execute(insert(flagged_lines), {**row, **decided})
            connection.execute(
                update(flagged_lines)
                .where(*mine, flagged_lines.c.decision.is_(None))
                .values(decided)
            )
            _remove(connection, room_id, line.id, at_ms)

        async with self._shop.record.write() as connection:
            await connection.run_sync(write)
            await self._shop.audit(
                connection,
                actor,
                "chat.remove",
                line.id,
                {"sender": line.sender_id},
                {"room": room_id},
                at_ms,
                brand_id=self._shop.catalogue.brand_id("room", room_id),
            )
        self._shop.on_commit()

    async def waiting(self, room_id: str) -> list[FlaggedLine]:
        """Return what waits for a decision in a room, oldest first."""
        async with self._shop.record.read() as connection:
            return await connection.run_sync(
                _flags, flagged_lines.c.room_id == room_id, flagged_lines.c.decision.is_(None)
            )

    async def waiting_in(self, room_ids: Collection[str]) -> list[FlaggedLine]:
        """Return the same of several rooms."""
        async with self._shop.record.read() as connection:
            return await connection.run_sync(
                _flags,
                flagged_lines.c.room_id.in_(room_ids),
                flagged_lines.c.decision.is_(None),
            )

    async def removed(self, room_id: str) -> tuple[frozenset[str], dict[str, int]]:
        """Return all removed lines of a room, and until when all lines of which senders are."""
        query = select(removed_lines).where(removed_lines.c.room_id == room_id)
        async with self._shop.record.read() as connection:
            rows = (await connection.execute(query.order_by(removed_lines.c.id))).all()
        return (
            frozenset(row.line_id for row in rows if row.line_id),
            {row.sender_id: row.removed_at_ms for row in rows if row.sender_id},
        )

    def _flag(self, connection: Connection, room_id: str, kind: FlagKind, line: Line) -> str | None:
        waiting = connection.scalar(
            select(func.count())
            .select_from(flagged_lines)
            .where(
                flagged_lines.c.room_id == room_id,
                flagged_lines.c.kind == kind.value,
                flagged_lines.c.decision.is_(None),
            )
        )
        if (waiting or 0) >= LISTED_MAX[kind]:
            return None
        row = self._row(room_id, kind, line)
        connection.execute(insert(flagged_lines), row)
        return str(row["id"])

    def _row(self, room_id: str, kind: FlagKind, line: Line) -> dict[str, object]:
        return {
            "id": self._new_id(),
            "room_id": room_id,
            "kind": kind.value,
            "line_id": line.id,
            "sender_id": line.sender_id,
            "nickname": line.nickname,
            "text": line.text,
            "written_at_ms": line.at_ms,
        }


def _remove(connection: Connection, room_id: str, line_id: str, at_ms: int) -> None:
    row = {"room_id": room_id, "line_id": line_id, "removed_at_ms": at_ms}
    connection.execute(insert(removed_lines), row)
    bump(connection, room_id, at_ms)


def _flags(connection: Connection, *which: ColumnElement[bool]) -> list[FlaggedLine]:
    reports = (
        select(func.count()).where(line_reports.c.flag_id == flagged_lines.c.id).scalar_subquery()
    )
    query = (
        select(flagged_lines, reports.label("reports"))
        .where(*which)
        .order_by(flagged_lines.c.written_at_ms, flagged_lines.c.id)
        .limit(HELD_MAX + REPORTED_MAX)
    )
    return [_flag_of(row) for row in connection.execute(query).mappings()]


def _flag_of(row: RowMapping) -> FlaggedLine:
    return FlaggedLine(
        row["id"],
        row["room_id"],
        FlagKind(row["kind"]),
        Line(row["line_id"], row["sender_id"], row["nickname"], row["text"], row["written_at_ms"]),
        row["reports"],
        FlagDecision(row["decision"]) if row["decision"] else None,
        row["decided_at_ms"],
    )
