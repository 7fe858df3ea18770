"""The first schema."""

from alembic import op

from commerce.io.schema import install_rules, metadata

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table, index, trigger and view."""
    connection = op.get_bind()
    metadata.create_all(connection)
    install_rules(connection)
