"""Joins domains: the only place where two of them meet."""
