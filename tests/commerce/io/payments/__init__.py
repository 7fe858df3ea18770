"""Tests of commerce/io/payments."""
