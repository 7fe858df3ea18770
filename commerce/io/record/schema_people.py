"""The tables of people who have proved a phone number; part of the record's schema."""

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String, Table, UniqueConstraint

from commerce.io.record.schema import metadata

# A brand knows a number by its keyed hash; see commerce/people/phones.py.
persons = Table(
    "persons",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("brand_id", String(64), ForeignKey("brands.id"), nullable=False),
    Column("phone_hash", String(64), nullable=False),
    Column("last_four", String(4), nullable=False),
    Column("verified_at_ms", BigInteger, nullable=False),
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
)
