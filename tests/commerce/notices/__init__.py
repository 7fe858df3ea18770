"""Tests of notices to buyers."""
