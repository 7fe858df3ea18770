"""Tests of what leaders see and do."""
