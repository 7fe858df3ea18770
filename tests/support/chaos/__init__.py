"""Faults at random while people watch and buy, on two nodes made for it (docs/chaos.md)."""
