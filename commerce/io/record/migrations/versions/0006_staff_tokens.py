"""The version of a staff member's tokens; who left; who has a password of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """All staff that is there works for the one brand that is there."""
    op.add_column(
        "staff", sa.Column("token_version", sa.Integer(), nullable=False, server_default="0")
    )
    op.add_column(
        "staff", sa.Column("active", sa.Boolean(), nullable=False, server_default=sa.true())
    )
    op.add_column(
        "staff", sa.Column("own_password", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column(
        "staff", sa.Column("brand_id", sa.String(length=64), nullable=False, server_default="")
    )
    op.execute("UPDATE staff SET brand_id = COALESCE((SELECT MIN(id) FROM brands), '')")
