"""A live over several workers: what an origin sends its edges, and what these do. Pure."""
