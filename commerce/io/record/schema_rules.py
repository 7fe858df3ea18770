"""The tables of price and assortment rules; part of the record's schema."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Constraint,
    ForeignKey,
    Integer,
    String,
    Table,
    UniqueConstraint,
)

from commerce.catalogue import assortment
from commerce.catalogue.rules import Scope
from commerce.io.record.columns import metadata


def _columns(scopes: Sequence[Scope]) -> tuple[Column[Any] | Constraint, ...]:
    listed = ", ".join(f"'{scope}'" for scope in sorted(scopes))
    return (
        Column("id", String(64), primary_key=True),
        Column("brand_id", String(64), ForeignKey("brands.id"), nullable=False),
        Column("product_id", String(64), ForeignKey("products.id"), nullable=False),
        Column("scope", String(16), nullable=False),
        Column("scope_id", String(64), nullable=False),
        Column("from_ms", BigInteger, nullable=False),
        Column("until_ms", BigInteger),
        Column("version", Integer, nullable=False, server_default="1"),
        # Of two rules that hold at once the later one counts, so their beginnings must differ.
        UniqueConstraint("product_id", "scope", "scope_id", "from_ms"),
        CheckConstraint("until_ms IS NULL OR until_ms > from_ms", name="window_has_length"),
        CheckConstraint(f"scope IN ({listed})", name="scope_known"),
    )


price_rules = Table(
    "price_rules",
    metadata,
    *_columns(tuple(Scope)),
    Column("price_fen", BigInteger, nullable=False),
    CheckConstraint("price_fen > 0", name="price_positive"),
)

assortment_rules = Table(
    "assortment_rules",
    metadata,
    *_columns(assortment.SCOPES),
    Column("offered", Boolean, nullable=False),
)
