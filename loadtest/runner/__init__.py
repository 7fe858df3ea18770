"""The runner: plays a scenario's plan against a target and records what it sees."""
