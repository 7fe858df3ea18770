"""Push messages to browsers, and reminders of scheduled lives."""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

_KINDS = ("ready", "refund", "reminder", "substitution")


def upgrade() -> None:
    """Nobody has subscribed yet."""
    op.create_table(
        "push_subscriptions",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("guest_id", sa.String(64), nullable=False),
        sa.Column("endpoint", sa.String(1000), nullable=False),
        sa.Column("p256dh", sa.String(100), nullable=False),
        sa.Column("auth", sa.String(40), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_subscriptions")),
        sa.ForeignKeyConstraint(
            ["guest_id"], ["guests.id"], name=op.f("fk_push_subscriptions_guest_id")
        ),
    )
    op.create_index("ix_push_subscriptions_guest", "push_subscriptions", ["guest_id"])
    op.create_table(
        "notice_preferences",
        sa.Column("guest_id", sa.String(64), nullable=False),
        sa.Column("muted", sa.JSON(), nullable=False),
        sa.Column("quiet_from_hour", sa.Integer(), nullable=False),
        sa.Column("quiet_until_hour", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("guest_id", name=op.f("pk_notice_preferences")),
        sa.ForeignKeyConstraint(
            ["guest_id"], ["guests.id"], name=op.f("fk_notice_preferences_guest_id")
        ),
    )
    op.create_table(
        "live_reminders",
        sa.Column("live_id", sa.String(64), nullable=False),
        sa.Column("guest_id", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("live_id", "guest_id", name=op.f("pk_live_reminders")),
        sa.ForeignKeyConstraint(
            ["live_id"], ["scheduled_lives.id"], name=op.f("fk_live_reminders_live_id")
        ),
        sa.ForeignKeyConstraint(
            ["guest_id"], ["guests.id"], name=op.f("fk_live_reminders_guest_id")
        ),
    )
    op.add_column("scheduled_lives", sa.Column("reminded_at_ms", sa.BigInteger()))
    tries = sa.Column("tries", sa.Integer(), nullable=False, server_default="0")
    name = "ck_notices_kind_known"
    kinds = _kinds(*_KINDS, "live")
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table("notices", copy_from=_notices()) as batch:
            batch.add_column(tries)
            batch.drop_constraint(op.f(name), type_="check")
            batch.create_check_constraint(op.f(name), kinds)
    else:
        op.add_column("notices", tries)
        op.drop_constraint(op.f(name), "notices", type_="check")
        op.create_check_constraint(op.f(name), "notices", kinds)
    op.create_index(
        "ix_notices_push",
        "notices",
        ["due_at_ms"],
        sqlite_where=sa.text("channel = 'push' AND state = 'waiting'"),
        postgresql_where=sa.text("channel = 'push' AND state = 'waiting'"),
    )


def _kinds(*kinds: str) -> str:
    listed = ", ".join(f"'{kind}'" for kind in sorted(kinds))
    return f"kind IN ({listed})"


def _notices() -> sa.Table:
    """The table as 0033 made it."""
    columns = ("guest_id", "kind", "subject", "channel", "slot")
    table = sa.Table(
        "notices",
        sa.MetaData(),
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("guest_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("channel", sa.String(8), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("due_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("done_at_ms", sa.BigInteger()),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(_kinds(*_KINDS), name="ck_notices_kind_known"),
        sa.CheckConstraint("channel IN ('page', 'push')", name="ck_notices_channel_known"),
        sa.CheckConstraint(
            "state IN ('failed', 'seen', 'sent', 'waiting')", name="ck_notices_state_known"
        ),
        sa.ForeignKeyConstraint(["guest_id"], ["guests.id"], name="fk_notices_guest_id"),
        sa.UniqueConstraint(*columns, name="uq_notices_guest_id_kind_subject_channel_slot"),
    )
    sa.Index("ix_notices_guest", table.c.guest_id, table.c.due_at_ms)
    sa.Index("ix_notices_subject", table.c.kind, table.c.subject, table.c.made_at_ms)
    return table
