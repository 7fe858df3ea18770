"""Rehearsals of rooms, and the rooms to which hosts lead their audience at the end."""

import sqlalchemy as sa
from alembic import op

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No room rehearses yet, and no audience was led anywhere."""
    op.add_column("rooms", sa.Column("rehearsal_since_ms", sa.BigInteger()))
    op.create_table(
        "next_rooms",
        sa.Column("room_id", sa.String(64), nullable=False),
        sa.Column("to_room_id", sa.String(64), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("room_id", name=op.f("pk_next_rooms")),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_next_rooms_room_id")),
        sa.ForeignKeyConstraint(
            ["to_room_id"], ["rooms.id"], name=op.f("fk_next_rooms_to_room_id")
        ),
    )
