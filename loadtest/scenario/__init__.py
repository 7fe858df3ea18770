"""Scenarios of the load tester as data: reading, checking, and the plan of a run. No I/O."""
