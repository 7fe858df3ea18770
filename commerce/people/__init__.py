"""What may be a nickname, and what may be a password."""
