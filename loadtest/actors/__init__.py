"""Simulated people: hosts, viewers, buyers, neighbours."""
