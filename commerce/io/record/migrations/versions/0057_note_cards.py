"""Note cards: a cooking tip per product, of the brand or of one estate."""

import sqlalchemy as sa
from alembic import op

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No product has a card yet."""
    op.create_table(
        "note_cards",
        sa.Column("product_id", sa.String(64), nullable=False),
        sa.Column("estate_id", sa.String(64), nullable=False),
        sa.Column("words_zh", sa.String(200), nullable=False),
        sa.Column("words_en", sa.String(200), nullable=False),
        sa.Column("photo", sa.String(200), nullable=False),
        sa.Column("edited_by", sa.String(64), nullable=False),
        sa.Column("edited_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("product_id", "estate_id", name=op.f("pk_note_cards")),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_note_cards_product_id")
        ),
    )
