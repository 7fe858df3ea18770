"""The table of notices to buyers; part of the record's schema."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    text,
)

from commerce.io.record.columns import SERIAL, id_column, metadata, one_of, ref, time_column
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
    Column("tries", Integer, nullable=False, server_default="0"),
    UniqueConstraint("guest_id", "kind", "subject", "channel", "slot"),
    one_of("kind", [kind.value for kind in NoticeKind]),
    one_of("channel", [channel.value for channel in NoticeChannel]),
    one_of("state", [state.value for state in NoticeState]),
)
Index("ix_notices_guest", notices.c.guest_id, notices.c.due_at_ms)
Index("ix_notices_subject", notices.c.kind, notices.c.subject, notices.c.made_at_ms)
_PUSHED_LATER = text("channel = 'push' AND state = 'waiting'")
Index(
    "ix_notices_push",
    notices.c.due_at_ms,
    sqlite_where=_PUSHED_LATER,
    postgresql_where=_PUSHED_LATER,
)

# `id` is the endpoint's hash: a browser has one subscription, whoever uses it.
push_subscriptions = Table(
    "push_subscriptions",
    metadata,
    id_column(),
    ref("guest_id", "guests.id"),
    Column("endpoint", String(1000), nullable=False),
    Column("p256dh", String(100), nullable=False),
    Column("auth", String(40), nullable=False),
    Column("language", String(2), nullable=False),
    time_column("made_at_ms"),
)
Index("ix_push_subscriptions_guest", push_subscriptions.c.guest_id)

# `muted` are kinds that come by no channel, `muted_by` has those that one channel does not bring.
notice_preferences = Table(
    "notice_preferences",
    metadata,
    ref("guest_id", "guests.id", key=True),
    Column("muted", JSON, nullable=False),
    Column("quiet_from_hour", Integer, nullable=False),
    Column("quiet_until_hour", Integer, nullable=False),
    Column("muted_by", JSON, nullable=False, server_default="{}"),
)

# One message in WeChat each; without `openid` it was asked for and not granted (yet).
wechat_grants = Table(
    "wechat_grants",
    metadata,
    ref("guest_id", "guests.id", key=True),
    Column("scene", Integer, primary_key=True, autoincrement=False),
    Column("nonce_hash", String(64), nullable=False),
    Column("openid", String(64)),
    Column("language", String(2), nullable=False),
    time_column("asked_at_ms"),
    UniqueConstraint("nonce_hash"),
)
