"""Tests of the outside view."""
