"""Alembic's entry: runs migrations on the connection that `commerce.io.migrate` hands over."""

from alembic import context

from commerce.io.record.columns import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=False,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
