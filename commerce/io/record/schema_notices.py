"""The table of notices to buyers; part of the record's schema."""

from sqlalchemy import BigInteger, Column, Index, String, Table, UniqueConstraint

from commerce.io.record.columns import SERIAL, metadata, one_of, ref, time_column
from commerce.notices.notices import NoticeChannel, NoticeKind, NoticeState

# `slot` counts the spans in which a notice comes once: two that are made at once are one.
notices = Table(
    "notices",
    metadata,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    ref("guest_id", "guests.id"),
    Column("kind", String(16), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("channel", String(8), nullable=False),
    Column("state", String(8), nullable=False),
    Column("made_by", String(64), nullable=False),
    time_column("made_at_ms"),
    time_column("due_at_ms"),
    time_column("done_at_ms", nullable=True),
    Column("slot", BigInteger, nullable=False),
    UniqueConstraint("guest_id", "kind", "subject", "channel", "slot"),
    one_of("kind", [kind.value for kind in NoticeKind]),
    one_of("channel", [channel.value for channel in NoticeChannel]),
    one_of("state", [state.value for state in NoticeState]),
)
Index("ix_notices_guest", notices.c.guest_id, notices.c.due_at_ms)
Index("ix_notices_subject", notices.c.kind, notices.c.subject, notices.c.made_at_ms)
