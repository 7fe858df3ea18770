"""Use cases of the schedule of rooms."""
