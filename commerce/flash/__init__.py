"""Flash sales: their terms, and the waiting list."""
