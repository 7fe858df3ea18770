"""Tests of insight/io/."""
