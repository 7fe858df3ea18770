"""Second factors of staff, and what a brand asks of its head office and gives to members."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody has a second factor, and nobody needs one."""
    op.create_table(
        "staff_totp",
        sa.Column("staff_id", sa.String(length=64), nullable=False),
        sa.Column("sealed_secret", sa.String(length=200), nullable=False),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at_ms", sa.BigInteger()),
        sa.Column("last_step", sa.BigInteger(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("staff_id", name=op.f("pk_staff_totp")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_totp_staff_id")),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("staff_id", sa.String(length=64), nullable=False),
        sa.Column("used_at_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_recovery_codes")),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_recovery_codes_staff_id")
        ),
    )
    op.create_index("ix_recovery_codes_staff", "recovery_codes", ["staff_id"])
    for name in ("totp_needed", "member_prices"):
        op.add_column(
            "brands", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())
        )
