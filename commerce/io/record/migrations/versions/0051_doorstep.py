"""Orders go out, are delivered, and are returned; buyers get notice of what is out."""

from alembic import op

from commerce.io.record.migrations.widen_check import widen_check

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

# A frozen copy of what commerce/orders/states.py and commerce/notices/notices.py add.
_STATES = ("out", "delivered", "returned")
_MOVES = (
    ("ready", "out"),
    ("ready", "returned"),
    ("out", "ready"),
    ("out", "delivered"),
    ("out", "returned"),
)


def upgrade() -> None:
    """No order is in a new state yet."""
    widen_check("orders", "state", *_STATES)
    widen_check("notices", "kind", "out")
    for state, to in _MOVES:
        op.execute(f"INSERT INTO order_transitions VALUES ('{state}', '{to}')")
