"""Ids of the outbox are given once, on SQLite, too."""

from alembic import op

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """SQLite gives the id of a row that was deleted again unless AUTOINCREMENT forbids it.

    The gate knows a change by its id and time: of two in one millisecond it left out the second.
    """
    if op.get_bind().dialect.name == "sqlite":
        kwargs = {"sqlite_autoincrement": True}
        with op.batch_alter_table("outbox", recreate="always", table_kwargs=kwargs):
            pass
