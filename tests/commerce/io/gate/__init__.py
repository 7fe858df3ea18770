"""Tests of the gate's parts in Python."""
