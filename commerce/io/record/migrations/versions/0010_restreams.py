"""Where lives are pushed to beside their room."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A room has one target, whose key only the server can read."""
    op.create_table(
        "restreams",
        sa.Column("room_id", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=500), nullable=False),
        sa.Column("sealed_key", sa.String(length=1000), nullable=False),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_restreams_room_id")),
        sa.PrimaryKeyConstraint("room_id", name=op.f("pk_restreams")),
    )
