"""Use cases of a store's stock: what lies there, what comes and what leaves, and the till."""
