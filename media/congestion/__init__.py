"""What a link carries and which layer fits. Pure."""
