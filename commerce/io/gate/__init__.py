"""The gate on Redis: admission of orders, its rebuild from the record and its reconciliation."""
