"""Rules of lives before and after they are on air: the schedule, and the summary."""
