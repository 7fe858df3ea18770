"""The tables of order in rooms' chats; part of the record's schema."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    false,
)

from commerce.activities.moderation import FlagDecision, FlagKind, SanctionKind
from commerce.io.record.columns import SERIAL, id_column, metadata, one_of, ref, time_column

# `version` grows with every change to anything below that belongs to the room.
room_moderation = Table(
    "room_moderation",
    metadata,
    ref("room_id", "rooms.id", key=True),
    Column("version", Integer, nullable=False),
    Column("slow_s", Integer, nullable=False, server_default="0"),
    Column("members_only", Boolean, nullable=False, server_default=false()),
)

listed_words = Table(
    "listed_words",
    metadata,
    ref("room_id", "rooms.id", key=True),
    Column("text", String(40), primary_key=True),
    Column("verdict", String(16), nullable=False),
    Column("syllables", JSON, nullable=False),
    time_column("listed_at_ms"),
    one_of("verdict", ["hold", "refuse"]),
)

# No foreign key to guests: staff and guests alike.
room_moderators = Table(
    "room_moderators",
    metadata,
    ref("room_id", "rooms.id", key=True),
    Column("subject", String(64), primary_key=True),
    Column("nickname", String(64), nullable=False),
    time_column("since_ms"),
)

# Invitations, and who has accepted them; no foreign key to staff: an operator's token has no row.
room_cohosts = Table(
    "room_cohosts",
    metadata,
    id_column(),
    ref("room_id", "rooms.id"),
    Column("token_hash", String(64), nullable=False, unique=True),
    time_column("invited_at_ms"),
    Column("staff_id", String(64)),
    Column("nickname", String(64), nullable=False, server_default=""),
    time_column("accepted_at_ms", nullable=True),
    UniqueConstraint("room_id", "staff_id"),
)

# `address_key` and `device_key` are keyed hashes, or empty.
sanctions = Table(
    "sanctions",
    metadata,
    id_column(),
    ref("room_id", "rooms.id"),
    Column("kind", String(16), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("nickname", String(64), nullable=False),
    Column("address_key", String(64), nullable=False, server_default=""),
    Column("device_key", String(64), nullable=False, server_default=""),
    Column("reason", String(100), nullable=False),
    Column("made_by", String(64), nullable=False),
    time_column("made_at_ms"),
    time_column("until_ms", nullable=True),
    time_column("lifted_at_ms", nullable=True),
    Column("appeal", String(200)),
    time_column("appeal_answered_at_ms", nullable=True),
    one_of("kind", [kind.value for kind in SanctionKind]),
)
Index("ix_sanctions_room", sanctions.c.room_id, sanctions.c.made_at_ms)
Index("ix_sanctions_subject", sanctions.c.subject)

# Of one line, or of all lines of a sender until then.
removed_lines = Table(
    "removed_lines",
    metadata,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    ref("room_id", "rooms.id"),
    Column("line_id", String(64)),
    Column("sender_id", String(64)),
    time_column("removed_at_ms"),
)
Index("ix_removed_lines_room", removed_lines.c.room_id, removed_lines.c.id)

flagged_lines = Table(
    "flagged_lines",
    metadata,
    id_column(),
    ref("room_id", "rooms.id"),
    Column("kind", String(16), nullable=False),
    Column("line_id", String(64), nullable=False),
    Column("sender_id", String(64), nullable=False),
    Column("nickname", String(64), nullable=False),
    Column("text", String(200), nullable=False),
    time_column("written_at_ms"),
    Column("decision", String(16)),
    time_column("decided_at_ms", nullable=True),
    UniqueConstraint("room_id", "line_id"),
    one_of("kind", [kind.value for kind in FlagKind]),
    one_of("decision", [each.value for each in FlagDecision]),
)
Index("ix_flagged_lines_room", flagged_lines.c.room_id, flagged_lines.c.written_at_ms)

# Each household reports a line once; no foreign key to households, as with votes.
line_reports = Table(
    "line_reports",
    metadata,
    Column("flag_id", String(64), ForeignKey("flagged_lines.id"), primary_key=True),
    Column("household_id", String(64), primary_key=True),
    time_column("reported_at_ms"),
)
