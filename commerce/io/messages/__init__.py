"""What carries messages to people's phones."""
