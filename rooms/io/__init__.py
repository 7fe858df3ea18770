"""The room engine's world: Redis, memory stand-ins, and the fan-out to viewers of this process."""
