"""Many workers as one server: which one answers a request, and how it gets there."""
