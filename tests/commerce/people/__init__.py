"""Tests of what people may be called and of their passwords."""
