"""Connections before any route sees them: limits of requests, of connections and of open files."""
