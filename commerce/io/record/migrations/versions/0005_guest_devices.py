"""The devices that a guest has registered or restored on."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Guests that are there register their device with the token that they have."""
    op.create_table(
        "guest_devices",
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("guest_id", sa.String(length=64), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("used_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["guest_id"], ["guests.id"], name=op.f("fk_guest_devices_guest_id")
        ),
        sa.PrimaryKeyConstraint("secret_hash", name=op.f("pk_guest_devices")),
    )
    op.create_index("ix_guest_devices_guest", "guest_devices", ["guest_id", "used_at_ms"])
