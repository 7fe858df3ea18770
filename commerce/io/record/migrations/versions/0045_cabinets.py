"""Cold cabinets, their newest readings, and lots that lay in a shop while one was in alarm."""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No shop has one yet."""
    op.create_table(
        "cabinets",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("store_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("storage", sa.String(16), nullable=False),
        sa.Column("low_tenths", sa.Integer(), nullable=False),
        sa.Column("high_tenths", sa.Integer(), nullable=False),
        sa.Column("key_hash", sa.String(64)),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("seen_at_ms", sa.BigInteger()),
        sa.Column("number", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("read_at_ms", sa.BigInteger()),
        sa.Column("celsius_tenths", sa.Integer()),
        sa.Column("door_open", sa.Boolean()),
        sa.Column("powered", sa.Boolean()),
        sa.Column("out_since_ms", sa.BigInteger()),
        sa.Column("open_since_ms", sa.BigInteger()),
        sa.Column("alarm", sa.String(16)),
        sa.Column("alarm_since_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cabinets")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_cabinets_store_id")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_cabinets_key_hash")),
        sa.CheckConstraint("low_tenths <= high_tenths", name=op.f("ck_cabinets_range_not_empty")),
        sa.CheckConstraint(
            "(alarm IS NULL) = (alarm_since_ms IS NULL)", name=op.f("ck_cabinets_alarm_has_begin")
        ),
    )
    op.create_index("ix_cabinets_store", "cabinets", ["store_id"])
    op.create_table(
        "lot_marks",
        sa.Column("cabinet_id", sa.String(64), nullable=False),
        sa.Column("lot_id", sa.String(140), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger()),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("cabinet_id", "lot_id", "from_ms", name=op.f("pk_lot_marks")),
        sa.ForeignKeyConstraint(
            ["cabinet_id"], ["cabinets.id"], name=op.f("fk_lot_marks_cabinet_id")
        ),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("fk_lot_marks_lot_id")),
    )
