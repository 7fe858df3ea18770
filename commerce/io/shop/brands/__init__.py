"""A whole brand: made, written to a file, read from one, deleted."""
