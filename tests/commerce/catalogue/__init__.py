"""Tests of what is sold and where it lies."""
