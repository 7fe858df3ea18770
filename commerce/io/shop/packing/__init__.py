"""What a store does to many orders at once: waves, pick lists, batch moves, bags."""
