"""Routes of leaders, each of an estate that they lead."""
