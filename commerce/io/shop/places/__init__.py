"""Use cases of places: what the head office edits."""
