"""Tests of commerce's I/O."""
