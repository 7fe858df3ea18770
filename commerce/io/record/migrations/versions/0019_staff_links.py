"""Staff whom the head office invites and edits, and the one-time links that it gives them."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Staff that is there comes from a shop file."""
    op.add_column("staff", sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    op.add_column(
        "staff", sa.Column("invited", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.create_table(
        "staff_links",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("staff_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("ends_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_links_staff_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_staff_links")),
        sa.UniqueConstraint("staff_id", name=op.f("uq_staff_links_staff_id")),
    )
