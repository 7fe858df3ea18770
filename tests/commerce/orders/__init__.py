"""Tests of the rules of orders."""
