"""Reads what holds in a room, and notes that it changed."""

from sqlalchemy import Connection, RowMapping, insert, select, update

from commerce.activities.moderation import (
    LINES_REMOVED_MAX,
    SENDERS_REMOVED_MAX,
    Moderator,
    RemovedSender,
    Rules,
    Sanction,
    SanctionKind,
    Shown,
    Word,
)
from commerce.io.record.schema_moderation import (
    listed_words,
    removed_lines,
    room_cohosts,
    room_moderation,
    room_moderators,
    sanctions,
)
from commerce.io.shop.activities.news import Part, changed


def shown_of(connection: Connection, room_id: str) -> Shown:
    """What everybody in the room is shown."""
    row = (
        connection.execute(select(room_moderation).where(room_moderation.c.room_id == room_id))
        .mappings()
        .first()
    )
    if row is None:
        return Shown()
    newest = select(removed_lines).where(removed_lines.c.room_id == room_id)
    newest = newest.order_by(removed_lines.c.id.desc())
    lines = newest.where(removed_lines.c.line_id.is_not(None)).limit(LINES_REMOVED_MAX)
    senders = newest.where(removed_lines.c.sender_id.is_not(None)).limit(SENDERS_REMOVED_MAX)
    return Shown(
        row["version"],
        row["slow_s"],
        row["members_only"],
        tuple(each.line_id for each in connection.execute(lines)),
        tuple(
            RemovedSender(each.sender_id, each.removed_at_ms)
            for each in connection.execute(senders)
        ),
    )


def rules_of(connection: Connection, room_id: str, now_ms: int) -> Rules:
    """All that holds in the room."""
    words = select(listed_words).where(listed_words.c.room_id == room_id)
    named = select(room_moderators).where(room_moderators.c.room_id == room_id)
    helping = select(room_cohosts.c.staff_id).where(
        room_cohosts.c.room_id == room_id, room_cohosts.c.staff_id.is_not(None)
    )
    holding = select(sanctions).where(
        sanctions.c.room_id == room_id,
        sanctions.c.lifted_at_ms.is_(None),
        sanctions.c.until_ms.is_(None) | (sanctions.c.until_ms > now_ms),
    )
    return Rules(
        shown_of(connection, room_id),
        tuple(
            Word(row.text, row.verdict, tuple(row.syllables))
            for row in connection.execute(words.order_by(listed_words.c.text))
        ),
        tuple(
            Moderator(row.subject, row.nickname, row.since_ms)
            for row in connection.execute(named.order_by(room_moderators.c.since_ms))
        ),
        tuple(connection.scalars(helping.order_by(room_cohosts.c.staff_id))),
        tuple(
            sanction_of(row)
            for row in connection.execute(
                holding.order_by(sanctions.c.made_at_ms.desc())
            ).mappings()
        ),
    )


def sanction_of(row: RowMapping) -> Sanction:
    """A row as a value."""
    return Sanction(
        id=row["id"],
        room_id=row["room_id"],
        kind=SanctionKind(row["kind"]),
        subject=row["subject"],
        nickname=row["nickname"],
        reason=row["reason"],
        made_at_ms=row["made_at_ms"],
        until_ms=row["until_ms"],
        address=row["address_key"],
        device=row["device_key"],
        made_by=row["made_by"],
        appeal=row["appeal"],
        appeal_answered_at_ms=row["appeal_answered_at_ms"],
    )


def bump(connection: Connection, room_id: str, at_ms: int, **settings: object) -> None:
    """Raise the room's version, set `settings`, and have the room shown what holds now."""
    mine = room_moderation.c.room_id == room_id
    values = {**settings, "version": room_moderation.c.version + 1}
    if not connection.execute(update(room_moderation).where(mine).values(values)).rowcount:
        row = {"room_id": room_id, "version": 1, **settings}
        connection.execute(insert(room_moderation), row)
    changed(connection, room_id, Part.MODERATION, at_ms)
