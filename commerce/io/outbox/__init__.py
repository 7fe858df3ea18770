"""The outbox: what the record committed, carried to rooms, gate and payment providers."""
