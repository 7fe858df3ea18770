"""The tables of claims and ratings; part of the record's schema.

Triggers, made by the migrations, refuse moves of a claim that its table of transitions lacks.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    false,
    text,
)

from commerce.after_sales.claims import ClaimState
from commerce.io.record.columns import id_column, metadata, one_of, ref, time_column

_WAITING = "state IN ('open', 'escalated')"

claims = Table(
    "claims",
    metadata,
    id_column(),
    ref("brand_id", "brands.id"),
    ref("store_id", "stores.id"),
    ref("estate_id", "estates.id"),
    ref("order_id", "orders.id"),
    Column("line", Integer, nullable=False),
    Column("part", Integer, nullable=False),
    ref("product_id", "products.id"),
    Column("guest_id", String(64), nullable=False),
    Column("household_id", String(64), nullable=False),
    Column("units", Integer, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("fault", String(16), nullable=False),
    Column("words", Text, nullable=False),
    Column("photos", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("desk", String(16), nullable=False),
    Column("why", String(16), nullable=False),
    time_column("made_at_ms"),
    time_column("due_at_ms"),
    time_column("decided_at_ms", nullable=True),
    Column("decided_by", String(64), nullable=False, server_default=""),
    Column("answer", Text, nullable=False, server_default=""),
    Column("goods", String(16), nullable=False, server_default=""),
    CheckConstraint("units > 0", name="units_positive"),
    CheckConstraint("amount_fen > 0", name="amount_positive"),
    one_of("state", [state.value for state in ClaimState]),
)
Index(
    "uq_claims_one_open",
    claims.c.order_id,
    claims.c.line,
    claims.c.part,
    unique=True,
    sqlite_where=text(_WAITING),
    postgresql_where=text(_WAITING),
)
Index("ix_claims_waiting", claims.c.state, claims.c.due_at_ms)
Index("ix_claims_household", claims.c.household_id, claims.c.made_at_ms)
Index("ix_claims_store", claims.c.store_id, claims.c.made_at_ms)
Index("ix_claims_guest", claims.c.guest_id, claims.c.made_at_ms)

claim_transitions = Table(
    "claim_transitions",
    metadata,
    Column("from_state", String(16), primary_key=True),
    Column("to_state", String(16), primary_key=True),
)

ratings = Table(
    "ratings",
    metadata,
    ref("order_id", "orders.id", key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("part", Integer, primary_key=True, autoincrement=False),
    ref("brand_id", "brands.id"),
    ref("product_id", "products.id"),
    Column("guest_id", String(64), nullable=False),
    Column("stars", Integer, nullable=False),
    Column("tags", String(200), nullable=False),
    Column("words", Text, nullable=False),
    Column("held", Boolean, nullable=False, server_default=false()),
    Column("hidden", Boolean, nullable=False, server_default=false()),
    time_column("rated_at_ms"),
    time_column("edited_at_ms"),
    CheckConstraint("stars >= 1 AND stars <= 5", name="stars_known"),
)
Index("ix_ratings_product", ratings.c.product_id, ratings.c.rated_at_ms)
Index("ix_ratings_brand", ratings.c.brand_id, ratings.c.edited_at_ms)
