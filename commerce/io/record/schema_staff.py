"""The tables of staff and of what they did; part of the record's schema."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    false,
    true,
)

from commerce.io.record.columns import id_column, metadata, ref, time_column, version

staff = Table(
    "staff",
    metadata,
    id_column(),
    Column("username", String(64), nullable=False, unique=True),
    Column("name", String(100), nullable=False),
    Column("roles", String(100), nullable=False),
    ref("room_id", "rooms.id", nullable=True),
    ref("store_id", "stores.id", nullable=True),
    Column("estate_ids", Text, nullable=False, server_default=""),  # of a leader, as roles
    Column("password_hash", String(200), nullable=False),
    Column("token_version", Integer, nullable=False, server_default="0"),
    Column("active", Boolean, nullable=False, server_default=true()),
    Column("own_password", Boolean, nullable=False, server_default=false()),
    Column("brand_id", String(64), nullable=False, server_default=""),
    Column("invited", Boolean, nullable=False, server_default=false()),
    version(),
)

# The one link by which somebody may choose a password; it is gone once it was used.
staff_links = Table(
    "staff_links",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("staff_id", String(64), ForeignKey("staff.id"), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    time_column("made_at_ms"),
    time_column("ends_at_ms"),
)

# The authenticator app of somebody; it counts once a code of it was typed. `last_step` is the step
# of the last code that was taken, which is not taken again.
staff_totp = Table(
    "staff_totp",
    metadata,
    Column("staff_id", String(64), ForeignKey("staff.id"), primary_key=True),
    Column("sealed_secret", String(200), nullable=False),
    time_column("made_at_ms"),
    time_column("confirmed_at_ms", nullable=True),
    Column("last_step", BigInteger, nullable=False, server_default="0"),
)

# For whoever has lost the authenticator; each is good once.
recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("code_hash", String(64), primary_key=True),
    Column("staff_id", String(64), ForeignKey("staff.id"), nullable=False),
    time_column("used_at_ms", nullable=True),
)
Index("ix_recovery_codes_staff", recovery_codes.c.staff_id)

# No foreign key: a trigger keeps entries as long as their brand is there, and they go after it.
audit_entries = Table(
    "audit_entries",
    metadata,
    Column("brand_id", String(64), primary_key=True),
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    time_column("at_ms"),
    Column("actor", String(64), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", String(130), nullable=False),
    Column("before", Text),
    Column("after", Text),
    Column("hash", String(64), nullable=False),
)
