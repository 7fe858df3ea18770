"""The room engine's I/O: Redis, the memory stores, and the fan-out to viewers of this worker."""
