"""The tables of people and households; part of the record's schema."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
)

from commerce.io.record.columns import metadata

# A brand knows a number by its keyed hash; see commerce/people/phones.py.
persons = Table(
    "persons",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("brand_id", String(64), ForeignKey("brands.id"), nullable=False),
    Column("phone_hash", String(64), nullable=False),
    Column("last_four", String(4), nullable=False),
    Column("verified_at_ms", BigInteger, nullable=False),
    Column("household_id", String(64), ForeignKey("households.id")),
    UniqueConstraint("brand_id", "phone_hash"),
)

# One-time codes that were sent and wait to be typed, one per guest.
phone_codes = Table(
    "phone_codes",
    metadata,
    Column("guest_id", String(64), ForeignKey("guests.id"), primary_key=True),
    Column("phone_hash", String(64), nullable=False),
    Column("last_four", String(4), nullable=False),
    Column("code_hash", String(64), nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("sealed", String(200)),
)

# Numbers for notices by SMS, of people who agreed to that; `sent` messages on `day`
# (commerce/notices/sms.py).
sms_numbers = Table(
    "sms_numbers",
    metadata,
    Column("person_id", String(64), ForeignKey("persons.id", ondelete="CASCADE"), primary_key=True),
    Column("sealed", String(200), nullable=False),
    Column("kept_at_ms", BigInteger, nullable=False),
    Column("day", BigInteger, nullable=False, server_default="0"),
    Column("sent", Integer, nullable=False, server_default="0"),
)

# The id is that of the guest it began with; see commerce/people/households.py.
households = Table(
    "households",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("brand_id", String(64), ForeignKey("brands.id"), nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
)

# Flats that a shop has confirmed: one household each.
dwellings = Table(
    "dwellings",
    metadata,
    Column("estate_id", String(64), ForeignKey("estates.id"), primary_key=True),
    Column("building", String(16), primary_key=True),
    Column("flat", String(16), primary_key=True),
    Column("household_id", String(64), ForeignKey("households.id"), nullable=False),
)
Index("ix_dwellings_household", dwellings.c.household_id)

# What guests say about where they live, and what the shop says to it.
dwelling_claims = Table(
    "dwelling_claims",
    metadata,
    Column("guest_id", String(64), ForeignKey("guests.id"), primary_key=True),
    Column("estate_id", String(64), ForeignKey("estates.id"), nullable=False),
    Column("building", String(16), nullable=False),
    Column("flat", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("asked_at_ms", BigInteger, nullable=False),
    Column("decided_at_ms", BigInteger),
    Column("decided_by", String(64)),
    CheckConstraint("state IN ('confirmed', 'refused', 'waiting')", name="state_known"),
)
Index("ix_dwelling_claims_estate", dwelling_claims.c.estate_id, dwelling_claims.c.state)

# No foreign key: triggers keep the log as long as its guest is there, erased or not.
consents = Table(
    "consents",
    metadata,
    Column(
        "id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    ),
    Column("guest_id", String(64), nullable=False),
    Column("purpose", String(16), nullable=False),
    Column("version", String(16), nullable=False),
    Column("given_at_ms", BigInteger, nullable=False),
)
Index("ix_consents_guest", consents.c.guest_id)
