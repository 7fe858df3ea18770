"""Facts for the lake, and the keys by which it knows households."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What was sold before has no facts; `linli lake check` counts from the first fact on."""
    serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "facts",
        sa.Column("id", serial, autoincrement=True, nullable=False),
        sa.Column("first", sa.BigInteger()),
        sa.Column("facts", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facts")),
    )
    op.create_index("uq_facts_first", "facts", ["first"], unique=True)
    new = sa.text("first IS NULL")
    op.create_index("ix_facts_new", "facts", ["id"], sqlite_where=new, postgresql_where=new)
    op.create_table(
        "person_keys",
        sa.Column("subject_id", sa.String(64), nullable=False),
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject_id", name=op.f("pk_person_keys")),
    )
    op.execute("INSERT INTO counters (name, value) VALUES ('fact', 0)")
