"""Tests of the rules of group buys."""
