"""Routes that other systems call: tills."""
